// Host functions, sync and async; what they throw; who may be where.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { Guest, HyperlightError, Sandbox } from 'libhyperlight'

const guest = Guest.builtin('demo')
const ADD = { params: ['i32', 'i32'], returns: 'i32' }
const NONE = { params: [], returns: 'void' }

function make(functions = {}, options) {
  const sandbox = new Sandbox(guest, options)
  for (const [name, [signature, call]] of Object.entries(functions)) sandbox.register(name, signature, call)
  return sandbox
}

test('a sync one is reached from both', async () => {
  await using_(make({ HostAdd: [ADD, (a, b) => a + b] }), async (sandbox) => {
    assert.equal(await sandbox.call('Add', 2, 3), 5)
    assert.equal(sandbox.callSync('Add', 2, 3), 5)
  })
})

test('an async one is reached from call, and a clear error from callSync', async () => {
  await using_(make({ HostAdd: [ADD, async (a, b) => (await sleep(5), a + b)] }), async (sandbox) => {
    assert.equal(await sandbox.call('Add', 2, 3), 5)
    assert.throws(() => sandbox.callSync('Add', 2, 3), { code: 'ERR_HL_STATE', message: /HostAdd.*async.*call/ })
    assert.equal(await sandbox.call('Add', 2, 3), 5)
  })
})

test('an async one that rejects from callSync is no unhandled rejection', async () => {
  await using_(make({ HostAdd: [ADD, async () => { throw new Error('later') }] }), async (sandbox) => {
    assert.throws(() => sandbox.callSync('Add', 2, 3), { code: 'ERR_HL_STATE' })
    await sleep(5)
  })
})

test('what is thrown comes back as the same object', async () => {
  for (const thrown of [new TypeError('mine'), 'a string', undefined, null, Object.create(null), 7n, Symbol('s')]) {
    const sync = make({ HostAdd: [ADD, () => { throw thrown }] })
    const async_ = make({ HostAdd: [ADD, async () => { throw thrown }] })
    for (const attempt of [() => sync.callSync('Add', 1, 2), () => sync.call('Add', 1, 2), () => async_.call('Add', 1, 2)]) {
      let found = 'nothing'
      try {
        await attempt()
      } catch (error) {
        found = error
      }
      assert.ok(Object.is(found, thrown), `${String(thrown?.message ?? typeof thrown)}`)
    }
    assert.equal(sync.state, 'ready')
  }
})

test('a guest that gives too much is told what would let it', async () => {
  const REFUSED = /`HostAdd` is \(i32\) -> i32, but was called with \(i32, i32\); guests give the arguments that params lists at its registration$/
  await using_(make({ HostAdd: [{ params: ['i32'], returns: 'i32' }, (a, b = 5) => a + b] }), async (sandbox) => {
    await assert.rejects(sandbox.call('Add', 1, 2), { code: 'ERR_HL_HOST_FUNCTION', message: REFUSED })
    assert.throws(() => sandbox.callSync('Add', 1, 2), { code: 'ERR_HL_HOST_FUNCTION', message: REFUSED })
    assert.equal(sandbox.state, 'ready')
  })
})

test('the guest sees the text, and may swallow the error', async () => {
  await using_(make({ Fails: [NONE, () => { throw new Error('no \ud800 luck') }] }), async (sandbox) => {
    for (const text of [await sandbox.call('CallHostExpectError', 'Fails'), sandbox.callSync('CallHostExpectError', 'Fails')]) {
      assert.match(text, /no \ufffd luck/)
    }
    assert.equal(sandbox.state, 'ready')
  })
})

test('a result of another kind is an error that says so', async () => {
  for (const [wrong, code] of [['5', 'ERR_HL_SIGNATURE'], [1.5, 'ERR_HL_SIGNATURE'], [2 ** 40, 'ERR_HL_INVALID_ARGUMENT'],
    [undefined, 'ERR_HL_SIGNATURE'], [{}, 'ERR_HL_INVALID_ARGUMENT'], [null, 'ERR_HL_INVALID_ARGUMENT'], [5n, 'ERR_HL_SIGNATURE']]) {
    await using_(make({ HostAdd: [ADD, () => wrong] }), async (sandbox) => {
      const check = (error) => error.code === 'ERR_HL_HOST_FUNCTION' && error.cause.code === code && /HostAdd/.test(error.message)
      assert.throws(() => sandbox.callSync('Add', 1, 2), check)
      await assert.rejects(sandbox.call('Add', 1, 2), check)
    })
  }
})

