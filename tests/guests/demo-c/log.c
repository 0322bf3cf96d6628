/* Log records. */
#include "demo.h"

/* Logs a message at a level from 1 (error) to 5 (trace); 0 is off. */
static int32_t log_at(int32_t level, const char *target, const char *message) {
    if (level < 0 || level > HL_LOG_TRACE) {
        return hl_guest_failf(WRONG_INPUT, "%d is no level: 0 to 5 are", level);
    }
    hl_guest_log_at((uint32_t)level, target, __FILE__, __LINE__, "%s", message);
    return 0;
}

DEMO(log_message) {
    return log_at(args[1].as.i32, HL_LOG_TARGET, hl_text(&args[0]));
}
HL_GUEST_FUNCTION("LogMessage", log_message, HL_VOID, HL_STRING, HL_I32);

/* The same, as if `source` had said it; returns the message's length. */
DEMO(log_message_with_source) {
    *result = hl_i32((int32_t)args[0].as.bytes.len);
    return log_at(args[2].as.i32, hl_text(&args[1]), hl_text(&args[0]));
}
HL_GUEST_FUNCTION("LogMessageWithSource", log_message_with_source, HL_I32, HL_STRING, HL_STRING, HL_I32);

/* Logs `text` with the number of the record, so often. */
DEMO(log_numbered) {
    for (uint32_t i = 0; i < args[1].as.u32; i++) {
        hl_guest_log(HL_LOG_INFO, "%s %u", hl_text(&args[0]), i);
    }
    return 0;
}
HL_GUEST_FUNCTION("LogNumbered", log_numbered, HL_VOID, HL_STRING, HL_U32);
