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

/** The arguments of a host function, or what a call has come to. */
export type Payload = any

/** A guest program. */
export declare class Guest {
  /** The guest in that file. */
  static fromFile(path: string): Made<Guest>
  /** The guest of those bytes. */
  static fromBytes(file: Uint8Array): Made<Guest>
  /** A guest that the package carries. */
  static builtin(name: string): Made<Guest>
  /** The same guest with more in its image. */
  withPayload(bytes: Uint8Array, isExecutable: boolean): Made<Guest>
}
export type JsGuest = Guest

/** Sandboxes kept ready from one snapshot. */
export declare class Pool {
  /** A pool without members yet. */
  static make(snapshot: JsSnapshot, options: object): Made<Pool>
  /** Registers the host function in that slot, for every member. */
  register(name: string, params: Array<string>, returns: string, slot: number): Made<undefined>
  /** A member, made or cleaned on a thread of ours. */
  acquire(port: JsPort, id: number, waitMs?: number | undefined | null): Made<undefined>
  /** A call in a member that is given back at once. */
  call(port: JsPort, id: number, how: JsPoolCall, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<undefined>
  /** What the pool has done and has. */
  statistics(): Made<JsPoolStatistics>
  /** Closes the pool. Members that are out go away when they come back. */
  close(): void
}
export type JsPool = Pool

/** The port, as JavaScript has it. */
export declare class Port {
  /** A port that calls `receive(id, slot, payload)`. */
  constructor(isInAWorker: boolean, receive: (arg0: number, arg1: number, arg2: Payload) => void)
  /** The result of the host function that the job waits for. */
  answer(id: number, value: Loose): void
  /** The host function that the job waits for has thrown. */
  fail(id: number, number: number, text: string): void
  /** Ends the job soon. `false`: ask again. */
  cancel(id: number): boolean
  /** Whether the event loop waits for this port. */
  hold(holds: boolean): void
}
export type JsPort = Port

/** A program that was compiled. */
export declare class Program {
  /** The guest that runs it. */
  guest(): Made<Guest>
  /** The same program with other surroundings; limits mean nothing. */
  withWasi(wasi: JsWasi): Made<Program>
  /** The bytes that `loadProgram` takes. */
  toBytes(): Made<Uint8Array>
  /** What it exports and imports, as JSON. */
  description(): string
}
export type JsProgram = Program

/** A sandbox. */
export declare class Sandbox {
  /** A sandbox for a guest. */
  static ofGuest(guest: Guest, options: object): Made<Sandbox>
  /** A sandbox that goes on where the snapshot was taken. */
  static ofSnapshot(snapshot: JsSnapshot, options: object): Made<Sandbox>
  /** Registers the host function in that slot. */
  register(name: string, params: Array<string>, returns: string, slot: number): Made<undefined>
  /** Removes a host function. Whether there was one. */
  unregister(name: string): Made<boolean>
  /**
   * Has the start call these functions, each with its name first and then texts, under the same limits. If one fails, the
   * sandbox is closed.
   */
  prepareBy(calls: Array<Array<string>>): Made<undefined>
  /** Starts the guest. */
  evolve(port: Port, id: number, limits?: object | undefined | null): Made<undefined>
  /** Calls a guest function on a thread of ours. */
  call(port: Port, id: number, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<undefined>
  /** Fails if no call can be aborted. */
  checkStoppable(): Made<undefined>
  /** By which [`call_sync`] knows this sandbox. */
  get number(): number
  /** Takes a snapshot. */
  snapshot(port: Port, id: number): Made<undefined>
  /** Brings the guest back. */
  restore(port: Port, id: number, snapshot: JsSnapshot): Made<undefined>
  /** The guest's functions, once it has evolved. */
  get functions(): Made<Array<JsFunction>>
  /** What the sandbox can do next. */
  get state(): string
  /** Stops the running call. Whether there was one. */
  interrupt(): boolean
  /** Closes the sandbox: now, or when its running call ends. */
  close(): void
}
export type JsSandbox = Sandbox

/** An immutable picture of a sandbox. */
export declare class Snapshot {
  /** The snapshot in that file, which may bring what the options say. */
  static load(path: string, options: object): Made<Snapshot>
  /** Writes it into a file, on a thread of ours. */
  save(port: Port, id: number, path: string): Made<undefined>
}
export type JsSnapshot = Snapshot

/** A type of a WebAssembly program. */
export declare class Type {
  /** The type that a text means. */
  static parse(text: string): Made<Type>
  /** Whether its kind on the wire has more values. */
  get isNarrow(): boolean
  /** The text of a value, which an error calls `what`. */
  lower(what: string, tape: Float64Array, text: string, bytes: Uint8Array): Made<string>
  /** The value of a text that a guest wrote. */
  lift(what: string, text: string): Made<JsTape>
  /** Confirms that a value has this type, which a guest sent as a kind that has more. */
  check(what: string, tape: Float64Array, text: string): Made<undefined>
}
export type JsType = Type

/**
 * Calls a guest function on this thread. `dispatch(slot, ...arguments)` calls host functions.
 *
 * Not a method, because finding out which object a method belongs to takes longer than everything else here.
 */
export declare function callSync(number: number, dispatch: (arg?: unknown) => unknown, limits: object | undefined | null, name: string, arguments: Array<Loose>): Made<Raw>

/** Fails if that option cannot be that number, or, without one, that value; `shown` prints it. */
export declare function checkOption(of: string, name: string, number: number | undefined | null, shown: string): Made<undefined>

/** Compiles it on a thread of ours. */
export declare function compile(port: Port, id: number, program: Uint8Array, wasi: JsWasi, bounds: object): Made<undefined>

/** Compiles a program on this thread. */
export declare function compileSync(program: Uint8Array, wasi: JsWasi, bounds: object): Made<Program>

/** A file. */
export interface JsFile {
  /** Names between `/`. */
  path: string
  /** What is in it. */
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

/** One call in a member of a pool, besides its limits. */
export interface JsPoolCall {
  /** How long to wait for a member. */
  waitMs?: number
  /** Whether it may be aborted. */
  hasSignal: boolean
}

/** What a pool has done and has. */
export interface JsPoolStatistics {
  /** Members that somebody has. */
  inUse: number
  /** Members that are ready. */
  idle: number
  /** Members made so far. */
  created: number
  /** Members that could not be cleaned. */
  replaced: number
  /** Waits for a member that was being cleaned. */
  waits: number
  /** How long they took. */
  waitedMs: number
}

/** A value on its way to JavaScript. */
export interface JsTape {
  /** What it is: numbers of 64 bits. */
  tape: Uint8Array
  /** Its texts, in order. */
  texts: Array<string>
  /** The names of members, each once. */
  names: Array<string>
  /** Its bytes, in order and without gaps. */
  bytes: Uint8Array
}

/** A variable of the environment. */
export interface JsVariable {
  /** Its name. */
  name: string
  /** Its value. */
  value: string
}

/** What a program finds around itself. */
export interface JsWasi {
  /** Its arguments. */
  args: Array<string>
  /** Its environment. */
  env: Array<JsVariable>
  /** Its files. */
  files: Array<JsFile>
}

/** Takes a program from the bytes that it was kept as. */
export declare function loadProgram(saved: Uint8Array): Made<Program>

/** How many bits a bigint may have. */
export declare const MAX_BITS: number

/** How many arrays and objects may be in each other. */
export declare const MAX_DEPTH: number

/** The value of a text that a script's guest wrote. `null` if it is plain JSON, which JavaScript reads faster itself. */
export declare function ofScript(what: string, isAll: boolean, text: string): Made<JsTape | null>

/** The names of the options of a `sandbox`, a `call`, a `pool`, of the `load` of a snapshot, or of a `compile`; or the `limit`s. */
export declare function optionNames(of: string): Array<string>

/** Whether sandboxes can be made here. */
export declare function probe(): Made<undefined>

/** The text of a value for a script, or of an array of some, each of which may be as deep as one alone. */
export declare function toScript(what: string, isAll: boolean, tape: Float64Array, text: string, bytes: Uint8Array): Made<string>

/** Fails, and says which of the known options is meant. */
export declare function unknownOption(what: string, name: string, known: Array<string>): Made<undefined>

/** The version of this addon, which must be the package's. */
export declare function version(): string
