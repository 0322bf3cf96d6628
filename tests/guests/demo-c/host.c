/* Calls of the host, and what becomes of their failures. */
#include <string.h>

#include "demo.h"

HL_HOST_FUNCTION("HostAdd", HL_I32, HL_I32, HL_I32);
HL_HOST_FUNCTION("HostMethod", HL_I32, HL_STRING);
HL_HOST_FUNCTION("HostMethod1", HL_I32, HL_STRING);
HL_HOST_FUNCTION("HostMethod4", HL_VOID, HL_STRING);
HL_HOST_FUNCTION("ErrorMethod", HL_I32, HL_STRING);
HL_HOST_FUNCTION("Spin", HL_VOID);
HL_HOST_FUNCTION("HostNoOp", HL_VOID);
HL_HOST_FUNCTION("HostEchoI32", HL_I32, HL_I32);
HL_HOST_FUNCTION("HostEchoU32", HL_U32, HL_U32);
HL_HOST_FUNCTION("HostEchoI64", HL_I64, HL_I64);
HL_HOST_FUNCTION("HostEchoU64", HL_U64, HL_U64);
HL_HOST_FUNCTION("HostEchoF32", HL_F32, HL_F32);
HL_HOST_FUNCTION("HostEchoF64", HL_F64, HL_F64);
HL_HOST_FUNCTION("HostEchoBool", HL_BOOL, HL_BOOL);
HL_HOST_FUNCTION("HostEchoString", HL_STRING, HL_STRING);
HL_HOST_FUNCTION("HostEchoVecBytes", HL_BYTES, HL_BYTES);
HL_HOST_FUNCTION("HostAddFloat", HL_F32, HL_F32, HL_F32);
HL_HOST_FUNCTION("HostAddDouble", HL_F64, HL_F64, HL_F64);
HL_HOST_FUNCTION("HostAddStrings", HL_STRING, HL_STRING);
HL_HOST_FUNCTION("HostBool", HL_BOOL, HL_I32, HL_I32);

/* Publishes a function that gives its arguments to a host function and returns what that returns. */
#define FORWARD(handler, guest_name, host_name, ...)                                                           \
    DEMO(handler) {                                                                                            \
        return call_host(host_name, args, n_args, result);                                                     \
    }                                                                                                          \
    HL_GUEST_FUNCTION(guest_name, handler, __VA_ARGS__)

FORWARD(add, "Add", "HostAdd", HL_I32, HL_I32, HL_I32);
FORWARD(round_trip_no_op, "RoundTripHostNoOp", "HostNoOp", HL_VOID);
FORWARD(round_trip_i32, "RoundTripHostI32", "HostEchoI32", HL_I32, HL_I32);
FORWARD(round_trip_u32, "RoundTripHostU32", "HostEchoU32", HL_U32, HL_U32);
FORWARD(round_trip_i64, "RoundTripHostI64", "HostEchoI64", HL_I64, HL_I64);
FORWARD(round_trip_u64, "RoundTripHostU64", "HostEchoU64", HL_U64, HL_U64);
FORWARD(round_trip_f32, "RoundTripHostF32", "HostEchoF32", HL_F32, HL_F32);
FORWARD(round_trip_f64, "RoundTripHostF64", "HostEchoF64", HL_F64, HL_F64);
FORWARD(round_trip_bool, "RoundTripHostBool", "HostEchoBool", HL_BOOL, HL_BOOL);
FORWARD(round_trip_string, "RoundTripHostString", "HostEchoString", HL_STRING, HL_STRING);
FORWARD(round_trip_bytes, "RoundTripHostVecBytes", "HostEchoVecBytes", HL_BYTES, HL_BYTES);
FORWARD(retrieve_float, "GuestRetrievesFloatValue", "HostAddFloat", HL_F32, HL_F32, HL_F32);
FORWARD(retrieve_double, "GuestRetrievesDoubleValue", "HostAddDouble", HL_F64, HL_F64, HL_F64);
FORWARD(retrieve_bool, "GuestRetrievesBoolValue", "HostBool", HL_BOOL, HL_I32, HL_I32);
FORWARD(call_host_spin, "CallHostSpin", "Spin", HL_VOID);

