/* Host functions that fail, answer nonsense, re-enter, free what they run in. */
#include "check.h"

/* What `behave` does next. */
static struct {
    hl_status status;
    const char *text;
    hl_value result;
    int calls;
} next;

static hl_status behave(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)args, (void)n_args;
    CHECK(result->kind == HL_VOID);
    next.calls++;
    *result = next.result;
    if (next.text != NULL) {
        const hl_status status = hl_call_fail(in_progress, hl_view(next.text));
        CHECK(status == HL_ERR_HOST_FUNCTION);
    }
    return next.status;
}

static hl_value named(const char *name) {
    return hl_string(name);
}

/* The failure reaches the guest with that code and text, and the caller if the guest passes it on. */
static void fails_with(hl_sandbox *sandbox, const char *name, int32_t guest_sees, int32_t guest_code,
                       const char *text) {
    const hl_value function = named(name);
    const hl_value loop[] = {function, hl_u32(1)};
    hl_value result;

    result = call(sandbox, "CallHostExpectError", &function, 1);
    CHECK(result.kind == HL_STRING && is_text(result.as.bytes, text));
    CHECK(call(sandbox, "CallHostExpectErrorCode", &function, 1).as.i32 == guest_sees);

    CHECK(hl_sandbox_call(sandbox, "HostCallLoop", loop, 2, &result, &err) == HL_ERR_HOST_FUNCTION);
    CHECK(is_text(hl_error_message(err), text) && hl_error_guest_code(err) == guest_code);
    hl_error_free(err);
    err = NULL;

    /* With the guest's own words it is the guest's error. */
    FAILS_WITH(HL_ERR_GUEST_ERROR, "own words",
               hl_sandbox_call(sandbox, "CallHostReplaceError", &function, 1, &result, &err));
    check_alive(sandbox);
}

static void failures(void) {
    hl_sandbox *sandbox = new_sandbox();
    add_function(sandbox, "F", HL_VOID, behave, NULL);
    add_function(sandbox, "Number", HL_I64, behave, NULL);
    add_function(sandbox, "Text", HL_STRING, behave, NULL);
    add_function(sandbox, "Bool", HL_BOOL, behave, NULL);
    OK(hl_sandbox_evolve(sandbox, &err));

    next.text = "the door is closed";
    next.status = HL_ERR_HOST_FUNCTION;
    fails_with(sandbox, "F", HL_ERR_HOST_FUNCTION, 0, "the door is closed");
    next.status = 42;
    fails_with(sandbox, "F", 42, 42, "the door is closed");
    next.status = INT32_MIN;
    fails_with(sandbox, "F", INT32_MIN, 0, "the door is closed");
    next.text = NULL;
    next.status = 42;
    fails_with(sandbox, "F", 42, 42, "the host function `F` failed with status 42");
    next.status = HL_ERR_TIMEOUT; /* means nothing special */
    fails_with(sandbox, "F", HL_ERR_TIMEOUT, 0, "the host function `F` failed with status -14");

    /* A text without a failure is forgotten. */
    next.text = "changed my mind";
    next.status = HL_OK;
    const hl_value loop[] = {hl_string("F"), hl_u32(2)};
    CHECK(call(sandbox, "HostCallLoop", loop, 2).as.u32 == 2);

    /* Results of the wrong kind. */
    next.text = NULL;
    next.result = hl_i32(1);
    fails_with(sandbox, "F", HL_ERR_SIGNATURE, 0, "the host function `F` returned i32, its signature says void");
    fails_with(sandbox, "Number", HL_ERR_SIGNATURE, 0,
               "the host function `Number` returned i32, its signature says i64");
    next.result = hl_void();
    fails_with(sandbox, "Number", HL_ERR_SIGNATURE, 0,
               "the host function `Number` returned void, its signature says i64");

    /* Results that are none. */
    next.result.kind = 4711;
    fails_with(sandbox, "F", HL_ERR_INVALID_ARGUMENT, 0, "the result of the host function `F` has the unknown kind 4711");
    next.result = hl_bool(true);
    memset(&next.result.as, 2, 1);
    fails_with(sandbox, "Bool", HL_ERR_INVALID_ARGUMENT, 0,
               "the result of the host function `Bool` is a bool with the byte 2; expected 0 or 1");
    next.result = hl_string("\xff");
    fails_with(sandbox, "Text", HL_ERR_INVALID_ARGUMENT, 0,
               "the result of the host function `Text` is a string that is not UTF-8");
    next.result = hl_string_n(NULL, 9);
    fails_with(sandbox, "Text", HL_ERR_INVALID_ARGUMENT, 0, "the result of the host function `Text` has 9 bytes at NULL");

    /* A result that the guest has no room for. */
    static char large[2 << 20];
    memset(large, 'x', sizeof large);
    next.result = hl_string_n(large, sizeof large);
    const hl_value text = hl_string("Text");
    hl_value result;
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "input_size",
               hl_sandbox_call(sandbox, "HostCallLoop", (const hl_value[]){text, hl_u32(1)}, 2, &result, &err));
    check_alive(sandbox);

    /* Arguments that are not the function's: it is not called. */
    const int calls = next.calls;
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "(f64, string)",
               hl_sandbox_call(sandbox, "CallHostWithWrongArguments", &text, 1, &result, &err));
    CHECK(next.calls == calls);
    hl_sandbox_free(sandbox);
}

