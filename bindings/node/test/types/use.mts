// Compiled, never run: what must be accepted, and what must not.
import { Guest, HyperlightError, JavaScript, JavaScriptPool, Sandbox, SandboxPool, Snapshot, Wasm, type WasmPool, WasmProgram, probe, type GuestFunction, type State } from 'libhyperlight'

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

await using js = new JavaScript('export const f = (a) => a', {
  timeoutMs: 5, heapSize: 1 << 20, modules: { tools: 'export default 1', more: new URL('file:///more.js') },
  hostFunctions: { any: async (value: { a: number }) => value.a, typed: { params: ['i32'], returns: 'i32', call: (a: number) => a } },
})
const answer: number = await js.eval<number>('1 + 1', { signal: AbortSignal.timeout(5) })
await js.call('f', [{ a: [1n, new Uint8Array(1), null, undefined, new Date()] }], { timeoutMs: 5 })
js.callSync('f', [1, 'x']); js.evalSync('1', { cpuTimeMs: 5 })
await js.load('1', { name: 'one' })
new JavaScript('', { hostFunctions: { all: { call: (...values: number[]) => values, openArity: true }, some: { call: Math.max, arity: 3 } } }).close()
// @ts-expect-error: a number of arguments is a number
new JavaScript('', { hostFunctions: { some: { call: Math.max, arity: '3' } } })
// @ts-expect-error: arguments are an array
await js.call('f', 1)
// @ts-expect-error: nobody could fire it
js.evalSync('1', { signal: AbortSignal.timeout(5) })
// @ts-expect-error: a function cannot cross
await js.call('f', [() => 1])
// @ts-expect-error: it has its own
await js.pool({ hostFunctions: {} })
const scripts: JavaScriptPool = await js.pool({ size: 2, timeoutMs: 5 })
const script: JavaScript = await scripts.acquire()
new JavaScriptPool(await script.snapshot(), { size: 1, hostFunctions: { any: () => 1 } }).close()

const wasm = await Wasm.compile('m.wasm', { hostFunctions: { log: (code: number) => code }, wasi: { args: ['m'], env: { A: 'b' }, files: { a: 'b', c: new Uint8Array(1) } } })
const fib: bigint = await wasm.call<bigint>('fib', [30], { timeoutMs: 5, signal: AbortSignal.timeout(5) })
wasm.callSync('fib', [30] as const, { cpuTimeMs: 5 })
// @ts-expect-error: arguments are an array
await wasm.call('fib', 30)
// @ts-expect-error: nobody could fire it
wasm.callSync('fib', [30], { signal: AbortSignal.timeout(5) })
const code: number = await wasm.run({ signal: AbortSignal.timeout(5) })
const bytes: Uint8Array = await wasm.memory().read(0, 5)
wasm.memory('other').writeSync(0, bytes)
const text_: string | undefined = wasm.functions[0]?.signature
const programs: WasmPool = await wasm.pool({ size: 1 })
await programs.call<number>('add', [2, 3], { timeoutMs: 5 })
new Wasm(await wasm.snapshot()).close()
const kept: Uint8Array = (await WasmProgram.compile('m.wasm', { compileThreads: 1, compileTimeoutMs: 5 })).toBytes()
new Wasm(WasmProgram.fromBytes(kept), { wasi: { args: ['m'] } }).close()
// @ts-expect-error: a program is bytes or a path
new Wasm(7)
console.log(answer, fib, code, text_, programs.statistics.idle, new Wasm(new Uint8Array(1)).runSync())
