/// <reference lib="esnext.disposable" />

import type { CallLimits, CompileBounds, Limits, LoadBounds, PoolSizes, Sizes } from './options'

export type { CallLimits, CompileBounds, Limits, LoadBounds, PoolSizes, Sizes }

/**
 * Runs every function call behind its own hypervisor wall.
 *
 * Kinds of value and their JavaScript types: `bool` boolean · `i32`, `u32` a whole number in range · `i64`, `u64`
 * always bigint · `f32`, `f64` number · `string` string · `bytes` Uint8Array · `void` undefined. Nothing is converted
 * silently.
 */

/** The kind of a value. */
export type Kind = 'bool' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64' | 'string' | 'bytes'

/** The JavaScript type of a kind. */
export interface Values {
  void: undefined
  bool: boolean
  i32: number
  u32: number
  i64: bigint
  u64: bigint
  f32: number
  f64: number
  string: string
  bytes: Uint8Array
}

/** Any argument or result. */
export type Value = boolean | number | bigint | string | Uint8Array

/** The kinds of a host function's parameters and of its result. */
export interface Signature<P extends readonly Kind[] = readonly Kind[], R extends Kind | 'void' = Kind | 'void'> {
  /** Default: none. */
  params?: P
  /** Default: `void`. */
  returns?: R
}

/** The argument types for kinds. */
export type Arguments<P extends readonly Kind[]> = { -readonly [I in keyof P]: Values[P[I]] }

/** The result type of a host function for a kind: anything for `void`. */
export type Returned<R extends Kind | 'void'> = R extends 'void' ? unknown : Values[R] | PromiseLike<Values[R]>

/** A function that the guest may call. It may be async for `call`, but not for `callSync`. */
export type HostFunction<P extends readonly Kind[], R extends Kind | 'void'> = (...values: Arguments<P>) => Returned<R>

/** A function of the guest. */
export interface GuestFunction {
  readonly name: string
  readonly params: Kind[]
  readonly returns: Kind | 'void'
}

/**
 * The options of a sandbox: sizes and limits. 0 is the default. In every object with options, `undefined` means not
 * given, and inherited properties are ignored.
 */
export interface SandboxOptions extends Sizes, Limits {
  /** Receives the guest's output. Default: `process.stdout.write`. */
  print?: (text: string) => unknown
}

/**
 * Options of one call: an object after its arguments. The first call also starts the sandbox, its script or program
 * included. The limits then cover all of that together.
 */
export interface CallOptions extends CallLimits {
  /** Aborting stops the guest; the call rejects with the signal's reason, and the sandbox is poisoned. */
  signal?: AbortSignal
}

/** Place and reason of a fault. */
export interface Fault {
  readonly kind:
    | 'null-access' | 'unmapped-access' | 'write-to-read-only' | 'execute-of-data' | 'engine-access' | 'stack-overflow'
    | 'illegal-instruction' | 'privileged-instruction' | 'general-protection' | 'division' | 'floating-point' | 'alignment'
    | 'breakpoint' | 'other'
  /** The number of the exception. */
  readonly vector: number
  /** The address of the instruction. */
  readonly instruction: bigint
  /** The address of the memory that the instruction accessed. */
  readonly address: bigint
  readonly access: 'none' | 'read' | 'write' | 'execute'
  /** The function that contains the instruction, if the guest has symbols. */
  readonly function?: string
}

