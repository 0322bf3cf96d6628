// Snapshots, files, pools.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { Guest, Sandbox, SandboxPool, Snapshot } from 'libhyperlight'

const guest = Guest.builtin('demo')
const ADD = { params: ['i32', 'i32'], returns: 'i32' }

async function warm(options) {
  const sandbox = new Sandbox(guest, options)
  await sandbox.call('AddToStatic', 5)
  return { sandbox, snapshot: await sandbox.snapshot() }
}

test('a restore undoes, a clone goes on, a file does too', async (context) => {
  const { sandbox, snapshot } = await warm()
  await sandbox.call('AddToStatic', 10)
  await sandbox.restore(snapshot)
  assert.equal(await sandbox.call('GetStatic'), 5)

  const clone = new Sandbox(snapshot)
  assert.equal(clone.callSync('GetStatic'), 5)

  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'warm.hls')
  await snapshot.save(file)
  const loaded = await Snapshot.load(file)
  assert.equal(await new Sandbox(loaded).call('GetStatic'), 5)
  await assert.rejects(snapshot.save(path.join(directory, 'none', 'x')), { code: 'ERR_HL_IO' })
})

test('a snapshot file brings no more than is allowed, and takes the place of files alone (case 26)', async (context) => {
  const { snapshot } = await warm()
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-'))
  context.after(() => fs.rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'warm.hls')
  await snapshot.save(file)
  Snapshot.load(file, { maxSize: 8 << 20, maxHeapSize: 16 << 20 })
  Snapshot.load(file, { maxSize: undefined, maxHeapSize: 0 })
  assert.throws(() => Snapshot.load(file, { maxSize: 1 }), { code: 'ERR_HL_SNAPSHOT_FILE', message: /raise maxSize/ })
  assert.throws(() => Snapshot.load(file, { maxHeapSize: 1 }), { code: 'ERR_HL_SNAPSHOT_FILE', message: /its heapSize is.*raise maxHeapSize/ })
  for (const wrong of [{ maxSize: -1 }, { maxHeapSize: '1' }, { size: 1 }, 1, null]) {
    assert.throws(() => Snapshot.load(file, wrong), { code: 'ERR_HL_INVALID_ARGUMENT' })
  }

  const link = path.join(directory, 'link')
  fs.symlinkSync(file, link)
  for (const [place, found] of [[directory, /a folder/], [link, /a symbolic link/]]) {
    await assert.rejects(snapshot.save(place), { code: 'ERR_HL_IO', message: found })
  }
  assert.ok(fs.lstatSync(link).isSymbolicLink())
})

