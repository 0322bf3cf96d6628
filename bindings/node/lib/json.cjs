'use strict'
// Any value, as text, for guests that are themselves written in JavaScript: JSON, and escapes for what JSON would lose.
//
//   Uint8Array, ArrayBuffer      {"$bytes": "base64"}
//   bigint                       {"$bigint": "decimal"}
//   NaN, ±Infinity, -0           {"$number": "NaN"}
//   {"$x": …}, a user's own      {"$$x": …}
//
// What neither can say (functions, symbols, maps, cycles) is an error, not left out. `undefined` alone is the empty text;
// inside it is what JSON makes of it. Every pass takes time and memory in proportion to the text, whatever a guest wrote.

const { types } = require('node:util')

const { MOST_LEVELS, depthOf, levelsOf, tooDeep } = require('./depth.cjs')
const { HyperlightError, invalid } = require('./errors.cjs')
const { describe, isBytes, unreadable, viewOf } = require('./kinds.cjs')

const NUMBERS = new Map([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity], ['-0', -0]])
/** Bigints are below it, and above its negative. Guests have the same limit. */
const ABOVE = 2n ** 65536n
/** Of the largest. */
const MOST_DIGITS = 19_729
const tooBig = (what) => new HyperlightError('ERR_HL_TOO_LARGE',
  `${what} has a whole number of more than 65536 bits (${MOST_DIGITS} digits), which is the limit`)

/** The text of a value. `what` says whose value it is. */
function encode(value, what) {
  const found = prepared(value, '')
  if (found === undefined) return ''
  const out = []
  write(found, what, out, new Set())
  return joined(out, what)
}

/** The text of an array of values, each with levels of its own. */
function encodeAll(values, what) {
  const out = []
  for (const [index, value] of values.entries()) {
    out.push(index === 0 ? '[' : ',')
    write(prepared(value, String(index)), what, out, new Set())
  }
  out.push(values.length === 0 ? '[]' : ']')
  return joined(out, what)
}

function joined(out, what) {
  try {
    return out.join('')
  } catch {
    throw new HyperlightError('ERR_HL_TOO_LARGE', `${what} is a longer text than JavaScript can hold`)
  }
}

/** What JSON would write of it: asked once. */
function prepared(value, key) {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value
  const { toJSON } = value
  return typeof toJSON === 'function' ? Reflect.apply(toJSON, value, [key]) : value
}

/** Writes a prepared value; `around` is what it is in. */
function write(value, what, out, around) {
  switch (typeof value) {
    case 'string': return void out.push(JSON.stringify(value))
    case 'boolean': return void out.push(String(value))
    // In an array.
    case 'undefined': return void out.push('null')
    case 'number': return void out.push(Number.isFinite(value) && !Object.is(value, -0) ? String(value) : `{"$number":"${Object.is(value, -0) ? '-0' : value}"}`)
    case 'bigint':
      if (value >= ABOVE || value <= -ABOVE) throw tooBig(what)
      return void out.push(`{"$bigint":"${value}"}`)
    case 'object': return value === null ? void out.push('null') : writeObject(value, what, out, around)
    default: throw refused(what, describe(value))
  }
}

const refused = (what, found) => invalid(`${what} is made of JSON values, bigints and bytes, found ${found}`)

function writeObject(value, what, out, around) {
  if (isBytes(value)) {
    const wrong = unreadable(value)
    if (wrong !== undefined) throw invalid(`${what} holds ${describe(value)} that ${wrong}`)
    return void out.push(`{"$bytes":"${viewOf(value).toString('base64')}"}`)
  }
  if (types.isBoxedPrimitive(value)) return write(unboxed(value), what, out, around)
  if (around.has(value)) throw invalid(`${what} refers to itself`)
  if (around.size >= MOST_LEVELS) throw tooDeep(what)
  around.add(value)
  if (Array.isArray(value)) writeArray(value, what, out, around)
  else writeNames(value, what, out, around)
  around.delete(value)
}

function writeArray(value, what, out, around) {
  out.push('[')
  const { length } = value
  for (let index = 0; index < length; index += 1) {
    if (index > 0) out.push(',')
    write(prepared(value[index], String(index)), what, out, around)
  }
  out.push(']')
}

