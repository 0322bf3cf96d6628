/*
 * Everything that the library asks of the kernel fails once, in every operation: the Nth call of each kind, for N from
 * 1 until the operation gets by without it. After each failure there is an error; what was used is as documented
 * (unchanged, or poisoned and to be mended by a restore), nothing half-made can be used, and nothing is left behind.
 *
 *     fault_injection GUEST                      each operation and kind of call in a process of its own
 *     fault_injection GUEST all                  everything in this process
 *     fault_injection GUEST OPERATION CALL       one
 */
#define _GNU_SOURCE
#include "check.h"
#include "shim/fail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* More calls of one kind than any operation makes. */
enum { ENOUGH = 2000 };

static const char *guest_path;
static char directory[] = "/tmp/libhyperlight-faults-XXXXXX";
static char file[96];

/* What the operations work on. */
static hl_guest *guest;
static hl_sandbox *sandbox;
static hl_sandbox *other;
static hl_snapshot *snapshot;
static hl_snapshot *made_snapshot;
static hl_interrupt *handle;
static hl_pool *pool;

static void free_all(void) {
    hl_sandbox_free(sandbox);
    hl_sandbox_free(other);
    hl_pool_free(pool);
    hl_snapshot_free(snapshot);
    hl_snapshot_free(made_snapshot);
    hl_interrupt_free(handle);
    hl_guest_free(guest);
    sandbox = other = NULL;
    pool = NULL;
    snapshot = made_snapshot = NULL;
    handle = NULL;
    guest = NULL;
}

static hl_status fire(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    CHECK(hl_interrupt_fire(handle) == 1);
    return HL_OK;
}

static hl_sandbox *with_fire(void) {
    hl_sandbox *fresh = new_sandbox();
    add_function(fresh, "Fire", HL_VOID, fire, NULL);
    return fresh;
}

static void set_static(hl_sandbox *which, int number) {
    const hl_value value = hl_i32(number);
    call(which, "AddToStatic", &value, 1);
}

static void make_sandbox(void) {
    sandbox = with_fire();
    OK(hl_sandbox_evolve(sandbox, &err));
    set_static(sandbox, 7);
}

static void make_snapshot(void) {
    make_sandbox();
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    set_static(sandbox, 1);
}

/* The sandbox is ready and well, or it is poisoned and says so; a restore mends it. */
static void check_ready_or_poisoned(hl_sandbox *which) {
    if (hl_sandbox_state(which) == HL_STATE_READY) {
        check_alive(which);
    } else {
        check_poisoned(which);
    }
    OK(hl_sandbox_restore(which, snapshot, &err));
    CHECK(call(which, "GetStatic", NULL, 0).as.i32 == 7);
    check_alive(which);
}

/* ---- the operations ----------------------------------------------------------------------------------- */

static void nothing(void) {
}

static hl_status load_guest(void) {
    return hl_guest_from_file(guest_path, &guest, &err);
}

static void after_load_guest(hl_status status) {
    CHECK((status == HL_OK) == (guest != NULL));
}

static void prepare_evolve(void) {
    sandbox = with_fire();
}

static hl_status evolve(void) {
    return hl_sandbox_evolve(sandbox, &err);
}

static void after_evolve(hl_status status) {
    hl_value result;
    if (status == HL_OK) {
        check_alive(sandbox);
    } else if (hl_sandbox_state(sandbox) == HL_STATE_UNINITIALIZED) {
        FAILS(HL_ERR_STATE, hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &err));
        OK(hl_sandbox_evolve(sandbox, &err));
        check_alive(sandbox);
    } else {
        check_poisoned(sandbox);
    }
}

static hl_status make_call(void) {
    const hl_value text = hl_string("text");
    hl_value result = hl_i32(1);
    const hl_status status = hl_sandbox_call(sandbox, "Echo", &text, 1, &result, &err);
    CHECK(status == HL_OK ? is_text(result.as.bytes, "text") : result.kind == HL_VOID);
    return status;
}