DEMO(retrieve_string) {
    hl_value text = hl_string("Guest Function");
    return call_host("HostAddStrings", &text, 1, result);
}
HL_GUEST_FUNCTION("GuestRetrievesStringValue", retrieve_string, HL_STRING);

/* Calls a host function with a text in front of the one that was given. */
static int32_t with_prefix(const char *host_name, const char *prefix, const hl_value *text, hl_value *result) {
    struct text joined = {NULL, 0, 0};
    append(&joined, "%s%s", prefix, hl_text(text));
    hl_value message = hl_string_n(joined.start, joined.len);
    return call_host(host_name, &message, 1, result);
}

DEMO(guest_method) {
    return with_prefix("HostMethod", "Hello from GuestFunction, ", &args[0], result);
}
HL_GUEST_FUNCTION("GuestMethod", guest_method, HL_I32, HL_STRING);

DEMO(guest_method1) {
    return with_prefix("HostMethod1", "Hello from GuestFunction1, ", &args[0], result);
}
HL_GUEST_FUNCTION("GuestMethod1", guest_method1, HL_I32, HL_STRING);

DEMO(guest_method2) {
    return with_prefix("HostMethod1", "Hello from GuestFunction2, ", &args[0], result);
}
HL_GUEST_FUNCTION("GuestMethod2", guest_method2, HL_I32, HL_STRING);

DEMO(guest_method3) {
    return with_prefix("HostMethod1", "Hello from GuestFunction3, ", &args[0], result);
}
HL_GUEST_FUNCTION("GuestMethod3", guest_method3, HL_I32, HL_STRING);

DEMO(guest_method4) {
    hl_value message = hl_string("Hello from GuestFunction4");
    return call_host("HostMethod4", &message, 1, result);
}
HL_GUEST_FUNCTION("GuestMethod4", guest_method4, HL_VOID);

DEMO(call_error_method) {
    return with_prefix("ErrorMethod", "Error From Host: ", &args[0], result);
}
HL_GUEST_FUNCTION("CallErrorMethod", call_error_method, HL_I32, HL_STRING);

/* The arguments must still be the same after a call of the host has reused the buffer in which they came. */
DEMO(echo_after_host_call) {
    hl_value text =
        hl_string("something else that is long enough to cover whatever lay in the buffer before it");
    int32_t status = call_host("HostEchoString", &text, 1, NULL);
    if (status != 0) {
        return status;
    }
    struct text both = {NULL, 0, 0};
    append(&both, "%s ", hl_text(&args[0]));
    append_bytes(&both, args[1].as.bytes);
    *result = hl_string_n(both.start, both.len);
    return 0;
}
HL_GUEST_FUNCTION("EchoAfterHostCall", echo_after_host_call, HL_STRING, HL_STRING, HL_BYTES);

/* Calls the named host function, then never returns. */
DEMO(call_host_then_spin) {
    int32_t status = call_host(hl_text(&args[0]), NULL, 0, NULL);
    if (status != 0) {
        return status;
    }
    while (opaque(result) != NULL) {
    }
    return UNEXPECTED;
}
HL_GUEST_FUNCTION("CallHostThenSpin", call_host_then_spin, HL_VOID, HL_STRING);

DEMO(host_call_loop) {
    for (uint32_t i = 0; i < args[1].as.u32; i++) {
        int32_t status = call_host(hl_text(&args[0]), NULL, 0, NULL);
        if (status != 0) {
            return status;
        }
    }
    *result = args[1];
    return 0;
}
HL_GUEST_FUNCTION("HostCallLoop", host_call_loop, HL_U32, HL_STRING, HL_U32);

