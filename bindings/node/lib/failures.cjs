'use strict'

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

module.exports = { Failures, messageOf }
