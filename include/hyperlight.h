/*
 * libhyperlight: runs every function call behind its own hypervisor wall.
 *
 *     cc program.c -lhyperlight
 *
 * A *guest* is a small program that exposes guest functions. A *sandbox* is one virtual machine, without a kernel
 * or devices, that holds one guest. The program that includes this header registers *host functions*; both sides
 * call each other by name with typed values. The usual steps:
 *
 *     hl_guest_builtin, hl_guest_from_file      load a guest
 *     hl_sandbox_new                            make a sandbox for it
 *     hl_sandbox_register                       give the guest something to call
 *     hl_sandbox_evolve                         start it
 *     hl_sandbox_call                           call it, as often as you like
 *     hl_sandbox_free, hl_guest_free
 *
 * Rules that hold everywhere
 *
 * Ownership. What a function puts into `*out` belongs to the caller, who frees it by the `_free` of its type;
 * on failure it is NULL. No function consumes a handle, and `_free(NULL)` is allowed. Arguments are borrowed for the
 * call, and copied if they must live longer.
 *
 * Errors. A function that can fail returns HL_OK or another status; an unknown status is a failure. With it comes an
 * hl_error, if `err` is not NULL: it belongs to the caller, and is not written to on success. hl_error_*(NULL) gives
 * 0 or nothing.
 * A NULL that is not explicitly allowed is HL_ERR_INVALID_ARGUMENT, never a crash. Kinds, text and bools are checked
 * first, then whether the sandbox is free and ready, then the signature. `as.boolean` is read as a byte that must be
 * 0 or 1.
 *
 * Views. An hl_bytes from the library is borrowed. Text and bytes of a result are valid until the next call, restore
 * or snapshot of that sandbox, or until it is freed. Those of an error live as long as the error, function infos as
 * long as the sandbox, and a host function's `args` until it returns. Strings are UTF-8 and have a length; they may
 * contain NUL bytes.
 *
 * Callbacks run on the thread that called into the sandbox. A host function's `*result` is initially HL_VOID. Any
 * status but HL_OK reaches the guest as an error value; if the guest passes that on, the caller gets
 * HL_ERR_HOST_FUNCTION, and a positive status in hl_error_guest_code. `free_fn` of a `user_data` runs exactly once on
 * every path, failure of the registration included. A callback must return: no longjmp may leave it, and a C++
 * exception that leaves it ends the program.
 *
 * Threads. `const T *` may be shared between threads. `T *` is exclusive: a sandbox may move between threads, and
 * is used by one at a time; concurrent use, and use from its own callback, is detected and is HL_ERR_BUSY. Freeing
 * a sandbox while a call runs, or from its own callback, is deferred to the end of the call. Use after free is not
 * detected. A sandbox that has evolved cannot be used in a forked child: HL_ERR_STATE.
 *
 * States. A guest function that returns an error leaves the sandbox ready. A failure that stops the guest in the middle
 * (abort, fault, time limit, broken protocol) poisons the sandbox: later calls are HL_ERR_POISONED. A host function
 * that the guest declares may be missing: calling it is an error value in the guest.
 *
 * Options start with their size and only grow: start from HL_*_OPTIONS_INIT. NULL means the defaults; a member of 0
 * means its default.
 * Time limits apply to evolve and to each call; 0 is none (in call options: the sandbox's), UINT64_MAX is none.
 *
 * The library never ends the process, installs no signal handler, reads no environment variable, and prints only the
 * text that a guest sends to HostPrint. A bug of its own is HL_ERR_INTERNAL, and poisons the sandbox.
 *
 * C99 to C23 and C++11 to C++20; x86-64 Linux.
 */
#ifndef HYPERLIGHT_H
#define HYPERLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hyperlight_value.h"

#if UINTPTR_MAX != UINT64_MAX
#error "libhyperlight is for 64-bit programs"
#endif

/** The first number of this header's version. */
#define HL_VERSION_MAJOR 0
/** The second number of this header's version. */
#define HL_VERSION_MINOR 1
/** The third number of this header's version. */
#define HL_VERSION_PATCH 0
/** The version of this header, as one number; that of the library is `hl_version()`. */
#define HL_VERSION ((uint32_t)HL_VERSION_MAJOR << 16 | (uint32_t)HL_VERSION_MINOR << 8 | (uint32_t)HL_VERSION_PATCH)

#ifndef HL_API
#if defined(__GNUC__)
#define HL_API __attribute__((visibility("default")))
#else
#define HL_API
#endif
#endif

#if defined(__GNUC__)
#define HL_MUST_USE __attribute__((warn_unused_result))
#else
#define HL_MUST_USE
#endif

/** Success. */
#define HL_OK 0

/**
 * An argument that no sandbox could accept. The sandbox is unchanged. NULL, an unknown kind and text that is not UTF-8
 * are such.
 */
#define HL_ERR_INVALID_ARGUMENT -1

/** There is no usable hypervisor; the message says why and what mends it. */
#define HL_ERR_HYPERVISOR_UNAVAILABLE -2

/** The guest program cannot be loaded. */
#define HL_ERR_GUEST_BINARY -3

/**
 * The host lacks memory, file descriptors or virtual machines. The sandbox is unchanged, or poisoned if this struck
 * inside a call.
 */
#define HL_ERR_RESOURCE -4

/** There is no function of that name. */
#define HL_ERR_FUNCTION_NOT_FOUND -5

/** The arguments do not fit the function's signature. */
#define HL_ERR_SIGNATURE -6

/** A payload does not fit its buffer; the message names the option to raise. */
#define HL_ERR_TOO_LARGE -7

/** The guest function returned an error. The sandbox is ready. Its number is `hl_error_guest_code`. */
#define HL_ERR_GUEST_ERROR -8

/** A host function failed, and the guest passed its error on. A positive status is `hl_error_guest_code`. */
#define HL_ERR_HOST_FUNCTION -9

/** The guest panicked or gave up. The sandbox is poisoned. */
#define HL_ERR_GUEST_ABORT -10

/**
 * The guest did something that the processor or the hypervisor forbids. The sandbox is poisoned. `hl_error_fault` says
 * where.
 */
#define HL_ERR_GUEST_FAULT -11

/** The guest used up its stack. The sandbox is poisoned. `hl_error_fault` says where. */
#define HL_ERR_STACK_OVERFLOW -12

/** The guest used up its heap. The sandbox is poisoned. */
#define HL_ERR_GUEST_OUT_OF_MEMORY -13

/** The call took longer than it may. The sandbox is poisoned. */
#define HL_ERR_TIMEOUT -14

/** The call was interrupted. The sandbox is poisoned. */
#define HL_ERR_INTERRUPTED -15

/** An earlier call was stopped in the middle. Only a restore mends the sandbox. */
#define HL_ERR_POISONED -16

/** The sandbox is in use: by another thread, or by the call that this came from. The sandbox is unchanged. */
#define HL_ERR_BUSY -17

/** The sandbox is in the wrong state for this, such as one that has not started. The sandbox is unchanged. */
#define HL_ERR_STATE -18

/** A snapshot does not belong to this guest, or needs other host functions. */
#define HL_ERR_SNAPSHOT_MISMATCH -19

/** A snapshot file is damaged, or of another version or processor. */
#define HL_ERR_SNAPSHOT_FILE -20

/** Reading or writing a file failed. */
#define HL_ERR_IO -21

/** The guest broke the wire contract. The sandbox is poisoned. */
#define HL_ERR_PROTOCOL -22

/** The sandbox, or the pool, was closed. Freeing closes. */
#define HL_ERR_CLOSED -23

/** No member of the pool came free in time. */
#define HL_ERR_POOL_TIMEOUT -24

/** A bug of this library, or a panic in a host function, contained. The sandbox is poisoned. */
#define HL_ERR_INTERNAL -99

/** Not a memory fault. */
#define HL_ACCESS_NONE 0

/** Reading. */
#define HL_ACCESS_READ 1

/** Writing. */
#define HL_ACCESS_WRITE 2

/** Executing. */
#define HL_ACCESS_EXECUTE 3

