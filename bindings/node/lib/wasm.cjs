'use strict'

const fs = require('node:fs')

const { run } = require('./calls.cjs')
const { HyperlightError, invalid, unwrap } = require('./errors.cjs')
const { guestOf } = require('./guest.cjs')
const { findLibrary } = require('./loader.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')
const { MADE, Runtime, RuntimePool, make, poolOf, pooled, sandboxOf, sharedOfPool } = require('./runtime.cjs')
const snapshots = require('./snapshot.cjs')
const wit = require('./wit.cjs')

/** The library that compiles, loaded for the first program. */
const COMPILER = 'libhyperlight_wasm_module.so'

/** What is known of the programs in snapshots; of one that was loaded from a file, nothing is. */
const programs = new WeakMap()

/** A program, compiled, with all that a sandbox for it needs but the sandbox's own options. */
class Program {
  constructor(compiled) {
    this.guest = guestOf(compiled.guest())
    const { exports, imports, memories } = JSON.parse(compiled.description())
    this.exports = new Map(exports.map((found) => [found.name, found]))
    this.imports = new Map(imports.map((found) => [found.name, found]))
    this.memories = memories
  }
}

/** A WebAssembly module or component in a sandbox. */
class Wasm extends Runtime {
  /** `undefined` for a snapshot that was loaded. */
  #program

  constructor(source, given, made) {
    let program = made?.program
    if (source !== MADE) {
      const { hostFunctions, wasi, snapshot, maxProgramSize, compileTimeoutMs, ...sizes } = options.wasmOptions(given)
      const isClone = snapshots.isSnapshot(source)
      if (isClone && wasi !== undefined) throw invalid('a snapshot has its arguments, environment and files; wasi goes with a program')
      if (isClone) program = programs.get(source)
      else if (source instanceof Program) program = source
      else program = new Program(unwrap(native.compileSync(findLibrary(COMPILER), bytesOf(source), asked(wasi, maxProgramSize, compileTimeoutMs))))
      if (snapshot !== undefined) {
        snapshots.checked(snapshot)
        programs.set(snapshot, program)
      }
      made = make(snapshot ?? (isClone ? source : program.guest), sizes, hostFunctionsFor(program, hostFunctions))
    }
    super(made)
    this.#program = program
  }

  static async compile(source, given) {
    const { wasi, maxProgramSize, compileTimeoutMs, ...rest } = options.wasmOptions(given)
    const bytes = source instanceof Uint8Array ? source : await fs.promises.readFile(options.filePath('the path of the program', source))
    const surroundings = asked(wasi, maxProgramSize, compileTimeoutMs)
    const compiled = await run(undefined, undefined, (port, id) => native.compile(port, id, findLibrary(COMPILER), bytes, surroundings))
    return new this(new Program(compiled), rest)
  }

