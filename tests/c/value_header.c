/* The header of values alone: what hosts and guests have in common needs neither of their headers. */
#include <hyperlight_value.h>
#include <hyperlight_value.h>

#include <string.h>

int main(void) {
    const uint8_t letters[2] = {'h', 'i'};
    const hl_value text = hl_string("hi"), part = hl_string_n("hint", 2), blob = hl_blob(letters, sizeof letters);
    int failures = sizeof(hl_value) == 32 && offsetof(hl_value, as) == 8 && sizeof(hl_bytes) == 16 ? 0 : 1;

    failures += hl_void().kind == HL_VOID && hl_void().as.words[2] == 0 ? 0 : 1;
    failures += hl_bool(true).kind == HL_BOOL && hl_bool(true).as.boolean ? 0 : 1;
    failures += hl_i32(INT32_MIN).kind == HL_I32 && hl_i32(INT32_MIN).as.i32 == INT32_MIN ? 0 : 1;
    failures += hl_u32(UINT32_MAX).kind == HL_U32 && hl_u32(UINT32_MAX).as.u32 == UINT32_MAX ? 0 : 1;
    failures += hl_i64(INT64_MIN).kind == HL_I64 && hl_i64(INT64_MIN).as.i64 == INT64_MIN ? 0 : 1;
    failures += hl_u64(UINT64_MAX).kind == HL_U64 && hl_u64(UINT64_MAX).as.u64 == UINT64_MAX ? 0 : 1;
    failures += hl_f32(1).kind == HL_F32 && hl_f32(1).as.f32 > 0 ? 0 : 1;
    failures += hl_f64(1).kind == HL_F64 && hl_f64(1).as.f64 > 0 ? 0 : 1;
    failures += text.kind == HL_STRING && text.as.bytes.len == 2 ? 0 : 1;
    failures += part.kind == HL_STRING && memcmp(part.as.bytes.data, "hi", part.as.bytes.len) == 0 ? 0 : 1;
    failures += blob.kind == HL_BYTES && blob.as.bytes.data == letters && blob.as.bytes.len == 2 ? 0 : 1;
    return failures;
}
