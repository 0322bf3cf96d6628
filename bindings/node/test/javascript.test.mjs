// Scripts in sandboxes: values both ways, host functions, errors, limits, snapshots, pools.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { JavaScript, JavaScriptPool, Snapshot } from 'libhyperlight'

/** Works with a script and closes it. */
async function using(js, work) {
  try {
    return await work(js)
  } finally {
    js.close()
    assert.equal(js.state, 'closed')
  }
}

const ECHO = 'function echo(...values) { return values.length === 1 ? values[0] : values }'

test('eval gives the value of a piece of source, call that of a function, on both ways', async () => {
  await using(new JavaScript('let count = 0; function next(by) { return count += by }'), async (js) => {
    assert.equal(await js.eval('1 + 1'), 2)
    assert.equal(js.evalSync('`${40 + 2}`'), '42')
    assert.equal(await js.call('next', [5]), 5)
    assert.equal(js.callSync('next', [5]), 10)
    assert.equal(await js.eval('count'), 10)
    assert.equal(await js.eval('Promise.resolve(7)'), 7)
    assert.equal(await js.eval('undefined'), undefined)
    assert.equal(await js.call('Math.max', [1, 3, 2]), 3)
    assert.equal(js.state, 'ready')
  })
})

test('values come back as they were sent', async () => {
  const values = [
    null, true, false, 0, -0, 1.5, -1e300, 2 ** 53, NaN, Infinity, -Infinity, 5e-324, 0n, -(2n ** 70n), 2n ** 64n,
    '', 'text', 'ü€😀 \u0000 "\\', 'half \ud800 a pair', [], [[]], [1, [2, [3, 'x', null]]], {}, { a: 1, b: { c: [true] } },
    new Uint8Array(), new Uint8Array([0, 255, 7]), { bytes: new Uint8Array(1000).fill(9), big: [1n, { deep: 2n ** 90n }] },
    { $bytes: 'AA==' }, { $bigint: '1' }, { $number: 'NaN' }, { $$: 1 }, { $: { $x: { $bytes: 1 } } }, { $$bytes: 'x' },
    { $a: 1, b: 2 }, { toString: 'own' }, JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), JSON.parse('{"__proto__": {"$n": 1n}}'.replace('1n', '1')),
  ]
  await using(new JavaScript(ECHO), async (js) => {
    for (const value of values) {
      assert.deepStrictEqual(js.callSync('echo', [value]), value)
      assert.deepStrictEqual(await js.call('echo', [value]), value)
    }
    assert.deepStrictEqual(await js.call('echo', values), values)
  })
})

test('the script sees the values that they are', async () => {
  await using(new JavaScript('function kind(value) { return Object.prototype.toString.call(value) + typeof value }'), async (js) => {
    for (const [value, kind] of [[1n, '[object BigInt]bigint'], [new Uint8Array(2), '[object Uint8Array]object'], [null, '[object Null]object'],
      [NaN, '[object Number]number'], [[1], '[object Array]object'], [new Date(0), '[object String]string'], [Buffer.from('x'), '[object Uint8Array]object']]) {
      assert.equal(await js.call('kind', [value]), kind)
    }
  })
})

test('what is made by JSON rules is: undefined, toJSON', async () => {
  await using(new JavaScript(ECHO), async (js) => {
    assert.deepStrictEqual(await js.call('echo', [{ a: undefined, b: 1 }]), { b: 1 })
    assert.deepStrictEqual(await js.call('echo', [{ $bytes: 1, b: undefined }]), { $bytes: 1 })
    assert.deepStrictEqual(await js.call('echo', [[undefined]]), [null])
    assert.equal(await js.call('echo', [new Date(0)]), '1970-01-01T00:00:00.000Z')
    assert.deepStrictEqual(await js.call('echo', [{ toJSON: () => ({ n: 1n }) }]), { n: 1n })
    assert.deepStrictEqual(await js.call('echo', [new ArrayBuffer(2)]), new Uint8Array(2))
  })
})

