'use strict'
// The class of errors.

/** `code` is part of the interface; messages are for people. */
class HyperlightError extends Error {
  constructor(code, message, options) {
    super(message, options)
    this.code = code
  }

  static {
    // Not an own property of each error, so that errors print like Node's.
    Object.defineProperty(HyperlightError.prototype, 'name', { value: 'HyperlightError', configurable: true, writable: true })
  }
}

/** Converts a panic that the macros caught around a native function; other errors are returned unchanged. */
function ofNative(error) {
  if (error?.code !== 'GenericFailure') return error
  return new HyperlightError('ERR_HL_INTERNAL', `internal error, please report it: ${error.message}`)
}

const invalid = (message) => new HyperlightError('ERR_HL_INVALID_ARGUMENT', message)

module.exports = { HyperlightError, invalid, ofNative }
