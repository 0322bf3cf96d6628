/*
 * libhyperlight_wasm: WebAssembly programs as guests of libhyperlight.
 *
 * The library holds the compiler and nothing else, and is linked beside libhyperlight. A program is compiled here, on the
 * host, and runs in a sandbox alone. The rules at the top of hyperlight.h hold here too.
 */
#ifndef HYPERLIGHT_WASM_H
#define HYPERLIGHT_WASM_H

#include <hyperlight.h>

/** Is exported by the library. */
#define HL_WASM_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** A variable of the environment, or a file: its path (relative, `/` between names) and its contents. */
typedef struct hl_wasm_pair {
    hl_bytes name;
    hl_bytes value;
} hl_wasm_pair;

/**
 * What a program for WASI finds around itself, and what a program may ask of the compiler. Texts are UTF-8. The first argument
 * is by custom the program's name. Start from HL_WASM_OPTIONS_INIT.
 */
typedef struct hl_wasm_options {
    /** `sizeof(hl_wasm_options)`. */
    size_t size;
    const hl_bytes *arguments;
    size_t argument_count;
    const hl_wasm_pair *environment;
    size_t variable_count;
    /** Files that it can read and not change. */
    const hl_wasm_pair *files;
    size_t file_count;
    /** Bytes of the program at most; 0 for 64 MiB. */
    uint64_t max_program_size;
    /** How long compiling may take, waiting for other compilations of the process included; 0 for a minute. It may take twice as long,
     * where the program is made for that. */
    uint64_t compile_timeout_ns;
    /** Processors that compile at most; 0 for all that are available to the process, which is also the most for all compilations together. */
    uint64_t compile_threads;
} hl_wasm_options;

/** Nothing, and the default limits. */
#define HL_WASM_OPTIONS_INIT {sizeof(hl_wasm_options), NULL, 0, NULL, 0, NULL, 0, 0, 0, 0}

/**
 * Compiles a module or a component in its binary form into a guest, whose guest functions are the program's exports.
 * `options` may be NULL. What was compiled before is remembered by its content.
 *
 * HL_ERR_GUEST_BINARY if the program is no WebAssembly, not valid, too large, or uses what the runtime does not support.
 * HL_ERR_TIMEOUT if it takes too long.
 */
HL_MUST_USE HL_WASM_API hl_status hl_wasm_compile(hl_bytes wasm, const hl_wasm_options *options, hl_guest **out, hl_error **err);

/** A compiled program that can be kept in a file. */
typedef struct hl_wasm_program hl_wasm_program;

/** Compiles as hl_wasm_compile does, into bytes for hl_wasm_load. Arguments, environment and files of the options mean nothing here. */
HL_MUST_USE HL_WASM_API hl_status hl_wasm_precompile(hl_bytes wasm, const hl_wasm_options *options, hl_wasm_program **out, hl_error **err);

/** What is to be written to a file. It lives as long as the program. */
HL_WASM_API hl_bytes hl_wasm_program_bytes(const hl_wasm_program *program);

/** May be NULL. */
HL_WASM_API void hl_wasm_program_free(hl_wasm_program *program);

/**
 * Makes a guest of a program that hl_wasm_precompile has compiled, with the arguments, environment and files of these options. The
 * limits on compiling mean nothing here. The bytes may come from anybody: the program can do nothing but what its sandbox lets it do.
 *
 * HL_ERR_GUEST_BINARY if they are damaged, or were made by another version of the library or for a processor with other
 * features: the program must be compiled anew.
 */
HL_MUST_USE HL_WASM_API hl_status hl_wasm_load(hl_bytes saved, const hl_wasm_options *options, hl_guest **out, hl_error **err);

#ifdef __cplusplus
}
#endif

#endif