/** No fault. */
#define HL_FAULT_NONE 0

/** Memory near address 0, through a null pointer. */
#define HL_FAULT_NULL_ACCESS 1

/** Unmapped memory. */
#define HL_FAULT_UNMAPPED_ACCESS 2

/** A write to code or constant data. */
#define HL_FAULT_WRITE_TO_READ_ONLY 3

/** A jump into data. */
#define HL_FAULT_EXECUTE_OF_DATA 4

/** The engine's own pages, which guest code may not use. */
#define HL_FAULT_ENGINE_ACCESS 5

/** The stack was used up. */
#define HL_FAULT_STACK_OVERFLOW 6

/** Bytes that are no instruction of this processor. */
#define HL_FAULT_ILLEGAL_INSTRUCTION 7

/** An instruction, or a port, that guest code may not use. */
#define HL_FAULT_PRIVILEGED_INSTRUCTION 8

/** An address that cannot exist, a misaligned vector access, a bad segment. */
#define HL_FAULT_GENERAL_PROTECTION 9

/** A division by zero, or with a result too large. */
#define HL_FAULT_DIVISION 10

/** A floating-point exception that the guest has unmasked. */
#define HL_FAULT_FLOATING_POINT 11

/** A misaligned access with alignment checks turned on. */
#define HL_FAULT_ALIGNMENT 12

/** A breakpoint or single-step trap. */
#define HL_FAULT_BREAKPOINT 13

/** Any other exception. */
#define HL_FAULT_OTHER 14

/** A payload that is data. */
#define HL_READ 1

/** A payload that is code, which can also be read. */
#define HL_READ_EXECUTE 3

/** Host functions can be registered; the guest has not started. */
#define HL_STATE_UNINITIALIZED 0

/** Can be called. */
#define HL_STATE_READY 1

/** In use: a call, evolve, or something else is running. */
#define HL_STATE_RUNNING 2

/**
 * Can only be restored or freed: its guest was stopped in the middle. If that happened during its start, it can only
 * be freed.
 */
#define HL_STATE_POISONED 3

/** A script's `null`. */
#define HL_ANY_NULL 0

/**
 * A script's `undefined`, and the result of a function without one. Given to a script, a member with it is left out,
 * and anything else becomes `null`.
 */
#define HL_ANY_UNDEFINED 1

/** `as.boolean` */
#define HL_ANY_BOOL 2

/** `as.s8` */
#define HL_ANY_S8 3

/** `as.u8` */
#define HL_ANY_U8 4

/** `as.s16` */
#define HL_ANY_S16 5

/** `as.u16` */
#define HL_ANY_U16 6

/** `as.s32`, also an `i32` of a module. */
#define HL_ANY_S32 7

/** `as.u32` */
#define HL_ANY_U32 8

/** `as.s64`, also an `i64` of a module. */
#define HL_ANY_S64 9

/** `as.u64` */
#define HL_ANY_U64 10

/** `as.f32` */
#define HL_ANY_F32 11

/** `as.f64`, also each number of a script. */
#define HL_ANY_F64 12

/** A script's big integer: decimal digits in `as.bytes`, after a minus if it is negative. */
#define HL_ANY_BIGINT 13

/** `as.character`, a Unicode scalar value. */
#define HL_ANY_CHAR 14

/** Text: `as.bytes`, UTF-8. */
#define HL_ANY_STRING 15

/** A script's text with an unpaired surrogate: `as.bytes`, UTF-16 in the processor's order of bytes. */
#define HL_ANY_UTF16 16

/** `as.bytes`: a script's bytes, or a `list<u8>`. */
#define HL_ANY_BYTES 17

/** A script's array, or a list: `as.items`. */
#define HL_ANY_LIST 18

/** A tuple, or several results of a module's function: `as.items`. */
#define HL_ANY_TUPLE 19

/** A script's object, or a record: `as.members`. */
#define HL_ANY_RECORD 20

/** A map: `as.pairs`. */
#define HL_ANY_MAP 21

/** A case of a variant: `as.variant`, whose `value` is NULL if the case has none. */
#define HL_ANY_VARIANT 22

/** A case of an enum: its name in `as.bytes`. */
#define HL_ANY_ENUM 23

/** The flags that are set: `as.names`. */
#define HL_ANY_FLAGS 24

/** An option: `as.option`, NULL if it is absent. */
#define HL_ANY_OPTION 25

/** A result: `as.result`, whose `value` is NULL if that case has none. */
#define HL_ANY_RESULT 26

/** `bool` */
#define HL_WASM_BOOL 1

/** `s8` */
#define HL_WASM_S8 2

/** `u8` */
#define HL_WASM_U8 3

/** `s16` */
#define HL_WASM_S16 4

/** `u16` */
#define HL_WASM_U16 5

/** `s32` */
#define HL_WASM_S32 6

/** `u32` */
#define HL_WASM_U32 7

/** `s64` */
#define HL_WASM_S64 8

/** `u64` */
#define HL_WASM_U64 9

/** `f32`, of modules too. */
#define HL_WASM_F32 10

/** `f64`, of modules too. */
#define HL_WASM_F64 11

/** `char` */
#define HL_WASM_CHAR 12

/** `string` */
#define HL_WASM_STRING 13

/** `list<T>`: one member, the type of the elements. */
#define HL_WASM_LIST 14

/** `list<T, N>`: the same, with a `length`. */
#define HL_WASM_FIXED_LIST 15

/** `map<K, V>`: two members. */
#define HL_WASM_MAP 16

/** A record: a member with a name for each field. */
#define HL_WASM_RECORD 17

/** A variant: a member with a name for each case; its `type` may be NULL. */
#define HL_WASM_VARIANT 18

/** `tuple<…>`: a member for each element. */
#define HL_WASM_TUPLE 19

/** Flags: a member with a name for each, whose `type` is NULL. */
#define HL_WASM_FLAGS 20

/** An enum: a member with a name for each case, whose `type` is NULL. */
#define HL_WASM_ENUM 21

/** `option<T>`: one member. */
#define HL_WASM_OPTION 22

/** `result<T, E>`: two members, each of whose `type` may be NULL. */
#define HL_WASM_RESULT 23

/** `i32` of modules. */
#define HL_WASM_I32 24

/** `i64` of modules. */
#define HL_WASM_I64 25

/** Several results of a module's function: a member for each. */
#define HL_WASM_RESULTS 26

/** No records at all. */
#define HL_LOG_OFF 0

/** Something failed. */
#define HL_LOG_ERROR 1

/** Something is odd. */
#define HL_LOG_WARN 2

/** Something happened. */
#define HL_LOG_INFO 3

/** Details. */
#define HL_LOG_DEBUG 4

/** All details. */
#define HL_LOG_TRACE 5

/** One call of a host function in progress; lives until the function returns. */
typedef struct hl_call hl_call;

/** An error. The caller owns it. */
typedef struct hl_error hl_error;

/**
 * A guest program, loaded and checked once. Any number of sandboxes and threads may share it. It may be freed before
 * the sandboxes made from it.
 */
typedef struct hl_guest hl_guest;

/** Cancels the calls of one sandbox. It may outlive the sandbox. Any thread may use it, also from a signal handler. */
typedef struct hl_interrupt hl_interrupt;

/** Sandboxes kept ready from one snapshot. Any number of threads may call its functions at a time. */
typedef struct hl_pool hl_pool;

/** A sandbox: one virtual machine that holds one guest. Any thread may use it, one at a time. */
typedef struct hl_sandbox hl_sandbox;

/**
 * The state of a sandbox, memory and registers. It is immutable, and any number of sandboxes and threads may share it.
 * It may be freed before the sandboxes made from it.
 */
typedef struct hl_snapshot hl_snapshot;

/** A compiled program, which can be described and saved. Threads may share a `const hl_wasm_program *`. */
typedef struct hl_wasm_program hl_wasm_program;

/**
 * `HL_OK`, one of the `HL_ERR_*`, or a positive number of a host function's own. New codes may appear: treat every
 * status but `HL_OK` as a failure.
 */
typedef int32_t hl_status;

