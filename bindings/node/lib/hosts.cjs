'use strict'
// Host functions: the table of one sandbox or one pool. The native half knows only slots of it, so that a sandbox can
// be collected although its own functions refer to it.

const { types } = require('node:util')

const { HyperlightError } = require('./errors.cjs')
const { Failures, messageOf } = require('./failures.cjs')
const { promised } = require('./kinds.cjs')
const options = require('./options.cjs')

/** The error for an async host function, which cannot be awaited on the thread that it needs. */
const async = (name) => new HyperlightError('ERR_HL_STATE',
  `the host function \`${name}\` is async: reach it by \`await sandbox.call(…)\`, not by callSync`)

/** Stands for every object that cannot be passed: the native half treats other objects as `dispatch`'s own replies. */
const NO_VALUE = Object.freeze(Object.create(null))

class Hosts {
  #table = []
  /**
   * What the synchronous call that is running has thrown.
   * @type {InstanceType<typeof Failures> | undefined}
   */
  failures = undefined

  /** Registers functions: `native.register` is called with the slot. */
  add(native, unwrap, name, signature, call) {
    options.text('the name of a host function', name)
    const { params = [], returns = 'void' } = options.signature(`the signature of the host function \`${name}\``, signature)
    options.callback(`the host function \`${name}\``, call)
    unwrap(native.register(name, params, returns, this.#table.length))
    this.#table.push({ name, call, isVoid: returns === 'void' })
  }

  /**
   * Registers `HostPrint`, for the caller's function or standard output. The result is ignored, except for a promise.
   */
  addPrint(native, unwrap, /** @type {(text: string) => any} */ print = (text) => process.stdout.write(text)) {
    const call = (text) => {
      const written = Buffer.byteLength(text)
      return promised(print(text))?.then(() => written) ?? written
    }
    this.add(native, unwrap, 'HostPrint', { params: ['string'], returns: 'i32' }, call)
  }

  /** Calls a function; a promise of its result is returned as a native promise. */
  invoke(slot, values) {
    const { call } = this.#table[slot]
    const result = call(...values)
    return promised(result) ?? this.result(slot, result)
  }

  /** Filters the result of a slot's function: a `void` function may return anything. */
  result(slot, value) {
    return this.#table[slot].isVoid ? undefined : value
  }

  /** Calls a function for a synchronous call. Never throws: an exception is kept here, and has a number. */
  dispatch = (slot, ...values) => {
    try {
      const result = this.invoke(slot, values)
      if (typeof result !== 'object' || result === null || types.isTypedArray(result)) return result
      if (!types.isPromise(result)) return NO_VALUE
      // The guest got the error; the rejection has no other listener.
      result.catch(() => {})
      throw async(this.#table[slot].name)
    } catch (value) {
      this.failures ??= new Failures()
      return { __proto__: null, thrown: this.failures.keep(value), text: messageOf(value) }
    }
  }
}

module.exports = { Hosts }