test('host functions of the source are required again', async () => {
  const source = new Sandbox(guest).register('HostAdd', ADD, (a, b) => a + b)
  await source.evolve()
  const snapshot = await source.snapshot()
  await assert.rejects(new Sandbox(snapshot).evolve(), { code: 'ERR_HL_SNAPSHOT_MISMATCH', message: /HostAdd/ })
  const clone = new Sandbox(snapshot).register('HostAdd', ADD, (a, b) => a * b)
  assert.equal(await clone.call('Add', 3, 4), 12)
  assert.throws(() => new Sandbox(snapshot, { heapSize: 4096 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /heapSize/ })
  await assert.rejects(clone.restore('x'), { code: 'ERR_HL_INVALID_ARGUMENT' })
})

test('a pool hands out pristine members only', async () => {
  const { snapshot } = await warm()
  const pool = new SandboxPool(snapshot, { size: 2 })
  for (let round = 0; round < 20; round += 1) assert.equal(await pool.call('AddToStatic', 1), 6)
  const member = await pool.acquire()
  assert.equal(await member.call('AddToStatic', 1), 6)
  assert.equal(member.callSync('AddToStatic', 1), 7)
  assert.ok(member.functions.length > 0)
  assert.equal(pool.statistics.inUse, 1)
  member.close()
  member.close()
  assert.equal(member.state, 'closed')
  assert.equal(pool.statistics.inUse, 0)
  pool.close()
})

test('who waits 0 milliseconds for a member gets one at once or not at all', async () => {
  const { sandbox, snapshot } = await warm()
  sandbox.close()
  const pool = new SandboxPool(snapshot, { size: 1, acquireTimeoutMs: 0 })
  for (let round = 0; round < 20; round += 1) assert.equal(await pool.call('AddToStatic', 1), 6)
  const member = await pool.acquire()
  const expected = { code: 'ERR_HL_POOL_TIMEOUT', message: /within acquireTimeoutMs, 0; all 1 are in use/ }
  await assert.rejects(pool.acquire(), expected)
  await assert.rejects(pool.call('GetStatic'), expected)
  assert.equal(pool.statistics.waits, 0)
  member.close()
  assert.equal(await pool.call('GetStatic'), 5)
  pool.close()
})

test('a poisoned member comes back clean', async () => {
  const { snapshot } = await warm()
  const pool = new SandboxPool(snapshot, { size: 1, timeoutMs: 20 })
  for (let round = 0; round < 5; round += 1) {
    await assert.rejects(pool.call('Spin'), { code: 'ERR_HL_TIMEOUT' })
    assert.equal(await pool.call('GetStatic'), 5)
  }
  await assert.rejects(pool.call('Spin', { timeoutMs: Infinity, signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
  assert.equal(await pool.call('GetStatic'), 5)
  pool.close()
})

test('who must wait waits in the order of arrival, without threads', async () => {
  const { snapshot } = await warm()
  const pool = new SandboxPool(snapshot, { size: 1 })
  const threads = () => fs.readdirSync('/proc/self/task').filter((id) =>
    fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'hl-call\n').length
  const order = []
  const calls = Array.from({ length: 200 }, (_, index) => pool.call('NoOp').then(() => order.push(index)))
  await sleep(1)
  assert.ok(threads() <= 4, `${threads()} threads`)
  await Promise.all(calls)
  assert.deepEqual(order, Array.from({ length: 200 }, (_, index) => index))
  assert.equal(pool.statistics.waits, 199)
  pool.close()
})

test('host functions of a pool serve all members, and throw as themselves', async () => {
  const source = new Sandbox(guest).register('HostAdd', ADD, () => 0)
  await source.evolve()
  const thrown = new RangeError('mine')
  const printed = []
  const pool = new SandboxPool(await source.snapshot(), { size: 4, print: (text) => printed.push(text), hostFunctions: {
    HostAdd: { ...ADD, call: async (a, b) => { await sleep(2); if (a < 0) throw thrown; return a + b } },
  } })
  const results = await Promise.allSettled([1, -1, 2, -2, 3, -3].map((a) => pool.call('Add', a, 10)))
  assert.deepEqual(results.map(({ value, reason }) => value ?? reason), [11, thrown, 12, thrown, 13, thrown])
  await pool.call('PrintOutput', 'p')
  assert.deepEqual(printed, ['p'])
  pool.close()
})

test('an abort while waiting for a member leaves the queue', async () => {
  const { snapshot } = await warm()
  const pool = new SandboxPool(snapshot, { size: 1 })
  const member = await pool.acquire()
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 10)
  await assert.rejects(pool.call('NoOp', { signal: controller.signal }), { name: 'AbortError' })
  await assert.rejects(pool.acquire({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  const waiting = pool.call('GetStatic')
  member.close()
  assert.equal(await waiting, 5)
  const last = await pool.acquire()
  const closed = assert.rejects(pool.acquire(), { code: 'ERR_HL_CLOSED' })
  pool.close()
  await closed
  assert.equal(await last.call('GetStatic'), 5)
  last.close()
})

test('pool options are checked', async () => {
  const { snapshot } = await warm()
  assert.throws(() => new SandboxPool(7), { code: 'ERR_HL_INVALID_ARGUMENT' })
  assert.throws(() => new SandboxPool(snapshot, { max: 1 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /size/ })
  assert.throws(() => new SandboxPool(snapshot, { size: 1, minIdle: 2 }), { code: 'ERR_HL_INVALID_ARGUMENT', message: /minIdle is at most size/ })
  assert.throws(() => new SandboxPool(snapshot, { hostFunctions: { X: { call: 1 } } }), { code: 'ERR_HL_INVALID_ARGUMENT' })
})
