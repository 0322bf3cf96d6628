// Stopping calls: signals, timeouts, interrupts.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { Guest, Sandbox } from 'libhyperlight'

const guest = Guest.builtin('demo')
const FOR_EVER = [{ params: ['i32', 'i32'], returns: 'i32' }, () => new Promise(() => {})]

test('an abort stops the guest and rejects with the reason', async () => {
  const sandbox = new Sandbox(guest)
  await sandbox.evolve()
  const snapshot = await sandbox.snapshot()
  await assert.rejects(sandbox.call('Spin', { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
  assert.equal(sandbox.state, 'poisoned')
  await sandbox.restore(snapshot)
  const reason = { mine: true }
  const controller = new AbortController()
  const pending = sandbox.call('Spin', { signal: controller.signal })
  await sleep(10)
  controller.abort(reason)
  assert.equal(await pending.catch((found) => found), reason)
  await sandbox.restore(snapshot)
  assert.equal(await sandbox.call('Echo', 'again', { signal: new AbortController().signal }), 'again')
  sandbox.close()
})

test('an aborted signal is refused before entering', async () => {
  const sandbox = new Sandbox(guest)
  await sandbox.evolve()
  await assert.rejects(sandbox.call('Spin', { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.equal(sandbox.state, 'ready')
  sandbox.close()
})

test('an abort at any moment of a call ends it', async () => {
  const sandbox = new Sandbox(guest)
  await sandbox.evolve()
  const snapshot = await sandbox.snapshot()
  for (let round = 0; round < 100; round += 1) {
    const controller = new AbortController()
    const pending = sandbox.call('Spin', { signal: controller.signal })
    for (let step = 0; step < round % 10; step += 1) await new Promise(setImmediate)
    controller.abort()
    await assert.rejects(pending, { name: 'AbortError' })
    if (sandbox.state === 'poisoned') await sandbox.restore(snapshot)
    assert.equal(sandbox.state, 'ready')
  }
  sandbox.close()
})

test('signals are left without listeners', async () => {
  const { getEventListeners } = await import('node:events')
  const { signal } = new AbortController()
  const sandbox = new Sandbox(guest)
  for (let round = 0; round < 20; round += 1) await sandbox.call('NoOp', { signal })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  sandbox.close()
})

test('an async host function that never answers can be left: by abort, by timeout, by interrupt', async () => {
  const aborted = new AbortController()
  const reason = new Error('mine')
  for (const [options, leave, expected] of [[{ signal: aborted.signal }, () => aborted.abort(reason), reason],
    [{ timeoutMs: 500 }, () => {}, { code: 'ERR_HL_TIMEOUT' }], [{}, (sandbox) => assert.equal(sandbox.interrupt(), true), { code: 'ERR_HL_INTERRUPTED' }]]) {
    const sandbox = new Sandbox(guest)
    const entered = new Promise((resolve) => {
      sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, () => { resolve(); return new Promise(() => {}) })
    })
    await sandbox.evolve()
    const pending = sandbox.call('Add', 1, 2, options)
    entered.then(() => leave(sandbox))
    await assert.rejects(pending, expected)
    assert.equal(sandbox.state, 'poisoned')
    sandbox.close()
  }
})

test('the sandbox\'s own timeout holds for each call, and a call may have another', async () => {
  const sandbox = new Sandbox(guest, { timeoutMs: 30 }).register('HostAdd', ...FOR_EVER)
  await sandbox.evolve()
  const snapshot = await sandbox.snapshot()
  await assert.rejects(sandbox.call('Spin'), { code: 'ERR_HL_TIMEOUT', message: /timeoutMs/ })
  await sandbox.restore(snapshot)
  await assert.rejects(sandbox.call('Add', 1, 2), { code: 'ERR_HL_TIMEOUT', message: /timeoutMs/ })
  await sandbox.restore(snapshot)
  assert.throws(() => sandbox.callSync('Spin'), { code: 'ERR_HL_TIMEOUT' })
  await sandbox.restore(snapshot)
  assert.equal(typeof await sandbox.call('SpinForMs', 60, { timeoutMs: Infinity }), 'bigint')
  sandbox.close()
})

test('interrupt says whether it stopped something, and is not kept for later', async () => {
  const sandbox = new Sandbox(guest)
  assert.equal(sandbox.interrupt(), false)
  await sandbox.evolve()
  assert.equal(sandbox.interrupt(), false)
  assert.equal(sandbox.callSync('Echo', 'x'), 'x')
  const pending = sandbox.call('Spin')
  assert.equal(sandbox.interrupt(), true)
  await assert.rejects(pending, { code: 'ERR_HL_INTERRUPTED' })
  sandbox.close()
})

test('interrupt from a host function of callSync ends that call', () => {
  const sandbox = new Sandbox(guest)
  sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, () => (sandbox.interrupt(), 1))
  assert.throws(() => sandbox.callSync('Add', 1, 2), { code: 'ERR_HL_INTERRUPTED' })
  assert.equal(sandbox.state, 'poisoned')
  sandbox.close()
})
