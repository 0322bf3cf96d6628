'use strict'
// Classification of values from any realm (`vm`, jest, vitest): by internal slots, never by `instanceof`.

const { types } = require('node:util')

const { isAnyArrayBuffer, isProxy, isSharedArrayBuffer, isUint8Array } = types
const { bind, call } = Function.prototype
/** `uncurried(f)(self, …)` calls `f` regardless of `self`'s own properties. */
const uncurried = bind.bind(call)
const prototypeOfArrays = Object.getPrototypeOf(Uint8Array.prototype)
const getter = (name) => uncurried(/** @type {any} */ (Object.getOwnPropertyDescriptor(prototypeOfArrays, name)).get)
const [bufferOf, offsetOf, lengthOf] = ['buffer', 'byteOffset', 'byteLength'].map(getter)
const entriesOf = uncurried(prototypeOfArrays.entries)
const tagged = uncurried(Object.prototype.toString)

/** Returns true for bytes: a `Uint8Array` (a `Buffer` is one) or a whole `ArrayBuffer`. */
const isBytes = (value) => isUint8Array(value) || isAnyArrayBuffer(value)

/** The same bytes as a `Buffer`, not copied. */
const viewOf = (value) => (isUint8Array(value) ? Buffer.from(bufferOf(value), offsetOf(value), lengthOf(value)) : Buffer.from(value))

/** Explains why bytes cannot be read; `undefined` if they can. */
function unreadable(value) {
  const buffer = isUint8Array(value) ? bufferOf(value) : value
  if (isSharedArrayBuffer(buffer)) return 'is over shared memory, which may change meanwhile: pass a copy'
  try {
    // Refuses detached buffers, and arrays that begin after the end of a shrunk buffer.
    entriesOf(isUint8Array(value) ? value : new Uint8Array(value))
  } catch {
    return 'is over memory that was transferred away or made too small: pass bytes that are still there'
  }
  return undefined
}

/** Copies bytes whose owner may change them; returns other values unchanged. */
const owned = (value) => (isUint8Array(value) && unreadable(value) === undefined ? new Uint8Array(value) : value)

/** Any `URL`, also that of a library. */
const isUrl = (value) => typeof value === 'object' && value !== null && typeof value.href === 'string' && typeof value.protocol === 'string'

/**
 * Converts any kind of promise to a native one; `undefined` for any other value. Reads `then` once, since a
 * getter may answer otherwise, or throw, the next time.
 * @returns {Promise<any> | undefined}
 */
function promised(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined
  const { then } = value
  if (typeof then !== 'function') return undefined
  return new Promise((resolve, reject) => { Reflect.apply(then, value, [resolve, reject]) })
}

/** Shows any value in an error: short, and on one line. */
function describe(value) {
  switch (typeof value) {
    case 'string': return `"${printable(value)}"`
    case 'bigint': return BigInt.asIntN(128, value) === value ? `${value}n` : 'a bigint of more than 128 bits'
    case 'function': return 'a function'
    case 'symbol': return 'a symbol'
    case 'object': return value === null ? 'null' : article(nameOf(value))
    default: return String(value)
  }
}

/** Shortens a text to one line, without control characters for a terminal. */
function printable(text) {
  const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text).slice(1, -1).replace(/[\x7f-\x9f\u2028\u2029]/g, escaped)
}

/** Lists the first of a program's names. */
function listed(names) {
  const found = [...names]
  return found.slice(0, 20).map((name) => `\`${printable(name)}\``).join(', ') + (found.length > 20 ? `, and ${found.length - 20} more` : '')
}

const article = (name) => `${/^[AEIOaeio]/.test(name) ? 'an' : 'a'} ${name}`

/** Names the sort of an object, in a word: `array`, `Map`, the name of its class. */
function nameOf(value) {
  try {
    if (isProxy(value)) return 'Proxy'
    if (Array.isArray(value)) return 'array'
    const tag = tagged(value).slice(8, -1)
    if (tag !== 'Object') return tag.slice(0, 100)
    const { name } = Object.getPrototypeOf(value)?.constructor ?? {}
    return typeof name === 'string' && name !== '' && name !== 'Object' ? name.slice(0, 100) : 'object'
  } catch {
    return 'object'
  }
}

module.exports = { describe, isBytes, isUrl, listed, owned, promised, unreadable, viewOf }
