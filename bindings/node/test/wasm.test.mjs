// WebAssembly in sandboxes: core modules, components, WASI commands.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { JavaScript, Snapshot, Wasm, WasmMemory, WasmPool, WasmProgram } from 'libhyperlight'

const file = (name) => path.join(import.meta.dirname, 'programs', `${name}.wasm`)
const core = fs.readFileSync(file('core'))
const component = fs.readFileSync(file('component'))
const IMPORTS = { log: (_value) => {}, 'math.mul': (a, b) => Number(a) * b }
const TOOLS = { shout: (_text) => {}, 'test:host/tools#double': (value) => value * 2n }

/** Works with a program and closes it. */
async function using(wasm, work) {
  try {
    return await work(wasm)
  } finally {
    wasm.close()
    assert.equal(wasm.state, 'closed')
  }
}

test('exported functions are called with values of their types, on both ways', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS }), async (wasm) => {
    for (const [name, values, expected] of [['add', [2, 3], 5], ['add', [2 ** 31 - 1, 1], -(2 ** 31)], ['wide', [2n ** 40n], 2n ** 41n],
      ['wide', [-1n], -2n], ['half', [3], 1.5], ['half', [NaN], NaN], ['third', [-0], -0], ['third', [1e300], 1e300 / 3], ['nothing', [], undefined],
      ['fib', [20], 6765n], ['swap', [7, -(2n ** 63n)], [-(2n ** 63n), 7]]]) {
      assert.deepStrictEqual(wasm.callSync(name, values), expected)
      assert.deepStrictEqual(await wasm.call(name, values), expected)
      assert.deepStrictEqual(await wasm.call(name, values, { timeoutMs: 5000 }), expected)
    }
    assert.equal(await wasm.call('next'), 1)
    assert.equal(wasm.callSync('next'), 2)
    await assert.rejects(wasm.call('add', [1.5, 2]), { code: 'ERR_HL_SIGNATURE' })
    await assert.rejects(wasm.call('wide', [1]), { code: 'ERR_HL_SIGNATURE', message: /bigint/ })
    await assert.rejects(wasm.call('add', [1]), { code: 'ERR_HL_SIGNATURE' })
    await assert.rejects(wasm.call('add', [1, 2], { timeout: 5 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /timeoutMs/ })
    await assert.rejects(wasm.call('nobody'), { code: 'ERR_HL_FUNCTION_NOT_FOUND' })
    assert.equal(wasm.state, 'ready')
  })
})

test('the arguments of a call are one array, as those of a script are, and the options follow it', async () => {
  const pool = await using(new Wasm(core, { hostFunctions: IMPORTS }), async (wasm) => {
    const pool = await wasm.pool({ size: 1 })
    const of = (subject) => [(...given) => subject.call(...given), async (...given) => (subject.callSync ?? subject.call).apply(subject, given)]
    for (const call of [wasm, pool].flatMap(of)) {
      assert.equal(await call('add', Object.freeze([2, 3]), { timeoutMs: 5000, cpuTimeMs: undefined }), 5)
      assert.equal(await call('nothing'), undefined)
      assert.equal(await call('nothing', undefined, undefined), undefined)
      // As calls were written before.
      for (const old of [['add', 2, 3], ['log', 7], ['nothing', { timeoutMs: 5000 }], ['fib', 20, { timeoutMs: 5000 }], ['add', new Uint8Array(2)], ['nothing', null]]) {
        await assert.rejects(call(...old), { code: 'ERR_HL_INVALID_ARGUMENT', message: /^the arguments of `\w+` are one array, call\(name, \[arguments\], options\), found / })
      }
      await assert.rejects(call('add', [2], 3), { code: 'ERR_HL_SIGNATURE', message: /takes 2 arguments, found 1 in the array/ })
      await assert.rejects(call('add', [2, 3, { timeoutMs: 5000 }]), { code: 'ERR_HL_SIGNATURE', message: /found 3 in the array: call\(name, \[arguments\], options\)/ })
      await assert.rejects(call('add', [2, 3], [4]), { code: 'ERR_HL_INVALID_ARGUMENT', message: /options of a call/ })
      // A hole is no number.
      await assert.rejects(call('add', Array(2)), { code: 'ERR_HL_SIGNATURE' })
    }
    return pool
  })
  pool.close()
  for (const call of [(js, ...given) => js.call(...given), async (js, ...given) => js.callSync(...given)]) {
    const js = new JavaScript('function f() {}')
    await assert.rejects(call(js, 'f', 2, 3), { code: 'ERR_HL_INVALID_ARGUMENT', message: /one array, call\(name, \[arguments\], options\), found 2/ })
    js.close()
  }
})

