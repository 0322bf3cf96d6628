'use strict'

const { toError } = require('./failures.cjs')
const native = require('./native.cjs')
const { watch } = require('./signals.cjs')

const { clearTimeout, setTimeout } = globalThis
/** The longest delay of a timer. */
const LONGEST = 0x7fffffff

const closed = () => toError(native.poolClosed())

/**
 * Permits, handed out in order of arrival. A wait costs no thread, and ends by a timeout, by a signal, and when the
 * pool closes.
 */
class Permits {
  #count
  #free
  #queue = new Set()
  #isClosed = false
  waits = 0
  waitedMs = 0

  constructor(count) {
    this.#count = count
    this.#free = count
  }

  /** Takes a free permit. Returns true if there was one. */
  takeFree() {
    const isFree = this.#free > 0
    if (isFree) this.#free -= 1
    return isFree
  }

  /** Waits for a permit. Returns the rest of `timeoutMs` (undefined: no limit; 0: at once or not at all). */
  async take(timeoutMs, signal) {
    if (this.#isClosed) throw closed()
    if (signal?.aborted) throw signal.reason
    if (this.takeFree()) return timeoutMs
    const late = () => toError(native.noMemberInTime(timeoutMs, this.#count))
    if (timeoutMs === 0) throw late()
    const begun = performance.now()
    this.waits += 1
    try {
      await this.#wait(timeoutMs, signal, late)
    } finally {
      this.waitedMs += performance.now() - begun
    }
    return timeoutMs === undefined ? undefined : Math.max(timeoutMs - (performance.now() - begun), 0)
  }

  give() {
    const [first] = this.#queue
    if (first !== undefined) first.resolve()
    else this.#free += 1
  }

  close() {
    this.#isClosed = true
    for (const waiter of [...this.#queue]) waiter.reject(closed())
  }

  #wait(timeoutMs, signal, late) {
    return new Promise((resolve, reject) => {
      let timer, unwatch
      const end = (settle, value) => {
        this.#queue.delete(waiter)
        clearTimeout(timer)
        settle(value)
        unwatch?.()
      }
      const waiter = { resolve: () => end(resolve), reject: (error) => end(reject, error) }
      if (signal !== undefined) unwatch = watch(signal, () => waiter.reject(signal.reason))
      if (timeoutMs < LONGEST) timer = setTimeout(() => waiter.reject(late()), timeoutMs)
      this.#queue.add(waiter)
    })
  }
}

module.exports = { Permits }