/** Place and reason of a fault. Addresses are the guest's own. */
typedef struct hl_fault_info {
    /** The exception's number: 14 is a page fault, 6 an illegal instruction, 13 general protection, 0 a division. */
    uint32_t vector;
    /** Kind of memory access: one of the `HL_ACCESS_*`. */
    uint32_t access;
    /** Address of the instruction. */
    uint64_t instruction;
    /** Address of the memory that the instruction accessed; 0 without a memory access. */
    uint64_t address;
    /** Name of the function that contains the instruction; empty if the guest program has no symbols. */
    hl_bytes function;
} hl_fault_info;

/**
 * Sizes and limits of a sandbox. 0 is always the default. Start from `HL_SANDBOX_OPTIONS_INIT`.
 *
 * Sizes are in bytes, rounded up to whole pages of 4 KiB; above their maximum they are
 * `HL_ERR_INVALID_ARGUMENT`. Memory that a guest never touches costs nothing.
 */
typedef struct hl_sandbox_options {
    /** `sizeof(hl_sandbox_options)`. */
    size_t size;
    /** The guest's heap. In bytes: 16 MiB by default, at least 4 KiB, at most 16 GiB. */
    uint64_t heap_size;
    /** The guest's stack. In bytes: 1 MiB by default, at least 16 KiB, at most 1 GiB. */
    uint64_t stack_size;
    /**
     * Room for the arguments of a call, and for the result of a host function. In bytes: 1 MiB by default,
     * at least 4 KiB, at most 256 MiB.
     */
    uint64_t input_size;
    /**
     * Room for the result of a call, and for the arguments of a host function. In bytes: 1 MiB by default,
     * at least 4 KiB, at most 256 MiB.
     */
    uint64_t output_size;
    /**
     * Time limit of evolve and of each call. The time of host functions counts, but they are not stopped:
     * the call ends when they return. A guest is stopped soon after its time is up, not at once: a short
     * call may succeed even with a limit of zero. In nanoseconds: unlimited by default, and with
     * `UINT64_MAX`.
     */
    uint64_t timeout_ns;
    /**
     * Limit on the calling thread's processor time for evolve and for each call, host functions included. In
     * nanoseconds: unlimited by default, and with `UINT64_MAX`.
     */
    uint64_t cpu_time_ns;
    /**
     * Host functions that one call may call. Calling more fails inside the guest. Other requests of a guest
     * are counted apart: the signature of a host function, the time, a sleep whose time has passed, and
     * refused host calls. A call may make as many of them as host calls and 1000 more, because a language
     * runtime makes such requests on its own. A guest that exceeds this is stopped: `HL_ERR_TOO_LARGE`, and
     * the sandbox is poisoned. A sleep counts only for its time. Unlimited by default.
     */
    uint64_t max_host_calls;
    /**
     * Bytes of log records that one call may send to the host's logger. Records beyond it are counted and
     * dropped. One warning at the end of the call says how much was dropped. The text of a record has at
     * most 4096 bytes: a longer one is cut behind a whole character and ends with `…`. 1 MiB by default.
     */
    uint64_t max_log_bytes;
    /**
     * Bytes that one call may print through `HostPrint`. Printing more fails inside the guest. 16 MiB by
     * default.
     */
    uint64_t max_print_bytes;
} hl_sandbox_options;

/**
 * A host function. Runs on the thread that made the call, inside it.
 *
 * `args` have the kinds that the function was registered with. They, and the data behind them, live until it returns.
 * `*result` is initially `HL_VOID`. Returns `HL_OK`, or any other status, which reaches the guest as an error value.
 * `return hl_call_fail(call, text);` adds a message.
 */
typedef hl_status (*hl_host_fn)(void *user_data,
                                hl_call *call,
                                const hl_value *args,
                                size_t n_args,
                                hl_value *result);

/** Frees `user_data`. NULL if there is nothing to free. */
typedef void (*hl_free_fn)(void *user_data);

/** Limits of one call, or of the start. Start from `HL_CALL_OPTIONS_INIT`. */
typedef struct hl_call_options {
    /** `sizeof(hl_call_options)`. */
    size_t size;
    /**
     * Time limit of the call, in place of the sandbox's own limit. In nanoseconds: as in the sandbox by
     * default, unlimited with `UINT64_MAX`.
     */
    uint64_t timeout_ns;
    /**
     * Limit on processor time of the call, in place of the sandbox's own limit. In nanoseconds: as in the
     * sandbox by default, unlimited with `UINT64_MAX`.
     */
    uint64_t cpu_time_ns;
} hl_call_options;

/** A guest function. Everything lives as long as the sandbox. */
typedef struct hl_function_info {
    /** Its name. A NUL follows, which the length does not count. */
    hl_bytes name;
    /** The kinds of its parameters, in order. */
    const uint32_t *param_kinds;
    /** Number of parameters. */
    size_t n_params;
    /** The kind of its result. */
    uint32_t return_kind;
} hl_function_info;

/**
 * Bounds of what a snapshot file may bring, in bytes. 0 is always the default, `UINT64_MAX` no limit. Start
 * from `HL_LOAD_OPTIONS_INIT`.
 */
typedef struct hl_load_options {
    /** `sizeof(hl_load_options)`. */
    size_t size;
    /**
     * Bound on the memory in the file, and on its guest's program and payloads, zeros included. Loading
     * takes that much memory, and the time to check it. In bytes: 1 GiB by default.
     */
    uint64_t max_size;
    /**
     * Bound on the heap, on the stack and on each call buffer, even where the file holds nothing of them. A
     * guest may touch all of them. The bounds of sandboxes apply, too. In bytes: 1 GiB by default.
     */
    uint64_t max_heap_size;
} hl_load_options;

/**
 * Sizes of a pool, the longest wait for a member, and the limits of each member. 0 is always the default.
 * Start from `HL_POOL_OPTIONS_INIT`.
 */
typedef struct hl_pool_options {
    /** `sizeof(hl_pool_options)`. */
    size_t size;
    /** Maximum number of members, in use and idle. Twice the processors of the machine by default. */
    uint64_t max;
    /**
     * Idle members kept in reserve, as far as the pool's size allows. They are made in the background from
     * the first acquisition on, because host functions may be registered until then. A program that wants
     * its first request served at once acquires a member, and gives it back, when it starts. None by
     * default.
     */
    uint64_t min_idle;
    /**
     * Time that an acquisition waits while all members are in use. In nanoseconds: unlimited by default, and
     * with `UINT64_MAX`.
     */
    uint64_t acquire_timeout_ns;
    /** Time limit of evolve and of each call. In nanoseconds: unlimited by default, and with `UINT64_MAX`. */
    uint64_t timeout_ns;
    /**
     * Limit on the calling thread's processor time for evolve and for each call, host functions included. In
     * nanoseconds: unlimited by default, and with `UINT64_MAX`.
     */
    uint64_t cpu_time_ns;
    /** Host functions that one call may call. Calling more fails inside the guest. Unlimited by default. */
    uint64_t max_host_calls;
    /**
     * Bytes of log records that one call may send to the host's logger. Records beyond it are counted and
     * dropped. 1 MiB by default.
     */
    uint64_t max_log_bytes;
    /**
     * Bytes that one call may print through `HostPrint`. Printing more fails inside the guest. 16 MiB by
     * default.
     */
    uint64_t max_print_bytes;
} hl_pool_options;

/** A pool's statistics. Start from `HL_POOL_STATISTICS_INIT`. */
typedef struct hl_pool_statistics {
    /** `sizeof(hl_pool_statistics)`; set by the caller. */
    size_t size;
    /** Members in use. */
    uint64_t in_use;
    /** Members that are ready. */
    uint64_t idle;
    /** Members made so far. */
    uint64_t created;
    /** Members dropped because they could not be restored. */
    uint64_t replaced;
    /** Acquisitions that had to wait. */
    uint64_t waits;
    /** Total time that acquisitions waited, in nanoseconds. */
    uint64_t waited_ns;
} hl_pool_statistics;

