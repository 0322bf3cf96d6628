/* Time limits: of the sandbox and of one call, on the wall and of the processor. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <time.h>

#define MS UINT64_C(1000000)

static uint64_t now_ms(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static hl_sandbox *made_with(uint64_t timeout_ns, uint64_t cpu_time_ns) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_sandbox *sandbox;
    hl_guest *guest;
    options.timeout_ns = timeout_ns;
    options.cpu_time_ns = cpu_time_ns;
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_new(guest, &options, &sandbox, &err));
    hl_guest_free(guest);
    return sandbox;
}

static hl_sandbox *ready_with(uint64_t timeout_ns, uint64_t cpu_time_ns) {
    hl_sandbox *sandbox = made_with(timeout_ns, cpu_time_ns);
    OK(hl_sandbox_evolve(sandbox, &err));
    return sandbox;
}

/* `function` runs until its time is up, no sooner than after `ms`; the sandbox is mended. */
static void stops(hl_sandbox *sandbox, const hl_snapshot *snapshot, const hl_call_options *options, uint64_t ms) {
    hl_value result = hl_i32(1);
    const uint64_t begun = now_ms();
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call_with(sandbox, options, "Spin", NULL, 0, &result, &err));
    CHECK(result.kind == HL_VOID && now_ms() - begun + 1 >= ms);
    check_poisoned(sandbox);
    OK(hl_sandbox_restore(sandbox, snapshot, &err));
    check_alive(sandbox);
}

static void of_each(void) {
    const hl_value long_one = hl_u32(400);
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value result;
    hl_snapshot *snapshot;
    hl_sandbox *sandbox = ready_with(200 * MS, 0);
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));

    /* The sandbox's; nothing set in the call is the same. */
    stops(sandbox, snapshot, NULL, 200);
    stops(sandbox, snapshot, &options, 200);
    /* The call's own, shorter or longer, or none. */
    options.timeout_ns = 5 * MS;
    stops(sandbox, snapshot, &options, 5);
    options.timeout_ns = 300 * MS;
    stops(sandbox, snapshot, &options, 300);
    options.timeout_ns = UINT64_MAX;
    OK(hl_sandbox_call_with(sandbox, &options, "SpinForMs", &long_one, 1, &result, &err));
    options.timeout_ns = UINT64_MAX - 1; /* as good as none */
    OK(hl_sandbox_call_with(sandbox, &options, "SpinForMs", &long_one, 1, &result, &err));
    check_alive(sandbox);
    /* The next call has the sandbox's again. */
    stops(sandbox, snapshot, NULL, 200);
    /* As little as there is. */
    options.timeout_ns = 1;
    stops(sandbox, snapshot, &options, 0);
    /* Processor time, alone and beside the other: whichever comes first. */
    options.timeout_ns = UINT64_MAX;
    options.cpu_time_ns = 20 * MS;
    stops(sandbox, snapshot, &options, 20);
    options.timeout_ns = 5 * MS;
    options.cpu_time_ns = UINT64_MAX;
    stops(sandbox, snapshot, &options, 5);
    hl_sandbox_free(sandbox);
    hl_snapshot_free(snapshot);
}

static hl_status wait_ms(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    const long ms = *(const long *)user_data;
    const struct timespec time = {0, ms * 1000000};
    (void)in_progress, (void)args, (void)n_args, (void)result;
    CHECK(nanosleep(&time, NULL) == 0); /* no signal of the library's disturbs it */
    return HL_OK;
}

/* Host functions count; they are not cut short, and the call ends behind them. */
static void of_host_functions(void) {
    const hl_value waits[] = {hl_string("Wait"), hl_u32(2)};
    long ms = 300;
    hl_value result;
    hl_sandbox *sandbox = made_with(400 * MS, 0);
    add_function(sandbox, "Wait", HL_VOID, wait_ms, &ms);
    OK(hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call(sandbox, "HostCallLoop", waits, 2, &result, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);

    /* Sleeping takes no processor time. */
    sandbox = made_with(0, 400 * MS);
    add_function(sandbox, "Wait", HL_VOID, wait_ms, &ms);
    OK(hl_sandbox_evolve(sandbox, &err));
    OK(hl_sandbox_call(sandbox, "HostCallLoop", waits, 2, &result, &err));
    check_alive(sandbox);
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call(sandbox, "Spin", NULL, 0, &result, &err));
    hl_sandbox_free(sandbox);
}

/* Evolve has the limit too: the guest has no time to start, and the sandbox is lost. */
static void of_evolve(void) {
    hl_sandbox *sandbox = made_with(1, 0);
    const hl_status status = hl_sandbox_evolve(sandbox, &err);
    if (status != HL_OK) { /* it may win the race */
        CHECK(status == HL_ERR_TIMEOUT && hl_error_code(err) == status);
        check_poisoned((hl_error_free(err), err = NULL, sandbox));
    }
    hl_sandbox_free(sandbox);
    sandbox = ready_with(UINT64_MAX, UINT64_MAX);
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
}

/* A clone has limits of its own, whatever the snapshotted sandbox had. */
static void of_clones(void) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_snapshot *snapshot;
    hl_value result;
    hl_sandbox *clone, *sandbox = ready_with(UINT64_MAX, 0);
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    hl_sandbox_free(sandbox);
    options.timeout_ns = 10 * MS;
    OK(hl_sandbox_from_snapshot(snapshot, &options, &clone, &err));
    OK(hl_sandbox_evolve(clone, &err));
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call(clone, "Spin", NULL, 0, &result, &err));
    hl_sandbox_free(clone);
    hl_snapshot_free(snapshot);
}

int main(void) {
    of_each();
    of_host_functions();
    of_evolve();
    of_clones();
    return 0;
}
