'use strict'
// What callers may pass, checked: nothing is guessed, and an unknown option is an error that names the known ones.

const { types } = require('node:util')

const { invalid } = require('./errors.cjs')
const { describe, isUrl, unreadable } = require('./kinds.cjs')
const signals = require('./signals.cjs')

function size(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} is a whole number, 0 or more, found ${describe(value)}`)
  return value
}

/** Milliseconds. Infinity is no limit; 0 is the default, but for `acquireTimeoutMs`. */
function time(name, value) {
  if (typeof value !== 'number' || !(value >= 0)) throw invalid(`${name} is in milliseconds, 0 or more, found ${describe(value)}`)
  return value
}

function callback(name, value) {
  if (typeof value !== 'function') throw invalid(`${name} is a function, found ${describe(value)}`)
  return value
}

/** An object whose properties are all that it is. */
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

/** The names of kinds; which there are, the native half knows. */
function kinds(name, value) {
  if (!Array.isArray(value) || !value.every((kind) => typeof kind === 'string')) {
    throw invalid(`${name} is an array of the names of kinds, found ${describe(value)}`)
  }
  return value
}

const LIMITS = {
  timeoutMs: time, cpuTimeMs: time, maxHostCalls: size, maxLogBytes: size, maxPrintBytes: size,
}
const SANDBOX = { heapSize: size, stackSize: size, inputSize: size, outputSize: size, ...LIMITS, print: callback }
const POOL = { size, minIdle: size, acquireTimeoutMs: time, ...LIMITS, print: callback, hostFunctions: object }
const JAVASCRIPT = { ...SANDBOX, hostFunctions: object, modules: object }
const WASM_PROGRAM = { maxProgramSize: size, compileTimeoutMs: time, compileThreads: size }
const WASM = { ...SANDBOX, ...WASM_PROGRAM, hostFunctions: object, wasi: object, snapshot: object }
const WASI = { args: texts, env: object, files: object }
const CALL = { signal: signals.checked, timeoutMs: time, cpuTimeMs: time }
const ACQUIRE = { signal: signals.checked }
const LOAD = { name: text, ...CALL }
const SNAPSHOT = { maxSize: size, maxHeapSize: size }
const PAYLOAD = { executable: flag }
const SIGNATURE = { params: kinds, returns: text }
const HOST_FUNCTION = { ...SIGNATURE, call: callback, arity: size, openArity: flag }

/**
 * A copy of the options with only what is given and known. What is `undefined` is not given. Nothing is inherited, on neither
 * side: what others put on `Object.prototype` is no option.
 * @returns {any}
 */
function read(known, options, what) {
  const out = Object.create(null)
  if (options === undefined) return out
  object(`the options of ${what}`, options)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(known, name)) {
      throw invalid(`${what} has no option ${describe(name)}; there are ${Object.keys(known).join(', ')}`)
    }
    out[name] = known[name](name, value)
  }
  return out
}

/** What is named in an object by whoever wrote it, such as host functions: pairs. What is `undefined` is not there. */
function named(what, given) {
  return given === undefined ? [] : Object.entries(object(what, given)).filter(([, value]) => value !== undefined)
}

/**
 * Values are never plain objects, so one at the end is the options of the call. Takes it off.
 * @returns {{ signal?: AbortSignal, timeoutMs?: number, cpuTimeMs?: number }}
 */
function takeCallOptions(values) {
  const last = values[values.length - 1]
  if (typeof last !== 'object' || last === null || ArrayBuffer.isView(last) || Array.isArray(last)) return NONE
  const prototype = Object.getPrototypeOf(last)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return NONE
  values.pop()
  return read(CALL, last, 'a call')
}

const NONE = Object.freeze(Object.create(null))

/** A string, as names and paths are. */
function text(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} is a string, found ${describe(value)}`)
  return value
}

/** Bytes that stay as they are while they are read. */
function bytes(name, value) {
  if (!types.isUint8Array(value)) throw invalid(`${name} is a Uint8Array, found ${describe(value)}`)
  const wrong = unreadable(value)
  if (wrong !== undefined) throw invalid(`${name} ${wrong}`)
  return value
}

/** A path: a string, or a `file:` URL. */
function filePath(name, value) {
  if (isUrl(value)) return require('node:url').fileURLToPath(value.href)
  const found = text(name, value)
  if (found === '' || found.includes('\0')) throw invalid(`${name} is a path, found ${describe(value)}`)
  return found
}

module.exports = {
  acquireOptions: (options) => read(ACQUIRE, options, 'acquire'),
  bytes,
  callOptions: (options) => read(CALL, options, 'a call'),
  callback,
  describe,
  evolveOptions: (options) => read(CALL, options, 'evolve'),
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
  sandboxOptions: (options) => read(SANDBOX, options, 'a sandbox'),
  snapshotOptions: (options) => read(SNAPSHOT, options, 'Snapshot.load'),
  takeCallOptions,
  text,
  wasiOptions: (options) => read(WASI, options, 'wasi'),
  wasmOptions: (options) => read(WASM, options, 'Wasm'),
  wasmProgramOptions: (options) => read(WASM_PROGRAM, options, 'WasmProgram'),
}
