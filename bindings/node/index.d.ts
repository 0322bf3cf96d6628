/// <reference lib="esnext.disposable" />

/**
 * Runs every function call behind its own hypervisor wall.
 *
 * Kinds of value and what stands for them: `bool` boolean · `i32`, `u32` a whole number in range · `i64`, `u64` bigint,
 * always · `f32`, `f64` number · `string` string · `bytes` Uint8Array · `void` undefined. Nothing is converted silently.
 */

/** What a value is. */
export type Kind = 'bool' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64' | 'string' | 'bytes'

/** What stands for a kind. */
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

/** Anything that can be an argument or a result. */
export type Value = boolean | number | bigint | string | Uint8Array

/** What a function of the host takes and returns. */
export interface Signature<P extends readonly Kind[] = readonly Kind[], R extends Kind | 'void' = Kind | 'void'> {
  /** Default: none. */
  params?: P
  /** Default: `void`. */
  returns?: R
}

/** The arguments for kinds. */
export type Arguments<P extends readonly Kind[]> = { -readonly [I in keyof P]: Values[P[I]] }

/** What a host function may return for a kind: anything for `void`. */
export type Returned<R extends Kind | 'void'> = R extends 'void' ? unknown : Values[R] | PromiseLike<Values[R]>

/** A function that the guest may call. Async ones are reached from `call`, not from `callSync`. */
export type HostFunction<P extends readonly Kind[], R extends Kind | 'void'> = (...values: Arguments<P>) => Returned<R>

/** A function of the guest. */
export interface GuestFunction {
  readonly name: string
  readonly params: Kind[]
  readonly returns: Kind | 'void'
}

/**
 * Limits of evolve and of each call. 0 is the default. In every object with options, what is `undefined` is not given, and nothing
 * is inherited.
 */
export interface Limits {
  /** Milliseconds; default and `Infinity`: no limit. A host function that is waited for counts. */
  timeoutMs?: number
  /** Milliseconds of processor time; default and `Infinity`: no limit. */
  cpuTimeMs?: number
  /** Host functions that one call may call. Default: no limit. */
  maxHostCalls?: number
  /** Bytes of log records of one call. Default: 1 MiB. */
  maxLogBytes?: number
  /** Bytes that one call may print. Default: 16 MiB. */
  maxPrintBytes?: number
}

/** Sizes are in bytes; 0 is the default. */
export interface SandboxOptions extends Limits {
  /** The guest's heap. Default: 16 MiB. */
  heapSize?: number
  /** The guest's stack. Default: 1 MiB. */
  stackSize?: number
  /** Room for the arguments of a call, and for the result of a host function. Default: 1 MiB. */
  inputSize?: number
  /** Room for the result of a call, and for the arguments of a host function. Default: 1 MiB. */
  outputSize?: number
  /** What the guest prints. Default: `process.stdout.write`. */
  print?: (text: string) => unknown
}

/**
 * Options of one call: an object behind its arguments. The first call of a sandbox starts it, its script or program included:
 * what is said here is for all of that together, and the start takes its part of the time.
 */
export interface CallOptions {
  /** Aborting stops the guest; the call rejects with the signal's reason, and the sandbox is poisoned. */
  signal?: AbortSignal
  /** Milliseconds that the call may take, in place of the sandbox's. 0: the sandbox's; `Infinity`: no limit. */
  timeoutMs?: number
  /** Milliseconds of processor time that it may use, in place of the sandbox's. 0: the sandbox's; `Infinity`: no limit. */
  cpuTimeMs?: number
}