static hl_status make_call_with_timeout(void) {
    const hl_value text = hl_string("text");
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value result = hl_i32(1);
    options.timeout_ns = options.cpu_time_ns = UINT64_C(60000000000);
    const hl_status status = hl_sandbox_call_with(sandbox, &options, "Echo", &text, 1, &result, &err);
    CHECK(status == HL_OK ? is_text(result.as.bytes, "text") : result.kind == HL_VOID);
    return status;
}

static void after_call(hl_status status) {
    CHECK(status != HL_OK || hl_sandbox_state(sandbox) == HL_STATE_READY);
    check_ready_or_poisoned(sandbox);
}

/* The call is interrupted by its own callback, which is its success. */
static hl_status interrupt(void) {
    const hl_value fires[] = {hl_string("Fire"), hl_u32(2)};
    hl_value result;
    if (handle == NULL) {
        handle = hl_sandbox_interrupt_handle(sandbox);
    }
    const hl_status status = hl_sandbox_call(sandbox, "HostCallLoop", fires, 2, &result, &err);
    if (status == HL_ERR_INTERRUPTED) {
        CHECK(hl_error_code(err) == status);
        hl_error_free(err);
        err = NULL;
        return HL_OK;
    }
    CHECK(status != HL_OK);
    return status;
}

static void after_interrupt(hl_status status) {
    CHECK(status != HL_OK || hl_sandbox_state(sandbox) == HL_STATE_POISONED);
    check_ready_or_poisoned(sandbox);
}

static hl_status take_snapshot(void) {
    return hl_sandbox_snapshot(sandbox, &made_snapshot, &err);
}

static void after_take_snapshot(hl_status status) {
    CHECK((status == HL_OK) == (made_snapshot != NULL));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 8);
    if (status == HL_OK) {
        set_static(sandbox, 1);
        OK(hl_sandbox_restore(sandbox, made_snapshot, &err));
        CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 8);
    }
    check_ready_or_poisoned(sandbox);
}

static hl_status restore(void) {
    return hl_sandbox_restore(sandbox, snapshot, &err);
}

static void after_restore(hl_status status) {
    CHECK(hl_sandbox_state(sandbox) == (status == HL_OK ? HL_STATE_READY : HL_STATE_POISONED));
    if (status == HL_OK) {
        CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 7);
    }
    check_ready_or_poisoned(sandbox);
}

static void prepare_restore_poisoned(void) {
    hl_value result;
    make_snapshot();
    FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, &err));
}

static void prepare_clone(void) {
    make_snapshot();
    hl_sandbox_free(sandbox);
    sandbox = NULL;
}

static hl_status make_clone(void) {
    if (sandbox == NULL) {
        const hl_status status = hl_sandbox_from_snapshot(snapshot, NULL, &sandbox, &err);
        if (status != HL_OK) {
            CHECK(sandbox == NULL);
            return status;
        }
        add_function(sandbox, "Fire", HL_VOID, fire, NULL);
    }
    return hl_sandbox_evolve(sandbox, &err);
}

static void after_make_clone(hl_status status) {
    if (status != HL_OK) {
        CHECK(sandbox == NULL || hl_sandbox_state(sandbox) == HL_STATE_UNINITIALIZED);
        OK(make_clone());
    }
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 7);
    check_ready_or_poisoned(sandbox);
}

/* Of a clone: mapped in the place of what a fresh sandbox has. */
static void prepare_restore_foreign(void) {
    hl_snapshot *of_clone;
    prepare_clone();
    OK(make_clone());
    OK(hl_sandbox_snapshot(sandbox, &of_clone, &err));
    hl_snapshot_free(snapshot);
    snapshot = of_clone;
    hl_sandbox_free(sandbox);
    sandbox = with_fire();
    OK(hl_sandbox_evolve(sandbox, &err));
}

/* The first call after a restore brings fresh entropy. */
static void prepare_first_call(void) {
    make_snapshot();
    OK(hl_sandbox_restore(sandbox, snapshot, &err));
}

static size_t count_entries(const char *path) {
    DIR *entries = opendir(path);
    size_t count = 0;
    CHECK(entries != NULL);
    while (readdir(entries) != NULL) {
        count++;
    }
    closedir(entries);
    return count;
}

