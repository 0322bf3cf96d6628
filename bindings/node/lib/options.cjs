'use strict'
// What callers may pass, checked: nothing is guessed, and an unknown option is an error that names the known ones.

const { invalid } = require('./errors.cjs')

const describe = (value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))

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

function signal(name, value) {
  if (typeof value !== 'object' || value === null || typeof value.aborted !== 'boolean' || typeof value.addEventListener !== 'function') {
    throw invalid(`${name} is an AbortSignal, found ${describe(value)}`)
  }
  return value
}

function object(name, value) {
  if (typeof value !== 'object' || value === null) throw invalid(`${name} is an object, found ${describe(value)}`)
  return value
}

const LIMITS = {
  timeoutMs: time, cpuTimeMs: time, maxHostCalls: size, maxLogBytes: size, maxPrintBytes: size,
}
const SANDBOX = { heapSize: size, stackSize: size, inputSize: size, outputSize: size, ...LIMITS, print: callback }
const POOL = { size, minIdle: size, acquireTimeoutMs: time, ...LIMITS, print: callback, hostFunctions: object }
const JAVASCRIPT = { ...SANDBOX, hostFunctions: object, modules: object }
const WASM = { ...SANDBOX, hostFunctions: object, wasi: object, snapshot: object, maxProgramSize: size, compileTimeoutMs: time }
const WASI = { args: object, env: object, files: object }
const CALL = { signal, timeoutMs: time, cpuTimeMs: time }
const ACQUIRE = { signal }
const LOAD = { name: text, ...CALL }
const SNAPSHOT = { maxSize: size, maxHeapSize: size }

/** A copy of the options with only what is given and known. */
function read(known, options, what) {
  const out = {}
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

const NONE = Object.freeze({})

/** A string, as names and paths are. */
function text(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} is a string, found ${describe(value)}`)
  return value
}

/** Bytes that stay as they are while they are read. */
function bytes(name, value) {
  if (!(value instanceof Uint8Array)) throw invalid(`${name} is a Uint8Array, found ${describe(value)}`)
  return value
}

/** A path: a string, or a `file:` URL. */
function filePath(name, value) {
  if (value instanceof URL) return require('node:url').fileURLToPath(value)
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
  javascriptOptions: (options) => read(JAVASCRIPT, options, 'JavaScript'),
  loadOptions: (options) => read(LOAD, options, 'load'),
  poolOptions: (options) => read(POOL, options, 'a pool'),
  sandboxOptions: (options) => read(SANDBOX, options, 'a sandbox'),
  snapshotOptions: (options) => read(SNAPSHOT, options, 'Snapshot.load'),
  takeCallOptions,
  text,
  wasiOptions: (options) => read(WASI, options, 'wasi'),
  wasmOptions: (options) => read(WASM, options, 'Wasm'),
}
