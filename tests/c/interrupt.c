/* Interrupts: from anywhere, at any time. They stop what runs, and are never kept for later. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static hl_interrupt *handle_of(const hl_sandbox *sandbox) {
    hl_interrupt *handle = hl_sandbox_interrupt_handle(sandbox);
    CHECK(handle != NULL);
    return handle;
}

static hl_status spin(hl_sandbox *sandbox) {
    hl_value result = hl_i32(1);
    const hl_status status = hl_sandbox_call(sandbox, "Spin", NULL, 0, &result, NULL);
    CHECK(result.kind == HL_VOID);
    return status;
}

/* With nothing to stop it does nothing, however often, and the next call runs to its end. */
static void nothing_runs(void) {
    hl_sandbox *sandbox = new_sandbox();
    hl_interrupt *before = handle_of(sandbox);
    CHECK(hl_interrupt_fire(before) == 0);
    OK(hl_sandbox_evolve(sandbox, &err));
    hl_interrupt *after = handle_of(sandbox);
    for (int i = 0; i < 100; i++) {
        CHECK(hl_interrupt_fire(before) == 0 && hl_interrupt_fire(after) == 0);
        check_alive(sandbox);
    }
    /* Handles outlive the sandbox, and then reach nothing. */
    hl_sandbox_free(sandbox);
    CHECK(hl_interrupt_fire(before) == 0 && hl_interrupt_fire(after) == 0);
    hl_interrupt_free(before);
    CHECK(hl_interrupt_fire(after) == 0);
    hl_interrupt_free(after);
    CHECK(hl_interrupt_fire(NULL) == 0);
    hl_interrupt_free(NULL);
    CHECK(hl_sandbox_interrupt_handle(NULL) == NULL);
}

/* Fires until it has hit, which it says. */
static void *fire(void *handle) {
    while (hl_interrupt_fire((const hl_interrupt *)handle) == 0) {
        usleep(200);
    }
    /* Once it is stopping, or has stopped, one more harms nothing. */
    hl_interrupt_fire((const hl_interrupt *)handle);
    return NULL;
}

static void by_another_thread(void) {
    hl_sandbox *sandbox = ready_sandbox();
    hl_interrupt *handle = handle_of(sandbox);
    hl_snapshot *snapshot;
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, fire, handle) == 0);
        CHECK(spin(sandbox) == HL_ERR_INTERRUPTED);
        CHECK(pthread_join(thread, NULL) == 0);
        check_poisoned(sandbox);
        OK(hl_sandbox_restore(sandbox, snapshot, &err));
        check_alive(sandbox);
    }
    hl_snapshot_free(snapshot);
    hl_interrupt_free(handle);
    hl_sandbox_free(sandbox);
}

/* Two threads at a time; and the handle is made while the call runs, by somebody else. */
static sem_t inside;

static hl_status tell(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    sem_post(&inside);
    return HL_OK;
}

static void *make_and_fire(void *sandbox) {
    sem_wait(&inside);
    hl_interrupt *handle = handle_of((const hl_sandbox *)sandbox);
    CHECK(hl_sandbox_state((const hl_sandbox *)sandbox) == HL_STATE_RUNNING);
    CHECK(hl_interrupt_fire(handle) == 1);
    hl_interrupt_free(handle);
    return NULL;
}

static void made_while_it_runs(void) {
    const hl_value tells = hl_string("Tell");
    hl_sandbox *sandbox = new_sandbox();
    pthread_t threads[2];
    hl_value result;
    add_function(sandbox, "Tell", HL_VOID, tell, NULL);
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(pthread_create(&threads[0], NULL, make_and_fire, sandbox) == 0);
    FAILS(HL_ERR_INTERRUPTED, hl_sandbox_call(sandbox, "CallHostThenSpin", &tells, 1, &result, &err));
    CHECK(pthread_join(threads[0], NULL) == 0);
    hl_sandbox_free(sandbox);

    sandbox = ready_sandbox();
    hl_interrupt *handle = handle_of(sandbox);
    CHECK(pthread_create(&threads[0], NULL, fire, handle) == 0);
    while (spin(sandbox) != HL_ERR_INTERRUPTED) {
    }
    CHECK(pthread_join(threads[0], NULL) == 0);
    hl_sandbox_free(sandbox);
    hl_interrupt_free(handle);
}

/* By the call's own callback: the host function ends by itself, then the call. */
static int finished;

static hl_status fire_inside(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                             hl_value *result) {
    (void)in_progress, (void)args, (void)n_args, (void)result;
    CHECK(hl_interrupt_fire(*(hl_interrupt **)user_data) == 1);
    CHECK(hl_interrupt_fire(*(hl_interrupt **)user_data) == 1);
    finished++;
    return HL_OK;
}

static void by_a_callback(void) {
    const hl_value fires[] = {hl_string("Fire"), hl_u32(5)};
    hl_sandbox *sandbox = new_sandbox();
    hl_interrupt *handle = handle_of(sandbox);
    hl_value result;
    add_function(sandbox, "Fire", HL_VOID, fire_inside, &handle);
    OK(hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_INTERRUPTED, hl_sandbox_call(sandbox, "HostCallLoop", fires, 2, &result, &err));
    CHECK(finished == 1);
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);
    hl_interrupt_free(handle);
}

/* By a handler of the program's: nothing in it may wait, or ask for memory. */
static hl_interrupt *volatile for_handler;
static volatile sig_atomic_t hits;

static void on_alarm(int signal_number) {
    (void)signal_number;
    hits += hl_interrupt_fire(for_handler);
}

static void by_a_signal_handler(void) {
    const struct itimerval soon = {{0, 2000}, {0, 2000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    hl_sandbox *sandbox = ready_sandbox();
    hl_snapshot *snapshot;
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    for_handler = handle_of(sandbox);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        CHECK(spin(sandbox) == HL_ERR_INTERRUPTED);
        CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
        OK(hl_sandbox_restore(sandbox, snapshot, &err));
        check_alive(sandbox);
    }
    CHECK(hits >= 10);
    hl_interrupt_free(for_handler);
    hl_snapshot_free(snapshot);
    hl_sandbox_free(sandbox);
}

/* A child's handles reach nothing. */
static void in_a_child(void) {
    hl_sandbox *sandbox = ready_sandbox();
    hl_interrupt *handle = handle_of(sandbox);
    int status;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        /* Another program, so that nobody looks for leaks in a child that has but one of the parent's threads. */
        execlp(hl_interrupt_fire(handle) == 0 ? "true" : "false", "true", (char *)NULL);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    check_alive(sandbox);
    hl_interrupt_free(handle);
    hl_sandbox_free(sandbox);
}

/* A program that ignores the signal cannot be told so by a handle: there is none. */
static void ignored(void) {
    CHECK(signal(SIGRTMIN + 9, SIG_IGN) != SIG_ERR);
    hl_sandbox *sandbox = ready_sandbox();
    CHECK(hl_sandbox_interrupt_handle(sandbox) == NULL);
    hl_sandbox_free(sandbox);
    CHECK(signal(SIGRTMIN + 9, SIG_DFL) != SIG_ERR);
}

int main(void) {
    sem_init(&inside, 0, 0);
    nothing_runs();
    by_another_thread();
    made_while_it_runs();
    by_a_callback();
    by_a_signal_handler();
    in_a_child();
    ignored();
    return 0;
}