DEMO(call_given_paramless_host_function) {
    int32_t status = call_host(hl_text(&args[0]), NULL, 0, result);
    if (status == 0 && result->kind != HL_I64) {
        return hl_guest_failf(HL_ERR_SIGNATURE, "`%s` returned no i64", hl_text(&args[0]));
    }
    return status;
}
HL_GUEST_FUNCTION("CallGivenParamlessHostFuncThatReturnsI64", call_given_paramless_host_function, HL_I64,
                  HL_STRING);

/* The error text that the guest saw. */
DEMO(call_host_expect_error) {
    if (hl_host_call(hl_text(&args[0]), NULL, 0, NULL) == HL_OK) {
        return hl_guest_failf(UNEXPECTED, "`%s` did not fail", hl_text(&args[0]));
    }
    *result = hl_string(hl_host_error_message());
    return 0;
}
HL_GUEST_FUNCTION("CallHostExpectError", call_host_expect_error, HL_STRING, HL_STRING);

/* The code that the guest saw. */
DEMO(call_host_expect_error_code) {
    int32_t status = hl_host_call(hl_text(&args[0]), NULL, 0, NULL);
    if (status == HL_OK) {
        return hl_guest_failf(UNEXPECTED, "`%s` did not fail", hl_text(&args[0]));
    }
    *result = hl_i32(status);
    return 0;
}
HL_GUEST_FUNCTION("CallHostExpectErrorCode", call_host_expect_error_code, HL_I32, HL_STRING);

/* Answers the host's failure with an error of its own. */
DEMO(call_host_replace_error) {
    if (hl_host_call(hl_text(&args[0]), NULL, 0, NULL) != HL_OK) {
        return hl_guest_failf(UNEXPECTED, "the guest's own words for: %s", hl_host_error_message());
    }
    return 0;
}
HL_GUEST_FUNCTION("CallHostReplaceError", call_host_replace_error, HL_VOID, HL_STRING);

/* The kinds of a host function: of its result, then of its parameters. Nothing where the host has none. */
FORWARD(signature_of_host_function, "SignatureOfHostFunction", "hyperlight:signature", HL_BYTES, HL_STRING);

/* Calls the named host function with that many bytes. */
DEMO(call_host_with_bytes) {
    size_t len = args[1].as.u64;
    hl_value bytes = hl_blob(memset(hl_guest_alloc(len), 0x5a, len), len);
    return call_host(hl_text(&args[0]), &bytes, 1, NULL);
}
HL_GUEST_FUNCTION("CallHostWithBytes", call_host_with_bytes, HL_VOID, HL_STRING, HL_U64);

/* Calls the named host function with arguments of kinds that it may not have. */
DEMO(call_host_with_wrong_arguments) {
    hl_value wrong[] = {hl_f64(1.5), hl_string("text")};
    return call_host(hl_text(&args[0]), wrong, 2, NULL);
}
HL_GUEST_FUNCTION("CallHostWithWrongArguments", call_host_with_wrong_arguments, HL_VOID, HL_STRING);

/* Calls that never reach the host, each refused with a status. */
DEMO(refused_host_calls) {
    hl_value bad_kind = hl_void(), bad_bool = hl_bool(true), bad_text = hl_string("\xff"),
             no_data = hl_blob(NULL, 5);
    bad_kind.kind = 99;
    memset(&bad_bool.as, 2, 1);
    bool refused = hl_host_call("HostNoOp", &bad_kind, 1, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("HostNoOp", &bad_bool, 1, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("HostNoOp", &bad_text, 1, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("HostNoOp", &no_data, 1, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("HostNoOp", NULL, 1, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("HostNoOp", &no_data, 33, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call(NULL, NULL, 0, NULL) == HL_ERR_INVALID_ARGUMENT &&
                   hl_host_call("", NULL, 0, NULL) == HL_ERR_INVALID_ARGUMENT;
    *result = hl_bool(refused && hl_host_error_message()[0] != '\0');
    return 0;
}
HL_GUEST_FUNCTION("RefusedHostCalls", refused_host_calls, HL_BOOL);
