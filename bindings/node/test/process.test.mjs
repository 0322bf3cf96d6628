// What a process with sandboxes in it can do at any moment: end, lose a worker, collect garbage, wait for files.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { Guest, Sandbox } from 'libhyperlight'

const PRELUDE = `
  import { Guest, JavaScript, Sandbox, SandboxPool, Wasm } from 'libhyperlight'
  import { setTimeout as sleep } from 'node:timers/promises'
  const guest = Guest.builtin('demo')
  const ADD = { params: ['i32', 'i32'], returns: 'i32' }
  // A module whose function \`spin\` does that.
  const SPIN = Buffer.from('AGFzbQEAAAABBAFgAAADAgEABwgBBHNwaW4AAAoJAQcAA0AMAAsL', 'base64')
`

/** Runs a program; its exit status and what it printed. A program that hangs fails the test. */
async function run(program, { flags = [], ms = 30_000, shell } = {}) {
  const command = [process.execPath, ...flags, '--input-type=module', '--eval', PRELUDE + program]
  const [file, ...args] = shell === undefined ? command : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...command]
  const child = spawn(file, args, {
    cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (data) => { out += data })
  child.stderr.on('data', (data) => { out += data })
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  const [code, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)))
  clearTimeout(timer)
  return { code, signal, out }
}

async function runs(program, expected = '', options) {
  const { code, signal, out } = await run(program, options)
  assert.deepEqual({ code, signal, out: out.trim() }, { code: 0, signal: null, out: expected })
}

test('nothing idle keeps the process alive', async () => {
  await runs(`
    const sandbox = new Sandbox(guest).register('HostAdd', ADD, async (a, b) => a + b)
    await sandbox.call('Add', 1, 2)
    const pool = new SandboxPool(await sandbox.snapshot(), { hostFunctions: { HostAdd: { ...ADD, call: (a, b) => a + b } } })
    globalThis.keep = [sandbox, pool, await pool.acquire()]
    console.log('end')`, 'end')
})

test('a running call does keep it alive', async () => {
  await runs(`new Sandbox(guest).call('SpinForMs', 100).then(() => console.log('done'))`, 'done')
  await runs(`const sb = new Sandbox(guest); await sb.call('SpinForMs', 100); console.log('done')`, 'done')
})

const RUNNING = {
  'a spinning guest': `new Sandbox(guest).call('Spin')`,
  'four spinning guests': `for (let i = 0; i < 4; i += 1) new Sandbox(guest).call('Spin')`,
  'a host function that never answers': `new Sandbox(guest).register('HostAdd', ADD, () => new Promise(() => {})).call('Add', 1, 2)`,
  'a guest that keeps calling': `
    new Sandbox(guest).register('Tick', {}, () => {}).call('HostCallLoop', 'Tick', 4e9)`,
  'a guest that keeps printing': `
    const sb = new Sandbox(guest, { print() {} }); (async () => { for (;;) await sb.call('PrintOutput', 'x') })()`,
  'a script': `new JavaScript('for (;;) {}').evolve()`,
  'a script that keeps calling': `new JavaScript('for (;;) host.tick()', { hostFunctions: { tick: async () => ({}) } }).evolve()`,
  'a WebAssembly program': `Wasm.compile(SPIN).then((wasm) => wasm.call('spin'))`,
  'a compiler': `;(async () => { for (let i = 0; ; i += 1) await Wasm.compile(Buffer.concat([SPIN, Buffer.from([0, 2, 1, i % 256])])) })()`,
  'a pool at work': `
    const sb = new Sandbox(guest); await sb.evolve()
    const pool = new SandboxPool(await sb.snapshot(), { size: 2 })
    for (let i = 0; i < 8; i += 1) pool.call('Spin').catch(() => {})`,
}

test('process.exit at any moment, twenty times', { timeout: 120_000 }, async () => {
  const moments = Object.entries(RUNNING)
  for (let round = 0; round < 20; round += 1) {
    const [name, program] = moments[round % moments.length]
    const { code, signal, out } = await run(`${program}
      setTimeout(() => process.exit(7), ${round * 3 % 40})`)
    assert.deepEqual({ code, signal, out }, { code: 7, signal: null, out: '' }, name)
  }
})

