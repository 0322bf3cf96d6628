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

/** The error that a failure stands for; `thrown` is what the host functions of that call threw last. */
function toError(failure, thrown) {
  const isOriginal = thrown !== undefined && failure.thrown === thrown.number
  if (isOriginal && failure.code === 'ERR_HL_HOST_FUNCTION') return thrown.value
  /** @type {any} */
  const error = new HyperlightError(failure.code, failure.message)
  if (failure.guestCode !== undefined && failure.guestCode !== null) error.guestCode = failure.guestCode
  if (failure.fault) error.fault = failure.fault
  const cause = isOriginal ? thrown.value : failure.cause && toError(failure.cause)
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/** The result, or its failure thrown. */
function unwrap(result, thrown) {
  if (typeof result === 'object' && result !== null && result.failed === true) throw toError(result, thrown)
  return result
}

/** A panic that the macros caught around a native function; other errors are themselves. */
function ofNative(error) {
  if (error?.code !== 'GenericFailure') return error
  return new HyperlightError('ERR_HL_INTERNAL', `internal error, please report it: ${error.message}`)
}

const invalid = (message) => new HyperlightError('ERR_HL_INVALID_ARGUMENT', message)

module.exports = { HyperlightError, invalid, ofNative, toError, unwrap }
