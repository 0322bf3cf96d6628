'use strict'

const { availableParallelism } = require('node:os')

const { run } = require('./calls.cjs')
const { HyperlightError, unwrap } = require('./errors.cjs')
const { Hosts } = require('./hosts.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')
const sandboxes = require('./sandbox.cjs')
const snapshots = require('./snapshot.cjs')

const { clearTimeout, setTimeout } = globalThis
/** What a timer can hold. */
const LONGEST = 0x7fffffff

/** Permits, handed out in the order of arrival. Waiting costs no thread. */
class Permits {
  #free
  #queue = new Set()
  #isClosed = false
  waits = 0
  waitedMs = 0

  constructor(count) {
    this.#free = count
  }

  /** A permit; what is left of `timeoutMs` (undefined: for ever; 0: at once or not at all). */
  async take(timeoutMs, signal, count) {
    if (this.#isClosed) throw closed()
    if (signal?.aborted) throw signal.reason
    if (this.#free > 0) {
      this.#free -= 1
      return timeoutMs
    }
    const late = () => new HyperlightError('ERR_HL_POOL_TIMEOUT',
      `no member of the pool came free within acquireTimeoutMs, ${timeoutMs}; all ${count} are in use`)
    if (timeoutMs === 0) throw late()
    const begun = performance.now()
    this.waits += 1
    try {
      await new Promise((resolve, reject) => {
        const waiter = { resolve: () => end(resolve), reject: (error) => end(reject, error) }
        const onAbort = () => waiter.reject(signal.reason)
        const timer = !(timeoutMs > 0 && timeoutMs < LONGEST) ? undefined : setTimeout(() => waiter.reject(late()), timeoutMs)
        const end = (settle, value) => {
          this.#queue.delete(waiter)
          clearTimeout(timer)
          signal?.removeEventListener('abort', onAbort)
          settle(value)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        this.#queue.add(waiter)
      })
    } finally {
      this.waitedMs += performance.now() - begun
    }
    // At least a moment, in case the member is being cleaned.
    return timeoutMs > 0 ? Math.max(timeoutMs - (performance.now() - begun), 1) : timeoutMs
  }

  give() {
    const [first] = this.#queue
    if (first !== undefined) first.resolve()
    else this.#free += 1
  }

  close() {
    this.#isClosed = true
    for (const waiter of [...this.#queue]) waiter.reject(closed())
  }
}

const closed = () => new HyperlightError('ERR_HL_CLOSED', 'the pool was closed; make a new one')

/** Members that nobody closed give their permit back when they are collected. */
const forgotten = new FinalizationRegistry((permits) => permits.give())

/** Sandboxes kept ready from one snapshot; every member is handed out as the snapshot has it. */
class SandboxPool {
  #native
  #hosts = new Hosts()
  #permits
  #size
  #acquireTimeoutMs

  constructor(snapshot, given) {
    const found = snapshots.checked(snapshot)
    const { size, minIdle, acquireTimeoutMs, print, hostFunctions = {}, ...limits } = options.poolOptions(given)
    this.#size = size || 2 * availableParallelism()
    this.#acquireTimeoutMs = acquireTimeoutMs
    this.#native = unwrap(native.Pool.make(found, { size: this.#size, minIdle }, limits))
    this.#permits = new Permits(this.#size)
    this.#hosts.addPrint(this.#native, unwrap, print)
    for (const [name, description] of Object.entries(hostFunctions)) {
      this.#hosts.add(this.#native, unwrap, name, description, description?.call)
    }
  }

  async call(name, ...values) {
    const { signal, timeoutMs, cpuTimeMs } = options.takeCallOptions(values)
    options.text('the name of a guest function', name)
    const waitMs = await this.#permits.take(this.#acquireTimeoutMs, signal, this.#size)
    try {
      if (signal?.aborted) throw signal.reason
      return await run(this.#hosts, signal,
        (port, id) => this.#native.call(port, id, { waitMs, timeoutMs, cpuTimeMs }, name, values))
    } finally {
      this.#permits.give()
    }
  }

  async acquire(given) {
    const { signal } = options.acquireOptions(given)
    const permits = this.#permits
    const waitMs = await permits.take(this.#acquireTimeoutMs, signal, this.#size)
    let made
    try {
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
    forgotten.register(member, permits, token)
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
