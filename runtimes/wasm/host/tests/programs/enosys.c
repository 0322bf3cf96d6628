/* The exit code is the line of the first thing that was wrong. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition) \
    if (!(condition)) \
    return printf("line %d: errno %d\n", __LINE__, errno), __LINE__

int main(void) {
    errno = 0;
    CHECK(mkdir("d", 0700) == -1 && errno == ENOSYS);
    CHECK(shutdown(3, SHUT_RD) == -1 && errno == ENOSYS);
    CHECK(symlink("a", "b") == -1 && errno == ENOSYS);
    printf("all is well\n");
    return 0;
}
