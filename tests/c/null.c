/* NULL for every pointer of every function: a status, 0 or nothing, and never a crash. */
#include "check.h"

static hl_status host_function(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                               hl_value *result) {
    (void)user_data, (void)args, (void)n_args, (void)result;
    CHECK(hl_call_alloc(NULL, 8) == NULL);
    CHECK(hl_call_fail(NULL, hl_view("nobody")) == HL_ERR_HOST_FUNCTION);
    CHECK(hl_call_fail(in_progress, hl_blob(NULL, 0).as.bytes) == HL_ERR_HOST_FUNCTION);
    CHECK(hl_call_fail(in_progress, hl_blob(NULL, 7).as.bytes) == HL_ERR_HOST_FUNCTION);
    return HL_OK;
}

static int freed;

static void count_free(void *user_data) {
    (void)user_data;
    freed++;
}

#define REFUSED(call) FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "NULL", call)

static void snapshots_and_pools(hl_sandbox *sandbox) {
    const uint32_t kinds[] = {HL_I32};
    hl_snapshot *snapshot;
    hl_snapshot *no_snapshot = (hl_snapshot *)&freed;
    hl_sandbox *no_sandbox = (hl_sandbox *)&freed;
    hl_pool *pool;
    hl_pool *no_pool = (hl_pool *)&freed;
    hl_pool_statistics statistics = HL_POOL_STATISTICS_INIT;

    CHECK(hl_sandbox_interrupt_handle(NULL) == NULL);
    CHECK(hl_interrupt_fire(NULL) == 0);
    hl_interrupt_free(NULL);

    REFUSED(hl_sandbox_snapshot(NULL, &no_snapshot, &err));
    CHECK(no_snapshot == NULL);
    REFUSED(hl_sandbox_snapshot(sandbox, NULL, &err));
    CHECK(hl_sandbox_snapshot(NULL, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    OK(hl_sandbox_snapshot(sandbox, &snapshot, NULL));
    REFUSED(hl_sandbox_restore(NULL, snapshot, &err));
    REFUSED(hl_sandbox_restore(sandbox, NULL, &err));
    CHECK(hl_sandbox_restore(NULL, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    check_alive(sandbox);
    OK(hl_sandbox_restore(sandbox, snapshot, NULL));
    REFUSED(hl_sandbox_from_snapshot(NULL, NULL, &no_sandbox, &err));
    CHECK(no_sandbox == NULL);
    REFUSED(hl_sandbox_from_snapshot(snapshot, NULL, NULL, &err));
    REFUSED(hl_snapshot_save(NULL, "/dev/null", &err));
    REFUSED(hl_snapshot_save(snapshot, NULL, &err));
    REFUSED(hl_snapshot_load(NULL, &no_snapshot, &err));
    CHECK(no_snapshot == NULL);
    REFUSED(hl_snapshot_load("/dev/null", NULL, &err));
    REFUSED(hl_snapshot_load_with(NULL, NULL, &no_snapshot, &err));
    CHECK(no_snapshot == NULL);
    REFUSED(hl_snapshot_load_with("/dev/null", NULL, NULL, &err));

    REFUSED(hl_pool_new(NULL, NULL, &no_pool, &err));
    CHECK(no_pool == NULL);
    REFUSED(hl_pool_new(snapshot, NULL, NULL, &err));
    OK(hl_pool_new(snapshot, NULL, &pool, NULL));
    hl_snapshot_free(snapshot);
    hl_snapshot_free(NULL);
    REFUSED(hl_pool_register(NULL, "F", kinds, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_pool_register(pool, NULL, kinds, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_pool_register(pool, "F", NULL, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_pool_register(pool, "F", kinds, 1, HL_I32, NULL, NULL, count_free, &err));
    CHECK(freed == 8);
    OK(hl_pool_register(pool, "F", NULL, 0, HL_VOID, host_function, NULL, NULL, NULL));
    REFUSED(hl_pool_acquire(NULL, &no_sandbox, &err));
    CHECK(no_sandbox == NULL);
    REFUSED(hl_pool_acquire(pool, NULL, &err));
    OK(hl_pool_acquire(pool, &no_sandbox, NULL));
    CHECK(hl_pool_stats(NULL, &statistics) == HL_ERR_INVALID_ARGUMENT);
    CHECK(hl_pool_stats(pool, NULL) == HL_ERR_INVALID_ARGUMENT);
    CHECK(hl_pool_stats(pool, &statistics) == HL_OK && statistics.in_use == 1);
    hl_sandbox_free(no_sandbox);
    hl_pool_free(NULL);
    hl_pool_free(pool);
}

int main(void) {
    const hl_bytes nothing = {NULL, 0};
    const hl_bytes null_bytes = {NULL, 1};
    const uint32_t kinds[] = {HL_I32};
    hl_guest *guest;
    hl_guest *no_guest = (hl_guest *)&freed;
    hl_sandbox *sandbox;
    hl_sandbox *no_sandbox = (hl_sandbox *)&freed;
    hl_value result;
    hl_fault_info fault;
    hl_function_info function;

    /* Errors. */
    CHECK(hl_error_code(NULL) == 0 && hl_error_guest_code(NULL) == 0);
    CHECK(hl_error_message(NULL).len == 0);
    CHECK(hl_error_details(NULL).len == 0 && hl_error_details(NULL).data == NULL);
    memset(&fault, 1, sizeof fault);
    CHECK(hl_error_fault(NULL, &fault) == HL_ERR_INVALID_ARGUMENT);
    CHECK(hl_error_fault_kind(NULL) == HL_FAULT_NONE);
    CHECK(fault.vector == 0 && fault.address == 0 && fault.function.len == 0);
    CHECK(hl_error_fault(NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    hl_error_free(NULL);

    /* Guests. What could not be made is NULL. */
    OK(hl_probe(NULL));
    REFUSED(hl_guest_from_file(NULL, &no_guest, &err));
    CHECK(no_guest == NULL);
    REFUSED(hl_guest_from_file("/dev/null", NULL, &err));
    REFUSED(hl_guest_from_bytes(null_bytes, &no_guest, &err));
    REFUSED(hl_guest_from_bytes(nothing, NULL, &err));
    FAILS(HL_ERR_GUEST_BINARY, hl_guest_from_bytes(nothing, &no_guest, &err));
    REFUSED(hl_guest_builtin(NULL, &no_guest, &err));
    REFUSED(hl_guest_builtin("demo", NULL, &err));
    CHECK(hl_guest_builtin(NULL, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    OK(hl_guest_builtin("demo", &guest, NULL));
    REFUSED(hl_guest_with_payload(NULL, nothing, HL_READ, &no_guest, &err));
    REFUSED(hl_guest_with_payload(guest, null_bytes, HL_READ, &no_guest, &err));
    REFUSED(hl_guest_with_payload(guest, nothing, HL_READ, NULL, &err));
    hl_guest_free(NULL);

    /* Sandboxes. */
    int32_t found;
    REFUSED(hl_sandbox_new(NULL, NULL, &no_sandbox, &err));
    CHECK(no_sandbox == NULL);
    REFUSED(hl_sandbox_new(guest, NULL, NULL, &err));
    OK(hl_sandbox_new(guest, NULL, &sandbox, NULL));
    REFUSED(hl_sandbox_register(NULL, "F", kinds, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_sandbox_register(sandbox, NULL, kinds, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_sandbox_register(sandbox, "F", NULL, 1, HL_I32, host_function, NULL, count_free, &err));
    REFUSED(hl_sandbox_register(sandbox, "F", kinds, 1, HL_I32, NULL, NULL, count_free, &err));
    CHECK(freed == 4);
    OK(hl_sandbox_register(sandbox, "F", NULL, 0, HL_VOID, host_function, NULL, NULL, NULL));
    REFUSED(hl_sandbox_unregister(NULL, "F", &err));
    REFUSED(hl_sandbox_unregister(sandbox, NULL, &err));
    REFUSED(hl_sandbox_unregister_found(NULL, "F", &found, &err));
    REFUSED(hl_sandbox_unregister_found(sandbox, NULL, &found, &err));
    REFUSED(hl_sandbox_unregister_found(sandbox, "F", NULL, &err));
    REFUSED(hl_sandbox_evolve(NULL, &err));
    REFUSED(hl_sandbox_evolve_with(NULL, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, NULL));
    REFUSED(hl_sandbox_call(NULL, "NoOp", NULL, 0, &result, &err));
    REFUSED(hl_sandbox_call(sandbox, NULL, NULL, 0, &result, &err));
    REFUSED(hl_sandbox_call(sandbox, "NoOp", NULL, 1, &result, &err));
    REFUSED(hl_sandbox_call(sandbox, "NoOp", NULL, 0, NULL, &err));
    CHECK(hl_sandbox_call(NULL, NULL, NULL, 0, NULL, NULL) == HL_ERR_INVALID_ARGUMENT);
    REFUSED(hl_sandbox_call_with(NULL, NULL, "NoOp", NULL, 0, &result, &err));
    REFUSED(hl_sandbox_call_with(sandbox, NULL, NULL, NULL, 0, &result, &err));
    REFUSED(hl_sandbox_call_with(sandbox, NULL, "NoOp", NULL, 1, &result, &err));
    REFUSED(hl_sandbox_call_with(sandbox, NULL, "NoOp", NULL, 0, NULL, &err));
    OK(hl_sandbox_call_with(sandbox, NULL, "NoOp", NULL, 0, &result, NULL));
    CHECK(hl_sandbox_state(NULL) == HL_STATE_UNINITIALIZED);
    CHECK(hl_sandbox_function_count(NULL) == 0);
    CHECK(hl_sandbox_function(NULL, 0, &function) == HL_ERR_INVALID_ARGUMENT);
    CHECK(hl_sandbox_function(sandbox, 0, NULL) == HL_ERR_INVALID_ARGUMENT);

    /* Host functions. */
    const hl_value args[] = {hl_string("F"), hl_u32(1)};
    call(sandbox, "HostCallLoop", args, 2);

    snapshots_and_pools(sandbox);

    /* Without a callback there is nobody to keep the data for. */
    hl_set_log_callback(HL_LOG_TRACE, NULL, NULL, count_free);
    CHECK(freed == 9);
    hl_set_log_callback(HL_LOG_OFF, NULL, NULL, NULL);

    check_alive(sandbox);
    hl_sandbox_free(NULL);
    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return 0;
}
