/* Every status that a C program can meet: how it comes about, and what the sandbox is afterwards. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static hl_status refuse(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)args, (void)n_args, (void)result;
    return hl_call_fail(in_progress, hl_view("the door is closed"));
}

static hl_status call_again(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                            hl_value *result) {
    hl_value nothing;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    FAILS(HL_ERR_BUSY, hl_sandbox_call(*(hl_sandbox **)user_data, "NoOp", NULL, 0, &nothing, &err));
    return HL_OK;
}

static hl_status free_it(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)in_progress, (void)args, (void)n_args;
    hl_sandbox_free(*(hl_sandbox **)user_data);
    *result = hl_string("gone");
    return HL_OK;
}

static hl_sandbox *sandbox;

static void start(void) {
    const uint32_t string[] = {HL_STRING};
    hl_sandbox_free(sandbox);
    sandbox = new_sandbox();
    add_function(sandbox, "Refuse", HL_VOID, refuse, NULL);
    add_function(sandbox, "CallAgain", HL_VOID, call_again, &sandbox);
    OK(hl_sandbox_register(sandbox, "HostEchoString", string, 1, HL_STRING, free_it, &sandbox, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
}

/* The call gives that status and leaves the sandbox as it was. */
static void survives(hl_status expected, const char *function, const hl_value *args, size_t n_args) {
    hl_value result = hl_i32(1);
    FAILS(expected, hl_sandbox_call(sandbox, function, args, n_args, &result, &err));
    CHECK(result.kind == HL_VOID);
    check_alive(sandbox);
}

/* The call gives that status and poisons the sandbox; the next one is well. */
static void poisons(hl_status expected, const char *function, const hl_value *args, size_t n_args) {
    hl_value result = hl_i32(1);
    FAILS(expected, hl_sandbox_call(sandbox, function, args, n_args, &result, &err));
    CHECK(result.kind == HL_VOID);
    check_poisoned(sandbox);
    FAILS(HL_ERR_STATE, hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_register(sandbox, "F", NULL, 0, HL_VOID, refuse, NULL, NULL, &err));
    start();
    check_alive(sandbox);
}

static void *interrupt(void *handle) {
    while (hl_interrupt_fire((const hl_interrupt *)handle) == 0) {
        usleep(1000);
    }
    return NULL;
}

/* HL_ERR_INTERRUPTED; a restore mends what was poisoned. */
static void stopped(void) {
    hl_interrupt *handle = hl_sandbox_interrupt_handle(sandbox);
    hl_snapshot *snapshot;
    hl_value result;
    pthread_t thread;
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    CHECK(pthread_create(&thread, NULL, interrupt, handle) == 0);
    FAILS(HL_ERR_INTERRUPTED, hl_sandbox_call(sandbox, "Spin", NULL, 0, &result, &err));
    CHECK(pthread_join(thread, NULL) == 0);
    check_poisoned(sandbox);
    hl_snapshot *none;
    FAILS(HL_ERR_POISONED, hl_sandbox_snapshot(sandbox, &none, &err));
    OK(hl_sandbox_restore(sandbox, snapshot, &err));
    check_alive(sandbox);
    hl_snapshot_free(snapshot);
    hl_interrupt_free(handle);
}

/* HL_ERR_SNAPSHOT_MISMATCH, HL_ERR_SNAPSHOT_FILE, HL_ERR_IO, HL_ERR_POOL_TIMEOUT. */
static void files_and_pools(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    hl_snapshot *snapshot, *none;
    hl_sandbox *other, *member, *nobody;
    hl_pool *pool;
    other = ready_sandbox();
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    FAILS(HL_ERR_SNAPSHOT_MISMATCH, hl_sandbox_restore(other, snapshot, &err));
    check_alive(other);
    hl_snapshot_free(snapshot);
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load("/proc/self/exe", &none, &err));
    FAILS(HL_ERR_IO, hl_snapshot_load("/no/such/file", &none, &err));
    OK(hl_sandbox_snapshot(other, &snapshot, &err));
    hl_sandbox_free(other);
    options.max = 1;
    options.acquire_timeout_ns = 1;
    OK(hl_pool_new(snapshot, &options, &pool, &err));
    hl_snapshot_free(snapshot);
    OK(hl_pool_acquire(pool, &member, &err));
    FAILS(HL_ERR_POOL_TIMEOUT, hl_pool_acquire(pool, &nobody, &err));
    hl_pool_free(pool);
    check_alive(member);
    hl_sandbox_free(member);
}