  get functions() {
    if (this.#program !== undefined) return Array.from(this.#program.exports.values(), described)
    return sandboxOf(this).functions.filter(({ name }) => !name.startsWith('hyperlight:'))
  }

  async call(name, ...values) {
    return callIn(sandboxOf(this), this.#program, name, values)
  }

  callSync(name, ...values) {
    const { type, text, given } = forCall(this.#program, name, values)
    return fromGuest(type?.result, sandboxOf(this).callSync(name, ...text, given), `the result of \`${name}\``)
  }

  async run(given) {
    return sandboxOf(this).call('_start', options.callOptions(given))
  }

  runSync(given) {
    return sandboxOf(this).callSync('_start', options.callOptions(given))
  }

  memory(name = 'memory') {
    const memories = this.#program?.memories
    options.text('the name of a memory', name)
    if (memories !== undefined && !memories.includes(name)) {
      throw new HyperlightError('ERR_HL_FUNCTION_NOT_FOUND', `the program exports no memory ${options.describe(name)}; it exports ` +
        (memories.map(options.describe).join(', ') || 'none'))
    }
    return new WasmMemory(MADE, sandboxOf(this), name)
  }

  async snapshot() {
    const snapshot = await super.snapshot()
    if (this.#program !== undefined) programs.set(snapshot, this.#program)
    return snapshot
  }

  async pool(given) {
    return new WasmPool(...await pooled(this, given, 'new WasmPool(snapshot, { hostFunctions })'))
  }
}

/** A linear memory that a program exports. */
class WasmMemory {
  #sandbox
  #name

  constructor(key, sandbox, name) {
    if (key !== MADE) throw invalid('memories are had by `wasm.memory(name)`')
    this.#sandbox = sandbox
    this.#name = name
  }

  async size() {
    return Number(await this.#sandbox.call('hyperlight:memory-size', this.#name))
  }

  async read(offset, length) {
    return this.#sandbox.call('hyperlight:memory-read', this.#name, place('offset', offset), place('length', length))
  }

  async write(offset, bytes) {
    await this.#sandbox.call('hyperlight:memory-write', this.#name, place('offset', offset), options.bytes('what is written', bytes))
  }

  sizeSync() {
    return Number(this.#sandbox.callSync('hyperlight:memory-size', this.#name))
  }

  readSync(offset, length) {
    return this.#sandbox.callSync('hyperlight:memory-read', this.#name, place('offset', offset), place('length', length))
  }

  writeSync(offset, bytes) {
    this.#sandbox.callSync('hyperlight:memory-write', this.#name, place('offset', offset), options.bytes('what is written', bytes))
  }

  get [Symbol.toStringTag]() {
    return 'WasmMemory'
  }
}

/** Programs kept warm: every call finds the program as the snapshot has it. */
class WasmPool extends RuntimePool {
  #program

  constructor(snapshot, given, made) {
    const program = programs.get(made?.snapshot ?? snapshot)
    if (snapshot === MADE) super(made.snapshot, given, made.shared)
    else super(snapshot, given, { hostFunctions: hostFunctionsFor(program, given?.hostFunctions) })
    this.#program = program
  }

  async call(name, ...values) {
    return callIn(poolOf(this), this.#program, name, values)
  }

  async run(given) {
    return poolOf(this).call('_start', options.callOptions(given))
  }

  async acquire(given) {
    const sandbox = await poolOf(this).acquire(given)
    return new Wasm(MADE, undefined, { sandbox, shared: sharedOfPool(this), program: this.#program })
  }
}

/** `subject`: a sandbox, or a pool. */
async function callIn(subject, program, name, values) {
  const { type, text, given } = forCall(program, name, values)
  return fromGuest(type?.result, await subject.call(name, ...text, given), `the result of \`${name}\``)
}

/** What a call is made of. A record may be an argument, so what is behind the parameters is the options. */
function forCall(program, name, values) {
  const type = program?.exports.get(name)
  if (type === undefined) return { type, text: values, given: options.takeCallOptions(values) }
  const count = type.parameters.length
  const given = values.length === count + 1 ? options.callOptions(values.pop()) : {}
  const text = values.map((value, index) => toGuest(type.parameters[index], value, `argument ${index + 1} of \`${name}\``))
  return { type, text, given }
}

function toGuest(slot, value, what) {
  return slot?.json ? wit.encode(typeOf(slot), value, what) : value
}

function fromGuest(slot, value, what) {
  return slot?.json ? wit.decode(typeOf(slot), value, what) : value
}

const typeOf = (slot) => (slot.parsed ??= wit.parse(slot.type))

/** A function of the program, for people: its kinds, where `json` is any value of the type that the signature says. */
function described({ name, parameters, result }) {
  const kind = (slot) => (slot === null ? 'void' : slot.json ? 'json' : slot.kind)
  const written = parameters.map((slot) => (slot.name === '' ? slot.type : `${slot.name}: ${slot.type}`)).join(', ')
  return {
    name, params: parameters.map(kind), returns: kind(result),
    signature: `${name}(${written})${result === null ? '' : ` -> ${result.type}`}`,
  }
}

/** Host functions with their signatures: their own, or those that the program imports them with. */
function hostFunctionsFor(program, given = {}) {
  const out = {}
  for (const [name, found] of Object.entries(given)) {
    const what = `the host function \`${name}\``
    if (typeof found === 'object' && found !== null) {
      out[name] = { ...found, call: options.callback(what, found.call) }
      continue
    }
    options.callback(what, found)
    const type = program?.imports.get(name)
    if (type === undefined) {
      throw invalid(`${what} needs a signature: { params, returns, call }; the program imports ` +
        (program && [...program.imports.keys()].map((key) => `\`${key}\``).join(', ') || 'none that is known'))
    }
    out[name] = {
      params: type.parameters.map(({ kind }) => kind),
      returns: type.result?.kind ?? 'void',
      call: [...type.parameters, type.result].some((slot) => slot?.json) ? overJson(name, type, found) : found,
    }
  }
  return out
}

function overJson(name, { parameters, result }, call) {
  const what = `the result of the host function \`${name}\``
  return (...values) => {
    const found = call(...values.map((value, index) => fromGuest(parameters[index], value, `argument ${index + 1} of the host function \`${name}\``)))
    return typeof found?.then === 'function' ? Promise.resolve(found).then((value) => toGuest(result, value, what)) : toGuest(result, found, what)
  }
}

function bytesOf(source) {
  return source instanceof Uint8Array ? source : fs.readFileSync(options.filePath('the path of the program', source))
}

/** What the compiler is told beside the program, as the native half wants it. */
function asked(given, maxProgramSize = 0, compileTimeoutMs = 0) {
  const { args = [], env = {}, files = {} } = options.wasiOptions(given)
  if (!Array.isArray(args)) throw invalid(`wasi.args is an array of strings, found ${options.describe(args)}`)
  return {
    maxProgramSize,
    compileTimeoutMs,
    args: args.map((text, index) => options.text(`wasi.args[${index}]`, text)),
    env: Object.entries(env).map(([name, value]) => ({ name, value: options.text(`wasi.env.${name}`, value) })),
    files: Object.entries(files).map(([path, found]) => ({
      path, contents: typeof found === 'string' ? Buffer.from(found) : options.bytes(`the file ${options.describe(path)}`, found),
    })),
  }
}

/** A place in a memory, as the guest has it. */
function place(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} is a whole number, 0 or more, found ${options.describe(value)}`)
  return BigInt(value)
}

module.exports = { Wasm, WasmMemory, WasmPool }
