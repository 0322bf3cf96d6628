// The options that are numbers. Written by `cargo xtask generate`: do not edit.
// They are made of the table of options, core/src/options.

/** Limits of evolve and of each call. 0 is the default. */
export interface Limits {
  /** Time limit of evolve and of each call. In milliseconds: unlimited by default, and with `Infinity`. */
  timeoutMs?: number
  /**
   * Limit on the calling thread's processor time for evolve and for each call, host functions included. In
   * milliseconds: unlimited by default, and with `Infinity`.
   */
  cpuTimeMs?: number
  /** Host functions that one call may call. Calling more fails inside the guest. Unlimited by default. */
  maxHostCalls?: number
  /**
   * Bytes of log records that one call may send to the host's logger. Records beyond it are counted and
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
   * Time limit of the call, in place of the sandbox's own limit. In milliseconds: as in the sandbox by
   * default, unlimited with `Infinity`.
   */
  timeoutMs?: number
  /**
   * Limit on processor time of the call, in place of the sandbox's own limit. In milliseconds: as in the
   * sandbox by default, unlimited with `Infinity`.
   */
  cpuTimeMs?: number
}

/** Sizes of a pool, and the longest wait for a member. */
export interface PoolSizes {
  /** Maximum number of members, in use and idle. Twice the processors of the machine by default. */
  size?: number
  /** Idle members kept in reserve, as far as the pool's size allows. None by default. */
  minIdle?: number
  /**
   * Time that an acquisition waits while all members are in use. In milliseconds: unlimited by default, and
   * with `Infinity`, not at all with 0.
   */
  acquireTimeoutMs?: number
}

/** Bounds of what a snapshot file may bring. 0 is the default. */
export interface LoadBounds {
  /**
   * Bound on the memory in the file, and on its guest's program and payloads, zeros included. In bytes: 1 GiB
   * by default.
   */
  maxSize?: number
  /**
   * Bound on the heap, on the stack and on each call buffer, even where the file holds nothing of them. In
   * bytes: 1 GiB by default.
   */
  maxHeapSize?: number
}

/** What a program may ask of its compiler. 0 is the default. */
export interface CompileBounds {
  /** Maximum size of the program, in bytes. In bytes: 64 MiB by default. */
  maxProgramSize?: number
  /**
   * Time limit of compiling, waiting for a turn included. Compiling may take some seconds longer. In
   * milliseconds: 1 minute by default, unlimited with `Infinity`.
   */
  compileTimeoutMs?: number
  /**
   * Maximum number of processors that compile, shared by all programs that are compiled at the same time. All
   * that are available to the process by default.
   */
  compileThreads?: number
}
