'use strict'
// Checks of the caller's options: nothing is guessed, and the error for an unknown option names the known ones. The
// native half knows the numeric options and their allowed values.

const { types } = require('node:util')

const { invalid } = require('./errors.cjs')
const { describe, isUrl, unreadable } = require('./kinds.cjs')
const { unwrap } = require('./failures.cjs')
const native = require('./native.cjs')
const signals = require('./signals.cjs')

function size(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} is a whole number, 0 or more, found ${describe(value)}`)
  return value
}

/** The numeric options of a sandbox, a call, a pool, …, with their checks. */
function numbers(of) {
  const check = (name, value) => {
    unwrap(native.checkOption(of, name, typeof value === 'number' ? value : undefined, describe(value)))
    return value
  }
  return Object.fromEntries(native.optionNames(of).map((name) => [name, check]))
}

function callback(name, value) {
  if (typeof value !== 'function') throw invalid(`${name} is a function, found ${describe(value)}`)
  return value
}

/** Returns true for an object that consists of its properties only. */
function object(name, value) {
  const isOther = typeof value !== 'object' || value === null || Array.isArray(value) || types.isMap(value) || types.isSet(value) ||
    types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value) || types.isBoxedPrimitive(value)
  if (isOther) throw invalid(`${name} is an object, found ${describe(value)}`)
  return value
}

function texts(name, value) {
  if (!Array.isArray(value)) throw invalid(`wasi.${name} is an array of strings, found ${describe(value)}`)
  return value.map((each, index) => text(`wasi.${name}[${index}]`, each))
}

function flag(name, value) {
  if (typeof value !== 'boolean') throw invalid(`${name} is a boolean, found ${describe(value)}`)
  return value
}

/** Checks the names of kinds, which the native half knows. */
function kinds(name, value) {
  if (!Array.isArray(value) || !value.every((kind) => typeof kind === 'string')) {
    throw invalid(`${name} is an array of the names of kinds, found ${describe(value)}`)
  }
  return value
}

const LIMITS = new Set(native.optionNames('limit'))
const SANDBOX = { ...numbers('sandbox'), print: callback }
const POOL = { ...numbers('pool'), print: callback, hostFunctions: object }
const JAVASCRIPT = { ...SANDBOX, hostFunctions: object, modules: object }
const WASM_PROGRAM = numbers('compile')
const WASM = { ...SANDBOX, ...WASM_PROGRAM, hostFunctions: object, wasi: object, snapshot: object }
const WASI = { args: texts, env: object, files: object }
const CALL = { signal: signals.checked, ...numbers('call') }
const ACQUIRE = { signal: signals.checked }
const LOAD = { name: text, ...CALL }
const SNAPSHOT = numbers('load')
const PAYLOAD = { executable: flag }
const SIGNATURE = { params: kinds, returns: text }
const HOST_FUNCTION = { ...SIGNATURE, call: callback, arity: size, openArity: flag }

/**
 * Copies the given options, and refuses unknown ones. `undefined` means not given. Neither side inherits properties, so
 * additions to `Object.prototype` are not options.
 * @returns {any}
 */
function read(known, options, what) {
  const out = Object.create(null)
  if (options === undefined) return out
  object(`the options of ${what}`, options)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(known, name)) {
      unwrap(native.unknownOption(what, name, Object.keys(known)))
    }
    out[name] = known[name](name, value)
  }
  return out
}

/** Lists the entries of an object with free names, such as host functions. Entries that are `undefined` are skipped. */
function named(what, given) {
  return given === undefined ? [] : Object.entries(object(what, given)).filter(([, value]) => value !== undefined)
}

/**
 * Takes the options of the call off the end: values are never plain objects, so a plain object there is the options.
 */
function takeOptions(values) {
  const last = values[values.length - 1]
  if (typeof last !== 'object' || last === null || ArrayBuffer.isView(last) || Array.isArray(last)) return NONE
  const prototype = Object.getPrototypeOf(last)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return NONE
  values.pop()
  return read(CALL, last, 'a call')
}

/** The arguments of a script's or a program's function, which are one array: an object may be one of them. */
function callArguments(name, values = []) {
  text('the name of a function', name)
  if (!Array.isArray(values)) {
    throw invalid(`the arguments of \`${name}\` are one array, call(name, [arguments], options), found ${describe(values)}`)
  }
  return values
}

