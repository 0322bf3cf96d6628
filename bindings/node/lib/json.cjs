'use strict'
// Any value, as text, for guests that are themselves written in JavaScript: JSON, and escapes for what JSON would lose.
//
//   Uint8Array, ArrayBuffer      {"$bytes": "base64"}
//   bigint                       {"$bigint": "decimal"}
//   NaN, ±Infinity, -0           {"$number": "NaN"}
//   {"$x": …}, a user's own      {"$$x": …}
//
// What neither can say (functions, symbols, maps, cycles) is an error, not left out. `undefined` alone is the empty text;
// inside it is what JSON makes of it.

const { HyperlightError, invalid } = require('./errors.cjs')

const NUMBERS = new Map([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity], ['-0', -0]])

/** The text of a value. `what` says whose value it is. */
function encode(value, what) {
  return value === undefined ? '' : JSON.stringify(plain(value, what, []))
}

/** The value with escapes in place of what JSON does not have. */
function plain(value, what, outer) {
  switch (typeof value) {
    case 'string': case 'boolean': case 'undefined': return value
    case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'bigint': return { $bigint: String(value) }
    case 'object': return value === null ? null : plainObject(value, what, outer)
    default: throw invalid(`${what} is made of JSON values, bigints and bytes, found a ${typeof value}`)
  }
}

function plainObject(value, what, outer) {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    const bytes = value instanceof ArrayBuffer ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { $bytes: bytes.toString('base64') }
  }
  if (outer.includes(value)) throw invalid(`${what} refers to itself`)
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || typeof value.then === 'function') {
    throw invalid(`${what} is made of JSON values, bigints and bytes, found a ${value.constructor?.name ?? 'promise'}`)
  }
  outer.push(value)
  let out
  if (typeof value.toJSON === 'function') {
    out = plain(value.toJSON(), what, outer)
  } else if (Array.isArray(value)) {
    out = Array.from(value, (item) => plain(item, what, outer))
  } else {
    // What JSON leaves out counts no more: one name that begins with $ is an escape.
    const names = Object.keys(value).filter((name) => value[name] !== undefined)
    // Without a prototype, `__proto__` is a name like any other.
    out = Object.create(null)
    for (const name of names) out[name] = plain(value[name], what, outer)
    if (names.length === 1 && names[0].startsWith('$')) out = { [`$${names[0]}`]: out[names[0]] }
  }
  outer.pop()
  return out
}

/** The value of a text that a guest wrote, who may write anything. */
function decode(text, what) {
  if (text === '') return undefined
  try {
    const value = JSON.parse(text)
    return text.includes('{"$') ? restored(value) : value
  } catch (error) {
    throw new HyperlightError('ERR_HL_PROTOCOL', `${what} is no JSON as guests write it: ${error.message}`)
  }
}

/** Undoes the escapes, innermost ones too. Without recursion: a guest says how deep it is. */
function restored(value) {
  const root = [value]
  /** @type {any[]} */
  const open = [root]
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    const names = Array.isArray(holder) ? undefined : Object.keys(holder)
    const count = names === undefined ? holder.length : names.length
    for (let index = 0; index < count; index += 1) {
      const name = names === undefined ? index : names[index]
      let found = holder[name]
      if (typeof found !== 'object' || found === null) continue
      if (!Array.isArray(found)) {
        const inner = Object.keys(found)
        if (inner.length === 1 && inner[0].startsWith('$')) {
          found = unescaped(inner[0], found[inner[0]])
          set(holder, name, found)
        }
      }
      if (typeof found === 'object' && !(found instanceof Uint8Array)) open.push(found)
    }
  }
  return root[0]
}

function unescaped(name, value) {
  if (name.startsWith('$$')) return { [name.slice(1)]: value }
  if (name !== '$bytes' && name !== '$bigint' && name !== '$number') return { [name]: value }
  if (typeof value === 'string') {
    if (name === '$bytes') return new Uint8Array(Buffer.from(value, 'base64'))
    if (name === '$bigint' && /^-?[0-9]+$/.test(value)) return BigInt(value)
    if (name === '$number' && NUMBERS.has(value)) return NUMBERS.get(value)
  }
  throw new SyntaxError(`${JSON.stringify(name)} with ${typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeof value}`)
}

/** An own property, whatever its name. */
function set(holder, name, value) {
  if (name !== '__proto__') holder[name] = value
  else Object.defineProperty(holder, name, { value, configurable: true, enumerable: true, writable: true })
}

module.exports = { decode, encode }
