'use strict'
// What went wrong: failures of the native half, which come as data, and what host functions threw meanwhile.

const { HyperlightError } = require('./errors.cjs')
const { decode } = require('./values.cjs')

/** How many of one call are kept: the guest decides how many there are. The engine keeps as many. */
const MOST = 64

/** What the host functions of one call have thrown, by number: the guest may pass on any of them. */
class Failures {
  #last = 0
  #kept = new Map()

  /** Its number. The one that was kept longest makes room. */
  keep(value) {
    this.#last = this.#last % 0xffff_ffff + 1
    this.#kept.set(this.#last, value)
    if (this.#kept.size > MOST) this.#kept.delete(this.#kept.keys().next().value)
    return this.#last
  }

  /** What has that number, in an array: it may be anything. */
  find(number) {
    return this.#kept.has(number) ? [this.#kept.get(number)] : undefined
  }
}

/** What the guest is told of something that was thrown: anything can be. */
function messageOf(value) {
  try {
    const text = typeof value?.message === 'string' ? value.message : value
    return String(text).toWellFormed()
  } catch {
    return 'a host function threw something without a text'
  }
}

/**
 * The error that a failure stands for; `failures` is what the host functions of that call have thrown. What others have put on
 * `Object.prototype` is no part of it.
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

/** What a guest says of its error besides the message, which can be anything; and what that tells of something thrown. */
function addDetails(error, details) {
  Object.defineProperty(error, 'details', { value: details, configurable: true, writable: true })
  const thrown = readThrown(details)
  if (thrown !== undefined) error.thrown = thrown
}

/** What a script has thrown, as its guest describes it; `undefined` of any other text. */
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

/** Whether the native half says that something failed. */
const isFailure = (result) => typeof result === 'object' && result !== null && Object.hasOwn(result, 'failed')

/** The result, or its failure thrown. */
function unwrap(result, failures) {
  if (isFailure(result)) throw toError(result, failures)
  return result
}

module.exports = { Failures, isFailure, messageOf, toError, unwrap }
