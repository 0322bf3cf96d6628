/* Characters whose bytes come in two writes, and bytes that are none. */
#include <string.h>
#include <unistd.h>

static void put(int fd, const char *text) {
    write(fd, text, strlen(text));
}

int main(void) {
    for (int fd = 1; fd <= 2; fd++) {
        put(fd, "a\xc3");
        put(fd, "\xa4 ");
        put(fd, "\xf0");
        put(fd, "\x9f\xa6");
        put(fd, "\x80 ");
        put(fd, "\xe2\x82");
        put(fd, "B \xff ");
        put(fd, "\xe2");
        put(fd, "\xc3");
        put(fd, "\xb6 \xe2\x82");
    }
    return 0;
}