test('process.exit inside a host function, of call and of callSync', async () => {
  for (const way of ['call', 'callSync']) {
    const { code, out } = await run(`
      await new Sandbox(guest).register('HostAdd', ADD, () => process.exit(9)).${way}('Add', 1, 2)`)
    assert.deepEqual({ code, out }, { code: 9, out: '' }, way)
  }
})

test('an uncaught error ends the process as always', async () => {
  const { code, out } = await run(`new Sandbox(guest).call('Spin'); setTimeout(() => { throw new Error('mine') }, 20)`)
  assert.equal(code, 1)
  assert.match(out, /mine/)
})

test('worker.terminate() at any moment, fifty times', { timeout: 120_000 }, async () => {
  const moments = Object.entries(RUNNING)
  await runs(`
    import { Worker } from 'node:worker_threads'
    const prelude = ${JSON.stringify(PRELUDE)}
    const moments = ${JSON.stringify(moments)}
    for (let round = 0; round < 50; round += 1) {
      const [name, program] = moments[round % moments.length]
      const source = prelude + "import { parentPort } from 'node:worker_threads'\\n" + program + "\\nparentPort.postMessage('running'); setInterval(() => {}, 1000)"
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source.replaceAll("'libhyperlight'", JSON.stringify(import.meta.resolve('libhyperlight'))))))
      worker.on('error', (error) => { console.log(name, error); process.exit(1) })
      // From before it is loaded to well into its calls.
      if (round % 5 !== 0) await new Promise((resolve) => worker.once('message', resolve))
      await sleep(round % 7)
      await worker.terminate()
    }
    // Guests whose workers are gone must not run on.
    await sleep(100)
    const before = process.cpuUsage()
    await sleep(300)
    const { user, system } = process.cpuUsage(before)
    console.log(user + system < 150_000 ? 'quiet' : 'still running: ' + (user + system) + ' µs')`, 'quiet', { ms: 100_000 })
})

test('process.exit() inside a worker, in a host function of callSync', async () => {
  await runs(`
    import { Worker } from 'node:worker_threads'
    const source = ${JSON.stringify(PRELUDE)} + "new Sandbox(guest).register('HostAdd', ADD, () => process.exit(3)).callSync('Add', 1, 2)"
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source.replaceAll("'libhyperlight'", JSON.stringify(import.meta.resolve('libhyperlight'))))))
    worker.on('exit', (code) => console.log(code))`, '3')
})

/** Programs of a worker that end up inside a synchronous call for ever. */
const SYNCHRONOUS = {
  'a guest that starts at once': `new Sandbox(guest).callSync('Spin')`,
  'a guest that was ready': `
    const sb = new Sandbox(guest); sb.callSync('NoOp'); Atomics.store(flag, 0, 1); sb.callSync('Spin')`,
  'a guest that was called from other threads before': `
    const sb = new Sandbox(guest); await sb.call('NoOp'); await sb.call('SpinForMs', 30); sb.callSync('NoOp')
    Atomics.store(flag, 0, 1); sb.callSync('Spin')`,
  'a member of a pool': `
    const sb = new Sandbox(guest); await sb.evolve()
    const member = await new SandboxPool(await sb.snapshot()).acquire(); Atomics.store(flag, 0, 1); member.callSync('Spin')`,
  'a guest that keeps calling': `
    const sb = new Sandbox(guest).register('Tick', {}, () => Atomics.store(flag, 0, 1)); sb.callSync('HostCallLoop', 'Tick', 4e9)`,
  'a script': `new JavaScript('host.tick(); for (;;) {}', { hostFunctions: { tick: () => { Atomics.store(flag, 0, 1) } } }).evalSync('1')`,
  'a WebAssembly program': `const wasm = new Wasm(SPIN); Atomics.store(flag, 0, 1); wasm.callSync('spin')`,
  'a guest under a host function': `
    const inner = new Sandbox(guest)
    new Sandbox(guest).register('HostAdd', ADD, () => inner.callSync('Spin')).callSync('Add', 1, 2)`,
}
const BEGIN = `
  import { Worker } from 'node:worker_threads'
  async function begin(program, delay) {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const source = ${JSON.stringify(PRELUDE)} + "import { workerData as flag } from 'node:worker_threads'\\n" + program
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source.replaceAll("'libhyperlight'", JSON.stringify(import.meta.resolve('libhyperlight'))))), { workerData: flag })
    worker.on('error', (error) => { console.log(error); process.exit(1) })
    await new Promise((resolve) => worker.once('online', resolve))
    // Those that tell are inside by then.
    if (program.includes('flag')) while (Atomics.load(flag, 0) === 0) await sleep(1)
    await sleep(delay)
    return worker
  }`

