'use strict'
// Registration of host functions, with or without a signature. Without one, the guest chooses the number of arguments.
// So the function gets no more than its `length`: parameters with a default are the host's own.

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
  // Given alone in its description, a function takes and returns nothing.
  if (!isCounted) return { what, call, signature: { params, returns } }
  if (params !== undefined || returns !== undefined) throw invalid(`${what} has a signature, which says how many arguments it takes: leave arity and openArity out`)
  if (arity !== undefined && openArity) throw invalid(`${what} has arity or openArity, not both`)
  return { what, call, arity: openArity ? Infinity : arity ?? arityOf(what, call) }
}

/** Number of parameters that `length` counts: neither a rest parameter nor one from the first default on. */
function arityOf(what, call) {
  const { length } = call
  // Bound functions, built-in ones, and proxies may take more arguments than their `length`.
  const isHidden = types.isProxy(call) || Function.prototype.toString.call(call).endsWith('{ [native code] }')
  if (!Number.isSafeInteger(length) || length < 0 || (length === 0 && isHidden)) {
    throw invalid(`how many arguments ${what} takes cannot be seen: say { call, arity: n }, or { call, openArity: true } for any number`)
  }
  return length
}

/** Refuses more arguments than a function's `length`. `who` names the function. */
function checkArity({ what, arity }, found, who) {
  if (found <= arity) return
  throw new HyperlightError('ERR_HL_SIGNATURE', `${what} takes at most ${arity} argument${arity === 1 ? '' : 's'}, ${who} ${found}; parameters with ` +
    `defaults and rest parameters are given only where the registration says so: { call, arity: n }, or { call, openArity: true } for any number`)
}

module.exports = { checkArity, registered }
