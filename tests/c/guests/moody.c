/* A guest whose start goes as the host says: `Prepare() -> u32` tells it what to do. */
#include "hyperlight_guest.h"

HL_HOST_FUNCTION("Prepare", HL_U32);

static int32_t prepare(void) {
    hl_value what;
    if (hl_host_call("Prepare", NULL, 0, &what) != HL_OK) {
        return 1;
    }
    switch (what.as.u32) {
    case 0:
        return 0;
    case 1:
        return 42;
    case 2:
        hl_guest_abort(7, "in a bad mood");
    case 3:
        *(volatile int *)8 = 1;
        return 0;
    default:
        for (;;) {
            __asm__ volatile("pause");
        }
    }
}
HL_GUEST_MAIN(prepare);

static int32_t no_op(const hl_value *args, size_t n_args, hl_value *result) {
    (void)args, (void)n_args, (void)result;
    return 0;
}
HL_GUEST_FUNCTION("NoOp", no_op, HL_VOID);
