/* Three streams, none of them a terminal. The exit code is the line of the first thing that was wrong. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition) \
    if (!(condition)) \
    return printf("line %d: errno %d\n", __LINE__, errno), __LINE__

int main(void) {
    struct stat stat_of;
    for (int fd = 0; fd < 3; fd++) {
        CHECK(!isatty(fd) && errno == ENOTTY);
        CHECK(fstat(fd, &stat_of) == 0 && !S_ISCHR(stat_of.st_mode));
        CHECK(lseek(fd, 0, SEEK_CUR) == -1 && errno == ESPIPE);
    }
    CHECK(getchar() == EOF && feof(stdin));
    for (int i = 0; i < 1000; i++)
        printf("%d\n", i);
    printf("no end");
    return 0;
}
