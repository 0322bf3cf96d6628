// What guests may send as values, forged ones included: the cases of tests/values, which every binding replays. Its
// README has the format.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'

const require = createRequire(import.meta.url)
const lib = path.join(path.dirname(require.resolve('libhyperlight/package.json')), 'lib')
const { Type, ...json } = require(path.join(lib, 'values.cjs'))

const cases = (file) => JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'values', file), 'utf8'))

/** A text, or parts of one. */
const text = (parts) => (typeof parts === 'string' ? parts
  : parts.map((part) => (typeof part === 'string' ? part : part.repeat.text.repeat(part.repeat.count))).join(''))

/** The value that a case expects. `isBig` says which whole numbers are bigints. */
function value(found, isBig) {
  if (typeof found !== 'object' || found === null) return found
  const [[kind, content]] = Object.entries(found)
  const inner = (each) => value(each, isBig)
  switch (kind) {
    case 'text': return text(content)
    case 'int': return isBig(text(content)) ? BigInt(text(content)) : Number(text(content))
    case 'float': return Number(content)
    case 'bytes': return Uint8Array.from(Buffer.from(text(content), 'hex'))
    case 'list': case 'tuple': return content.map(inner)
    case 'map': return new Map(content.map(([key, each]) => [inner(key), inner(each)]))
    case 'object': return Object.fromEntries(content.map(([name, each]) => [name, inner(each)]))
    case 'flags': return [...content].sort()
    case 'case': return content.length === 1 ? content[0] : { [content[0]]: content[1] === null ? undefined : inner(content[1]) }
    case 'some': return { some: inner(content) }
    case 'nested': return Array.from({ length: content[0] }).reduce((nested) => [nested], inner(content[1]))
    case 'undefined': return undefined
    default: throw new Error(`the format has no ${kind}`)
  }
}

const CODES = { depth: 'ERR_HL_TOO_LARGE', large: 'ERR_HL_TOO_LARGE' }
const LIMITS = { depth: /\d+ levels deep; the limit is 512$/, large: /65536 bits|the limit is 1024 pairs$/ }

function replay(file, decode, isBig, sorted = (_, found) => found) {
  for (const one of cases(file)) {
    test(`${file}: ${one.about}`, () => {
      const wire = text(one.wire)
      const { user, system } = process.cpuUsage()
      let found, error
      try {
        found = decode(one, wire)
      } catch (thrown) {
        error = thrown
      }
      const used = process.cpuUsage({ user, system })
      assert.ok(used.user + used.system < 1_000_000, `${used.user + used.system} µs`)
      if (one.error === undefined) {
        if (error !== undefined) throw error
        const expected = value(one.expect, isBig(one, wire))
        // Texts of millions of characters would be compared, and shown, for minutes.
        if (typeof expected === 'string') assert.ok(found === expected)
        else assert.deepStrictEqual(sorted(one, found), expected)
      } else {
        assert.equal(error?.code, CODES[one.error] ?? 'ERR_HL_PROTOCOL', error?.stack)
        assert.match(error.message, LIMITS[one.error] ?? /^it\b/)
        // Nothing of the guest's text, which a terminal might obey.
        assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
      }
    })
  }
}

replay('components.json', ({ type }, wire) => Type.parse(type).decode(wire, 'it'), ({ type }) => {
  const hasBig = /[su]64|i64/.test(type)
  const hasSmall = /[su](8|16|32)|i32/.test(type)
  assert.ok(!(hasBig && hasSmall) || type.startsWith('('), 'the format does not say which is which')
  return (digits) => (hasBig && hasSmall ? digits.length > 9 : hasBig)
}, ({ type }, found) => (type.startsWith('flags') ? found.sort() : found))

replay('scripts.json', (_, wire) => json.decode(wire, 'it'), (_, wire) => () => wire.includes('"$bigint"'))

test('what is sent as deep as may be comes back, and nothing deeper is sent', () => {
  const nested = (levels, wrap, inner) => Array.from({ length: levels }).reduce(wrap, inner)
  for (const wrap of [(inner) => [inner], (inner) => ({ a: inner }), (inner) => ({ $a: inner })]) {
    for (const leaf of [7, new Uint8Array(1), 5n]) {
      const deepest = nested(512, wrap, leaf)
      assert.deepStrictEqual(json.decode(json.encode(deepest, 'it'), 'it'), deepest)
      assert.deepStrictEqual(json.decodeAll(json.encodeAll([deepest, deepest], 'it'), 'it'), [deepest, deepest])
      for (const levels of [513, 100_000]) {
        const error = { code: 'ERR_HL_TOO_LARGE', message: 'it is nested more than 512 levels deep; the limit is 512' }
        assert.throws(() => json.encode(nested(levels, wrap, leaf), 'it'), error)
        assert.throws(() => json.encodeAll([nested(levels, wrap, leaf)], 'it'), error)
      }
    }
  }
})

