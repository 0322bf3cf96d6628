/*
 * Guest programs for libhyperlight, in C or C++. One line builds one, with the stock gcc or clang:
 *
 *   cc -O2 -fPIE -static-pie -nostdlib -Wl,--gc-sections -I include guest.c -o guest.elf -L lib -lhyperlight_guest
 *
 * A guest publishes functions with HL_GUEST_FUNCTION, calls functions of the host with hl_host_call, and may
 * include the compiler's own <stdio.h>, <stdlib.h>, <string.h>, <math.h> …: libhyperlight_guest.a carries that
 * part of a C library which makes sense without an operating system. What is printed goes to HostPrint.
 *
 * Rules
 * - A guest has one thread. One call of a guest function runs at a time, to its end.
 * - Values are those of hyperlight_value.h. Strings are UTF-8. A string that the library hands out is followed by a NUL that its length does not
 *   count, so that `value.as.bytes.data` is a C string too, where the text itself holds no NUL.
 * - What the library hands out (arguments, results of host calls, hl_guest_alloc) lives until the guest
 *   function has returned and its result was sent.
 * - A string or bytes result must live as long: static, from hl_guest_alloc, from malloc, or an argument.
 *
 * C99 to C17 and C++11 to C++20; x86-64 only.
 */
#ifndef HYPERLIGHT_GUEST_H
#define HYPERLIGHT_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hyperlight_value.h"

/* Statuses that hl_host_call and hl_guest_payload give. Those of the host's own functions are any others. */
#define HL_OK 0
#define HL_ERR_INVALID_ARGUMENT -1
#define HL_ERR_SIGNATURE -6
#define HL_ERR_TOO_LARGE -7
#define HL_ERR_HOST_FUNCTION -9

/* A string value that the library handed out, as a C string. */
static inline const char *hl_text(const hl_value *value) {
    return HL_VIEW(char, value->as.bytes.data);
}

/* Levels of hl_guest_log. */
#define HL_LOG_ERROR 1
#define HL_LOG_WARN 2
#define HL_LOG_INFO 3
#define HL_LOG_DEBUG 4
#define HL_LOG_TRACE 5

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A guest function. `result` arrives as HL_VOID. Returns 0, or the number of an error, any of the function's own:
 * `return hl_guest_fail(7, "no such key");`.
 */
typedef int32_t (*hl_guest_fn)(const hl_value *args, size_t n_args, hl_value *result);

/* ---- publishing and declaring functions -------------------------------------------------------------- */

/*
 * HL_GUEST_FUNCTION("Add", add, HL_I32, HL_I32, HL_I32);
 *
 * publishes `add` under that name: result kind, then the parameter kinds (none to 32). At file scope; the
 * handler is a plain identifier. The host and the library check a call against this signature, so the handler
 * need not.
 */
#define HL_GUEST_FUNCTION(name, handler, ...)                                                                   \
    static const unsigned char HL_PASTE3(hl_kinds_of_, handler, __LINE__)[] = {__VA_ARGS__};                    \
    HL_ENTRY static const struct hl_guest_entry HL_PASTE3(hl_entry_of_, handler, __LINE__) = {                  \
        name, handler, HL_NULL, HL_PASTE3(hl_kinds_of_, handler, __LINE__),                                     \
        HL_KIND_COUNT(HL_PASTE3(hl_kinds_of_, handler, __LINE__))}

/*
 * HL_HOST_FUNCTION("HostAdd", HL_I32, HL_I32, HL_I32);
 *
 * declares a host function that the guest wants to call, so that the host can list it and check its own.
 */
#define HL_HOST_FUNCTION(name, ...)                                                                             \
    static const unsigned char HL_PASTE3(hl_host_kinds_, at_, __LINE__)[] = {__VA_ARGS__};                      \
    HL_ENTRY static const struct hl_guest_entry HL_PASTE3(hl_host_entry_, at_, __LINE__) = {                    \
        name, HL_NULL, HL_NULL, HL_PASTE3(hl_host_kinds_, at_, __LINE__),                                       \
        HL_KIND_COUNT(HL_PASTE3(hl_host_kinds_, at_, __LINE__))}

/*
 * HL_GUEST_MAIN(prepare);
 *
 * runs `int32_t prepare(void)` once, when the sandbox evolves and before any call. Not 0: the guest does not
 * start. It may call host functions.
 */
