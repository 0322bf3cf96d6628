/* The cases of tests/options, which every language replays. The argument is the file. */
#define _GNU_SOURCE
#include "check.h"

#include <stddef.h>
#include <unistd.h>

/* A member of a structure of options, by the name in the table. */
typedef struct {
    const char *of, *name;
    size_t offset;
} member;

static const member members[] = {
    {"sandbox", "heap_size", offsetof(hl_sandbox_options, heap_size)},
    {"sandbox", "stack_size", offsetof(hl_sandbox_options, stack_size)},
    {"sandbox", "input_size", offsetof(hl_sandbox_options, input_size)},
    {"sandbox", "output_size", offsetof(hl_sandbox_options, output_size)},
    {"sandbox", "timeout", offsetof(hl_sandbox_options, timeout_ns)},
    {"sandbox", "cpu_time", offsetof(hl_sandbox_options, cpu_time_ns)},
    {"sandbox", "max_host_calls", offsetof(hl_sandbox_options, max_host_calls)},
    {"call", "timeout", offsetof(hl_call_options, timeout_ns)},
    {"call", "cpu_time", offsetof(hl_call_options, cpu_time_ns)},
    {"pool", "max", offsetof(hl_pool_options, max)},
    {"pool", "min_idle", offsetof(hl_pool_options, min_idle)},
    {"pool", "acquire_timeout", offsetof(hl_pool_options, acquire_timeout_ns)},
    {"pool", "max_log_bytes", offsetof(hl_pool_options, max_log_bytes)},
    {"pool", "max_print_bytes", offsetof(hl_pool_options, max_print_bytes)},
    {"load", "max_size", offsetof(hl_load_options, max_size)},
    {"load", "max_heap_size", offsetof(hl_load_options, max_heap_size)},
};

static const struct {
    const char *name;
    hl_status status;
} answers[] = {{"ok", HL_OK},
               {"InvalidArgument", HL_ERR_INVALID_ARGUMENT},
               {"SnapshotFile", HL_ERR_SNAPSHOT_FILE},
               {"Timeout", HL_ERR_TIMEOUT}};

static hl_guest *guest;
static hl_snapshot *taken;
static char path[64];

static void put(void *options, const char *of, const char *name, uint64_t value) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(members[i].of, of) == 0 && strcmp(members[i].name, name) == 0) {
            memcpy((char *)options + members[i].offset, &value, sizeof value);
            return;
        }
    }
    fprintf(stderr, "this test does not know the option %s of a %s\n", name, of);
    exit(1);
}

static hl_status use(const char *of, const char *name, uint64_t value) {
    hl_status status;
    if (strcmp(of, "sandbox") == 0) {
        hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
        hl_sandbox *sandbox;
        put(&options, of, name, value);
        status = hl_sandbox_new(guest, &options, &sandbox, &err);
        hl_sandbox_free(sandbox);
    } else if (strcmp(of, "call") == 0) {
        hl_call_options options = HL_CALL_OPTIONS_INIT;
        hl_sandbox *sandbox = ready_sandbox();
        hl_value result;
        put(&options, of, name, value);
        status = hl_sandbox_call_with(sandbox, &options, "Spin", NULL, 0, &result, &err);
        hl_sandbox_free(sandbox);
    } else if (strcmp(of, "pool") == 0) {
        hl_pool_options options = HL_POOL_OPTIONS_INIT;
        hl_pool *pool;
        put(&options, of, name, value);
        status = hl_pool_new(taken, &options, &pool, &err);
        hl_pool_free(pool);
    } else {
        hl_load_options options = HL_LOAD_OPTIONS_INIT;
        hl_snapshot *loaded;
        put(&options, of, name, value);
        status = hl_snapshot_load_with(path, &options, &loaded, &err);
        hl_snapshot_free(loaded);
    }
    return status;
}

/* One line: of, option, value, what C says, and what others say. */
static int replay(char *line) {
    char *parts[4];
    for (size_t i = 0; i < 4; i++) {
        parts[i] = line;
        line = strchr(line, '\t');
        CHECK(line != NULL);
        *line++ = '\0';
    }
    const char *text = "";
    char *colon = strchr(parts[3], ':');
    if (colon != NULL) {
        *colon = '\0';
        text = colon + 1;
    }
    if (strcmp(parts[3], "-") == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strcmp(answers[i].name, parts[3]) == 0) {
            const hl_status status = use(parts[0], parts[1], strtoull(parts[2], NULL, 10));
            printf("%s %s %s\n", parts[0], parts[1], parts[2]);
            fflush(stdout);
            if (status == HL_OK) {
                check_status(answers[i].status, status, __FILE__, __LINE__, parts[1]);
            } else {
                check_message(text, check_kept(answers[i].status, status, __FILE__, __LINE__, parts[1]), __FILE__, __LINE__);
            }
            return 1;
        }
    }
    fprintf(stderr, "this test does not know the answer %s\n", parts[3]);
    exit(1);
}

int main(int argc, char **argv) {
    static char line[1024];
    int replayed = 0;
    CHECK(argc == 2);
    FILE *cases = fopen(argv[1], "r");
    CHECK(cases != NULL);

    hl_sandbox *sandbox = ready_sandbox();
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_snapshot(sandbox, &taken, &err));
    snprintf(path, sizeof path, "/tmp/libhyperlight-options-%d.hls", (int)getpid());
    OK(hl_snapshot_save(taken, path, &err));
    hl_sandbox_free(sandbox);

    while (fgets(line, sizeof line, cases) != NULL) {
        CHECK(strchr(line, '\n') != NULL);
        if (line[0] != '#') {
            replayed += replay(line);
        }
    }
    CHECK(replayed > 10);
    fclose(cases);
    CHECK(remove(path) == 0);
    hl_snapshot_free(taken);
    hl_guest_free(guest);
    return 0;
}
