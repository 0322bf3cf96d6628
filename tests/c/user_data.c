/* `user_data` of a host function is freed exactly once, whichever way it goes. */
#include "check.h"

/* Each registration gets a counter of its own: how often it was called and freed. */
struct counter {
    int calls;
    int frees;
    hl_sandbox **sandbox;
};

static hl_status count_call(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                            hl_value *result) {
    struct counter *counter = (struct counter *)user_data;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    CHECK(counter->frees == 0);
    counter->calls++;
    return HL_OK;
}

static void count_free(void *user_data) {
    ((struct counter *)user_data)->frees++;
}

static hl_status register_named(hl_sandbox *sandbox, const char *name, struct counter *counter) {
    return hl_sandbox_register(sandbox, name, NULL, 0, HL_VOID, count_call, counter, count_free, &err);
}

static void freed_with_the_sandbox(void) {
    struct counter before = {0}, after = {0};
    const hl_value args[] = {hl_string("F"), hl_u32(3)};

    hl_sandbox *sandbox = new_sandbox();
    OK(register_named(sandbox, "F", &before));
    hl_sandbox_free(sandbox);
    CHECK(before.frees == 1);

    sandbox = new_sandbox();
    OK(register_named(sandbox, "F", &after));
    OK(hl_sandbox_evolve(sandbox, &err));
    call(sandbox, "HostCallLoop", args, 2);
    CHECK(after.calls == 3 && after.frees == 0);
    hl_sandbox_free(sandbox);
    CHECK(after.calls == 3 && after.frees == 1);
}

static void freed_when_replaced_or_removed(void) {
    struct counter counters[4] = {{0}};
    hl_sandbox *sandbox = new_sandbox();

    OK(register_named(sandbox, "F", &counters[0]));
    OK(register_named(sandbox, "F", &counters[1]));
    CHECK(counters[0].frees == 1 && counters[1].frees == 0);
    OK(hl_sandbox_unregister(sandbox, "F", &err));
    CHECK(counters[1].frees == 1);
    OK(hl_sandbox_unregister(sandbox, "F", &err));
    OK(register_named(sandbox, "F", &counters[2]));
    OK(register_named(sandbox, "G", &counters[3]));
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(counters[2].frees == 0 && counters[3].frees == 0);
    hl_sandbox_free(sandbox);
    for (size_t i = 0; i < 4; i++) {
        CHECK(counters[i].frees == 1);
    }
}

#define REFUSED(status, sandbox, name, kinds, n, returns, function)                                             \
    do {                                                                                                        \
        struct counter refused = {0};                                                                           \
        FAILS(status, hl_sandbox_register(sandbox, name, kinds, n, returns, function, &refused, count_free, &err)); \
        CHECK(refused.frees == 1);                                                                              \
    } while (0)

static void freed_when_refused(void) {
    static const uint32_t kinds[33] = {HL_I32, HL_VOID, 10};
    static const uint32_t many[33] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    char long_name[4096];
    hl_sandbox *sandbox = new_sandbox();

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    REFUSED(HL_ERR_INVALID_ARGUMENT, NULL, "F", NULL, 0, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, NULL, NULL, 0, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "", NULL, 0, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, long_name, NULL, 0, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "\xff", NULL, 0, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", NULL, 1, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", NULL, SIZE_MAX, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", kinds, 2, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", kinds + 2, 1, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", many, 33, HL_VOID, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", kinds, 1, 10, count_call);
    REFUSED(HL_ERR_INVALID_ARGUMENT, sandbox, "F", kinds, 1, HL_I32, NULL);
    OK(hl_sandbox_register(sandbox, "F", many, 32, HL_VOID, count_call, NULL, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    REFUSED(HL_ERR_STATE, sandbox, "G", NULL, 0, HL_VOID, count_call);

    hl_value result;
    FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, &err));
    REFUSED(HL_ERR_STATE, sandbox, "G", NULL, 0, HL_VOID, count_call);
    hl_sandbox_free(sandbox);
}

static hl_status register_more(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                               hl_value *result) {
    struct counter *counter = (struct counter *)user_data;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    counter->calls++;
    REFUSED(HL_ERR_BUSY, *counter->sandbox, "G", NULL, 0, HL_VOID, count_call);
    return HL_OK;
}

static hl_status free_sandbox(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                              hl_value *result) {
    struct counter *counter = (struct counter *)user_data;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    counter->calls++;
    hl_sandbox_free(*counter->sandbox);
    CHECK(counter->frees == 0); /* not before the call has ended */
    return HL_OK;
}

static void freed_around_calls(void) {
    hl_sandbox *sandbox = new_sandbox();
    struct counter more = {0, 0, &sandbox}, last = {0, 0, &sandbox};
    hl_value args[] = {hl_string("More"), hl_u32(2)};

    OK(hl_sandbox_register(sandbox, "More", NULL, 0, HL_VOID, register_more, &more, count_free, &err));
    OK(hl_sandbox_register(sandbox, "Free", NULL, 0, HL_VOID, free_sandbox, &last, count_free, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    call(sandbox, "HostCallLoop", args, 2);
    CHECK(more.calls == 2 && more.frees == 0);
    args[0] = hl_string("Free");
    CHECK(call(sandbox, "HostCallLoop", args, 2).as.u32 == 2); /* twice freed from inside is freed once */
    CHECK(last.calls == 2 && last.frees == 1 && more.frees == 1);
}

/* What `free_fn` is given is what was registered, NULL included, and it may use other sandboxes. */
static hl_sandbox *other;

static void free_uses_another(void *user_data) {
    check_alive(other);
    count_free(user_data);
}

static void freeing_may_call(void) {
    struct counter counter = {0};
    hl_sandbox *sandbox = new_sandbox();
    other = ready_sandbox();
    OK(hl_sandbox_register(sandbox, "F", NULL, 0, HL_VOID, count_call, &counter, free_uses_another, &err));
    hl_sandbox_free(sandbox);
    CHECK(counter.frees == 1);
    hl_sandbox_free(other);
}

int main(void) {
    freed_with_the_sandbox();
    freed_when_replaced_or_removed();
    freed_when_refused();
    freed_around_calls();
    freeing_may_call();
    return 0;
}
