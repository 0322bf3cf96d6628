/*
 * libhyperlight_wasm: WebAssembly programs as guests of libhyperlight.
 *
 * The library holds the compiler and nothing else, and is linked beside libhyperlight. A program is compiled here, on the
 * host, and runs in a sandbox alone. The rules at the top of hyperlight.h hold here too.
 */
#ifndef HYPERLIGHT_WASM_H
#define HYPERLIGHT_WASM_H

#include <hyperlight.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A variable of the environment, or a file: its path (relative, `/` between names) and its contents. */
typedef struct hl_wasm_pair {
    hl_bytes name;
    hl_bytes value;
} hl_wasm_pair;

/** What a program for WASI finds around itself. Texts are UTF-8. The first argument is by custom the program's name. */
typedef struct hl_wasm_options {
    const hl_bytes *arguments;
    size_t argument_count;
    const hl_wasm_pair *environment;
    size_t variable_count;
    /** Files that it can read and not change. */
    const hl_wasm_pair *files;
    size_t file_count;
} hl_wasm_options;

/**
 * Compiles a module or a component in its binary form into a guest, whose guest functions are the program's exports.
 * `options` may be NULL. What was compiled before is remembered by its content.
 *
 * HL_ERR_INVALID_ARGUMENT if the program or the options are not acceptable: `err` is left alone then, and hl_wasm_message
 * says why. Any other failure is libhyperlight's own, with its error.
 */
HL_MUST_USE hl_status hl_wasm_compile(hl_bytes wasm, const hl_wasm_options *options, hl_guest **out, hl_error **err);

/**
 * Why the last program that this thread gave to hl_wasm_compile was not acceptable, in UTF-8; empty if it was. The text
 * belongs to the library and holds until this thread's next call.
 */
hl_bytes hl_wasm_message(void);

#ifdef __cplusplus
}
#endif

#endif