static void calls(void) {
    static const uint8_t large[2 << 20];
    const hl_value args[] = {hl_i32(7), hl_string("seven")};
    const hl_value refused[] = {hl_string("Refuse"), hl_u32(1)};
    const hl_value again[] = {hl_string("CallAgain"), hl_u32(1)};
    const hl_value text = hl_string("text");
    const hl_value zero = hl_u64(0);
    const hl_value bytes = hl_blob(large, sizeof large);
    const hl_value two_mib = hl_u64(sizeof large);
    const hl_value bad = hl_string("\xff");

    survives(HL_ERR_INVALID_ARGUMENT, "Echo", &bad, 1);
    survives(HL_ERR_FUNCTION_NOT_FOUND, "echo", &text, 1);
    survives(HL_ERR_SIGNATURE, "EchoI32", &text, 1);
    survives(HL_ERR_TOO_LARGE, "EchoBytes", &bytes, 1);
    survives(HL_ERR_TOO_LARGE, "MakeBytes", &two_mib, 1); /* the result */
    survives(HL_ERR_GUEST_ERROR, "ReturnError", args, 2);
    survives(HL_ERR_HOST_FUNCTION, "HostCallLoop", refused, 2);
    call(sandbox, "HostCallLoop", again, 2); /* HL_ERR_BUSY inside */

    poisons(HL_ERR_GUEST_ABORT, "GuestAbortWithMessage", args, 2);
    poisons(HL_ERR_GUEST_ABORT, "Panic", &text, 1);
    poisons(HL_ERR_GUEST_FAULT, "ReadAddress", &zero, 1);
    poisons(HL_ERR_STACK_OVERFLOW, "InfiniteRecursion", NULL, 0);
    poisons(HL_ERR_GUEST_OUT_OF_MEMORY, "ExhaustHeap", NULL, 0);
    poisons(HL_ERR_PROTOCOL, "CorruptOutputMagic", NULL, 0);
    poisons(HL_ERR_PROTOCOL, "RingWithoutFrame", NULL, 0);

    hl_value result;
    hl_call_options limit = HL_CALL_OPTIONS_INIT;
    limit.timeout_ns = 30 * 1000 * 1000;
    FAILS(HL_ERR_TIMEOUT, hl_sandbox_call_with(sandbox, &limit, "Spin", NULL, 0, &result, &err));
    check_poisoned(sandbox);
    start();

    stopped();
    files_and_pools();

    /* The string goes away with the sandbox, which its own callback frees. */
    FAILS(HL_ERR_CLOSED, hl_sandbox_call(sandbox, "RoundTripHostString", &text, 1, &result, &err));
    CHECK(result.kind == HL_VOID);
    sandbox = NULL;
}