/** The codes there are; more may come. Written by `cargo xtask generate`, not by hand. */
/* codes */
export type ErrorCode =
  /** An argument that no sandbox could accept. The sandbox is unchanged. */
  | 'ERR_HL_INVALID_ARGUMENT'
  /** There is no usable hypervisor; the message says why and what mends it. */
  | 'ERR_HL_HYPERVISOR_UNAVAILABLE'
  /** The guest program cannot be loaded. */
  | 'ERR_HL_GUEST_BINARY'
  /** The host lacks memory, file descriptors or virtual machines. The sandbox is unchanged, or poisoned if this struck
   * inside a call. */
  | 'ERR_HL_RESOURCE'
  /** There is no function of that name. */
  | 'ERR_HL_FUNCTION_NOT_FOUND'
  /** The arguments do not fit the function's signature. */
  | 'ERR_HL_SIGNATURE'
  /** A payload does not fit its buffer; the message names the option to raise. */
  | 'ERR_HL_TOO_LARGE'
  /** The guest function returned an error. The sandbox is ready. */
  | 'ERR_HL_GUEST_ERROR'
  /** A host function failed, and the guest passed its error on. */
  | 'ERR_HL_HOST_FUNCTION'
  /** The guest panicked or gave up. The sandbox is poisoned. */
  | 'ERR_HL_GUEST_ABORT'
  /** The guest did something that the processor or the hypervisor forbids. The sandbox is poisoned. */
  | 'ERR_HL_GUEST_FAULT'
  /** The guest used up its stack. The sandbox is poisoned. */
  | 'ERR_HL_STACK_OVERFLOW'
  /** The guest used up its heap. The sandbox is poisoned. */
  | 'ERR_HL_GUEST_OUT_OF_MEMORY'
  /** The call took longer than it may. The sandbox is poisoned. */
  | 'ERR_HL_TIMEOUT'
  /** The call was interrupted. The sandbox is poisoned. */
  | 'ERR_HL_INTERRUPTED'
  /** An earlier call was stopped in the middle. Only a restore mends the sandbox. */
  | 'ERR_HL_POISONED'
  /** The sandbox is in use: by another thread, or by the call that this came from. The sandbox is unchanged. */
  | 'ERR_HL_BUSY'
  /** The sandbox is in the wrong state for this, such as one that has not started. The sandbox is unchanged. */
  | 'ERR_HL_STATE'
  /** A snapshot does not belong to this guest, or needs other host functions. */
  | 'ERR_HL_SNAPSHOT_MISMATCH'
  /** A snapshot file is damaged, or of another version or processor. */
  | 'ERR_HL_SNAPSHOT_FILE'
  /** Reading or writing a file failed. */
  | 'ERR_HL_IO'
  /** The guest broke the wire contract. The sandbox is poisoned. */
  | 'ERR_HL_PROTOCOL'
  /** The sandbox, or the pool, was closed. */
  | 'ERR_HL_CLOSED'
  /** No member of the pool came free in time. */
  | 'ERR_HL_POOL_TIMEOUT'
  /** A bug of this library, or a panic in a host function, contained. The sandbox is poisoned. */
  | 'ERR_HL_INTERNAL'
/* end of codes */

/** A script's exception, as fields. They come from the script: anything may be in them. */
export interface Thrown {
  /** The error's `name`; `null` if the exception is not an error. */
  readonly name: string | null
  readonly message: string
  readonly stack?: string
  readonly code?: string | number | boolean
  /** Another error, in this form, or any value. */
  readonly cause?: unknown
  /** The errors of an `AggregateError`, in this form, or any values. */
  readonly errors?: readonly unknown[]
  /** The thrown value, if it is not an error and can be passed. */
  readonly value?: unknown
}

/** Every error of this package. An exception of a host function is rethrown unchanged. */
export class HyperlightError extends Error {
  constructor(code: ErrorCode | (string & {}), message: string, options?: { cause?: unknown })
  readonly code: ErrorCode | (string & {})
  /** The number that the guest gave, with `ERR_HL_GUEST_ERROR` and `ERR_HL_GUEST_ABORT`. */
  readonly guestCode?: number
  /** Place and reason, with `ERR_HL_GUEST_FAULT` and `ERR_HL_STACK_OVERFLOW`. */
  readonly fault?: Fault
  /** The guest's details of its error: an untrusted text of at most 64 KiB. */
  readonly details?: string
  /** The script's exception, if `details` have one. */
  readonly thrown?: Thrown
  /** The exception of a host function, if the guest turned it into an error of its own. */
  readonly cause?: unknown
}

/** Throws `ERR_HL_HYPERVISOR_UNAVAILABLE`, with the reason and the fix, if sandboxes cannot be made. */
export function probe(): void

/** The version of this package. */
export const version: string

/** A guest program, loaded once. Any number of sandboxes may share it. */
export class Guest {
  /** Loads the ELF file at a path, or its bytes. */
  constructor(source: string | URL | Uint8Array)
  /** Loads a guest that the package carries: `'demo'`, `'javascript'`, `'wasm'`. */
  static builtin(name: 'demo' | 'javascript' | 'wasm' | (string & {})): Guest
  /** Makes a copy of the guest with data or code added to its image. */
  withPayload(payload: Uint8Array, options?: { executable?: boolean }): Guest
}