test('re-entry is ERR_HL_BUSY, sync and async', async () => {
  const seen = []
  const sandbox = make({ HostAdd: [ADD, (a, b) => {
    try { sandbox.callSync('NoOp') } catch (error) { seen.push(error.code) }
    sandbox.call('NoOp').catch((error) => seen.push(error.code))
    try { sandbox.register('X', NONE, () => {}) } catch (error) { seen.push(error.code) }
    assert.equal(sandbox.state, 'running')
    return a + b
  }] })
  assert.equal(sandbox.callSync('Add', 1, 2), 3)
  assert.equal(await sandbox.call('Add', 1, 2), 3)
  await sleep(1)
  assert.deepEqual(seen, Array(6).fill('ERR_HL_BUSY'))
})

test('two calls at once are one call and ERR_HL_BUSY', async () => {
  const sandbox = make()
  const both = await Promise.allSettled([sandbox.call('SpinForMs', 30), sandbox.call('NoOp')])
  assert.deepEqual(both.map(({ status, reason }) => reason?.code ?? status), ['fulfilled', 'ERR_HL_BUSY'])
})

test('a host function may call another sandbox, in any mixture', async () => {
  const inner = make({ HostAdd: [ADD, (a, b) => a + b] })
  const outer = make({ HostAdd: [ADD, (a, b) => inner.callSync('Add', a, b)] })
  const far = make({ HostAdd: [ADD, (a, b) => inner.call('Add', a, b)] })
  assert.equal(outer.callSync('Add', 1, 2), 3)
  assert.equal(await outer.call('Add', 1, 2), 3)
  assert.equal(await far.call('Add', 1, 2), 3)
})

test('they run in the asynchronous context of the call', async () => {
  const storage = new AsyncLocalStorage()
  const sandbox = make({ HostAdd: [ADD, () => storage.getStore()] })
  assert.equal(await storage.run(42, () => sandbox.call('Add', 1, 2)), 42)
  assert.equal(storage.run(43, () => sandbox.callSync('Add', 1, 2)), 43)
})

test('a function that returns nothing may return anything', async () => {
  let calls = 0
  const sandbox = make({ Tick: [NONE, () => ({ calls: calls += 1 })], Later: [NONE, async () => ({ calls: calls += 1 })] })
  assert.equal(await sandbox.call('HostCallLoop', 'Tick', 10), 10)
  assert.equal(sandbox.callSync('HostCallLoop', 'Tick', 10), 10)
  assert.equal(await sandbox.call('HostCallLoop', 'Later', 10), 10)
  assert.equal(calls, 30)
})

test('what the guest prints goes to print, whose own result is ignored', async () => {
  const printed = []
  await using_(make({}, { print: (text) => { printed.push(text); return false } }), async (sandbox) => {
    assert.equal(await sandbox.call('PrintOutput', 'häh\n'), 5)
    assert.equal(sandbox.callSync('PrintOutput', 'two'), 3)
  })
  await using_(make({}, { print: async (text) => { await sleep(2); printed.push(text) } }), async (sandbox) => {
    assert.equal(await sandbox.call('PrintOutput', 'three'), 5)
  })
  assert.deepEqual(printed, ['häh\n', 'two', 'three'])
})

test('a missing one is an error in the guest, a removed one too', async () => {
  await using_(make(), async (sandbox) => {
    assert.equal(sandbox.unregister('HostPrint'), true)
    assert.equal(sandbox.unregister('HostPrint'), false)
    await assert.rejects(sandbox.call('Add', 1, 2), { code: 'ERR_HL_HOST_FUNCTION', message: /HostAdd/ })
    await assert.rejects(sandbox.call('PrintOutput', 'x'), { code: 'ERR_HL_HOST_FUNCTION' })
  })
})

test('registering is checked, and ends with evolve', async () => {
  const sandbox = make()
  const invalid = { name: 'HyperlightError', code: 'ERR_HL_INVALID_ARGUMENT' }
  assert.throws(() => sandbox.register(7, NONE, () => {}), invalid)
  assert.throws(() => sandbox.register('X', undefined, () => {}), invalid)
  assert.throws(() => sandbox.register('X', { params: 'i32' }, () => {}), invalid)
  assert.throws(() => sandbox.register('X', { params: ['int'] }, () => {}), { ...invalid, message: /bool.*i32.*"int"/ })
  assert.throws(() => sandbox.register('X', { params: ['void'] }, () => {}), invalid)
  assert.throws(() => sandbox.register('X', NONE), invalid)
  assert.throws(() => sandbox.register('', NONE, () => {}), invalid)
  assert.equal(sandbox.register('X', NONE, () => {}), sandbox)
  await sandbox.evolve()
  assert.throws(() => sandbox.register('Y', NONE, () => {}), { code: 'ERR_HL_STATE' })
  await assert.rejects(sandbox.evolve(), { code: 'ERR_HL_STATE' })
  assert.ok(new HyperlightError('ERR_HL_X', 'x') instanceof Error)
})

async function using_(sandbox, work) {
  try {
    await work(sandbox)
  } finally {
    sandbox.close()
    assert.equal(sandbox.state, 'closed')
  }
}
