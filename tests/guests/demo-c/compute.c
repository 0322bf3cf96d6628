/* Time, random numbers, and work that takes as long as asked for. */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "demo.h"

/* Rounds without a tick after which a clock counts as standing still. */
enum { PATIENCE = 100000000 };

DEMO(spin) {
    while (opaque(result) != NULL) {
    }
    return UNEXPECTED;
}
HL_GUEST_FUNCTION("Spin", spin, HL_VOID);

/* Runs for that long, and returns how many rounds it made. */
DEMO(spin_for_ms) {
    uint64_t start = hl_guest_monotonic_ns(), rounds = 0;
    for (uint64_t now = start; now - start < (uint64_t)args[0].as.u32 * 1000000;
         now = hl_guest_monotonic_ns()) {
        if (++rounds == PATIENCE && now == start) {
            return hl_guest_fail(UNEXPECTED, "the host does not know the rate of the time-stamp counter");
        }
    }
    *result = hl_u64(rounds);
    return 0;
}
HL_GUEST_FUNCTION("SpinForMs", spin_for_ms, HL_U64, HL_U32);

__attribute__((noinline)) static uint64_t fibonacci(uint32_t n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

DEMO(call_fibonacci) {
    *result = hl_u64(fibonacci(args[0].as.u32));
    return 0;
}
HL_GUEST_FUNCTION("Fibonacci", call_fibonacci, HL_U64, HL_U32);

DEMO(random_bytes) {
    size_t len = args[0].as.u32;
    void *bytes = hl_guest_alloc(len);
    hl_guest_random(bytes, len);
    *result = hl_blob(bytes, len);
    return 0;
}
HL_GUEST_FUNCTION("RandomBytes", random_bytes, HL_BYTES, HL_U32);

DEMO(next_random) {
    *result = hl_i32(rand());
    return 0;
}
HL_GUEST_FUNCTION("NextRandom", next_random, HL_I32);

DEMO(next_random_long) {
    *result = hl_i64(random());
    return 0;
}
HL_GUEST_FUNCTION("NextRandomLong", next_random_long, HL_I64);

/* From here on rand() repeats itself. */
DEMO(seed_random) {
    srand(args[0].as.u32);
    return 0;
}
HL_GUEST_FUNCTION("SeedRandom", seed_random, HL_VOID, HL_U32);

/* The host's monotonic clock, in nanoseconds. */
DEMO(guest_time) {
    *result = hl_u64(hl_guest_monotonic_ns());
    return 0;
}
HL_GUEST_FUNCTION("GuestTime", guest_time, HL_U64);

/* The host's wall clock, in nanoseconds since 1970. */
DEMO(guest_wall_time) {
    struct timespec now;
    if (timespec_get(&now, TIME_UTC) != TIME_UTC) {
        return hl_guest_fail(UNEXPECTED, "there is no time");
    }
    *result = hl_u64((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
    return 0;
}
HL_GUEST_FUNCTION("GuestWallTime", guest_wall_time, HL_U64);

/* A number of nanoseconds since 1970 as a date. */
DEMO(format_timestamp) {
    time_t seconds = (time_t)(args[0].as.u64 / 1000000000);
    struct tm date;
    char *text = (char *)hl_guest_alloc(40);
    if (gmtime_r(&seconds, &date) == NULL) {
        return hl_guest_fail(WRONG_INPUT, "the year is too large");
    }
    *result = hl_string_n(text, strftime(text, 40, "%Y-%m-%d %H:%M:%S", &date));
    return 0;
}
HL_GUEST_FUNCTION("FormatTimestamp", format_timestamp, HL_STRING, HL_U64);

/* A number as printf formats it, by way of sprintf and strtod. */
DEMO(format_number) {
    char *text = (char *)hl_guest_alloc(512);
    snprintf(text, 512, "%.17g %f %e sqrt %.6f", args[0].as.f64, args[0].as.f64, args[0].as.f64,
             sqrt(fabs(args[0].as.f64)));
    if (strtod(text, NULL) < args[0].as.f64 || strtod(text, NULL) > args[0].as.f64) {
        return hl_guest_fail(UNEXPECTED, "the number was read back differently");
    }
    *result = hl_string(text);
    return 0;
}
HL_GUEST_FUNCTION("FormatNumber", format_number, HL_STRING, HL_F64);

static jmp_buf way_out;

__attribute__((noinline)) static void leave(int depth) {
    if (depth > 0) {
        leave(depth - 1);
    }
    if (opaque(way_out) != NULL) {
        longjmp(way_out, 7);
    }
}

/* Leaves so many nested calls at once, and returns what setjmp did. */
DEMO(jump) {
    int value = setjmp(way_out);
    if (value == 0) {
        leave(args[0].as.i32);
    }
    *result = hl_i32(value);
    return 0;
}
HL_GUEST_FUNCTION("Jump", jump, HL_I32, HL_I32);
