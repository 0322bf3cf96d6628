/* Lists three directories. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    const char *names[] = {"/", "deep", "deep-er"};
    for (int i = 0; i < 3; i++) {
        DIR *directory = opendir(names[i]);
        if (!directory)
            return 1;
        for (struct dirent *entry; (entry = readdir(directory));) {
            char path[300];
            struct stat stat_of;
            snprintf(path, sizeof path, "%s/%s", names[i], entry->d_name);
            if (entry->d_name[0] == '.')
                continue;
            if (stat(path, &stat_of) != 0 || stat_of.st_ino != entry->d_ino)
                return 2;
            printf("%s|", entry->d_name);
        }
        puts("");
        closedir(directory);
    }
    return 0;
}