/** The limits of a call without options. */
const NONE = Object.freeze(Object.create(null))

/**
 * The same, with the signal apart.
 * @returns {{ signal?: AbortSignal, limits?: object }}
 */
function takeCallOptions(values) {
  const found = takeOptions(values)
  return found === NONE ? NONE : apart(found)
}

/**
 * The signal of a call, and the limits that are given.
 * @returns {{ signal?: AbortSignal, limits?: object }}
 */
function apart({ signal, ...limits }) {
  return { signal, limits: Object.keys(limits).length > 0 ? { __proto__: null, ...limits } : undefined }
}

/** Splits the options into the numbers of one group and the rest. */
function split(of, options) {
  const names = new Set(native.optionNames(of))
  const parts = [Object.create(null), Object.create(null)]
  for (const [name, value] of Object.entries(options)) parts[names.has(name) ? 0 : 1][name] = value
  return parts
}

/** The options of a sandbox without its sizes: a pool made of it has them, too. */
function withoutSizes(options) {
  const [sandbox, others] = split('sandbox', options)
  for (const [name, value] of Object.entries(sandbox)) if (LIMITS.has(name)) others[name] = value
  return others
}

/** Checks a string, such as a name or a path. */
function text(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} is a string, found ${describe(value)}`)
  return value
}

/** Returns bytes that cannot change while they are read. */
function bytes(name, value) {
  if (!types.isUint8Array(value)) throw invalid(`${name} is a Uint8Array, found ${describe(value)}`)
  const wrong = unreadable(value)
  if (wrong !== undefined) throw invalid(`${name} ${wrong}`)
  return value
}

/** Reads a path: a string, or a `file:` URL. */
function filePath(name, value) {
  if (isUrl(value)) return require('node:url').fileURLToPath(value.href)
  const found = text(name, value)
  if (found === '' || found.includes('\0')) throw invalid(`${name} is a path, found ${describe(value)}`)
  return found
}

module.exports = {
  acquireOptions: (options) => read(ACQUIRE, options, 'acquire'),
  bytes,
  callArguments,
  callOptions: (options) => read(CALL, options, 'a call'),
  callback,
  describe,
  evolveOptions: (options) => apart(read(CALL, options, 'evolve')),
  filePath,
  hostFunction(what, found) {
    if (typeof found !== 'object' || found === null) throw invalid(`${what} is a function, or { params, returns, call }, found ${describe(found)}`)
    return read(HOST_FUNCTION, found, what)
  },
  javascriptOptions: (options) => read(JAVASCRIPT, options, 'JavaScript'),
  loadOptions: (options) => read(LOAD, options, 'load'),
  named,
  payloadOptions: (options) => read(PAYLOAD, options, 'withPayload'),
  poolOptions: (options) => read(POOL, options, 'a pool'),
  signature(what, found) {
    if (typeof found !== 'object' || found === null) throw invalid(`${what} is { params, returns }, found ${describe(found)}`)
    return read(SIGNATURE, found, what)
  },
  split,
  sandboxOptions: (options) => read(SANDBOX, options, 'a sandbox'),
  snapshotOptions: (options) => read(SNAPSHOT, options, 'Snapshot.load'),
  takeCallOptions,
  takeOptions,
  text,
  wasiOptions: (options) => read(WASI, options, 'wasi'),
  wasmOptions: (options) => read(WASM, options, 'Wasm'),
  withoutSizes,
  wasmProgramOptions: (options) => read(WASM_PROGRAM, options, 'WasmProgram'),
}
