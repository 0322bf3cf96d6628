/*
 * A server in miniature: threads take requests, and each request gets a pristine sandbox. The costly start happens
 * once; a pool makes the sandboxes from a snapshot of it.
 */
#include <hyperlight.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, REQUESTS = 200 };

/* The shared state of the threads. */
static hl_pool *pool;
static int next_request;
static int served, refused;

static void check(hl_status status, hl_error *err, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

/* A host function of a pool runs on all the threads that call members: the data behind `user_data` is shared. */
static hl_status host_add(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)call, (void)n_args;
    __atomic_add_fetch((int *)user_data, 1, __ATOMIC_RELAXED);
    *result = hl_i32(args[0].as.i32 + args[1].as.i32);
    return HL_OK;
}

/* The costly part, once: a sandbox that has started, and has loaded the data for every request. */
static hl_snapshot *prepare(int *additions) {
    const uint32_t params[] = {HL_I32, HL_I32};
    const hl_value loaded = hl_i32(1000);
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_snapshot *snapshot = NULL;
    hl_error *err = NULL;
    hl_value result;

    check(hl_guest_builtin("demo", &guest, &err), err, "loading the guest");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), err, "making a sandbox");
    check(hl_sandbox_register(sandbox, "HostAdd", params, 2, HL_I32, host_add, additions, NULL, &err), err, "HostAdd");
    check(hl_sandbox_evolve(sandbox, &err), err, "starting the guest");
    check(hl_sandbox_call(sandbox, "AddToStatic", &loaded, 1, &result, &err), err, "loading");
    check(hl_sandbox_snapshot(sandbox, &snapshot, &err), err, "taking a snapshot");
    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return snapshot;
}

/* One request. Every seventh is hostile: it never ends. */
static void serve(int number) {
    const hl_value numbers[] = {hl_i32(number), hl_i32(1)};
    hl_sandbox *sandbox = NULL;
    hl_error *err = NULL;
    hl_value result;

    check(hl_pool_acquire(pool, &sandbox, &err), err, "acquiring a sandbox");
    if (number % 7 == 0) {
        if (hl_sandbox_call(sandbox, "Spin", NULL, 0, &result, NULL) == HL_ERR_TIMEOUT) {
            __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
        }
    } else {
        /* The additions of earlier requests are gone: the snapshot has 1000. */
        check(hl_sandbox_call(sandbox, "AddToStatic", numbers, 1, &result, &err), err, "AddToStatic");
        if (result.as.i32 != 1000 + number) {
            fprintf(stderr, "request %d has met traces of another\n", number);
            exit(1);
        }
        check(hl_sandbox_call(sandbox, "Add", numbers, 2, &result, &err), err, "Add");
        __atomic_add_fetch(&served, result.as.i32 == number + 1, __ATOMIC_RELAXED);
    }
    /* Gives the sandbox back; the pool restores it, or makes another. */
    hl_sandbox_free(sandbox);
}

static void *work(void *unused) {
    int number;
    while ((number = __atomic_add_fetch(&next_request, 1, __ATOMIC_RELAXED)) <= REQUESTS) {
        serve(number);
    }
    return unused;
}

int main(void) {
    const uint32_t params[] = {HL_I32, HL_I32};
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    hl_pool_statistics statistics = HL_POOL_STATISTICS_INIT;
    hl_error *err = NULL;
    pthread_t threads[THREADS];
    int additions = 0;

    options.max = 3;
    options.timeout_ns = 300 * 1000 * 1000; /* for each call */
    hl_snapshot *snapshot = prepare(&additions);
    check(hl_pool_new(snapshot, &options, &pool, &err), err, "making a pool");
    hl_snapshot_free(snapshot);
    check(hl_pool_register(pool, "HostAdd", params, 2, HL_I32, host_add, &additions, NULL, &err), err, "HostAdd");

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    if (hl_pool_stats(pool, &statistics) != HL_OK) {
        return 1;
    }
    printf("%d requests served, %d stopped, %d additions\n", served, refused, additions);
    printf("at most %d sandboxes at a time: %s\n", (int)options.max,
           statistics.created - statistics.replaced <= options.max ? "yes" : "no");
    hl_pool_free(pool);
    return 0;
}
