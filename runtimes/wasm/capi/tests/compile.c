/* WebAssembly programs from C. The exit code is the line of the first thing that was wrong. */
#include <hyperlight_wasm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition) \
    if (!(condition)) \
    return fprintf(stderr, "line %d\n", __LINE__), __LINE__

/* (module (func $fib (export "fib") (param i32) (result i32)
 *   local.get 0  i32.const 2  i32.lt_u  if  local.get 0  return  end
 *   (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))) */
static const uint8_t FIB[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x03, 0x02,
    0x01, 0x00, 0x07, 0x07, 0x01, 0x03, 0x66, 0x69, 0x62, 0x00, 0x00, 0x0a, 0x1e, 0x01, 0x1c, 0x00, 0x20, 0x00,
    0x41, 0x02, 0x49, 0x04, 0x40, 0x20, 0x00, 0x0f, 0x0b, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x10, 0x00, 0x20, 0x00,
    0x41, 0x02, 0x6b, 0x10, 0x00, 0x6a, 0x0b};

static hl_bytes text(const char *text) {
    return (hl_bytes){(const uint8_t *)text, strlen(text)};
}

int main(void) {
    hl_error *error = NULL;
    hl_guest *guest = NULL;
    hl_bytes program = {FIB, sizeof FIB};

    CHECK(hl_wasm_compile(text("junk"), NULL, &guest, &error) == HL_ERR_GUEST_BINARY && guest == NULL);
    CHECK(hl_error_code(error) == HL_ERR_GUEST_BINARY && hl_error_message(error).len > 0);
    hl_error_free(error);
    error = NULL;
    CHECK(hl_wasm_compile((hl_bytes){NULL, 0}, NULL, &guest, NULL) == HL_ERR_GUEST_BINARY);
    CHECK(hl_wasm_compile(program, NULL, NULL, &error) == HL_ERR_INVALID_ARGUMENT && error != NULL);
    hl_error_free(error);
    error = NULL;
    hl_wasm_pair bad = {text("A=B"), text("")};
    hl_wasm_options options = HL_WASM_OPTIONS_INIT;
    options.environment = &bad;
    options.variable_count = 1;
    CHECK(hl_wasm_compile(program, &options, &guest, &error) == HL_ERR_INVALID_ARGUMENT);
    CHECK(strncmp((const char *)hl_error_message(error).data, "a variable", 10) == 0);
    hl_error_free(error);
    error = NULL;

    /* A program that is older than any, and one that is newer than this library: with and without an option of its own. */
    struct {
        hl_wasm_options known;
        uint64_t unknown;
    } newer = {HL_WASM_OPTIONS_INIT, 0};
    newer.known.size = 8;
    CHECK(hl_wasm_compile(program, &newer.known, &guest, NULL) == HL_ERR_INVALID_ARGUMENT);
    newer.known.size = sizeof newer;
    newer.unknown = 1;
    CHECK(hl_wasm_compile(program, &newer.known, &guest, NULL) == HL_ERR_INVALID_ARGUMENT && guest == NULL);
    newer.unknown = 0;
    CHECK(hl_wasm_compile(program, &newer.known, &guest, NULL) == HL_OK);
    hl_guest_free(guest);

    /* One of the first version, which ends before the threads. */
    newer.known.size = offsetof(hl_wasm_options, compile_threads);
    newer.known.compile_threads = UINT64_MAX;
    CHECK(hl_wasm_compile(program, &newer.known, &guest, NULL) == HL_OK);
    hl_guest_free(guest);

    /* Kept as bytes, and taken up again. */
    hl_wasm_program *kept = NULL;
    CHECK(hl_wasm_precompile(text("junk"), NULL, &kept, NULL) == HL_ERR_GUEST_BINARY && kept == NULL);
    CHECK(hl_wasm_program_bytes(NULL).len == 0);
    hl_wasm_program_free(NULL);
    options = (hl_wasm_options)HL_WASM_OPTIONS_INIT;
    options.compile_threads = 1;
    CHECK(hl_wasm_precompile(program, &options, &kept, &error) == HL_OK && error == NULL);
    hl_bytes saved = hl_wasm_program_bytes(kept);
    CHECK(saved.len > sizeof FIB);
    CHECK(hl_wasm_load(saved, NULL, &guest, &error) == HL_OK && error == NULL);
    hl_guest_free(guest);
    saved.len -= 1;
    CHECK(hl_wasm_load(saved, NULL, &guest, &error) == HL_ERR_GUEST_BINARY && guest == NULL);
    hl_error_free(error);
    error = NULL;
    CHECK(hl_wasm_load(program, NULL, &guest, NULL) == HL_ERR_GUEST_BINARY);
    CHECK(hl_wasm_load(saved, NULL, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    hl_wasm_program_free(kept);

    /* What a program may ask of the compiler. This one is remembered, so it takes no time. */
    options = (hl_wasm_options)HL_WASM_OPTIONS_INIT;
    options.max_program_size = sizeof FIB - 1;
    CHECK(hl_wasm_compile(program, &options, &guest, NULL) == HL_ERR_GUEST_BINARY && guest == NULL);
    options.max_program_size = sizeof FIB;
    options.compile_timeout_ns = 1;
    CHECK(hl_wasm_compile(program, &options, &guest, &error) == HL_OK && error == NULL);
    hl_guest_free(guest);
    uint8_t other[sizeof FIB];
    memcpy(other, FIB, sizeof FIB);
    other[55] = 3; /* i32.const 3 */
    CHECK(hl_wasm_compile((hl_bytes){other, sizeof other}, &options, &guest, &error) == HL_ERR_TIMEOUT && guest == NULL);
    hl_error_free(error);
    error = NULL;

    hl_bytes arguments[] = {text("fib"), text("x")};
    hl_wasm_pair file = {text("a/b"), text("contents")};
    options = (hl_wasm_options)HL_WASM_OPTIONS_INIT;
    options.arguments = arguments;
    options.argument_count = 2;
    options.files = &file;
    options.file_count = 1;
    CHECK(hl_wasm_compile(program, &options, &guest, &error) == HL_OK && error == NULL);

    hl_sandbox *sandbox = NULL;
    CHECK(hl_sandbox_new(guest, NULL, &sandbox, &error) == HL_OK);
    hl_guest_free(guest);
    CHECK(hl_sandbox_evolve(sandbox, &error) == HL_OK);
    hl_value argument = {.kind = HL_I32, .as.i32 = 30}, result;
    CHECK(hl_sandbox_call(sandbox, "fib", &argument, 1, &result, &error) == HL_OK);
    CHECK(result.kind == HL_I32 && result.as.i32 == 832040);
    hl_sandbox_free(sandbox);
    printf("all is well\n");
    return 0;
}