/** Values in order. */
typedef struct hl_any_items {
    /** The first of them. May be NULL if `count` is 0; so in all of these structures. */
    const struct hl_any *data;
    /** Number of elements. */
    size_t count;
} hl_any_items;

/** Values with names. */
typedef struct hl_any_members {
    /** The first of them. */
    const struct hl_any_member *data;
    /** Number of elements. */
    size_t count;
} hl_any_members;

/** Keys with values. */
typedef struct hl_any_pairs {
    /** The first of them. */
    const struct hl_any_pair *data;
    /** Number of elements. */
    size_t count;
} hl_any_pairs;

/** Names, UTF-8. */
typedef struct hl_any_names {
    /** The first of them. */
    const hl_bytes *data;
    /** Number of elements. */
    size_t count;
} hl_any_names;

/** A case of a variant. */
typedef struct hl_any_case {
    /** The name of the case, UTF-8. */
    hl_bytes name;
    /** Its value, or NULL. */
    const struct hl_any *value;
} hl_any_case;

/** Success or failure. */
typedef struct hl_any_outcome {
    /** The value of this case, or NULL. */
    const struct hl_any *value;
    /** 1 for `ok`, 0 for `err`. */
    uint64_t is_ok;
} hl_any_outcome;

/** The content of an `hl_any`; its kind selects the member. */
typedef union hl_any_as {
    /** `HL_ANY_BOOL` */
    bool boolean;
    /** `HL_ANY_S8` */
    int8_t s8;
    /** `HL_ANY_U8` */
    uint8_t u8;
    /** `HL_ANY_S16` */
    int16_t s16;
    /** `HL_ANY_U16` */
    uint16_t u16;
    /** `HL_ANY_S32` */
    int32_t s32;
    /** `HL_ANY_U32` */
    uint32_t u32;
    /** `HL_ANY_S64`. In a value from the library, also each smaller number with a sign. */
    int64_t s64;
    /** `HL_ANY_U64`. In a value from the library, also each smaller number without a sign. */
    uint64_t u64;
    /** `HL_ANY_F32` */
    float f32;
    /** `HL_ANY_F64` */
    double f64;
    /** `HL_ANY_CHAR` */
    uint32_t character;
    /** `HL_ANY_STRING`, `HL_ANY_BYTES`, `HL_ANY_BIGINT`, `HL_ANY_UTF16`, `HL_ANY_ENUM` */
    hl_bytes bytes;
    /** `HL_ANY_LIST`, `HL_ANY_TUPLE` */
    hl_any_items items;
    /** `HL_ANY_RECORD` */
    hl_any_members members;
    /** `HL_ANY_MAP` */
    hl_any_pairs pairs;
    /** `HL_ANY_FLAGS` */
    hl_any_names names;
    /** `HL_ANY_VARIANT` */
    hl_any_case variant;
    /** `HL_ANY_RESULT` */
    hl_any_outcome result;
    /** `HL_ANY_OPTION` */
    const struct hl_any *option;
    /** The whole union. */
    uint64_t words[3];
} hl_any_as;

/**
 * A value of any form: a script's, or of a type of a WebAssembly program. Its size is always 32 bytes.
 *
 * A caller builds values anywhere, and the library only reads them, during the call. They are checked against the
 * types of the program: ranges, names, numbers of elements. Any integer kind may stand for an integer type that has
 * the number. Other kinds are those of the types; a value may be given for an option as it is, and a string for a
 * char or for a case without a value. Values are nested at most 512 levels deep, and have at most 256 MiB of text,
 * elements included.
 *
 * A value from the library, which `hl_any_free` frees, owns everything behind it. It has been checked as strictly:
 * of a type, it has its kind. A NUL follows each text and name, which the length does not count.
 */
typedef struct hl_any {
    /** One of `HL_ANY_NULL` to `HL_ANY_RESULT`. */
    uint32_t kind;
    /** Must be 0. */
    uint32_t reserved;
    /** The content. */
    hl_any_as as;
} hl_any;

/**
 * A value with a name, UTF-8. In a record of a type, names are unique; of equal ones in a script's object, the last
 * one counts.
 */
typedef struct hl_any_member {
    /** The name. */
    hl_bytes name;
    /** The value. */
    hl_any value;
} hl_any_member;

/** A key with a value. If keys are equal, the last one counts. */
typedef struct hl_any_pair {
    /** The key. */
    hl_any key;
    /** The value. */
    hl_any value;
} hl_any_pair;

/**
 * A host function of values of any form. Runs on the thread that made the call, inside it.
 *
 * `args`, with everything behind them, live until it returns. `*result` is initially `HL_ANY_UNDEFINED`. What the
 * result points to must live until the outer call has ended, or be of `hl_call_alloc`. Returns `HL_OK`, or any other
 * status, which reaches the guest as an error value. `return hl_call_fail(call, text);` adds a message.
 */
typedef hl_status (*hl_any_fn)(void *user_data,
                               hl_call *call,
                               const hl_any *args,
                               size_t n_args,
                               hl_any *result);

/** A variable of the environment, or a file: its path (relative, `/` between names) and its contents. */
typedef struct hl_wasm_pair {
    /** The variable's name, or the path. */
    hl_bytes name;
    /** The value, or the contents. */
    hl_bytes value;
} hl_wasm_pair;

/**
 * The WASI environment of a program, and the limits of the compiler. Texts are UTF-8. The first argument is by custom
 * the program's name. Start from `HL_WASM_OPTIONS_INIT`.
 */
typedef struct hl_wasm_options {
    /** `sizeof(hl_wasm_options)`. */
    size_t size;
    /** The program's arguments. */
    const hl_bytes *arguments;
    /** Number of elements. */
    size_t argument_count;
    /** Variables of the environment. */
    const hl_wasm_pair *environment;
    /** Number of elements. */
    size_t variable_count;
    /** Read-only files. */
    const hl_wasm_pair *files;
    /** Number of elements. */
    size_t file_count;
    /** Maximum size of the program in bytes; 0 for 64 MiB. */
    uint64_t max_program_size;
    /**
     * Time limit of the compilation, including the wait for other compilations of the process; 0 for a minute. A
     * program designed to be slow to compile may take twice as long.
     */
    uint64_t compile_timeout_ns;
    /**
     * Maximum number of processors for the compilation; 0 for all that are available to the process. All compilations
     * together never use more than those.
     */
    uint64_t compile_threads;
} hl_wasm_options;

/** A type, as a tree of at most 110 levels. */
typedef struct hl_wasm_type {
    /** One of `HL_WASM_BOOL` to `HL_WASM_RESULTS`. New ones may appear. */
    uint32_t shape;
    /** The kind of the value that a call takes or gives: `HL_I32` and so on. */
    uint32_t kind;
    /** 1 if that kind is a string that holds JSON, else 0. */
    uint32_t is_json;
    /** The number of elements of an `HL_WASM_FIXED_LIST`, else 0. */
    uint32_t length;
    /** The parts of the type. */
    const struct hl_wasm_member *members;
    /** Number of elements. */
    size_t member_count;
} hl_wasm_type;

/** A parameter of a function, or a part of a type: a field, a case, an element. */
typedef struct hl_wasm_member {
    /** Its name, UTF-8; empty where there is none. */
    hl_bytes name;
    /** Its type, or NULL. */
    const hl_wasm_type *type;
} hl_wasm_member;

/** A function that a program exports or imports. */
typedef struct hl_wasm_function {
    /** The name of the guest function, or of the host function to register. */
    hl_bytes name;
    /** Its parameters. Those of modules have no names. */
    const hl_wasm_member *parameters;
    /** Number of elements. */
    size_t parameter_count;
    /** The type of its result, or NULL. */
    const hl_wasm_type *result;
} hl_wasm_function;

/** The exports and imports of a program. All data behind it lives as long as the description. */
typedef struct hl_wasm_description {
    /** 1 for a component, 0 for a module. */
    uint32_t is_component;
    /** Always 0. */
    uint32_t reserved;
    /** The exported functions. */
    const hl_wasm_function *exports;
    /** Number of elements. */
    size_t export_count;
    /** The imported functions, including those of WASI, which the runtime provides. */
    const hl_wasm_function *imports;
    /** Number of elements. */
    size_t import_count;
    /** The names of the exported memories. */
    const hl_bytes *memories;
    /** Number of elements. */
    size_t memory_count;
} hl_wasm_description;

