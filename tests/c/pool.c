/* Pools: every member as the snapshot has it, for one caller at a time, given back by hl_sandbox_free. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 40 };

static hl_status add(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)in_progress, (void)n_args;
    __atomic_add_fetch((int *)user_data, 1, __ATOMIC_RELAXED);
    *result = hl_i32(args[0].as.i32 + args[1].as.i32);
    return HL_OK;
}

static int freed;

static void count_free(void *user_data) {
    (void)user_data;
    __atomic_add_fetch(&freed, 1, __ATOMIC_RELAXED);
}

static const uint32_t two_numbers[] = {HL_I32, HL_I32};
static int added;

static hl_snapshot *snapshot(void) {
    hl_snapshot *taken;
    hl_sandbox *sandbox = new_sandbox();
    const hl_value seven = hl_i32(7);
    OK(hl_sandbox_register(sandbox, "HostAdd", two_numbers, 2, HL_I32, add, &added, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    call(sandbox, "AddToStatic", &seven, 1);
    OK(hl_sandbox_snapshot(sandbox, &taken, &err));
    hl_sandbox_free(sandbox);
    return taken;
}

static hl_pool *pool_with(const hl_pool_options *options) {
    hl_snapshot *taken = snapshot();
    hl_pool *pool = NULL;
    OK(hl_pool_new(taken, options, &pool, &err));
    hl_snapshot_free(taken);
    OK(hl_pool_register(pool, "HostAdd", two_numbers, 2, HL_I32, add, &added, count_free, &err));
    return pool;
}

static hl_pool_statistics statistics(const hl_pool *pool) {
    hl_pool_statistics found = HL_POOL_STATISTICS_INIT;
    CHECK(hl_pool_stats(pool, &found) == HL_OK && found.size == sizeof found);
    return found;
}

static hl_sandbox *acquire(hl_pool *pool) {
    hl_sandbox *member = NULL;
    OK(hl_pool_acquire(pool, &member, &err));
    CHECK(member != NULL && hl_sandbox_state(member) == HL_STATE_READY && hl_sandbox_function_count(member) > 0);
    return member;
}

/* Nothing of an earlier user is left. */
static void check_pristine(hl_sandbox *member) {
    const hl_value one = hl_i32(1);
    CHECK(call(member, "GetStatic", NULL, 0).as.i32 == 7);
    CHECK(call(member, "AddToStatic", &one, 1).as.i32 == 8);
}

static void *serve(void *pool) {
    const hl_value numbers[] = {hl_i32(20), hl_i32(22)};
    const hl_value text = hl_string("over");
    for (int i = 0; i < ROUNDS; i++) {
        hl_sandbox *member = acquire((hl_pool *)pool);
        hl_value result;
        check_pristine(member);
        CHECK(call(member, "Add", numbers, 2).as.i32 == 42);
        if (i % 8 == 7) {
            FAILS(HL_ERR_GUEST_ABORT, hl_sandbox_call(member, "Panic", &text, 1, &result, &err));
        }
        hl_sandbox_free(member);
    }
    return NULL;
}

static void many_threads(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 3;
    options.min_idle = 1;
    hl_pool *pool = pool_with(&options);
    pthread_t threads[THREADS];
    added = freed = 0;
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, serve, pool) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(added == THREADS * ROUNDS);
    const hl_pool_statistics found = statistics(pool);
    CHECK(found.in_use == 0 && found.created >= 1 && found.created <= 3 + found.replaced);
    CHECK(freed == 0);
    hl_pool_free(pool);
    for (int i = 0; i < 1000 && __atomic_load_n(&freed, __ATOMIC_RELAXED) == 0; i++) {
        usleep(10000); /* members that are being cleaned go soon */
    }
    CHECK(freed == 1);
}

