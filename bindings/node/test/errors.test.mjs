// Every code, on both paths.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

import { Guest, HyperlightError, Sandbox, SandboxPool, Snapshot, probe } from 'libhyperlight'

const guest = Guest.builtin('demo')

test('probe has nothing to say where there is a hypervisor', () => assert.equal(probe(), undefined))

test('what a guest can do has its code on both paths, and the state that the contract says', async () => {
  const cases = [
    ['ERR_HL_GUEST_ERROR', 'ready', 'ReturnError', 42, 'sorry'],
    ['ERR_HL_GUEST_ABORT', 'poisoned', 'GuestAbortWithMessage', 7, 'enough'],
    ['ERR_HL_GUEST_ABORT', 'poisoned', 'Panic', 'oh no'],
    ['ERR_HL_GUEST_FAULT', 'poisoned', 'ReadAddress', 0n],
    ['ERR_HL_STACK_OVERFLOW', 'poisoned', 'InfiniteRecursion'],
    ['ERR_HL_GUEST_OUT_OF_MEMORY', 'poisoned', 'ExhaustHeap'],
    ['ERR_HL_TIMEOUT', 'poisoned', 'Spin', { timeoutMs: 20 }],
    ['ERR_HL_TIMEOUT', 'poisoned', 'Spin', { cpuTimeMs: 20 }],
    ['ERR_HL_FUNCTION_NOT_FOUND', 'ready', 'Nothing'],
    ['ERR_HL_SIGNATURE', 'ready', 'Echo', 7],
  ]
  for (const [code, state, name, ...values] of cases) {
    for (const way of ['call', 'callSync']) {
      const sandbox = new Sandbox(guest)
      const error = await (async () => sandbox[way](name, ...values))().then(() => undefined, (found) => found)
      assert.ok(error instanceof HyperlightError && error instanceof Error, `${name} ${way}`)
      assert.deepEqual([error.code, error.name, sandbox.state], [code, 'HyperlightError', state], `${name}: ${error.message}`)
      assert.doesNotMatch(error.message, /\n|[a-z]+_(size|time|bytes|calls)/)
      if (state === 'poisoned') {
        assert.throws(() => sandbox.callSync('NoOp'), { code: 'ERR_HL_POISONED' })
        await assert.rejects(sandbox.call('NoOp'), { code: 'ERR_HL_POISONED' })
        await assert.rejects(sandbox.snapshot(), { code: 'ERR_HL_POISONED' })
      }
      sandbox.close()
    }
  }
})

test('the guest\'s own code and text come along', () => {
  using(new Sandbox(guest), (sandbox) => {
    assert.throws(() => sandbox.callSync('ReturnError', 42, 'sorry'), { guestCode: 42, message: 'sorry' })
    assert.throws(() => sandbox.callSync('GuestAbortWithMessage', 7, 'enough'), { guestCode: 7, message: /enough/ })
  })
})

test('a guest\'s codes are its own, also those that are the library\'s elsewhere (case 22)', async () => {
  const sandbox = new Sandbox(guest)
  for (const guestCode of [-7, -5, -1, 0, 1, -(2 ** 31), 2 ** 31 - 1]) {
    const expected = { name: 'HyperlightError', code: 'ERR_HL_GUEST_ERROR', guestCode, message: 'not today' }
    assert.throws(() => sandbox.callSync('ReturnError', guestCode, 'not today'), expected)
    await assert.rejects(sandbox.call('ReturnError', guestCode, 'not today'), expected)
    assert.equal(sandbox.state, 'ready')
  }
  sandbox.close()
})

test('a fault says where and why', () => {
  using(new Sandbox(guest), (sandbox) => {
    assert.throws(() => sandbox.callSync('WriteAddress', 16n, 1n), (error) => {
      const { kind, vector, instruction, address, access, function: name } = error.fault
      assert.deepEqual([kind, vector, address, access], ['null-access', 14, 16n, 'write'])
      assert.equal(typeof instruction, 'bigint')
      assert.match(name, /demo::/)
      return true
    })
  })
})

test('guests and snapshots that cannot be loaded', async (context) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const junk = path.join(directory, 'junk')
  fs.writeFileSync(junk, 'junk')
  assert.throws(() => new Guest(Buffer.from('junk')), { code: 'ERR_HL_GUEST_BINARY' })
  assert.throws(() => new Guest(junk), { code: 'ERR_HL_GUEST_BINARY' })
  assert.throws(() => new Guest(path.join(directory, 'none')), { code: 'ERR_HL_IO', message: /none/ })
  assert.throws(() => new Guest(7), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => Guest.builtin('nobody'), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => Snapshot.load(junk), { code: 'ERR_HL_SNAPSHOT_FILE' })
  assert.throws(() => Snapshot.load(path.join(directory, 'none')), { code: 'ERR_HL_IO' })
  assert.throws(() => new Snapshot(), { code: 'ERR_HL_INVALID_ARGUMENT' })
})