static hl_status save(void) {
    return hl_snapshot_save(snapshot, file, &err);
}

/* The old file, or the new one, whole; nothing else is left in the directory. */
static void after_save(hl_status status) {
    (void)status;
    CHECK(count_entries(directory) == 3);
    OK(hl_snapshot_load(file, &made_snapshot, &err));
}

static void prepare_files(void) {
    make_snapshot();
    OK(hl_snapshot_save(snapshot, file, &err));
}

static hl_status load(void) {
    return hl_snapshot_load(file, &made_snapshot, &err);
}

static void after_load(hl_status status) {
    CHECK((status == HL_OK) == (made_snapshot != NULL));
    if (status != HL_OK) {
        OK(load());
    }
    OK(hl_sandbox_restore(sandbox, made_snapshot, &err));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 7);
}

static void prepare_pool(void) {
    hl_pool_options options = HL_POOL_OPTIONS_INIT;
    options.max = 2;
    prepare_clone();
    OK(hl_pool_new(snapshot, &options, &pool, &err));
    OK(hl_pool_register(pool, "Fire", NULL, 0, HL_VOID, fire, NULL, NULL, &err));
}

static hl_status acquire(void) {
    return hl_pool_acquire(pool, &sandbox, &err);
}

static void after_acquire(hl_status status) {
    hl_pool_statistics statistics = HL_POOL_STATISTICS_INIT;
    CHECK((status == HL_OK) == (sandbox != NULL));
    CHECK(hl_pool_stats(pool, &statistics) == HL_OK && statistics.in_use == (status == HL_OK));
    if (status != HL_OK) {
        OK(acquire());
    }
    /* The place of one that could not be made is free again. */
    OK(hl_pool_acquire(pool, &other, &err));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 7 && call(other, "GetStatic", NULL, 0).as.i32 == 7);
}

/* Given back: by this thread when it is well, by the pool's own when it is not. Both places serve again. */
static void prepare_give_back(void) {
    prepare_pool();
    OK(acquire());
    set_static(sandbox, 1);
}

static void prepare_give_back_poisoned(void) {
    hl_value result;
    prepare_give_back();
    FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, &err));
}

static hl_status give_back(void) {
    hl_sandbox_free(sandbox);
    sandbox = NULL;
    return HL_OK;
}

static hl_status give_back_and_wait(void) {
    hl_pool_statistics statistics = HL_POOL_STATISTICS_INIT;
    give_back();
    do { /* the pool's thread is at work, and its calls count, too */
        usleep(500);
        CHECK(hl_pool_stats(pool, &statistics) == HL_OK);
    } while (statistics.idle + statistics.replaced == 0);
    return HL_OK;
}

static void after_give_back(hl_status status) {
    (void)status;
    OK(hl_pool_acquire(pool, &sandbox, &err));
    OK(hl_pool_acquire(pool, &other, &err));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 7 && call(other, "GetStatic", NULL, 0).as.i32 == 7);
}

/* Frees what there is. */
static hl_status drop(void) {
    hl_sandbox_free(sandbox);
    hl_snapshot_free(snapshot);
    sandbox = NULL;
    snapshot = NULL;
    return HL_OK;
}

static void after_drop(hl_status status) {
    (void)status;
    make_sandbox();
}

static hl_status probe(void) {
    return hl_probe(&err);
}

static void after_probe(hl_status status) {
    (void)status;
    OK(hl_probe(&err));
}

