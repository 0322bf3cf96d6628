/* ---- options, with nothing set ------------------------------------------------------------------------ */

@OPTIONS@
/** An `hl_pool_statistics` with its size, to be filled. */
#define HL_POOL_STATISTICS_INIT {sizeof(hl_pool_statistics), 0, 0, 0, 0, 0, 0}
/** An `hl_wasm_options` with its size, and nothing set. */
#define HL_WASM_OPTIONS_INIT {sizeof(hl_wasm_options), NULL, 0, NULL, 0, NULL, 0, 0, 0, 0}

/** A C string as a view, for hl_call_fail: `return hl_call_fail(call, hl_view("no such key"));`. */
static inline hl_bytes hl_view(const char *text) {
    return hl_string(text).as.bytes;
}

/* ---- making values of any form ------------------------------------------------------------------------ */

/** A value of that kind, without its content. */
static inline hl_any hl_any_of(uint32_t kind) {
    hl_any any;
    any.kind = kind;
    any.reserved = 0;
    any.as.words[0] = any.as.words[1] = any.as.words[2] = 0;
    return any;
}

/** A script's `null`. */
static inline hl_any hl_any_null(void) {
    return hl_any_of(HL_ANY_NULL);
}

/** A script's `undefined`. */
static inline hl_any hl_any_undefined(void) {
    return hl_any_of(HL_ANY_UNDEFINED);
}

/** `true` or `false`. */
static inline hl_any hl_any_bool(bool boolean) {
    hl_any any = hl_any_of(HL_ANY_BOOL);
    any.as.boolean = boolean;
    return any;
}

/** A whole number, of any integer type that has it. */
static inline hl_any hl_any_s64(int64_t number) {
    hl_any any = hl_any_of(HL_ANY_S64);
    any.as.s64 = number;
    return any;
}

/** A whole number, of any integer type that has it. */
static inline hl_any hl_any_u64(uint64_t number) {
    hl_any any = hl_any_of(HL_ANY_U64);
    any.as.u64 = number;
    return any;
}

/** A floating point number: a script's, an `f64`, or an `f32`, to which it is rounded. */
static inline hl_any hl_any_f64(double number) {
    hl_any any = hl_any_of(HL_ANY_F64);
    any.as.f64 = number;
    return any;
}

/** A character, as a Unicode scalar value. */
static inline hl_any hl_any_char(uint32_t character) {
    hl_any any = hl_any_of(HL_ANY_CHAR);
    any.as.character = character;
    return any;
}

/** Any bytes; they are not copied. */
static inline hl_any hl_any_bytes(const void *data, size_t len) {
    hl_any any = hl_any_of(HL_ANY_BYTES);
    any.as.bytes = hl_blob(data, len).as.bytes;
    return any;
}

/** Text of a known length; it is not copied. */
static inline hl_any hl_any_string_n(const char *text, size_t len) {
    hl_any any = hl_any_bytes(text, len);
    any.kind = HL_ANY_STRING;
    return any;
}

/** A C string; it is not copied. */
static inline hl_any hl_any_string(const char *text) {
    hl_any any = hl_any_of(HL_ANY_STRING);
    any.as.bytes = hl_view(text);
    return any;
}

/** A script's big integer: decimal digits, after a minus if it is negative. They are not copied. */
static inline hl_any hl_any_bigint(const char *digits) {
    hl_any any = hl_any_string(digits);
    any.kind = HL_ANY_BIGINT;
    return any;
}

/** Values in order; they are not copied. */
static inline hl_any hl_any_list(const hl_any *items, size_t count) {
    hl_any any = hl_any_of(HL_ANY_LIST);
    any.as.items.data = items;
    any.as.items.count = count;
    return any;
}

/** Values of several types in order; they are not copied. */
static inline hl_any hl_any_tuple(const hl_any *items, size_t count) {
    hl_any any = hl_any_list(items, count);
    any.kind = HL_ANY_TUPLE;
    return any;
}

/** A name with its value, for hl_any_record. The name is not copied. */
static inline hl_any_member hl_any_named(const char *name, hl_any value) {
    hl_any_member member;
    member.name = hl_view(name);
    member.value = value;
    return member;
}

/** A record, or a script's object; its members are not copied. */
static inline hl_any hl_any_record(const hl_any_member *members, size_t count) {
    hl_any any = hl_any_of(HL_ANY_RECORD);
    any.as.members.data = members;
    any.as.members.count = count;
    return any;
}

