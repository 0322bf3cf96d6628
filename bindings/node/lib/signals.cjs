'use strict'
// Waits for AbortSignals. Each signal has one listener of this package, however many calls wait: Node warns of many
// listeners.

const { invalid } = require('./errors.cjs')
const { describe } = require('./kinds.cjs')

/** The handlers of each signal. */
const watched = new WeakMap()

/** Returns true for an AbortSignal, or an object with all that is needed of one. */
function checked(name, value) {
  const isSignal = typeof value === 'object' && value !== null && typeof value.aborted === 'boolean' &&
    typeof value.addEventListener === 'function' && typeof value.removeEventListener === 'function'
  if (!isSignal) throw invalid(`${name} is an AbortSignal, found ${describe(value)}`)
  return value
}

/** Calls `handler` when the signal is aborted. Returns a function that ends the watch. */
function watch(signal, handler) {
  const found = watched.get(signal) ?? listen(signal)
  found.handlers.add(handler)
  return () => {
    found.handlers.delete(handler)
    if (found.handlers.size > 0 || watched.get(signal) !== found) return
    watched.delete(signal)
    signal.removeEventListener('abort', found.onAbort)
  }
}

function listen(signal) {
  const handlers = new Set()
  const onAbort = () => {
    watched.delete(signal)
    for (const handler of [...handlers]) handler()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  const found = { handlers, onAbort }
  watched.set(signal, found)
  return found
}

module.exports = { checked, watch }
