/* A file that both sides compile may include both headers, in either order (HOST_FIRST), and values are the same in both. */
#ifdef HOST_FIRST
#include <hyperlight.h>
#include <hyperlight_guest.h>
#else
#include <hyperlight_guest.h>
#include <hyperlight.h>
#endif

hl_status host_side(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result);
int32_t guest_side(const hl_value *args, size_t n_args, hl_value *result);

static hl_value twice(const hl_value *value) {
    return value->kind == HL_I32 ? hl_i32(value->as.i32 * 2) : hl_void();
}

hl_status host_side(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data;
    if (n_args != 1) {
        return hl_call_fail(call, hl_view("one argument"));
    }
    *result = twice(&args[0]);
    return HL_OK;
}

int32_t guest_side(const hl_value *args, size_t n_args, hl_value *result) {
    if (n_args != 1) {
        return hl_guest_fail(HL_ERR_INVALID_ARGUMENT, "one argument");
    }
    *result = twice(&args[0]);
    return HL_LOG_ERROR + HL_LOG_TRACE - 6;
}
