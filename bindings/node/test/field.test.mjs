// What users of comparable packages have met, tried here. Each names the report that it was made of.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import vm from 'node:vm'

import { Guest, JavaScript, Sandbox, Snapshot } from 'libhyperlight'

// laverdet/isolated-vm#333 (a segmentation fault), #302 (a deadlock)
test('a sandbox is closed by the async host function that its own call waits for', async () => {
  for (const later of [() => sleep(5), () => Promise.reject(new Error('mine')), () => sleep(1).then(() => { throw new Error('mine') })]) {
    const js = new JavaScript('const f = () => host.leave()', { hostFunctions: { leave: async () => { js.close(); await later(); return 7 } } })
    const found = await js.call('f').catch((error) => error.message)
    assert.ok(found === 7 || found === 'mine', String(found))
    assert.equal(js.state, 'closed')
  }
  // One that never answers is left by its limit.
  const js = new JavaScript('const f = () => host.leave()', { timeoutMs: 300, hostFunctions: { leave: () => { js.close(); return new Promise(() => {}) } } })
  await assert.rejects(js.call('f'), { code: 'ERR_HL_TIMEOUT' })
})

// TanStack/ai#946, justjake/quickjs-emscripten#258
test('many host calls that are awaited one after the other leave a script as it was', async () => {
  const js = new JavaScript('let sum = 0\nasync function f(n) { const all = []; for (let i = 0; i < n; i += 1) all.push({ at: await host.next(i), pad: "x".repeat(i) }); sum += all.length; return all.at(-1).at }',
    { hostFunctions: { next: async (value) => { if (value % 50 === 0) await sleep(0); return value + 1 } } })
  for (let round = 1; round <= 5; round += 1) {
    assert.equal(await js.call('f', [200]), 200)
    assert.equal(await js.eval('sum'), 200 * round)
  }
  js.close()
})

// justjake/quickjs-emscripten#60, #269, quickjs-ng/quickjs#1462
test('a script goes on after its stack was used up, and after many objects in a reaction, and is closed', async () => {
  const js = new JavaScript('function deep() { return deep() } const keep = []', { heapSize: 64 << 20 })
  for (let round = 0; round < 3; round += 1) {
    for (const source of ['deep()', 'Promise.resolve().then(deep)', '(async () => { await null; deep() })()', 'new Proxy({}, { get(target, name, self) { return self[name] } }).x']) {
      await assert.rejects(js.eval(source), { code: 'ERR_HL_GUEST_ERROR', message: /stack/ })
    }
    assert.equal(await js.eval('Promise.resolve().then(() => { for (let i = 0; i < 100000; i += 1) keep.push({ i }); return keep.splice(0).length })'), 100_000)
    assert.equal(await js.eval('1 + 1'), 2)
  }
  js.close()
})

// laverdet/isolated-vm#252
test('rejections that nobody handles cost a script nothing', async () => {
  const js = new JavaScript('function run() { const held = new Uint8Array(2 << 20); Promise.resolve(true).then(() => { throw new Error("async", { cause: held.length }) }) }')
  for (let round = 0; round < 100; round += 1) assert.equal(await js.call('run'), undefined)
  assert.equal(await js.eval('1'), 1)
  js.close()
})

// oven-sh/bun#41117, paulmillr/noble-hashes#25, prisma/orm#29177
test('a URL of another implementation is one, as bytes of another realm are bytes', () => {
  class Other {
    #url = new URL('file:///nowhere/at/all')
    get href() { return this.#url.href }
    get protocol() { return this.#url.protocol }
  }
  for (const url of [new Other(), vm.runInNewContext('new U("file:///nowhere/at/all")', { U: URL })]) {
    assert.throws(() => new Guest(url), { code: 'ERR_HL_IO', message: /\/nowhere\/at\/all/ })
    assert.throws(() => Snapshot.load(url), { code: 'ERR_HL_IO', message: /\/nowhere\/at\/all/ })
    assert.throws(() => new JavaScript(url), { code: 'ENOENT' })
  }
})

// napi-rs/napi-rs#3423
test('what is no error is rejected as it is, from every place', async () => {
  const sandbox = new Sandbox(Guest.builtin('demo'))
  let thrown
  sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, async () => { throw thrown })
  for (thrown of ['boom', 0, NaN, null, undefined, 10n, Symbol('x'), { failed: true, code: 'ERR_HL_TIMEOUT' }, () => 1, Object.freeze([])]) {
    assert.ok(Object.is(await sandbox.call('Add', 1, 2).then(() => 'nothing', (error) => error), thrown), String(typeof thrown))
  }
  sandbox.close()
})
