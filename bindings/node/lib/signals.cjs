'use strict'
// Who waits for an AbortSignal. It has one listener of ours however many calls wait for it: Node warns of many.

const { invalid } = require('./errors.cjs')
const { describe } = require('./kinds.cjs')

/** What waits for each signal. */
const watched = new WeakMap()

/** An AbortSignal, or what has all that is needed of one. */
function checked(name, value) {
  const isSignal = typeof value === 'object' && value !== null && typeof value.aborted === 'boolean' &&
    typeof value.addEventListener === 'function' && typeof value.removeEventListener === 'function'
  if (!isSignal) throw invalid(`${name} is an AbortSignal, found ${describe(value)}`)
  return value
}

/** Has `handler` called when the signal is aborted. What is returned ends that. */
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