/* Results in memory of the library's. */
static hl_status allocate(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    const int way = *(const int *)user_data;
    (void)args, (void)n_args;
    CHECK(hl_call_alloc(in_progress, SIZE_MAX) == NULL);
    CHECK(hl_call_alloc(in_progress, SIZE_MAX / 2 + 2) == NULL);
    char *unused = (char *)hl_call_alloc(in_progress, 100);
    char *used = (char *)hl_call_alloc(in_progress, 100);
    char *nothing = (char *)hl_call_alloc(in_progress, 0);
    CHECK(unused != NULL && used != NULL && nothing != NULL && nothing != used);
    for (int i = 0; i < 100; i++) {
        CHECK(used[i] == 0);
    }
    memset(unused, '?', 100);
    memcpy(used, "0123456789", 10);
    switch (way) {
    case 0: /* all of it */
        memset(used, 'x', 100);
        *result = hl_string_n(used, 100);
        return HL_OK;
    case 1: /* the beginning */
        *result = hl_string_n(used, 4);
        return HL_OK;
    case 2: /* the middle */
        *result = hl_string_n(used + 4, 3);
        return HL_OK;
    case 3:
        *result = hl_string_n(nothing, 0);
        return HL_OK;
    default: /* not at all */
        *result = hl_string_n(used, 4);
        return 5;
    }
}

