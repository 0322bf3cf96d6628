'use strict'
// Values of the types of components on their way out of a guest, who may write anything: each is what its type says, or an error.

const { MOST_LEVELS, depthOf, tooDeep } = require('./depth.cjs')
const { HyperlightError } = require('./errors.cjs')
const { BIG, INTEGERS, given, isChar } = require('./types.cjs')
const { Reader } = require('./reader.cjs')

const FLOATS = new Map([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity]])
/** More digits than any integer has. */
const MANY_DIGITS = 24

const broken = (what, error) => new HyperlightError('ERR_HL_PROTOCOL', `${what} is not what its type says: ${error.message}`)
const wrong = (text) => new TypeError(text)

/** The value of a JSON text that a guest wrote for that type. `what` says whose it is. */
function decode(type, text, what) {
  const depth = text.length > MOST_LEVELS ? depthOf(text) : 0
  if (depth > MOST_LEVELS) throw tooDeep(what, depth)
  try {
    const reader = new Reader(text)
    const value = lift(reader, type)
    reader.finish()
    return value
  } catch (error) {
    throw broken(what, error)
  }
}

/** A value that crossed as a kind which has more values than its type. */
function checked(type, value, what) {
  const range = INTEGERS.get(type)
  if (range !== undefined && (value < range[0] || value > range[1])) throw broken(what, wrong(`${value} is out of the range of ${type}`))
  if (type === 'char' && !isChar(value)) throw broken(what, wrong('a char is one character'))
  return value
}

function lift(reader, type) {
  const small = INTEGERS.get(type.is)
  // 0 more, so that -0 is 0.
  if (small !== undefined) return integer(reader, type.is, Number, small) + 0
  const big = BIG.get(type.is)
  if (big !== undefined) return integer(reader, type.is, BigInt, big)
  switch (type.is) {
    case 'bool':
      if (reader.word('true')) return true
      if (reader.word('false')) return false
      throw wrong('a bool is true or false')
    case 'f32': case 'f64': return float(reader, type.is)
    case 'string': {
      const text = reader.string()
      if (!text.isWellFormed()) throw wrong('a string has half of a surrogate pair')
      return text
    }
    case 'char': {
      const text = reader.string()
      if (!isChar(text)) throw wrong('a char is one character')
      return text
    }
    case 'enum': return named(reader.string(), type)
    case 'flags': return flags(reader, type)
    case 'list': return list(reader, type)
    case 'tuple': return tuple(reader, type)
    case 'map': return map(reader, type)
    case 'record': return record(reader, type)
    case 'option': return option(reader, type.of[0])
    case 'result': return only(reader, (name) => {
      if (name !== 'ok' && name !== 'err') throw wrong('a result is ok or err')
      const of = given(type.of[name === 'ok' ? 0 : 1])
      if (of !== undefined) return lift(reader, of)
      if (!reader.word('null')) throw wrong(`the ${name} of a result has no value`)
      return undefined
    })
    case 'variant': return variant(reader, type)
    default: throw wrong(`a ${type.is} belongs to the program alone`)
  }
}

function integer(reader, is, make, [least, most]) {
  const token = reader.number()
  if (token.includes('.') || token.includes('e') || token.includes('E')) throw wrong(`${is} is a whole number`)
  const value = token.length > MANY_DIGITS ? undefined : make(token)
  if (value === undefined || value < least || value > most) throw wrong(`a number is out of the range of ${is}`)
  return value
}

function float(reader, is) {
  if (reader.peek() === '"') {
    const name = reader.string()
    if (!FLOATS.has(name)) throw wrong(`a text is no ${is}`)
    return FLOATS.get(name)
  }
  const token = reader.number()
  const value = is === 'f32' ? Math.fround(Number(token)) : Number(token)
  if (!Number.isFinite(value)) throw wrong(`a number is out of the range of ${is}`)
  return value
}

function named(name, { is, names }) {
  if (!names.has(name)) throw wrong(`a name is none of the ${is}`)
  return name
}

function flags(reader, type) {
  const found = new Set()
  reader.array(() => {
    const name = named(reader.string(), type)
    if (found.has(name)) throw wrong('a flag is there twice')
    found.add(name)
  })
  return [...found]
}

function list(reader, { of: [item, length] }) {
  const found = []
  reader.array(() => { found.push(lift(reader, item)) })
  if (length !== undefined && found.length !== Number(length.is)) throw wrong(`a list has ${length.is} members, found ${found.length}`)
  return item.is === 'u8' ? Uint8Array.from(found) : found
}

function tuple(reader, { of }) {
  const found = []
  reader.array(() => {
    if (found.length === of.length) throw wrong('a tuple has too many members')
    found.push(lift(reader, of[found.length]))
  })
  if (found.length < of.length) throw wrong('a tuple has too few members')
  return found
}

function map(reader, { of: [key, value] }) {
  const found = new Map()
  reader.array(() => {
    reader.expect('[')
    const name = lift(reader, key)
    reader.expect(',')
    found.set(name, lift(reader, value))
    reader.expect(']')
  })
  return found
}

function record(reader, { fields }) {
  const found = new Map()
  reader.object((name) => {
    const of = fields.get(name)
    if (of === undefined || found.has(name)) throw wrong('a record has another field, or one twice')
    found.set(name, lift(reader, of))
  })
  if (found.size < fields.size) throw wrong('a record lacks a field')
  // Makes own properties, whatever their names.
  return Object.fromEntries(found)
}

function option(reader, inner) {
  if (reader.word('null')) return null
  if (inner.is !== 'option') return lift(reader, inner)
  return only(reader, (name) => {
    if (name !== 'some') throw wrong('an option in an option is null or { some }')
    return lift(reader, inner)
  })
}

function variant(reader, { cases }) {
  if (reader.peek() === '"') {
    const name = reader.string()
    if (!cases.has(name) || cases.get(name) !== undefined) throw wrong('a name is no case without a value')
    return name
  }
  return only(reader, (name) => {
    const of = cases.get(name)
    if (of === undefined) throw wrong('a name is no case with a value')
    return lift(reader, of)
  })
}

/** An object with one name, and the value that `value` reads for it. */
function only(reader, value) {
  let found
  reader.object((name) => {
    if (found !== undefined) throw wrong('there is more than one name')
    found = { [name]: value(name) }
  })
  if (found === undefined) throw wrong('there is no name')
  return found
}

module.exports = { checked, decode }
