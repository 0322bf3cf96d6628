'use strict'
// What the ready-made guests have in common: each is a sandbox with another way to call it, and so are the members of
// its pools.

const { HyperlightError, invalid } = require('./errors.cjs')
const options = require('./options.cjs')
const { SandboxPool } = require('./pool.cjs')
const { Sandbox } = require('./sandbox.cjs')

/** Says to a constructor that what it is to hold is there already. */
const MADE = Symbol('made')

/** A sandbox whose guest understands more than calls by name. */
class Runtime {
  #sandbox
  /** What its pools have as well: host functions by the names that the guest knows, limits, print. */
  #shared
  /** The calls that come before the first of the user's; `undefined` once they were made. */
  #preparation
  #isPreparing = false

  constructor({ sandbox, shared, preparation }) {
    this.#sandbox = sandbox
    this.#shared = shared
    this.#preparation = preparation
  }

  async evolve(given) {
    const { signal } = options.acquireOptions(given)
    const preparation = this.#begin(signal)
    if (preparation === undefined) return this.#sandbox.evolve({ signal })
    try {
      await this.#sandbox.evolve({ signal })
      for (const call of preparation) await this.#sandbox.call(...call, { signal })
    } catch (error) {
      // Half a program is worse than none.
      this.close()
      throw error
    } finally {
      this.#isPreparing = false
    }
  }

  async snapshot() {
    this.#check()
    return this.#sandbox.snapshot()
  }

  async restore(snapshot) {
    this.#check()
    await this.#sandbox.restore(snapshot)
  }

  get state() {
    const { state } = this.#sandbox
    return this.#isPreparing && state !== 'closed' ? 'running' : state
  }

  interrupt() {
    return this.#sandbox.interrupt()
  }

  close() {
    this.#sandbox.close()
  }

  [Symbol.dispose]() {
    this.close()
  }

  async [Symbol.asyncDispose]() {
    await this.#sandbox[Symbol.asyncDispose]()
  }

  get [Symbol.toStringTag]() {
    return this.constructor.name
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `${this.constructor.name} <${this.state}>`
  }

  /** Takes what is to be done before the first call. */
  #begin(signal) {
    this.#check()
    if (signal?.aborted) throw signal.reason
    const preparation = this.#preparation
    this.#preparation = undefined
    this.#isPreparing = preparation !== undefined
    return preparation
  }

  #check() {
    if (this.#isPreparing) throw new HyperlightError('ERR_HL_BUSY', 'the sandbox is starting: await its first call first')
  }

  static sandbox(runtime) {
    return runtime.#sandbox
  }

  /** Works with the sandbox when it is ready for a call: at once, if it is. */
  static ready(runtime, signal, work) {
    if (runtime.#preparation !== undefined) return runtime.evolve({ signal }).then(() => work(runtime.#sandbox))
    runtime.#check()
    return work(runtime.#sandbox)
  }

  static readySync(runtime) {
    const preparation = runtime.#begin()
    if (preparation === undefined) return runtime.#sandbox
    try {
      for (const call of preparation) runtime.#sandbox.callSync(...call)
    } catch (error) {
      runtime.close()
      throw error
    } finally {
      runtime.#isPreparing = false
    }
    return runtime.#sandbox
  }

  static shared(runtime) {
    return runtime.#shared
  }
}

/** Sandboxes of a runtime, kept ready from one snapshot. */
class RuntimePool {
  #pool
  #shared

  constructor(snapshot, given, shared) {
    const { hostFunctions, ...others } = shared
    this.#pool = new SandboxPool(snapshot, { ...others, ...given, hostFunctions })
    this.#shared = shared
  }

  get statistics() {
    return this.#pool.statistics
  }

  close() {
    this.#pool.close()
  }

  [Symbol.dispose]() {
    this.close()
  }

  async [Symbol.asyncDispose]() {
    this.close()
  }

  get [Symbol.toStringTag]() {
    return this.constructor.name
  }

  static pool(runtime) {
    return runtime.#pool
  }

  static shared(runtime) {
    return runtime.#shared
  }
}

const { ready, readySync, sandbox: sandboxOf, shared: sharedOf } = Runtime
const { pool: poolOf, shared: sharedOfPool } = RuntimePool
for (const name of ['ready', 'readySync', 'sandbox', 'shared']) delete Runtime[name]
for (const name of ['pool', 'shared']) delete RuntimePool[name]

/** What a runtime is made of: a sandbox for a guest or a snapshot, with those host functions. */
function make(source, given, hostFunctions, preparation) {
  const sandbox = new Sandbox(source, given)
  for (const [name, { call, ...signature }] of Object.entries(hostFunctions)) sandbox.register(name, signature, call)
  const { heapSize, stackSize, inputSize, outputSize, ...limits } = given
  return { sandbox, shared: { ...limits, hostFunctions }, preparation }
}

/** What a pool of this runtime as it is now is made of. */
async function pooled(runtime, given, other) {
  if (given?.hostFunctions !== undefined) throw invalid(`this pool has the host functions that there are; for others: ${other}`)
  if (runtime.state === 'uninitialized') await runtime.evolve()
  return [MADE, given, { snapshot: await runtime.snapshot(), shared: sharedOf(runtime) }]
}

module.exports = { MADE, Runtime, RuntimePool, make, poolOf, pooled, ready, readySync, sandboxOf, sharedOfPool }
