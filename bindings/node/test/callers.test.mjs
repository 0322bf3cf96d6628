// What callers may pass, of whatever realm and however it behaves: the value, or an error of ours; the call's, and
// nobody else's.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import vm from 'node:vm'

import { Guest, JavaScript, Sandbox, SandboxPool, Snapshot, Wasm } from 'libhyperlight'

const guest = Guest.builtin('demo')
const ADD = { params: ['i32', 'i32'], returns: 'i32' }
const NONE = { params: [], returns: 'void' }
const js = new JavaScript('function echo(...values) { return values.length === 1 ? values[0] : values }')
await js.evolve()

function gone() {
  const bytes = new Uint8Array([1, 2, 3])
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

test('values of another realm are what they are (case 29)', async () => {
  const other = (source) => vm.runInNewContext(source)
  for (const [source, expected] of [['new Uint8Array([1, 2])', new Uint8Array([1, 2])], ['new Uint8Array([1, 2, 3]).subarray(1)', new Uint8Array([2, 3])],
    ['new Uint8Array([1, 2]).buffer', new Uint8Array([1, 2])], ['({ a: [1, { b: 2n }], c: undefined })', { a: [1, { b: 2n }] }], ['[1, , 3]', [1, null, 3]],
    ['Object.create(null, { a: { value: 1, enumerable: true } })', { a: 1 }], ['new Date(0)', '1970-01-01T00:00:00.000Z'], ['new Number(-0)', -0],
    ['[new String("x"), new Boolean(false), Object(5n)]', ['x', false, 5n]], ['new (class A { a = 1; #b = 2 })', { a: 1 }]]) {
    for (const value of [other(source), (0, eval)(source)]) {
      assert.deepStrictEqual(await js.call('echo', [value]), expected, source)
      assert.deepStrictEqual(js.callSync('echo', [{ value }]), { value: expected }, source)
    }
  }
  const sandbox = new Sandbox(guest)
  assert.deepStrictEqual(await sandbox.call('EchoBytes', other('new Uint8Array([1, 2])')), new Uint8Array([1, 2]))
  assert.deepStrictEqual(sandbox.callSync('EchoBytes', other('new Uint8Array([1, 2])'), other('({ timeoutMs: 5000 })')), new Uint8Array([1, 2]))
  sandbox.close()
  assert.throws(() => new Guest(other('new Uint8Array(4)')), { code: 'ERR_HL_GUEST_BINARY' })
  assert.throws(() => new Wasm(other('new Uint8Array(4)')), { code: /^ERR_HL_(GUEST_BINARY|ADDON)$/ })
  guest.withPayload(other('new Uint8Array(4)'))
})

test('what is more than its properties is refused, never {} (case 29)', async () => {
  for (const source of ['new Map([[1, 2]])', 'new Set([1])', 'new WeakMap()', '/x/', 'new Error("x")', 'new SharedArrayBuffer(2)', 'new Uint8Array(new SharedArrayBuffer(2))',
    'new DataView(new ArrayBuffer(2))', 'new Float64Array(2)', 'Promise.resolve(1)', 'Object(Symbol())', 'new (class Empty {})', '(function* () {})()', 'new WeakRef({})']) {
    for (const value of [vm.runInNewContext(source), (0, eval)(source)]) {
      for (const values of [[value], [[{ deep: value }]]]) {
        await assert.rejects(js.call('echo', values), { code: 'ERR_HL_INVALID_ARGUMENT', message: /^an argument of `echo` (is no JSON value: found an? \w|is made of .* found an? \w|holds an? \w)/ }, source)
      }
    }
  }
  for (const value of [new Headers({ a: 'b' }), new Blob(['x']), new FormData(), new URLSearchParams('a=1'), new Request('http://a'), new AbortController(), new Intl.NumberFormat()]) {
    await assert.rejects(js.call('echo', [value]), { code: 'ERR_HL_INVALID_ARGUMENT' })
  }
  assert.equal(await js.call('echo', [new URL('http://a/')]), 'http://a/')
  assert.equal(js.state, 'ready')
})

test('bytes without their memory are refused (case 37)', async () => {
  const sandbox = new Sandbox(guest)
  const invalid = { code: 'ERR_HL_INVALID_ARGUMENT', message: /transferred away/ }
  await assert.rejects(sandbox.call('EchoBytes', gone()), invalid)
  assert.throws(() => sandbox.callSync('EchoBytes', gone()), invalid)
  for (const value of [gone(), gone().buffer, { deep: [gone()] }]) await assert.rejects(js.call('echo', [value]), invalid)
  assert.throws(() => new Guest(gone()), invalid)
  assert.throws(() => guest.withPayload(gone()), invalid)
  assert.throws(() => new Wasm(gone()), invalid)
  await assert.rejects(Wasm.compile(gone()), invalid)
  const short = new ArrayBuffer(8, { maxByteLength: 8 })
  const behind = new Uint8Array(short, 4, 4)
  short.resize(2)
  await assert.rejects(js.call('echo', [behind]), { ...invalid, message: /too small/ })
  sandbox.close()
})

test('what is no options is refused in words of ours (case 37)', async () => {
  const invalid = (message = /options of|option|is an object/) => ({ name: 'HyperlightError', code: 'ERR_HL_INVALID_ARGUMENT', message })
  const sandbox = new Sandbox(guest, Object.create(null))
  await sandbox.evolve(Object.create(null))
  const snapshot = await sandbox.snapshot()
  assert.equal(sandbox.callSync('Echo', 'x', Object.create(null)), 'x')
  for (const odd of [null, 7, 'x', [], new Map(), new Set(), new Uint8Array(1), Object(5), () => {}]) {
    assert.throws(() => new Sandbox(guest, odd), invalid())
    assert.throws(() => new SandboxPool(snapshot, odd), invalid())
    assert.throws(() => new JavaScript('', odd), invalid())
    assert.throws(() => new Wasm(new Uint8Array(1), odd), invalid())
    assert.throws(() => guest.withPayload(new Uint8Array(1), odd), invalid())
    await assert.rejects(js.pool(odd), invalid())
    await assert.rejects(js.call('echo', [], odd), invalid())
    await assert.rejects(js.eval('1', odd), invalid())
    await assert.rejects(js.load('1', odd), invalid())
  }
  // In the place of anything else, too.
  for (const odd of [Object.create(null), { toString: null }, { [Symbol.toPrimitive]() { throw new Error('mine') } }, Symbol('x'), new Proxy({}, { get() { throw new Error('mine') } })]) {
    for (const attempt of [() => new Sandbox(guest, { heapSize: odd }), () => new Sandbox(guest, { print: odd }), () => new Guest(odd), () => Guest.builtin(odd),
      () => new JavaScript(odd), () => new JavaScript('', { hostFunctions: { f: 7, g: odd } }), () => sandbox.callSync(odd), () => Snapshot.load(odd), () => sandbox.restore(odd),
      () => js.call(odd), () => js.call('echo', odd), () => js.eval('1', { signal: odd }), () => js.eval('1', { timeoutMs: odd })]) {
      await assert.rejects(async () => attempt(), (error) => error.code === 'ERR_HL_INVALID_ARGUMENT' || error.message === 'mine')
    }
  }
  sandbox.close()
})

test('a host function\'s result is never taken for its failure (case 30)', async () => {
  const thrown = new Error('the first')
  let result
  const hostFunctions = {
    fails: { returns: 'i32', call: () => { throw thrown } },
    odd: { returns: 'i32', call: () => result },
  }
  const script = new JavaScript('function f() { try { host.fails() } catch {} return host.odd() }', { hostFunctions })
  const sandbox = new Sandbox(guest).register('HostAdd', ADD, () => result)
  for (result of [{ thrown: 1 }, { thrown: 'x' }, { thrown: 1, text: 'x' }, { failed: true, code: 'ERR_HL_TIMEOUT' }, { get thrown() { throw new Error('a getter') } }, null, [1], new Map(),
    Object.assign(new DataView(new ArrayBuffer(1)), { thrown: 1 }), () => 1]) {
    const wrong = (error) => error.code === 'ERR_HL_HOST_FUNCTION' && error.cause.code === 'ERR_HL_INVALID_ARGUMENT' && / cannot be a value/.test(error.message)
    for (const attempt of [async () => script.callSync('f'), () => script.call('f'), async () => sandbox.callSync('Add', 1, 2), () => sandbox.call('Add', 1, 2)]) {
      await assert.rejects(attempt, wrong)
    }
    assert.deepEqual([script.state, sandbox.state], ['ready', 'ready'])
  }
  script.close()
  sandbox.close()
})

test('a signal that is none, or fails, rejects its call (case 32)', async () => {
  const sandbox = new Sandbox(guest)
  const none = () => {}
  await assert.rejects(sandbox.call('NoOp', { signal: { aborted: false, addEventListener() {} } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /AbortSignal/ })
  const mine = new Error('mine')
  const fails = () => { throw mine }
  for (const signal of [{ aborted: false, addEventListener: fails, removeEventListener: none }, { aborted: false, addEventListener: none, removeEventListener: fails }]) {
    assert.equal(await sandbox.call('NoOp', { signal }).catch((error) => error), mine)
  }
  let asked = 0
  const signal = { get aborted() { if ((asked += 1) > 2) throw mine; return false }, addEventListener(_, listener) { setTimeout(listener, 20) }, removeEventListener: none }
  assert.equal(await sandbox.call('Spin', { signal }).catch((error) => error), mine)
  sandbox.close()
})

test('a thenable is asked for its then once, and what that throws is its call\'s (case 32)', async () => {
  const mine = new Error('mine')
  const once = (first) => {
    let asked = 0
    return { get then() { if ((asked += 1) > 1) throw mine; return first } }
  }
  const results = [() => once((resolve) => resolve(7)), () => ({ then: (resolve) => resolve(7) }), async () => 7]
  const failures = [() => ({ get then() { throw mine } }), () => ({ then() { throw mine } }), () => ({ then: (_, reject) => reject(mine) }), () => ({ then: (resolve) => resolve({ get then() { throw mine } }) })]
  let make
  const sandbox = new Sandbox(guest, { print: () => make?.() }).register('HostAdd', ADD, () => make()).register('Tick', NONE, () => make())
  const script = new JavaScript('', { hostFunctions: { f: () => make() } })
  for (make of results) {
    assert.equal(await sandbox.call('Add', 1, 2), 7)
    assert.equal(await script.eval('host.f()'), 7)
    assert.equal(await sandbox.call('PrintOutput', 'x'), 1)
  }
  for (make of failures) {
    for (const attempt of [() => sandbox.call('Add', 1, 2), () => sandbox.call('HostCallLoop', 'Tick', 1), () => script.eval('host.f()'), () => sandbox.call('PrintOutput', 'x')]) {
      assert.equal(await attempt().catch((error) => error), mine)
    }
  }
  make = () => once(5)
  await assert.rejects(sandbox.call('Add', 1, 2), { code: 'ERR_HL_HOST_FUNCTION' })
  assert.deepEqual([sandbox.state, script.state], ['ready', 'ready'])
  sandbox.close()
  script.close()
})

test('a thousand calls with one signal have one listener (case 35)', async () => {
  const warnings = []
  const onWarning = (warning) => warnings.push(warning)
  process.on('warning', onWarning)
  const { getEventListeners } = await import('node:events')
  const sandbox = new Sandbox(guest)
  await sandbox.evolve()
  const pool = new SandboxPool(await sandbox.snapshot(), { size: 2 })
  const aborted = new AbortController()
  const { signal } = aborted
  const calls = Array.from({ length: 1000 }, () => pool.call('NoOp', { signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  await Promise.all(calls)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  const endless = Array.from({ length: 20 }, () => pool.call('Spin', { signal }).catch((error) => error.name))
  aborted.abort()
  assert.deepEqual(new Set(await Promise.all(endless)), new Set(['AbortError']))
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await new Promise(setImmediate)
  process.off('warning', onWarning)
  assert.deepEqual(warnings, [])
  pool.close()
  sandbox.close()
})

test('what others put on Object.prototype is no option, no failure and no result (case 33)', async () => {
  // Node's own modules are not proof against it while they are loaded.
  const program = `
    const { Guest, JavaScript, Sandbox, SandboxPool } = require('libhyperlight')
    Object.assign(Object.prototype, { timeoutMs: 1, cpuTimeMs: 1, maxHostCalls: 1, heapSize: 4096, size: 1, waitMs: 1, minIdle: 9, acquireTimeoutMs: 0, executable: 7, name: 7,
      hostFunctions: { x: 7 }, modules: 7, wasi: 7, snapshot: 7, params: 7, returns: 7, call: 7, arity: 7, openArity: 7, print: 7, signal: 7, failed: true, thrown: 1,
      code: 'ERR_HL_X', message: 'x', guestCode: 7, fault: { kind: 'other' }, text: 'x', toJSON() { return 'x' } })
    Object.defineProperty(Object.prototype, 'cause', { get() { return { failed: true, code: 'ERR_HL_X', message: 'x' } }, set() {}, configurable: true })
    ;(async () => {
      const sandbox = new Sandbox(Guest.builtin('demo')).register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, (a, b) => a + b).register('Tick', {}, () => ({}))
      Guest.builtin('demo').withPayload(new Uint8Array(1), {})
      const found = [sandbox.callSync('SpinForMs', 20) > 0n, await sandbox.call('SpinForMs', 20, {}) > 0n, sandbox.callSync('Add', 1, 2), await sandbox.call('HostCallLoop', 'Tick', 5),
        sandbox.callSync('HostCallLoop', 'Tick', 5)]
      const error = await sandbox.call('ReturnError', 42, 'sorry').catch((error) => error)
      found.push(Object.hasOwn(error, 'cause'), Object.hasOwn(error, 'fault'), error.guestCode, error.message)
      const pool = new SandboxPool(await sandbox.snapshot(), { hostFunctions: { HostAdd: { params: ['i32', 'i32'], returns: 'i32', call: (a, b) => a + b }, Tick: { call() {} } } })
      found.push(await pool.call('Add', 2, 3), await pool.call('SpinForMs', 20) > 0n)
      const js = new JavaScript('function f(a) { for (let i = 0; i < 5; i++) host.any(1); return a }', { hostFunctions: { any: (a) => a } })
      found.push(Object.keys(await js.call('f', [{ a: 1, __proto__: null }])).join(), (await (await js.pool({})).call('f', [new Uint8Array(2)])).length)
      for (const name of [...Object.keys(Object.prototype), 'cause']) delete Object.prototype[name]
      console.log(found.join())
    })()`
  const child = spawn(process.execPath, ['--eval', program], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { out += data })
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.deepEqual({ code, out }, { code: 0, out: 'true,true,3,5,5,false,false,42,sorry,5,true,a,2\n' })
})