/** Where and why the processor stopped the guest. */
export interface Fault {
  readonly kind:
    | 'null-access' | 'unmapped-access' | 'write-to-read-only' | 'execute-of-data' | 'engine-access' | 'stack-overflow'
    | 'illegal-instruction' | 'privileged-instruction' | 'general-protection' | 'division' | 'floating-point' | 'alignment'
    | 'breakpoint' | 'other'
  /** The number of the exception. */
  readonly vector: number
  /** The address of the instruction. */
  readonly instruction: bigint
  /** The memory that it wanted. */
  readonly address: bigint
  readonly access: 'none' | 'read' | 'write' | 'execute'
  /** The function that the instruction is in, if the guest has symbols. */
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

/** What a script has thrown, piece by piece. It is the script's own word: anything may be in it. */
export interface Thrown {
  /** The error's `name`; `null` of something that is no error. */
  readonly name: string | null
  readonly message: string
  readonly stack?: string
  readonly code?: string | number | boolean
  /** Another error, in this form, or any value. */
  readonly cause?: unknown
  /** Those of an `AggregateError`, in this form, or any values. */
  readonly errors?: readonly unknown[]
  /** What is no error, where it is a value that can leave the sandbox. */
  readonly value?: unknown
}

/** Every error of this package; what a host function throws comes back as it was. */
export class HyperlightError extends Error {
  constructor(code: ErrorCode | (string & {}), message: string, options?: { cause?: unknown })
  readonly code: ErrorCode | (string & {})
  /** The number that the guest gave, with `ERR_HL_GUEST_ERROR` and `ERR_HL_GUEST_ABORT`. */
  readonly guestCode?: number
  /** With `ERR_HL_GUEST_FAULT` and `ERR_HL_STACK_OVERFLOW`. */
  readonly fault?: Fault
  /** What the guest says of its error besides the message: a text of at most 64 KiB with anything in it. */
  readonly details?: string
  /** What a script has thrown, if `details` say so. */
  readonly thrown?: Thrown
  /** What a host function threw, where the guest made an error of its own of it. */
  readonly cause?: unknown
}

/** Throws `ERR_HL_HYPERVISOR_UNAVAILABLE`, with the reason and the mend, where sandboxes cannot be made. */
export function probe(): void

/** The version of this package. */
export const version: string

/** A guest program, loaded once, shared by any number of sandboxes. */
export class Guest {
  /** The path of an ELF file, or its bytes. */
  constructor(source: string | URL | Uint8Array)
  /** A guest that the package carries: `'demo'`, `'javascript'`, `'wasm'`. */
  static builtin(name: 'demo' | 'javascript' | 'wasm' | (string & {})): Guest
  /** The same guest with data, or code, in its image. */
  withPayload(payload: Uint8Array, options?: { executable?: boolean }): Guest
}

/** What a sandbox can do next. */
export type State = 'uninitialized' | 'ready' | 'running' | 'poisoned' | 'closed'

/**
 * One virtual machine with one guest. Used by one call at a time; another one meanwhile is `ERR_HL_BUSY`, and any after `close`
 * is `ERR_HL_CLOSED`.
 */
export class Sandbox {
  /** `ERR_HL_INVALID_ARGUMENT`: a size is above its maximum, or differs from the snapshot's. */
  constructor(source: Guest | Snapshot | string | URL | Uint8Array, options?: SandboxOptions)

  /** Registers a function that the guest may call, in place of one with that name. Before evolve. */
  register<const P extends readonly Kind[] = readonly [], R extends Kind | 'void' = 'void'>(
    name: string, signature: Signature<P, R>, call: HostFunction<P, R>): this
  /** Removes a host function, also `HostPrint`. Whether there was one. Before evolve. */
  unregister(name: string): boolean

  /**
   * Starts the guest; the first call does, too. `ERR_HL_STATE`: it has started. `ERR_HL_SNAPSHOT_MISMATCH`: host functions that the
   * snapshot needs are missing. After `ERR_HL_TIMEOUT`, `ERR_HL_INTERRUPTED`, `ERR_HL_GUEST_ABORT` and others of the guest's it is
   * of no more use.
   */
  evolve(options?: CallOptions): Promise<void>
  /**
   * Calls a guest function, on another thread than this one's and libuv's.
   *
   * Nothing was called: `ERR_HL_FUNCTION_NOT_FOUND`, `ERR_HL_SIGNATURE`, `ERR_HL_INVALID_ARGUMENT`, `ERR_HL_TOO_LARGE` (which also a
   * result can be), `ERR_HL_POISONED`. The function returned an error, and the sandbox is ready: `ERR_HL_GUEST_ERROR`. It was stopped
   * in the middle, and the sandbox is poisoned: `ERR_HL_TIMEOUT`, `ERR_HL_INTERRUPTED`, `ERR_HL_GUEST_ABORT`, `ERR_HL_GUEST_FAULT`,
   * `ERR_HL_STACK_OVERFLOW`, `ERR_HL_GUEST_OUT_OF_MEMORY`, `ERR_HL_PROTOCOL`. What a host function threw, and the guest passed on,
   * comes as it was; what the engine said in its place is `ERR_HL_HOST_FUNCTION` with a `cause`.
   */
  call<T extends Value | undefined = any>(name: string, ...values: [...Value[], CallOptions]): Promise<T>
  call<T extends Value | undefined = any>(name: string, ...values: Value[]): Promise<T>
  /** Calls a guest function on this thread, which does nothing else meanwhile. */
  callSync<T extends Value | undefined = any>(name: string, ...values: [...Value[], Omit<CallOptions, 'signal'>]): T
  callSync<T extends Value | undefined = any>(name: string, ...values: Value[]): T