test('a value is asked once and in order, and what it answered then is what is sent', () => {
  const made = (list, bytes) => {
    const asked = []
    const value = {
      get a() { asked.push('a'); return list },
      bytes,
      get b() {
        asked.push('b')
        list.length = 0
        bytes.fill(9)
        // A value inside the making of another.
        assert.equal(Type.parse('list<string>').encode(['x', 'y'], 'it'), '["x","y"]')
        assert.equal(json.encode([1n, 'z'], 'it'), '[{"$bigint":"1"},"z"]')
        return asked.length
      },
    }
    return { value, asked }
  }
  const type = Type.parse('record { a: list<u32>, bytes: list<u8>, b: u32 }')
  for (const [encode, text] of [
    [(value) => json.encode(value, 'it'), '{"a":[1,2],"bytes":{"$bytes":"AQI="},"b":2}'],
    [(value) => json.encodeAll([value], 'it'), '[{"a":[1,2],"bytes":{"$bytes":"AQI="},"b":2}]'],
    [(value) => type.encode(value, 'it'), '{"a":[1,2],"bytes":[1,2],"b":2}'],
  ]) {
    const { value, asked } = made([1, 2], Uint8Array.of(1, 2))
    assert.equal(encode(value), text)
    assert.deepEqual(asked, ['a', 'b'])
  }
  let asked = 0
  assert.equal(json.encode([{ toJSON: (key) => (asked += 1, { key, toJSON: 5 }) }, { x: { toJSON: (key) => key } }], 'it'),
    '[{"key":"0","toJSON":5},{"x":"x"}]')
  assert.equal(asked, 1)
  const proxy = new Proxy({ a: 1, b: [2] }, { get: (target, name) => (name === 'a' ? (asked += 1) : target[name]) })
  assert.equal(json.encode(proxy, 'it'), '{"a":2,"b":[2]}')
})

test('what others have put into prototypes changes nothing', () => {
  const values = [{ constructor: 'x', toString: 1, __proto__x: 2 }, JSON.parse('{"__proto__": [1]}'), [1, 'a', null]]
  const wanted = '[{"constructor":"x","toString":1,"__proto__x":2},{"__proto__":[1]},[1,"a",null]]'
  const replaced = (name, found) => {
    assert.equal(found.configurable ?? true, true)
    Object.defineProperty(Object.prototype, name, { configurable: true, ...found })
    try {
      assert.equal(json.encodeAll(values, 'it'), wanted)
      assert.equal(JSON.stringify(json.decode('{"a":1,"x":[2]}', 'it')) !== undefined, true)
    } finally {
      delete Object.prototype[name]
    }
  }
  replaced('__proto__x', { set() { throw new Error('a setter') }, get() { return undefined } })
  Object.defineProperty(Object.prototype, 'toJSON', { configurable: true, value: undefined, writable: true })
  try {
    assert.equal(json.encodeAll(values, 'it'), wanted)
  } finally {
    delete Object.prototype.toJSON
  }
  // One that comes while a value is asked has nothing to say of what was asked before.
  const late = { a: { x: 1 }, get b() { Object.prototype.toJSON = () => 'no'; return 2 } }
  try {
    assert.equal(json.encode(late, 'it'), '{"a":{"x":1},"b":2}')
  } finally {
    delete Object.prototype.toJSON
  }
  // Nor has one that a description of a property would inherit.
  Object.prototype.get = () => 'no'
  try {
    assert.equal(json.encodeAll(values, 'it'), wanted)
    assert.deepEqual(Object.keys(json.decode('{"__proto__":{"$bigint":"1"}}', 'it')), ['__proto__'])
  } finally {
    delete Object.prototype.get
  }
  let asked = 0
  Array.prototype.toJSON = function toJSON() { asked += 1; return this.length }
  try {
    assert.equal(json.encode({ a: [1, 2], b: 1n }, 'it'), '{"a":2,"b":{"$bigint":"1"}}')
    assert.equal(json.encode({ a: [1, 2] }, 'it'), '{"a":2}')
    assert.equal(asked, 2)
  } finally {
    delete Array.prototype.toJSON
  }
})

test('scripts\' texts are written as JSON writes them, and read as JSON reads them', () => {
  for (const value of [0, 1, -1, 0.1, 1e21, 1e-7, 2 ** 53, -(2 ** 60), 123456789012345680000, 5e-324, 'a"\\\n\u2028é漢😀', '\ud800', 'a\udc00b', '',
    [], {}, [[]], { '': { '\ud800': 1 } }, [undefined, null, true, false], { a: undefined, b: 1 }, { 2: 'b', 1: 'a', x: 'c' }]) {
    assert.equal(json.encode(value, 'it'), JSON.stringify(value))
    // The same, where the native half writes it.
    assert.deepStrictEqual(JSON.parse(json.encode([value, 1n], 'it'))[0], JSON.parse(JSON.stringify([value]))[0])
    assert.deepStrictEqual(json.decode(JSON.stringify(value), 'it'), JSON.parse(JSON.stringify(value)))
  }
})