test('what a program may ask of the compiler is bounded', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS, maxProgramSize: core.length, compileTimeoutMs: Infinity }), async (wasm) => {
    assert.equal(await wasm.call('add', [2, 3]), 5)
  })
  const tooLarge = { code: 'ERR_HL_GUEST_BINARY', message: /raise maxProgramSize if/ }
  assert.throws(() => new Wasm(core, { maxProgramSize: core.length - 1 }), tooLarge)
  await assert.rejects(Wasm.compile(core, { maxProgramSize: 1 }), tooLarge)
  // (module (func (export "f"))), with a custom section, so that it was not compiled before
  const slow = Buffer.from('0061736d0100000001040160000003020100070501016600000a040102000b0003017a7a', 'hex')
  const tooLong = { code: 'ERR_HL_TIMEOUT', message: /raise compileTimeoutMs if/ }
  assert.throws(() => new Wasm(slow, { compileTimeoutMs: 1e-6 }), tooLong)
  await assert.rejects(Wasm.compile(slow, { compileTimeoutMs: 1e-6 }), tooLong)
  await using(await Wasm.compile(slow), (wasm) => wasm.call('f'))
  await assert.rejects(Wasm.compile(core, { compileTimeoutMs: -1 }), { code: 'ERR_HL_INVALID_ARGUMENT' })
})

test('a compiled program can be kept, and is given what it finds around itself when it is used', async () => {
  for (const program of [new WasmProgram(core), await WasmProgram.compile(core, { compileThreads: 1, maxProgramSize: core.length }),
    await WasmProgram.compile(file('core'))]) {
    const again = WasmProgram.fromBytes(new Uint8Array(program.toBytes()))
    assert.deepEqual(again.toBytes(), program.toBytes())
    for (const make of [() => new Wasm(again, { hostFunctions: IMPORTS }), () => Wasm.compile(again, { hostFunctions: IMPORTS })]) {
      await using(await make(), async (wasm) => {
        assert.equal(await wasm.call('fib', [20]), 6765n)
        assert.equal(wasm.functions.find(({ name }) => name === 'fib').signature, 'fib(i32) -> i64')
      })
    }
  }
  const command = WasmProgram.fromBytes(new WasmProgram(file('command')).toBytes())
  for (const args of [['command'], ['command', 'in', 'b']]) {
    let printed = ''
    await using(new Wasm(command, { wasi: { args }, print: (text) => { printed += text } }), async (wasm) => assert.equal(await wasm.run(), args.length))
    assert.ok(printed.startsWith(args.join('\n')), printed)
  }
  assert.throws(() => new Wasm(command, { wasi: { args: ['\0'] } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /NUL/ })
  const saved = new WasmProgram(core).toBytes()
  for (const damaged of [Buffer.alloc(0), core, saved.subarray(1), saved.subarray(0, -1), saved.map((byte, at) => (at === 100 ? byte ^ 1 : byte))]) {
    assert.throws(() => WasmProgram.fromBytes(damaged), { code: 'ERR_HL_GUEST_BINARY', message: /saved program/ })
  }
  // @ts-expect-error
  assert.throws(() => WasmProgram.fromBytes('text'), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new WasmProgram(core, { compileThreads: -1 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /compileThreads/ })
  // @ts-expect-error
  assert.throws(() => new WasmProgram(core, { wasi: {} }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /wasi/ })
  assert.throws(() => WasmProgram.prototype.toBytes.call({}), TypeError)
})

test('what a program exports is known before it starts', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS }), async (wasm) => {
    assert.equal(wasm.state, 'uninitialized')
    const found = new Map(wasm.functions.map((each) => [each.name, each]))
    assert.deepEqual(found.get('fib'), { name: 'fib', params: ['i32'], returns: 'i64', signature: 'fib(i32) -> i64' })
    assert.deepEqual(found.get('swap'), { name: 'swap', params: ['i32', 'i64'], returns: 'json', signature: 'swap(i32, i64) -> (i64, i32)' })
    assert.equal(found.get('nothing').returns, 'void')
    assert.ok([...found.keys()].every((name) => !name.startsWith('hyperlight:')))
  })
})

