'use strict'
// Values that travel as JSON: of any form to scripts, of their types to WebAssembly programs. The native half decides
// on the rules of types, the text of values, and the limit on depth. This file defines only JavaScript's values.
//
//   scripts       JSON values, with what JSON.stringify makes of others; bigint, Uint8Array and ArrayBuffer, NaN,
//                 ±Infinity, -0
//
//   components    bool, s8 … u32, f32, f64      boolean, number             option<T>              the value, or null
//                 s64, u64                      bigint, always              result<T, E>           { ok: … } or { err: … }
//                 char, string, enum            string                      variant                its name, or { name: value }
//                 list<T>, tuple<…>, flags      array (list<u8>: bytes)     map<K, V>              Map
//                 record                        object
//
// In both directions values travel as a tape between the two halves: an array of numbers with the tags, and the texts
// and bytes beside it. Values that cannot be passed (functions, symbols, cycles) are errors, never left out.

const { types } = require('node:util')

const { HyperlightError, invalid } = require('./errors.cjs')
const { describe, isBytes, unreadable, viewOf } = require('./kinds.cjs')
const native = require('./native.cjs')

const { MAX_DEPTH } = native

/** The parsed types, by their texts. */
class Type {
  #native

  constructor(text) {
    this.#native = checked(native.Type.parse(text))
    /** Returns true if its kind on the wire has more values than the type. */
    this.isNarrow = this.#native.isNarrow
  }

