'use strict'

const fs = require('node:fs')
const { availableParallelism } = require('node:os')
const { types } = require('node:util')

const { run } = require('./calls.cjs')
const { HyperlightError, invalid } = require('./errors.cjs')
const { unwrap } = require('./failures.cjs')
const { guestOf } = require('./guest.cjs')
const { listed, owned, promised } = require('./kinds.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')
const { Permits } = require('./permits.cjs')
const { checkArity, registered } = require('./registration.cjs')
const { MADE, Runtime, RuntimePool, make, poolOf, pooled, sandboxOf, sharedOfPool } = require('./runtime.cjs')
const snapshots = require('./snapshot.cjs')
const { Type } = require('./values.cjs')

/** The queue of compilations on other threads. More at once would not be faster, and would take more memory. */
const compilers = new Permits(availableParallelism())

/** The programs of snapshots; for a snapshot loaded from a file, the program is unknown. */
const programs = new WeakMap()

/** A compiled program, with everything that a sandbox for it needs but the sandbox's own options. */
class Program {
  constructor(compiled) {
    this.guest = guestOf(unwrap(compiled.guest()))
    const { exports, imports, memories } = unwrap(compiled.description())
    this.exports = new Map(exports.map((found) => [found.name, typed(found)]))
    this.imports = new Map(imports.map((found) => [found.name, typed(found)]))
    this.memories = memories
  }
}

/** A compiled program, which can be saved as bytes. */
class WasmProgram {
  #native

  constructor(source, given, made) {
    this.#native = source === MADE ? made : compiledSync(source, asked(undefined), options.wasmProgramOptions(given))
  }

  static async compile(source, given) {
    return new WasmProgram(MADE, undefined, await compiled(source, asked(undefined), options.wasmProgramOptions(given)))
  }

  static fromBytes(bytes) {
    return new WasmProgram(MADE, undefined, unwrap(native.loadProgram(options.bytes('the compiled program', bytes))))
  }

