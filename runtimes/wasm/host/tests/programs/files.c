/* Reads what is there, and tries in vain to change it. The exit code is the line of the first thing that was wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition) \
    if (!(condition)) \
    return printf("line %d: errno %d\n", __LINE__, errno), __LINE__

int main(void) {
    char text[64] = {0};
    FILE *file = fopen("/greeting.txt", "r");
    CHECK(file && fgets(text, sizeof text, file) && strcmp(text, "hello file\n") == 0);
    CHECK(fseek(file, -5, SEEK_END) == 0 && fgets(text, sizeof text, file) && strcmp(text, "line\n") == 0);
    CHECK(ftell(file) == 23 && fgetc(file) == EOF && feof(file));
    CHECK(fclose(file) == 0);

    int fd = open("data/../data/./numbers.bin", O_RDONLY);
    unsigned char bytes[8];
    CHECK(fd >= 0 && read(fd, bytes, 8) == 4 && bytes[3] == 255 && read(fd, bytes, 8) == 0);
    CHECK(pread(fd, bytes, 2, 1) == 2 && bytes[0] == 1 && bytes[1] == 2);
    struct stat stat_of;
    CHECK(fstat(fd, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && stat_of.st_size == 4);
    CHECK(write(fd, "x", 1) == -1);
    CHECK(close(fd) == 0 && close(fd) == -1 && errno == EBADF);
    CHECK(stat("data", &stat_of) == 0 && S_ISDIR(stat_of.st_mode));
    CHECK(stat("data/none", &stat_of) == -1 && errno == ENOENT);
    CHECK(open("greeting.txt/x", O_RDONLY) == -1);

    int found = 0;
    DIR *directory = opendir("data");
    CHECK(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        found += strcmp(entry->d_name, "numbers.bin") == 0 || strcmp(entry->d_name, "deep") == 0;
    CHECK(found == 2 && closedir(directory) == 0);

    CHECK(open("new", O_CREAT | O_WRONLY, 0600) == -1 && errno == EROFS);
    CHECK(open("greeting.txt", O_RDWR) == -1 && errno == EROFS);
    CHECK(open("greeting.txt", O_WRONLY | O_TRUNC) == -1 && errno == EROFS);
    CHECK(open("../etc/passwd", O_RDONLY) == -1);
    CHECK(unlink("greeting.txt") == -1 && mkdir("d", 0700) == -1 && rename("greeting.txt", "x") == -1);
    printf("all is well\n");
    return 0;
}
