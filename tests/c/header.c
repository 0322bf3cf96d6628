/* The header alone, before any other: what it needs it includes, in every language mode, without a warning. */
#include <hyperlight.h>
#include <hyperlight.h>

/* Every function is declared, and every macro means something. */
int main(void) {
    static const hl_sandbox_options sandbox_options = HL_SANDBOX_OPTIONS_INIT;
    static const hl_call_options call_options = HL_CALL_OPTIONS_INIT;
    static const hl_load_options load_options = HL_LOAD_OPTIONS_INIT;
    const uint8_t letters[2] = {'h', 'i'};
    hl_value value = hl_void();
    hl_status status = HL_OK;

    value = hl_bool(true);
    value = hl_i32(-1);
    value = hl_u32(1);
    value = hl_i64(-1);
    value = hl_u64(1);
    value = hl_f32(1);
    value = hl_f64(1);
    value = hl_blob(letters, sizeof letters);
    value = hl_string_n("hi", 2);
    value = hl_string("hi");
    status += value.kind == HL_STRING && hl_view("hi").len == 2 ? 0 : 1;
    status += sandbox_options.size == sizeof sandbox_options && call_options.size == sizeof call_options ? 0 : 1;
    status += load_options.size == sizeof load_options ? 0 : 1;
    status += hl_version() == HL_VERSION ? 0 : 1;
    status += hl_error_code(0) == HL_OK ? 0 : 1;
    status += HL_ERR_INTERNAL == -99 && -HL_ERR_POOL_TIMEOUT == 24 ? 0 : 1;
    return (int)status;
}