test('bytes are what they were when they were come to', async () => {
  const taken = (spoil) => {
    const bytes = new Uint8Array([1, 2, 3])
    return [bytes, { toJSON: () => spoil(bytes) }, bytes.slice()]
  }
  await using(new JavaScript(ECHO), async (js) => {
    for (const spoil of [(bytes) => bytes.fill(9) && 4, (bytes) => structuredClone(4, { transfer: [bytes.buffer] })]) {
      assert.deepStrictEqual(await js.call('echo', [taken(spoil)]), [new Uint8Array([1, 2, 3]), 4, new Uint8Array([1, 2, 3])])
    }
  })
})

test('what no script could get is refused before anything runs', async () => {
  const cyclic = {}
  cyclic.again = [cyclic]
  await using(new JavaScript(ECHO), async (js) => {
    await js.evolve()
    for (const value of [() => 1, Symbol('x'), new Map(), new Set(), cyclic, new Uint16Array(2), Promise.resolve(1), [{ deep: () => 1 }]]) {
      await assert.rejects(js.call('echo', [value]), { code: 'ERR_HL_INVALID_ARGUMENT', message: /`echo`/ })
      assert.throws(() => js.callSync('echo', [value]), { code: 'ERR_HL_INVALID_ARGUMENT' })
    }
    for (const attempt of [() => js.call(7), () => js.call('echo', 'x'), () => js.eval(7), () => js.eval('1', { timeout: 5 }),
      () => js.call('echo', [], 5), () => js.call('echo', [], { signal: 1 })]) await assert.rejects(attempt, { code: 'ERR_HL_INVALID_ARGUMENT' })
    assert.equal(js.state, 'ready')
  })
})

test('host functions without a signature take and return any JSON values, and may be async', async () => {
  const seen = []
  const hostFunctions = {
    note: { call: (...values) => { seen.push(values) }, openArity: true },
    twice: (value) => ({ twice: [value, value] }),
    later: async (ms, value) => { await sleep(ms); return { value } },
    count: () => seen.length,
  }
  await using(new JavaScript(`
    function all(value) { host.note(value, 1n); return [host.twice(value), host.count(), typeof host.note()] }
    function wait(value) { return host.later(2, value) }`, { hostFunctions }), async (js) => {
    const bytes = new Uint8Array([1, 2])
    assert.deepStrictEqual(await js.call('all', [bytes]), [{ twice: [bytes, bytes] }, 1, 'undefined'])
    assert.deepStrictEqual(js.callSync('all', [{ a: [1] }]), [{ twice: [{ a: [1] }, { a: [1] }] }, 3, 'undefined'])
    assert.deepStrictEqual(seen[0], [bytes, 1n])
    assert.deepStrictEqual(await js.call('wait', ['x']), { value: 'x' })
    assert.throws(() => js.callSync('wait', ['x']), { code: 'ERR_HL_STATE', message: /later.*async/ })
    assert.equal(js.state, 'ready')
  })
})

test('host functions with a signature are held to it', async () => {
  const hostFunctions = {
    add: { params: ['i32', 'i32'], returns: 'i32', call: (a, b) => a + b },
    wide: { params: ['u64'], returns: 'i64', call: (value) => -value },
    text: { params: ['string', 'bool'], returns: 'string', call: (text, loud) => (loud ? text.toUpperCase() : text) },
    sum: { params: ['bytes'], returns: 'f64', call: (bytes) => bytes.reduce((all, byte) => all + byte, 0) / 2 },
    nothing: { call: () => 'ignored' },
    slow: { params: ['i32'], returns: 'i32', call: async (a) => (await sleep(2), a + 1) },
  }
  await using(new JavaScript('', { hostFunctions }), async (js) => {
    assert.equal(await js.eval('host.add(2, 3)'), 5)
    assert.equal(await js.eval('host.wide(5)'), -5n)
    assert.equal(await js.eval('host.wide(2n ** 62n)'), -(2n ** 62n))
    assert.equal(await js.eval('host.text("hé", true)'), 'HÉ')
    assert.equal(await js.eval('host.sum(new Uint8Array([1, 2]))'), 1.5)
    assert.equal(await js.eval('host.nothing()'), undefined)
    assert.equal(await js.eval('host.slow(1)'), 2)
    await assert.rejects(js.eval('host.add(1.5, 2)'), { code: 'ERR_HL_GUEST_ERROR', message: /^(TypeError|RangeError)/ })
    await assert.rejects(js.eval('host.add("1", 2)'), { code: 'ERR_HL_GUEST_ERROR', message: /^TypeError/ })
    await assert.rejects(js.eval('host.nobody()'), { code: 'ERR_HL_GUEST_ERROR', message: /the host has no function nobody/ })
  })
})

