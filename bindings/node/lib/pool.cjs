'use strict'

const { availableParallelism } = require('node:os')

const { run } = require('./calls.cjs')
const { unwrap } = require('./failures.cjs')
const { Hosts } = require('./hosts.cjs')
const { owned } = require('./kinds.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')
const { Permits } = require('./permits.cjs')
const sandboxes = require('./sandbox.cjs')
const snapshots = require('./snapshot.cjs')

/** Gives back members that are collected without being closed: the member itself first, and then its permit. */
const forgotten = new FinalizationRegistry(({ made, permits }) => {
  made.close()
  permits.give()
})

/** Sandboxes kept ready from one snapshot; every member is handed out in the snapshot's state. */
class SandboxPool {
  #native
  #hosts = new Hosts()
  #permits
  #acquireTimeoutMs

  constructor(snapshot, given) {
    const found = snapshots.checked(snapshot)
    const { print, hostFunctions, ...numbers } = options.poolOptions(given)
    const size = numbers.size || 2 * availableParallelism()
    this.#acquireTimeoutMs = numbers.acquireTimeoutMs
    this.#native = unwrap(native.Pool.make(found, { __proto__: null, ...numbers, size }))
    this.#permits = new Permits(size)
    this.#hosts.addPrint(this.#native, unwrap, print)
    for (const [name, description] of options.named('hostFunctions', hostFunctions)) {
      const { call, ...signature } = options.hostFunction(`the host function \`${name}\``, description)
      this.#hosts.add(this.#native, unwrap, name, signature, call)
    }
  }

  async call(name, ...values) {
    const { signal, limits } = options.takeCallOptions(values)
    options.text('the name of a guest function', name)
    let waitMs = this.#acquireTimeoutMs
    if (!this.#permits.takeFree()) {
      // The arguments are read when the call is made, even if it has to wait.
      values = values.map(owned)
      waitMs = await this.#permits.take(waitMs, signal)
    }
    try {
      if (signal?.aborted) throw signal.reason
      return await run(this.#hosts, signal,
        (port, id) => this.#native.call(port, id, { waitMs, hasSignal: signal !== undefined }, limits, name, values))
    } finally {
      this.#permits.give()
    }
  }

  async acquire(given) {
    const { signal } = options.acquireOptions(given)
    const permits = this.#permits
    const waitMs = await permits.take(this.#acquireTimeoutMs, signal)
    let made
    try {
      if (signal?.aborted) throw signal.reason
      made = await run(this.#hosts, signal, (port, id) => this.#native.acquire(port, id, waitMs))
    } catch (error) {
      permits.give()
      throw error
    }
    const token = {}
    const member = sandboxes.member(made, this.#hosts, () => {
      forgotten.unregister(token)
      permits.give()
    })
    forgotten.register(member, { made, permits }, token)
    return member
  }

  get statistics() {
    const found = unwrap(this.#native.statistics())
    found.waits += this.#permits.waits
    found.waitedMs += this.#permits.waitedMs
    return found
  }

  close() {
    this.#permits.close()
    this.#native.close()
  }

  [Symbol.dispose]() {
    this.close()
  }

  async [Symbol.asyncDispose]() {
    this.close()
  }

  get [Symbol.toStringTag]() {
    return 'SandboxPool'
  }
}

module.exports = { SandboxPool }
