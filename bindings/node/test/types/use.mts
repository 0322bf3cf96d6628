// Compiled, never run: what must be accepted, and what must not.
import { Guest, HyperlightError, Sandbox, SandboxPool, Snapshot, probe, type GuestFunction, type State } from 'hyperlight'

probe()
const sandbox = new Sandbox(Guest.builtin('demo'), { heapSize: 1 << 20, timeoutMs: 2000, print: (text) => process.stdout.write(text) })
sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, (a, b) => a + b)
  .register('Wide', { params: ['u64', 'bytes'], returns: 'string' }, async (wide, bytes) => `${wide + 1n} ${bytes.byteLength}`)
  .register('Nothing', {}, () => 5)
// @ts-expect-error: the result is a bigint
sandbox.register('Bad', { params: ['i32'], returns: 'i64' }, (a) => a)
// @ts-expect-error: there is no such kind
sandbox.register('Bad', { params: ['int'] }, () => {})
// @ts-expect-error: an argument is a number
sandbox.register('Bad', { params: ['i32'] }, (text: string) => text)

const sum: number = await sandbox.call<number>('Add', 2, 3)
const text: string = sandbox.callSync('Echo', 'hi')
await sandbox.call('Spin', { signal: AbortSignal.timeout(50), timeoutMs: 5 })
await sandbox.call('Echo', new Uint8Array(1), 5n, true, { timeoutMs: 5 })
// @ts-expect-error: no value is a plain object
await sandbox.call('Echo', { a: 1 }, 5)
// @ts-expect-error: nobody could fire it
sandbox.callSync('Spin', { signal: AbortSignal.timeout(50) })
// @ts-expect-error: sizes are numbers
new Sandbox('mine.elf', { heapSize: '1' })

const functions: GuestFunction[] = sandbox.functions
const state: State = sandbox.state
const snapshot: Snapshot = await sandbox.snapshot()
await sandbox.restore(snapshot)
await snapshot.save('warm.hls')
const loaded = Snapshot.load(new URL('file:///warm.hls'))
// @ts-expect-error: snapshots are taken or loaded
new Snapshot()

await using pool = new SandboxPool(loaded, {
  size: 8, timeoutMs: 5, acquireTimeoutMs: 5,
  hostFunctions: { HostAdd: { params: ['i32', 'i32'], returns: 'i32', call: (a: number, b: number) => a + b } },
})
{
  using member = await pool.acquire({ signal: AbortSignal.timeout(5) })
  await member.call('Echo', text)
}
const { inUse, waitedMs } = pool.statistics
try {
  await pool.call('Echo', 'hi')
} catch (error) {
  if (error instanceof HyperlightError && error.code === 'ERR_HL_GUEST_FAULT') console.log(error.fault?.address.toString(16), error.guestCode)
}
console.log(sum, functions, state, inUse + waitedMs, sandbox.interrupt())