test('what a host function throws comes back as the same object, or is caught by the script', async () => {
  class Mine extends Error {}
  for (const thrown of [new Mine('no luck'), 'a string', undefined, { plain: true }]) {
    const hostFunctions = {
      fails: () => { throw thrown },
      rejects: async () => { throw thrown },
      typed: { returns: 'i32', call: () => { throw thrown } },
    }
    const source = 'function caught(name) { try { host[name]() } catch (error) { return error.name + typeof error.message } }'
    await using(new JavaScript(source, { hostFunctions }), async (js) => {
      for (const name of Object.keys(hostFunctions)) {
        const found = await js.eval(`host.${name}()`).then(() => 'nothing', (error) => error)
        assert.equal(found, thrown)
        assert.equal(await js.call('caught', [name]), 'HostErrorstring')
      }
      let found = 'nothing'
      try { js.evalSync('host.fails()') } catch (error) { found = error }
      assert.equal(found, thrown)
      assert.equal(js.state, 'ready')
    })
  }
})

test('a result of a host function that no script could get is an error of the host\'s', async () => {
  await using(new JavaScript('', { hostFunctions: { bad: () => new Map(), worse: async () => () => 1 } }), async (js) => {
    await assert.rejects(js.eval('host.bad()'), { code: 'ERR_HL_INVALID_ARGUMENT', message: /the result of the host function `bad`/ })
    await assert.rejects(js.eval('host.worse()'), { code: 'ERR_HL_INVALID_ARGUMENT', message: /worse/ })
    assert.equal(await js.eval('1'), 1)
  })
})

test('what the engine says through a script is spelled as here, and names what was named here', async () => {
  const hostFunctions = { big: () => 'x'.repeat(20_000), one: () => 1 }
  for (const [source, options, code, words] of [
    ['for (;;) host.one()', { maxHostCalls: 5 }, 'TOO_LARGE', /maxHostCalls/],
    ['console.log("x".repeat(100))', { maxPrintBytes: 10 }, 'TOO_LARGE', /maxPrintBytes/],
    ['host.big()', { inputSize: 8192 }, 'TOO_LARGE', /^no room for the result of the host function `big`: .*inputSize is \d+, raise it$/],
    ['"x".repeat(20000)', { outputSize: 4096 }, 'TOO_LARGE', /raise the output size$/],
  ]) {
    await using(new JavaScript('', { ...options, hostFunctions }), async (js) => {
      for (const attempt of [() => js.eval(source), async () => js.evalSync(source)]) {
        await assert.rejects(attempt, (error) => {
          const engine = error.code === 'ERR_HL_HOST_FUNCTION' ? error.cause : error
          assert.equal(engine.code, `ERR_HL_${code}`)
          for (const { message } of [error, engine]) {
            assert.match(message, words)
            assert.doesNotMatch(message, /[a-z]_[a-z]|json:/)
          }
          return true
        })
      }
    })
  }
  // Also where the script makes an error of its own of it.
  await using(new JavaScript('', { maxHostCalls: 5, hostFunctions }), async (js) => {
    const source = 'try { for (;;) host.one() } catch (error) { throw new Error(`seen: ${error.message}`) }'
    await assert.rejects(js.eval(source), { code: 'ERR_HL_GUEST_ERROR', message: /seen: .*max host calls/ })
  })
  await assert.rejects(new JavaScript('', { heapSize: 4096 }).evolve(), { message: /raise the heap size/ })
})

