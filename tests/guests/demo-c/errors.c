/* Errors, aborts and panics. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

DEMO(return_error) {
    return hl_guest_fail(args[0].as.i32, hl_text(&args[1]));
}
HL_GUEST_FUNCTION("ReturnError", return_error, HL_VOID, HL_I32, HL_STRING);

/* A status about which nothing else was said. */
DEMO(return_status) {
    return args[0].as.i32;
}
HL_GUEST_FUNCTION("ReturnStatus", return_status, HL_VOID, HL_I32);

/* A result of another kind than the signature says. */
DEMO(return_wrong_kind) {
    *result = hl_string("a string");
    return 0;
}
HL_GUEST_FUNCTION("ReturnWrongKind", return_wrong_kind, HL_I32);

/* A result that is no value at all. */
DEMO(return_no_value) {
    result->kind = 77;
    return 0;
}
HL_GUEST_FUNCTION("ReturnNoValue", return_no_value, HL_I32);

/* A string that is none. */
DEMO(return_bad_utf8) {
    *result = hl_string("text\xff");
    return 0;
}
HL_GUEST_FUNCTION("ReturnBadUtf8", return_bad_utf8, HL_STRING);

DEMO(guest_abort_with_code) {
    hl_guest_abort(args[0].as.i32, "");
}
HL_GUEST_FUNCTION("GuestAbortWithCode", guest_abort_with_code, HL_VOID, HL_I32);

DEMO(guest_abort_with_message) {
    hl_guest_abort(args[0].as.i32, hl_text(&args[1]));
}
HL_GUEST_FUNCTION("GuestAbortWithMessage", guest_abort_with_message, HL_VOID, HL_I32, HL_STRING);

/* C has no panics; giving up with a text is what comes closest. */
DEMO(panic) {
    hl_guest_abort(0, hl_text(&args[0]));
}
HL_GUEST_FUNCTION("Panic", panic, HL_VOID, HL_STRING);
HL_GUEST_FUNCTION("guest_panic", panic, HL_VOID, HL_STRING);

DEMO(call_abort) {
    abort();
}
HL_GUEST_FUNCTION("Abort", call_abort, HL_VOID);

DEMO(call_exit) {
    exit(args[0].as.i32);
}
HL_GUEST_FUNCTION("Exit", call_exit, HL_VOID, HL_I32);

DEMO(fail_assertion) {
    assert(n_args == 17);
    return 0;
}
HL_GUEST_FUNCTION("FailAssertion", fail_assertion, HL_VOID);

DEMO(double_free) {
    char *block = (char *)malloc(100);
    free(opaque(block));
    free(opaque(block));
    return 0;
}
HL_GUEST_FUNCTION("DoubleFree", double_free, HL_VOID);

/* Overwrites its own return address, and with it what a stack protector would look at. */
DEMO(smash_stack) {
    char small[16];
    memset(opaque(small), 'x', args[0].as.u32);
    return *(char *)opaque(small) == 'x' ? 0 : UNEXPECTED;
}
HL_GUEST_FUNCTION("SmashStack", smash_stack, HL_VOID, HL_U32);
