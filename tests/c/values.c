/* Values of every kind, there and back, bit for bit; and values that are none. */
#include "check.h"

/* A host function that returns its argument. */
static hl_status echo(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress;
    CHECK(n_args == 1 && args[0].reserved == 0);
    CHECK(result->kind == HL_VOID && result->as.words[0] == 0);
    *result = args[0];
    return HL_OK;
}

static int is_same(const hl_value *a, const hl_value *b) {
    if (a->kind != b->kind) {
        return 0;
    }
    switch (a->kind) {
    case HL_STRING:
    case HL_BYTES:
        return a->as.bytes.len == b->as.bytes.len &&
               (a->as.bytes.len == 0 || memcmp(a->as.bytes.data, b->as.bytes.data, a->as.bytes.len) == 0);
    default:
        /* What is behind the smaller members is zero. */
        return a->reserved == 0 && memcmp(&a->as, &b->as, sizeof a->as) == 0;
    }
}

static void check_echo(hl_sandbox *sandbox, hl_value value) {
    static const char *const guest[] = {"",         "EchoBool",  "EchoI32",    "EchoU32", "EchoI64",
                                        "EchoU64", "EchoFloat", "EchoDouble", "Echo",    "EchoBytes"};
    static const char *const host[] = {"",
                                       "RoundTripHostBool",
                                       "RoundTripHostI32",
                                       "RoundTripHostU32",
                                       "RoundTripHostI64",
                                       "RoundTripHostU64",
                                       "RoundTripHostF32",
                                       "RoundTripHostF64",
                                       "RoundTripHostString",
                                       "RoundTripHostVecBytes"};
    hl_value result = call(sandbox, guest[value.kind], &value, 1);
    CHECK(is_same(&value, &result));
    result = call(sandbox, host[value.kind], &value, 1);
    CHECK(is_same(&value, &result));
    /* The result may take the place of the argument. */
    hl_value in_place = value;
    OK(hl_sandbox_call(sandbox, guest[value.kind], &in_place, 1, &in_place, &err));
    CHECK(is_same(&value, &in_place));
}

static hl_value f32_bits(uint32_t bits) {
    hl_value value = hl_f32(0);
    memcpy(&value.as.f32, &bits, sizeof bits);
    return value;
}

static hl_value f64_bits(uint64_t bits) {
    hl_value value = hl_f64(0);
    memcpy(&value.as.f64, &bits, sizeof bits);
    return value;
}

static void round_trips(hl_sandbox *sandbox) {
    check_echo(sandbox, hl_bool(false));
    check_echo(sandbox, hl_bool(true));
    check_echo(sandbox, hl_i32(0));
    check_echo(sandbox, hl_i32(INT32_MIN));
    check_echo(sandbox, hl_i32(INT32_MAX));
    check_echo(sandbox, hl_u32(UINT32_MAX));
    check_echo(sandbox, hl_i64(INT64_MIN));
    check_echo(sandbox, hl_i64(INT64_MAX));
    check_echo(sandbox, hl_u64(UINT64_MAX));
    check_echo(sandbox, hl_f32(1.5F));
    check_echo(sandbox, f32_bits(0x80000000)); /* -0 */
    check_echo(sandbox, f32_bits(0x00000001)); /* the smallest there is */
    check_echo(sandbox, f32_bits(0x7f800000)); /* infinity */
    check_echo(sandbox, f32_bits(0x7fc12345)); /* a quiet NaN that says something */
    check_echo(sandbox, f32_bits(0xffa54321)); /* a signalling one */
    check_echo(sandbox, hl_f64(-1e300));
    check_echo(sandbox, f64_bits(0x8000000000000000));
    check_echo(sandbox, f64_bits(0x7ff8dead0000beef));
    check_echo(sandbox, f64_bits(0xfff4dead0000beef));
    check_echo(sandbox, hl_string(""));
    check_echo(sandbox, hl_string("Grüße, 世界 🎉"));
    check_echo(sandbox, hl_string_n("a\0b", 3));
    check_echo(sandbox, hl_blob(NULL, 0));
    check_echo(sandbox, hl_blob("\0\xff\x80", 3));

    static uint8_t megabyte[1 << 20];
    for (size_t i = 0; i < sizeof megabyte; i++) {
        megabyte[i] = (uint8_t)(i * 31 % 127);
    }
    for (size_t len = 0; len < 20; len++) {
        check_echo(sandbox, hl_string_n((const char *)megabyte, len));
        check_echo(sandbox, hl_blob(megabyte, len));
    }
    check_echo(sandbox, hl_string_n((const char *)megabyte, sizeof megabyte));
    check_echo(sandbox, hl_blob(megabyte, sizeof megabyte));
}

