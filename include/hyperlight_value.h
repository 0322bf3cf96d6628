/**
 * @file
 * Values of libhyperlight, the same for hosts and for guests: hyperlight.h and hyperlight_guest.h include this file.
 *
 * C99 to C23 and C++11 to C++20; x86-64 only.
 */
#ifndef HYPERLIGHT_VALUE_H
#define HYPERLIGHT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No value: the result of a function that returns nothing. */
#define HL_VOID 0

/** `as.boolean`, `true` or `false`. */
#define HL_BOOL 1

/** `as.i32` */
#define HL_I32 2

/** `as.u32` */
#define HL_U32 3

/** `as.i64` */
#define HL_I64 4

/** `as.u64` */
#define HL_U64 5

/** `as.f32`, bit for bit. */
#define HL_F32 6

/** `as.f64`, bit for bit. */
#define HL_F64 7

/** `as.bytes`, which are UTF-8 text. In guests a NUL follows it, in hosts none. */
#define HL_STRING 8

/** `as.bytes`, any bytes. */
#define HL_BYTES 9

/** Borrowed bytes. `data` may be NULL if `len` is 0. */
typedef struct hl_bytes {
    /** Address of the first byte. */
    const uint8_t *data;
    /** Number of bytes. */
    size_t len;
} hl_bytes;

/** The content of an `hl_value`; its kind selects the member. */
typedef union hl_value_as {
    /** `HL_BOOL` */
    bool boolean;
    /** `HL_I32` */
    int32_t i32;
    /** `HL_U32` */
    uint32_t u32;
    /** `HL_I64` */
    int64_t i64;
    /** `HL_U64` */
    uint64_t u64;
    /** `HL_F32` */
    float f32;
    /** `HL_F64` */
    double f64;
    /** `HL_STRING`, `HL_BYTES` */
    hl_bytes bytes;
    /** The whole union. */
    uint64_t words[3];
} hl_value_as;

/** A value. Its size is always 32 bytes. */
typedef struct hl_value {
    /** One of `HL_VOID` to `HL_BYTES`. */
    uint32_t kind;
    /** Must be 0. */
    uint32_t reserved;
    /** The content. */
    hl_value_as as;
} hl_value;

/* ---- making values ------------------------------------------------------------------------------------ */

/* Looks at bytes as another type of byte, without a cast that C++ would call old. */
#ifdef __cplusplus
#define HL_VIEW(type, pointer) static_cast<const type *>(static_cast<const void *>(pointer))
#else
#define HL_VIEW(type, pointer) ((const type *)(const void *)(pointer))
#endif

/** No value. */
static inline hl_value hl_void(void) {
    hl_value value;
    value.kind = HL_VOID;
    value.reserved = 0;
    value.as.words[0] = value.as.words[1] = value.as.words[2] = 0;
    return value;
}

/** `true` or `false`. */
static inline hl_value hl_bool(bool boolean) {
    hl_value value = hl_void();
    value.kind = HL_BOOL;
    value.as.boolean = boolean;
    return value;
}

/** A number. */
static inline hl_value hl_i32(int32_t number) {
    hl_value value = hl_void();
    value.kind = HL_I32;
    value.as.i32 = number;
    return value;
}

/** A number. */
static inline hl_value hl_u32(uint32_t number) {
    hl_value value = hl_void();
    value.kind = HL_U32;
    value.as.u32 = number;
    return value;
}

/** A number. */
static inline hl_value hl_i64(int64_t number) {
    hl_value value = hl_void();
    value.kind = HL_I64;
    value.as.i64 = number;
    return value;
}

/** A number. */
static inline hl_value hl_u64(uint64_t number) {
    hl_value value = hl_void();
    value.kind = HL_U64;
    value.as.u64 = number;
    return value;
}

/** A number, bit for bit. */
static inline hl_value hl_f32(float number) {
    hl_value value = hl_void();
    value.kind = HL_F32;
    value.as.f32 = number;
    return value;
}

/** A number, bit for bit. */
static inline hl_value hl_f64(double number) {
    hl_value value = hl_void();
    value.kind = HL_F64;
    value.as.f64 = number;
    return value;
}

/** Any bytes; they are not copied. */
static inline hl_value hl_blob(const void *data, size_t len) {
    hl_value value = hl_void();
    value.kind = HL_BYTES;
    value.as.bytes.data = HL_VIEW(uint8_t, data);
    value.as.bytes.len = len;
    return value;
}

/** Text of a known length; it is not copied. */
static inline hl_value hl_string_n(const char *text, size_t len) {
    hl_value value = hl_blob(text, len);
    value.kind = HL_STRING;
    return value;
}

/** A C string; it is not copied. */
static inline hl_value hl_string(const char *text) {
    size_t len = 0;
    while (text[len] != '\0') {
        len++;
    }
    return hl_string_n(text, len);
}

#endif /* HYPERLIGHT_VALUE_H */
