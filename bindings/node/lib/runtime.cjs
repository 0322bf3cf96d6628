'use strict'
// The common part of the ready-made guests: each is a sandbox with other ways to call it, and so are the members of its
// pools.

const { invalid } = require('./errors.cjs')
const options = require('./options.cjs')
const { SandboxPool } = require('./pool.cjs')
const { Sandbox, prepareBy } = require('./sandbox.cjs')

/** Tells a constructor that its content exists already. */
const MADE = Symbol('made')

/** A sandbox whose guest offers more than calls by name. */
class Runtime {
  #sandbox
  /** Settings that its pools have as well: host functions by the guest's names, limits, print. */
  #shared

  constructor({ sandbox, shared }) {
    this.#sandbox = sandbox
    this.#shared = shared
  }

  async evolve(given) {
    await this.#sandbox.evolve(given)
  }

  async snapshot() {
    return this.#sandbox.snapshot()
  }

  async restore(snapshot) {
    await this.#sandbox.restore(snapshot)
  }

  get state() {
    return this.#sandbox.state
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

  static sandbox(runtime) {
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
    // Only given options replace existing ones.
    this.#pool = new SandboxPool(snapshot, { ...shared, ...options.poolOptions(given), hostFunctions: shared.hostFunctions })
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

const { sandbox: sandboxOf, shared: sharedOf } = Runtime
const { pool: poolOf, shared: sharedOfPool } = RuntimePool
for (const name of ['sandbox', 'shared']) delete Runtime[name]
for (const name of ['pool', 'shared']) delete RuntimePool[name]

/**
 * Makes the parts of a runtime: a sandbox for a guest or a snapshot, with these host functions, and the calls before
 * the user's first call.
 */
function make(source, given, hostFunctions, preparation = []) {
  const sandbox = new Sandbox(source, given)
  prepareBy(sandbox, preparation)
  for (const [name, { call, ...signature }] of Object.entries(hostFunctions)) sandbox.register(name, signature, call)
  return { sandbox, shared: { ...options.withoutSizes(given), hostFunctions } }
}

/** The parts of a pool of this runtime in its current state. */
async function pooled(runtime, given, other) {
  if (options.poolOptions(given).hostFunctions !== undefined) throw invalid(`this pool has the host functions that there are; for others: ${other}`)
  if (runtime.state === 'uninitialized') await runtime.evolve()
  return [MADE, given, { snapshot: await runtime.snapshot(), shared: sharedOf(runtime) }]
}

module.exports = { MADE, Runtime, RuntimePool, make, poolOf, pooled, sandboxOf, sharedOfPool }
