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
