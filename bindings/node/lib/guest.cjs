'use strict'

const { types } = require('node:util')

const { unwrap } = require('./failures.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')

const INTERNAL = Symbol('internal')

/** A guest program, loaded once. Any number of sandboxes may share it. */
class Guest {
  #native

  constructor(source, made) {
    if (source === INTERNAL) this.#native = made
    else if (types.isUint8Array(source)) this.#native = unwrap(native.Guest.fromBytes(options.bytes('the guest', source)))
    else this.#native = unwrap(native.Guest.fromFile(options.filePath('the path of the guest', source)))
  }

  static builtin(name) {
    return new Guest(INTERNAL, unwrap(native.Guest.builtin(options.text('the name of the guest', name))))
  }

  withPayload(payload, given) {
    const { executable = false } = options.payloadOptions(given)
    return new Guest(INTERNAL, unwrap(this.#native.withPayload(options.bytes('the payload', payload), executable)))
  }

  static native(guest) {
    return guest.#native
  }

  static is(value) {
    return typeof value === 'object' && value !== null && #native in value
  }
}

const { native: nativeGuest, is: isGuest } = Guest
delete /** @type {any} */ (Guest).native
delete /** @type {any} */ (Guest).is

module.exports = { Guest, guestOf: (made) => new Guest(INTERNAL, made), isGuest, nativeGuest }
