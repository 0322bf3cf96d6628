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
