// The native half, as lib/ sees it. Written by scripts/types.mjs: do not edit.

import type { Fault } from '../index'

/** A failure, as data: `errors.cjs` makes an error of it. */
export interface Failure {
  failed: true
  code: string
  message: string
  guestCode?: number | null
  details?: string | null
  thrown?: number | null
  cause?: Failure
  fault?: Fault
}

/** A result, or why there is none. */
export type Made<T> = T | Failure

/** Anything: what can be no value is refused. */
export type Loose = unknown

/** A value. */
export type Raw = import('../index').Value | undefined

/** A string that may have unpaired surrogates. */
export type Units = string

/** A string in which unpaired surrogates are replaced. */
export type Unicode = string

/** The arguments of a host function, or what a call has come to. */
export type Payload = any

/** A guest program. */
export declare class Guest {
  /** Loads a guest from a file. */
  static fromFile(path: string): Made<Guest>
  /** Loads a guest from bytes. */
  static fromBytes(file: Uint8Array): Made<Guest>
  /** Loads a guest that the package carries. */
  static builtin(name: string): Made<Guest>
  /** Makes a copy of the guest with a payload added to its image. */
  withPayload(bytes: Uint8Array, isExecutable: boolean): Made<Guest>
}
export type JsGuest = Guest

/** Sandboxes kept ready from one snapshot. */
export declare class Pool {
  /** Makes a pool, initially without members. */
  static make(snapshot: JsSnapshot, options: object): Made<Pool>
  /** Registers the host function in a slot, for every member. */
  register(name: string, params: Array<string>, returns: string, slot: number): Made<undefined>
  /** Acquires a member, made or restored on a worker thread. */
  acquire(port: JsPort, id: number, waitMs?: number | undefined | null): Made<undefined>
  /** Calls a function in a member, which is then given back at once. */
  call(port: JsPort, id: number, how: JsPoolCall, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<undefined>
  /** Statistics of the pool. */
  statistics(): Made<JsPoolStatistics>
  /** Closes the pool. Members in use are destroyed when they are given back. */
  close(): void
}
export type JsPool = Pool

/** The port, as an object for JavaScript. */
export declare class Port {
  /** Makes a port that calls `receive(id, slot, payload)`. */
  constructor(isInAWorker: boolean, receive: (arg0: number, arg1: number, arg2: Payload) => void)
  /** Passes the host function's result to the waiting job. */
  answer(id: number, value: Loose): void
  /** Passes the host function's exception to the waiting job. */
  fail(id: number, number: number, text: string): void
  /** Cancels the job. `false` means that it must be cancelled again. */
  cancel(id: number): boolean
  /** Sets whether the event loop waits for this port. */
  hold(holds: boolean): void
}
export type JsPort = Port

/** A compiled program. */
export declare class Program {
  /** Makes the guest that runs the program. */
  guest(): Made<Guest>
  /** Makes a copy of the program with another WASI environment; limits are ignored. */
  withWasi(wasi: JsWasi): Made<Program>
  /** The bytes that `loadProgram` takes. */
  toBytes(): Made<Uint8Array>
  /** The exports and imports. */
  description(): Made<JsDescription>
}
export type JsProgram = Program

/** A sandbox. */
export declare class Sandbox {
  /** Makes a sandbox for a guest. */
  static ofGuest(guest: Guest, options: object): Made<Sandbox>
  /** Makes a sandbox that continues where the snapshot was taken. */
  static ofSnapshot(snapshot: JsSnapshot, options: object): Made<Sandbox>
  /** Registers the host function in a slot. */
  register(name: string, params: Array<string>, returns: string, slot: number): Made<undefined>
  /** Removes a host function. Returns true if there was one. */
  unregister(name: string): Made<boolean>
  /**
   * Sets functions for the start to call, each given as its name and then texts, under the same limits. If one
   * fails, the sandbox is closed.
   */
  prepareBy(calls: Array<Array<string>>): Made<undefined>
  /** Starts the guest. */
  evolve(port: Port, id: number, limits?: object | undefined | null): Made<undefined>
  /** Calls a guest function on a worker thread. */
  call(port: Port, id: number, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<undefined>
  /** Fails if calls cannot be aborted. */
  checkStoppable(): Made<undefined>
  /** The sandbox's number for [`call_sync`]. */
  get number(): number
  /** Takes a snapshot. */
  snapshot(port: Port, id: number): Made<undefined>
  /** Restores the guest to the snapshot. */
  restore(port: Port, id: number, snapshot: JsSnapshot): Made<undefined>
  /** The guest's functions, once it has evolved. */
  get functions(): Made<Array<JsFunction>>
  /** The state of the sandbox. */
  get state(): string
  /** Cancels the running call. Returns true if there was one. */
  interrupt(): boolean
  /** Closes the sandbox: now, or when its running call ends. */
  close(): void
}
export type JsSandbox = Sandbox

/** The immutable state of a sandbox. */
export declare class Snapshot {
  /** Loads a snapshot from a file, within the limits of the options. */
  static load(path: string, options: object): Made<Snapshot>
  /** Writes the snapshot to a file, on a worker thread. */
  save(port: Port, id: number, path: string): Made<undefined>
}
export type JsSnapshot = Snapshot

/** A type of a WebAssembly program. */
export declare class Type {
  /** Parses a type from its text. */
  static parse(text: string): Made<Type>
  /** The type's number for `lowerType` and `isJsonOfType`. It is valid while this object lives. */
  get number(): number
  /** The least and the largest number, if the type is a whole number and its kind has more. */
  get range(): Array<number> | null
  /** Returns true for one character. */
  get isChar(): boolean
  /** Returns true if `JSON.parse` may make the values that `lift` makes: `isJsonOfType` says of which texts. */
  get canBeJson(): boolean
  /** Decodes a value from a guest's text. */
  lift(what: string, text: Unicode): Made<JsTape>
  /** Checks that a value has this type, where the guest sent it as a wider kind. */
  check(tape: Float64Array, count: number, text: Units, what: string): Made<undefined>
}
export type JsType = Type

/**
 * Calls a guest function on this thread. `dispatch(slot, ...arguments)` calls host functions.
 *
 * A function and not a method, because the lookup of a method's object takes longer than everything else here.
 */
export declare function callSync(number: number, dispatch: (arg?: unknown) => unknown, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<Raw>

/** Fails if the option cannot have this number, or, without a number, this value; `shown` prints it. */
export declare function checkOption(of: string, name: string, number: number | undefined | null, shown: string): Made<undefined>

/** Compiles a program on a worker thread. */
export declare function compile(port: Port, id: number, program: Uint8Array, wasi: JsWasi, bounds: object): Made<undefined>

/** Compiles a program on this thread. */
export declare function compileSync(program: Uint8Array, wasi: JsWasi, bounds: object): Made<Program>

/** Returns true if a guest's text is a value of the type, which `JSON.parse` makes as `lift` does. */
export declare function isJsonOfType(ty: number, text: Unicode): boolean

/** Returns true if a text of a script's guest is what JavaScript reads itself, if it is JSON. */
export declare function isPlain(text: Units, isAll: boolean): boolean

/** The exports and imports of a program. */
export interface JsDescription {
  /** The exported functions. */
  exports: Array<JsTyped>
  /** The imported functions. */
  imports: Array<JsTyped>
  /** The names of the exported memories. */
  memories: Array<string>
}

/** A file. */
export interface JsFile {
  /** The path, with `/` between names. */
  path: string
  /** The file's contents. */
  contents: Uint8Array
}

/** A function of the guest. */
export interface JsFunction {
  /** Its name. */
  name: string
  /** The kinds of its parameters. */
  params: Array<string>
  /** The kind of its result. */
  returns: string
}

/** One call in a member of a pool, with its settings but for the limits. */
export interface JsPoolCall {
  /** Longest wait for a member. */
  waitMs?: number
  /** True if the call has an abort signal. */
  hasSignal: boolean
}

/** Statistics of a pool. */
export interface JsPoolStatistics {
  /** Members in use. */
  inUse: number
  /** Members that are ready. */
  idle: number
  /** Members made so far. */
  created: number
  /** Members dropped because they could not be restored. */
  replaced: number
  /** Acquisitions that waited for a member that was being restored. */
  waits: number
  /** Total time of those waits. */
  waitedMs: number
}

/** A parameter or a result. */
export interface JsSlot {
  /** The kind on the wire. */
  kind: string
  /** True for a type that travels as JSON. */
  json: boolean
  /** The type, if it travels as JSON, or if its kind has more values. */
  type?: Type
}

/** A value on its way to JavaScript. */
export interface JsTape {
  /** The tape: 64-bit numbers. */
  tape: Uint8Array
  /** Its texts, in order. */
  texts: Array<string>
  /** The names of members, each once. */
  names: Array<string>
  /** Its bytes, in order and without gaps. */
  bytes: Uint8Array
}

/** A function of a program, with its types. */
export interface JsTyped {
  /** Its name. */
  name: string
  /** Its name, parameters and result, as in the program. */
  signature: string
  /** Its parameters. */
  parameters: Array<JsSlot>
  /** Its result, if there is one. */
  result?: JsSlot
}

/** A variable of the environment. */
export interface JsVariable {
  /** Its name. */
  name: string
  /** Its value. */
  value: string
}

/** The WASI environment of a program. */
export interface JsWasi {
  /** Its arguments. */
  args: Array<string>
  /** Its environment. */
  env: Array<JsVariable>
  /** Its files. */
  files: Array<JsFile>
}

/** Loads a program from its saved bytes. */
export declare function loadProgram(saved: Uint8Array): Made<Program>

/**
 * Encodes a value of a type as text. Without `what`, the name in error messages, an error is `null`.
 *
 * A function and not a method, because the lookup of a method's object takes longer than everything else here.
 */
export declare function lowerType(ty: number, tape: Float64Array, count: number, text: Units, bytes?: Uint8Array | undefined | null, what?: string | undefined | null): Made<string | null>

/** Maximum number of bits of a bigint. */
export declare const MAX_BITS: number

/** Maximum depth of nested arrays and objects. */
export declare const MAX_DEPTH: number

/** Decodes a value from the text of a script's guest. */
export declare function ofScript(what: string, isAll: boolean, text: Unicode): Made<JsTape>

/**
 * Lists the names of the options of a `sandbox`, a `call`, a `pool`, the `load` of a snapshot, or a `compile`; or of
 * the `limit`s.
 */
export declare function optionNames(of: string): Array<string>

/** Checks that sandboxes can be made here. */
export declare function probe(): Made<undefined>

/** Encodes a value for a script, or an array of values, each of which may be as deep as one alone. */
export declare function toScript(what: string, isAll: boolean, tape: Float64Array, count: number, text: Units, bytes?: Uint8Array | undefined | null): Made<string>

/** Fails, and suggests the known option that was probably meant. */
export declare function unknownOption(what: string, name: string, known: Array<string>): Made<undefined>

/** The version of this addon, which must equal the package's. */
export declare function version(): string
