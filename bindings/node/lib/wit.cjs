'use strict'
// Values of the types of components, and several results of core functions, as the JSON that their guest reads and writes.
//
//   bool, s8 … u32, f32, f64      boolean, number             option<T>              the value, or null
//   s64, u64                      bigint, always              result<T, E>           { ok: … } or { err: … }
//   char, string, enum            string                      variant                its name, or { name: value }
//   list<T>, tuple<…>, flags      array (list<u8>: bytes)     map<K, V>              Map
//   record                        object
//
// Numbers of JSON are not exact, so whole ones travel as their digits, and nothing here makes a `number` of them.

const { HyperlightError } = require('./errors.cjs')
const options = require('./options.cjs')

const INTEGERS = {
  s8: [-128, 127], u8: [0, 255], s16: [-32768, 32767], u16: [0, 65535], s32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1],
  i32: [-(2 ** 31), 2 ** 31 - 1],
}
const BIG = { s64: [-(2n ** 63n), 2n ** 63n - 1n], u64: [0n, 2n ** 64n - 1n], i64: [-(2n ** 63n), 2n ** 63n - 1n] }

/** The type that a text means, as the compiler writes it. */
function parse(text) {
  const tokens = text.match(/[^\s<>{}(),:]+|[<>{}(),:]/g) ?? []
  let at = 0
  const take = (token) => tokens[at] === token && (at += 1, true)
  const expect = (token) => {
    if (!take(token)) throw new HyperlightError('ERR_HL_INTERNAL', `internal error, please report it: the type ${text}`)
  }
  const list = (end, item) => {
    const found = []
    while (!take(end)) {
      if (found.length > 0) expect(',')
      found.push(item())
    }
    return found
  }
  const types = () => (take('<') ? list('>', type) : [])
  function type() {
    if (take('(')) return { is: 'tuple', of: list(')', type) }
    const is = tokens[at++]
    switch (is) {
      case 'list': case 'option': case 'result': case 'tuple': case 'map': return { is, of: types() }
      case 'record': expect('{'); return { is, fields: list('}', () => { const name = tokens[at++]; expect(':'); return [name, type()] }) }
      case 'variant': expect('{'); return { is, cases: new Map(list('}', () => { const name = tokens[at++]; const of = take('(') ? list(')', type)[0] : undefined; return [name, of] })) }
      case 'enum': case 'flags': expect('{'); return { is, names: list('}', () => tokens[at++]) }
      default: return { is, of: types() }
    }
  }
  const found = type()
  if (at !== tokens.length) expect('the end')
  return found
}

const wrong = (what, wanted, value) => new HyperlightError('ERR_HL_SIGNATURE', `${what} is ${wanted}, found ${
  typeof value === 'object' && value !== null ? `an ${Array.isArray(value) ? 'array' : 'object'}` : options.describe(value)}`)

/** The JSON of a value of that type. `what` says whose it is. */
function encode(type, value, what) {
  if (type.is in INTEGERS) {
    const [least, most] = INTEGERS[type.is]
    if (!Number.isInteger(value) || value < least || value > most) throw wrong(what, `${type.is}, a whole number in range`, value)
    return String(value)
  }
  if (type.is in BIG) {
    const [least, most] = BIG[type.is]
    if (typeof value !== 'bigint' || value < least || value > most) throw wrong(what, `${type.is}, a bigint in range`, value)
    return String(value)
  }
  switch (type.is) {
    case 'bool':
      if (typeof value !== 'boolean') throw wrong(what, 'bool', value)
      return String(value)
    case 'f32': case 'f64':
      if (typeof value !== 'number') throw wrong(what, type.is, value)
      return Object.is(value, -0) ? '-0.0' : Number.isFinite(value) ? String(value) : `"${value}"`
    case 'string': case 'char':
      if (typeof value !== 'string') throw wrong(what, type.is, value)
      return JSON.stringify(value)
    case 'enum':
      if (!type.names.includes(value)) throw wrong(what, `one of ${type.names.join(', ')}`, value)
      return JSON.stringify(value)
    case 'flags': {
      const found = elements(value, what, 'an array of names')
      const unknown = found.find((name) => !type.names.includes(name))
      if (unknown !== undefined) throw wrong(what, `made of ${type.names.join(', ')}`, unknown)
      return JSON.stringify(found)
    }
    case 'list': return `[${elements(value, what, 'an array').map((item, index) => encode(type.of[0], item, `${what}[${index}]`)).join()}]`
    case 'tuple': {
      const found = elements(value, what, 'an array')
      if (found.length !== type.of.length) throw wrong(what, `an array of ${type.of.length}`, `one of ${found.length}`)
      return `[${type.of.map((of, index) => encode(of, found[index], `${what}[${index}]`)).join()}]`
    }
    case 'map': {
      const [key, item] = type.of
      const pairs = value instanceof Map ? [...value] : elements(value, what, 'a Map')
      return `[${pairs.map(([name, found]) => `[${encode(key, name, what)},${encode(item, found, `${what}[${options.describe(name)}]`)}]`).join()}]`
    }
    case 'record': {
      const names = type.fields.map(([name]) => name)
      const unknown = keys(value, what, 'an object').find((name) => !names.includes(name))
      if (unknown !== undefined) throw wrong(what, `a record of ${names.join(', ')}`, unknown)
      return `{${type.fields.map(([name, of]) => `${JSON.stringify(name)}:${encode(of, value[name], `${what}.${name}`)}`).join()}}`
    }
    case 'option': {
      if (value === null || value === undefined) return 'null'
      if (type.of[0].is !== 'option') return encode(type.of[0], value, what)
      return cased(new Map([['some', type.of[0]]]), value, what)
    }
    case 'result': return cased(new Map([['ok', given(type.of[0])], ['err', given(type.of[1])]]), value, what, true)
    case 'variant': return cased(type.cases, value, what)
    default: throw wrong(what, `${type.is}, which has no values outside of the program`, value)
  }
}

