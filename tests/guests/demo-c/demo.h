/*
 * The demo guest in C: the same functions as the one in Rust (runtimes/demo), and what only C can do wrong.
 *
 *   cc -O2 -fPIE -static-pie -nostdlib -Wl,--gc-sections -I include tests/guests/demo-c/[a-z]*.c -o demo-c.elf \
 *      -L sdk/target/release -lhyperlight_guest
 */
#ifndef DEMO_H
#define DEMO_H

#include "hyperlight_guest.h"

/* The head of a guest function; not every one looks at all that it is given. */
#define DEMO(name)                                                                                             \
    static int32_t name(const hl_value *args __attribute__((unused)), size_t n_args __attribute__((unused)),   \
                        hl_value *result __attribute__((unused)))

/* Codes of this guest's errors: arguments that a function cannot use, and answers that were not foreseen. */
enum { WRONG_INPUT = 1, UNEXPECTED = 2 };

/* Calls a host function and passes its failure on. */
static inline int32_t call_host(const char *name, const hl_value *args, size_t n_args, hl_value *result) {
    return hl_host_call(name, args, n_args, result) == HL_OK ? 0 : hl_guest_pass_error();
}

/* Keeps the compiler from knowing what is behind a pointer, or that nothing is done with it. */
static inline void *opaque(void *pointer) {
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

/* An address that came as a number. */
static inline void *place(uint64_t address) {
    return (void *)(uintptr_t)address;
}

/* Text that grows as it is written, and lives until the result was sent. It starts as all zeros. */
struct text {
    char *start;
    size_t len, size;
};

void append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes bytes as a list of numbers. */
void append_bytes(struct text *text, hl_bytes bytes);

/* Leaves not one byte to allocate. */
void fill_heap(void);

#endif
