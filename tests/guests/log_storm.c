/*
 * Fills the log ring and rings the host, again and again. What it rings for is answered at once, costs the host little,
 * and is no call of a host function.
 */
#include <hyperlight_guest.h>

static char text[4000];

static int32_t storm(const hl_value *args, size_t n_args, hl_value *result) {
    hl_value name = hl_string("nothing");
    (void)args, (void)n_args, (void)result;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] = 'x';
    }
    for (;;) {
        for (int i = 0; i < 40; i++) {
            hl_guest_log(HL_LOG_WARN, "%s", text);
        }
        hl_host_call("hyperlight:signature", &name, 1, NULL);
    }
}
HL_GUEST_FUNCTION("Storm", storm, HL_VOID);
