/* Data and code that the host program adds to a guest's image. */
#include "check.h"

static hl_sandbox *started(const hl_guest *guest) {
    hl_sandbox *sandbox;
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    return sandbox;
}

static hl_bytes view(const void *data, size_t len) {
    return hl_blob(data, len).as.bytes;
}

int main(void) {
    static const uint8_t code[] = {0x48, 0x8d, 0x47, 0x01, 0xc3}; /* lea rax, [rdi + 1]; ret */
    static uint8_t data[100000];
    hl_guest *base;
    hl_guest *with_data;
    hl_guest *with_both;
    hl_guest *none;
    hl_value result;

    memset(data, 0xa5, sizeof data);
    OK(hl_guest_builtin("demo", &base, &err));
    OK(hl_guest_with_payload(base, view(data, sizeof data), HL_READ, &with_data, &err));
    OK(hl_guest_with_payload(with_data, view(code, sizeof code), HL_READ_EXECUTE, &with_both, &err));
    static const uint32_t bad[] = {0, 2, 4, 7, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "access", hl_guest_with_payload(base, view("x", 1), bad[i], &none, &err));
        CHECK(none == NULL);
    }
    /* It was copied. */
    memset(data, 0, sizeof data);

    /* The guest that it was made from has none. */
    hl_sandbox *sandbox = started(base);
    CHECK(call(sandbox, "PayloadCount", NULL, 0).as.u64 == 0);
    hl_sandbox_free(sandbox);
    hl_guest_free(base);
    hl_guest_free(with_data);

    const hl_value args[] = {hl_u32(1), hl_u64(41)};
    sandbox = started(with_both);
    CHECK(call(sandbox, "PayloadCount", NULL, 0).as.u64 == 2);
    CHECK(call(sandbox, "PayloadExecuteWith", args, 2).as.u64 == 42);
    const hl_value zeroth = hl_u32(0);
    result = call(sandbox, "PayloadBytes", &zeroth, 1);
    CHECK(result.as.bytes.len == sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        CHECK(result.as.bytes.data[i] == 0xa5);
    }
    /* Data is not code. */
    FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "PayloadExecute", &zeroth, 1, &result, &err));
    check_poisoned(sandbox);
    hl_sandbox_free(sandbox);

    /* As many as there can be, and one more. An empty one counts. */
    size_t count = 2;
    for (;;) {
        hl_guest *more;
        const hl_status status = hl_guest_with_payload(with_both, view(NULL, 0), HL_READ, &more, &err);
        if (status != HL_OK) {
            break;
        }
        hl_guest_free(with_both);
        with_both = more;
        CHECK(++count <= 64);
    }
    CHECK(hl_error_code(err) == HL_ERR_INVALID_ARGUMENT && count >= 8);
    hl_error_free(err);
    err = NULL;
    sandbox = started(with_both);
    CHECK(call(sandbox, "PayloadCount", NULL, 0).as.u64 == count);
    hl_sandbox_free(sandbox);
    hl_guest_free(with_both);
    return 0;
}
