'use strict'
// Host functions: the table that one sandbox, or one pool, has of them. The native half knows slots of it only, so that a
// sandbox that its own functions refer to can still be collected.

const { types } = require('node:util')

const { HyperlightError } = require('./errors.cjs')
const { Failures, messageOf } = require('./failures.cjs')
const { promised } = require('./kinds.cjs')
const options = require('./options.cjs')

/** Async host functions cannot be waited for on the thread that they need. */
const async = (name) => new HyperlightError('ERR_HL_STATE',
  `the host function \`${name}\` is async: reach it by \`await sandbox.call(…)\`, not by callSync`)

/** Stands for every object that can be no value: the native half takes objects of another form for what `dispatch` says itself. */
const NO_VALUE = Object.freeze(Object.create(null))

class Hosts {
  #table = []
  /**
   * What the synchronous call that is running has thrown.
   * @type {InstanceType<typeof Failures> | undefined}
   */
  failures = undefined

  /** `native.register` is called with the slot. */
  add(native, unwrap, name, signature, call) {
    options.text('the name of a host function', name)
    const { params = [], returns = 'void' } = options.signature(`the signature of the host function \`${name}\``, signature)
    options.callback(`the host function \`${name}\``, call)
    unwrap(native.register(name, params, returns, this.#table.length))
    this.#table.push({ name, call, isVoid: returns === 'void' })
  }

  /** `HostPrint`, by the caller's function or to standard output. What it returns is ignored, but for a promise. */
  addPrint(native, unwrap, /** @type {(text: string) => any} */ print = (text) => process.stdout.write(text)) {
    const call = (text) => {
      const written = Buffer.byteLength(text)
      return promised(print(text))?.then(() => written) ?? written
    }
    this.add(native, unwrap, 'HostPrint', { params: ['string'], returns: 'i32' }, call)
  }

  /** Calls one; a promise of its result is passed on, as one of ours. */
  invoke(slot, values) {
    const { call } = this.#table[slot]
    const result = call(...values)
    return promised(result) ?? this.result(slot, result)
  }

  /** What a function of that slot may return: anything, if it returns nothing. */
  result(slot, value) {
    return this.#table[slot].isVoid ? undefined : value
  }

  /** Calls one for a synchronous call. Never throws: what was thrown is kept here, and has a number. */
  dispatch = (slot, ...values) => {
    try {
      const result = this.invoke(slot, values)
      if (typeof result !== 'object' || result === null || types.isTypedArray(result)) return result
      if (!types.isPromise(result)) return NO_VALUE
      // It was told; a rejection has no other listener.
      result.catch(() => {})
      throw async(this.#table[slot].name)
    } catch (value) {
      this.failures ??= new Failures()
      return { __proto__: null, thrown: this.failures.keep(value), text: messageOf(value) }
    }
  }
}

module.exports = { Hosts }