test('worker.terminate() ends a synchronous call that has no timeout', { timeout: 120_000 }, async () => {
  await runs(`${BEGIN}
    for (let round = 0; round < 4; round += 1) {
      for (const program of ${JSON.stringify(Object.values(SYNCHRONOUS))}) await (await begin(program, round * 17)).terminate()
    }
    // Nobody's guest runs on.
    const before = process.cpuUsage()
    await sleep(300)
    const { user, system } = process.cpuUsage(before)
    console.log(user + system < 150_000 ? 'quiet' : 'still running: ' + (user + system) + ' µs')`, 'quiet', { ms: 100_000 })
})

test('process.exit() ends it as well', { timeout: 120_000 }, async () => {
  for (const [name, program] of Object.entries(SYNCHRONOUS)) {
    const { code, signal, out } = await run(`${BEGIN}
      await begin(${JSON.stringify(program)}, 20)
      process.exit(7)`)
    assert.deepEqual({ code, signal, out }, { code: 7, signal: null, out: '' }, name)
  }
})

/** By which guests are woken, SIGRTMIN + 9. Node leaves it as the program before it has left it. */
const IGNORING = { shell: `trap '' 43` }

test('a process that ignores the signal which stops guests ends all the same, and so does a worker', async () => {
  for (const program of [RUNNING['a spinning guest'], RUNNING['four spinning guests'], RUNNING['a script'], RUNNING['a pool at work']]) {
    const { code, signal, out } = await run(`${program}
      setTimeout(() => process.exit(7), 50)`, IGNORING)
    assert.deepEqual({ code, signal, out }, { code: 7, signal: null, out: '' })
  }
  const { code, signal, out } = await run(`${BEGIN}
    const worker = await begin("new Sandbox(guest).call('Spin'); setTimeout(() => Atomics.store(flag, 0, 1), 20)", 20)
    await worker.terminate()
    console.log('terminated')
    process.exit(7)`, IGNORING)
  assert.deepEqual({ code, signal, out }, { code: 7, signal: null, out: 'terminated\n' })
})

test('a call that cannot be stopped says so before it begins', async () => {
  await runs(`
    const sandbox = new Sandbox(guest)
    await sandbox.call('NoOp', { timeoutMs: 50 }).catch((error) => console.log(error.code, /signal 43 is ignored/.test(error.message)))
    await sandbox.call('NoOp')
    const pool = new SandboxPool(await sandbox.snapshot(), { size: 1 })
    for (const each of [sandbox, pool]) {
      await each.call('Spin', { signal: new AbortController().signal }).catch((error) => console.log(error.code, /AbortSignal/.test(error.message)))
      await each.call('NoOp')
    }`, Array(3).fill('ERR_HL_INVALID_ARGUMENT true').join('\n'), IGNORING)
})