static const struct operation {
    const char *name;
    void (*prepare)(void);
    hl_status (*run)(void);
    void (*after)(hl_status status);
    int everywhere;
} operations[] = {
    {"probe", nothing, probe, after_probe, 0},
    {"load_guest", nothing, load_guest, after_load_guest, 0},
    {"evolve", prepare_evolve, evolve, after_evolve, 0},
    {"call", make_snapshot, make_call, after_call, 0},
    {"first_call", prepare_first_call, make_call, after_call, 0},
    {"call_with_timeout", make_snapshot, make_call_with_timeout, after_call, 0},
    {"interrupt", make_snapshot, interrupt, after_interrupt, 0},
    {"snapshot", make_snapshot, take_snapshot, after_take_snapshot, 0},
    {"restore", make_snapshot, restore, after_restore, 0},
    {"restore_poisoned", prepare_restore_poisoned, restore, after_restore, 0},
    {"restore_foreign", prepare_restore_foreign, restore, after_restore, 0},
    {"clone", prepare_clone, make_clone, after_make_clone, 0},
    {"save", prepare_files, save, after_save, 0},
    {"load", prepare_files, load, after_load, 0},
    {"acquire", prepare_pool, acquire, after_acquire, 0},
    {"give_back", prepare_give_back, give_back, after_give_back, 0},
    {"give_back_poisoned", prepare_give_back_poisoned, give_back_and_wait, after_give_back, 1},
    {"drop", make_snapshot, drop, after_drop, 0},
};

enum { OPERATIONS = sizeof operations / sizeof *operations };

/* ---- what may be left behind -------------------------------------------------------------------------- */

static size_t count_lines(const char *path) {
    FILE *lines = fopen(path, "r");
    size_t count = 0;
    int c;
    CHECK(lines != NULL);
    while ((c = getc(lines)) != EOF) {
        count += c == '\n';
    }
    fclose(lines);
    return count;
}

struct holdings {
    size_t files, threads, mappings;
};

static struct holdings holdings(void) {
    return (struct holdings){count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
                             count_lines("/proc/self/maps")};
}

/* Machines are destroyed, and a pool's thread ends, soon. */
static void check_nothing_left(struct holdings before, const char *what) {
    struct holdings now = holdings();
    for (int i = 0; i < 500 && (now.files > before.files || now.threads > before.threads); i++) {
        usleep(10000);
        now = holdings();
    }
    /* The allocator may have asked for some memory more. */
    if (now.files > before.files || now.threads > before.threads || now.mappings > before.mappings + 25) {
        fprintf(stderr, "%s leaves %zu files (%zu before), %zu threads (%zu), %zu mappings (%zu)\n", what, now.files,
                before.files, now.threads, before.threads, now.mappings, before.mappings);
        exit(1);
    }
}

/* ---- how they fail ------------------------------------------------------------------------------------- */

static const int *errors_of(enum fail_call failing) {
    static const int memory[] = {ENOMEM, 0};
    static const int again[] = {EAGAIN, 0};
    static const int input[] = {EIO, 0};
    static const int device[] = {ENOMEM, EMFILE, EINTR, 0};
    static const int transfer[] = {EIO, ENOSPC, EINTR, 0};
    static const int files[] = {EMFILE, ENOMEM, 0};
    switch (failing) {
    case FAIL_IOCTL:
        return device;
    case FAIL_MADVISE:
    case FAIL_MMAP:
        return memory;
    case FAIL_PTHREAD_CREATE:
        return again;
    case FAIL_MEMFD_CREATE:
    case FAIL_OPEN:
        return files;
    case FAIL_FTRUNCATE:
    case FAIL_PREAD:
    case FAIL_PWRITE:
    case FAIL_READ:
    case FAIL_WRITE:
    case FAIL_FSYNC:
        return transfer;
    default:
        return input;
    }
}

/* A failure is one of the host's. The guest, and the snapshot, are blameless; so is the library. */
static int is_allowed(hl_status status) {
    return status == HL_OK || status == HL_ERR_RESOURCE || status == HL_ERR_IO ||
           status == HL_ERR_HYPERVISOR_UNAVAILABLE;
}

static int try_once(const struct operation *operation, enum fail_call failing, int nth, int error) {
    operation->prepare();
    fail_arm(failing, nth, error, operation->everywhere);
    const hl_status status = operation->run();
    const int has_failed = fail_disarm();
    const int must_succeed = !has_failed || error == EINTR;
    if (!is_allowed(status) || (must_succeed && status != HL_OK) || (status != HL_OK) != (err != NULL)) {
        fprintf(stderr, "%s with %s number %d failing (%s): %s: %s\n", operation->name, fail_names[failing], nth,
                strerror(error), hl_status_name(status), check_text());
        exit(1);
    }
    if (status != HL_OK) {
        FAILS(status, hl_error_code(err));
    }
    operation->after(status);
    free_all();
    return has_failed;
}