static void allocations(void) {
    static const char *const expected[] = {NULL, "0123", "456", ""};
    const uint32_t string[] = {HL_STRING};
    const hl_value text = hl_string("text");
    int way = 0;
    hl_sandbox *sandbox = new_sandbox();
    OK(hl_sandbox_register(sandbox, "HostEchoString", string, 1, HL_STRING, allocate, &way, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(call(sandbox, "RoundTripHostString", &text, 1).as.bytes.len == 100);
    for (way = 1; way < 4; way++) {
        CHECK(is_text(call(sandbox, "RoundTripHostString", &text, 1).as.bytes, expected[way]));
    }
    hl_value result;
    FAILS(HL_ERR_HOST_FUNCTION, hl_sandbox_call(sandbox, "RoundTripHostString", &text, 1, &result, &err));
    hl_sandbox_free(sandbox);
}

/* Everything that is refused inside a callback, and what is not. */
static hl_status reenter(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    hl_sandbox *sandbox = *(hl_sandbox **)user_data;
    hl_function_info function;
    hl_value nothing;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    FAILS(HL_ERR_BUSY, hl_sandbox_call(sandbox, "NoOp", NULL, 0, &nothing, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_call_with(sandbox, NULL, "NoOp", NULL, 0, &nothing, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_register(sandbox, "G", NULL, 0, HL_VOID, behave, NULL, NULL, &err));
    FAILS(HL_ERR_BUSY, hl_sandbox_unregister(sandbox, "F", &err));
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_RUNNING);
    CHECK(hl_sandbox_function_count(sandbox) > 0);
    CHECK(hl_sandbox_function(sandbox, 0, &function) == HL_OK);
    return HL_OK;
}

/* Three sandboxes deep; the innermost comes back to the first. */
static hl_sandbox *chain[3];

static hl_status descend(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    const size_t depth = (size_t)(uintptr_t)user_data;
    const hl_value loop[] = {hl_string("Descend"), hl_u32(1)};
    hl_value ignored;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    if (depth < 3) {
        call(chain[depth], "HostCallLoop", loop, 2);
    } else {
        FAILS(HL_ERR_BUSY, hl_sandbox_call(chain[0], "NoOp", NULL, 0, &ignored, &err));
    }
    return HL_OK;
}

static void nesting(void) {
    hl_sandbox *sandbox = new_sandbox();
    const hl_value reenters[] = {hl_string("Reenter"), hl_u32(2)};
    add_function(sandbox, "Reenter", HL_VOID, reenter, &sandbox);
    OK(hl_sandbox_evolve(sandbox, &err));
    call(sandbox, "HostCallLoop", reenters, 2);
    check_alive(sandbox);
    hl_sandbox_free(sandbox);

    const hl_value loop[] = {hl_string("Descend"), hl_u32(1)};
    for (size_t i = 0; i < 3; i++) {
        chain[i] = new_sandbox();
        add_function(chain[i], "Descend", HL_VOID, descend, (void *)(uintptr_t)(i + 1));
        OK(hl_sandbox_evolve(chain[i], &err));
    }
    call(chain[0], "HostCallLoop", loop, 2);
    for (size_t i = 0; i < 3; i++) {
        check_alive(chain[i]);
        hl_sandbox_free(chain[i]);
    }
}

/* Freed from inside: the call ends as if nothing had been; the handle is good for nothing any more. */
static hl_status free_and_try(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                              hl_value *result) {
    hl_sandbox *sandbox = *(hl_sandbox **)user_data;
    hl_value nothing;
    (void)in_progress, (void)n_args;
    hl_sandbox_free(sandbox);
    FAILS(HL_ERR_CLOSED, hl_sandbox_call(sandbox, "NoOp", NULL, 0, &nothing, &err));
    *result = hl_i32(args[0].as.i32 + args[1].as.i32);
    return HL_OK;
}

static void freeing(void) {
    const uint32_t kinds[] = {HL_I32, HL_I32};
    const hl_value numbers[] = {hl_i32(20), hl_i32(22)};
    hl_sandbox *sandbox = new_sandbox();
    OK(hl_sandbox_register(sandbox, "HostAdd", kinds, 2, HL_I32, free_and_try, &sandbox, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(call(sandbox, "Add", numbers, 2).as.i32 == 42);
}

/* HostPrint is a function like any other. */
static hl_status collect(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    char *text = (char *)user_data;
    (void)in_progress, (void)n_args;
    CHECK(args[0].kind == HL_STRING && args[0].as.bytes.len < 64);
    memcpy(text, args[0].as.bytes.data, args[0].as.bytes.len);
    text[args[0].as.bytes.len] = '\0';
    *result = hl_i32((int32_t)args[0].as.bytes.len);
    return HL_OK;
}

static void printing(void) {
    const uint32_t string[] = {HL_STRING};
    const hl_value text = hl_string("Grüße");
    char printed[64] = "";
    hl_sandbox *sandbox = new_sandbox();
    OK(hl_sandbox_register(sandbox, "HostPrint", string, 1, HL_I32, collect, printed, NULL, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(call(sandbox, "PrintOutput", &text, 1).as.i32 == 7);
    CHECK(strcmp(printed, "Grüße") == 0);
    hl_sandbox_free(sandbox);
}

int main(void) {
    failures();
    allocations();
    nesting();
    freeing();
    printing();
    return 0;
}