#define HL_GUEST_MAIN(function)                                                                                 \
    HL_ENTRY static const struct hl_guest_entry HL_PASTE3(hl_main_entry_of_, function, __LINE__) = {            \
        HL_NULL, HL_NULL, function, HL_NULL, 0}

/* ---- inside a guest function ------------------------------------------------------------------------- */

/* Sets the error that the guest function is about to return: `return hl_guest_fail(code, message);`. */
int32_t hl_guest_fail(int32_t code, const char *message);

/* The same with a message in the manner of printf. */
int32_t hl_guest_failf(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Calls a host function. HL_OK, or the status of the failure: nothing is lost, the guest may go on. `result`
 * may be NULL.
 *
 * The host function "hyperlight:signature" is always there: it takes a name and returns one byte for the kind of that
 * host function's result and one for each parameter (HL_BYTES; empty where the host has none of that name).
 */
int32_t hl_host_call(const char *name, const hl_value *args, size_t n_args, hl_value *result);

/* What the last failed host call said; "" before the first. */
const char *hl_host_error_message(void);

/*
 * Passes the last failure of a host call on to the host: `return hl_guest_pass_error();`. The caller then gets
 * the host function's own error, not one of the guest's.
 */
int32_t hl_guest_pass_error(void);

/* Memory that is freed when the guest function's result was sent; 16-aligned. Never NULL: see the next. */
void *hl_guest_alloc(size_t size) __attribute__((malloc));

/* Gives up because `size` bytes were not to be had. malloc returns NULL and leaves the choice to you. */
void hl_guest_out_of_memory(size_t size) __attribute__((noreturn));

/* Gives up. The sandbox is poisoned until it is restored. */
void hl_guest_abort(int32_t code, const char *message) __attribute__((noreturn));

/* Random bytes; reseeded by the host after a restore and in a clone. */
void hl_guest_random(void *buffer, size_t len);

/* The host's monotonic clock, in nanoseconds. */
uint64_t hl_guest_monotonic_ns(void);

/* Sleeps for so many nanoseconds, without taking processor time. The host may end the call meanwhile. */
void hl_guest_sleep_ns(uint64_t ns);

/* Payload `index` of the image. HL_OK, or HL_ERR_INVALID_ARGUMENT where there is none. */
int32_t hl_guest_payload(size_t index, hl_bytes *payload);

/* hl_guest_log(HL_LOG_INFO, "%d items", n): a record with file and line, in the manner of printf. */
#define hl_guest_log(level, ...) hl_guest_log_at((level), HL_LOG_TARGET, __FILE__, __LINE__, __VA_ARGS__)

/* Which part of the guest speaks; a source file may define another before it includes this header. */
#ifndef HL_LOG_TARGET
#define HL_LOG_TARGET "guest"
#endif

void hl_guest_log_at(uint32_t level, const char *target, const char *file, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- how the macros work: nothing below is meant for direct use -------------------------------------- */

struct hl_guest_entry {
    const char *name;           /* none in a main hook */
    hl_guest_fn handler;        /* in a guest function */
    int32_t (*main)(void);      /* in a main hook */
    const unsigned char *kinds; /* result, then parameters */
    size_t n_kinds;
};

#define HL_PASTE3(a, b, c) HL_PASTE3_EXPANDED(a, b, c)
#define HL_PASTE3_EXPANDED(a, b, c) a##b##_##c

/* One result and at most 32 parameters: the array type below has no negative size only then. */
#define HL_KIND_COUNT(kinds) (sizeof(kinds) / sizeof(char[sizeof(kinds) <= 33 ? 1 : -1]))

#ifdef __cplusplus
#define HL_NULL nullptr
#else
#define HL_NULL NULL
#endif

/* Without `retain`, a linker that collects unused sections might take the entries for unused. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define HL_ENTRY __attribute__((section("hl_guest_entries"), used, retain, aligned(8)))
#define HL_KEPT __attribute__((used, retain))
#endif
#endif
#ifndef HL_ENTRY
#define HL_ENTRY __attribute__((section("hl_guest_entries"), used, aligned(8)))
#define HL_KEPT __attribute__((used))
#endif

/*
 * Including this header is what pulls the library, and with it the program's entry point, into the link. The number
 * is that of this header's layouts: a library of another one does not link.
 */
extern const char hl_guest_library_1;
HL_KEPT static const char *const hl_guest_library = &hl_guest_library_1;

#ifdef __cplusplus
}
#endif

#endif /* HYPERLIGHT_GUEST_H */