/* Poisoned or interrupted, what comes next is clean; handles of an earlier user reach nothing. */
static void cleaned(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 1;
    options.timeout_ns = 300 * 1000 * 1000;
    hl_pool *pool = pool_with(&options);
    hl_sandbox *member = acquire(pool);
    hl_interrupt *old = hl_sandbox_interrupt_handle(member);
    hl_value result;
    check_pristine(member);
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call(member, "Spin", NULL, 0, &result, &err));
    check_poisoned(member);
    FAILS(HL_ERR_STATE, hl_sandbox_evolve(member, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_register(member, "F", NULL, 0, HL_VOID, add, NULL, NULL, &err));
    hl_sandbox_free(member);
    for (int i = 0; i < 3; i++) {
        member = acquire(pool);
        CHECK(hl_interrupt_fire(old) == 0);
        check_pristine(member);
        FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(member, "TriggerException", NULL, 0, &result, &err));
        hl_sandbox_free(member);
    }
    hl_interrupt_free(old);
    /* A member may be snapshotted and restored like any sandbox. */
    hl_snapshot *later;
    member = acquire(pool);
    check_pristine(member);
    OK(hl_sandbox_snapshot(member, &later, &err));
    call(member, "AddToStatic", &(const hl_value){.kind = HL_I32, .as = {.i32 = 5}}, 1);
    OK(hl_sandbox_restore(member, later, &err));
    CHECK(call(member, "GetStatic", NULL, 0).as.i32 == 8);
    hl_sandbox_free(member);
    hl_snapshot_free(later);
    member = acquire(pool);
    check_pristine(member);
    hl_sandbox_free(member);
    hl_pool_free(pool);
}

static hl_status tick(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    return HL_OK;
}

/* A member has the limits of its pool, each of them. */
static void limits(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 1;
    options.cpu_time_ns = 50 * 1000 * 1000;
    options.max_host_calls = 2;
    options.max_log_bytes = 1;
    options.max_print_bytes = 10;
    hl_pool *pool = pool_with(&options);
    OK(hl_pool_register(pool, "Tick", NULL, 0, HL_VOID, tick, NULL, NULL, &err));
    hl_sandbox *member = acquire(pool);
    const hl_value text = hl_string("more than ten bytes");
    hl_value loop[] = {hl_string("Tick"), hl_u32(2)};
    hl_value result;
    OK(hl_sandbox_call(member, "HostCallLoop", loop, 2, &result, &err));
    loop[1] = hl_u32(3);
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "max_host_calls",
               hl_sandbox_call(member, "HostCallLoop", loop, 2, &result, &err));
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "max_print_bytes",
               hl_sandbox_call(member, "PrintOutput", &text, 1, &result, &err));
    FAILS_WITH(HL_ERR_TIMEOUT, "50ms", hl_sandbox_call(member, "Spin", NULL, 0, &result, &err));
    hl_sandbox_free(member);
    hl_pool_free(pool);
}

static void timeouts(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 2;
    options.acquire_timeout_ns = 20 * 1000 * 1000;
    hl_pool *pool = pool_with(&options);
    hl_sandbox *first = acquire(pool);
    hl_sandbox *second = acquire(pool);
    hl_sandbox *third = first;
    CHECK(statistics(pool).in_use == 2 && statistics(pool).waits == 0);
    FAILS_WITH(HL_ERR_POOL_TIMEOUT, "acquire_timeout", hl_pool_acquire(pool, &third, &err));
    CHECK(third == NULL);
    hl_pool_statistics found = statistics(pool);
    CHECK(found.waits == 1 && found.waited_ns >= 20 * 1000 * 1000 && found.created == 2 && found.idle == 0);
    hl_sandbox_free(first);
    third = acquire(pool);
    check_pristine(third);
    hl_sandbox_free(third);
    hl_sandbox_free(second);
    hl_pool_free(pool);
}

/* The pool goes while members are out, and while somebody waits. */
static sem_t waiting;

static void *wait_for_member(void *pool) {
    hl_sandbox *member;
    sem_post(&waiting);
    FAILS(HL_ERR_CLOSED, hl_pool_acquire((hl_pool *)pool, &member, &err));
    CHECK(member == NULL);
    return NULL;
}

static void freed_early(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 1;
    hl_pool *pool = pool_with(&options);
    hl_sandbox *member = acquire(pool);
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, wait_for_member, pool) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        sem_wait(&waiting);
    }
    usleep(100000); /* from just before the call to inside it: nothing tells when a thread waits */
    freed = 0;
    hl_pool_free(pool);
    for (size_t i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    check_pristine(member);
    CHECK(freed == 0);
    hl_sandbox_free(member);
    for (int i = 0; i < 1000 && __atomic_load_n(&freed, __ATOMIC_RELAXED) == 0; i++) {
        usleep(1000);
    }
    CHECK(freed == 1);
    /* One that was never used. */
    pool = pool_with(NULL);
    hl_pool_free(pool);
    CHECK(freed == 2);
    hl_pool_free(NULL);
}

