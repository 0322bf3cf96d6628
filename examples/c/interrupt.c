/*
 * Two ways to stop a guest that does not end by itself: a time limit, and an interrupt by another thread. Afterwards
 * the sandbox is poisoned; a restore brings it back to where a snapshot was taken.
 */
#define _POSIX_C_SOURCE 200809L
#include <hyperlight.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static hl_error *err;

static void check(hl_status status, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

static void wait_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* An impatient caller: a user who closes a window, a server whose client has gone. */
static void *lose_patience(void *interrupt) {
    wait_ms(50);
    /* 0 means that nothing was running (yet): an interrupt has no effect on later calls. */
    while (hl_interrupt_fire((const hl_interrupt *)interrupt) == 0) {
        wait_ms(1);
    }
    return NULL;
}

/* Calls a function that never returns; prints how it ended, and restores the sandbox. */
static void spin(hl_sandbox *sandbox, const hl_call_options *options, const hl_snapshot *snapshot) {
    hl_value result;
    const hl_status status = hl_sandbox_call_with(sandbox, options, "Spin", NULL, 0, &result, &err);

    printf("%s: %s\n", hl_status_name(status), (const char *)hl_error_message(err).data);
    hl_error_free(err);
    err = NULL;
    check(hl_sandbox_restore(sandbox, snapshot, &err), "restoring");
}

int main(void) {
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_snapshot *snapshot = NULL;
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value result;
    pthread_t thread;

    check(hl_guest_builtin("demo", &guest, &err), "loading the guest");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    check(hl_sandbox_evolve(sandbox, &err), "starting the guest");
    check(hl_sandbox_snapshot(sandbox, &snapshot, &err), "taking a snapshot");

    /* By the clock, for this call only; hl_sandbox_options sets it for all calls. */
    options.timeout_ns = 100 * 1000 * 1000;
    spin(sandbox, &options, snapshot);

    /* By processor time, which waits do not use. */
    options.timeout_ns = 0;
    options.cpu_time_ns = 100 * 1000 * 1000;
    spin(sandbox, &options, snapshot);

    /* By another thread. The handle may outlive the sandbox, and may be used in a signal handler. */
    hl_interrupt *interrupt = hl_sandbox_interrupt_handle(sandbox);
    if (interrupt == NULL || pthread_create(&thread, NULL, lose_patience, interrupt) != 0) {
        return 1;
    }
    spin(sandbox, NULL, snapshot);
    pthread_join(thread, NULL);
    hl_interrupt_free(interrupt);

    const hl_value text = hl_string("still here");
    check(hl_sandbox_call(sandbox, "Echo", &text, 1, &result, &err), "Echo");
    printf("%.*s\n", (int)result.as.bytes.len, (const char *)result.as.bytes.data);

    hl_sandbox_free(sandbox);
    hl_snapshot_free(snapshot);
    hl_guest_free(guest);
    return 0;
}
