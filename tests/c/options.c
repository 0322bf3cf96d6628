/* Options: structures of older and newer headers, sizes, limits. */
#include "check.h"

/* The options of a header that is newer than the library. */
struct newer {
    hl_sandbox_options known;
    uint64_t unknown[3];
};

static hl_sandbox *made_with(const hl_sandbox_options *options) {
    hl_guest *guest;
    hl_sandbox *sandbox = NULL;
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_new(guest, options, &sandbox, &err));
    hl_guest_free(guest);
    OK(hl_sandbox_evolve(sandbox, &err));
    return sandbox;
}

static void refused_with(const char *text, const hl_sandbox_options *options) {
    hl_guest *guest;
    hl_sandbox *sandbox = NULL;
    OK(hl_guest_builtin("demo", &guest, &err));
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, text, hl_sandbox_new(guest, options, &sandbox, &err));
    CHECK(sandbox == NULL);
    hl_guest_free(guest);
}

static uint64_t heap_of(const hl_sandbox_options *options) {
    hl_sandbox *sandbox = made_with(options);
    const uint64_t size = call(sandbox, "HeapSize", NULL, 0).as.u64;
    hl_sandbox_free(sandbox);
    return size;
}

static void of_every_age(void) {
    const hl_sandbox_options defaults = HL_SANDBOX_OPTIONS_INIT;
    CHECK(defaults.size == sizeof defaults && defaults.heap_size == 0 && defaults.max_print_bytes == 0);
    CHECK(heap_of(NULL) == 16 << 20);
    CHECK(heap_of(&defaults) == 16 << 20);

    /* An old header that knew the heap alone: what follows is not looked at, and here cannot be. */
    const uint64_t old[2] = {sizeof old, 1 << 20};
    uint64_t *exact = (uint64_t *)malloc(sizeof old);
    CHECK(exact != NULL);
    memcpy(exact, old, sizeof old);
    CHECK(heap_of((const hl_sandbox_options *)exact) == 1 << 20);
    /* One that knew nothing but the size. */
    exact[0] = sizeof *exact;
    CHECK(heap_of((const hl_sandbox_options *)exact) == 16 << 20);
    free(exact);

    /* A new header whose new options are not used. */
    struct newer newer = {HL_SANDBOX_OPTIONS_INIT, {0}};
    newer.known.size = sizeof newer;
    newer.known.heap_size = 2 << 20;
    CHECK(heap_of(&newer.known) == 2 << 20);
    /* And where one is. */
    for (size_t i = 0; i < 3; i++) {
        newer.unknown[i] = UINT64_C(1) << 63;
        refused_with("newer library", &newer.known);
        newer.unknown[i] = 0;
    }

    /* Sizes that are none: forgotten, or garbage. */
    static const size_t bad[] = {0, 1, 7, 9, 12, 79, 81, 1 << 20, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
        options.size = bad[i];
        refused_with("HL_SANDBOX_OPTIONS_INIT", &options);
    }
}

static void call_options_of_every_age(void) {
    hl_sandbox *sandbox = ready_sandbox();
    hl_value result;
    struct {
        hl_call_options known;
        uint64_t unknown;
    } newer = {HL_CALL_OPTIONS_INIT, 0};

    OK(hl_sandbox_call_with(sandbox, &newer.known, "NoOp", NULL, 0, &result, &err));
    newer.known.size = sizeof newer;
    OK(hl_sandbox_call_with(sandbox, &newer.known, "NoOp", NULL, 0, &result, &err));
    newer.unknown = 1;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "newer library",
               hl_sandbox_call_with(sandbox, &newer.known, "NoOp", NULL, 0, &result, &err));
    newer.known.size = 0;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "HL_CALL_OPTIONS_INIT",
               hl_sandbox_call_with(sandbox, &newer.known, "NoOp", NULL, 0, &result, &err));
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
}

static void sizes(void) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    static const struct {
        uint64_t asked, given;
    } heaps[] = {{65535, 65536}, {65536, 65536}, {65537, 65536 + 4096}, {UINT64_C(1) << 32, UINT64_C(1) << 32}};
    for (size_t i = 0; i < sizeof heaps / sizeof *heaps; i++) {
        options.heap_size = heaps[i].asked;
        CHECK(heap_of(&options) == heaps[i].given);
    }

    static const uint64_t huge[] = {(UINT64_C(16) << 30) + 1, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        hl_sandbox_options one = HL_SANDBOX_OPTIONS_INIT;
        one.heap_size = huge[i];
        refused_with("heap_size", &one);
        one.heap_size = 0;
        one.stack_size = huge[i];
        refused_with("stack_size", &one);
        one.stack_size = 0;
        one.input_size = huge[i];
        refused_with("input_size", &one);
        one.input_size = 0;
        one.output_size = huge[i];
        refused_with("output_size", &one);
    }

    /* What does not fit by default fits where the option named by the error is raised. */
    static uint8_t bytes[2 << 20];
    const hl_value value = hl_blob(bytes, sizeof bytes);
    hl_value result;
    hl_sandbox *sandbox = ready_sandbox();
    FAILS_WITH(HL_ERR_TOO_LARGE, "input_size", hl_sandbox_call(sandbox, "EchoBytes", &value, 1, &result, &err));
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
    hl_sandbox_options large = HL_SANDBOX_OPTIONS_INIT;
    large.input_size = large.output_size = sizeof bytes;
    sandbox = made_with(&large);
    CHECK(call(sandbox, "EchoBytes", &value, 1).as.bytes.len == sizeof bytes);
    hl_sandbox_free(sandbox);
}

static int calls;

static hl_status count(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    calls++;
    return HL_OK;
}

static void limits(void) {
    hl_guest *guest;
    hl_sandbox *sandbox;
    hl_value result;
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_value loop[] = {hl_string("Count"), hl_u32(5)};

    options.max_host_calls = 5;
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_new(guest, &options, &sandbox, &err));
    hl_guest_free(guest);
    add_function(sandbox, "Count", HL_VOID, count, NULL);
    OK(hl_sandbox_evolve(sandbox, &err));
    call(sandbox, "HostCallLoop", loop, 2);
    CHECK(calls == 5);
    loop[1] = hl_u32(6);
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "max_host_calls",
               hl_sandbox_call(sandbox, "HostCallLoop", loop, 2, &result, &err));
    CHECK(calls == 10);
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
}

static void times(void) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_call_options more = HL_CALL_OPTIONS_INIT;
    const hl_value ms = hl_u32(700);
    hl_value result;
    hl_sandbox *sandbox;

    /* No limit, in both spellings. */
    options.timeout_ns = options.cpu_time_ns = UINT64_MAX;
    sandbox = made_with(&options);
    call(sandbox, "SpinForMs", &ms, 1);
    hl_sandbox_free(sandbox);

    /* The call's own limit comes before the sandbox's; 0 is the sandbox's. */
    options.timeout_ns = 500 * 1000 * 1000;
    options.cpu_time_ns = 0;
    sandbox = made_with(&options);
    more.timeout_ns = UINT64_MAX;
    OK(hl_sandbox_call_with(sandbox, &more, "SpinForMs", &ms, 1, &result, &err));
    check_alive(sandbox);
    more.timeout_ns = 0;
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call_with(sandbox, &more, "Spin", NULL, 0, &result, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);

    /* Processor time, for this call alone. */
    sandbox = ready_sandbox();
    more.cpu_time_ns = 50 * 1000 * 1000;
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call_with(sandbox, &more, "Spin", NULL, 0, &result, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);
}

int main(void) {
    of_every_age();
    call_options_of_every_age();
    sizes();
    limits();
    times();
    return 0;
}
