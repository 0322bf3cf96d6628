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
const { parse, stringify } = JSON

/** A type of a program. */
class Type {
  #native
  #number
  /** The least and the largest number, of types of which the native half need not be asked. */
  #least = NaN
  #most = NaN
  #isChar
  #canBeJson

  constructor(type) {
    this.#native = type
    this.#number = type.number
    const { range, isChar, canBeJson } = type
    if (range) [this.#least, this.#most] = range
    this.#isChar = isChar
    this.#canBeJson = canBeJson
  }

  /** Parses a type from its text. */
  static parse(text) {
    return new Type(checked(native.Type.parse(text)))
  }

  /** Encodes a value as text. `what` names it in errors. */
  encode(value, what) {
    const flat = new Flat(what)
    try {
      flat.add(value)
      const { numbers, count, text, bytes } = flat
      // Without its name, which costs a copy. An error is made once more, with it.
      return checked(native.lowerType(this.#number, numbers, count, text, bytes) ??
        native.lowerType(this.#number, numbers, count, text, bytes, what))
    } finally {
      flat.end()
    }
  }

  /** Decodes a guest's text as a value of this type. */
  decode(text, what) {
    return this.#canBeJson && native.isJsonOfType(this.#number, text) ? parse(text) : made(checked(this.#native.lift(what, text)))
  }

  /** Checks a value that is passed as a kind with more values. */
  fit(value, what) {
    if (!this.#isMet(value)) this.encode(value, what)
  }

  /** Checks a value that a guest passed as a kind with more values. */
  checked(value, what) {
    if (this.#isMet(value)) return value
    const flat = new Flat(what)
    try {
      flat.add(value)
      checked(this.#native.check(flat.numbers, flat.count, flat.text, what))
    } finally {
      flat.end()
    }
    return value
  }

  /** Returns true for what nearly all values are. */
  #isMet(value) {
    if (typeof value === 'number') return Number.isInteger(value) && value >= this.#least && value <= this.#most
    return this.#isChar && typeof value === 'string' && value.length === 1 && value.isWellFormed()
  }
}

/** Encodes a value for a script. `what` names it in errors; `undefined` alone is the empty text. */
function encode(value, what) {
  const copy = new Copy(what)
  const copied = copy.of(value, '')
  if (copied === undefined) return ''
  return isWritten(copy) ? written(copied, what) : toScript([copied], what, false)
}

/** Encodes an array of values, each of which may be as deep as one alone. */
function encodeAll(values, what) {
  const copy = new Copy(what)
  const copied = []
  const { length } = values
  for (let index = 0; index < length; index += 1) copied.push(copy.of(values[index], index))
  return isWritten(copy) ? written(copied, what) : toScript(copied, what, true)
}

/** Returns true if JSON has the copy as it is. What was copied may have run code, so the prototypes are looked at last. */
function isWritten({ isPlain }) {
  return isPlain && !('toJSON' in Object.prototype || 'toJSON' in Array.prototype)
}

/** Writes a value that JSON has as it is. */
function written(copied, what) {
  try {
    return stringify(copied)
  } catch (error) {
    throw /string length/.test(error.message) ? tooLong(what) : error
  }
}

function toScript(copied, what, isAll) {
  const flat = new Flat(what, true)
  try {
    for (const value of copied) flat.add(value)
    return checked(native.toScript(what, isAll, flat.numbers, flat.count, flat.text, flat.bytes))
  } finally {
    flat.end()
  }
}

const tooLong = (what) => new HyperlightError('ERR_HL_TOO_LARGE', `${what} is a longer text than JavaScript can hold`)

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
  // A short text cannot be deep. An error's text is the native half's, because one of `JSON.parse` shows the guest's.
  const isPlain = text.length <= 2 * MAX_DEPTH ? !text.includes('$') && !text.includes('\\u') : native.isPlain(text, isAll)
  if (isPlain) {
    try {
      return parse(text)
    } catch {}
  }
  return made(checked(native.ofScript(what, isAll, text)))
}

/** Returns the result, or throws its failure. */
function checked(result) {
  if (result?.failed !== true || !Object.hasOwn(result, 'failed')) return result
  throw new HyperlightError(result.code, result.message)
}

/** Tags on a tape to the native half. */
const [NULL, UNDEFINED, FALSE, TRUE, NUMBER, BIGINT, TEXT, BYTES, LIST, OBJECT, MAP, OTHER] = Array(12).keys()

/** What can be no value, as errors describe it. */
class Other {
  #text

  constructor(value) {
    this.#text = describe(value)
  }

  /** Returns the description; `undefined` for any other object. */
  static text(value) {
    return #text in value ? value.#text : undefined
  }
}

/**
 * Copies a script's value: what is asked of it may run code of the caller's, which may change the rest of it, so all of
 * it is asked once, in order.
 */
class Copy {
  /** False once there was something that is not in JSON as it is. */
  isPlain = true
  /** The objects around the value that is being copied. */
  #around = []
  #what

  constructor(what) {
    this.#what = what
  }

  of(value, key) {
    switch (typeof value) {
      case 'string': case 'boolean': case 'undefined': return value
      case 'number':
        if (!Number.isFinite(value) || Object.is(value, -0)) this.isPlain = false
        return value
      case 'object': return value === null ? null : this.#object(prepared(value, key))
      case 'bigint':
        this.isPlain = false
        return value
      default: return this.#other(value)
    }
  }

  #other(value) {
    this.isPlain = false
    return new Other(value)
  }

  /** Copies an object, or what its `toJSON` gave. */
  #object(value) {
    if (typeof value !== 'object' || value === null) return this.of(value, '')
    if (Array.isArray(value)) return this.#list(value)
    if (isBytes(value)) {
      this.isPlain = false
      return bytesOf(value, this.#what)
    }
    if (types.isBoxedPrimitive(value)) return this.of(unboxed(value), '')
    return this.#members(value)
  }

  #list(value) {
    const copy = []
    if (!this.#enter(value)) return copy
    const { length } = value
    for (let index = 0; index < length; index += 1) copy.push(this.#part(value[index], index))
    this.#around.pop()
    return copy
  }

  #members(value) {
    const names = Object.keys(value)
    if (isOther(value) || (names.length === 0 && !isPlain(value))) return this.#other(value)
    const copy = {}
    if (!this.#enter(value)) return copy
    for (const name of names) {
      const part = this.#part(value[name], name)
      // Alone, such a name is an escape.
      if (name.charCodeAt(0) === DOLLAR) this.isPlain = false
      set(copy, name, part)
    }
    this.#around.pop()
    return copy
  }

  #part(value, key) {
    return typeof value === 'string' ? value : this.of(value, key)
  }

  /** Returns false for what is too deep, which is the native half's to refuse. */
  #enter(value) {
    if (this.#around.includes(value)) throw invalid(`${this.#what} refers to itself`)
    if (this.#around.length >= MAX_DEPTH) this.isPlain = false
    if (this.#around.length > MAX_DEPTH) return false
    this.#around.push(value)
    return true
  }
}

const DOLLAR = 0x24

/** A tape of values, one after the other: of components, or copies of scripts' values. */
class Flat {
  #tape = scratch ?? new Float64Array(64)
  #length = 0
  #text = ''
  #textLength = 0
  /** @type {string[] | undefined} */
  #texts
  /** @type {Buffer[]} */
  #pieces = []
  #bytesLength = 0
  /** The objects around the value that is being added. */
  #around = []
  #what
  #isCopy

  constructor(what, isCopy = false) {
    this.#what = what
    this.#isCopy = isCopy
    scratch = undefined
  }

  /** Must be called once the tape was read: its memory is used again. */
  end() {
    if (this.#tape.length <= MOST_SCRATCH) scratch = this.#tape
  }

  get numbers() {
    return this.#tape
  }

  get count() {
    return this.#length
  }

  get text() {
    if (this.#texts === undefined) return this.#text
    try {
      return this.#texts.join('')
    } catch {
      throw tooLong(this.#what)
    }
  }

  get bytes() {
    if (this.#pieces.length === 0) return undefined
    return this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)
  }

  add(value) {
    switch (typeof value) {
      case 'string': return this.#addText(TEXT, value)
      case 'number': return this.#push(NUMBER, value)
      case 'boolean': return this.#push(value ? TRUE : FALSE)
      case 'undefined': return this.#push(UNDEFINED)
      case 'bigint': return this.#addText(BIGINT, digitsOf(value))
      case 'object': return value === null ? this.#push(NULL) : this.#addObject(value)
      default: return this.#addText(OTHER, describe(value))
    }
  }

  /** Adds a tag and what follows it. */
  #push(tag, first = 0, second = 0) {
    const at = this.#length
    if (at + 3 > this.#tape.length) {
      const more = new Float64Array(2 * this.#tape.length)
      more.set(this.#tape)
      this.#tape = more
    }
    const tape = this.#tape
    tape[at] = tag
    tape[at + 1] = first
    tape[at + 2] = second
    this.#length = at + (tag <= TRUE ? 1 : tag === NUMBER || tag >= LIST && tag <= MAP ? 2 : 3)
  }

  #addText(tag, text) {
    this.#push(tag, this.#textLength, text.length)
    this.#textLength += text.length
    // A few short ones are joined at once.
    if (this.#texts !== undefined) this.#texts.push(text)
    else if (this.#textLength <= MOST_JOINED) this.#text += text
    else this.#texts = [this.#text, text]
  }

  #addObject(value) {
    if (types.isUint8Array(value)) return this.#addBytes(this.#isCopy ? value : bytesOf(value, this.#what))
    const other = this.#isCopy ? Other.text(value) : undefined
    if (other !== undefined) return this.#addText(OTHER, other)
    if (this.#around.includes(value)) throw invalid(`${this.#what} refers to itself`)
    const isList = Array.isArray(value)
    const tag = isList ? LIST : tagOf(value)
    if (tag === OTHER) return this.#addText(OTHER, describe(value))
    const begin = this.#length + 1
    this.#push(tag)
    // The native half checks the depth; here only cycles are found.
    if (this.#around.length <= MAX_DEPTH) {
      this.#around.push(value)
      if (isList) this.#addItems(value)
      else if (tag === LIST) for (const item of listOf(value)) this.add(item)
      else if (tag === MAP) for (const [key, item] of Map.prototype.entries.call(value)) this.#addBoth(key, item)
      else this.#addMembers(value)
      this.#around.pop()
    }
    this.#tape[begin] = this.#length
  }

  #addBytes(bytes) {
    this.#push(BYTES, this.#bytesLength, bytes.length)
    this.#pieces.push(bytes)
    this.#bytesLength += bytes.length
  }

  #addItems(value) {
    const { length } = value
    for (let index = 0; index < length; index += 1) this.add(value[index])
  }

  #addBoth(key, item) {
    this.add(key)
    this.add(item)
  }

  #addMembers(value) {
    for (const name of Object.keys(value)) {
      this.#addText(TEXT, name)
      this.add(value[name])
    }
  }
}

/** The memory of a tape that is written next; while one is written, another has its own. */
let scratch

/** Numbers of a tape whose memory is used again. */
const MOST_SCRATCH = 4096

/** Characters of texts that are joined one by one. */
const MOST_JOINED = 256

/** Copies bytes at once: what is asked of the values behind may change them, or transfer them away. */
function bytesOf(value, what) {
  const wrong = unreadable(value)
  if (wrong !== undefined) throw invalid(`${what} holds ${describe(value)} that ${wrong}`)
  return Buffer.from(viewOf(value))
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
  return typeof toJSON === 'function' ? Reflect.apply(toJSON, value, [String(key)]) : value
}

/** Returns true for an object that holds more than its properties. An instance of any other class is those, if it has any. */
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

/** Classifies an object for components. */
function tagOf(value) {
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

/** Defines an own property, whatever its name, and whatever there is of that name in the prototype. */
function set(object, name, value) {
  if (!(name in object)) {
    object[name] = value
    return
  }
  // Of no prototype, so that a `get` in one is not taken for its own.
  const descriptor = Object.create(null)
  descriptor.value = value
  descriptor.configurable = descriptor.enumerable = descriptor.writable = true
  Object.defineProperty(object, name, descriptor)
}

module.exports = { Type, decode, decodeAll, encode, encodeAll }
