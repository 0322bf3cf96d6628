'use strict'

const fs = require('node:fs')

const { invalid } = require('./errors.cjs')
const { Guest } = require('./guest.cjs')
const { isUrl, promised } = require('./kinds.cjs')
const options = require('./options.cjs')
const { checkArity, registered } = require('./registration.cjs')
const { MADE, Runtime, RuntimePool, make, poolOf, pooled, sandboxOf, sharedOfPool } = require('./runtime.cjs')
const { isSnapshot } = require('./snapshot.cjs')
const { decode, decodeAll, encode, encodeAll } = require('./values.cjs')

/** JavaScript in a sandbox: a script, whose functions accept any JSON values. */
class JavaScript extends Runtime {
  constructor(source, given, made) {
    if (source === MADE) {
      super(made)
      return
    }
    const { hostFunctions, modules, ...sizes } = options.javascriptOptions(given)
    const isClone = isSnapshot(source)
    if (isClone && modules !== undefined) throw invalid('a snapshot has its modules; modules go with a source')
    super(make(isClone ? source : Guest.builtin('javascript'), sizes, byName(hostFunctions),
      isClone ? undefined : preparation(source, modules)))
  }

  async eval(source, given) {
    return evalIn(sandboxOf(this), forEval(source, given))
  }

  evalSync(source, given) {
    return decode(sandboxOf(this).callSync('eval', ...forEval(source, given)), 'the value')
  }

  async call(name, values, given) {
    return callIn(sandboxOf(this), forCall(name, values, given))
  }

  callSync(name, values, given) {
    return callSyncIn(sandboxOf(this), forCall(name, values, given))
  }

  async load(source, given) {
    const { name = 'loaded', ...rest } = /** @type {any} */ (options.loadOptions(given))
    const text = read('the source', source)
    await sandboxOf(this).call('load', name, text, rest)
  }

  async pool(given) {
    return new JavaScriptPool(...await pooled(this, given, 'new JavaScriptPool(snapshot, { hostFunctions })'))
  }
}

/** Scripts kept warm: every call gets the script in the snapshot's state. */
class JavaScriptPool extends RuntimePool {
  constructor(snapshot, given, made) {
    if (snapshot === MADE) super(made.snapshot, given, made.shared)
    else super(snapshot, given, { hostFunctions: byName(options.poolOptions(given).hostFunctions) })
  }

  async eval(source, given) {
    return evalIn(poolOf(this), forEval(source, given))
  }

  async call(name, values, given) {
    return callIn(poolOf(this), forCall(name, values, given))
  }

  async acquire(given) {
    return new JavaScript(MADE, undefined, { sandbox: await poolOf(this).acquire(given), shared: sharedOfPool(this) })
  }
}

/** `subject`: a sandbox, or a pool. */
async function evalIn(subject, values) {
  return decode(await subject.call('eval', ...values), 'the value')
}

async function callIn(subject, texts) {
  return decode(await subject.call('call', ...texts), 'the result')
}

function callSyncIn(sandbox, texts) {
  return decode(sandbox.callSync('call', ...texts), 'the result')
}

function forEval(source, given) {
  return [options.text('the source', source), options.callOptions(given)]
}

function forCall(name, given, limits) {
  const values = options.callArguments(name, given)
  return [name, encodeAll(values, `an argument of \`${name}\``), options.callOptions(limits)]
}

/** The preparing calls, which make a source's functions callable. */
function preparation(source, modules) {
  const calls = options.named('modules', modules).map(([name, text]) => {
    if (name === '' || name.includes('\0')) throw invalid(`a module has a name, found ${options.describe(name)}`)
    return ['module', name, read(`the module ${options.describe(name)}`, text)]
  })
  return [...calls, ['load', 'main', read('the source', source)]]
}

/** A source is a string; a file is named by its `file:` URL. */
function read(name, source) {
  return isUrl(source) ? fs.readFileSync(options.filePath(name, source), 'utf8') : options.text(name, source)
}

/**
 * Host functions by the names that the guest knows. One with a signature is reached by it; any other takes and returns
 * any JSON values.
 */
function byName(given) {
  const out = Object.create(null)
  for (const [name, found] of options.named('hostFunctions', given)) {
    const registration = registered(name, found)
    const { call, signature } = registration
    if (signature !== undefined) out[name] = { ...signature, call }
    else out[`json:${name}`] = { params: ['string'], returns: 'string', call: overJson(registration) }
  }
  return out
}

function overJson(registration) {
  const { what, call } = registration
  return (text) => {
    const values = decodeAll(text, `the arguments of ${what}`)
    checkArity(registration, values.length, 'the guest gave')
    const result = call(...values)
    const answer = (value) => encode(value, `the result of ${what}`)
    return promised(result)?.then(answer) ?? answer(result)
  }
}

module.exports = { JavaScript, JavaScriptPool }
