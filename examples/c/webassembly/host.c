/*
 * Runs somebody else's WebAssembly: it is compiled here and runs in a sandbox alone. Its exports are guest functions, its
 * imports host functions.
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry rule.c -o rule.wasm
 *   cc host.c -o host $(pkg-config --cflags --libs hyperlight_wasm) && ./host rule.wasm
 */
#include <hyperlight_wasm.h>

#include <stdio.h>
#include <stdlib.h>

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

/* The whole file, which is not large. */
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

int main(int argc, char **argv) {
    const uint32_t params[] = {HL_I32};
    const hl_value few[] = {hl_i32(1), hl_i32(2)}, many[] = {hl_i32(1), hl_i32(11)}, far[] = {hl_i32(1 << 30)};
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_value result;

    if (argc != 2) {
        fprintf(stderr, "usage: host FILE.wasm\n");
        return 2;
    }
    check(hl_wasm_compile(read_file(argv[1]), NULL, &guest, &err), "compiling");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    check(hl_sandbox_register(sandbox, "stock", params, 1, HL_I32, stock, NULL, NULL, &err), "registering");
    check(hl_sandbox_evolve(sandbox, &err), "starting");

    check(hl_sandbox_call(sandbox, "price", few, 2, &result, &err), "price");
    printf("2 of item 1: %g\n", result.as.f64);
    check(hl_sandbox_call(sandbox, "price", many, 2, &result, &err), "price");
    printf("11 of item 1: %g\n", result.as.f64);

    /* What it does wrong is an error, and the sandbox goes on. */
    printf("%s\n", hl_status_name(hl_sandbox_call(sandbox, "crash", far, 1, &result, NULL)));
    check(hl_sandbox_call(sandbox, "price", few, 2, &result, &err), "price");
    printf("2 of item 1: %g\n", result.as.f64);

    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return 0;
}
