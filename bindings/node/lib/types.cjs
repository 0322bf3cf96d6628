'use strict'
// Types of components, and of several results of core functions, as the compiler writes them: `list<record { name: string }>`.

const { HyperlightError } = require('./errors.cjs')

/** @type {(bits: number) => [number, number]} */
const signed = (bits) => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
/** @type {(bits: number) => [number, number]} */
const unsigned = (bits) => [0, 2 ** bits - 1]
/**
 * The ends of those that are a `number`.
 * @type {Map<string, [number, number]>}
 */
const INTEGERS = new Map([
  ['s8', signed(8)], ['u8', unsigned(8)], ['s16', signed(16)], ['u16', unsigned(16)], ['s32', signed(32)], ['u32', unsigned(32)],
  ['i32', signed(32)],
])
/**
 * The ends of those that are a `bigint`.
 * @type {Map<string, [bigint, bigint]>}
 */
const BIG = new Map([['s64', [-(2n ** 63n), 2n ** 63n - 1n]], ['u64', [0n, 2n ** 64n - 1n]], ['i64', [-(2n ** 63n), 2n ** 63n - 1n]]])

/** How deep types may be in each other: no value of a deeper one could cross. Options are no levels of values. */
const MOST_OPEN = 1024

/** The type that a text means: what it `is`, and the types, names, fields or cases that it is made of. */
function parse(text) {
  const tokens = text.match(/[^\s<>{}(),:]+|[<>{}(),:]/g) ?? []
  let [at, open] = [0, 0]
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
  const field = () => {
    const name = tokens[at++]
    expect(':')
    return [name, type()]
  }
  const variant = () => {
    const name = tokens[at++]
    return [name, take('(') ? list(')', type)[0] : undefined]
  }
  function type() {
    if (open === MOST_OPEN) {
      throw new HyperlightError('ERR_HL_GUEST_BINARY', `a type of the program is nested deeper than ${MOST_OPEN} levels: no value of it could cross`)
    }
    open += 1
    const made = whole()
    open -= 1
    return made
  }
  function whole() {
    if (take('(')) return { is: 'tuple', of: list(')', type) }
    const is = tokens[at++]
    if (!tokens[at]?.startsWith('{')) return { is, of: types() }
    expect('{')
    switch (is) {
      case 'record': {
        const fields = new Map(list('}', field))
        // Those that a value must have.
        return { is, fields, needed: [...fields.keys()].filter((name) => fields.get(name).is !== 'option') }
      }
      case 'variant': return { is, cases: new Map(list('}', variant)) }
      default: return { is, names: new Set(list('}', () => tokens[at++])) }
    }
  }
  const found = type()
  if (at !== tokens.length) expect('the end')
  return found
}

/** `_` stands for no type. */
const given = (type) => (type === undefined || type.is === '_' ? undefined : type)

/** Whether a text is one character of Unicode. */
function isChar(text) {
  const code = text.codePointAt(0)
  return code !== undefined && text.length === (code > 0xffff ? 2 : 1) && text.isWellFormed()
}

module.exports = { BIG, INTEGERS, given, isChar, parse }
