/* Values in, values out. */
#include <stdlib.h>
#include <string.h>

#include "demo.h"

/* Arguments live until the result was sent, so one can be the other. */
DEMO(echo) {
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("Echo", echo, HL_STRING, HL_STRING);
HL_GUEST_FUNCTION("EchoBytes", echo, HL_BYTES, HL_BYTES);
HL_GUEST_FUNCTION("EchoBool", echo, HL_BOOL, HL_BOOL);
HL_GUEST_FUNCTION("EchoI32", echo, HL_I32, HL_I32);
HL_GUEST_FUNCTION("EchoU32", echo, HL_U32, HL_U32);
HL_GUEST_FUNCTION("EchoI64", echo, HL_I64, HL_I64);
HL_GUEST_FUNCTION("EchoU64", echo, HL_U64, HL_U64);
HL_GUEST_FUNCTION("EchoFloat", echo, HL_F32, HL_F32);
HL_GUEST_FUNCTION("EchoDouble", echo, HL_F64, HL_F64);

DEMO(no_op) {
    return 0;
}
HL_GUEST_FUNCTION("NoOp", no_op, HL_VOID);

DEMO(set_byte_array_to_zero) {
    size_t len = args[0].as.bytes.len;
    *result = hl_blob(memset(hl_guest_alloc(len), 0, len), len);
    return 0;
}
HL_GUEST_FUNCTION("SetByteArrayToZero", set_byte_array_to_zero, HL_BYTES, HL_BYTES);

DEMO(length) {
    *result = hl_u64(args[0].as.bytes.len);
    return 0;
}
HL_GUEST_FUNCTION("StringLength", length, HL_U64, HL_STRING);
HL_GUEST_FUNCTION("BytesLength", length, HL_U64, HL_BYTES);

/* As many bytes as asked for, each 0x5a: a result that is larger than its arguments. */
DEMO(make_bytes) {
    size_t len = args[0].as.u64;
    void *room = opaque(malloc(len));
    if (room == NULL) {
        return hl_guest_failf(WRONG_INPUT, "there is no room for %zu bytes", len);
    }
    free(room);
    *result = hl_blob(memset(hl_guest_alloc(len), 0x5a, len), len);
    return 0;
}
HL_GUEST_FUNCTION("MakeBytes", make_bytes, HL_BYTES, HL_U64);

/* Takes much and gives nothing. */
HL_GUEST_FUNCTION("LargeParameters", no_op, HL_VOID, HL_BYTES, HL_STRING);

DEMO(twenty_four_k_in_eight_k_out) {
    size_t len = args[0].as.bytes.len;
    if (len != 24 * 1024) {
        return hl_guest_failf(WRONG_INPUT, "expected 24 KiB, not %zu bytes", len);
    }
    *result = hl_blob(args[0].as.bytes.data, 8 * 1024);
    return 0;
}
HL_GUEST_FUNCTION("24K_in_8K_out", twenty_four_k_in_eight_k_out, HL_BYTES, HL_BYTES);

/* The largest number of parameters that a function can have. */
DEMO(sum_of_thirty_two) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n_args; i++) {
        sum += args[i].as.u32;
    }
    *result = hl_u64(sum);
    return 0;
}
HL_GUEST_FUNCTION("SumOfThirtyTwo", sum_of_thirty_two, HL_U64, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32,
                  HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32,
                  HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32, HL_U32,
                  HL_U32, HL_U32, HL_U32, HL_U32);

/* One parameter of each kind, as text. */
DEMO(describe_all) {
    struct text text = {NULL, 0, 0};
    append(&text, "%s %d %u %lld %llu %g %g %s ", args[0].as.boolean ? "true" : "false", args[1].as.i32,
           args[2].as.u32, (long long)args[3].as.i64, (unsigned long long)args[4].as.u64,
           (double)args[5].as.f32, args[6].as.f64, hl_text(&args[7]));
    append_bytes(&text, args[8].as.bytes);
    *result = hl_string_n(text.start, text.len);
    return 0;
}
HL_GUEST_FUNCTION("DescribeAll", describe_all, HL_STRING, HL_BOOL, HL_I32, HL_U32, HL_I64, HL_U64, HL_F32,
                  HL_F64, HL_STRING, HL_BYTES);