/**
 * Receives a log record: its level, its target, and one line of text. The library's own records have the target
 * "libhyperlight"; a guest chooses its own target. The views live until the callback returns. A NUL follows each,
 * which the length does not count. Several threads may call it at a time.
 */
typedef void (*hl_log_fn)(void *user_data, uint32_t level, hl_bytes target, hl_bytes message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/** The version of the loaded library, encoded as `HL_VERSION` is in the header: major << 16 | minor << 8 | patch. */
HL_API
uint32_t hl_version(void);

/** The version of the loaded library as text, such as `"0.1.0"`. The text is static. */
HL_API const char *hl_version_string(void);

/**
 * Checks that sandboxes can be made here: `HL_OK`, or `HL_ERR_HYPERVISOR_UNAVAILABLE` with the exact reason and the
 * fix.
 */
HL_API
HL_MUST_USE
hl_status hl_probe(hl_error **err);

/**
 * The name of a status, such as `"HL_ERR_TIMEOUT"`, for logs. A positive or unknown status is `"HL_ERR_?"`. The text
 * is static.
 */
HL_API
const char *hl_status_name(hl_status status);

/** The status code of the call that failed. 0 for NULL. */
HL_API int32_t hl_error_code(const hl_error *error);

/**
 * The message: one line that says what was expected, what was found, and how to fix it. A NUL follows, which the
 * length does not count. Lives as long as the error. Empty for NULL.
 */
HL_API
hl_bytes hl_error_message(const hl_error *error);

/**
 * The number that the guest gave with its error or abort. With `HL_ERR_HOST_FUNCTION`, the host function's status if
 * it was positive. 0 where there is none, and for NULL.
 */
HL_API
int32_t hl_error_guest_code(const hl_error *error);

/**
 * The guest's details of its error, JSON by convention, such as the name and the stack of a script's exception. The
 * text is untrusted: valid UTF-8 of at most 64 KiB, unchanged otherwise. A NUL follows, which the length does not
 * count. Lives as long as the error. Empty, with `data` NULL, where there are none, and for NULL.
 */
HL_API
hl_bytes hl_error_details(const hl_error *error);

/**
 * Gets the place and reason of a fault, for `HL_ERR_GUEST_FAULT` and `HL_ERR_STACK_OVERFLOW`. For any other error it
 * returns `HL_ERR_INVALID_ARGUMENT`, and `*out` is all zeros. `out->function` lives as long as the error.
 */
HL_API
HL_MUST_USE
hl_status hl_error_fault(const hl_error *error,
                         hl_fault_info *out);

/**
 * The kind of a fault, one of the `HL_FAULT_*`, for `HL_ERR_GUEST_FAULT` and `HL_ERR_STACK_OVERFLOW`. `HL_FAULT_NONE`
 * for any other error and for NULL. New kinds may appear.
 */
HL_API
uint32_t hl_error_fault_kind(const hl_error *error);

/**
 * Makes an error for a library that extends this one. `message` is copied; invalid UTF-8 in it is replaced. Free it
 * with `hl_error_free`.
 */
HL_API
HL_MUST_USE
hl_error *hl_error_new(hl_status code,
                              hl_bytes message);

/** Frees an error. NULL is allowed. */
HL_API void hl_error_free(hl_error *error);

/**
 * Loads a guest program from a file, which is not needed afterwards. `HL_ERR_IO` if it cannot be read,
 * `HL_ERR_GUEST_BINARY` if it is not a guest program.
 */
HL_API
HL_MUST_USE
hl_status hl_guest_from_file(const char *path,
                             hl_guest **out,
                             hl_error **err);

/** Loads a guest program from memory. `elf` is copied. */
HL_API
HL_MUST_USE
hl_status hl_guest_from_bytes(hl_bytes elf,
                              hl_guest **out,
                              hl_error **err);

/**
 * Loads a guest program that the library carries: `"demo"`, `"javascript"` (its functions: docs/runtimes.md), or
 * `"wasm"` (the runtime without a module; see `hl_wasm_compile`). Any other name is `HL_ERR_INVALID_ARGUMENT`.
 */
HL_API
HL_MUST_USE
hl_status hl_guest_builtin(const char *name,
                           hl_guest **out,
                           hl_error **err);

/**
 * Makes a copy of a guest with a payload added to its image: data (`HL_READ`) or code compiled for it
 * (`HL_READ_EXECUTE`). The guest finds payloads by their index, counted from 0 in the order of addition. It cannot
 * write to them. `payload` is copied; `base` is not changed.
 */
HL_API
HL_MUST_USE
hl_status hl_guest_with_payload(const hl_guest *base,
                                hl_bytes payload,
                                uint32_t access,
                                hl_guest **out,
                                hl_error **err);

/** Frees a guest. NULL is allowed. */
HL_API void hl_guest_free(hl_guest *guest);

/** Makes a sandbox for a guest. It takes almost no resources until evolve. `options` may be NULL. */
HL_API
HL_MUST_USE
hl_status hl_sandbox_new(const hl_guest *guest,
                         const hl_sandbox_options *options,
                         hl_sandbox **out,
                         hl_error **err);

/**
 * Registers a host function, before evolve. It replaces one of the same name. Every sandbox starts with
 * `HostPrint (string) -> i32`, which can be replaced as well: it writes to file descriptor 1, bypassing stdio's
 * buffer. `param_kinds` may be NULL where `n_params` is 0.
 *
 * `user_data` is passed to `function`. `free_fn` (which may be NULL) frees it exactly once: when the sandbox is freed,
 * when the function is replaced or removed, and also when this call fails.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_register(hl_sandbox *sandbox,
                              const char *name,
                              const uint32_t *param_kinds,
                              size_t n_params,
                              uint32_t return_kind,
                              hl_host_fn function,
                              void *user_data,
                              hl_free_fn free_fn,
                              hl_error **err);

/**
 * Removes a host function, before evolve; also `HostPrint`. It succeeds even if there is none of that name; see
 * `hl_sandbox_unregister_found`.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_unregister(hl_sandbox *sandbox,
                                const char *name,
                                hl_error **err);

/** Removes a host function as `hl_sandbox_unregister` does. `*found` becomes 1 if there was one, else 0; on failure 0. */
HL_API
HL_MUST_USE
hl_status hl_sandbox_unregister_found(hl_sandbox *sandbox,
                                      const char *name,
                                      int32_t *found,
                                      hl_error **err);

/**
 * Starts the guest: makes the virtual machine, lets the guest initialise itself, and reads its list of functions.
 * Allowed once.
 *
 * A failure before the guest has run (no hypervisor, no memory) leaves the sandbox unchanged, and the call can be
 * repeated. After any other failure the sandbox is poisoned and can only be freed.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_evolve(hl_sandbox *sandbox,
                            hl_error **err);

/** Like `hl_sandbox_evolve`, with limits of its own. `options` may be NULL. */
HL_API
HL_MUST_USE
hl_status hl_sandbox_evolve_with(hl_sandbox *sandbox,
                                 const hl_call_options *options,
                                 hl_error **err);

/**
 * Calls a guest function. `args` may be NULL where `n_args` is 0. `result` is written in any case: `HL_VOID` on
 * failure. Its text or bytes are views, valid until the next call, restore or snapshot of the sandbox, or until it is
 * freed. If a callback freed the sandbox meanwhile, text and bytes are gone: `HL_ERR_CLOSED`.
 *
 * If a callback has freed the sandbox meanwhile, text and bytes are gone: `HL_ERR_CLOSED`.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_call(hl_sandbox *sandbox,
                          const char *function,
                          const hl_value *args,
                          size_t n_args,
                          hl_value *result,
                          hl_error **err);

/** Like `hl_sandbox_call`, with limits of its own. `options` may be NULL. */
HL_API
HL_MUST_USE
hl_status hl_sandbox_call_with(hl_sandbox *sandbox,
                               const hl_call_options *options,
                               const char *function,
                               const hl_value *args,
                               size_t n_args,
                               hl_value *result,
                               hl_error **err);

/** The state of a sandbox: one of the `HL_STATE_*`. May be called from any thread, also while a call runs. 0 for NULL. */
HL_API
uint32_t hl_sandbox_state(const hl_sandbox *sandbox);

/**
 * Frees a sandbox and everything registered with it; its virtual machine is destroyed soon. While a call runs, also
 * from its own callbacks, that happens when the call ends; the handle must not be used any more all the same. NULL is
 * allowed.
 */
HL_API
void hl_sandbox_free(hl_sandbox *sandbox);

/** The number of the guest's functions; 0 before evolve. May be called from any thread, also while a call runs. */
HL_API
size_t hl_sandbox_function_count(const hl_sandbox *sandbox);

/**
 * Gets the guest function at `index`, counted from 0 in the guest's own order. Before evolve it fails with
 * `HL_ERR_STATE`, during evolve with `HL_ERR_BUSY`, and past the last function with `HL_ERR_INVALID_ARGUMENT`. On
 * failure `*out` is all zeros.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_function(const hl_sandbox *sandbox,
                              size_t index,
                              hl_function_info *out);

/**
 * Makes a handle that cancels the sandbox's evolve and calls. Allowed at any time, also while a call runs. NULL for
 * NULL, and if the program ignores the wake-up signal (`SIGRTMIN + 9`).
 */
HL_API
HL_MUST_USE
hl_interrupt *hl_sandbox_interrupt_handle(const hl_sandbox *sandbox);

/**
 * Cancels the running call or evolve: it ends with `HL_ERR_INTERRUPTED`, and the sandbox is poisoned. Returns 1 if one
 * was running, else 0. A host function is not stopped: the call ends when it returns. Never blocks, and has no effect
 * on later calls. 0 for NULL.
 */
HL_API
int32_t hl_interrupt_fire(const hl_interrupt *interrupt);

/** Frees a handle. NULL is allowed. */
HL_API void hl_interrupt_free(hl_interrupt *interrupt);

/**
 * Makes a sandbox that continues where the snapshot was taken. Register the same host functions as the original
 * sandbox's, then evolve. Evolve runs no guest code; it lists missing or different host functions
 * (`HL_ERR_SNAPSHOT_MISMATCH`). Sizes are the snapshot's: a different one in `options`, which may be NULL, is
 * `HL_ERR_INVALID_ARGUMENT`.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_from_snapshot(const hl_snapshot *snapshot,
                                   const hl_sandbox_options *options,
                                   hl_sandbox **out,
                                   hl_error **err);

/** Takes a snapshot of a sandbox that is ready. The sandbox is unchanged. */
HL_API
HL_MUST_USE
hl_status hl_sandbox_snapshot(hl_sandbox *sandbox,
                              hl_snapshot **out,
                              hl_error **err);

/**
 * Restores a sandbox to the snapshot: memory and registers, not the host's own state. A poisoned sandbox is ready
 * again. Accepts any snapshot of the same guest and sizes whose host functions the sandbox has. Any other is
 * `HL_ERR_SNAPSHOT_MISMATCH`, and nothing has changed. After any other failure the sandbox is poisoned.
 */
HL_API
HL_MUST_USE
hl_status hl_sandbox_restore(hl_sandbox *sandbox,
                             const hl_snapshot *snapshot,
                             hl_error **err);

/**
 * Writes a snapshot to a file, atomically. Only the owner can read the file, because it holds all of the guest's
 * memory. Only a regular file is replaced; anything else, such as a symbolic link, is `HL_ERR_IO`.
 */
HL_API
HL_MUST_USE
hl_status hl_snapshot_save(const hl_snapshot *snapshot,
                           const char *path,
                           hl_error **err);

/**
 * Reads a snapshot from a file, which is not needed afterwards. `HL_ERR_IO` if it cannot be read.
 * `HL_ERR_SNAPSHOT_FILE` if it is damaged, of another version, larger than the defaults of `hl_load_options` allow, or
 * needs a processor with other features. Its checksum finds damage, not forgery.
 */
HL_API
HL_MUST_USE
hl_status hl_snapshot_load(const char *path,
                           hl_snapshot **out,
                           hl_error **err);

/** Reads a snapshot from a file as `hl_snapshot_load` does, with other size limits. `options` may be NULL. */
HL_API
HL_MUST_USE
hl_status hl_snapshot_load_with(const char *path,
                                const hl_load_options *options,
                                hl_snapshot **out,
                                hl_error **err);

/** Frees a snapshot. NULL is allowed. */
HL_API void hl_snapshot_free(hl_snapshot *snapshot);

/** Makes a pool, initially without members. `options` may be NULL. The snapshot may be freed afterwards. */
HL_API
HL_MUST_USE
hl_status hl_pool_new(const hl_snapshot *snapshot,
                      const hl_pool_options *options,
                      hl_pool **out,
                      hl_error **err);

/**
 * Registers a host function for every member, before the first acquisition, as `hl_sandbox_register` does. `function`
 * may be called on several threads at a time: `user_data` is shared.
 */
HL_API
HL_MUST_USE
hl_status hl_pool_register(hl_pool *pool,
                           const char *name,
                           const uint32_t *param_kinds,
                           size_t n_params,
                           uint32_t return_kind,
                           hl_host_fn function,
                           void *user_data,
                           hl_free_fn free_fn,
                           hl_error **err);

/**
 * Acquires a member, evolved and in the snapshot's state, for this caller alone. `hl_sandbox_free` gives it back.
 * While all members are in use, callers wait in order of arrival; `HL_ERR_POOL_TIMEOUT` if the options' acquire
 * timeout passes.
 */
HL_API
HL_MUST_USE
hl_status hl_pool_acquire(hl_pool *pool,
                          hl_sandbox **out,
                          hl_error **err);

/** Gets the pool's statistics. `out->size` must be set; a smaller structure, of an older header, gets its part. */
HL_API
HL_MUST_USE
hl_status hl_pool_stats(const hl_pool *pool,
                        hl_pool_statistics *out);

/**
 * Frees a pool. Members in use stay usable, and are destroyed when they are given back. Waiting callers get
 * `HL_ERR_CLOSED`. NULL is allowed.
 */
HL_API void hl_pool_free(hl_pool *pool);

/**
 * Frees a value that a function of the library gave as a result, with everything behind it. Never frees a part of it.
 * NULL is allowed.
 */
HL_API
void hl_any_free(hl_any *any);

/**
 * Calls a function that a script of the `javascript` guest exports, or a global one, with values instead of JSON. A
 * promise is awaited. `options` may be NULL, `args` where `n_args` is 0. `*out` is the result, to be freed by
 * `hl_any_free`; `HL_ANY_UNDEFINED` if the function returned nothing. It does not depend on the sandbox.
 *
 * Arguments are of the kinds up to `HL_ANY_RECORD`. Whole numbers from 2^53 on become big integers. An `hl_any` of
 * another kind is `HL_ERR_INVALID_ARGUMENT`, beyond its limits `HL_ERR_TOO_LARGE`: nothing was called then.
 */
HL_API
HL_MUST_USE
hl_status hl_script_call(hl_sandbox *sandbox,
                         const hl_call_options *options,
                         const char *function,
                         const hl_any *args,
                         size_t n_args,
                         hl_any **out,
                         hl_error **err);

/**
 * Runs a text of a script in the global scope of the `javascript` guest. `*out` is the value of its last statement,
 * to be freed by `hl_any_free`; a promise is awaited. `options` may be NULL.
 */
HL_API
HL_MUST_USE
hl_status hl_script_eval(hl_sandbox *sandbox,
                         const hl_call_options *options,
                         hl_bytes source,
                         hl_any **out,
                         hl_error **err);

/**
 * Registers a host function of values of any form for scripts, before evolve: `host.NAME` there. It takes at most
 * `arity` arguments, of at most 1024; those that the script leaves out are `HL_ANY_UNDEFINED`. Everything else is as
 * with `hl_sandbox_register`.
 */
HL_API
HL_MUST_USE
hl_status hl_script_register(hl_sandbox *sandbox,
                             const char *name,
                             size_t arity,
                             hl_any_fn function,
                             void *user_data,
                             hl_free_fn free_fn,
                             hl_error **err);

/**
 * Registers a host function of values of any form for every member of a pool, as `hl_pool_register` and
 * `hl_script_register` do.
 */
HL_API
HL_MUST_USE
hl_status hl_script_register_for_pool(hl_pool *pool,
                                      const char *name,
                                      size_t arity,
                                      hl_any_fn function,
                                      void *user_data,
                                      hl_free_fn free_fn,
                                      hl_error **err);

/**
 * Compiles a module or a component in its binary form into a guest, whose guest functions are the program's exports.
 * `options` may be NULL. Compiled programs are cached by their content.
 *
 * `HL_ERR_GUEST_BINARY` if the program is not WebAssembly, not valid, too large, or uses unsupported features.
 * `HL_ERR_TIMEOUT` if it takes too long. `HL_ERR_IO` if the compiler, libhyperlight_wasm.so, is missing from this
 * library's folder, or is of another version.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_compile(hl_bytes wasm,
                          const hl_wasm_options *options,
                          hl_guest **out,
                          hl_error **err);

/**
 * Makes a guest from the bytes of a program that `hl_wasm_precompile` has compiled, with the arguments, environment
 * and files of these options. The limits on compiling are ignored. The bytes may be untrusted: the program can do only
 * what its sandbox allows.
 *
 * `HL_ERR_GUEST_BINARY` if the bytes are damaged, or were made by another version of the library or for a processor
 * with other features. The program must then be compiled again.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_load(hl_bytes saved,
                       const hl_wasm_options *options,
                       hl_guest **out,
                       hl_error **err);

/**
 * Compiles as `hl_wasm_compile` does, into a program that can be described and saved. Arguments, environment and files
 * of the options are ignored.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_precompile(hl_bytes wasm,
                             const hl_wasm_options *options,
                             hl_wasm_program **out,
                             hl_error **err);

/** Loads a program that `hl_wasm_precompile` has compiled from its bytes, under the conditions of `hl_wasm_load`. */
HL_API
HL_MUST_USE
hl_status hl_wasm_program_load(hl_bytes saved,
                               hl_wasm_program **out,
                               hl_error **err);

/**
 * Makes a guest from a program, with the arguments, environment and files of these options. The limits on compiling
 * are ignored. The program may be freed before the guest.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_program_guest(const hl_wasm_program *program,
                                const hl_wasm_options *options,
                                hl_guest **out,
                                hl_error **err);

/** The bytes to save to a file. They live as long as the program. Empty for NULL. */
HL_API hl_bytes hl_wasm_program_bytes(const hl_wasm_program *program);

/** Describes the exports and imports of a program, with all types. The description may outlive the program. */
HL_API
HL_MUST_USE
hl_status hl_wasm_describe(const hl_wasm_program *program,
                           hl_wasm_description **out,
                           hl_error **err);

/** Frees a description. NULL is allowed. */
HL_API void hl_wasm_description_free(hl_wasm_description *description);

/** Frees a program. NULL is allowed. */
HL_API void hl_wasm_program_free(hl_wasm_program *program);

/**
 * Calls an exported function of a sandbox of this program, with values instead of JSON. `options` may be NULL, `args`
 * where `n_args` is 0. `*out` is the result, to be freed by `hl_any_free`, of the kind of its type;
 * `HL_ANY_UNDEFINED` if the function has none, but of a command's `_start` the exit code, an `HL_ANY_S32`. It depends
 * neither on the sandbox nor on the program.
 *
 * `HL_ERR_SIGNATURE` if the number of arguments or a value does not fit, and `HL_ERR_TOO_LARGE` beyond the limits of
 * `hl_any`: nothing was called then. `HL_ERR_PROTOCOL` if the guest sent what its types do not allow.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_call(const hl_wasm_program *program,
                       hl_sandbox *sandbox,
                       const hl_call_options *options,
                       const char *function,
                       const hl_any *args,
                       size_t n_args,
                       hl_any **out,
                       hl_error **err);

/**
 * Registers a host function that the program imports, before evolve, by its name in the description: its arguments and
 * its result are values of the import's types. Everything else is as with `hl_sandbox_register`. The program may be
 * freed before the sandbox. `HL_ERR_INVALID_ARGUMENT` if the program does not import the function.
 */
HL_API
HL_MUST_USE
hl_status hl_wasm_register(const hl_wasm_program *program,
                           hl_sandbox *sandbox,
                           const char *name,
                           hl_any_fn function,
                           void *user_data,
                           hl_free_fn free_fn,
                           hl_error **err);

/**
 * Sets the message of a host function's failure: `return hl_call_fail(call, text);`. The message is copied. Always
 * returns `HL_ERR_HOST_FUNCTION`.
 */
HL_API
HL_MUST_USE
hl_status hl_call_fail(hl_call *call,
                       hl_bytes message);

/**
 * Allocates zeroed memory for the text or bytes of a host function's result, or for the structures of an `hl_any`,
 * aligned for any type. The library frees it, even if it is not used. NULL if there is no memory. Any other memory
 * that a result points to must live until the outer call has ended.
 */
HL_API
void *hl_call_alloc(hl_call *call,
                    size_t len);

/**
 * Sets the process's log callback, for records from `HL_LOG_ERROR` up to `max_level`. NULL turns logging off, which is
 * the initial state. `user_data` is freed when the callback has been replaced and its last running call has returned.
 *
 * The callback runs on the thread that called into the sandbox, during the call. It must not use that sandbox.
 */
HL_API
void hl_set_log_callback(uint32_t max_level,
                         hl_log_fn callback,
                         void *user_data,
                         hl_free_fn free_fn);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* ---- options, with nothing set ------------------------------------------------------------------------ */

/** An `hl_sandbox_options` with its size, and nothing set. */
#define HL_SANDBOX_OPTIONS_INIT {sizeof(hl_sandbox_options), 0, 0, 0, 0, 0, 0, 0, 0, 0}
/** An `hl_call_options` with its size, and nothing set. */
#define HL_CALL_OPTIONS_INIT {sizeof(hl_call_options), 0, 0}
/** An `hl_load_options` with its size, and nothing set. */
#define HL_LOAD_OPTIONS_INIT {sizeof(hl_load_options), 0, 0}
/** An `hl_pool_options` with its size, and nothing set. */
#define HL_POOL_OPTIONS_INIT {sizeof(hl_pool_options), 0, 0, 0, 0, 0, 0, 0, 0}
/** An `hl_pool_statistics` with its size, to be filled. */
#define HL_POOL_STATISTICS_INIT {sizeof(hl_pool_statistics), 0, 0, 0, 0, 0, 0}
/** An `hl_wasm_options` with its size, and nothing set. */
#define HL_WASM_OPTIONS_INIT {sizeof(hl_wasm_options), NULL, 0, NULL, 0, NULL, 0, 0, 0, 0}

/** A C string as a view, for hl_call_fail: `return hl_call_fail(call, hl_view("no such key"));`. */
static inline hl_bytes hl_view(const char *text) {
    return hl_string(text).as.bytes;
}

/* ---- making values of any form ------------------------------------------------------------------------ */

/** A value of that kind, without its content. */
static inline hl_any hl_any_of(uint32_t kind) {
    hl_any any;
    any.kind = kind;
    any.reserved = 0;
    any.as.words[0] = any.as.words[1] = any.as.words[2] = 0;
    return any;
}

/** A script's `null`. */
static inline hl_any hl_any_null(void) {
    return hl_any_of(HL_ANY_NULL);
}

/** A script's `undefined`. */
static inline hl_any hl_any_undefined(void) {
    return hl_any_of(HL_ANY_UNDEFINED);
}

/** `true` or `false`. */
static inline hl_any hl_any_bool(bool boolean) {
    hl_any any = hl_any_of(HL_ANY_BOOL);
    any.as.boolean = boolean;
    return any;
}

/** A whole number, of any integer type that has it. */
static inline hl_any hl_any_s64(int64_t number) {
    hl_any any = hl_any_of(HL_ANY_S64);
    any.as.s64 = number;
    return any;
}

/** A whole number, of any integer type that has it. */
static inline hl_any hl_any_u64(uint64_t number) {
    hl_any any = hl_any_of(HL_ANY_U64);
    any.as.u64 = number;
    return any;
}

/** A floating point number: a script's, an `f64`, or an `f32`, to which it is rounded. */
static inline hl_any hl_any_f64(double number) {
    hl_any any = hl_any_of(HL_ANY_F64);
    any.as.f64 = number;
    return any;
}

/** A character, as a Unicode scalar value. */
static inline hl_any hl_any_char(uint32_t character) {
    hl_any any = hl_any_of(HL_ANY_CHAR);
    any.as.character = character;
    return any;
}

/** Any bytes; they are not copied. */
static inline hl_any hl_any_bytes(const void *data, size_t len) {
    hl_any any = hl_any_of(HL_ANY_BYTES);
    any.as.bytes = hl_blob(data, len).as.bytes;
    return any;
}

/** Text of a known length; it is not copied. */
static inline hl_any hl_any_string_n(const char *text, size_t len) {
    hl_any any = hl_any_bytes(text, len);
    any.kind = HL_ANY_STRING;
    return any;
}

/** A C string; it is not copied. */
static inline hl_any hl_any_string(const char *text) {
    hl_any any = hl_any_of(HL_ANY_STRING);
    any.as.bytes = hl_view(text);
    return any;
}

/** A script's big integer: decimal digits, after a minus if it is negative. They are not copied. */
static inline hl_any hl_any_bigint(const char *digits) {
    hl_any any = hl_any_string(digits);
    any.kind = HL_ANY_BIGINT;
    return any;
}

/** Values in order; they are not copied. */
static inline hl_any hl_any_list(const hl_any *items, size_t count) {
    hl_any any = hl_any_of(HL_ANY_LIST);
    any.as.items.data = items;
    any.as.items.count = count;
    return any;
}

/** Values of several types in order; they are not copied. */
static inline hl_any hl_any_tuple(const hl_any *items, size_t count) {
    hl_any any = hl_any_list(items, count);
    any.kind = HL_ANY_TUPLE;
    return any;
}

/** A name with its value, for hl_any_record. The name is not copied. */
static inline hl_any_member hl_any_named(const char *name, hl_any value) {
    hl_any_member member;
    member.name = hl_view(name);
    member.value = value;
    return member;
}

/** A record, or a script's object; its members are not copied. */
static inline hl_any hl_any_record(const hl_any_member *members, size_t count) {
    hl_any any = hl_any_of(HL_ANY_RECORD);
    any.as.members.data = members;
    any.as.members.count = count;
    return any;
}

/** A map; its pairs are not copied. */
static inline hl_any hl_any_map(const hl_any_pair *pairs, size_t count) {
    hl_any any = hl_any_of(HL_ANY_MAP);
    any.as.pairs.data = pairs;
    any.as.pairs.count = count;
    return any;
}

/** A case of a variant, with its value or NULL. Neither name nor value is copied. */
static inline hl_any hl_any_variant(const char *name, const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_VARIANT);
    any.as.variant.name = hl_view(name);
    any.as.variant.value = value;
    return any;
}

