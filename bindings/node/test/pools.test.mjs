// Who waits for a member of a pool, and which limits it has.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'

import { Guest, JavaScript, Sandbox, SandboxPool, Wasm } from 'libhyperlight'

const seed = new Sandbox(Guest.builtin('demo'))
await seed.evolve()
const snapshot = await seed.snapshot()
seed.close()
/** A module whose function `spin` does not end. */
const SPIN = Buffer.from('AGFzbQEAAAABBAFgAAADAgEABwgBBHNwaW4AAAoJAQcAA0AMAAsL', 'base64')

/** The threads of this package, those of the kernel's and of Node's aside. */
const threads = () => fs.readdirSync('/proc/self/task').filter((id) => {
  try {
    return fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'hl-call\n'
  } catch {
    return false
  }
}).length

test('a member that was closed is in use until its call has ended (case 28)', async () => {
  const pool = new SandboxPool(snapshot, { size: 1, acquireTimeoutMs: 0 })
  for (const [name, ...values] of [['SpinForMs', 400], ['Spin', { timeoutMs: 400 }]]) {
    const member = await pool.acquire()
    const running = member.call(name, ...values).then(() => 'done', () => 'done')
    member.close()
    const { signal } = new AbortController()
    await assert.rejects(pool.call('NoOp', { signal }), { code: 'ERR_HL_POOL_TIMEOUT' })
    await assert.rejects(pool.acquire({ signal }), { code: 'ERR_HL_POOL_TIMEOUT' })
    // It was not waited for.
    assert.equal(await Promise.race([running, 'running']), 'running')
    assert.equal(await running, 'done')
    // It is as new now, though its last call may have been stopped.
    await pool.call('NoOp')
    assert.equal(pool.statistics.created, 1)
  }
  pool.close()
})

test('who waits obeys the signal, the limit and the end of the pool, and costs no thread', async () => {
  for (const make of [() => new SandboxPool(snapshot, { size: 1 }), () => new SandboxPool(snapshot, { size: 1, acquireTimeoutMs: 100_000 })]) {
    const pool = make()
    const member = await pool.acquire()
    const running = member.call('Spin').catch((error) => error.code)
    member.close()
    const before = threads()
    const aborted = new AbortController()
    const waiting = Array.from({ length: 20 }, (_, index) => (index % 2 ? pool.call('NoOp', { signal: aborted.signal }) : pool.acquire({ signal: aborted.signal }))
      .catch((error) => error))
    const last = [pool.call('NoOp'), pool.acquire()].map((each) => each.catch((error) => error.code))
    assert.ok(threads() <= before, `${threads()} threads, before ${before}`)
    const reason = new Error('mine')
    aborted.abort(reason)
    for (const each of waiting) assert.equal(await each, reason)
    pool.close()
    assert.deepEqual(await Promise.all(last), ['ERR_HL_CLOSED', 'ERR_HL_CLOSED'])
    member.interrupt()
    assert.equal(await running, 'ERR_HL_INTERRUPTED')
  }
  const pool = new SandboxPool(snapshot, { size: 1, acquireTimeoutMs: 20 })
  const member = await pool.acquire()
  const running = member.call('Spin', { timeoutMs: 2000 }).catch((error) => error.code)
  member.close()
  await assert.rejects(pool.call('NoOp'), { code: 'ERR_HL_POOL_TIMEOUT' })
  member.interrupt()
  assert.equal(await running, 'ERR_HL_INTERRUPTED')
  pool.close()
})

test('arguments are taken when the call is made, though it waits', async () => {
  const pool = new SandboxPool(snapshot, { size: 1 })
  const bytes = new Uint8Array([1, 2, 3])
  const calls = [pool.call('EchoBytes', bytes), pool.call('EchoBytes', bytes), pool.call('EchoBytes', bytes.subarray(1))]
  bytes.fill(9)
  assert.deepEqual(await Promise.all(calls), [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3]), new Uint8Array([2, 3])])
  pool.close()
})

test('a member that is closed inside its own synchronous call is in use until that has ended', async () => {
  let member, inside
  const HostAdd = { params: ['i32', 'i32'], returns: 'i32', call: (a, b) => {
    member.close()
    inside = pool.statistics.inUse
    return a + b
  } }
  const pool = new SandboxPool(snapshot, { size: 1, acquireTimeoutMs: 0, hostFunctions: { HostAdd } })
  member = await pool.acquire()
  assert.equal(member.callSync('Add', 1, 2), 3)
  assert.equal(inside, 1)
  assert.equal(await pool.call('NoOp'), undefined)
  assert.equal(pool.statistics.inUse, 0)
  pool.close()
})

test('an option that is undefined leaves a script\'s and a program\'s limit where it is (case 27)', async () => {
  const nothing = Object.fromEntries(['size', 'minIdle', 'acquireTimeoutMs', 'timeoutMs', 'cpuTimeMs', 'maxHostCalls', 'maxLogBytes', 'maxPrintBytes', 'print', 'hostFunctions']
    .map((name) => [name, undefined]))
  const printed = []
  const js = new JavaScript('function many(count) { for (let i = 0; i < count; i += 1) host.tick() } function print() { console.log("x") }', {
    maxHostCalls: 10, timeoutMs: 300, print: (text) => printed.push(text), hostFunctions: { tick: () => {}, not: undefined },
    cpuTimeMs: undefined, modules: { none: undefined },
  })
  const pool = await js.pool({ ...nothing, size: 1 })
  for (const each of [pool, await pool.acquire().then((member) => (member.close(), pool))]) {
    await each.call('many', [10], { signal: undefined, timeoutMs: undefined })
    await assert.rejects(each.call('many', [11]), { message: /maxHostCalls/ })
    await assert.rejects(each.eval('for (;;) {}'), { code: 'ERR_HL_TIMEOUT' })
    await each.call('print')
  }
  assert.deepEqual(printed, ['x\n', 'x\n'])
  const other = await js.pool({ size: 1, maxHostCalls: 11 })
  await other.call('many', [11])
  const wasm = new Wasm(SPIN, { timeoutMs: 300, wasi: undefined, snapshot: undefined, maxProgramSize: undefined, compileTimeoutMs: undefined })
  const programs = await wasm.pool({ ...nothing, size: 1 })
  await assert.rejects(programs.call('spin', undefined, undefined), { code: 'ERR_HL_TIMEOUT' })
  for (const each of [js, pool, other, wasm, programs]) each.close()
})