static void states(void) {
    hl_value result;
    hl_sandbox *fresh = new_sandbox();
    hl_function_info function;

    CHECK(hl_sandbox_state(fresh) == HL_STATE_UNINITIALIZED);
    FAILS(HL_ERR_STATE, hl_sandbox_call(fresh, "NoOp", NULL, 0, &result, &err));
    CHECK(hl_sandbox_state(fresh) == HL_STATE_UNINITIALIZED);
    CHECK(hl_sandbox_function(fresh, 0, &function) == HL_ERR_STATE);
    int32_t found = 2;
    OK(hl_sandbox_unregister(fresh, "NoSuchFunction", &err));
    OK(hl_sandbox_unregister_found(fresh, "NoSuchFunction", &found, &err));
    CHECK(found == 0);
    OK(hl_sandbox_unregister_found(fresh, "HostPrint", &found, &err));
    CHECK(found == 1);
    OK(hl_sandbox_unregister(fresh, "HostPrint", &err));
    OK(hl_sandbox_evolve(fresh, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_evolve(fresh, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_register(fresh, "F", NULL, 0, HL_VOID, refuse, NULL, NULL, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_unregister(fresh, "F", &err));
    CHECK(hl_sandbox_state(fresh) == HL_STATE_READY);

    /* HostPrint was removed, so there is nobody to print. */
    const hl_value text = hl_string("nobody hears this");
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "HostPrint",
               hl_sandbox_call(fresh, "PrintOutput", &text, 1, &result, &err));
    check_alive(fresh);
    hl_sandbox_free(fresh);
}

static void guests(void) {
    hl_guest *guest;
    FAILS(HL_ERR_IO, hl_guest_from_file("/no/such/file", &guest, &err));
    FAILS(HL_ERR_IO, hl_guest_from_file("", &guest, &err));
    FAILS(HL_ERR_GUEST_BINARY, hl_guest_from_file("/dev/zero", &guest, &err));
    FAILS(HL_ERR_GUEST_BINARY, hl_guest_from_file("/", &guest, &err));
    FAILS_WITH(HL_ERR_GUEST_BINARY, "script", hl_guest_from_bytes(hl_view("#!/bin/sh\n"), &guest, &err));
    FAILS(HL_ERR_GUEST_BINARY, hl_guest_from_bytes(hl_view("\177ELF"), &guest, &err));
    FAILS(HL_ERR_GUEST_BINARY, hl_guest_from_file("/proc/self/exe", &guest, &err)); /* an ELF, but no guest */
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "demo", hl_guest_builtin("Demo", &guest, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_guest_builtin("\xff", &guest, &err));
    CHECK(guest == NULL);
}

/* Without memory for the guest evolve fails before the guest has run, and can be tried again. */
static void resources(void) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_guest *guest;
    hl_sandbox *fresh;
    struct rlimit before;
    struct rlimit little;

    /* The limit holds for files in memory too; what exceeds it is an error where the signal is ignored. */
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    little = before;
    little.rlim_cur = 1 << 20;
    options.heap_size = 3 << 20; /* which no other sandbox here has */
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_new(guest, &options, &fresh, &err));
    hl_guest_free(guest);
    CHECK(setrlimit(RLIMIT_FSIZE, &little) == 0);
    FAILS(HL_ERR_RESOURCE, hl_sandbox_evolve(fresh, &err));
    CHECK(hl_sandbox_state(fresh) == HL_STATE_UNINITIALIZED);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    add_function(fresh, "Refuse", HL_VOID, refuse, NULL);
    OK(hl_sandbox_evolve(fresh, &err));
    check_alive(fresh);
    hl_sandbox_free(fresh);
}

/* Where there is no /dev/kvm: in a child that has another root directory. */
static void no_hypervisor(void) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (geteuid() != 0) {
            CHECK(unshare(CLONE_NEWUSER) == 0);
        }
        hl_sandbox *fresh = new_sandbox();              /* reads the guest's file */
        CHECK(chroot("/proc/self/fdinfo") == 0);
        FAILS_WITH(HL_ERR_HYPERVISOR_UNAVAILABLE, "/dev/kvm", hl_probe(&err));
        FAILS_WITH(HL_ERR_HYPERVISOR_UNAVAILABLE, "/dev/kvm", hl_sandbox_evolve(fresh, &err));
        CHECK(hl_sandbox_state(fresh) == HL_STATE_UNINITIALIZED);
        hl_sandbox_free(fresh);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

static void names(void) {
    CHECK(strcmp(hl_status_name(HL_OK), "HL_OK") == 0);
    CHECK(strcmp(hl_status_name(HL_ERR_INVALID_ARGUMENT), "HL_ERR_INVALID_ARGUMENT") == 0);
    CHECK(strcmp(hl_status_name(HL_ERR_POOL_TIMEOUT), "HL_ERR_POOL_TIMEOUT") == 0);
    CHECK(strcmp(hl_status_name(HL_ERR_INTERNAL), "HL_ERR_INTERNAL") == 0);
    for (int32_t status = HL_ERR_POOL_TIMEOUT; status < 0; status++) {
        CHECK(strncmp(hl_status_name(status), "HL_ERR_", 7) == 0);
        CHECK(strcmp(hl_status_name(status), "HL_ERR_?") != 0);
    }
    static const int32_t unknown[] = {1, 42, -25, -98, -100, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK(strcmp(hl_status_name(unknown[i]), "HL_ERR_?") == 0);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    guest_file = argv[1];
    no_hypervisor(); /* before the library has found the hypervisor */
    names();
    OK(hl_probe(&err));
    guests();
    states();
    start();
    calls();
    resources();
    return 0;
}
