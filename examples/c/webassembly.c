/*
 * Runs untrusted WebAssembly: it is compiled here and runs only in sandboxes. Its exports are guest functions, its
 * imports host functions. The programs are a module compiled by clang, one compiled from Rust, and a component.
 *
 *   cc webassembly.c -o webassembly $(pkg-config --cflags --libs hyperlight) && ./webassembly ../programs
 */
#include <hyperlight.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *programs;
static hl_error *err;

static void check(hl_status status, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

static hl_status stock(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)call, (void)n_args;
    *result = hl_i32(10 * args[0].as.i32);
    return HL_OK;
}

/* A whole file, which is not large. */
static hl_bytes read_file(const char *path) {
    static uint8_t bytes[1 << 20];
    hl_bytes read = {bytes, 0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    read.len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return read;
}

/* A sandbox of one of the programs, with one host function if it imports one. */
static hl_sandbox *start(const char *name, const char *import, uint32_t param, uint32_t result, hl_host_fn function) {
    char path[4096];
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;

    snprintf(path, sizeof path, "%s/%s.wasm", programs, name);
    check(hl_wasm_compile(read_file(path), NULL, &guest, &err), "compiling");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    hl_guest_free(guest);
    if (import != NULL)
        check(hl_sandbox_register(sandbox, import, &param, 1, result, function, NULL, NULL, &err), "registering");
    check(hl_sandbox_evolve(sandbox, &err), "starting");
    return sandbox;
}

/* From C: numbers, and an error. */
static void rule(void) {
    const hl_value few[] = {hl_i32(1), hl_i32(2)}, many[] = {hl_i32(1), hl_i32(11)}, far[] = {hl_i32(1 << 30)};
    hl_sandbox *sandbox = start("rule", "stock", HL_I32, HL_I32, stock);
    hl_value result;

    check(hl_sandbox_call(sandbox, "price", few, 2, &result, &err), "price");
    printf("2 of item 1: %g\n", result.as.f64);
    check(hl_sandbox_call(sandbox, "price", many, 2, &result, &err), "price");
    printf("11 of item 1: %g\n", result.as.f64);

    /* Its fault is an error, and the sandbox can be called again. */
    printf("%s\n", hl_status_name(hl_sandbox_call(sandbox, "crash", far, 1, &result, NULL)));
    check(hl_sandbox_call(sandbox, "price", few, 2, &result, &err), "price");
    printf("2 of item 1: %g\n", result.as.f64);
    hl_sandbox_free(sandbox);
}

/* From Rust: texts, passed through its memory. */
static void words(void) {
    static const char text[] = "the wall the guest the host";
    const size_t len = sizeof text - 1;
    const hl_value memory = hl_string("memory"), size = hl_i32((int32_t)len);
    hl_sandbox *sandbox = start("words", NULL, 0, 0, NULL);
    hl_value at, index, result;

    check(hl_sandbox_call(sandbox, "room", &size, 1, &at, &err), "room");
    const hl_value write[] = {memory, hl_u64((uint32_t)at.as.i32), hl_blob(text, len)};
    check(hl_sandbox_call(sandbox, "hyperlight:memory-write", write, 3, &result, &err), "writing");
    const hl_value taken[] = {at, size};
    check(hl_sandbox_call(sandbox, "index", taken, 2, &index, &err), "index");
    const uint64_t found = (uint64_t)index.as.i64;
    const hl_value read[] = {memory, hl_u64((uint32_t)found), hl_u64(found >> 32)};
    check(hl_sandbox_call(sandbox, "hyperlight:memory-read", read, 3, &result, &err), "reading");
    printf("%.*s\n", (int)result.as.bytes.len, (const char *)result.as.bytes.data);
    hl_sandbox_free(sandbox);
}

static hl_status say(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    (void)user_data, (void)call, (void)n_args, (void)result;
    printf("it says: %s\n", (const char *)args[0].as.bytes.data);
    return HL_OK;
}

/* An item of an order. */
static void item(hl_any_member *members, const char *name, double price, uint64_t count) {
    members[0] = hl_any_named("name", hl_any_string(name));
    members[1] = hl_any_named("price", hl_any_f64(price));
    members[2] = hl_any_named("count", hl_any_u64(count));
}

/* A component: its values are structures, which are checked against its types in both directions. */
static void shop(void) {
    hl_any_member tea[3], cake[3];
    hl_any items[2], order, *total = NULL;
    hl_wasm_program *program = NULL;
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    char path[4096];

    snprintf(path, sizeof path, "%s/shop.wasm", programs);
    check(hl_wasm_precompile(read_file(path), NULL, &program, &err), "compiling");
    check(hl_wasm_program_guest(program, NULL, &guest, &err), "making a guest");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    check(hl_wasm_register(program, sandbox, "log", say, NULL, NULL, &err), "registering");
    check(hl_sandbox_evolve(sandbox, &err), "starting");

    item(tea, "tea", 3, 2);
    item(cake, "cake", 4.5, 1);
    items[0] = hl_any_record(tea, 3);
    items[1] = hl_any_record(cake, 3);
    order = hl_any_list(items, 2);
    check(hl_wasm_call(program, sandbox, NULL, "total", &order, 1, &total, &err), "total");
    if (total->kind == HL_ANY_OPTION && total->as.option != NULL) {
        printf("an order: %g\n", total->as.option->as.f64);
    }
    hl_any_free(total);
    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    hl_wasm_program_free(program);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: webassembly FOLDER\n");
        return 2;
    }
    programs = argv[1];
    rule();
    words();
    shop();
    return 0;
}