static int try_all(const struct operation *operation, enum fail_call failing) {
    int failures = 0;
    for (const int *error = errors_of(failing); *error != 0; error++) {
        int nth = 1;
        while (try_once(operation, failing, nth, *error)) {
            CHECK(++nth < ENOUGH);
        }
        failures += nth - 1;
    }
    return failures;
}

/* Once without a failure: what the process keeps for ever is there then. */
static void warm_up(const struct operation *operation) {
    try_once(operation, FAIL_CALLS, ENOUGH, EIO);
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value result;
    options.timeout_ns = UINT64_C(60000000000);
    make_sandbox();
    OK(hl_sandbox_call_with(sandbox, &options, "NoOp", NULL, 0, &result, &err));
    free_all();
}

static void try_in_this_process(const struct operation *operation, enum fail_call failing) {
    /* Cold first: the process has nothing yet. */
    int failures = try_all(operation, failing);
    if (failures == 0) {
        return; /* it makes no such call */
    }
    warm_up(operation);
    const struct holdings before = holdings();
    failures += try_all(operation, failing);
    check_nothing_left(before, operation->name);
    if (failures > 0 && getenv("VERBOSE") != NULL) {
        printf("%s: %d failures of %s\n", operation->name, failures, fail_names[failing]);
    }
}

static void try_in_a_process(const char *self, const struct operation *operation, enum fail_call failing) {
    char *const arguments[] = {(char *)(uintptr_t)self, (char *)(uintptr_t)guest_path,
                               (char *)(uintptr_t)operation->name, (char *)(uintptr_t)fail_names[failing], NULL};
    pid_t child;
    int status;
    CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) {
        fprintf(stderr, "%s with %s failing ended with status %#x\n", operation->name, fail_names[failing],
                (unsigned)status);
        exit(1);
    }
}

/* ---- too few file descriptors -------------------------------------------------------------------------- */

static void with_few_files(void) {
    struct rlimit all, few;
    CHECK(getrlimit(RLIMIT_NOFILE, &all) == 0);
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation *operation = &operations[i];
        if (operation->everywhere) {
            continue; /* waits for a success that may not come */
        }
        warm_up(operation);
        for (rlim_t more = 0; more <= 20; more++) {
            operation->prepare();
            few = all;
            few.rlim_cur = (rlim_t)count_entries("/proc/self/fd") - 3 + more;
            CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
            const hl_status status = operation->run();
            CHECK(setrlimit(RLIMIT_NOFILE, &all) == 0);
            if (!is_allowed(status) || (more == 20 && status != HL_OK)) {
                fprintf(stderr, "%s with %d file descriptors: %s: %s\n", operation->name, (int)more,
                        hl_status_name(status), check_text());
                exit(1);
            }
            hl_error_free(err);
            err = NULL;
            operation->after(status);
            free_all();
        }
    }
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    guest_path = argv[1];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(file, sizeof file, "%s/snapshot", directory);
    const int is_one = argc == 4;
    const int is_all = argc == 3 && strcmp(argv[2], "all") == 0;
    for (size_t i = 0; i < OPERATIONS; i++) {
        for (int failing = 0; failing < FAIL_CALLS; failing++) {
            if (is_one && (strcmp(argv[2], operations[i].name) != 0 || strcmp(argv[3], fail_names[failing]) != 0)) {
                continue;
            }
            if (is_one || is_all) {
                try_in_this_process(&operations[i], (enum fail_call)failing);
            } else {
                try_in_a_process(argv[0], &operations[i], (enum fail_call)failing);
            }
        }
    }
    if (!is_one) {
        with_few_files();
    }
    remove(file);
    CHECK(rmdir(directory) == 0);
    return 0;
}