/** The state of a sandbox. */
export type State = 'uninitialized' | 'ready' | 'running' | 'poisoned' | 'closed'

/**
 * One virtual machine with one guest. It runs one call at a time; another call meanwhile is `ERR_HL_BUSY`, and any call
 * after `close` is `ERR_HL_CLOSED`.
 */
export class Sandbox {
  /** Makes a sandbox. `ERR_HL_INVALID_ARGUMENT`: a size is above its maximum, or differs from the snapshot's. */
  constructor(source: Guest | Snapshot | string | URL | Uint8Array, options?: SandboxOptions)

  /** Registers a host function, before evolve. It replaces one of the same name. */
  register<const P extends readonly Kind[] = readonly [], R extends Kind | 'void' = 'void'>(
    name: string, signature: Signature<P, R>, call: HostFunction<P, R>): this
  /** Removes a host function, before evolve; also `HostPrint`. Returns true if there was one. */
  unregister(name: string): boolean

  /**
   * Starts the guest, as the first call does. `ERR_HL_STATE`: it has started. `ERR_HL_SNAPSHOT_MISMATCH`: host
   * functions of the snapshot are missing. After `ERR_HL_TIMEOUT`, `ERR_HL_INTERRUPTED`, `ERR_HL_GUEST_ABORT` and other
   * errors of the guest, the sandbox can only be closed.
   */
  evolve(options?: CallOptions): Promise<void>
  /**
   * Calls a guest function, on a thread that is neither this one nor libuv's.
   *
   * Nothing was called: `ERR_HL_FUNCTION_NOT_FOUND`, `ERR_HL_SIGNATURE`, `ERR_HL_INVALID_ARGUMENT`, `ERR_HL_POISONED`,
   * or `ERR_HL_TOO_LARGE` (also for a result). The function returned an error, and the sandbox is ready:
   * `ERR_HL_GUEST_ERROR`. It was stopped in the middle, and the sandbox is poisoned: `ERR_HL_TIMEOUT`,
   * `ERR_HL_INTERRUPTED`, `ERR_HL_GUEST_ABORT`, `ERR_HL_GUEST_FAULT`, `ERR_HL_STACK_OVERFLOW`,
   * `ERR_HL_GUEST_OUT_OF_MEMORY`, `ERR_HL_PROTOCOL`. An exception of a host function that the guest passed on is
   * rethrown unchanged. An error of the engine in its place is `ERR_HL_HOST_FUNCTION` with a `cause`.
   */
  call<T extends Value | undefined = any>(name: string, ...values: [...Value[], CallOptions]): Promise<T>
  call<T extends Value | undefined = any>(name: string, ...values: Value[]): Promise<T>
  /** Calls a guest function on this thread, and blocks it meanwhile. */
  callSync<T extends Value | undefined = any>(name: string, ...values: [...Value[], Omit<CallOptions, 'signal'>]): T
  callSync<T extends Value | undefined = any>(name: string, ...values: Value[]): T

  /** Takes a snapshot of the sandbox, which must be ready: otherwise `ERR_HL_STATE` or `ERR_HL_POISONED`. */
  snapshot(): Promise<Snapshot>
  /**
   * Restores the guest to the snapshot; a poisoned sandbox is ready again. `ERR_HL_SNAPSHOT_MISMATCH`: the snapshot is
   * of another guest or other sizes, or needs other host functions. `ERR_HL_STATE`: the sandbox has not evolved.
   */
  restore(snapshot: Snapshot): Promise<void>