/** `_` stands for no type. */
const given = (type) => (type === undefined || type.is === '_' ? undefined : type)

/** One of several cases: its name, or an object with that one key. */
function cased(cases, value, what, always = false) {
  const wanted = `one of ${[...cases].map(([name, of]) => (of || always ? `{ ${name} }` : options.describe(name))).join(', ')}`
  if (typeof value === 'string' && !always && cases.has(value) && cases.get(value) === undefined) return JSON.stringify(value)
  const [name, ...others] = keys(value, what, wanted)
  if (others.length > 0 || !cases.has(name)) throw wrong(what, wanted, name)
  const of = cases.get(name)
  if (of === undefined && !always) throw wrong(what, wanted, value)
  return `{${JSON.stringify(name)}:${of === undefined ? 'null' : encode(of, value[name], `${what}.${name}`)}}`
}

function elements(value, what, wanted) {
  if (Array.isArray(value)) return value
  if (value instanceof Set) return [...value]
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(/** @type {any} */ (value))
  throw wrong(what, wanted, value)
}

function keys(value, what, wanted) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, wanted, value)
  return Object.keys(value)
}

/** The value of a JSON text that a guest wrote for that type, who may write anything. */
function decode(type, text, what) {
  try {
    // Long whole numbers become strings, and bigints below.
    return made(type, JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|(?<![\d.eE+])-?\d{16,}(?![\d.eE])/g, (token) => (token[0] === '"' ? token : `"${token}"`))))
  } catch (error) {
    throw new HyperlightError('ERR_HL_PROTOCOL', `${what} is not what its type says: ${error.message}`)
  }
}

function made(type, found) {
  const check = (holds) => { if (!holds) throw new TypeError(`a value is no ${type.is}`) }
  if (type.is in INTEGERS) return check(Number.isInteger(found)), found
  if (type.is in BIG) return check(typeof found === 'string' || Number.isSafeInteger(found)), BigInt(found)
  switch (type.is) {
    case 'bool': return check(typeof found === 'boolean'), found
    case 'f32': case 'f64': return check(typeof found === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(found)), Number(found)
    case 'string': case 'char': case 'enum': return check(typeof found === 'string'), found
    case 'flags': return check(Array.isArray(found)), found
    case 'list':
      check(Array.isArray(found))
      return type.of[0].is === 'u8' ? Uint8Array.from(found) : found.map((item) => made(type.of[0], item))
    case 'tuple':
      check(Array.isArray(found) && found.length === type.of.length)
      return type.of.map((of, index) => made(of, found[index]))
    case 'map': return new Map(found.map(([name, item]) => [made(type.of[0], name), made(type.of[1], item)]))
    case 'record': return check(typeof found === 'object' && found !== null), Object.fromEntries(type.fields.map(([name, of]) => [name, made(of, found[name])]))
    case 'option':
      if (found === null) return null
      return type.of[0].is === 'option' ? { some: made(type.of[0], found.some) } : made(type.of[0], found)
    case 'result': case 'variant': {
      if (typeof found === 'string') return found
      const [[name, value]] = Object.entries(found)
      const of = type.is === 'variant' ? type.cases.get(name) : given(type.of[name === 'ok' ? 0 : 1])
      return { [name]: of === undefined ? undefined : made(of, value) }
    }
    default: throw new TypeError(`a value is ${type.is}`)
  }
}

module.exports = { decode, encode, parse }
