// A panic in the addon never ends the process. The addon of this package is built with the feature `panics`, in which
// calls of certain names panic; it is the package's otherwise (see ci/test-node).

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

const require = createRequire(import.meta.url)
const { Guest, HyperlightError, Sandbox, SandboxPool } = require('./panicking/libhyperlight')

const guest = Guest.builtin('demo')
const INTERNAL = { name: 'HyperlightError', code: 'ERR_HL_INTERNAL', message: /internal error/ }

async function warm() {
  const sandbox = new Sandbox(guest).register('PanicInAHostFunction', {}, () => {})
  await sandbox.evolve()
  return { sandbox, snapshot: await sandbox.snapshot() }
}

test('a panic in a call is ERR_HL_INTERNAL, the sandbox is poisoned, and a restore mends it', async () => {
  const { sandbox, snapshot } = await warm()
  for (let round = 0; round < 3; round += 1) {
    for (const attempt of [async () => sandbox.callSync('PanicInACall'), () => sandbox.call('PanicInACall')]) {
      await assert.rejects(attempt, INTERNAL)
      assert.equal(sandbox.state, 'poisoned')
      await assert.rejects(sandbox.call('NoOp'), { code: 'ERR_HL_POISONED' })
      await sandbox.restore(snapshot)
      assert.equal(await sandbox.call('Echo', 'well'), 'well')
    }
  }
  sandbox.close()
})

test('a panic under a host function is ERR_HL_INTERNAL, too', async () => {
  const { sandbox, snapshot } = await warm()
  for (const attempt of [async () => sandbox.callSync('HostCallLoop', 'PanicInAHostFunction', 1),
    () => sandbox.call('HostCallLoop', 'PanicInAHostFunction', 1)]) {
    await assert.rejects(attempt, { name: 'HyperlightError', code: 'ERR_HL_INTERNAL' })
    assert.equal(sandbox.state, 'poisoned')
    await sandbox.restore(snapshot)
    assert.equal(sandbox.callSync('Echo', 'well'), 'well')
  }
  sandbox.close()
})

test('a panic in a pool does not cost a member', async () => {
  const { sandbox, snapshot } = await warm()
  const pool = new SandboxPool(snapshot, { size: 1, hostFunctions: { PanicInAHostFunction: { call() {} } } })
  for (let round = 0; round < 5; round += 1) {
    await assert.rejects(pool.call('PanicInACall'), INTERNAL)
    assert.equal(await pool.call('Echo', 'well'), 'well')
  }
  assert.equal(pool.statistics.inUse, 0)
  pool.close()
  sandbox.close()
})

test('a panic before anybody listens is still an error, and leaves the sandbox as it was', async () => {
  const { sandbox } = await warm()
  for (const attempt of [async () => sandbox.callSync('PanicAtTheBorder'), () => sandbox.call('PanicAtTheBorder')]) {
    await assert.rejects(attempt, INTERNAL)
    assert.equal(sandbox.state, 'ready')
    assert.equal(sandbox.callSync('Echo', 'well'), 'well')
  }
  assert.ok(new HyperlightError('ERR_HL_INTERNAL', '') instanceof Error)
  sandbox.close()
})
