/* WebAssembly programs from C. The exit code is the line of the first thing that was wrong. */
#include <hyperlight.h>
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

static int is(hl_bytes found, const char *expected) {
    return found.len == strlen(expected) && (found.len == 0 || memcmp(found.data, expected, found.len) == 0);
}

/* The description of a program, and of the same when it was kept as bytes. */
static int describe(const hl_wasm_program *program) {
    hl_wasm_description *description = NULL;
    CHECK(hl_wasm_describe(NULL, &description, NULL) == HL_ERR_INVALID_ARGUMENT && description == NULL);
    CHECK(hl_wasm_describe(program, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    hl_wasm_description_free(NULL);
    CHECK(hl_wasm_describe(program, &description, NULL) == HL_OK);
    CHECK(!description->is_component && description->import_count == 0 && description->memory_count == 0);
    CHECK(description->export_count == 1);
    const hl_wasm_function *fib = &description->exports[0];
    CHECK(is(fib->name, "fib") && fib->parameter_count == 1 && is(fib->parameters[0].name, ""));
    CHECK(fib->parameters[0].type->shape == HL_WASM_I32 && fib->parameters[0].type->kind == HL_I32);
    CHECK(fib->result->shape == HL_WASM_I32 && !fib->result->is_json && fib->result->member_count == 0);
    hl_wasm_description_free(description);
    return 0;
}

/* (component
 *   (type $point (record (field "x" s32) (field "label" (option string))))
 *   (import "point" (type $p (eq $point)))
 *   (import "send" (func (param "to" $p) (param "body" (list u8)) (result (result u64 (error string))))))
 * What is imported is described like what is exported. */
static const uint8_t COMPONENT[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x0f, 0x02, 0x6b, 0x73, 0x72, 0x02, 0x01, 0x78, 0x7a,
    0x05, 0x6c, 0x61, 0x62, 0x65, 0x6c, 0x00, 0x0a, 0x0b, 0x01, 0x00, 0x05, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x03,
    0x00, 0x01, 0x07, 0x16, 0x03, 0x70, 0x7d, 0x6a, 0x01, 0x77, 0x01, 0x73, 0x40, 0x02, 0x02, 0x74, 0x6f, 0x02,
    0x04, 0x62, 0x6f, 0x64, 0x79, 0x03, 0x00, 0x04, 0x0a, 0x09, 0x01, 0x00, 0x04, 0x73, 0x65, 0x6e, 0x64, 0x01,
    0x05, 0x00, 0x1d, 0x0e, 0x63, 0x6f, 0x6d, 0x70, 0x6f, 0x6e, 0x65, 0x6e, 0x74, 0x2d, 0x6e, 0x61, 0x6d, 0x65,
    0x01, 0x0c, 0x03, 0x02, 0x01, 0x05, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x02, 0x01, 0x70};

static int describe_component(void) {
    hl_wasm_program *program = NULL;
    hl_wasm_description *description = NULL;
    CHECK(hl_wasm_precompile((hl_bytes){COMPONENT, sizeof COMPONENT}, NULL, &program, NULL) == HL_OK);
    CHECK(hl_wasm_describe(program, &description, NULL) == HL_OK);
    /* It lives on alone. */
    hl_wasm_program_free(program);
    CHECK(description->is_component && description->export_count == 0 && description->import_count == 1);
    const hl_wasm_function *send = &description->imports[0];
    CHECK(is(send->name, "send") && send->parameter_count == 2);
    CHECK(is(send->parameters[0].name, "to") && is(send->parameters[1].name, "body"));

    const hl_wasm_type *point = send->parameters[0].type;
    CHECK(point->shape == HL_WASM_RECORD && point->kind == HL_STRING && point->is_json == 1);
    CHECK(point->member_count == 2 && is(point->members[0].name, "x") && is(point->members[1].name, "label"));
    CHECK(point->members[0].type->shape == HL_WASM_S32 && point->members[0].type->kind == HL_I32);
    const hl_wasm_type *label = point->members[1].type;
    CHECK(label->shape == HL_WASM_OPTION && label->member_count == 1);
    CHECK(label->members[0].type->shape == HL_WASM_STRING && is(label->members[0].name, ""));

    const hl_wasm_type *body = send->parameters[1].type;
    CHECK(body->shape == HL_WASM_LIST && body->kind == HL_BYTES && !body->is_json && body->length == 0);
    CHECK(body->members[0].type->shape == HL_WASM_U8);
    CHECK(send->result->shape == HL_WASM_RESULT && send->result->member_count == 2);
    CHECK(send->result->members[0].type->shape == HL_WASM_U64);
    CHECK(send->result->members[1].type->shape == HL_WASM_STRING);
    hl_wasm_description_free(description);
    return 0;
}

int main(void) {
    hl_error *error = NULL;
    hl_guest *guest = NULL;
    hl_bytes program = {FIB, sizeof FIB};
    int line = describe_component();

    CHECK(line == 0);

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
    newer.known.size = 4;
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
    CHECK(describe(kept) == 0);
    hl_wasm_program *again = NULL;
    CHECK(hl_wasm_program_load(saved, &again, &error) == HL_OK && error == NULL);
    CHECK(hl_wasm_program_bytes(again).len == saved.len);
    CHECK(memcmp(hl_wasm_program_bytes(again).data, saved.data, saved.len) == 0);
    CHECK(describe(again) == 0);
    CHECK(hl_wasm_program_guest(again, NULL, &guest, &error) == HL_OK && error == NULL);
    hl_guest_free(guest);
    CHECK(hl_wasm_program_guest(NULL, NULL, &guest, NULL) == HL_ERR_INVALID_ARGUMENT && guest == NULL);
    hl_wasm_program_free(again);
    CHECK(hl_wasm_program_load(program, &again, NULL) == HL_ERR_GUEST_BINARY && again == NULL);
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

    /* A number without what it counts. */
    options = (hl_wasm_options)HL_WASM_OPTIONS_INIT;
    options.argument_count = 1;
    CHECK(hl_wasm_compile(program, &options, &guest, NULL) == HL_ERR_INVALID_ARGUMENT && guest == NULL);

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
