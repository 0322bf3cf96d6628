/* The exit code is the line of the first thing that was wrong. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) \
    if (!(condition)) \
    return printf("line %d\n", __LINE__), __LINE__

int main(void) {
    struct timespec first, second;
    CHECK(clock_gettime(CLOCK_REALTIME, &first) == 0 && first.tv_sec > 1600000000);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &first) == 0 && clock_gettime(CLOCK_MONOTONIC, &second) == 0);
    CHECK(second.tv_sec > first.tv_sec || (second.tv_sec == first.tv_sec && second.tv_nsec >= first.tv_nsec));
    unsigned char one[32], two[32];
    CHECK(getentropy(one, sizeof one) == 0 && getentropy(two, sizeof two) == 0 && memcmp(one, two, sizeof one));
    printf("all is well\n");
    return 0;
}
