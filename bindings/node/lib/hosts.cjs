'use strict'
// Host functions: the table that one sandbox, or one pool, has of them. The native half knows slots of it only, so that a
// sandbox that its own functions refer to can still be collected.

const { HyperlightError, invalid } = require('./errors.cjs')
const { messageOf } = require('./calls.cjs')
const options = require('./options.cjs')

/** Async host functions cannot be waited for on the thread that they need. */
const async = (name) => new HyperlightError('ERR_HL_STATE',
  `the host function \`${name}\` is async: reach it by \`await sandbox.call(…)\`, not by callSync`)

class Hosts {
  #table = []
  /**
   * What the synchronous call that is running has thrown last.
   * @type {{ number: number, value: unknown } | undefined}
   */
  thrown = undefined

  /** `native.register` is called with the slot. */
  add(native, unwrap, name, signature, call) {
    options.text('the name of a host function', name)
    if (typeof signature !== 'object' || signature === null) {
      throw invalid(`the signature of the host function \`${name}\` is { params, returns }, found ${options.describe(signature)}`)
    }
    const { params = [], returns = 'void' } = signature
    if (!Array.isArray(params) || !params.every((kind) => typeof kind === 'string')) {
      throw invalid(`params of the host function \`${name}\` is an array of the names of kinds, found ${options.describe(params)}`)
    }
    options.text(`returns of the host function \`${name}\``, returns)
    options.callback(`the host function \`${name}\``, call)
    unwrap(native.register(name, params, returns, this.#table.length))
    this.#table.push({ name, call, isVoid: returns === 'void' })
  }

  /** `HostPrint`, by the caller's function or to standard output. What it returns is ignored, but for a promise. */
  addPrint(native, unwrap, /** @type {(text: string) => any} */ print = (text) => process.stdout.write(text)) {
    const call = (text) => {
      const written = Buffer.byteLength(text)
      const result = print(text)
      return typeof result?.then === 'function' ? Promise.resolve(result).then(() => written) : written
    }
    this.add(native, unwrap, 'HostPrint', { params: ['string'], returns: 'i32' }, call)
  }

  /** Calls one; a promise of its result is passed on. */
  invoke(slot, values) {
    const { call } = this.#table[slot]
    const result = call(...values)
    return typeof result?.then === 'function' ? result : this.result(slot, result)
  }

  /** What a function of that slot may return: anything, if it returns nothing. */
  result(slot, value) {
    return this.#table[slot].isVoid ? undefined : value
  }

  /** Calls one for a synchronous call. Never throws: what was thrown is kept here, and has a number. */
  dispatch = (slot, ...values) => {
    try {
      const result = this.invoke(slot, values)
      if (typeof result?.then !== 'function') return result
      // It was told; a rejection has no other listener.
      Promise.resolve(result).catch(() => {})
      throw async(this.#table[slot].name)
    } catch (value) {
      const number = ((this.thrown?.number ?? 0) + 1) % 0xffffffff
      this.thrown = { number, value }
      return { thrown: number, text: messageOf(value) }
    }
  }
}

module.exports = { Hosts }
