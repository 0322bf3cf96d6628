/* Threads: one sandbox is used by one at a time, whichever; many sandboxes run side by side. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>

static sem_t inside;
static sem_t go_on;

static hl_status wait_inside(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                             hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    sem_post(&inside);
    sem_wait(&go_on);
    return HL_OK;
}

static void *call_and_wait(void *sandbox) {
    const hl_value loop[] = {hl_string("Wait"), hl_u32(1)};
    call((hl_sandbox *)sandbox, "HostCallLoop", loop, 2);
    return NULL;
}

static hl_sandbox *waiting_sandbox(void) {
    hl_sandbox *sandbox = new_sandbox();
    add_function(sandbox, "Wait", HL_VOID, wait_inside, NULL);
    OK(hl_sandbox_evolve(sandbox, &err));
    return sandbox;
}

static void one_at_a_time(void) {
    hl_sandbox *sandbox = waiting_sandbox();
    pthread_t thread;
    hl_value result;
    hl_function_info function;

    CHECK(pthread_create(&thread, NULL, call_and_wait, sandbox) == 0);
    sem_wait(&inside);
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_RUNNING);
    CHECK(hl_sandbox_function_count(sandbox) > 0 && hl_sandbox_function(sandbox, 0, &function) == HL_OK);
    for (int i = 0; i < 100; i++) {
        FAILS(HL_ERR_BUSY, hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &err));
    }
    FAILS(HL_ERR_BUSY, hl_sandbox_evolve(sandbox, &err));
    sem_post(&go_on);
    CHECK(pthread_join(thread, NULL) == 0);
    /* What another thread has left is as good as before. */
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
}

static int freed;

static void count_free(void *user_data) {
    (void)user_data;
    freed++;
}

/* Freed by a thread while another one is inside. */
static void freed_while_running(void) {
    hl_sandbox *sandbox = new_sandbox();
    pthread_t thread;

    OK(hl_sandbox_register(sandbox, "Wait", NULL, 0, HL_VOID, wait_inside, NULL, count_free, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(pthread_create(&thread, NULL, call_and_wait, sandbox) == 0);
    sem_wait(&inside);
    hl_sandbox_free(sandbox);
    CHECK(freed == 0);
    sem_post(&go_on);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(freed == 1);
}

/* Threads that fight for one sandbox: each call either works or says that it did not happen. */
static hl_sandbox *fought_for;

static void *fight(void *done) {
    const hl_value one = hl_i32(1);
    int *const count = (int *)done;
    for (int i = 0; i < 2000; i++) {
        hl_value result;
        const hl_status status = hl_sandbox_call(fought_for, "AddToStatic", &one, 1, &result, NULL);
        CHECK(status == HL_OK || status == HL_ERR_BUSY);
        *count += status == HL_OK;
    }
    return NULL;
}

static void fights(void) {
    pthread_t threads[4];
    int done[4] = {0};
    fought_for = ready_sandbox();
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, fight, &done[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(call(fought_for, "GetStatic", NULL, 0).as.i32 == done[0] + done[1] + done[2] + done[3]);
    hl_sandbox_free(fought_for);
}

static hl_status add(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)in_progress, (void)n_args;
    *result = hl_i32(args[0].as.i32 + args[1].as.i32 + *(const int *)user_data);
    return HL_OK;
}

/* Each with a sandbox of its own, all of one guest. */
static void *work(void *guest) {
    const uint32_t kinds[] = {HL_I32, HL_I32};
    const int more = 1000;
    for (int round = 0; round < 5; round++) {
        hl_sandbox *sandbox;
        OK(hl_sandbox_new((const hl_guest *)guest, NULL, &sandbox, &err));
        OK(hl_sandbox_register(sandbox, "HostAdd", kinds, 2, HL_I32, add, (void *)(uintptr_t)&more, NULL, &err));
        OK(hl_sandbox_evolve(sandbox, &err));
        for (int i = 0; i < 100; i++) {
            const hl_value numbers[] = {hl_i32(i), hl_i32(round)};
            CHECK(call(sandbox, "Add", numbers, 2).as.i32 == i + round + more);
        }
        hl_sandbox_free(sandbox);
    }
    return NULL;
}

static void side_by_side(void) {
    pthread_t threads[8];
    hl_guest *guest;
    OK(hl_guest_builtin("demo", &guest, &err));
    for (size_t i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, work, guest) == 0);
    }
    for (size_t i = 0; i < 8; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    hl_guest_free(guest);
}

/* As many as a large server has, all alive at the same time. */
static pthread_barrier_t all_are_ready;

static void *live(void *number) {
    const hl_value own = hl_i32((int32_t)(uintptr_t)number);
    hl_sandbox *sandbox = ready_sandbox();
    CHECK(call(sandbox, "AddToStatic", &own, 1).as.i32 == own.as.i32);
    pthread_barrier_wait(&all_are_ready);
    for (int i = 0; i < 10; i++) {
        CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == own.as.i32);
    }
    pthread_barrier_wait(&all_are_ready);
    hl_sandbox_free(sandbox);
    return NULL;
}

/* Fewer under valgrind, which runs one thread at a time, and under the sanitizers, whose stacks are large. */
static size_t as_many_as_possible(void) {
#ifdef __SANITIZE_ADDRESS__
    return 200;
#else
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL ? 64 : 1000;
#endif
}

static void many(void) {
    const size_t count = as_many_as_possible();
    pthread_t *threads = (pthread_t *)calloc(count, sizeof *threads);
    pthread_attr_t attributes;
    struct rlimit files;

    CHECK(threads != NULL && getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 256 << 10) == 0);
    CHECK(pthread_barrier_init(&all_are_ready, NULL, (unsigned)count) == 0);
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_create(&threads[i], &attributes, live, (void *)(uintptr_t)i) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pthread_barrier_destroy(&all_are_ready);
    pthread_attr_destroy(&attributes);
    free(threads);
}

/* Made by one thread, which ends; called by others; freed by another one. */
static void *make(void *unused) {
    (void)unused;
    return ready_sandbox();
}

static void *use(void *sandbox) {
    check_alive((hl_sandbox *)sandbox);
    return NULL;
}

static void *finish(void *sandbox) {
    hl_sandbox_free((hl_sandbox *)sandbox);
    return NULL;
}

static void moves(void) {
    pthread_t thread;
    void *sandbox;
    CHECK(pthread_create(&thread, NULL, make, NULL) == 0);
    CHECK(pthread_join(thread, &sandbox) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&thread, NULL, use, sandbox) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(pthread_create(&thread, NULL, finish, sandbox) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    sem_init(&inside, 0, 0);
    sem_init(&go_on, 0, 0);
    one_at_a_time();
    freed_while_running();
    fights();
    side_by_side();
    moves();
    many();
    return 0;
}
