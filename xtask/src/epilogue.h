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
