'use strict'
// JSON, read piece by piece: the types say what must come next, so no tree is ever built, whole numbers keep all their digits,
// and what a guest wrote is looked at once.

const isBlank = (code) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const isDigit = (code) => code >= 0x30 && code <= 0x39
const isOfANumber = (code) => isDigit(code) || code === 0x2d || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45

/** Reads a text that holds one value. Throws a `SyntaxError` where it is no JSON. */
class Reader {
  #text
  #at = 0

  constructor(text) {
    this.#text = text
  }

  /** The next character that is no blank; the empty text at the end. */
  peek() {
    while (isBlank(this.#text.charCodeAt(this.#at))) this.#at += 1
    return this.#text.charAt(this.#at)
  }

  /** Takes that character, if it is next. */
  take(character) {
    const found = this.peek() === character
    if (found) this.#at += 1
    return found
  }

  expect(character) {
    if (!this.take(character)) throw this.#wrong(character)
  }

  /** Takes one of the words of JSON, if it is next. */
  word(word) {
    this.peek()
    const found = this.#text.startsWith(word, this.#at)
    if (found) this.#at += word.length
    return found
  }

  /** Nothing but blanks follows. */
  finish() {
    if (this.peek() !== '') throw this.#wrong('the end')
  }

  string() {
    if (this.peek() !== '"') throw this.#wrong('a string')
    let end = this.#at + 1
    for (let code = this.#text.charCodeAt(end); code !== 0x22; code = this.#text.charCodeAt(end)) {
      if (Number.isNaN(code)) throw this.#wrong('a string with an end')
      end += code === 0x5c ? 2 : 1
    }
    try {
      // Escapes, and what must be one, are the engine's business.
      const found = JSON.parse(this.#text.slice(this.#at, end + 1))
      this.#at = end + 1
      return found
    } catch {
      throw this.#wrong('a string')
    }
  }

  /** The text of a number, as JSON has them. */
  number() {
    this.peek()
    const start = this.#at
    let at = start
    const digits = () => {
      const first = at
      while (isDigit(this.#text.charCodeAt(at))) at += 1
      return at - first
    }
    if (this.#text[at] === '-') at += 1
    const hasZero = this.#text[at] === '0'
    const count = digits()
    let isNumber = count > 0 && !(hasZero && count > 1)
    if (this.#text[at] === '.') {
      at += 1
      isNumber &&= digits() > 0
    }
    if (this.#text[at] === 'e' || this.#text[at] === 'E') {
      at += 1
      if (this.#text[at] === '+' || this.#text[at] === '-') at += 1
      isNumber &&= digits() > 0
    }
    if (!isNumber || isOfANumber(this.#text.charCodeAt(at))) throw this.#wrong('a number')
    this.#at = at
    return this.#text.slice(start, at)
  }

  /** Reads the members of an array. */
  array(item) {
    this.expect('[')
    if (this.take(']')) return
    do item()
    while (this.take(','))
    this.expect(']')
  }

  /** Reads the members of an object. */
  object(member) {
    this.expect('{')
    if (this.take('}')) return
    do {
      const name = this.string()
      this.expect(':')
      member(name)
    } while (this.take(','))
    this.expect('}')
  }

  #wrong(expected) {
    return new SyntaxError(`${expected} is expected at character ${this.#at}`)
  }
}

module.exports = { Reader }
