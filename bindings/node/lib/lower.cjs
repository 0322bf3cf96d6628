'use strict'
// Values of the types of components, and several results of core functions, on their way into a guest: as the JSON that it reads.
//
//   bool, s8 … u32, f32, f64      boolean, number             option<T>              the value, or null
//   s64, u64                      bigint, always              result<T, E>           { ok: … } or { err: … }
//   char, string, enum            string                      variant                its name, or { name: value }
//   list<T>, tuple<…>, flags      array (list<u8>: bytes)     map<K, V>              Map
//   record                        object
//
// Numbers of JSON are not exact, so whole ones travel as their digits, and nothing here makes a `number` of them.

const { types } = require('node:util')

const { HyperlightError, invalid } = require('./errors.cjs')
const { describe, unreadable } = require('./kinds.cjs')
const { BIG, INTEGERS, given, isChar } = require('./types.cjs')

/** What `Object.keys` names. */
const isOwn = (value, name) => Object.prototype.propertyIsEnumerable.call(value, name)
const wrong = (what, wanted, value) => new HyperlightError('ERR_HL_SIGNATURE', `${what} is ${wanted}, found ${describe(value)}`)

/** The JSON of a value of that type. `what` says whose it is. */
function encode(type, value, what) {
  const out = []
  lower(type, value, what, out)
  return out.join('')
}

function lower(type, value, what, out) {
  const range = INTEGERS.get(type.is) ?? BIG.get(type.is)
  if (range !== undefined) return void out.push(integer(type.is, range, value, what))
  switch (type.is) {
    case 'bool':
      if (typeof value !== 'boolean') throw wrong(what, 'bool', value)
      return void out.push(String(value))
    case 'f32': case 'f64': return void out.push(float(type.is, value, what))
    case 'string': case 'char': return void out.push(text(type.is, value, what))
    case 'enum':
      if (!type.names.has(value)) throw wrong(what, `one of ${few([...type.names])}`, value)
      return void out.push(JSON.stringify(value))
    case 'flags': {
      const found = elements(value, what, 'an array of names')
      const unknown = found.find((name) => !type.names.has(name))
      if (unknown !== undefined) throw wrong(what, `made of ${few([...type.names])}`, unknown)
      return void out.push(JSON.stringify(found))
    }
    case 'list': {
      const [item, length] = type.of
      const found = elements(value, what, 'an array')
      if (length !== undefined && found.length !== Number(length.is)) throw counted(what, length.is, found.length)
      return all(found, out, '[', ']', (each, index) => lower(item, each, `${what}[${index}]`, out))
    }
    case 'tuple': {
      const found = elements(value, what, 'an array')
      if (found.length !== type.of.length) throw counted(what, type.of.length, found.length)
      return all(type.of, out, '[', ']', (of, index) => lower(of, found[index], `${what}[${index}]`, out))
    }
    case 'map': {
      const [key, item] = type.of
      const pairs = types.isMap(value) ? [...Map.prototype.entries.call(value)] : elements(value, what, 'a Map')
      return all(pairs, out, '[', ']', (pair) => {
        const [name, found] = elements(pair, what, 'made of pairs')
        out.push('[')
        lower(key, name, what, out)
        out.push(',')
        lower(item, found, `${what}[${describe(name)}]`, out)
        out.push(']')
      })
    }
    case 'record': {
      if (!isProperties(value)) throw wrong(what, 'an object', value)
      const names = Object.keys(value)
      const unknown = names.find((name) => !type.fields.has(name))
      if (unknown !== undefined) throw wrong(what, `a record of ${few([...type.fields.keys()])}`, unknown)
      // Options may be left out: a program may have as many as there are values.
      const lacking = type.needed.find((name) => !isOwn(value, name))
      if (lacking !== undefined) lower(type.fields.get(lacking), undefined, `${what}.${lacking}`, out)
      return all(names, out, '{', '}', (name) => {
        out.push(`${JSON.stringify(name)}:`)
        lower(type.fields.get(name), value[name], `${what}.${name}`, out)
      })
    }
    case 'option': {
      if (value === null || value === undefined) return void out.push('null')
      if (type.of[0].is !== 'option') return lower(type.of[0], value, what, out)
      return cased(new Map([['some', type.of[0]]]), value, what, out)
    }
    case 'result': return cased(new Map([['ok', given(type.of[0])], ['err', given(type.of[1])]]), value, what, out, true)
    case 'variant': return cased(type.cases, value, what, out)
    default: throw wrong(what, `${type.is}, which has no values outside of the program`, value)
  }
}

function integer(is, [least, most], value, what) {
  const fits = BIG.has(is) ? typeof value === 'bigint' : Number.isInteger(value)
  if (!fits || value < least || value > most) throw wrong(what, `${is}, a ${BIG.has(is) ? 'bigint' : 'whole number'} in range`, value)
  return String(value)
}

function float(is, value, what) {
  if (typeof value !== 'number') throw wrong(what, is, value)
  if (Object.is(value, -0)) return '-0.0'
  if (!Number.isFinite(value)) return `"${value}"`
  if (is === 'f32' && !Number.isFinite(Math.fround(value))) throw wrong(what, 'f32, a number in range', value)
  return String(value)
}

function text(is, value, what) {
  if (typeof value !== 'string') throw wrong(what, is, value)
  if (!value.isWellFormed()) throw invalid(`${what} is not Unicode text: it has half of a surrogate pair`)
  if (is === 'char' && !isChar(value)) throw wrong(what, 'char, one character', value)
  return JSON.stringify(value)
}

/** One of several cases: its name, or an object with that one key. */
function cased(cases, value, what, out, always = false) {
  if (typeof value === 'string' && !always && cases.has(value) && cases.get(value) === undefined) return void out.push(JSON.stringify(value))
  if (!isProperties(value)) throw wrong(what, anyOf(cases, always), value)
  const [name, ...others] = Object.keys(value)
  if (others.length > 0 || !cases.has(name)) throw wrong(what, anyOf(cases, always), name)
  const of = cases.get(name)
  if (of === undefined && !always) throw wrong(what, anyOf(cases, always), value)
  out.push(`{${JSON.stringify(name)}:`)
  if (of === undefined) out.push('null')
  else lower(of, value[name], `${what}.${name}`, out)
  out.push('}')
}

/** The cases in the text of an error: of errors only, since there may be as many as values. */
const anyOf = (cases, always) => `one of ${few([...cases].map(([name, of]) => (of || always ? `{ ${name} }` : describe(name))))}`

/** As many names as an error has room for. */
const few = (names) => names.slice(0, 20).join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '')

function all(items, out, start, end, write) {
  out.push(start)
  for (const [index, item] of items.entries()) {
    if (index > 0) out.push(',')
    write(item, index)
  }
  out.push(end)
}

const counted = (what, wanted, found) => new HyperlightError('ERR_HL_SIGNATURE', `${what} is an array of ${wanted}, found one of ${found}`)

function elements(value, what, wanted) {
  if (Array.isArray(value)) return value
  if (types.isSet(value)) return [...Set.prototype.values.call(value)]
  if (types.isTypedArray(value)) {
    const gone = types.isUint8Array(value) ? unreadable(value) : undefined
    if (gone !== undefined) throw invalid(`${what} ${gone}`)
    return Array.from(/** @type {any} */ (value))
  }
  throw wrong(what, wanted, value)
}

/** Whether it is an object that is nothing but its properties. */
function isProperties(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isMap(value) && !types.isSet(value) &&
    !ArrayBuffer.isView(value) && !types.isAnyArrayBuffer(value) && !types.isBoxedPrimitive(value)
}

module.exports = { encode }
