'use strict'
// Failures of the native half, which arrive as data, and exceptions of host functions.

const { HyperlightError } = require('./errors.cjs')
const { decode } = require('./values.cjs')

/** Number of exceptions kept for one call, since the guest decides how many there are. The engine keeps as many. */
const MOST = 64

/** The exceptions of one call's host functions, by number: the guest may pass on any of them. */
class Failures {
  #last = 0
  #kept = new Map()

  /** Keeps an exception and returns its number. The oldest one makes room. */
  keep(value) {
    this.#last = this.#last % 0xffff_ffff + 1
    this.#kept.set(this.#last, value)
    if (this.#kept.size > MOST) this.#kept.delete(this.#kept.keys().next().value)
    return this.#last
  }

  /** Returns the exception of a number, in an array, since it may be any value. */
  find(number) {
    return this.#kept.has(number) ? [this.#kept.get(number)] : undefined
  }
}

/** The text for the guest about an exception, which may be any value. */
function messageOf(value) {
  try {
    const text = typeof value?.message === 'string' ? value.message : value
    return String(text).toWellFormed()
  } catch {
    return 'a host function threw something without a text'
  }
}

/**
 * Converts a failure to an error; `failures` are the exceptions of that call's host functions. Properties that others
 * have put on `Object.prototype` are ignored.
 */
function toError(failure, failures) {
  /** @type {import('./native.d.cts').Failure} */
  const { code, message, guestCode, fault, details, thrown, cause: inner } = Object.assign(Object.create(null), failure)
  const original = failures?.find(thrown)
  if (original !== undefined && code === 'ERR_HL_HOST_FUNCTION') return original[0]
  /** @type {any} */
  const error = new HyperlightError(code, message)
  if (guestCode !== undefined && guestCode !== null) error.guestCode = guestCode
  if (fault) error.fault = fault
  if (typeof details === 'string') addDetails(error, details)
  const cause = original !== undefined ? original[0] : inner ? toError(inner, failures) : undefined
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/** Adds a guest's details to an error, which may be any text; and a script's exception, if they describe one. */
function addDetails(error, details) {
  Object.defineProperty(error, 'details', { value: details, configurable: true, writable: true })
  const thrown = readThrown(details)
  if (thrown !== undefined) error.thrown = thrown
}

/** A script's exception, as its guest describes it; `undefined` for any other text. */
function readThrown(details) {
  let found
  try {
    found = decode(details, 'it')
  } catch {
    return undefined
  }
  if (typeof found !== 'object' || found === null) return undefined
  const own = Object.assign(Object.create(null), found)
  if (typeof own.message !== 'string' || (typeof own.name !== 'string' && own.name !== null)) return undefined
  const known = [
    ['name', true], ['message', true], ['stack', typeof own.stack === 'string'], ['code', ['string', 'number', 'boolean'].includes(typeof own.code)],
    ['cause', 'cause' in own], ['errors', Array.isArray(own.errors)], ['value', 'value' in own],
  ]
  return Object.fromEntries(known.filter(([, isThere]) => isThere).map(([name]) => [name, own[/** @type {string} */ (name)]]))
}

/** Returns true if the native half's result is a failure. */
const isFailure = (result) => typeof result === 'object' && result !== null && Object.hasOwn(result, 'failed')

/** Returns the result, or throws its failure. */
function unwrap(result, failures) {
  if (isFailure(result)) throw toError(result, failures)
  return result
}

module.exports = { Failures, isFailure, messageOf, toError, unwrap }