test('compiling goes on on another thread, from bytes, a path and a URL', async () => {
  let ticks = 0
  const timer = setInterval(() => { ticks += 1 }, 1).unref()
  // Another program each time, so that it is compiled and not remembered.
  const own = Buffer.concat([core, Buffer.from([0, 5, 4]), Buffer.from(`t${String(process.pid).slice(-3).padStart(3, '0')}`)])
  await using(await Wasm.compile(own, { hostFunctions: IMPORTS }), async (wasm) => assert.equal(await wasm.call('add', [1, 2]), 3))
  clearInterval(timer)
  assert.ok(ticks > 0)
  for (const source of [file('core'), new URL(`file://${file('core')}`), new Uint8Array(core)]) {
    await using(await Wasm.compile(source, { hostFunctions: IMPORTS }), async (wasm) => assert.equal(wasm.callSync('add', [1, 2]), 3))
    await using(new Wasm(source, { hostFunctions: IMPORTS }), async (wasm) => assert.equal(wasm.callSync('add', [1, 2]), 3))
  }
})

test('what is no program is refused', async () => {
  for (const source of [new Uint8Array(), Buffer.from('(module)'), core.subarray(0, 100), Buffer.concat([core.subarray(0, 60), Buffer.alloc(40, 0xff)])]) {
    assert.throws(() => new Wasm(source), { code: 'ERR_HL_GUEST_BINARY' })
    await assert.rejects(Wasm.compile(source), { code: 'ERR_HL_GUEST_BINARY' })
  }
  assert.throws(() => new Wasm(7), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new Wasm('/nowhere.wasm'), { code: 'ENOENT' })
  await assert.rejects(Wasm.compile('/nowhere.wasm'), { code: 'ENOENT' })
  assert.throws(() => new Wasm(core, { wasm: 1 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /"wasm".*wasi/ })
  assert.throws(() => new Wasm(core, { hostFunctions: IMPORTS, wasi: { argv: [] } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /"argv".*args/ })
  for (const wasi of [{ args: [7] }, { args: 'x' }, { env: { A: 7 } }, { files: { a: 7 } }, { files: { '../a': '' } }, { env: { 'A=B': 'x' } }, { args: ['\0'] }]) {
    assert.throws(() => new Wasm(core, { hostFunctions: IMPORTS, wasi }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  }
})

test('imports are host functions: with the import\'s signature, or their own; sync and async', async () => {
  const seen = []
  const thrown = new Error('mine')
  await using(new Wasm(core, { hostFunctions: {
    log: (value) => { if (value < 0) throw thrown; seen.push(value) },
    'math.mul': { params: ['i64', 'f64'], returns: 'f64', call: async (a, b) => { await sleep(1); return Number(a) * b } },
  } }), async (wasm) => {
    await wasm.call('log', [7])
    wasm.callSync('log', [8])
    assert.deepEqual(seen, [7, 8])
    assert.equal(await wasm.call('multiply', [3n, 0.5]), 1.5)
    assert.throws(() => wasm.callSync('multiply', [3n, 0.5]), { code: 'ERR_HL_STATE', message: /math\.mul.*async/ })
    assert.equal(await wasm.call('log', [-1]).catch((error) => error), thrown)
    assert.throws(() => wasm.callSync('log', [-1]), (error) => error === thrown)
    assert.equal(wasm.state, 'ready')
  })
  assert.throws(() => new Wasm(core, { hostFunctions: { print: () => {} } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /`print` needs a signature.*`log`, `math.mul`/ })
  assert.throws(() => new Wasm(core, { hostFunctions: { log: 7 } }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  await using(new Wasm(core), async (wasm) => {
    assert.equal(await wasm.call('add', [1, 2]), 3)
    await assert.rejects(wasm.call('log', [1]), { message: /log/ })
  })
})

test('memories are read and written, and grow', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS }), async (wasm) => {
    const memory = wasm.memory()
    assert.ok(memory instanceof WasmMemory)
    assert.equal(await memory.size(), 65536)
    assert.equal(Buffer.from(await memory.read(16, 5)).toString(), 'hello')
    await memory.write(1024, new Uint8Array([1, 2, 3, 4]))
    assert.equal(await wasm.call('load', [1024]), 0x04030201)
    memory.writeSync(1024, Buffer.from([5]))
    assert.deepEqual(memory.readSync(1023, 3), new Uint8Array([0, 5, 2]))
    assert.equal(wasm.callSync('grow', [1]), 1)
    assert.equal(memory.sizeSync(), 131072)
    assert.equal(await wasm.memory('other').size(), 131072)
    await assert.rejects(memory.read(131072, 1), { code: 'ERR_HL_GUEST_ERROR', guestCode: 5 })
    await assert.rejects(memory.write(131070, new Uint8Array(3)), { code: 'ERR_HL_GUEST_ERROR' })
    for (const attempt of [() => memory.read(-1, 1), () => memory.read(0.5, 1), () => memory.write(0, 'x')]) {
      await assert.rejects(attempt, { code: 'ERR_HL_INVALID_ARGUMENT' })
    }
    assert.throws(() => wasm.memory('nobody'), { code: 'ERR_HL_FUNCTION_NOT_FOUND', message: /`memory`, `other`/ })
    assert.throws(() => new WasmMemory(), { code: 'ERR_HL_INVALID_ARGUMENT' })
    assert.equal(wasm.state, 'ready')
  })
})

test('traps are errors that say where, and the program goes on', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS }), async (wasm) => {
    for (const [name, values, message] of [['divide', [1, 0], /divide by zero/], ['unreachable', [], /unreachable/], ['load', [1 << 20], /out of bounds/],
      ['deep', [1n], /stack/]]) {
      for (const way of ['call', 'callSync']) {
        await assert.rejects(async () => wasm[way](name, values), { name: 'HyperlightError', code: 'ERR_HL_GUEST_ERROR', guestCode: 1, message })
        assert.equal(wasm.state, 'ready')
      }
    }
    assert.equal(await wasm.call('add', [1, 2]), 3)
  })
})