/** A map; its pairs are not copied. */
static inline hl_any hl_any_map(const hl_any_pair *pairs, size_t count) {
    hl_any any = hl_any_of(HL_ANY_MAP);
    any.as.pairs.data = pairs;
    any.as.pairs.count = count;
    return any;
}

/** A case of a variant, with its value or NULL. Neither name nor value is copied. */
static inline hl_any hl_any_variant(const char *name, const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_VARIANT);
    any.as.variant.name = hl_view(name);
    any.as.variant.value = value;
    return any;
}

/** A case of an enum. The name is not copied. */
static inline hl_any hl_any_enum(const char *name) {
    hl_any any = hl_any_string(name);
    any.kind = HL_ANY_ENUM;
    return any;
}

/** Flags: the names of those that are set. They are not copied. */
static inline hl_any hl_any_flags(const hl_bytes *names, size_t count) {
    hl_any any = hl_any_of(HL_ANY_FLAGS);
    any.as.names.data = names;
    any.as.names.count = count;
    return any;
}

/** An option with a value, or without one if that is NULL. The value is not copied. */
static inline hl_any hl_any_option(const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_OPTION);
    any.as.option = value;
    return any;
}

/** The case `ok` of a result, with its value or NULL. The value is not copied. */
static inline hl_any hl_any_ok(const hl_any *value) {
    hl_any any = hl_any_of(HL_ANY_RESULT);
    any.as.result.value = value;
    any.as.result.is_ok = 1;
    return any;
}

/** The case `err` of a result, with its value or NULL. The value is not copied. */
static inline hl_any hl_any_err(const hl_any *value) {
    hl_any any = hl_any_ok(value);
    any.as.result.is_ok = 0;
    return any;
}

/** True if two texts are the same. */
static inline bool hl_any_is(hl_bytes text, const char *other) {
    size_t at = 0;
    while (at < text.len && other[at] != '\0' && text.data[at] == (uint8_t)other[at]) {
        at++;
    }
    return at == text.len && other[at] == '\0';
}

/** The member of that name in a record: the last, if there are several. NULL if there is none, or no record. */
static inline const hl_any *hl_any_get(const hl_any *record, const char *name) {
    size_t at = record != NULL && record->kind == HL_ANY_RECORD ? record->as.members.count : 0;
    while (at > 0) {
        at--;
        if (hl_any_is(record->as.members.data[at].name, name)) {
            return &record->as.members.data[at].value;
        }
    }
    return NULL;
}

/* ---- what the library was compiled with --------------------------------------------------------------- */

#if defined(__cplusplus)
#define HL_SAME(name, condition) static_assert(condition, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define HL_SAME(name, condition) _Static_assert(condition, #name)
#else
#define HL_SAME(name, condition) typedef char hl_same_##name[(condition) ? 1 : -1]
#endif

HL_SAME(bytes, sizeof(hl_bytes) == 16);
HL_SAME(value, sizeof(hl_value) == 32);
HL_SAME(value_as, offsetof(hl_value, as) == 8);
HL_SAME(bytes_len, offsetof(hl_bytes, len) == 8);
HL_SAME(boolean, sizeof(bool) == 1);
HL_SAME(any, sizeof(hl_any) == 32);
HL_SAME(any_as, offsetof(hl_any, as) == 8);
HL_SAME(any_member, sizeof(hl_any_member) == 48);
HL_SAME(any_pair, sizeof(hl_any_pair) == 64);
HL_SAME(any_case_value, offsetof(hl_any_case, value) == 16);
HL_SAME(any_outcome_ok, offsetof(hl_any_outcome, is_ok) == 8);
@SAME_OPTIONS@
HL_SAME(pool_statistics, sizeof(hl_pool_statistics) == 56);
HL_SAME(function_info, sizeof(hl_function_info) == 40);
HL_SAME(function_info_kinds, offsetof(hl_function_info, param_kinds) == 16);
HL_SAME(function_info_return, offsetof(hl_function_info, return_kind) == 32);
HL_SAME(fault_info, sizeof(hl_fault_info) == 40);
HL_SAME(fault_info_instruction, offsetof(hl_fault_info, instruction) == 8);
HL_SAME(fault_info_function, offsetof(hl_fault_info, function) == 24);
HL_SAME(wasm_options, sizeof(hl_wasm_options) == 80);
HL_SAME(wasm_type, sizeof(hl_wasm_type) == 32);
HL_SAME(wasm_description, sizeof(hl_wasm_description) == 56);
HL_SAME(pool_statistics_last, offsetof(hl_pool_statistics, waited_ns) == 48);

#undef HL_SAME

#endif /* HYPERLIGHT_H */