  /** Encodes a value as text. `what` names it in errors. */
  encode(value, what) {
    const flat = new Flat(what, false)
    flat.add(value)
    return checked(this.#native.lower(what, flat.numbers, flat.text, flat.bytes))
  }

  /** Decodes a guest's text as a value of this type. */
  decode(text, what) {
    return made(checked(this.#native.lift(what, text)))
  }

  /** Checks a value that was passed as a wider kind. */
  checked(value, what) {
    const flat = new Flat(what, false)
    flat.add(value)
    checked(this.#native.check(what, flat.numbers, flat.text))
    return value
  }
}

/** Encodes a value for a script. `what` names it in errors; `undefined` alone is the empty text. */
function encode(value, what) {
  const flat = new Flat(what, true)
  flat.add(prepared(value, ''))
  return checked(native.toScript(what, false, flat.numbers, flat.text, flat.bytes))
}

/** Encodes an array of values, each of which may be as deep as one alone. */
function encodeAll(values, what) {
  const flat = new Flat(what, true)
  for (const [index, value] of values.entries()) flat.add(prepared(value, String(index)))
  return checked(native.toScript(what, true, flat.numbers, flat.text, flat.bytes))
}

/** Decodes the text of a script's guest, which is untrusted. */
function decode(text, what) {
  return text === '' ? undefined : ofScript(text, what, false)
}

/** Decodes a guest's array of values, each of which may be as deep as one alone. */
function decodeAll(text, what) {
  const values = ofScript(text, what, true)
  if (!Array.isArray(values)) throw new HyperlightError('ERR_HL_PROTOCOL', `${what} are no array, found ${describe(values)}`)
  return values
}

function ofScript(text, what, isAll) {
  const tape = checked(native.ofScript(what, isAll, text))
  // The native half has checked that it is JSON within the limit on depth.
  return tape === null ? JSON.parse(text) : made(tape)
}

/** Returns the result, or throws its failure. */
function checked(result) {
  if (result?.failed !== true || !Object.hasOwn(result, 'failed')) return result
  throw new HyperlightError(result.code, result.message)
}

/** Tags on a tape to the native half. */
const [NULL, UNDEFINED, FALSE, TRUE, NUMBER, BIGINT, TEXT, BYTES, LIST, OBJECT, MAP, OTHER] = Array(12).keys()

/** A tape of values, one after the other. */
class Flat {
  /** @type {number[]} */
  #tape = []
  /** @type {string[]} */
  #texts = []
  #textLength = 0
  /** @type {Buffer[]} */
  #pieces = []
  #bytesLength = 0
  /** The objects around the value that is being added. */
  #around = new Set()
  #what
  #isScript

  constructor(what, isScript) {
    this.#what = what
    this.#isScript = isScript
  }

  get numbers() {
    return Float64Array.from(this.#tape)
  }

  get text() {
    try {
      return this.#texts.length === 1 ? this.#texts[0] : this.#texts.join('')
    } catch {
      throw new HyperlightError('ERR_HL_TOO_LARGE', `${this.#what} is a longer text than JavaScript can hold`)
    }
  }

  get bytes() {
    return this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)
  }

  add(value) {
    switch (typeof value) {
      case 'string': return this.#addText(TEXT, value)
      case 'number': return void this.#tape.push(NUMBER, value)
      case 'boolean': return void this.#tape.push(value ? TRUE : FALSE)
      case 'undefined': return void this.#tape.push(UNDEFINED)
      case 'bigint': return this.#addText(BIGINT, digitsOf(value))
      case 'object': return value === null ? void this.#tape.push(NULL) : this.#addObject(value)
      default: return this.#addText(OTHER, describe(value))
    }
  }

  #addText(tag, text) {
    this.#tape.push(tag, this.#textLength, text.length)
    this.#texts.push(text)
    this.#textLength += text.length
  }

  #addObject(value) {
    if (isBytes(value) && (this.#isScript || types.isUint8Array(value))) return this.#addBytes(value)
    if (this.#isScript && types.isBoxedPrimitive(value)) return this.add(unboxed(value))
    if (this.#around.has(value)) throw invalid(`${this.#what} refers to itself`)
    const isList = Array.isArray(value)
    const tag = isList ? LIST : this.#isScript ? ofScripts(value) : ofComponents(value)
    if (tag === OTHER) return this.#addText(OTHER, describe(value))
    const begin = this.#tape.push(tag, 0) - 1
    // The native half checks the depth; here only cycles are found.
    if (this.#around.size <= MAX_DEPTH) {
      this.#around.add(value)
      if (isList) this.#addItems(value)
      else if (tag === LIST) for (const item of listOf(value)) this.add(item)
      else if (tag === MAP) for (const [key, item] of Map.prototype.entries.call(value)) this.#addBoth(key, item)
      else this.#addMembers(value)
      this.#around.delete(value)
    }
    this.#tape[begin] = this.#tape.length
  }

  #addBytes(value) {
    const wrong = unreadable(value)
    if (wrong !== undefined) throw invalid(`${this.#what} holds ${describe(value)} that ${wrong}`)
    // At once: what is asked of the values behind may change them, or transfer them away.
    const bytes = Buffer.from(viewOf(value))
    this.#tape.push(BYTES, this.#bytesLength, bytes.length)
    this.#pieces.push(bytes)
    this.#bytesLength += bytes.length
  }

  #addItems(value) {
    const { length } = value
    for (let index = 0; index < length; index += 1) this.add(this.#isScript ? prepared(value[index], String(index)) : value[index])
  }

  #addBoth(key, item) {
    this.add(key)
    this.add(item)
  }

  #addMembers(value) {
    for (const name of Object.keys(value)) {
      this.#addText(TEXT, name)
      this.add(this.#isScript ? prepared(value[name], name) : value[name])
    }
  }
}

/** Returns the digits of a bigint, unless it exceeds the limit: larger ones take more than linear time. */
function digitsOf(value) {
  return value < ABOVE && value > -ABOVE ? String(value) : ''
}

/** Allowed bigints are below this number, and above its negative. */
const ABOVE = 2n ** BigInt(native.MAX_BITS)

/** Converts an object by its `toJSON`, which is called once. */
function prepared(value, key) {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value
  const { toJSON } = value
  return typeof toJSON === 'function' ? Reflect.apply(toJSON, value, [key]) : value
}

/**
 * Classifies an object for scripts: its properties, unless it holds more. An instance of any class is its properties,
 * if it has any.
 */
function ofScripts(value) {
  const isOther = types.isMap(value) || types.isSet(value) || types.isRegExp(value) || types.isNativeError(value) || types.isPromise(value) ||
    types.isDate(value) || ArrayBuffer.isView(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)
  return isOther || (!isPlain(value) && Object.keys(value).length === 0) ? OTHER : OBJECT
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

/** Classifies an object for components. */
function ofComponents(value) {
  if (types.isMap(value)) return MAP
  if (types.isSet(value) || types.isTypedArray(value)) return LIST
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isBoxedPrimitive(value) ? OTHER : OBJECT
}

/** Returns the items of a list for components. */
function listOf(value) {
  return types.isSet(value) ? Set.prototype.values.call(value) : Array.from(/** @type {any} */ (value))
}

/** Tags on a tape from the native half. */
const OUT = Object.freeze({
  NULL: 0, UNDEFINED: 1, FALSE: 2, TRUE: 3, NUMBER: 4, SHORT_BIGINT: 5, BIGINT: 6, TEXT: 7, NAME: 8, BYTES: 9, LIST: 10, OBJECT: 11, MAP: 12,
})

/** Builds the value of a tape: the last values made are the parts of the next. */
function made({ tape: written, texts, names, bytes }) {
  const tape = new Float64Array(written.buffer)
  /** @type {any[]} */
  const stack = []
  let [at, text, byte] = [0, 0, 0]
  while (at < tape.length) {
    switch (tape[at++]) {
      case OUT.NULL: stack.push(null); break
      case OUT.UNDEFINED: stack.push(undefined); break
      case OUT.FALSE: stack.push(false); break
      case OUT.TRUE: stack.push(true); break
      case OUT.NUMBER: stack.push(tape[at++]); break
      case OUT.SHORT_BIGINT: stack.push(BigInt(tape[at++])); break
      case OUT.BIGINT: stack.push(BigInt(texts[text++])); break
      case OUT.TEXT: stack.push(texts[text++]); break
      case OUT.NAME: stack.push(names[tape[at++]]); break
      case OUT.BYTES: stack.push(bytes.slice(byte, byte += tape[at++])); break
      case OUT.LIST: {
        const count = tape[at++]
        stack.push(count === 0 ? [] : stack.splice(stack.length - count))
        break
      }
      case OUT.OBJECT: {
        const count = tape[at++]
        const first = stack.length - count
        const object = {}
        for (let index = 0; index < count; index += 1) set(object, names[tape[at++]], stack[first + index])
        stack.length = first
        stack.push(object)
        break
      }
      case OUT.MAP: {
        const count = tape[at++]
        const first = stack.length - 2 * count
        const map = new Map()
        for (let index = first; index < stack.length; index += 2) map.set(stack[index], stack[index + 1])
        stack.length = first
        stack.push(map)
        break
      }
    }
  }
  return stack[0]
}

/** Defines an own property, whatever its name. */
function set(object, name, value) {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
}

module.exports = { Type, decode, decodeAll, encode, encodeAll }
