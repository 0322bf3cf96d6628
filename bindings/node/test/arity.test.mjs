// How many arguments a guest may give a host function that has no signature: what has a default is the host's own (case
// 23).

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

import { Guest, JavaScript, JavaScriptPool, Sandbox, SandboxPool, Wasm, WasmPool } from 'libhyperlight'

const core = fs.readFileSync(path.join(import.meta.dirname, 'programs', 'core.wasm'))
const read = (name, root = '/srv/public') => `${root}/${name}`
const all = (first, ...more) => [first, ...more]
const bound = ((a, b) => [a, b]).bind(undefined, 1)
const REFUSED = { name: 'HyperlightError', code: 'ERR_HL_SIGNATURE', message: /`f` takes at most \d+ arguments?, the guest gave \d+; .*arity: n.*openArity: true/ }
const HIDDEN = { code: 'ERR_HL_INVALID_ARGUMENT', message: /`f`.*arity: n.*openArity: true/ }

/** What a script gets for so many arguments. */
async function found(f, count) {
  const js = new JavaScript('function f(count) { return host.f(...Array.from({ length: count }, (_, index) => `x${index}`)) }', { hostFunctions: { f } })
  const pool = await js.pool({ size: 1 })
  const other = new JavaScriptPool(await js.snapshot(), { size: 1, hostFunctions: { f } })
  try {
    const [first, ...others] = await Promise.allSettled([js.call('f', [count]), pool.call('f', [count]), other.call('f', [count])])
    for (const each of others) assert.deepEqual([each.status, each.value, each.reason?.message], [first.status, first.value, first.reason?.message])
    assert.equal(js.state, 'ready')
    if (first.status === 'rejected') throw first.reason
    return first.value
  } finally {
    for (const each of [js, pool, other]) each.close()
  }
}

test('a script gives no more arguments than a function takes openly', async () => {
  assert.equal(await found(read, 1), '/srv/public/x0')
  assert.equal(await found(read, 0), '/srv/public/undefined')
  await assert.rejects(found(read, 2), REFUSED)
  await assert.rejects(found(all, 2), REFUSED)
  await assert.rejects(found(() => 1, 1), REFUSED)
  await assert.rejects(found({ call: read, openArity: false }, 2), REFUSED)
  await assert.rejects(found(async (a) => a, 2), REFUSED)
})

test('what the registration says is given', async () => {
  assert.equal(await found({ call: read, openArity: true }, 2), 'x1/x0')
  assert.equal(await found({ call: read, arity: 2 }, 2), 'x1/x0')
  assert.equal((await found({ call: all, openArity: true }, 100)).length, 100)
  await assert.rejects(found({ call: all, arity: 3 }, 4), REFUSED)
  assert.deepEqual(await found(bound, 1), [1, 'x0'])
  await assert.rejects(found(bound, 2), REFUSED)
})

test('a function that hides what it takes says it when it is registered', async () => {
  for (const hidden of [new Proxy(() => 1, {}), all.bind(undefined, 1), console.log.bind(console), Object.assign(() => 1, {}).bind(), Array.of]) {
    for (const f of [hidden, { call: hidden, openArity: false }]) {
      assert.throws(() => new JavaScript('', { hostFunctions: { f } }), HIDDEN)
    }
    new JavaScript('', { hostFunctions: { f: { call: hidden, arity: 0 } } }).close()
  }
  assert.throws(() => new JavaScript('', { hostFunctions: { f: Object.defineProperty(() => 1, 'length', { value: 'many' }) } }), HIDDEN)
  assert.equal(await found({ call: new Proxy((a) => a, {}), arity: 1 }, 1), 'x0')
})

test('a registration is checked', () => {
  for (const [f, message] of [[{ call: read, arity: -1 }, /arity/], [{ call: read, arity: '1' }, /arity/], [{ call: read, openArity: 1 }, /openArity/],
    [{ call: read, arity: 1, openArity: true }, /both/], [{ call: read, arity: 1, params: ['i32'] }, /signature/], [{ call: read, openarity: true }, /"openarity".*openArity/],
    [{ arity: 1 }, /`f`/], [{}, /`f`/]]) {
    assert.throws(() => new JavaScript('', { hostFunctions: { f } }), { code: 'ERR_HL_INVALID_ARGUMENT', message })
  }
  const sandbox = new Sandbox(Guest.builtin('demo'))
  assert.throws(() => sandbox.register('f', { params: [], openArity: true }, () => {}), { code: 'ERR_HL_INVALID_ARGUMENT', message: /"openArity"/ })
  sandbox.close()
})

test('a WebAssembly program imports no more parameters than a function takes openly', async () => {
  const { log, mul } = { log: (_value) => {}, mul: (a, b) => Number(a) * b }
  for (const hostFunctions of [{ log, 'math.mul': (a, b = 2) => Number(a) * b }, { log: () => {} }, { log: (...values) => values }]) {
    const refused = { code: 'ERR_HL_SIGNATURE', message: /takes at most \d arguments?, the program imports it with \d; .*openArity: true/ }
    assert.throws(() => new Wasm(core, { hostFunctions }), refused)
    await assert.rejects(Wasm.compile(core, { hostFunctions }), refused)
    const plain = new Wasm(core, { hostFunctions: { log, 'math.mul': mul } })
    await plain.evolve()
    const snapshot = await plain.snapshot()
    assert.throws(() => new WasmPool(snapshot, { hostFunctions }), refused)
    plain.close()
  }
  for (const call of [(a, b = 2) => Number(a) * b, (...values) => Number(values[0]) * values[1], mul]) {
    for (const more of [{ openArity: true }, { arity: 2 }]) {
      const wasm = new Wasm(core, { hostFunctions: { log, 'math.mul': { call, ...more } } })
      assert.equal(await wasm.call('multiply', [3n, 0.5]), 1.5)
      wasm.close()
    }
  }
})

test('the members of a pool of a sandbox have the parameters of their signatures', async () => {
  const sandbox = new Sandbox(Guest.builtin('demo'))
  await sandbox.evolve()
  const snapshot = await sandbox.snapshot()
  sandbox.close()
  const HostAdd = { params: ['i32', 'i32'], returns: 'i32', call: (a, b = 1, c = 10) => a + b + c }
  const pool = new SandboxPool(snapshot, { size: 1, hostFunctions: { HostAdd } })
  assert.equal(await pool.call('Add', 1, 2), 13)
  assert.throws(() => new SandboxPool(snapshot, { hostFunctions: { HostAdd: { ...HostAdd, arity: 3 } } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /"arity"/ })
  assert.throws(() => new SandboxPool(snapshot, { hostFunctions: { HostAdd: HostAdd.call } }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /HostAdd/ })
  pool.close()
})
