/*
 * Every kind of failure, one after the other. None of them harms the host program. Most leave the sandbox unchanged. A
 * failure that stops the guest in the middle poisons the sandbox, and a new one is made.
 */
#include <hyperlight.h>

#include <stdio.h>
#include <stdlib.h>

static hl_guest *guest;
static hl_sandbox *sandbox;
static int surprises;

static hl_status host_add(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)call, (void)n_args;
    *result = hl_i32(args[0].as.i32 + args[1].as.i32);
    return HL_OK;
}

/* A host function that fails, with a text. `return 42;` is also possible: the guest and the caller see the number. */
static hl_status refuse(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)args, (void)n_args, (void)result;
    return hl_call_fail(call, hl_view("the door is closed"));
}

static void stop(const char *what, hl_error *err) {
    fprintf(stderr, "%s: %s\n", what, (const char *)hl_error_message(err).data);
    exit(1);
}

/* A new sandbox that serves calls. Each call may take a second. */
static void start(void) {
    const uint32_t params[] = {HL_I32, HL_I32};
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_error *err = NULL;

    options.timeout_ns = 1000 * 1000 * 1000;
    hl_sandbox_free(sandbox);
    if (hl_sandbox_new(guest, &options, &sandbox, &err) != HL_OK ||
        hl_sandbox_register(sandbox, "HostAdd", params, 2, HL_I32, host_add, NULL, NULL, &err) != HL_OK ||
        hl_sandbox_register(sandbox, "Refuse", NULL, 0, HL_VOID, refuse, NULL, NULL, &err) != HL_OK ||
        hl_sandbox_evolve(sandbox, &err) != HL_OK) {
        stop("starting the guest", err);
    }
}

static const char *state_name(uint32_t state) {
    return state == HL_STATE_READY ? "ready" : state == HL_STATE_POISONED ? "poisoned" : "?";
}

/* Prints a failure, and checks its code and the sandbox's state against the header's documentation. */
static void expect(hl_status expected, uint32_t state, hl_status status, hl_error *err) {
    const hl_bytes message = hl_error_message(err);
    hl_fault_info fault;

    printf("%-27s %-8s  %.*s\n", hl_status_name(status), state_name(hl_sandbox_state(sandbox)), (int)message.len,
           (const char *)message.data);
    if (hl_error_fault(err, &fault) == HL_OK) {
        printf("%37s  vector %u, instruction %#llx, address %#llx\n", "", (unsigned)fault.vector,
               (unsigned long long)fault.instruction, (unsigned long long)fault.address);
    }
    if (hl_error_guest_code(err) != 0) {
        printf("%37s  the guest's code is %d\n", "", (int)hl_error_guest_code(err));
    }
    if (status != expected || hl_sandbox_state(sandbox) != state) {
        printf("%37s  but %s was expected, and the sandbox %s\n", "", hl_status_name(expected), state_name(state));
        surprises++;
    }
    hl_error_free(err);
    if (hl_sandbox_state(sandbox) == HL_STATE_POISONED) {
        start();
    }
}

static void try_call(hl_status expected, uint32_t state, const char *function, const hl_value *args, size_t n_args) {
    hl_error *err = NULL;
    hl_value result;
    const hl_status status = hl_sandbox_call(sandbox, function, args, n_args, &result, &err);

    expect(expected, state, status, err);
}

/* Two failures of one sandbox: the first poisons it, so all later calls fail. */
static void try_poisoned(void) {
    hl_error *err = NULL;
    hl_value result;

    if (hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, NULL) == HL_OK) {
        surprises++;
    }
    const hl_status status = hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &err);
    expect(HL_ERR_POISONED, HL_STATE_POISONED, status, err);
}

static void try_everything(void) {
    static const uint8_t two_mebibytes[2 << 20];
    const hl_value one = hl_i32(1);
    const hl_value not_utf8 = hl_string("\xff");
    const hl_value seven_and_text[] = {hl_i32(7), hl_string("no such key")};
    const hl_value large = hl_blob(two_mebibytes, sizeof two_mebibytes);
    const hl_value refused[] = {hl_string("Refuse"), hl_u32(1)};
    const hl_value missing[] = {hl_string("NoSuchHostFunction"), hl_u32(1)};
    const hl_value text = hl_string("what now?");
    const hl_value nowhere = hl_u64(0);
    hl_guest *no_guest;
    hl_error *err = NULL;
    hl_status status;

    puts("The sandbox goes on:");
    try_call(HL_ERR_INVALID_ARGUMENT, HL_STATE_READY, "Echo", &not_utf8, 1);
    try_call(HL_ERR_FUNCTION_NOT_FOUND, HL_STATE_READY, "NoSuchFunction", NULL, 0);
    try_call(HL_ERR_SIGNATURE, HL_STATE_READY, "Add", &one, 1);
    try_call(HL_ERR_TOO_LARGE, HL_STATE_READY, "EchoBytes", &large, 1);
    try_call(HL_ERR_GUEST_ERROR, HL_STATE_READY, "ReturnError", seven_and_text, 2);
    try_call(HL_ERR_HOST_FUNCTION, HL_STATE_READY, "HostCallLoop", refused, 2);
    try_call(HL_ERR_HOST_FUNCTION, HL_STATE_READY, "HostCallLoop", missing, 2);

    status = hl_sandbox_evolve(sandbox, &err);
    expect(HL_ERR_STATE, HL_STATE_READY, status, err);
    err = NULL;
    status = hl_guest_from_file("/dev/null", &no_guest, &err);
    expect(HL_ERR_GUEST_BINARY, HL_STATE_READY, status, err);
    err = NULL;
    status = hl_guest_from_file("/no/such/file", &no_guest, &err);
    expect(HL_ERR_IO, HL_STATE_READY, status, err);

    puts("The sandbox is poisoned:");
    try_call(HL_ERR_GUEST_ABORT, HL_STATE_POISONED, "GuestAbortWithMessage", seven_and_text, 2);
    try_call(HL_ERR_GUEST_ABORT, HL_STATE_POISONED, "Panic", &text, 1);
    try_call(HL_ERR_GUEST_FAULT, HL_STATE_POISONED, "ReadAddress", &nowhere, 1);
    try_call(HL_ERR_STACK_OVERFLOW, HL_STATE_POISONED, "InfiniteRecursion", NULL, 0);
    try_call(HL_ERR_GUEST_OUT_OF_MEMORY, HL_STATE_POISONED, "ExhaustHeap", NULL, 0);
    try_call(HL_ERR_TIMEOUT, HL_STATE_POISONED, "Spin", NULL, 0);
    try_poisoned();
}

int main(void) {
    hl_error *err = NULL;
    hl_value sum;
    const hl_value numbers[] = {hl_i32(2), hl_i32(3)};

    /* The first check on a new machine: HL_ERR_HYPERVISOR_UNAVAILABLE explains what is missing and how to fix it. */
    if (hl_probe(&err) != HL_OK || hl_guest_builtin("demo", &guest, &err) != HL_OK) {
        stop("this machine", err);
    }
    start();
    try_everything();

    /* After all that, the program is fine. */
    if (hl_sandbox_call(sandbox, "Add", numbers, 2, &sum, &err) != HL_OK) {
        stop("Add", err);
    }
    printf("Still here: 2 + 3 = %d\n", (int)sum.as.i32);
    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return surprises != 0;
}
