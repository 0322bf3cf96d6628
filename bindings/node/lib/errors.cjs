'use strict'
// The one class of errors. Failures come from the native half as data.

/** What `code` says is the interface; messages are for people. */
class HyperlightError extends Error {
  constructor(code, message, options) {
    super(message, options)
    this.code = code
  }

  static {
    // Not an own property of each, so that errors print like those of Node.
    Object.defineProperty(this.prototype, 'name', { value: 'HyperlightError', configurable: true, writable: true })
  }
}

/** The error that a failure stands for, which has everything itself, whatever objects inherit; `failures` is what the host functions of that call have thrown. */
function toError(failure, failures) {
  /** @type {import('./native.d.cts').Failure} */
  const { code, message, guestCode, fault, thrown, cause: inner } = Object.assign(Object.create(null), failure)
  const original = failures?.find(thrown)
  if (original !== undefined && code === 'ERR_HL_HOST_FUNCTION') return original[0]
  /** @type {any} */
  const error = new HyperlightError(code, message)
  if (guestCode !== undefined && guestCode !== null) error.guestCode = guestCode
  if (fault) error.fault = fault
  const cause = original !== undefined ? original[0] : inner && toError(inner, failures)
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/** Whether the native half says that something failed. */
const isFailure = (result) => typeof result === 'object' && result !== null && Object.hasOwn(result, 'failed')

/** The result, or its failure thrown. */
function unwrap(result, failures) {
  if (isFailure(result)) throw toError(result, failures)
  return result
}

/** A panic that the macros caught around a native function; other errors are themselves. */
function ofNative(error) {
  if (error?.code !== 'GenericFailure') return error
  return new HyperlightError('ERR_HL_INTERNAL', `internal error, please report it: ${error.message}`)
}

const invalid = (message) => new HyperlightError('ERR_HL_INVALID_ARGUMENT', message)

module.exports = { HyperlightError, invalid, isFailure, ofNative, toError, unwrap }
