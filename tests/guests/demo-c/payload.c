/* What the host program has placed into the guest's image. */
#include "demo.h"

static int32_t find(uint32_t index, hl_bytes *payload) {
    if (hl_guest_payload(index, payload) != HL_OK) {
        return hl_guest_failf(WRONG_INPUT, "there is no payload number %u", index);
    }
    return 0;
}

DEMO(payload_count) {
    hl_bytes payload;
    uint64_t count = 0;
    while (hl_guest_payload(count, &payload) == HL_OK) {
        count++;
    }
    *result = hl_u64(count);
    return 0;
}
HL_GUEST_FUNCTION("PayloadCount", payload_count, HL_U64);

DEMO(payload_bytes) {
    hl_bytes payload = {NULL, 0};
    int32_t status = find(args[0].as.u32, &payload);
    *result = hl_blob(payload.data, payload.len);
    return status;
}
HL_GUEST_FUNCTION("PayloadBytes", payload_bytes, HL_BYTES, HL_U32);

DEMO(payload_address) {
    hl_bytes payload = {NULL, 0};
    int32_t status = find(args[0].as.u32, &payload);
    *result = hl_u64((uintptr_t)payload.data);
    return status;
}
HL_GUEST_FUNCTION("PayloadAddress", payload_address, HL_U64, HL_U32);

/* Calls a payload as a function without parameters. */
DEMO(payload_execute) {
    hl_bytes payload = {NULL, 0};
    int32_t status = find(args[0].as.u32, &payload);
    if (status == 0) {
        *result = hl_u64(((uint64_t(*)(void))(uintptr_t)payload.data)());
    }
    return status;
}
HL_GUEST_FUNCTION("PayloadExecute", payload_execute, HL_U64, HL_U32);

/* Calls a payload as a function of one number. */
DEMO(payload_execute_with) {
    hl_bytes payload = {NULL, 0};
    int32_t status = find(args[0].as.u32, &payload);
    if (status == 0) {
        *result = hl_u64(((uint64_t(*)(uint64_t))(uintptr_t)payload.data)(args[1].as.u64));
    }
    return status;
}
HL_GUEST_FUNCTION("PayloadExecuteWith", payload_execute_with, HL_U64, HL_U32, HL_U64);
