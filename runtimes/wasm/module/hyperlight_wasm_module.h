/*
 * libhyperlight_wasm_module: the WebAssembly compiler for bindings, which load it at first use.
 *
 * hlwm_compile turns a module or a component in its binary form into two payloads for the "wasm" guest: the code
 * first, readable and executable, then the configuration, readable. Every function may be called from any thread.
 * Bytes that are handed out belong to the program and live as long as it does.
 */
#ifndef HYPERLIGHT_WASM_MODULE_H
#define HYPERLIGHT_WASM_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The interface that this header describes; hlwm_version() tells the library's. */
#define HLWM_VERSION 3u

#define HLWM_OK 0       /* the program was compiled */
#define HLWM_PROGRAM 1  /* no WebAssembly, or not valid, or not supported */
#define HLWM_OPTIONS 2  /* the options are not acceptable */
#define HLWM_INTERNAL 3 /* a bug of the compiler, contained */
#define HLWM_TIMEOUT 4  /* compiling took longer than allowed */

/* `data` may be NULL where `len` is 0. */
typedef struct hlwm_bytes {
    const uint8_t *data;
    size_t len;
} hlwm_bytes;

/* A variable of the environment (both UTF-8), or a file: its path (UTF-8, relative, `/` between names) and contents. */
typedef struct hlwm_pair {
    hlwm_bytes name;
    hlwm_bytes value;
} hlwm_pair;

/* What WASI programs find around themselves, and what a program may ask of the compiler. The first argument is by custom the
 * program's name. */
typedef struct hlwm_options {
    const hlwm_bytes *arguments;
    size_t argument_count;
    const hlwm_pair *environment;
    size_t variable_count;
    const hlwm_pair *files;
    size_t file_count;
    /* Bytes of the program, and nanoseconds to compile it, at most: 0 for 64 MiB and a minute. */
    uint64_t max_program_size;
    uint64_t compile_timeout_ns;
    /* Processors that compile at most: 0 for all that are available to the process. */
    uint64_t compile_threads;
} hlwm_options;

typedef struct hlwm_program hlwm_program;

uint32_t hlwm_version(void);

/* `options` may be NULL. Never returns NULL: hlwm_status tells whether there is a program. */
hlwm_program *hlwm_compile(hlwm_bytes wasm, const hlwm_options *options);

/* The same of a program that was compiled before, by the same library on a processor with the same features: no limit on compiling
 * means anything. The bytes may come from anybody, as a program may. */
hlwm_program *hlwm_load(hlwm_bytes saved, const hlwm_options *options);
/* What hlwm_load takes, without the options. Empty unless HLWM_OK, or if there is no room for it. */
hlwm_bytes hlwm_saved(const hlwm_program *program);

int32_t hlwm_status(const hlwm_program *program);
/* Why there is none, UTF-8; empty with HLWM_OK. */
hlwm_bytes hlwm_message(const hlwm_program *program);
/* Empty unless HLWM_OK. */
hlwm_bytes hlwm_code(const hlwm_program *program);
hlwm_bytes hlwm_config(const hlwm_program *program);
/* JSON: {"kind": "module" | "component",
 *        "exports": [{"name", "parameters": [{"name", "type", "kind", "json"}], "result": {"type", "kind", "json"} | null}],
 *        "imports": the same, "memories": [names]}
 * "kind" is the kind of the value that crosses the wall; where "json" is true it is a string that holds JSON. */
hlwm_bytes hlwm_description(const hlwm_program *program);

void hlwm_free(hlwm_program *program);

#ifdef __cplusplus
}
#endif

#endif