function writeNames(value, what, out, around) {
  const names = Object.keys(value)
  if (isOther(value) || (names.length === 0 && !isPlain(value))) throw refused(what, describe(value))
  const members = []
  for (const name of names) {
    const found = prepared(value[name], name)
    if (found !== undefined) members.push([name, found])
  }
  // What JSON leaves out counts no more: one name that begins with $ is an escape.
  if (members.length === 1 && members[0][0].startsWith('$')) members[0][0] = `$${members[0][0]}`
  out.push('{')
  for (const [index, [name, found]] of members.entries()) {
    out.push(`${index > 0 ? ',' : ''}${JSON.stringify(name)}:`)
    write(found, what, out, around)
  }
  out.push('}')
}

/** What holds more than its properties. An instance of any other class is its properties, if it has any. */
function isOther(value) {
  return types.isMap(value) || types.isSet(value) || types.isRegExp(value) || types.isNativeError(value) || types.isPromise(value) ||
    types.isDate(value) || ArrayBuffer.isView(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)
}

function isPlain(value) {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** `new Number(5)` is 5, as in JSON. */
function unboxed(value) {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value)
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value)
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value)
  return types.isBigIntObject(value) ? BigInt.prototype.valueOf.call(value) : Symbol.prototype.valueOf.call(value)
}

/** The value of a text that a guest wrote, who may write anything. */
function decode(text, what) {
  return text === '' ? undefined : read(text, what, MOST_LEVELS)
}

/** The array of values that a guest wrote, each with levels of its own. */
function decodeAll(text, what) {
  const values = read(text, what, MOST_LEVELS + 1)
  if (!Array.isArray(values)) throw new HyperlightError('ERR_HL_PROTOCOL', `${what} are no array, found ${describe(values)}`)
  return values
}

function read(text, what, most) {
  // A short text cannot be deep.
  const depth = text.length > most ? depthOf(text) : 0
  // What stands for bytes and the like is no level.
  if (depth > most + 1) throw tooDeep(what, depth)
  let value = parsed(text, what)
  // A name that begins with $ may be written with an escape.
  if (text.includes('"$') || text.includes('\\u0024')) value = restored(value, what)
  if (depth > most && levelsOf(value) > most) throw tooDeep(what, depth)
  return value
}

/** What is wrong is not shown: an error of JSON's has pieces of the text in it, which is the guest's. */
function parsed(text, what) {
  try {
    return JSON.parse(text)
  } catch {
    throw broken(what, 'it cannot be parsed')
  }
}

const broken = (what, why) => new HyperlightError('ERR_HL_PROTOCOL', `${what} is no JSON as guests write it: ${why}`)

/** Undoes the escapes, innermost ones too. Without recursion: a guest says how deep it is. */
function restored(value, what) {
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
          found = unescaped(inner[0], found[inner[0]], what)
          set(holder, name, found)
        }
      }
      if (typeof found === 'object' && !ArrayBuffer.isView(found)) open.push(found)
    }
  }
  return root[0]
}

function unescaped(name, value, what) {
  if (name.startsWith('$$')) return { [name.slice(1)]: value }
  if (name !== '$bytes' && name !== '$bigint' && name !== '$number') return { [name]: value }
  if (typeof value === 'string') {
    if (name === '$bytes') {
      const bytes = Buffer.from(value, 'base64')
      // Node leaves out what is none.
      if (bytes.toString('base64') === value) return new Uint8Array(bytes)
    }
    if (name === '$bigint' && isDecimal(value)) return bigint(value, what)
    if (name === '$number' && NUMBERS.has(value)) return NUMBERS.get(value)
  }
  throw broken(what, `a ${name} is none`)
}

function isDecimal(text) {
  const start = text.startsWith('-') ? 1 : 0
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x39) return false
  }
  return text.length > start
}

function bigint(digits, what) {
  // Making a number of more would take more than linear time.
  const found = digits.length > MOST_DIGITS + 1 ? ABOVE : BigInt(digits)
  if (found >= ABOVE || found <= -ABOVE) throw tooBig(what)
  return found
}

/** An own property, whatever its name. */
function set(holder, name, value) {
  if (name !== '__proto__') holder[name] = value
  else Object.defineProperty(holder, name, { value, configurable: true, enumerable: true, writable: true })
}

module.exports = { decode, decodeAll, encode, encodeAll }