static void void_and_many(hl_sandbox *sandbox) {
    CHECK(call(sandbox, "NoOp", NULL, 0).kind == HL_VOID);
    hl_value numbers[33];
    for (uint32_t i = 0; i < 33; i++) {
        numbers[i] = hl_u32(i);
    }
    CHECK(call(sandbox, "SumOfThirtyTwo", numbers, 32).as.u64 == 31 * 32 / 2);
    hl_value result;
    FAILS(HL_ERR_SIGNATURE, hl_sandbox_call(sandbox, "SumOfThirtyTwo", numbers, 33, &result, &err));
    FAILS(HL_ERR_SIGNATURE, hl_sandbox_call(sandbox, "SumOfThirtyTwo", numbers, SIZE_MAX, &result, &err));
    FAILS(HL_ERR_SIGNATURE, hl_sandbox_call(sandbox, "NoOp", numbers, 1, &result, &err));
    check_alive(sandbox);
}

static void not_a_value(hl_sandbox *sandbox) {
    hl_value result;
    hl_value bad = hl_void();

    /* A kind that exists, but is not the function's. */
    FAILS_WITH(HL_ERR_SIGNATURE, "called with (void)", hl_sandbox_call(sandbox, "Echo", &bad, 1, &result, &err));
    CHECK(result.kind == HL_VOID);
    bad = hl_u32(1);
    FAILS_WITH(HL_ERR_SIGNATURE, "called with (u32)", hl_sandbox_call(sandbox, "EchoI32", &bad, 1, &result, &err));

    /* What is no value at all is seen first, whatever the function wants. */
    static const uint32_t unknown[] = {10, 255, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        bad.kind = unknown[i];
        FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "unknown kind",
                   hl_sandbox_call(sandbox, "NoSuchFunction", &bad, 1, &result, &err));
    }
    bad = hl_bool(true);
    for (int byte = 2; byte < 256; byte += 23) {
        memset(&bad.as, byte, 1);
        FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "expected 0 or 1",
                   hl_sandbox_call(sandbox, "EchoBool", &bad, 1, &result, &err));
    }
    static const char *const not_utf8[] = {"\xff", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
    for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
        bad = hl_string(not_utf8[i]);
        FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "not UTF-8", hl_sandbox_call(sandbox, "Echo", &bad, 1, &result, &err));
        bad.kind = HL_BYTES;
        check_echo(sandbox, bad);
    }
    bad = hl_blob(NULL, 1);
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "NULL", hl_sandbox_call(sandbox, "EchoBytes", &bad, 1, &result, &err));
    bad = hl_blob("x", SIZE_MAX);
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_sandbox_call(sandbox, "EchoBytes", &bad, 1, &result, &err));

    /* Which argument it was. */
    const hl_value second[] = {hl_i32(1), {.kind = 77}};
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "argument 1", hl_sandbox_call(sandbox, "Add", second, 2, &result, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_sandbox_call(sandbox, "\xff", NULL, 0, &result, &err));
    check_alive(sandbox);
}

int main(void) {
    static const struct {
        const char *name;
        uint32_t kind;
    } echoes[] = {{"HostEchoBool", HL_BOOL}, {"HostEchoI32", HL_I32},       {"HostEchoU32", HL_U32},
                  {"HostEchoI64", HL_I64},   {"HostEchoU64", HL_U64},       {"HostEchoF32", HL_F32},
                  {"HostEchoF64", HL_F64},   {"HostEchoString", HL_STRING}, {"HostEchoVecBytes", HL_BYTES}};
    hl_sandbox *sandbox = new_sandbox();

    for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++) {
        const uint32_t kind = echoes[i].kind;
        OK(hl_sandbox_register(sandbox, echoes[i].name, &kind, 1, kind, echo, NULL, NULL, &err));
    }
    OK(hl_sandbox_evolve(sandbox, &err));
    round_trips(sandbox);
    void_and_many(sandbox);
    not_a_value(sandbox);
    hl_sandbox_free(sandbox);
    return 0;
}
