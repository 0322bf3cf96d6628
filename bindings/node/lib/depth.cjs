'use strict'
// How deep values may be nested, both ways: arrays and objects in each other. What a guest nests deeper could not be passed on
// by most programs, whose own walks are recursive.

const { HyperlightError } = require('./errors.cjs')

/** Levels of one value at most. What stands for bytes, a bigint or a number is no level. */
const MOST_LEVELS = 512

/** @param {number | undefined} [levels] as many as there are, if that is known */
function tooDeep(what, levels) {
  return new HyperlightError('ERR_HL_TOO_LARGE', `${what} is nested ${levels === undefined ? `more than ${MOST_LEVELS}` : levels} levels deep; ` +
    `the limit is ${MOST_LEVELS}`)
}

/** How deep brackets are nested in a JSON text, of which nothing is known. In one pass. */
function depthOf(text) {
  let [depth, deepest] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (at += 1; at < text.length; at += 1) {
          const code = text.charCodeAt(at)
          if (code === 0x22) break
          if (code === 0x5c) at += 1 // what a \ escapes
        }
        break
      case 0x5b: case 0x7b: // [ {
        depth += 1
        if (depth > deepest) deepest = depth
        break
      case 0x5d: case 0x7d: // ] }
        depth -= 1
        break
    }
  }
  return deepest
}

/** How deep a value that was just made of JSON is nested. Without recursion. */
function levelsOf(value) {
  const isNested = (found) => typeof found === 'object' && found !== null && !ArrayBuffer.isView(found)
  let levels = 0
  for (let level = [value].filter(isNested); level.length > 0; levels += 1) {
    const inner = []
    for (const holder of level) {
      for (const found of Object.values(holder)) if (isNested(found)) inner.push(found)
    }
    level = inner
  }
  return levels
}

module.exports = { MOST_LEVELS, depthOf, levelsOf, tooDeep }
