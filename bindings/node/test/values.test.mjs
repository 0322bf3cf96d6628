// Values cross exactly or not at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Guest, Sandbox } from 'libhyperlight'

const sandbox = new Sandbox(Guest.builtin('demo'))
await sandbox.evolve()

/** By both ways. */
async function echo(name, value) {
  const [there, back] = [sandbox.callSync(name, value), await sandbox.call(name, value)]
  assert.deepStrictEqual(there, back)
  return back
}

async function refuses(code, name, ...values) {
  assert.throws(() => sandbox.callSync(name, ...values), { name: 'HyperlightError', code })
  await assert.rejects(sandbox.call(name, ...values), { name: 'HyperlightError', code })
  assert.equal(sandbox.state, 'ready')
}

test('every kind comes back bit for bit', async () => {
  const cases = {
    EchoBool: [true, false],
    EchoI32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)],
    EchoU32: [0, 1, 2 ** 32 - 1],
    EchoI64: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
    EchoU64: [0n, 2n ** 53n + 1n, 2n ** 64n - 1n],
    EchoFloat: [0, -0, 1.5, Math.fround(0.1), Infinity, -Infinity, NaN],
    EchoDouble: [0, -0, 0.1, Number.MIN_VALUE, Number.MAX_VALUE, Infinity, NaN],
    Echo: ['', 'hi', 'ü€😀', '\u0000\ufffd', 'x'.repeat(252), 'ü'.repeat(200), '€'.repeat(100), 'x'.repeat(100_000)],
    EchoBytes: [new Uint8Array(), new Uint8Array([0, 255, 7]), new Uint8Array(100_000).fill(3)],
  }
  for (const [name, values] of Object.entries(cases)) {
    for (const value of values) assert.deepStrictEqual(await echo(name, value), value)
  }
})

test('strings of every length around the short path come back', () => {
  for (let length = 240; length < 270; length += 1) {
    for (const unit of ['x', 'é', '€', '😀']) {
      const text = 'x'.repeat(length % 4) + unit.repeat(length >> 1) + unit.repeat(length >> 2)
      assert.equal(sandbox.callSync('Echo', text), text)
    }
  }
})

test('64-bit integers are bigint, always', async () => {
  assert.equal(typeof await echo('EchoI64', 1n), 'bigint')
  await refuses('ERR_HL_SIGNATURE', 'EchoI64', 1)
  await refuses('ERR_HL_SIGNATURE', 'EchoU64', 1)
  await refuses('ERR_HL_SIGNATURE', 'EchoI32', 1n)
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoU64', 2n ** 64n)
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoU64', -1n)
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoI64', 2n ** 63n)
})

test('numbers that are no integers in range are refused', async () => {
  for (const value of [0.5, NaN, Infinity, 2 ** 53]) await refuses('ERR_HL_SIGNATURE', 'EchoI32', value)
  for (const value of [2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER]) await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoI32', value)
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoU32', -1)
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoFloat', 1e300)
})

test('nothing is converted silently', async () => {
  for (const [name, value] of [['EchoI32', '1'], ['Echo', 1], ['EchoBool', 1], ['EchoI32', true], ['EchoBytes', 'x'],
    ['Echo', new Uint8Array()], ['Echo', undefined]]) await refuses('ERR_HL_SIGNATURE', name, value)
  for (const value of [null, Symbol('x'), () => 1, [], new Uint16Array(2), new DataView(new ArrayBuffer(1)), new Date(), new Map()]) {
    await refuses('ERR_HL_INVALID_ARGUMENT', 'Echo', value)
  }
  await refuses('ERR_HL_INVALID_ARGUMENT', 'EchoBytes', new Uint8Array(new SharedArrayBuffer(4)))
})

test('half of a surrogate pair is refused, a replacement character is not', async () => {
  await refuses('ERR_HL_INVALID_ARGUMENT', 'Echo', 'a\ud800b')
  await refuses('ERR_HL_INVALID_ARGUMENT', 'Echo', '\udc00')
  assert.equal(await echo('Echo', 'a\ufffdb😀'), 'a\ufffdb😀')
})

test('a Buffer is bytes, a view is its own part of the memory, results are plain Uint8Arrays', async () => {
  const memory = new Uint8Array([1, 2, 3, 4, 5])
  assert.deepStrictEqual(await echo('EchoBytes', memory.subarray(1, 3)), new Uint8Array([2, 3]))
  const back = await echo('EchoBytes', Buffer.from('hé'))
  assert.equal(Object.getPrototypeOf(back), Uint8Array.prototype)
  assert.equal(Buffer.from(back).toString(), 'hé')
})

test('arguments are taken when the call is made', async () => {
  const bytes = new Uint8Array([1, 2, 3])
  const pending = sandbox.call('EchoBytes', bytes)
  bytes.fill(9)
  assert.deepStrictEqual(await pending, new Uint8Array([1, 2, 3]))
})

test('the number of arguments counts', async () => {
  await refuses('ERR_HL_SIGNATURE', 'Echo')
  await refuses('ERR_HL_SIGNATURE', 'Echo', 'a', 'b')
  await refuses('ERR_HL_FUNCTION_NOT_FOUND', 'Nope', 1)
  const numbers = Array.from({ length: 32 }, (_, index) => index)
  assert.equal(await sandbox.call('SumOfThirtyTwo', ...numbers), 496n)
})

test('what does not fit names the option to raise, as it is spelled here', () => {
  assert.throws(() => sandbox.callSync('Echo', 'x'.repeat(2 << 20)), { code: 'ERR_HL_TOO_LARGE', message: /inputSize/ })
  assert.throws(() => sandbox.callSync('MakeBytes', 2n << 20n), { code: 'ERR_HL_TOO_LARGE' })
})