  /** The guest's functions, once it has evolved; `ERR_HL_STATE` before. */
  readonly functions: GuestFunction[]
  readonly state: State
  /** Cancels the running call, which rejects with `ERR_HL_INTERRUPTED`. Returns true if there was one. */
  interrupt(): boolean
  /** Frees everything: now, or when the running call ends. */
  close(): void
  [Symbol.dispose](): void
  /** Closes, and waits for the running call. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Limits on a snapshot file. */
export type SnapshotLoadOptions = LoadBounds

/**
 * The immutable state of a sandbox: memory and processor. It holds all of the guest's memory, secrets included, and is
 * as trustworthy as its source.
 */
export class Snapshot {
  private constructor()
  /**
   * Reads a snapshot from a file, which is not needed afterwards. Blocks this thread while it reads and checks the
   * file. `ERR_HL_IO`: it cannot be read. `ERR_HL_SNAPSHOT_FILE`: it is damaged, of another version, larger than the
   * options allow, or needs a processor with other features.
   */
  static load(path: string | URL, options?: SnapshotLoadOptions): Snapshot
  /**
   * Writes it to a file, atomically, on another thread. Only the owner can read the file. Only a regular file is
   * replaced: not a folder, a FIFO, a device, a socket or a symbolic link. `ERR_HL_IO`: it cannot be written.
   */
  save(path: string | URL): Promise<void>
}

/** A host function of a pool: its signature and the function itself, which serves several members at once. */
export interface PoolHostFunction extends Signature {
  call: (...values: any[]) => unknown
}

/**
 * The options of a pool. The limits apply to each member. A closed member counts as in use until its call has ended.
 */
export interface PoolOptions extends PoolSizes, Limits {
  /** Receives the guests' output. Default: `process.stdout.write`. */
  print?: (text: string) => unknown
  /** The functions that guests may call, by name. */
  hostFunctions?: Record<string, PoolHostFunction>
}

/** Statistics of a pool. */
export interface PoolStatistics {
  /** Members in use. */
  readonly inUse: number
  /** Members that are ready. */
  readonly idle: number
  /** Members made so far. */
  readonly created: number
  /** Members dropped because they could not be restored. */
  readonly replaced: number
  /** Calls and acquisitions that had to wait. */
  readonly waits: number
  /** Total time that they waited. */
  readonly waitedMs: number
}

/** Sandboxes kept ready from one snapshot; every member is handed out in the snapshot's state. */
export class SandboxPool {
  constructor(snapshot: Snapshot, options?: PoolOptions)
  /** Calls a function in a pristine member. Errors are those of `Sandbox.call` and of `acquire`. */
  call<T extends Value | undefined = any>(name: string, ...values: [...Value[], CallOptions]): Promise<T>
  call<T extends Value | undefined = any>(name: string, ...values: Value[]): Promise<T>
  /**
   * Acquires a pristine member; closing it gives it back. `ERR_HL_POOL_TIMEOUT`: none came free within
   * `acquireTimeoutMs`. `ERR_HL_CLOSED`: the pool was closed. `ERR_HL_SNAPSHOT_MISMATCH`: it lacks host functions that
   * the snapshot needs.
   */
  acquire(options?: { signal?: AbortSignal }): Promise<Sandbox>
  readonly statistics: PoolStatistics
  /** Closes the pool. Members in use are destroyed when they are closed. */
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Values that scripts receive and return: JSON, and `bigint`, `Uint8Array`, `NaN`, `Infinity` and `-0` as they are. An
 * object with a `toJSON` becomes its result; instances of classes become their own properties. Functions, symbols,
 * cycles, and objects that hold more than properties are refused: maps, sets, errors, promises, other arrays of bytes,
 * and instances without properties.
 *
 * Arrays and objects may be nested 512 levels deep, and the magnitude of a `bigint` is less than 2^65536, in both
 * directions. Larger values are `ERR_HL_TOO_LARGE`, which leaves the sandbox ready.
 */
export type Json =
  | null | undefined | boolean | number | bigint | string | Uint8Array | ArrayBuffer
  | { toJSON(): unknown } | readonly Json[] | { readonly [name: string]: Json }

/** A host function with a signature; only values of those kinds are passed. */
export interface TypedHostFunction<P extends readonly Kind[] = any, R extends Kind | 'void' = any> extends Signature<P, R> {
  call: (...values: any[]) => unknown
}

/**
 * A host function without a signature, with the number of arguments that the guest may pass. A plain function gets its
 * parameters without a default, as its `length` counts them: more arguments are `ERR_HL_SIGNATURE` in the guest.
 */
export interface CountedHostFunction {
  call: (...values: any[]) => unknown
  /**
   * Maximum number of arguments. It may include parameters with defaults, and is needed for functions that do not tell
   * (bound ones, proxies).
   */
  arity?: number
  /** Any number, for rest parameters: the guest may choose every argument. */
  openArity?: boolean
}

/** Host functions of scripts. One without a signature takes and returns any JSON values; it may be async for `call`. */
export type ScriptHostFunctions = Record<string, ((...values: any[]) => unknown) | TypedHostFunction | CountedHostFunction>

export interface JavaScriptOptions extends SandboxOptions {
  /** Host functions, which the script calls as `host.NAME(…)`. */
  hostFunctions?: ScriptHostFunctions
  /** Modules that the script may import, by name: sources, or the `file:` URLs of files. */
  modules?: Record<string, string | URL>
}

/** JavaScript (ES2023) in a sandbox. The script runs when the sandbox evolves. Then its functions can be called. */
export class JavaScript {
  /**
   * Takes a source, the `file:` URL of one, or a snapshot whose script continues. With `import` or `export` the source
   * is a module.
   */
  constructor(source: string | URL | Snapshot, options?: JavaScriptOptions)
  /** Starts the sandbox and runs the script, as the first call does. If the script fails, the sandbox is closed. */
  evolve(options?: CallOptions): Promise<void>
  /**
   * Runs source in the script's global scope, and returns its value. A promise is awaited. Errors are those of `call`.
   */
  eval<T = any>(source: string, options?: CallOptions): Promise<T>
  evalSync<T = any>(source: string, options?: Omit<CallOptions, 'signal'>): T
  /**
   * Calls a function by its name: one that the script exports, or a global one; `a.b` is a method. A promise is
   * awaited.
   *
   * `ERR_HL_GUEST_ERROR`: the script threw; the message has its text and its stack. `ERR_HL_FUNCTION_NOT_FOUND`: it has
   * no such function. `ERR_HL_INVALID_ARGUMENT`: a value cannot be passed to a script. Other errors are those of
   * `Sandbox.call`.
   */
  call<T = any>(name: string, values?: readonly Json[], options?: CallOptions): Promise<T>
  /** Calls on this thread, and blocks it meanwhile. */
  callSync<T = any>(name: string, values?: readonly Json[], options?: Omit<CallOptions, 'signal'>): T
  /** Runs another script or module; `name` is its name in stacks. */
  load(source: string | URL, options?: CallOptions & { name?: string }): Promise<void>
  snapshot(): Promise<Snapshot>
  restore(snapshot: Snapshot): Promise<void>
  /**
   * Makes a pool of this script in its current state, with its host functions, limits and `print`. Use it to serve
   * requests.
   */
  pool(options?: Omit<PoolOptions, 'hostFunctions'>): Promise<JavaScriptPool>
  readonly state: State
  interrupt(): boolean
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

export interface JavaScriptPoolOptions extends Omit<PoolOptions, 'hostFunctions'> {
  hostFunctions?: ScriptHostFunctions
}

/** Scripts kept warm: every call gets the script in the snapshot's state. */
export class JavaScriptPool {
  constructor(snapshot: Snapshot, options?: JavaScriptPoolOptions)
  eval<T = any>(source: string, options?: CallOptions): Promise<T>
  call<T = any>(name: string, values?: readonly Json[], options?: CallOptions): Promise<T>
  /** Acquires a pristine member; closing it gives it back. */
  acquire(options?: { signal?: AbortSignal }): Promise<JavaScript>
  readonly statistics: PoolStatistics
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** The environment of a program under WASI (preview 1). */
export interface WasiOptions {
  /** The arguments, the program's name first. */
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Read-only files: contents by path. */
  files?: Readonly<Record<string, string | Uint8Array>>
}

/** The limits of the compiler. */
export type WasmProgramOptions = CompileBounds

/** The limits of the compiler are ignored for a `WasmProgram` or a `Snapshot`. */
export interface WasmOptions extends SandboxOptions, CompileBounds {
  wasi?: WasiOptions
  /**
   * A snapshot of the same program and `wasi` to continue from: a loaded snapshot does not know the types of its
   * functions.
   */
  snapshot?: Snapshot
  /**
   * Imported functions by name: `'add'` for the module `env`, `'module.add'` for others, `'interface#add'` for
   * components. A plain function has the signature of its import, and no more parameters than that.
   */
  hostFunctions?: ScriptHostFunctions
}

/** An exported function of a program. `'json'`: a value of the type in the signature. */
export interface WasmFunction {
  readonly name: string
  readonly params: (Kind | 'json')[]
  readonly returns: Kind | 'json' | 'void'
  /** The signature as text: `fib(i32) -> i64`. */
  readonly signature?: string
}

/** A compiled WebAssembly module or component, for any number of sandboxes. It can be saved as bytes. */
export class WasmProgram {
  /** Compiles the bytes of a program, or the file at a path, on this thread. */
  constructor(source: Uint8Array | string | URL, options?: WasmProgramOptions)
  /** Does the same on another thread. */
  static compile(source: Uint8Array | string | URL, options?: WasmProgramOptions): Promise<WasmProgram>
  /**
   * Loads a program from the bytes of `toBytes`, by the same version of this package, on a processor with the same
   * features. The bytes may be untrusted: the program can do only what its sandbox allows. `ERR_HL_GUEST_BINARY`: they
   * are damaged, of another version or for another processor; compile the program again.
   */
  static fromBytes(bytes: Uint8Array): WasmProgram
  /** Returns bytes for `fromBytes`, without arguments, environment and files. */
  toBytes(): Uint8Array
}

/**
 * A WebAssembly module or component in a sandbox. `i64` is always `bigint`; several results of a core function are an
 * array; records, variants, options and lists of components are JSON-like values.
 */
export class Wasm {
  /**
   * Takes the bytes of a program, the path of its file, a compiled program, or a snapshot whose program continues.
   * Compiles on this thread.
   */
  constructor(source: Uint8Array | string | URL | WasmProgram | Snapshot, options?: WasmOptions)
  /**
   * Does the same for a program, compiled on another thread. At most as many compilations as processors run at once.
   */
  static compile(source: Uint8Array | string | URL | WasmProgram, options?: WasmOptions): Promise<Wasm>
  /** Starts the sandbox and the program, as the first call does. */
  evolve(options?: CallOptions): Promise<void>
  /** The exported functions. */
  readonly functions: WasmFunction[]
  /**
   * Calls an exported function with an array of arguments, of the types of its signature.
   *
   * `ERR_HL_GUEST_ERROR`: it trapped. A module can be called again; a component must be restored first. Other errors
   * are those of `Sandbox.call`.
   */
  call<T = any>(name: string, values?: readonly any[], options?: CallOptions): Promise<T>
  /** Calls on this thread, and blocks it meanwhile. */
  callSync<T = any>(name: string, values?: readonly any[], options?: Omit<CallOptions, 'signal'>): T
  /** Runs a WASI command; returns its exit code. */
  run(options?: CallOptions): Promise<number>
  runSync(options?: Omit<CallOptions, 'signal'>): number
  /** An exported memory. Default: `'memory'`. */
  memory(name?: string): WasmMemory
  snapshot(): Promise<Snapshot>
  restore(snapshot: Snapshot): Promise<void>
  /** Makes a pool of this program in its current state, with its host functions, limits and `print`. */
  pool(options?: Omit<PoolOptions, 'hostFunctions'>): Promise<WasmPool>
  readonly state: State
  interrupt(): boolean
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** A linear memory, which may grow while the program runs. Reads return copies. */
export class WasmMemory {
  private constructor()
  /** The size in bytes. */
  size(): Promise<number>
  read(offset: number, length: number): Promise<Uint8Array>
  write(offset: number, bytes: Uint8Array): Promise<void>
  sizeSync(): number
  readSync(offset: number, length: number): Uint8Array
  writeSync(offset: number, bytes: Uint8Array): void
}

export interface WasmPoolOptions extends Omit<PoolOptions, 'hostFunctions'> {
  hostFunctions?: ScriptHostFunctions
}

/** Programs kept warm: every call gets the program in the snapshot's state. */
export class WasmPool {
  constructor(snapshot: Snapshot, options?: WasmPoolOptions)
  call<T = any>(name: string, values?: readonly any[], options?: CallOptions): Promise<T>
  run(options?: CallOptions): Promise<number>
  /** Acquires a pristine member; closing it gives it back. */
  acquire(options?: { signal?: AbortSignal }): Promise<Wasm>
  readonly statistics: PoolStatistics
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}