/** A case of an enum. The name is not copied. */
static inline hl_any hl_any_enum(const char *name) {
    hl_any any = hl_any_string(name);
    any.kind = HL_ANY_ENUM;
    return any;
}

/** Flags: the names of those that are set. They are not copied. */
static inline hl_any hl_any_flags(const hl_bytes *names, size_t count) {
    hl_any any = hl_any_of(HL_ANY_FLAGS);
    any.as.names.data = names;
    any.as.names.count = count;
    return any;
}

/** An option with a value, or without one if that is NULL. The value is not copied. */
static inline hl_any hl_any_option(const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_OPTION);
    any.as.option = value;
    return any;
}

/** The case `ok` of a result, with its value or NULL. The value is not copied. */
static inline hl_any hl_any_ok(const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_RESULT);
    any.as.result.value = value;
    any.as.result.is_ok = 1;
    return any;
}

/** The case `err` of a result, with its value or NULL. The value is not copied. */
static inline hl_any hl_any_err(const hl_any *value) {
    hl_any any = hl_any_ok(value);
    any.as.result.is_ok = 0;
    return any;
}

/** True if two texts are the same. */
static inline bool hl_any_is(hl_bytes text, const char *other) {
    size_t at = 0;
    while (at < text.len && other[at] != '\0' && text.data[at] == (uint8_t)other[at]) {
        at++;
    }
    return at == text.len && other[at] == '\0';
}