  /** Takes a picture of the sandbox, which must be ready: else `ERR_HL_STATE` or `ERR_HL_POISONED`. */
  snapshot(): Promise<Snapshot>
  /**
   * Brings the guest back to where the snapshot was taken; a poisoned sandbox is ready again. `ERR_HL_SNAPSHOT_MISMATCH`: the
   * snapshot is of another guest or other sizes, or needs other host functions. `ERR_HL_STATE`: it has not evolved.
   */
  restore(snapshot: Snapshot): Promise<void>

  /** What the guest can do, once it has evolved; `ERR_HL_STATE` before. */
  readonly functions: GuestFunction[]
  readonly state: State
  /** Stops the running call, which rejects with `ERR_HL_INTERRUPTED`. Whether there was one. */
  interrupt(): boolean
  /** Frees everything: now, or when the running call ends. */
  close(): void
  [Symbol.dispose](): void
  /** Closes, and waits for the running call. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What a snapshot file may bring, in bytes. 0 is the default. */
export interface SnapshotLoadOptions {
  /** Memory that the file may hold, and its guest's program and payloads, zeros included. Default: 1 GiB. */
  maxSize?: number
  /** The heap, the stack and each call buffer, whether the file holds anything of them or not. Default: 1 GiB. */
  maxHeapSize?: number
}

/**
 * An immutable picture of a sandbox: memory and processor. It holds all that the guest held, secrets included, and is as
 * trustworthy as where it came from.
 */
export class Snapshot {
  private constructor()
  /**
   * Reads a snapshot from a file, which is not needed afterwards. Blocks this thread while it reads and checks all of the file.
   * `ERR_HL_IO`: it cannot be read. `ERR_HL_SNAPSHOT_FILE`: it is damaged, of another version, larger than the options allow, or
   * needs a processor with other features.
   */
  static load(path: string | URL, options?: SnapshotLoadOptions): Snapshot
  /**
   * Writes it to a file that its owner alone can read, whole or not at all, on another thread. Only a regular file is replaced: not
   * a folder, a FIFO, a device, a socket or a symbolic link. `ERR_HL_IO`: it cannot be written.
   */
  save(path: string | URL): Promise<void>
}

/** A host function of a pool: its signature and the function itself, which serves several members at once. */
export interface PoolHostFunction extends Signature {
  call: (...values: any[]) => unknown
}

/** The limits are those of every member. */
export interface PoolOptions extends Limits {
  /** Members at most. Default: twice the processors. */
  size?: number
  /** Members kept in reserve. Default: none. */
  minIdle?: number
  /**
   * Milliseconds that `acquire` and `call` wait while all members are in use; then `ERR_HL_POOL_TIMEOUT`. Left out and `Infinity`: for
   * ever. 0: not at all. A member that was closed is in use until its call has ended.
   */
  acquireTimeoutMs?: number
  /** What the guests print. Default: `process.stdout.write`. */
  print?: (text: string) => unknown
  /** The functions that guests may call, by name. */
  hostFunctions?: Record<string, PoolHostFunction>
}

/** What a pool has done and has. */
export interface PoolStatistics {
  /** Members that somebody has. */
  readonly inUse: number
  /** Members that are ready. */
  readonly idle: number
  /** Members that were made. */
  readonly created: number
  /** Members that could not be brought back, and were dropped. */
  readonly replaced: number
  /** Calls and acquisitions that had to wait. */
  readonly waits: number
  /** How long they waited, together. */
  readonly waitedMs: number
}

/** Sandboxes kept ready from one snapshot; every member is handed out as the snapshot has it. */
export class SandboxPool {
  constructor(snapshot: Snapshot, options?: PoolOptions)
  /** A call in a pristine member. As `Sandbox.call`, and as `acquire`. */
  call<T extends Value | undefined = any>(name: string, ...values: [...Value[], CallOptions]): Promise<T>
  call<T extends Value | undefined = any>(name: string, ...values: Value[]): Promise<T>
  /**
   * A pristine member; closing it gives it back. `ERR_HL_POOL_TIMEOUT`: none came free within `acquireTimeoutMs`. `ERR_HL_CLOSED`: the
   * pool was closed. `ERR_HL_SNAPSHOT_MISMATCH`: it lacks host functions that the snapshot needs.
   */
  acquire(options?: { signal?: AbortSignal }): Promise<Sandbox>
  readonly statistics: PoolStatistics
  /** Members that are out go away when they are closed. */
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What scripts are given and return: JSON, and `bigint`, `Uint8Array`, `NaN`, `Infinity` and `-0` as they are. What has a
 * `toJSON` is what that says; instances of classes are their own properties. Functions, symbols, cycles, and objects that hold
 * more than properties are refused: maps, sets, errors, promises, other arrays of bytes, and instances without any.
 *
 * Arrays and objects may be nested 512 levels deep, and a `bigint` is less than 2^65536 and more than its negative, both ways: beyond
 * it is `ERR_HL_TOO_LARGE`, which says so, and leaves the sandbox ready.
 */
export type Json =
  | null | undefined | boolean | number | bigint | string | Uint8Array | ArrayBuffer
  | { toJSON(): unknown } | readonly Json[] | { readonly [name: string]: Json }

/** A host function with a signature; only values of those kinds cross. */
export interface TypedHostFunction<P extends readonly Kind[] = any, R extends Kind | 'void' = any> extends Signature<P, R> {
  call: (...values: any[]) => unknown
}

/**
 * A host function without a signature that says how many arguments the guest may give it. A plain function gets those of its
 * parameters that have no default, as its `length` counts them: more is `ERR_HL_SIGNATURE` in the guest.
 */
export interface CountedHostFunction {
  call: (...values: any[]) => unknown
  /** So many at most: parameters with defaults among them, and for functions that do not say (bound ones, proxies). */
  arity?: number
  /** Any number, for rest parameters: everything that the function takes, the guest may choose. */
  openArity?: boolean
}

/** Host functions of scripts. One without a signature takes and returns any JSON values; it may be async when it is reached from `call`. */
export type ScriptHostFunctions = Record<string, ((...values: any[]) => unknown) | TypedHostFunction | CountedHostFunction>

export interface JavaScriptOptions extends SandboxOptions {
  /** What the script finds as `host.NAME(…)`. */
  hostFunctions?: ScriptHostFunctions
  /** What the script may import, by name: sources, or the `file:` URLs of files. */
  modules?: Record<string, string | URL>
}

/** JavaScript (ES2023) in a sandbox. The script runs when the sandbox evolves; then its functions can be called. */
export class JavaScript {
  /** A source; the `file:` URL of one; or a snapshot, whose script goes on. With `import` or `export` it is a module. */
  constructor(source: string | URL | Snapshot, options?: JavaScriptOptions)
  /** Starts the sandbox and runs the script; the first call does, too. If the script fails, it is closed. */
  evolve(options?: CallOptions): Promise<void>
  /** The value of a piece of source, run in the script's global scope. A promise is awaited. Errors are as of `call`. */
  eval<T = any>(source: string, options?: CallOptions): Promise<T>
  evalSync<T = any>(source: string, options?: Omit<CallOptions, 'signal'>): T
  /**
   * Calls a function by its name: one that the script exports, or a global one; `a.b` is a method. A promise is awaited.
   *
   * `ERR_HL_GUEST_ERROR`: the script threw; the message has its text and its stack. `ERR_HL_FUNCTION_NOT_FOUND`: it has no such function.
   * `ERR_HL_INVALID_ARGUMENT`: a value is none that a script can get. Others are as of `Sandbox.call`.
   */
  call<T = any>(name: string, values?: readonly Json[], options?: CallOptions): Promise<T>
  /** On this thread, which does nothing else meanwhile. */
  callSync<T = any>(name: string, values?: readonly Json[], options?: Omit<CallOptions, 'signal'>): T
  /** Runs one more script or module; `name` is what stacks call it. */
  load(source: string | URL, options?: CallOptions & { name?: string }): Promise<void>
  snapshot(): Promise<Snapshot>
  restore(snapshot: Snapshot): Promise<void>
  /** A pool of this script as it is now, with its host functions, limits and `print`: the way to serve requests. */
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

/** Scripts kept warm: every call finds the script as the snapshot has it. */
export class JavaScriptPool {
  constructor(snapshot: Snapshot, options?: JavaScriptPoolOptions)
  eval<T = any>(source: string, options?: CallOptions): Promise<T>
  call<T = any>(name: string, values?: readonly Json[], options?: CallOptions): Promise<T>
  /** A pristine member; closing it gives it back. */
  acquire(options?: { signal?: AbortSignal }): Promise<JavaScript>
  readonly statistics: PoolStatistics
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** What a program finds around itself by WASI (preview 1). */
export interface WasiOptions {
  /** The arguments, the program's name first. */
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Files that it can read, by path: their contents. */
  files?: Readonly<Record<string, string | Uint8Array>>
}

/** What a program may ask of the compiler. */
export interface WasmProgramOptions {
  /** Bytes of the program at most; 64 MiB unless given. */
  maxProgramSize?: number
  /** How long compiling may take: a minute unless given, and some seconds longer where the program is made for that. */
  compileTimeoutMs?: number
  /** Processors that compile at most; all that are available to the process unless given, which is also the most for all together. */
  compileThreads?: number
}

/** What a program may ask of the compiler means nothing for a `WasmProgram` or a `Snapshot`. */
export interface WasmOptions extends SandboxOptions, WasmProgramOptions {
  wasi?: WasiOptions
  /** A snapshot of the same program and `wasi` to go on from: one that was loaded does not know its functions' types. */
  snapshot?: Snapshot
  /** What the program imports, by name: `'add'` for a function of the module `env`, `'module.add'` for others,
   *  `'interface#add'` for components. A plain function has the signature of the import, which has no more parameters than it. */
  hostFunctions?: ScriptHostFunctions
}

/** A function that a program exports. `'json'`: a value of the type that the signature says. */
export interface WasmFunction {
  readonly name: string
  readonly params: (Kind | 'json')[]
  readonly returns: Kind | 'json' | 'void'
  /** For people: `fib(i32) -> i64`. */
  readonly signature?: string
}

/** A WebAssembly module or component, compiled, for any number of sandboxes; it can be kept as bytes. */
export class WasmProgram {
  /** The bytes of a program, or the path of its file. Compiles on this thread. */
  constructor(source: Uint8Array | string | URL, options?: WasmProgramOptions)
  /** The same, compiled on another thread. */
  static compile(source: Uint8Array | string | URL, options?: WasmProgramOptions): Promise<WasmProgram>
  /**
   * A program from what `toBytes` gave, by the same version of this package, on a processor with the same features. The bytes may come
   * from anybody: the program can do nothing but what its sandbox lets it do. `ERR_HL_GUEST_BINARY`: they are damaged, of another
   * version or for another processor; compile the program anew.
   */
  static fromBytes(bytes: Uint8Array): WasmProgram
  /** What `fromBytes` takes. Arguments, environment and files are not part of it. */
  toBytes(): Uint8Array
}

/**
 * A WebAssembly module or component in a sandbox. `i64` is always `bigint`; several results of a core function are an
 * array; records, variants, options and lists of components are JSON-like values.
 */
export class Wasm {
  /** The bytes of a program; the path of its file; one that was compiled; or a snapshot, whose program goes on. Compiles on this thread. */
  constructor(source: Uint8Array | string | URL | WasmProgram | Snapshot, options?: WasmOptions)
  /** The same for a program, compiled on another thread: on as many at once as there are processors. */
  static compile(source: Uint8Array | string | URL | WasmProgram, options?: WasmOptions): Promise<Wasm>
  /** Starts the sandbox and the program; the first call does, too. */
  evolve(options?: CallOptions): Promise<void>
  /** What the program exports. */
  readonly functions: WasmFunction[]
  /**
   * Calls an exported function. Behind its arguments there may be an object with the options of the call.
   *
   * `ERR_HL_GUEST_ERROR`: it trapped. A module can be called again; a component must be restored first. Others are as of
   * `Sandbox.call`.
   */
  call<T = any>(name: string, ...values: any[]): Promise<T>
  /** On this thread, which does nothing else meanwhile. */
  callSync<T = any>(name: string, ...values: any[]): T
  /** Runs a WASI command; its exit code. */
  run(options?: CallOptions): Promise<number>
  runSync(options?: Omit<CallOptions, 'signal'>): number
  /** A memory that the program exports. Default: `'memory'`. */
  memory(name?: string): WasmMemory
  snapshot(): Promise<Snapshot>
  restore(snapshot: Snapshot): Promise<void>
  /** A pool of this program as it is now, with its host functions, limits and `print`. */
  pool(options?: Omit<PoolOptions, 'hostFunctions'>): Promise<WasmPool>
  readonly state: State
  interrupt(): boolean
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** A linear memory, which the program may be growing. What is read is a copy. */
export class WasmMemory {
  private constructor()
  /** Bytes. */
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

/** Programs kept warm: every call finds the program as the snapshot has it. */
export class WasmPool {
  constructor(snapshot: Snapshot, options?: WasmPoolOptions)
  call<T = any>(name: string, ...values: any[]): Promise<T>
  run(options?: CallOptions): Promise<number>
  /** A pristine member; closing it gives it back. */
  acquire(options?: { signal?: AbortSignal }): Promise<Wasm>
  readonly statistics: PoolStatistics
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}