test('options are checked, and unknown ones named', () => {
  const invalid = (message) => ({ code: 'ERR_HL_INVALID_ARGUMENT', message })
  assert.throws(() => new Sandbox(guest, { heapsize: 1 }), invalid(/"heapsize".*heapSize/))
  assert.throws(() => new Sandbox(guest, { heapSize: -1 }), invalid(/heapSize/))
  assert.throws(() => new Sandbox(guest, { heapSize: 1.5 }), invalid(/heapSize/))
  assert.throws(() => new Sandbox(guest, { heapSize: 2 ** 40 }), invalid(/heapSize/))
  assert.throws(() => new Sandbox(guest, { timeoutMs: NaN }), invalid(/timeoutMs/))
  assert.throws(() => new Sandbox(guest, { print: 1 }), invalid(/print/))
  assert.throws(() => new Sandbox(guest, null), invalid(/options/))
  using(new Sandbox(guest, { timeoutMs: Infinity, cpuTimeMs: 0 }), (sandbox) => {
    sandbox.callSync('NoOp')
    assert.throws(() => sandbox.callSync('NoOp', { timeout: 5 }), invalid(/"timeout".*timeoutMs/))
    assert.throws(() => sandbox.callSync('NoOp', { timeoutMs: '5' }), invalid(/timeoutMs/))
    assert.throws(() => sandbox.callSync('NoOp', { signal: AbortSignal.timeout(9) }), invalid(/signal/))
    assert.throws(() => sandbox.callSync(7), invalid(/name/))
    sandbox.callSync('NoOp', { timeoutMs: 1000 })
    sandbox.callSync('NoOp', {})
  })
})

test('closed is closed', async () => {
  const sandbox = new Sandbox(guest)
  sandbox.close()
  sandbox.close()
  assert.equal(sandbox.state, 'closed')
  for (const attempt of [() => sandbox.call('NoOp'), async () => sandbox.callSync('NoOp'), () => sandbox.evolve(),
    () => sandbox.snapshot(), async () => sandbox.register('X', {}, () => {})]) {
    await assert.rejects(attempt, { code: 'ERR_HL_CLOSED' })
  }
  const other = new Sandbox(guest)
  const pending = other.call('SpinForMs', 30)
  other.close()
  assert.equal(other.state, 'closed')
  assert.equal(typeof await pending, 'bigint')
  await assert.rejects(other.call('NoOp'), { code: 'ERR_HL_CLOSED' })
})

test('functions and state before and after evolve', async () => {
  const sandbox = new Sandbox(guest)
  assert.equal(sandbox.state, 'uninitialized')
  assert.throws(() => sandbox.functions, { code: 'ERR_HL_STATE' })
  await assert.rejects(sandbox.snapshot(), { code: 'ERR_HL_STATE' })
  await sandbox.evolve()
  assert.deepEqual(sandbox.functions.find(({ name }) => name === 'Add'), { name: 'Add', params: ['i32', 'i32'], returns: 'i32' })
  const pending = sandbox.call('SpinForMs', 20)
  assert.equal(sandbox.state, 'running')
  await pending
  assert.equal(sandbox.state, 'ready')
  sandbox[Symbol.dispose]()
  assert.equal(sandbox.state, 'closed')
  await new Sandbox(guest)[Symbol.asyncDispose]()
})

test('a pool says so when nobody comes free', async () => {
  const sandbox = new Sandbox(guest)
  await sandbox.evolve()
  const pool = new SandboxPool(await sandbox.snapshot(), { size: 1, acquireTimeoutMs: 20 })
  const member = await pool.acquire()
  await assert.rejects(pool.call('NoOp'), { code: 'ERR_HL_POOL_TIMEOUT', message: /acquireTimeoutMs/ })
  await assert.rejects(pool.acquire(), { code: 'ERR_HL_POOL_TIMEOUT' })
  member.close()
  await pool.call('NoOp')
  pool.close()
  await assert.rejects(pool.call('NoOp'), { code: 'ERR_HL_CLOSED' })
})

function using(sandbox, work) {
  try {
    work(sandbox)
  } finally {
    sandbox.close()
  }
}