/* Registrations come before the first acquisition; each frees its data exactly once. */
static void registrations(void) {
    hl_pool *pool = pool_with(NULL);
    hl_sandbox *member;
    freed = 0;
    OK(hl_pool_register(pool, "HostAdd", two_numbers, 2, HL_I32, add, &added, count_free, &err)); /* replaces */
    CHECK(freed == 1);
    const uint32_t bad[] = {77};
    FAILS(HL_ERR_INVALID_ARGUMENT,
          hl_pool_register(pool, "F", bad, 1, HL_VOID, add, NULL, count_free, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT,
          hl_pool_register(pool, "\xff", NULL, 0, HL_VOID, add, NULL, count_free, &err));
    CHECK(freed == 3);
    member = acquire(pool);
    FAILS(HL_ERR_STATE, hl_pool_register(pool, "Late", NULL, 0, HL_VOID, add, NULL, count_free, &err));
    CHECK(freed == 4);
    hl_sandbox_free(member);
    FAILS(HL_ERR_STATE, hl_pool_register(pool, "Late", NULL, 0, HL_VOID, add, NULL, count_free, &err));
    CHECK(freed == 5);
    hl_pool_free(pool);

    /* What the snapshot needs and the pool lacks: nothing can be acquired until it is there. */
    hl_snapshot *taken = snapshot();
    OK(hl_pool_new(taken, NULL, &pool, &err));
    hl_snapshot_free(taken);
    FAILS_WITH(HL_ERR_SNAPSHOT_MISMATCH, "`HostAdd`", hl_pool_acquire(pool, &member, &err));
    CHECK(statistics(pool).in_use == 0 && statistics(pool).created == 0);
    OK(hl_pool_register(pool, "HostAdd", two_numbers, 2, HL_I32, add, &added, NULL, &err));
    hl_sandbox_free(acquire(pool));
    hl_pool_free(pool);
}

/* Structures of older and newer headers. */
static void of_every_age(void) {
    hl_pool *pool = pool_with(NULL);
    hl_sandbox *member = acquire(pool);
    uint64_t old[3] = {16, 99, 99};
    CHECK(hl_pool_stats(pool, (hl_pool_statistics *)(void *)old) == HL_OK);
    CHECK(old[0] == 16 && old[1] == 1 && old[2] == 99);
    struct {
        hl_pool_statistics known;
        uint64_t unknown;
    } newer = {HL_POOL_STATISTICS_INIT, 99};
    newer.known.size = sizeof newer;
    CHECK(hl_pool_stats(pool, &newer.known) == HL_OK);
    CHECK(newer.known.size == sizeof newer && newer.known.in_use == 1 && newer.unknown == 99);
    static const size_t bad[] = {0, 7, 9, 17};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        newer.known.size = bad[i];
        CHECK(hl_pool_stats(pool, &newer.known) == HL_ERR_INVALID_ARGUMENT);
    }
    hl_sandbox_free(member);
    hl_pool_free(pool);

    hl_snapshot *taken = snapshot();
    struct {
        hl_pool_options known;
        uint64_t unknown;
    } options = {HL_POOL_OPTIONS_INIT, 0};
    options.known.size = sizeof options;
    OK(hl_pool_new(taken, &options.known, &pool, &err));
    hl_pool_free(pool);
    options.unknown = 1;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "newer library", hl_pool_new(taken, &options.known, &pool, &err));
    CHECK(pool == NULL);
    options.known.size = 3;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "HL_POOL_OPTIONS_INIT", hl_pool_new(taken, &options.known, &pool, &err));
    hl_pool_options impossible = HL_POOL_OPTIONS_INIT;
    impossible.max = 1;
    impossible.min_idle = 2;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "min_idle", hl_pool_new(taken, &impossible, &pool, &err));
    /* More than there can ever be, and for ever. */
    hl_pool_options endless = HL_POOL_OPTIONS_INIT;
    endless.max = endless.acquire_timeout_ns = endless.timeout_ns = UINT64_MAX;
    OK(hl_pool_new(taken, &endless, &pool, &err));
    OK(hl_pool_register(pool, "HostAdd", two_numbers, 2, HL_I32, add, &added, NULL, &err));
    member = acquire(pool);
    check_pristine(member);
    hl_sandbox_free(member);
    hl_pool_free(pool);
    hl_snapshot_free(taken);
}

int main(void) {
    sem_init(&waiting, 0, 0);
    many_threads();
    cleaned();
    limits();
    timeouts();
    freed_early();
    registrations();
    of_every_age();
    return 0;
}