test('endless loops end in time and by signal, and a restore mends them', async () => {
  await using(new Wasm(core, { hostFunctions: IMPORTS, timeoutMs: 2000 }), async (wasm) => {
    await wasm.evolve()
    const snapshot = await wasm.snapshot()
    for (const [attempt, expected] of [[() => wasm.call('spin', [], { timeoutMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [async () => wasm.callSync('spin', [], { timeoutMs: 30 }), { code: 'ERR_HL_TIMEOUT' }],
      [() => wasm.call('spin', [], { signal: AbortSignal.timeout(30) }), { name: 'TimeoutError' }],
      [() => { setTimeout(() => wasm.interrupt(), 30); return wasm.call('spin') }, { code: 'ERR_HL_INTERRUPTED' }]]) {
      await assert.rejects(attempt, expected)
      assert.equal(wasm.state, 'poisoned')
      await wasm.restore(snapshot)
      assert.equal(await wasm.call('next'), 1)
    }
  })
})

test('snapshots, clones, files and pools', async (context) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const wasm = new Wasm(core, { hostFunctions: IMPORTS })
  await wasm.call('next')
  const snapshot = await wasm.snapshot()
  const pool = await wasm.pool({ size: 2 })
  wasm.close()
  assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => pool.call('next'))), Array(10).fill(2))
  assert.deepEqual(await pool.call('swap', [1, 2n]), [2n, 1])
  await assert.rejects(pool.call('unreachable'), { code: 'ERR_HL_GUEST_ERROR' })
  const member = await pool.acquire()
  assert.ok(member instanceof Wasm)
  assert.deepEqual([await member.call('next'), member.callSync('next'), member.callSync('swap', [1, 2n])], [2, 3, [2n, 1]])
  await member.memory().write(0, new Uint8Array(4))
  member.close()
  pool.close()
  await using(new Wasm(snapshot, { hostFunctions: IMPORTS }), async (clone) => {
    assert.deepEqual([await clone.call('next'), await clone.call('swap', [1, 2n])], [2, [2n, 1]])
  })
  const other = new WasmPool(snapshot, { hostFunctions: IMPORTS })
  assert.deepEqual(await other.call('swap', [1, 2n]), [2n, 1])
  other.close()
  const saved = path.join(directory, 'warm.hls')
  await snapshot.save(saved)
  await using(new Wasm(Snapshot.load(saved), { hostFunctions: { log: { params: ['i32'], call() {} }, 'math.mul': { params: ['i64', 'f64'], returns: 'f64', call: () => 1 } } }), async (clone) => {
    assert.equal(await clone.call('next'), 2)
    assert.deepEqual(clone.functions.find(({ name }) => name === 'add'), { name: 'add', params: ['i32', 'i32'], returns: 'i32' })
  })
  await using(new Wasm(core, { snapshot: Snapshot.load(saved), hostFunctions: IMPORTS }), async (clone) => {
    assert.deepEqual([await clone.call('next'), await clone.call('swap', [1, 2n])], [2, [2n, 1]])
  })
  const loaded = Snapshot.load(saved)
  await using(await Wasm.compile(core, { snapshot: loaded, hostFunctions: IMPORTS }), async (clone) => assert.equal(await clone.call('next'), 2))
  const known = new WasmPool(loaded, { hostFunctions: IMPORTS })
  assert.deepEqual(await known.call('swap', [1, 2n]), [2n, 1])
  known.close()
  assert.throws(() => new Wasm(core, { snapshot: 7 }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new Wasm(core, { snapshot: {} }), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new Wasm(snapshot, { wasi: {} }), { code: 'ERR_HL_INVALID_ARGUMENT' })
})

