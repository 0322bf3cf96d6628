/* Sandboxes made, used and freed in a row, in good and bad ways: neither file descriptors nor mappings pile up. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <dirent.h>
#include <time.h>

static size_t count_entries(const char *path) {
    DIR *directory = opendir(path);
    size_t count = 0;
    CHECK(directory != NULL);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static size_t count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t count = 0;
    int c;
    CHECK(maps != NULL);
    while ((c = getc(maps)) != EOF) {
        count += c == '\n';
    }
    fclose(maps);
    return count;
}

static void wait_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* The number of open files, once virtual machines have been destroyed: that happens soon, not at once. */
static size_t count_files(void) {
    size_t least = SIZE_MAX;
    for (int quiet = 0; quiet < 20; quiet++) {
        const size_t now = count_entries("/proc/self/fd");
        if (now < least) {
            least = now;
            quiet = 0;
        }
        wait_ms(10);
    }
    return least;
}

static hl_status refuse(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)args, (void)n_args, (void)result;
    memset(hl_call_alloc(in_progress, 1000), *(const int *)user_data, 1000);
    return hl_call_fail(in_progress, hl_view("no"));
}

static void round_of(int number) {
    const hl_value refused[] = {hl_string("Refuse"), hl_u32(1)};
    const hl_value panic = hl_string("over");
    int *data = (int *)malloc(sizeof *data);
    hl_sandbox *sandbox = new_sandbox();
    hl_value result;

    CHECK(data != NULL);
    *data = number;
    OK(hl_sandbox_register(sandbox, "Refuse", NULL, 0, HL_VOID, refuse, data, free, &err));
    if (number % 5 == 0) {
        hl_sandbox_free(sandbox);
        return;
    }
    OK(hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_HOST_FUNCTION, hl_sandbox_call(sandbox, "HostCallLoop", refused, 2, &result, &err));
    check_alive(sandbox);
    if (number % 5 == 1) {
        FAILS(HL_ERR_GUEST_ABORT, hl_sandbox_call(sandbox, "Panic", &panic, 1, &result, &err));
    } else if (number % 5 == 2) {
        FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, &err));
    }
    hl_sandbox_free(sandbox);
}

int main(void) {
    for (int i = 0; i < 20; i++) {
        round_of(i);
    }
    const size_t files = count_files();
    const size_t mappings = count_mappings();
    for (int i = 0; i < 200; i++) {
        round_of(i);
    }
    CHECK(count_files() == files);
    /* The allocator may have asked for some. */
    CHECK(count_mappings() <= mappings + 10);
    return 0;
}
