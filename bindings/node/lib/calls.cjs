'use strict'
// Calls that run on other threads: their promises, and the calls of host functions from there. There is one port for
// this environment; it keeps the process alive only while a call is running.

const { AsyncResource } = require('node:async_hooks')
const { types } = require('node:util')
const { isMainThread } = require('node:worker_threads')

const { ofNative } = require('./errors.cjs')
const { Failures, isFailure, messageOf, toError, unwrap } = require('./failures.cjs')
const native = require('./native.cjs')
const { watch } = require('./signals.cjs')

const { setTimeout } = globalThis

/** The running calls, by number. */
const running = new Map()
let next = 0
const port = new native.Port(!isMainThread, receive)

/** Receives a message of the native half: a request for a host function (its slot), or the end of the call (-1). */
function receive(id, slot, payload) {
  const call = running.get(id)
  if (call === undefined) return
  try {
    if (slot >= 0) call.runInAsyncScope(serve, undefined, call, slot, payload)
    else call.done(payload)
  } catch (error) {
    // An exception of the caller's object belongs to its call only, and never ends the process.
    if (slot >= 0) call.fail(error)
    else call.reject(error)
  }
}

/** Calls a host function for a call on another thread. */
function serve(call, slot, values) {
  const result = call.hosts.invoke(slot, values)
  if (!types.isPromise(result)) return port.answer(call.id, result)
  result.then((value) => port.answer(call.id, call.hosts.result(slot, value))).catch((error) => call.fail(error))
}

/** One call. Its host functions run in the async context of its caller. */
class Call extends AsyncResource {
  /** @type {InstanceType<typeof Failures> | undefined} */
  #failures
  /** Stops watching the signal. */
  #unwatch = () => {}

  constructor(hosts, signal) {
    super('HyperlightCall', { requireManualDestroy: true })
    do next = (next + 1) % 0xffffffff
    while (running.has(next))
    this.id = next
    this.hosts = hosts
    this.signal = signal
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  start(begin) {
    try {
      if (this.signal !== undefined) this.#unwatch = watch(this.signal, () => this.cancel())
      running.set(this.id, this)
      unwrap(begin(port, this.id))
    } catch (error) {
      running.delete(this.id)
      this.emitDestroy()
      this.#unwatch()
      throw ofNative(error)
    }
    if (running.size === 1) port.hold(true)
    try {
      // It may have been aborted before it was watched.
      if (this.signal?.aborted) this.cancel()
    } catch (error) {
      this.reject(error)
      this.cancel()
    }
    return this.promise
  }

  done(result) {
    running.delete(this.id)
    if (running.size === 0) port.hold(false)
    this.emitDestroy()
    this.#unwatch()
    if (!isFailure(result)) return this.resolve(result)
    // Aborted and done at the same time: a result counts, and so does another failure.
    if (result.code === 'ERR_HL_INTERRUPTED' && this.signal?.aborted) return this.reject(this.signal.reason)
    this.reject(toError(result, this.#failures))
  }

  /** Records the exception of a host function; the guest may or may not pass it on. */
  fail(value) {
    this.#failures ??= new Failures()
    port.fail(this.id, this.#failures.keep(value), messageOf(value))
  }

  /** Cancels the call. Between two steps nothing can be cancelled, so it may take another try. */
  cancel() {
    if (running.get(this.id) !== this || port.cancel(this.id)) return
    setTimeout(() => this.cancel(), 1)
  }
}

/** Starts a call: `begin(port, id)` of the native half. Returns the promise of its result. */
function run(hosts, signal, begin) {
  return new Call(hosts, signal).start(begin)
}

module.exports = { Call, run }
