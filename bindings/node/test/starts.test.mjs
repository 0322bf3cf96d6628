// A call that starts its sandbox: its limits, and its signal, are for all of that together.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { Guest, JavaScript, Sandbox, Wasm } from 'libhyperlight'

const ENDLESS = 'for (;;) {}'
/** A script in the guest's image runs when the guest initialises itself. */
const guest = Guest.builtin('javascript').withPayload(Buffer.from(ENDLESS))
const program = fs.readFileSync(new URL('programs/endless.wasm', import.meta.url))

/** What starts, each call that starts it (the options come last), and what the sandbox is then. */
const CASES = [
  [() => new Sandbox(guest), [['evolve'], ['call', 'eval', '1'], ['callSync', 'eval', '1']], 'poisoned'],
  [() => new JavaScript(ENDLESS), [['evolve'], ['call', 'f', []], ['callSync', 'f', []], ['eval', '1'], ['evalSync', '1'], ['load', '1']], 'closed'],
  [() => new JavaScript('import "forever"', { modules: { forever: ENDLESS } }), [['call', 'f', []], ['callSync', 'f', []]], 'closed'],
  [() => new Wasm(program), [['evolve'], ['call', 'f', []], ['callSync', 'f', []], ['run'], ['runSync']], 'poisoned'],
]

for (const limits of [{ timeoutMs: 300 }, { cpuTimeMs: 300 }]) {
  const [[name]] = Object.entries(limits)
  test(`the ${name} of a call ends the start that it makes`, async () => {
    for (const [make, calls, state] of CASES) {
      for (const [method, ...values] of calls) {
        const sandbox = make()
        const expected = { code: 'ERR_HL_TIMEOUT', message: new RegExp(`its ${name} of 300$`) }
        await assert.rejects(async () => sandbox[method](...values, limits), expected, method)
        assert.equal(sandbox.state, state)
        // Whatever it was that failed, it is told by one sentence.
        const told = { code: state === 'closed' ? 'ERR_HL_CLOSED' : 'ERR_HL_POISONED', message: 'the sandbox has failed to start and is of no more use; make a new one' }
        await assert.rejects(async () => sandbox[method](...values), told, method)
        sandbox.close()
      }
    }
  })
}

test('a signal ends the start that a call makes', async () => {
  for (const [make, calls, state] of CASES) {
    for (const [method, ...values] of calls.filter(([method]) => !method.endsWith('Sync'))) {
      const sandbox = make()
      const aborted = new AbortController()
      const call = sandbox[method](...values, { signal: aborted.signal, timeoutMs: 60_000 })
      setTimeout(() => aborted.abort(new Error('no more')), 200)
      await assert.rejects(call, { message: 'no more' }, method)
      assert.notEqual(sandbox.state, 'running')
      assert.ok(state === sandbox.state || sandbox.state === 'poisoned')
      sandbox.close()
    }
  }
})

test('whenever a start is given up, what is ready is known', async () => {
  for (let moment = 0; moment < 100; moment += 1) {
    const sandbox = new Sandbox(Guest.builtin('demo'))
    const aborted = new AbortController()
    const call = sandbox.call('Echo', 'x', { signal: aborted.signal }).catch(() => {})
    const until = performance.now() + moment / 20
    while (performance.now() < until);
    aborted.abort()
    await call
    if (sandbox.state === 'ready') {
      assert.ok(sandbox.functions.some(({ name }) => name === 'Echo'))
      assert.equal(await sandbox.call('Echo', 'x'), 'x')
    }
    sandbox.close()
  }
})

test('the start and the call share one limit', async () => {
  const wait = () => sleep(600)
  const make = () => new JavaScript('host.wait(); const f = () => host.wait()', { hostFunctions: { wait } })
  const expected = { code: 'ERR_HL_TIMEOUT', message: 'the call took longer than its timeoutMs of 1000' }
  const js = make()
  await assert.rejects(js.call('f', [], { timeoutMs: 1000 }), expected)
  js.close()
  // Neither alone takes so long.
  const other = make()
  await other.evolve({ timeoutMs: 10_000 })
  await other.call('f', [], { timeoutMs: 10_000 })
  other.close()
})

test('the limits of a start are the sandbox\'s where it has none of its own', async () => {
  const js = new JavaScript('const f = () => 1', { timeoutMs: 1 })
  assert.equal(await js.evolve({ timeoutMs: 20_000 }), undefined)
  assert.equal(await js.call('f', [], { timeoutMs: 20_000 }), 1)
  js.close()
  for (const evolve of [{ timeoutMs: -1 }, { timeout: 1 }, { signal: 1 }]) {
    const refused = new JavaScript('')
    await assert.rejects(refused.evolve(evolve), { code: 'ERR_HL_INVALID_ARGUMENT' })
    assert.equal(refused.state, 'uninitialized')
    refused.close()
  }
})
