'use strict'
// Calls that run on other threads: their promises, and the way that host functions are reached from there. One port for
// this environment; it holds the process only while a call is running.

const { AsyncResource } = require('node:async_hooks')
const { isMainThread } = require('node:worker_threads')

const { ofNative, toError, unwrap } = require('./errors.cjs')
const native = require('./native.cjs')

const { setTimeout } = globalThis

/** The calls that are running, by number. */
const running = new Map()
let next = 0
const port = new native.Port(!isMainThread, receive)

/** What the native half says: a host function is wanted (its slot), or the call is done (-1). */
function receive(id, slot, payload) {
  const call = running.get(id)
  if (call === undefined) return
  if (slot >= 0) call.runInAsyncScope(serve, undefined, call, slot, payload)
  else call.done(payload)
}

/** Calls a host function for a call on another thread. */
function serve(call, slot, values) {
  let result
  try {
    result = call.hosts.invoke(slot, values)
  } catch (error) {
    return call.fail(error)
  }
  if (typeof result?.then !== 'function') return port.answer(call.id, result)
  Promise.resolve(result).then(
    (value) => port.answer(call.id, call.hosts.result(slot, value)),
    (error) => call.fail(error),
  ).catch((error) => call.fail(error))
}

/** One call. Its host functions run in the asynchronous context of whoever made it. */
class Call extends AsyncResource {
  constructor(hosts, signal) {
    super('HyperlightCall', { requireManualDestroy: true })
    do next = (next + 1) % 0xffffffff
    while (running.has(next))
    this.id = next
    this.hosts = hosts
    this.signal = signal
    this.thrown = undefined
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  start(begin) {
    running.set(this.id, this)
    try {
      unwrap(begin(port, this.id))
    } catch (error) {
      running.delete(this.id)
      this.emitDestroy()
      throw ofNative(error)
    }
    if (running.size === 1) port.hold(true)
    if (this.signal !== undefined) {
      this.onAbort = () => this.cancel()
      this.signal.addEventListener('abort', this.onAbort, { once: true })
    }
    return this.promise
  }

  done(result) {
    running.delete(this.id)
    if (running.size === 0) port.hold(false)
    this.signal?.removeEventListener('abort', this.onAbort)
    this.emitDestroy()
    if (typeof result !== 'object' || result === null || result.failed !== true) return this.resolve(result)
    // Aborted and done at once: a result counts, and so does another failure.
    if (this.signal?.aborted && result.code === 'ERR_HL_INTERRUPTED') return this.reject(this.signal.reason)
    this.reject(toError(result, this.thrown))
  }

  /** A host function threw; the guest may or may not pass it on. */
  fail(value) {
    const number = ((this.thrown?.number ?? 0) + 1) % 0xffffffff
    this.thrown = { number, value }
    port.fail(this.id, number, messageOf(value))
  }

  /** Ends it soon. Between two steps of a call nothing can be stopped, so it may take another try. */
  cancel() {
    if (running.get(this.id) !== this || port.cancel(this.id)) return
    setTimeout(() => this.cancel(), 1)
  }
}

/** What the guest is told of something that was thrown: anything can be. */
function messageOf(value) {
  try {
    const text = value instanceof Error || typeof value?.message === 'string' ? value.message : value
    return String(text).toWellFormed?.() ?? String(text)
  } catch {
    return 'a host function threw something without a text'
  }
}

/** Starts a call: `begin(port, id)` of the native half. The promise of its result. */
function run(hosts, signal, begin) {
  return new Call(hosts, signal).start(begin)
}

module.exports = { Call, messageOf, run }
