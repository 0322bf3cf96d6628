/* A guest of somebody else's. */
#include <hyperlight_guest.h>

static int32_t echo(const hl_value *args, size_t n_args, hl_value *result) {
    (void)n_args;
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("Echo", echo, HL_STRING, HL_STRING);
