// The options that are numbers. Written by `cargo xtask generate`: do not edit.
// They are made of the table of options, core/src/options.

/** Limits of evolve and of each call. 0 is the default. */
export interface Limits {
  /** How long evolve and each call may take. In milliseconds: unlimited by default, and with `Infinity`. */
  timeoutMs?: number
  /**
   * How much processor time of the calling thread evolve and each call may use, host functions included. In
   * milliseconds: unlimited by default, and with `Infinity`.
   */
  cpuTimeMs?: number
  /** Host functions that one call may call. Calling more fails inside the guest. Unlimited by default. */
  maxHostCalls?: number
  /**
   * Bytes of log records that one call may bring to the host's logger. What exceeds them is counted and
   * dropped. 1 MiB by default.
   */
  maxLogBytes?: number
  /**
   * Bytes that one call may print through `HostPrint`. Printing more fails inside the guest. 16 MiB by
   * default.
   */
  maxPrintBytes?: number
}

/** Sizes of a sandbox, rounded up to whole pages of 4 KiB. 0 is the default. */
export interface Sizes {
  /** The guest's heap. In bytes: 16 MiB by default, at least 4 KiB, at most 16 GiB. */
  heapSize?: number
  /** The guest's stack. In bytes: 1 MiB by default, at least 16 KiB, at most 1 GiB. */
  stackSize?: number
  /**
   * Room for the arguments of a call, and for the result of a host function. In bytes: 1 MiB by default, at
   * least 4 KiB, at most 256 MiB.
   */
  inputSize?: number
  /**
   * Room for the result of a call, and for the arguments of a host function. In bytes: 1 MiB by default, at
   * least 4 KiB, at most 256 MiB.
   */
  outputSize?: number
}

/** Limits of one call, the start that it makes included. 0 is the default. */
export interface CallLimits {
  /**
   * How long the call may take, in place of the sandbox's own limit. In milliseconds: as in the sandbox by
   * default, unlimited with `Infinity`.
   */
  timeoutMs?: number
  /**
   * How much processor time the call may use, in place of the sandbox's own limit. In milliseconds: as in the
   * sandbox by default, unlimited with `Infinity`.
   */
  cpuTimeMs?: number
}

/** How many members a pool has, and how long one waits for them. */
export interface PoolSizes {
  /** Members at most, in use and idle. Twice the processors of the machine by default. */
  size?: number
  /** Idle members that are kept in reserve as long as the pool's size allows it. None by default. */
  minIdle?: number
  /**
   * How long an acquisition waits while all members are in use. In milliseconds: unlimited by default, and
   * with `Infinity`, not at all with 0.
   */
  acquireTimeoutMs?: number
}

/** What a snapshot file may bring. 0 is the default. */
export interface LoadBounds {
  /**
   * How much memory the file may hold, and how large its guest's program and payloads may be, zeros included.
   * In bytes: 1 GiB by default.
   */
  maxSize?: number
  /**
   * How large the heap, the stack and each call buffer may be, whether the file holds anything of them or
   * not. In bytes: 1 GiB by default.
   */
  maxHeapSize?: number
}

/** What a program may ask of its compiler. 0 is the default. */
export interface CompileBounds {
  /** Bytes of the program at most. 64 MiB by default. */
  maxProgramSize?: number
  /**
   * How long compiling may take, and some seconds longer where the program is made for that. In milliseconds:
   * 1 minute by default, unlimited with `Infinity`.
   */
  compileTimeoutMs?: number
}
