/* Waits in every way that the C library has. The exit code is the line of the first thing that was wrong. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) \
    if (!(condition)) \
    return printf("line %d: errno %d\n", __LINE__, errno), __LINE__

static int64_t now(clockid_t clock) {
    struct timespec time;
    return clock_gettime(clock, &time) ? -1 : time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int main(void) {
    const int64_t ms = 1000000;
    struct timespec wanted = {0, 3 * ms};
    int64_t before = now(CLOCK_MONOTONIC);
    CHECK(nanosleep(&wanted, NULL) == 0);
    CHECK(now(CLOCK_MONOTONIC) >= before + 3 * ms);

    before = now(CLOCK_MONOTONIC);
    CHECK(usleep(2000) == 0 && now(CLOCK_MONOTONIC) >= before + 2 * ms);
    CHECK(sleep(0) == 0 && sched_yield() == 0);

    clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
    for (int i = 0; i < 2; i++) {
        before = now(CLOCK_MONOTONIC);
        int64_t until = now(clocks[i]) + 2 * ms;
        wanted = (struct timespec){until / 1000000000, until % 1000000000};
        CHECK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &wanted, NULL) == 0);
        CHECK(now(CLOCK_MONOTONIC) >= before + 3 * ms / 2);
        CHECK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &wanted, NULL) == 0);
    }
    struct timespec resolution;
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);

    /* Nobody is at the other end of the streams: they are ready at once. */
    struct pollfd streams[] = {{0, POLLIN, 0}, {1, POLLOUT, 0}, {2, POLLOUT, 0}};
    CHECK(poll(streams, 3, 60000) == 3);
    CHECK((streams[0].revents & POLLIN) && (streams[1].revents & POLLOUT) && (streams[2].revents & POLLOUT));
    int fd = open("file", O_RDONLY);
    struct pollfd more[] = {{fd, POLLIN, 0}, {99, POLLIN, 0}};
    CHECK(fd >= 0 && poll(more, 2, -1) == 2 && (more[0].revents & POLLIN) && (more[1].revents & POLLNVAL));
    before = now(CLOCK_MONOTONIC);
    CHECK(poll(more, 0, 3) == 0 && now(CLOCK_MONOTONIC) >= before + 3 * ms);

    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    struct timeval minute = {60, 0};
    CHECK(select(1, &set, NULL, NULL, &minute) == 1 && FD_ISSET(0, &set));
    printf("all is well\n");
    return 0;
}