/** The member of that name in a record: the last, if there are several. NULL if there is none, or no record. */
static inline const hl_any *hl_any_get(const hl_any *record, const char *name) {
    size_t at = record != NULL && record->kind == HL_ANY_RECORD ? record->as.members.count : 0;
    while (at > 0) {
        at--;
        if (hl_any_is(record->as.members.data[at].name, name)) {
            return &record->as.members.data[at].value;
        }
    }
    return NULL;
}

/* ---- what the library was compiled with --------------------------------------------------------------- */

#if defined(__cplusplus)
#define HL_SAME(name, condition) static_assert(condition, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define HL_SAME(name, condition) _Static_assert(condition, #name)
#else
#define HL_SAME(name, condition) typedef char hl_same_##name[(condition) ? 1 : -1]
#endif

HL_SAME(bytes, sizeof(hl_bytes) == 16);
HL_SAME(value, sizeof(hl_value) == 32);
HL_SAME(value_as, offsetof(hl_value, as) == 8);
HL_SAME(bytes_len, offsetof(hl_bytes, len) == 8);
HL_SAME(boolean, sizeof(bool) == 1);
HL_SAME(any, sizeof(hl_any) == 32);
HL_SAME(any_as, offsetof(hl_any, as) == 8);
HL_SAME(any_member, sizeof(hl_any_member) == 48);
HL_SAME(any_pair, sizeof(hl_any_pair) == 64);
HL_SAME(any_case_value, offsetof(hl_any_case, value) == 16);
HL_SAME(any_outcome_ok, offsetof(hl_any_outcome, is_ok) == 8);
HL_SAME(sandbox_options, sizeof(hl_sandbox_options) == 80);
HL_SAME(sandbox_options_last, offsetof(hl_sandbox_options, max_print_bytes) == 72);
HL_SAME(call_options, sizeof(hl_call_options) == 24);
HL_SAME(call_options_last, offsetof(hl_call_options, cpu_time_ns) == 16);
HL_SAME(load_options, sizeof(hl_load_options) == 24);
HL_SAME(load_options_last, offsetof(hl_load_options, max_heap_size) == 16);
HL_SAME(pool_options, sizeof(hl_pool_options) == 72);
HL_SAME(pool_options_last, offsetof(hl_pool_options, max_print_bytes) == 64);
HL_SAME(pool_statistics, sizeof(hl_pool_statistics) == 56);
HL_SAME(function_info, sizeof(hl_function_info) == 40);
HL_SAME(function_info_kinds, offsetof(hl_function_info, param_kinds) == 16);
HL_SAME(function_info_return, offsetof(hl_function_info, return_kind) == 32);
HL_SAME(fault_info, sizeof(hl_fault_info) == 40);
HL_SAME(fault_info_instruction, offsetof(hl_fault_info, instruction) == 8);
HL_SAME(fault_info_function, offsetof(hl_fault_info, function) == 24);
HL_SAME(wasm_options, sizeof(hl_wasm_options) == 80);
HL_SAME(wasm_type, sizeof(hl_wasm_type) == 32);
HL_SAME(wasm_description, sizeof(hl_wasm_description) == 56);
HL_SAME(pool_statistics_last, offsetof(hl_pool_statistics, waited_ns) == 48);

#undef HL_SAME

#endif /* HYPERLIGHT_H */
