/* Evolve: a guest that calls the host while it starts, and all the ways in which its start can fail. The argument is the
 * guest, guests/moody.c. */
#include "check.h"

static struct {
    uint32_t what;
    hl_status status;
    int calls, frees;
    hl_sandbox *sandbox;
} mood;

static hl_status prepare(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    hl_value nothing;
    (void)user_data, (void)in_progress, (void)args, (void)n_args;
    mood.calls++;
    /* The sandbox is in use by its evolve, and has no functions yet. */
    CHECK(hl_sandbox_state(mood.sandbox) == HL_STATE_RUNNING);
    CHECK(hl_sandbox_function_count(mood.sandbox) == 0);
    FAILS(HL_ERR_BUSY, hl_sandbox_evolve(mood.sandbox, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_call(mood.sandbox, "NoOp", NULL, 0, &nothing, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_unregister(mood.sandbox, "Prepare", &err));
    *result = hl_u32(mood.what);
    return mood.status;
}

static hl_status free_it(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args;
    hl_sandbox_free(mood.sandbox);
    CHECK(mood.frees == 0);
    *result = hl_u32(0);
    return HL_OK;
}

static void count_free(void *user_data) {
    (void)user_data;
    mood.frees++;
}

static hl_sandbox *made(const char *path, hl_host_fn function) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_guest *guest;
    options.timeout_ns = 1000 * 1000 * 1000;
    OK(hl_guest_from_file(path, &guest, &err));
    OK(hl_sandbox_new(guest, &options, &mood.sandbox, &err));
    hl_guest_free(guest);
    mood.calls = mood.frees = 0;
    if (function != NULL) {
        OK(hl_sandbox_register(mood.sandbox, "Prepare", NULL, 0, HL_U32, function, NULL, count_free, &err));
    }
    return mood.sandbox;
}

/* The guest was stopped in the middle: nothing but freeing is left, and that frees what was registered. */
static void poisons(const char *path, uint32_t what, hl_status expected) {
    hl_sandbox *sandbox = made(path, prepare);
    mood.what = what;
    FAILS(expected, hl_sandbox_evolve(sandbox, &err));
    CHECK(mood.calls == 1 && mood.frees == 0);
    check_poisoned(sandbox);
    FAILS(HL_ERR_POISONED, hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_POISONED, hl_sandbox_register(sandbox, "F", NULL, 0, HL_VOID, prepare, NULL, NULL, &err));
    FAILS(HL_ERR_POISONED, hl_sandbox_unregister(sandbox, "Prepare", &err));
    CHECK(hl_sandbox_function_count(sandbox) == 0);
    hl_sandbox_free(sandbox);
    CHECK(mood.calls == 1 && mood.frees == 1);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    const char *path = argv[1];
    hl_sandbox *sandbox = made(path, prepare);

    mood.what = 0;
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(mood.calls == 1 && hl_sandbox_function_count(sandbox) == 1);
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_READY);
    CHECK(call(sandbox, "NoOp", NULL, 0).kind == HL_VOID);
    FAILS(HL_ERR_STATE, hl_sandbox_evolve(sandbox, &err));
    hl_sandbox_free(sandbox);
    CHECK(mood.frees == 1);

    poisons(path, 1, HL_ERR_GUEST_ABORT);
    poisons(path, 2, HL_ERR_GUEST_ABORT);
    poisons(path, 3, HL_ERR_GUEST_FAULT);
    poisons(path, 4, HL_ERR_TIMEOUT);
    mood.status = 5;
    poisons(path, 0, HL_ERR_GUEST_ABORT);
    mood.status = HL_OK;

    /* A limit of the start's own comes before the sandbox's. Options that are refused leave the sandbox as it was. */
    hl_call_options start = HL_CALL_OPTIONS_INIT;
    sandbox = made(path, prepare);
    start.size = 1;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "HL_CALL_OPTIONS_INIT", hl_sandbox_evolve_with(sandbox, &start, &err));
    start.size = sizeof start;
    start.timeout_ns = 50 * 1000 * 1000;
    mood.what = 4;
    FAILS_WITH(HL_ERR_TIMEOUT, "50ms", hl_sandbox_evolve_with(sandbox, &start, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);
    sandbox = made(path, prepare);
    start.timeout_ns = UINT64_MAX;
    start.cpu_time_ns = 50 * 1000 * 1000;
    FAILS_WITH(HL_ERR_TIMEOUT, "50ms", hl_sandbox_evolve_with(sandbox, &start, &err));
    hl_sandbox_free(sandbox);
    sandbox = made(path, prepare);
    mood.what = 0;
    OK(hl_sandbox_evolve_with(sandbox, NULL, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_evolve_with(sandbox, NULL, &err));
    hl_sandbox_free(sandbox);

    /* Without the host function that it needs the guest does not start either. */
    sandbox = made(path, NULL);
    FAILS(HL_ERR_GUEST_ABORT, hl_sandbox_evolve(sandbox, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);

    /* Freed by what it calls while it starts. */
    sandbox = made(path, free_it);
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(mood.frees == 1);
    return 0;
}