test('works in workers, several at once', async () => {
  const source = (PRELUDE + `
    import { parentPort } from 'node:worker_threads'
    const sandbox = new Sandbox(guest).register('HostAdd', ADD, async (a, b) => a + b)
    let sum = 0
    for (let i = 0; i < 50; i += 1) sum += await sandbox.call('Add', i, 1)
    parentPort.postMessage(sum)`).replaceAll("'libhyperlight'", JSON.stringify(import.meta.resolve('libhyperlight')))
  const sums = await Promise.all([1, 2, 3, 4].map(() => new Promise((resolve, reject) => {
    new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`)).on('message', resolve).on('error', reject)
  })))
  assert.deepEqual(sums, [1275, 1275, 1275, 1275])
})

test('garbage collection at any moment', { timeout: 120_000 }, async () => {
  await runs(`
    const pending = []
    for (let round = 0; round < 200; round += 1) {
      const sandbox = new Sandbox(guest)
      sandbox.register('HostAdd', ADD, async (a, b) => { gc(); return sandbox.state === 'running' ? a + b : 0 })
      if (round % 2) pending.push(sandbox.call('Add', round, 1))
      else sandbox.callSync('NoOp')
      if (round % 10 === 9) { gc(); await Promise.all(pending.splice(0)) }
    }
    gc(); await sleep(1); gc()
    console.log('fine')`, 'fine', { flags: ['--expose-gc'], ms: 100_000 })
})

test('sandboxes that their own host functions refer to are collected', { timeout: 120_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    const machines = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
      try { return fs.readlinkSync('/proc/self/fd/' + fd).includes('kvm-v') } catch { return false }
    }).length
    let collected = 0
    const registry = new FinalizationRegistry(() => { collected += 1 })
    for (let round = 0; round < 50; round += 1) {
      const sandbox = new Sandbox(guest)
      sandbox.register('HostAdd', ADD, (a, b) => sandbox.state.length + a + b)
      await sandbox.call('Add', 1, 2)
      registry.register(sandbox)
    }
    // The last one may still be on the stack; another machine is the one that the engine keeps.
    for (let round = 0; round < 200 && (collected < 49 || machines() > 4); round += 1) { gc(); await sleep(10) }
    console.log(collected >= 49, machines() <= 4)`, 'true true', { flags: ['--expose-gc'], ms: 100_000 })
})

test('V8 collects for sandboxes and snapshots that nobody closed, and not for closed ones', { timeout: 120_000 }, async () => {
  await runs(`
    import { PerformanceObserver, constants } from 'node:perf_hooks'
    let major = 0
    const observer = new PerformanceObserver((list) => {
      major += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length
    })
    observer.observe({ entryTypes: ['gc'] })
    async function collections(work) {
      major = 0
      for (let round = 0; round < 400; round += 1) await work()
      await sleep(20)
      return major
    }
    const kept = new Sandbox(guest, { heapSize: 65536 })
    await kept.evolve()
    const closed = await collections(async () => {
      const sandbox = new Sandbox(guest, { heapSize: 65536 })
      await sandbox.call('NoOp')
      sandbox.close()
    })
    const open = await collections(() => new Sandbox(guest, { heapSize: 65536 }).call('NoOp'))
    const snapshots = await collections(() => kept.snapshot())
    console.log(closed <= 1 && open >= 3 && snapshots >= 3 ? 'well' : [closed, open, snapshots])`, 'well', { ms: 100_000 })
})

test('a program that never closes a sandbox does not run out of machines', { timeout: 120_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    let most = 0
    for (let round = 0; round < 1000; round += 1) {
      const sandbox = new Sandbox(guest, { heapSize: 65536 })
      await sandbox.call('NoOp')
      if (round % 2) await sandbox.snapshot()
      most = Math.max(most, fs.readdirSync('/proc/self/fd').length)
    }
    console.log(most < 256 ? 'few' : most)`, 'few', { ms: 100_000 })
})

test('a program that makes sandboxes in one go, and closes none, has few at a time (case 34)', { timeout: 300_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    const open = () => fs.readdirSync('/proc/self/fd').length
    let most = 0
    for (let round = 0; round < 1000; round += 1) {
      new Sandbox(guest, { heapSize: 65536 }).callSync('NoOp')
      if (round % 20 === 0) most = Math.max(most, open())
    }
    // What is still wanted stays, whatever is collected, and more may be made.
    const kept = Array.from({ length: 300 }, () => new Sandbox(guest, { heapSize: 65536 }))
    for (const sandbox of kept) sandbox.callSync('AddToStatic', 1)
    for (let round = 0; round < 200; round += 1) new Sandbox(guest, { heapSize: 65536 }).callSync('NoOp')
    for (const sandbox of kept) if (sandbox.callSync('GetStatic') !== 1) throw new Error('lost')
    console.log(most < 256 ? 'few' : most)`, 'few', { ms: 280_000 })
})

test('twenty programs are compiled at once on as many threads as there are processors (case 38)', { timeout: 120_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    import { availableParallelism } from 'node:os'
    const threads = () => fs.readdirSync('/proc/self/task').filter((id) => {
      try { return fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8') === 'hl-call\\n' } catch { return false }
    }).length
    const mine = Buffer.concat([SPIN, Buffer.from([0, 2, 1, 0])])
    const compiling = Array.from({ length: 20 }, (_, index) => {
      mine[mine.length - 1] = index
      return Wasm.compile(mine)
    })
    // Was taken when it was passed.
    mine.fill(0)
    const most = threads()
    for (const wasm of await Promise.all(compiling)) wasm.close()
    console.log(most <= availableParallelism() ? 'few' : most)`, 'few', { ms: 100_000 })
})

test('four guests spin, and fs.stat answers in milliseconds', async () => {
  const sandboxes = Array.from({ length: 4 }, () => new Sandbox(Guest.builtin('demo')))
  await Promise.all(sandboxes.map((sandbox) => sandbox.evolve()))
  const calls = sandboxes.map((sandbox) => sandbox.call('SpinForMs', 1000))
  const latencies = []
  for (let round = 0; round < 10; round += 1) {
    const begun = performance.now()
    await stat('.')
    latencies.push(performance.now() - begun)
  }
  // libuv's pool, had the guests been on it, would have answered after a second.
  assert.ok(latencies.sort((a, b) => a - b)[5] < 100, `${latencies} ms`)
  assert.ok(sandboxes.every(({ state }) => state === 'running'))
  await Promise.all(calls)
  for (const sandbox of sandboxes) sandbox.close()
})

test('a thousand idle sandboxes cost no thread', { timeout: 60_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    // The kernel's own threads for each machine are listed there, too.
    const threads = () => fs.readdirSync('/proc/self/task').filter((id) =>
      fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8') === 'hl-call\\n').length
    const sandboxes = []
    for (let round = 0; round < 1000; round += 1) sandboxes.push(new Sandbox(guest, { heapSize: 65536 }))
    for (const sandbox of sandboxes.slice(0, 200)) await sandbox.call('NoOp')
    console.log(threads() <= 2 ? 'none' : threads())`, 'none')
})

test('ten thousand created, called and closed, each with a callback: memory and handles stay', { timeout: 300_000 }, async () => {
  await runs(`
    import fs from 'node:fs'
    const fds = () => fs.readdirSync('/proc/self/fd').length
    const one = async (round) => {
      const sandbox = new Sandbox(guest, { heapSize: 65536, timeoutMs: 10_000 })
      sandbox.register('HostAdd', ADD, (a, b) => a + b)
      if ((round % 2 ? await sandbox.call('Add', round, 1) : sandbox.callSync('Add', round, 1)) !== round + 1) throw new Error('wrong')
      sandbox.close()
    }
    const settle = async () => { for (let i = 0; i < 5; i += 1) { gc(); await sleep(50) } return process.memoryUsage().rss }
    for (let round = 0; round < 4000; round += 1) await one(round)
    const [rss, open] = [await settle(), fds()]
    for (let round = 0; round < 10_000; round += 1) await one(round)
    const grown = await settle() - rss
    // Node's own heap breathes by some MiB; a leak of 1 KiB for each would be 10. Its allocator needs a while, too.
    console.log(grown < 5 << 20 ? 'flat' : grown + ' bytes more', fds() - open <= 2 ? 'flat' : fds() - open)`,
  'flat flat', { flags: ['--expose-gc'], ms: 280_000 })
})
