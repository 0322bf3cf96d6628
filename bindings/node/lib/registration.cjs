'use strict'
// How a host function is registered: with a signature, or as it is. Of one that has none, a guest decides how many arguments it
// gets, so it gets no more than it takes openly: what has a default is the host's own.

const { types } = require('node:util')

const { HyperlightError, invalid } = require('./errors.cjs')
const options = require('./options.cjs')

/** One registration. Without a `signature` it has an `arity`. */
function registered(name, found) {
  const what = `the host function \`${name}\``
  if (typeof found === 'function') return { what, call: found, arity: arityOf(what, found) }
  const { params, returns, call, arity, openArity } = options.hostFunction(what, found)
  options.callback(what, call)
  const isCounted = arity !== undefined || openArity !== undefined
  // Alone in its description, a function takes and returns nothing.
  if (!isCounted) return { what, call, signature: { params, returns } }
  if (params !== undefined || returns !== undefined) throw invalid(`${what} has a signature, which says how many arguments it takes: leave arity and openArity out`)
  if (arity !== undefined && openArity) throw invalid(`${what} has arity or openArity, not both`)
  return { what, call, arity: openArity ? Infinity : arity ?? arityOf(what, call) }
}

/** How many parameters are neither a rest nor behind a default: those that `length` counts. */
function arityOf(what, call) {
  const { length } = call
  // Bound functions, those of the engine, and proxies may take more than they say.
  const isHidden = types.isProxy(call) || Function.prototype.toString.call(call).endsWith('{ [native code] }')
  if (!Number.isSafeInteger(length) || length < 0 || (length === 0 && isHidden)) {
    throw invalid(`how many arguments ${what} takes cannot be seen: say { call, arity: n }, or { call, openArity: true } for any number`)
  }
  return length
}

/** Refuses more arguments than a function takes openly. `who` says whose they are. */
function checkArity({ what, arity }, found, who) {
  if (found <= arity) return
  throw new HyperlightError('ERR_HL_SIGNATURE', `${what} takes at most ${arity} argument${arity === 1 ? '' : 's'}, ${who} ${found}; parameters with ` +
    `defaults and rest parameters are given only where the registration says so: { call, arity: n }, or { call, openArity: true } for any number`)
}

module.exports = { checkArity, registered }