test('what a script throws has its name, its text and its stack', async () => {
  const source = 'function outer() {\n  inner()\n}\nfunction inner() {\n  throw new RangeError("too much")\n}'
  await using(new JavaScript(source), async (js) => {
    for (const attempt of [() => js.call('outer'), async () => js.callSync('outer')]) {
      await assert.rejects(attempt, (error) => {
        assert.deepEqual([error.name, error.code, error.guestCode], ['HyperlightError', 'ERR_HL_GUEST_ERROR', 1])
        assert.match(error.message, /^RangeError: too much at inner \(main:5.* at outer \(main:2/)
        return true
      })
    }
    await assert.rejects(js.eval('nothing.here'), { code: 'ERR_HL_GUEST_ERROR', message: /^ReferenceError: .*nothing/ })
    await assert.rejects(js.eval('1 +'), { code: 'ERR_HL_GUEST_ERROR', message: /^SyntaxError/ })
    await assert.rejects(js.eval('throw 7'), { code: 'ERR_HL_GUEST_ERROR', message: /7/ })
    await assert.rejects(js.eval('new Promise(() => {})'), { code: 'ERR_HL_GUEST_ERROR', message: /pending/ })
    assert.equal(js.state, 'ready')
  })
})

test('of several failures that a script caught, the one that it throws comes back (case 31)', async () => {
  const failures = Array.from({ length: 70 }, (_, index) => new Error(`failure ${index}`))
  const hostFunctions = { fails: (index) => { throw failures[index] }, typed: { params: ['i32'], returns: 'i32', call: (index) => { throw failures[index] } } }
  const source = `
    function caught(count, which, name) {
      const all = Array.from({ length: count }, (_, index) => { try { host[name](index) } catch (error) { return error } })
      throw all[which]
    }
    function mine(which) { try { host.fails(0) } catch {} throw new RangeError('mine') }
    function causes() { try { host.fails(1) } catch (cause) { throw new Error('mine', { cause }) } }`
  await using(new JavaScript(source, { hostFunctions }), async (js) => {
    const pool = await js.pool({ size: 1 })
    const found = (attempt) => attempt().then(() => 'nothing', (error) => error)
    for (const call of [(...values) => js.call(...values), async (...values) => js.callSync(...values), (...values) => pool.call(...values)]) {
      for (const name of ['fails', 'typed']) {
        for (const [count, which] of [[2, 0], [2, 1], [60, 0], [60, 30], [70, 69]]) {
          assert.equal(await found(() => call('caught', [count, which, name])), failures[which])
        }
        // More than are kept: the script's own error, and no other's.
        const forgotten = await found(() => call('caught', [70, 0, name]))
        assert.equal(forgotten.code, 'ERR_HL_GUEST_ERROR')
        assert.equal(forgotten.cause, undefined)
      }
      const own = await found(() => call('mine'))
      assert.deepEqual([own.code, own.cause, Object.hasOwn(own, 'cause')], ['ERR_HL_GUEST_ERROR', undefined, false])
      const caused = await found(() => call('causes'))
      assert.deepEqual([caused.code, caused.cause], ['ERR_HL_GUEST_ERROR', failures[1]])
    }
    pool.close()
    assert.equal(js.state, 'ready')
  })
})

test('what a script throws comes apart (case 24)', async () => {
  const source = `
    class Mine extends TypeError { name = 'Mine' }
    function one() { const error = new Mine('a "text"\\n\u{1f600}'); error.code = 'E_MINE'; throw error }
    function chain() { throw new Error('outer', { cause: new RangeError('inner', { cause: { big: 5n } }) }) }
    function many() { throw new AggregateError([new Error('first'), 7], 'all') }
    function value(value) { throw value }
    function odd() { const error = new Error('x'); Object.defineProperty(error, 'cause', { get() { throw 1 } }); error.__proto__.toJSON = () => 5; error.errors = error; throw error }
    function huge() { throw new Error('x'.repeat(1e6)) }`
  await using(new JavaScript(source), async (js) => {
    const thrown = async (name, ...values) => {
      const errors = [await js.call(name, values).catch((error) => error)]
      try { js.callSync(name, values) } catch (error) { errors.push(error) }
      assert.equal(errors.length, 2)
      for (const error of errors) {
        assert.deepEqual([error.name, error.code, error.guestCode], ['HyperlightError', 'ERR_HL_GUEST_ERROR', 1])
        assert.equal(typeof error.details, 'string')
        assert.equal(Object.keys(error).includes('details'), false)
      }
      return errors[0].thrown
    }
    const one = await thrown('one')
    assert.deepEqual({ ...one, stack: undefined }, { name: 'Mine', message: 'a "text"\n\u{1f600}', code: 'E_MINE', stack: undefined })
    assert.match(one.stack, /one.*main:3/)
    const chain = await thrown('chain')
    assert.deepEqual([chain.name, chain.cause.name, chain.cause.message, chain.cause.cause], ['Error', 'RangeError', 'inner', { big: 5n }])
    const many = await thrown('many')
    assert.deepEqual([many.name, many.message, many.errors.length, many.errors[0].message, many.errors[1]], ['AggregateError', 'all', 2, 'first', 7])
    for (const value of [7, 'x', null, { a: [1n] }, [true]]) {
      const found = await thrown('value', value)
      assert.deepEqual([found.name, found.value, typeof found.message], [null, value, 'string'])
    }
    assert.equal((await thrown('odd')).message, 'x')
    assert.ok((await thrown('huge')).message.length > 1000)
    assert.equal(js.state, 'ready')
  })
})

test('values are as deep and as large as may be, both ways, and no more (cases 8 to 10)', async () => {
  const nested = (levels, inner) => Array.from({ length: levels }).reduce((value) => [value], inner)
  const tooLarge = (message) => ({ name: 'HyperlightError', code: 'ERR_HL_TOO_LARGE', message })
  let given
  const hostFunctions = { echo: (value) => value, take: (value) => { given = value }, give: (levels) => nested(levels, 1n) }
  await using(new JavaScript(`${ECHO}
    function nested(levels, inner) { let value = inner; while (levels--) value = [value]; return value }
    function huge(bits) { return 2n ** BigInt(bits) - 1n }`, { hostFunctions, heapSize: 32 << 20, inputSize: 8 << 20, outputSize: 8 << 20 }), async (js) => {
    for (const inner of [7, 7n, new Uint8Array([1])]) {
      const deepest = nested(512, inner)
      assert.deepStrictEqual(await js.call('echo', [deepest]), deepest)
      assert.deepStrictEqual(js.callSync('nested', [512, inner]), deepest)
      assert.deepStrictEqual(await js.call('host.echo', [deepest]), deepest)
    }
    await js.eval('host.take(nested(512, 1))')
    assert.deepStrictEqual(given, nested(512, 1))
    assert.deepStrictEqual(await js.eval('host.give(512)'), nested(512, 1n))
    for (const attempt of [() => js.call('echo', [nested(513, 7)]), async () => js.callSync('echo', [nested(5000, 7)]), () => js.call('nested', [513, 7]), () => js.call('nested', [5000, 7]),
      () => js.eval('host.give(513)')]) {
      await assert.rejects(attempt, tooLarge(/512/))
      assert.equal(js.state, 'ready')
    }
    for (const number of [10n ** 6000n, -(10n ** 6000n), 2n ** 65536n - 1n]) {
      assert.equal(await js.call('echo', [number]), number)
      assert.equal(js.callSync('host.echo', [number]), number)
    }
    assert.equal(await js.call('huge', [65536]), 2n ** 65536n - 1n)
    for (const attempt of [() => js.call('echo', [2n ** 65536n]), async () => js.callSync('echo', [-(2n ** 65536n)]), () => js.call('huge', [65537])]) {
      await assert.rejects(attempt, tooLarge(/65536/))
      assert.equal(js.state, 'ready')
    }
    for (const value of [{ $bytes: 'AAAA', x: undefined }, { $bytes: 'AAAA', toJSON: undefined }, { $x: 1, y: { toJSON() {} } }]) {
      const [[name, only]] = Object.entries(value)
      assert.deepStrictEqual(await js.call('echo', [value]), { [name]: only })
    }
    assert.deepStrictEqual(await js.eval('({ $bytes: "AAAA", x: undefined })'), { $bytes: 'AAAA' })
    const long = 'é'.repeat(3e6)
    assert.ok(await js.call('echo', [long]) === long)
  })
})

test('a function that a script does not have is not found, as in any other sandbox', async () => {
  await using(new JavaScript('const data = { n: 1 }'), async (js) => {
    const pool = await js.pool({ size: 1 })
    for (const name of ['nobody', 'data', 'data.n', '']) {
      const expected = { name: 'HyperlightError', code: 'ERR_HL_FUNCTION_NOT_FOUND', message: `the script has no function \`${name}\`, neither exported by a module nor global` }
      await assert.rejects(js.call(name), expected)
      assert.throws(() => js.callSync(name), expected)
      await assert.rejects(pool.call(name), expected)
    }
    assert.equal(js.state, 'ready')
    pool.close()
  })
})

test('a script that fails at its start says so where it starts, and is closed', async () => {
  const thrown = new Error('mine')
  for (const [source, expected] of [['throw new Error("at once")', { code: 'ERR_HL_GUEST_ERROR', message: /^Error: at once at .*main:1/ }],
    ['function (', { code: 'ERR_HL_GUEST_ERROR', message: /^SyntaxError/ }], ['import "nowhere"', { code: 'ERR_HL_GUEST_ERROR', message: /nowhere/ }],
    ['host.fails()', thrown], ['for (;;) {}', { code: 'ERR_HL_TIMEOUT' }]]) {
    for (const way of ['evolve', 'eval', 'evalSync', 'call']) {
      const js = new JavaScript(source, { timeoutMs: 500, hostFunctions: { fails: () => { throw thrown } } })
      await assert.rejects(async () => js[way](...(way === 'evolve' ? [] : ['1'])), expected)
      assert.equal(js.state, 'closed')
      await assert.rejects(js.eval('1'), { code: 'ERR_HL_CLOSED' })
    }
  }
})

test('while it starts it is busy, and starts once', async () => {
  let starts = 0
  await using(new JavaScript('host.start()', { hostFunctions: { start: async () => { await sleep(5); starts += 1 } } }), async (js) => {
    assert.equal(js.state, 'uninitialized')
    await assert.rejects(js.evolve({ signal: AbortSignal.abort() }), { name: 'AbortError' })
    assert.equal(js.state, 'uninitialized')
    const first = js.eval('1')
    assert.equal(js.state, 'running')
    await assert.rejects(js.eval('2'), { code: 'ERR_HL_BUSY' })
    await assert.rejects(js.evolve(), { code: 'ERR_HL_BUSY' })
    await assert.rejects(js.snapshot(), { code: 'ERR_HL_BUSY' })
    assert.throws(() => js.evalSync('3'), { code: 'ERR_HL_BUSY' })
    assert.equal(await first, 1)
    assert.equal(await js.eval('4'), 4)
    await assert.rejects(js.evolve(), { code: 'ERR_HL_STATE' })
    assert.equal(starts, 1)
  })
})

test('modules export what is called and import what they were given', async (context) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const main = new URL(`file://${directory}/main.mjs`)
  fs.writeFileSync(main, 'import { twice } from "./tools.mjs"\nexport const four = (n) => twice(twice(n))\nexport { twice as double }')
  const modules = { 'tools.mjs': 'import base from "base"\nexport function twice(n) { return base * n }', base: 'export default 2' }
  await using(new JavaScript(main, { modules }), async (js) => {
    assert.equal(await js.call('four', [5]), 20)
    assert.equal(js.callSync('double', [5]), 10)
    await js.load('export function extra() { return 1 }', { name: 'extra.mjs' })
    assert.equal(await js.call('extra'), 1)
    await js.load('globalThis.later = () => "here"')
    assert.equal(await js.call('later'), 'here')
  })
  assert.throws(() => new JavaScript(new URL('file:///nowhere.js')), { code: 'ENOENT' })
  assert.throws(() => new JavaScript('', { modules: { a: 7 } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /"a"/ })
})

test('options and host functions are checked', () => {
  const invalid = (message) => ({ code: 'ERR_HL_INVALID_ARGUMENT', message })
  assert.throws(() => new JavaScript(7), invalid(/source/))
  assert.throws(() => new JavaScript('', { heapsize: 1 }), invalid(/"heapsize".*hostFunctions.*modules/))
  assert.throws(() => new JavaScript('', { hostFunctions: { x: 1 } }), invalid(/`x`/))
  assert.throws(() => new JavaScript('', { hostFunctions: { x: { params: ['int'], call() {} } } }), invalid(/"int"/))
  assert.throws(() => new JavaScript('', { hostFunctions: { x: { params: [] } } }), invalid(/`x`/))
  assert.throws(() => new JavaScript('', { modules: { '': '' } }), invalid(/module/))
})

test('what it prints goes to print', async () => {
  const printed = []
  await using(new JavaScript('console.log("at", "start")', { print: (text) => printed.push(text) }), async (js) => {
    await js.eval('console.log("hello", 1, [2]); console.log()')
    const text = printed.join('')
    assert.match(text, /^at start\nhello 1 \[ ?2 ?\]\n\n$/)
  })
})

test('endless loops end in time, by signal, and by interrupt', async () => {
  await using(new JavaScript('function spin() { for (;;) {} }', { timeoutMs: 2000 }), async (js) => {
    await js.evolve()
    const snapshot = await js.snapshot()
    for (const [attempt, expected] of [
      [() => js.call('spin', [], { timeoutMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [async () => js.callSync('spin', [], { timeoutMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [() => js.eval('for (;;) {}', { cpuTimeMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [() => js.eval('/(a+)+$/.test("a".repeat(40) + "b")', { timeoutMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [() => js.call('spin', [], { signal: AbortSignal.timeout(30) }), { name: 'TimeoutError' }],
      [() => { setTimeout(() => assert.equal(js.interrupt(), true), 30); return js.call('spin') }, { code: 'ERR_HL_INTERRUPTED' }],
    ]) {
      await assert.rejects(attempt, expected)
      assert.equal(js.state, 'poisoned')
      await js.restore(snapshot)
      assert.equal(await js.eval('1 + 1'), 2)
    }
    await assert.rejects(js.eval('1', { signal: AbortSignal.abort() }), { name: 'AbortError' })
    assert.throws(() => js.callSync('spin', [], { signal: AbortSignal.timeout(5) }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  })
})

test('deep recursion and greed are errors, and the script goes on or can be restored', async () => {
  await using(new JavaScript('function deep() { return deep() }', { timeoutMs: 20_000 }), async (js) => {
    await js.evolve()
    const snapshot = await js.snapshot()
    for (const source of ['deep()', 'let all = []; for (;;) all.push(new Uint8Array(1 << 16))', '"x".repeat(1 << 28)', 'JSON.parse("[".repeat(1e6))']) {
      await assert.rejects(js.eval(source), (error) => error.code.startsWith('ERR_HL_GUEST') || error.code === 'ERR_HL_STACK_OVERFLOW')
      if (js.state === 'poisoned') await js.restore(snapshot)
      assert.equal(await js.eval('1 + 1'), 2)
    }
  })
})

test('the event loop goes on while scripts run', async () => {
  await using(new JavaScript('function work(ms) { const end = Date.now() + ms; while (Date.now() < end); return 1 }'), async (js) => {
    await js.evolve()
    const pending = js.call('work', [200])
    let ticks = 0
    const timer = setInterval(() => { ticks += 1 }, 5).unref()
    assert.equal(js.state, 'running')
    await assert.rejects(js.eval('1'), { code: 'ERR_HL_BUSY' })
    assert.equal(await pending, 1)
    clearInterval(timer)
    assert.ok(ticks >= 5, `${ticks} ticks`)
  })
})

test('a snapshot, a clone and a file go on where the script was', async (context) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const hostFunctions = { name: () => 'first' }
  const js = new JavaScript('let count = 0; const next = () => ++count; const name = () => host.name()', { hostFunctions })
  await js.eval('next()')
  const snapshot = await js.snapshot()
  await js.eval('next(); next()')
  await js.restore(snapshot)
  assert.equal(await js.eval('count'), 1)
  js.close()
  await using(new JavaScript(snapshot, { hostFunctions: { name: () => 'second' } }), async (clone) => {
    assert.deepEqual([await clone.eval('next()'), await clone.eval('name()')], [2, 'second'])
  })
  await assert.rejects(new JavaScript(snapshot).evolve(), { code: 'ERR_HL_SNAPSHOT_MISMATCH', message: /: `name` \(any values\) is missing$/ })
  assert.throws(() => new JavaScript(snapshot, { modules: {} }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  const file = path.join(directory, 'warm.hls')
  await snapshot.save(file)
  await using(new JavaScript(Snapshot.load(file), { hostFunctions }), async (clone) => assert.equal(await clone.eval('next()'), 2))
})

test('a pool of a warmed script serves pristine members, with its host functions and limits', async () => {
  const printed = []
  const thrown = new Error('mine')
  const hostFunctions = { later: async (value) => { await sleep(1); if (value < 0) throw thrown; return [value] }, add: { params: ['i32', 'i32'], returns: 'i32', call: (a, b) => a + b } }
  const js = new JavaScript(`
    let count = 0
    async function handler(request) { count += 1; console.log(request.id); return { id: request.id, count, later: await host.later(request.id), sum: host.add(request.id, 1) } }`,
  { hostFunctions, timeoutMs: 5000, print: (text) => printed.push(text) })
  const pool = await js.pool({ size: 3 })
  js.close()
  const results = await Promise.all(Array.from({ length: 20 }, (_, id) => pool.call('handler', [{ id }])))
  assert.deepEqual(results, Array.from({ length: 20 }, (_, id) => ({ id, count: 1, later: [id], sum: id + 1 })))
  assert.equal(printed.length, 20)
  assert.equal(await pool.call('handler', [{ id: -1 }]).catch((error) => error), thrown)
  assert.equal(await pool.eval('count'), 0)
  await assert.rejects(pool.eval('for (;;) {}', { timeoutMs: 20 }), { code: 'ERR_HL_TIMEOUT' })
  await assert.rejects(pool.eval('for (;;) {}', { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
  const member = await pool.acquire()
  assert.ok(member instanceof JavaScript)
  assert.equal((await member.call('handler', [{ id: 1 }])).count, 1)
  assert.equal(member.evalSync('count'), 1)
  assert.equal(pool.statistics.inUse, 1)
  member.close()
  assert.equal(pool.statistics.inUse, 0)
  pool.close()
  await assert.rejects(pool.eval('1'), { code: 'ERR_HL_CLOSED' })
})

test('a pool can be made of a snapshot, with other host functions', async () => {
  const js = new JavaScript('const ask = () => host.ask()', { hostFunctions: { ask: () => 1 } })
  await js.evolve()
  const snapshot = await js.snapshot()
  js.close()
  const pool = new JavaScriptPool(snapshot, { size: 1, hostFunctions: { ask: () => 2 } })
  assert.equal(await pool.eval('ask()'), 2)
  pool.close()
  await assert.rejects(new JavaScript('').pool({ hostFunctions: {} }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new JavaScriptPool(7), { code: 'ERR_HL_INVALID_ARGUMENT' })
})

test('clones and members do not share their randomness', async () => {
  const js = new JavaScript('Math.random(); const roll = () => Math.random()')
  const pool = await js.pool({ size: 2 })
  js.close()
  const rolls = await Promise.all(Array.from({ length: 8 }, () => pool.call('roll')))
  assert.equal(new Set(rolls).size, 8)
  pool.close()
})