test('a WASI command gets what it is given and nothing else, and its exit code comes back', async () => {
  const printed = []
  const options = { print: (text) => printed.push(text), wasi: {
    args: ['command', 'in/text', 'ü'], env: { LANG: 'C', EMPTY: '' }, files: { 'in/text': 'contents', 'in/bytes': new Uint8Array([1]) } } }
  await using(await Wasm.compile(file('command'), options), async (wasm) => assert.equal(await wasm.run(), 3))
  assert.equal(printed.join(''), 'command\nin/text\nü\ncontents\nLANG=C\nEMPTY=\n')
  printed.length = 0
  await using(new Wasm(file('command'), { ...options, wasi: { args: ['c', '../etc/passwd'] } }), async (wasm) => assert.equal(wasm.runSync(), 2))
  assert.equal(printed.join(''), 'c\n../etc/passwd\nno file\n')
  await using(new Wasm(file('command'), options), async (wasm) => {
    const pool = await wasm.pool({ size: 1 })
    printed.length = 0
    for (let round = 0; round < 3; round += 1) assert.equal(await pool.run({ timeoutMs: 5000 }), 3)
    assert.equal(printed.join('').length, 3 * 'command\nin/text\nü\ncontents\nLANG=C\nEMPTY=\n'.length)
    pool.close()
  })
})

test('a component takes and returns the values of its types', async () => {
  await using(new Wasm(component, { hostFunctions: TOOLS }), async (wasm) => {
    for (const [name, values, expected] of [['add', [-2, 255], 253], ['twice', [2n ** 62n], 2n ** 63n], ['same', ['hé😀'], 'hé😀'], ['not', [true], false],
      ['same-bytes', [new Uint8Array([1, 255])], new Uint8Array([1, 255])], ['same-list', [[1n, 2n ** 64n - 1n]], [1n, 2n ** 64n - 1n]],
      ['same-list', [new BigUint64Array(2)], [0n, 0n]], ['older', [{ name: 'Ada', age: 36 }], { name: 'Ada', age: 37 }], ['some', [0], null], ['some', [7], 7],
      ['half', [2n ** 63n], { ok: 2n ** 62n }], ['half', [3n], { err: 'odd' }]]) {
      assert.deepStrictEqual(wasm.callSync(name, values), expected)
      assert.deepStrictEqual(await wasm.call(name, values), expected)
      assert.deepStrictEqual(await wasm.call(name, values, { timeoutMs: 5000 }), expected)
    }
    assert.deepEqual(wasm.functions.find(({ name }) => name === 'older'), { name: 'older', params: ['json'], returns: 'json',
      signature: 'older(who: record { name: string, age: u32 }) -> record { name: string, age: u32 }' })
    for (const [name, value, message] of [['older', { name: 'x' }, /argument 1 of `older` lacks the field `age`/], ['older', { name: 'x', age: 1, more: 1 }, /"more"/],
      ['older', 7, /object/], ['same-list', [1], /argument 1 of `same-list`\[0\] must be a bigint \(u64\)/], ['same-list', [2n ** 64n], /does not fit u64/]]) {
      await assert.rejects(wasm.call(name, [value]), { code: 'ERR_HL_SIGNATURE', message })
    }
    assert.equal(wasm.state, 'ready')
  })
})