  toBytes() {
    return unwrap(this.#native.toBytes())
  }

  get [Symbol.toStringTag]() {
    return 'WasmProgram'
  }

  static is(value) {
    return typeof value === 'object' && value !== null && #native in value
  }

  static within(program, surroundings) {
    return unwrap(program.#native.withWasi(surroundings))
  }
}

const { is: isProgram, within } = WasmProgram
delete /** @type {any} */ (WasmProgram).is
delete /** @type {any} */ (WasmProgram).within

/** A WebAssembly module or component in a sandbox. */
class Wasm extends Runtime {
  /** `undefined` for a snapshot that was loaded. */
  #program

  constructor(source, given, made) {
    let program = made?.program
    if (source !== MADE) {
      const [bounds, { hostFunctions, wasi, snapshot, ...sizes }] = options.split('compile', options.wasmOptions(given))
      const isClone = snapshots.isSnapshot(source)
      if (isClone && wasi !== undefined) throw invalid('a snapshot has its arguments, environment and files; wasi goes with a program')
      if (isClone) program = programs.get(source)
      else if (source instanceof Program) program = source
      else if (isProgram(source)) program = new Program(within(source, asked(wasi)))
      else program = new Program(compiledSync(source, asked(wasi), bounds))
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
    if (isProgram(source)) return new this(source, given)
    const [bounds, { wasi, ...rest }] = options.split('compile', options.wasmOptions(given))
    const made = await compiled(source, asked(wasi), bounds)
    return new this(new Program(made), rest)
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
        (listed(memories) || 'none'))
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

/** Programs kept warm: every call gets the program in the snapshot's state. */
class WasmPool extends RuntimePool {
  #program

  constructor(snapshot, given, made) {
    const program = programs.get(made?.snapshot ?? snapshot)
    if (snapshot === MADE) super(made.snapshot, given, made.shared)
    else super(snapshot, given, { hostFunctions: hostFunctionsFor(program, options.poolOptions(given).hostFunctions) })
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

/** The parts of a call. A record may be an argument, so the options are the object after the parameters. */
function forCall(program, name, values) {
  const type = program?.exports.get(options.text('the name of a function', name))
  if (type === undefined) return { type, text: values, given: options.takeCallOptions(values) }
  const count = type.parameters.length
  const last = values[count]
  const hasOptions = values.length === count + 1 && (last === undefined || (typeof last === 'object' && last !== null))
  if (values.length !== count && !hasOptions) {
    throw new HyperlightError('ERR_HL_SIGNATURE', `\`${described(type).signature}\` takes ${count} argument${count === 1 ? '' : 's'}, and behind them ` +
      `there may be an object with the options of the call; found ${values.length}`)
  }
  const text = values.slice(0, count).map((value, index) => toGuest(type.parameters[index], value, `argument ${index + 1} of \`${name}\``))
  return { type, text, given: options.callOptions(last) }
}

/** A function of a program, whose types are those of this half. */
function typed({ name, signature, parameters, result }) {
  const slot = ({ kind, json, type }) => ({ kind, json, type: type ? new Type(type) : undefined })
  return { name, signature, parameters: parameters.map(slot), result: result ? slot(result) : undefined }
}

/** `slot` is `undefined` if the type is not known, or if there is no value. Its type is, if it has all values of its kind. */
function toGuest(slot, value, what) {
  const type = slot?.type
  if (type === undefined) return value
  if (slot.json) return type.encode(value, what)
  // What has not all values of its kind is refused here, and not by the guest.
  type.fit(value, what)
  return value
}

function fromGuest(slot, value, what) {
  const type = slot?.type
  if (type === undefined) return value
  return slot.json ? type.decode(value, what) : type.checked(value, what)
}

/** A function of the program, for people: its kinds, where `json` is any value of the type that the signature says. */
function described({ name, signature, parameters, result }) {
  const kind = (slot) => (slot === undefined ? 'void' : slot.json ? 'json' : slot.kind)
  return { name, params: parameters.map(kind), returns: kind(result), signature }
}

/** Host functions with their signatures: their own, or those that the program imports them with. */
function hostFunctionsFor(program, given) {
  const out = Object.create(null)
  for (const [name, found] of options.named('hostFunctions', given)) {
    const registration = registered(name, found)
    const { what, call, signature } = registration
    if (signature !== undefined) {
      out[name] = { ...signature, call }
      continue
    }
    const type = program?.imports.get(name)
    if (type === undefined) {
      throw invalid(`${what} needs a signature: { params, returns, call }; the program imports ` +
        (program && listed(program.imports.keys()) || 'none that is known'))
    }
    checkArity(registration, type.parameters.length, 'the program imports it with')
    out[name] = { params: type.parameters.map(({ kind }) => kind), returns: type.result?.kind ?? 'void', call: overTypes(what, type, call) }
  }
  return out
}

/** Wraps the function with the types of its import. */
function overTypes(what, { parameters, result }, call) {
  return (...values) => {
    const found = call(...values.map((value, index) => fromGuest(parameters[index], value, `argument ${index + 1} of ${what}`)))
    const encode = (value) => toGuest(result, value, `the result of ${what}`)
    return promised(found)?.then(encode) ?? encode(found)
  }
}

/** Compiles a program on this thread. */
function compiledSync(source, surroundings, bounds) {
  const bytes = types.isUint8Array(source) ? options.bytes('the program', source) : fs.readFileSync(options.filePath('the path of the program', source))
  return unwrap(native.compileSync(bytes, surroundings, bounds))
}

/** Compiles a program on another thread. */
async function compiled(source, surroundings, bounds) {
  let bytes = types.isUint8Array(source) ? options.bytes('the program', source)
    : await fs.promises.readFile(options.filePath('the path of the program', source))
  if (!compilers.takeFree()) {
    // The caller's bytes may change during the wait.
    if (bytes === source) bytes = owned(bytes)
    for (const file of surroundings.files) file.contents = owned(file.contents)
    await compilers.take(undefined, undefined)
  }
  try {
    return await run(undefined, undefined, (port, id) => native.compile(port, id, bytes, surroundings, bounds))
  } finally {
    compilers.give()
  }
}

/** The WASI environment, in the native half's form. */
function asked(given) {
  const { args = [], env, files } = options.wasiOptions(given)
  return {
    args,
    env: options.named('wasi.env', env).map(([name, value]) => ({ name, value: options.text(`wasi.env.${name}`, value) })),
    files: options.named('wasi.files', files).map(([path, found]) => ({
      path, contents: typeof found === 'string' ? Buffer.from(found) : options.bytes(`the file ${options.describe(path)}`, found),
    })),
  }
}

/** Converts a position in a memory to the guest's form. */
function place(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} is a whole number, 0 or more, found ${options.describe(value)}`)
  return BigInt(value)
}

module.exports = { Wasm, WasmMemory, WasmPool, WasmProgram }
