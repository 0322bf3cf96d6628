'use strict'

const { Call } = require('./calls.cjs')
const { invalid, ofNative } = require('./errors.cjs')
const { unwrap } = require('./failures.cjs')
const { Guest, isGuest, nativeGuest } = require('./guest.cjs')
const { Hosts } = require('./hosts.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')
const snapshots = require('./snapshot.cjs')

const POOLED = Symbol('pooled')

/** One virtual machine with one guest. It runs one call at a time. */
class Sandbox {
  #native
  /** Number of the sandbox in the native half, for synchronous calls. */
  #number
  #hosts
  /** The running call on another thread. */
  #call
  /** Number of calls inside, on any thread. */
  #inside = 0
  #isClosed = false
  /** Gives a member of a pool back. */
  #release

  constructor(source, given, hosts, release) {
    if (source === POOLED) {
      this.#native = given
      this.#number = given.number
      this.#hosts = hosts
      this.#release = release
      return
    }
    const { print, ...others } = options.sandboxOptions(given)
    const sizes = { __proto__: null, ...others }
    this.#native = unwrap(snapshots.isSnapshot(source)
      ? native.Sandbox.ofSnapshot(snapshots.checked(source), sizes)
      : native.Sandbox.ofGuest(nativeGuest(isGuest(source) ? source : new Guest(source)), sizes))
    this.#number = this.#native.number
    this.#hosts = new Hosts()
    this.#hosts.addPrint(this.#native, unwrap, print)
  }

  register(name, signature, call) {
    this.#hosts.add(this.#native, unwrap, name, signature, call)
    return this
  }

  unregister(name) {
    return unwrap(this.#native.unregister(options.text('the name of a host function', name)))
  }

  async evolve(given) {
    const { signal, limits } = options.evolveOptions(given)
    await this.#run(signal, (port, id) => this.#native.evolve(port, id, limits))
  }

  async call(name, ...values) {
    const { signal, limits } = options.takeCallOptions(values)
    options.text('the name of a guest function', name)
    return this.#run(signal, (port, id) => this.#native.call(port, id, limits, name, values))
  }

  callSync(name, ...values) {
    const { signal, limits } = options.takeCallOptions(values)
    options.text('the name of a guest function', name)
    if (signal !== undefined) {
      throw invalid('callSync takes no signal, which nobody could fire meanwhile; use timeoutMs, or call')
    }
    const hosts = this.#hosts
    // Members of a pool share their host functions, and one may have called another.
    const outer = hosts.failures
    hosts.failures = undefined
    this.#inside += 1
    let result, failures
    try {
      result = native.callSync(this.#number, hosts.dispatch, limits, name, values)
    } catch (error) {
      throw ofNative(error)
    } finally {
      failures = hosts.failures
      hosts.failures = outer
      this.#leave()
    }
    return unwrap(result, failures)
  }

  async snapshot() {
    return snapshots.make(await this.#run(undefined, (port, id) => this.#native.snapshot(port, id)))
  }

  async restore(snapshot) {
    const found = snapshots.checked(snapshot)
    await this.#run(undefined, (port, id) => this.#native.restore(port, id, found))
  }

  get functions() {
    return unwrap(this.#native.functions)
  }

  get state() {
    return this.#native.state
  }

  interrupt() {
    if (this.#call === undefined) return this.#native.interrupt()
    this.#call.cancel()
    return true
  }

  close() {
    this.#native.close()
    this.#isClosed = true
    this.#giveBack()
  }

  [Symbol.dispose]() {
    this.close()
  }

  async [Symbol.asyncDispose]() {
    this.close()
    // Its rejection is reported to the caller.
    await this.#call?.promise.catch(() => {})
  }

  get [Symbol.toStringTag]() {
    return 'Sandbox'
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Sandbox <${this.state}>`
  }

  static prepareBy(sandbox, calls) {
    unwrap(sandbox.#native.prepareBy(calls))
  }

  async #run(signal, begin) {
    if (signal?.aborted) throw signal.reason
    if (signal !== undefined) unwrap(this.#native.checkStoppable())
    const call = new Call(this.#hosts, signal)
    const promise = call.start(begin)
    this.#call = call
    this.#inside += 1
    try {
      return await promise
    } finally {
      if (this.#call === call) this.#call = undefined
      this.#leave()
    }
  }

  #leave() {
    this.#inside -= 1
    this.#giveBack()
  }

  /** Gives a member back to the pool when its last call has ended, so that no other caller gets it before. */
  #giveBack() {
    if (!this.#isClosed || this.#inside > 0) return
    this.#release?.()
    this.#release = undefined
  }
}

/** Sets calls for the start of a sandbox, `[name, ...texts]`, before the user's first call. */
const { prepareBy } = Sandbox
delete (/** @type {any} */ (Sandbox)).prepareBy

module.exports = { Sandbox, prepareBy, member: (made, hosts, release) => new Sandbox(POOLED, made, hosts, release) }