test('whole numbers are sent up to the limit, and none beyond', () => {
  for (const number of [2n ** 65536n - 1n, -(2n ** 65536n) + 1n]) assert.equal(json.decode(json.encode(number, 'it'), 'it'), number)
  for (const number of [2n ** 65536n, -(2n ** 65536n), 2n ** 1_000_000n]) {
    assert.throws(() => json.encode([number], 'it'), { code: 'ERR_HL_TOO_LARGE', message: /65536 bits \(19729 digits\)/ })
  }
})

test('sixteen million characters take linear time both ways, however deep they are', () => {
  const long = 'é'.repeat(16e6)
  const deep = (inner) => Array.from({ length: 500 }).reduce((nested) => [nested], inner)
  const type = Type.parse(`${'list<'.repeat(90)}string${'>'.repeat(90)}`)
  for (const [work, expected] of [
    [() => json.decode(json.encode(deep(long), 'it'), 'it').flat(Infinity)[0], long],
    [() => type.decode(type.encode(Array.from({ length: 90 }).reduce((nested) => [nested], long), 'it'), 'it').flat(Infinity)[0], long],
  ]) {
    const before = process.cpuUsage()
    assert.ok(work() === expected)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 3e6, `${user + system} µs`)
  }
})

test('what crosses as a kind with more values than its type is checked, too', () => {
  for (const [type, value] of [['u8', 4_000_000_000], ['u8', 256], ['s8', -129], ['s16', 32768], ['u16', 65536], ['char', 'abcdef'], ['char', ''], ['char', '\ud800']]) {
    assert.throws(() => Type.parse(type).checked(value, 'it'), { code: 'ERR_HL_PROTOCOL', message: /^it\b/ }, `${type} ${value}`)
  }
  for (const [type, value] of [['u8', 255], ['s8', -128], ['char', '😀'], ['char', 'x'], ['i32', -1], ['s32', -1], ['u32', 2 ** 32 - 1], ['string', 'abcdef'], ['f64', 1e300]]) {
    assert.equal(Type.parse(type).checked(value, 'it'), value)
  }
})

test('what goes into a component is checked as what comes out', () => {
  for (const [type, wrong] of [['f32', 1e300], ['string', 'a\ud800'], ['char', 'ab'], ['char', '\udc00'], ['list<u32, 3>', [1]], ['record { constructor: string }', {}],
    ['record { a: option<u8> }', new Map([['a', 1]])], ['record { a: option<u8> }', Object(5)], ['map<string, u8>', [['a']]], ['enum { a }', 'constructor'],
    ['u8', 256], ['u8', '7'], ['s8', true], ['u64', -1n], ['variant { a }', { __proto__: { a: 1 } }]]) {
    assert.throws(() => Type.parse(type).encode(wrong, 'it'), { code: /^ERR_HL_(SIGNATURE|INVALID_ARGUMENT)$/, message: /^it/ }, `${type} ${String(wrong)}`)
  }
})

test('a bigint is shown by its digits, or by what it is', () => {
  const shown = (value) => ({ code: 'ERR_HL_SIGNATURE', message: `it must be a whole number (s32), not ${value}` })
  for (const value of [5n, -(2n ** 64n)]) assert.throws(() => Type.parse('s32').encode(value, 'it'), shown(`${value}n`))
  for (const value of [10n ** 40n, 2n ** 65536n, -(2n ** 1_000_000n)]) {
    assert.throws(() => Type.parse('s32').encode(value, 'it'), shown('a bigint of more than 128 bits'))
  }
})

test('a program has many cases and fields, and a value few of them: neither is multiplied', () => {
  const names = (count, of = '') => Array.from({ length: count }, (_, index) => `c${index}${of}`).join(', ')
  const cases = Type.parse(`list<variant { ${names(20_000)}, last(u8) }>`)
  const fields = Type.parse(`list<record { ${names(5000, ': option<u8>')}, last: u8 }>`)
  const values = Array.from({ length: 5000 }, () => ({ last: 1 }))
  const begun = process.cpuUsage()
  for (const type of [cases, fields]) assert.equal(type.encode(values, 'it'), JSON.stringify(values))
  assert.deepEqual(cases.decode(JSON.stringify(values), 'it'), values)
  const spent = process.cpuUsage(begun)
  assert.ok(spent.user + spent.system < 5_000_000, `${JSON.stringify(spent)}`)
  assert.throws(() => fields.encode([{ c1: 2 }], 'it'), { code: 'ERR_HL_SIGNATURE', message: /^it\[0\] lacks the field `last`$/ })
  assert.throws(() => cases.encode([{ c1: 2 }], 'it'), { code: 'ERR_HL_SIGNATURE', message: /^it\[0\] must be `c1` without a value$/ })
})

test('a type that is nested without end is the program\'s fault', () => {
  assert.throws(() => Type.parse('list<'.repeat(100_000)), { code: 'ERR_HL_GUEST_BINARY', message: /1024 levels/ })
  Type.parse(`${'list<'.repeat(1000)}u8${'>'.repeat(1000)}`)
})