test('every type of a component goes in and comes out as it is', async () => {
  const cases = {
    'colour-of': ['red', 'light-green'], 'rights-of': [[], ['read'], ['read', 'write', 'run']], 'shape-of': ['point', { circle: 1.5 }, { circle: -0 }],
    letter: ['a', 'é', '😀'], maybe: [null, 0, 7], perhaps: [null, { some: null }, { some: 7 }], outcome: [{ ok: 7 }, { err: undefined }],
    'tuple-of': [[-(2n ** 63n), true, '€', 0.5], [1n, false, 'x', NaN]], floats: [[], [0, -0, 0.1, 1e300, 5e-324, NaN, Infinity, -Infinity, 2 ** 70, 12345678901234567890]],
    'bytes-in-list': [[], [new Uint8Array(), new Uint8Array([1, 255])]], texts: [[], [['"\\\n', 'x'], ['1234567890123456789', null], ['ü😀', '']]],
  }
  await using(new Wasm(file('types')), async (wasm) => {
    for (const [name, values] of Object.entries(cases)) {
      for (const value of values) assert.deepStrictEqual(await wasm.call(name, [value]), value, name)
    }
    assert.deepStrictEqual(await wasm.call('rights-of', [new Set(['run', 'read'])]), ['read', 'run'])
    assert.deepStrictEqual(wasm.callSync('maybe', [undefined]), null)
    assert.deepStrictEqual(wasm.callSync('floats', [new Float64Array([1.5])]), [1.5])
    for (const [name, value, message] of [['colour-of', 'blue', /`red`, `light-green`, found "blue"/], ['rights-of', ['fly'], /`read`, `write`, `run`, found "fly"/],
      ['shape-of', 'circle', /an object \{ circle \} with its value/], ['shape-of', { point: 1 }, /`point` without a value/], ['shape-of', { circle: 1, point: 1 }, /one of/], ['outcome', 7, /one of `ok`, `err`/],
      ['maybe', -1, /u32/], ['tuple-of', [1n], /array of 4/], ['tuple-of', [1, true, 'x', 0], /\[0\] must be a bigint \(s64\)/], ['floats', ['x'], /\[0\] must be a number \(f64\)/]]) {
      await assert.rejects(wasm.call(name, [value]), { code: 'ERR_HL_SIGNATURE', message }, name)
    }
    for (const value of ['two', '', 7]) {
      const refused = { code: 'ERR_HL_SIGNATURE', message: /^argument 1 of `letter` must be/ }
      assert.throws(() => wasm.callSync('letter', [value]), refused)
      await assert.rejects(wasm.call('letter', [value]), refused)
    }
    assert.equal(wasm.state, 'ready')
  })
})

test('a value that its kind has, and its type has not, is refused before the guest has it', async () => {
  let answer = 255
  for (const ask of [() => answer, async () => answer]) {
    await using(new Wasm(file('narrow'), { hostFunctions: { ask } }), async (wasm) => {
      answer = 255
      assert.deepEqual([await wasm.call('same', [255]), await wasm.call('asked')], [255, 255])
      for (const value of [256, 4_000_000_000]) {
        const refused = (what) => ({ code: 'ERR_HL_SIGNATURE', message: `${what} does not fit u8` })
        assert.throws(() => wasm.callSync('same', [value]), refused('argument 1 of `same`'))
        await assert.rejects(wasm.call('same', [value]), refused('argument 1 of `same`'))
      }
      answer = 256
      await assert.rejects(wasm.call('asked'), { code: 'ERR_HL_SIGNATURE', message: 'the result of the host function `ask` does not fit u8' })
    })
  }
})

test('a component\'s imports are host functions, of itself and of interfaces', async () => {
  const heard = []
  const thrown = new Error('mine')
  const hostFunctions = { shout: async (text) => { await sleep(1); heard.push(text) }, 'test:host/tools#double': (value) => { if (value === 0n) throw thrown; return value + value } }
  await using(await Wasm.compile(component, { hostFunctions }), async (wasm) => {
    await wasm.call('shout', ['hear'])
    assert.deepEqual(heard, ['hear'])
    assert.equal(await wasm.call('twice', [4n]), 8n)
    const pool = await wasm.pool({ size: 1 })
    assert.deepEqual(await pool.call('older', [{ name: 'Ada', age: 1 }]), { name: 'Ada', age: 2 })
    assert.equal(await pool.call('twice', [0n]).catch((error) => error), thrown)
    assert.equal(await pool.call('twice', [4n]), 8n)
    pool.close()
    const snapshot = await wasm.snapshot()
    assert.equal(await wasm.call('twice', [0n]).catch((error) => error), thrown)
    // By the rules of components, one that has trapped is not entered again.
    await assert.rejects(wasm.call('twice', [4n]), { code: 'ERR_HL_GUEST_ERROR', message: /cannot enter/ })
    await wasm.restore(snapshot)
    assert.equal(await wasm.call('twice', [4n]), 8n)
  })
})
