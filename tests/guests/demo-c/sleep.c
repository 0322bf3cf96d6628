/* Sleeping: the host wakes the guest. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

/* Sleeps, and returns for how long it was by the guest's own clock. */
DEMO(sleep_for) {
    uint64_t begun = hl_guest_monotonic_ns();
    hl_guest_sleep_ns(args[0].as.u64);
    *result = hl_u64(hl_guest_monotonic_ns() - begun);
    return 0;
}
HL_GUEST_FUNCTION("SleepFor", sleep_for, HL_U64, HL_U64);

/* Calls the named host function, then sleeps. */
DEMO(call_host_then_sleep) {
    int32_t status = call_host(hl_text(&args[0]), NULL, 0, NULL);
    if (status == 0) {
        hl_guest_sleep_ns(args[1].as.u64);
    }
    return status;
}
HL_GUEST_FUNCTION("CallHostThenSleep", call_host_then_sleep, HL_VOID, HL_STRING, HL_U64);

/* Sleeps until that time, and returns what time it is then. */
DEMO(sleep_until) {
    uint64_t now = hl_guest_monotonic_ns(), deadline = args[0].as.u64;
    hl_guest_sleep_ns(deadline > now ? deadline - now : 0);
    *result = hl_u64(hl_guest_monotonic_ns());
    return 0;
}
HL_GUEST_FUNCTION("SleepUntil", sleep_until, HL_U64, HL_U64);

/* Sleeps again and again. */
DEMO(sleep_loop) {
    for (uint32_t i = 0; i < args[1].as.u32; i++) {
        hl_guest_sleep_ns(args[0].as.u64);
    }
    return 0;
}
HL_GUEST_FUNCTION("SleepLoop", sleep_loop, HL_VOID, HL_U64, HL_U32);

static struct timespec timespec_of(uint64_t ns) {
    struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return time;
}

/* A clock's time and so many nanoseconds. */
static struct timespec from_now(clockid_t clock, uint64_t ns) {
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return timespec_of((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ns);
}

/* Sleeps by each of the functions that C programs know, and returns for how long together. */
DEMO(sleep_every_way) {
    uint64_t ns = args[0].as.u64, begun = hl_guest_monotonic_ns();
    struct timespec time = timespec_of(ns), rest = {7, 7};
    int failed = nanosleep(&time, &rest) | usleep((useconds_t)(ns / 1000));
    failed |= clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) | clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL);
    time = from_now(CLOCK_MONOTONIC, ns);
    failed |= clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    time = from_now(CLOCK_REALTIME, ns);
    failed |= clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL);
    failed |= (int)sleep(0);
    *result = hl_u64(hl_guest_monotonic_ns() - begun);
    return failed ? hl_guest_fail(UNEXPECTED, "a sleep has failed") : 0;
}
HL_GUEST_FUNCTION("SleepEveryWay", sleep_every_way, HL_U64, HL_U64);

/* Whether times that are none are refused, and times that have passed end at once. */
DEMO(sleep_never) {
    struct timespec negative = {-1, 0}, large = {0, 1000000000}, small = {0, -1}, past = {1, 0};
    bool refused = nanosleep(&negative, NULL) == -1 && errno == EINVAL;
    errno = 0;
    refused = refused && nanosleep(&large, NULL) == -1 && errno == EINVAL && nanosleep(&small, NULL) == -1;
    refused = refused && clock_nanosleep(99, 0, &past, NULL) == EINVAL;
    refused = refused && clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL) == EINVAL;
    bool done = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL) == 0 &&
                clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &negative, NULL) == 0;
    *result = hl_bool(refused && done);
    return 0;
}
HL_GUEST_FUNCTION("SleepNever", sleep_never, HL_BOOL);
