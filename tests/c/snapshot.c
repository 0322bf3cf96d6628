/* Snapshots: back to a moment, clones, files, and everything that does not fit together. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static hl_status add(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    (void)in_progress, (void)n_args;
    *result = hl_i32(args[0].as.i32 + args[1].as.i32 + (int)(uintptr_t)user_data);
    return HL_OK;
}

static void register_add(hl_sandbox *sandbox, int more) {
    const uint32_t kinds[] = {HL_I32, HL_I32};
    OK(hl_sandbox_register(sandbox, "HostAdd", kinds, 2, HL_I32, add, (void *)(uintptr_t)more, NULL, &err));
}

static int add_to_static(hl_sandbox *sandbox, int number) {
    const hl_value value = hl_i32(number);
    return call(sandbox, "AddToStatic", &value, 1).as.i32;
}

static hl_snapshot *snapshot_of(hl_sandbox *sandbox) {
    hl_snapshot *snapshot = NULL;
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    CHECK(snapshot != NULL && hl_sandbox_state(sandbox) == HL_STATE_READY);
    return snapshot;
}

static hl_sandbox *clone_of(const hl_snapshot *snapshot) {
    hl_sandbox *clone = NULL;
    OK(hl_sandbox_from_snapshot(snapshot, NULL, &clone, &err));
    CHECK(hl_sandbox_state(clone) == HL_STATE_UNINITIALIZED && hl_sandbox_function_count(clone) == 0);
    return clone;
}

/* There and back, as often as one likes; a poisoned sandbox is mended. */
static void restores(void) {
    const hl_value text = hl_string("over");
    hl_sandbox *sandbox = ready_sandbox();
    hl_value result;

    CHECK(add_to_static(sandbox, 40) == 40);
    hl_snapshot *forty = snapshot_of(sandbox);
    CHECK(add_to_static(sandbox, 2) == 42);
    hl_snapshot *forty_two = snapshot_of(sandbox);
    for (int i = 0; i < 3; i++) {
        OK(hl_sandbox_restore(sandbox, forty, &err));
        CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 40);
        OK(hl_sandbox_restore(sandbox, forty_two, &err));
        CHECK(add_to_static(sandbox, 1) == 43);
        FAILS(HL_ERR_GUEST_ABORT, hl_sandbox_call(sandbox, "Panic", &text, 1, &result, &err));
        check_poisoned(sandbox);
        hl_snapshot *none = forty;
        FAILS(HL_ERR_POISONED, hl_sandbox_snapshot(sandbox, &none, &err));
        CHECK(none == NULL);
    }
    OK(hl_sandbox_restore(sandbox, forty_two, &err));
    check_alive(sandbox);
    /* Snapshots may go first, or last. */
    hl_snapshot_free(forty);
    CHECK(add_to_static(sandbox, 1) == 43);
    hl_sandbox_free(sandbox);
    hl_snapshot_free(forty_two);
}

/* Sandboxes that go on from the same moment, each with host functions of its own. */
static void clones(void) {
    const hl_value numbers[] = {hl_i32(2), hl_i32(3)};
    hl_sandbox *sandbox = new_sandbox();
    hl_sandbox *many[4];
    hl_function_info function;

    register_add(sandbox, 0);
    OK(hl_sandbox_evolve(sandbox, &err));
    const size_t count = hl_sandbox_function_count(sandbox);
    add_to_static(sandbox, 7);
    hl_snapshot *snapshot = snapshot_of(sandbox);
    hl_sandbox_free(sandbox);
    for (int i = 0; i < 4; i++) {
        many[i] = clone_of(snapshot);
        register_add(many[i], 100 * i);
        add_function(many[i], "OneMore", HL_I32, add, NULL); /* more than were needed are fine */
        OK(hl_sandbox_evolve(many[i], &err));
        CHECK(hl_sandbox_function_count(many[i]) == count);
        CHECK(hl_sandbox_function(many[i], 0, &function) == HL_OK && function.name.len > 0);
    }
    hl_snapshot_free(snapshot);
    for (int i = 0; i < 4; i++) {
        CHECK(add_to_static(many[i], i) == 7 + i);
        CHECK(call(many[i], "Add", numbers, 2).as.i32 == 5 + 100 * i);
        FAILS(HL_ERR_STATE, hl_sandbox_evolve(many[i], &err));
        hl_sandbox_free(many[i]);
    }
}

/* What a snapshot needs and does not find is listed, all of it, and mended without a new sandbox. */
static void mismatches(void) {
    const uint32_t string[] = {HL_STRING};
    hl_sandbox *source = new_sandbox();

    register_add(source, 0);
    add_function(source, "Tick", HL_VOID, add, NULL);
    OK(hl_sandbox_evolve(source, &err));
    hl_snapshot *snapshot = snapshot_of(source);

    hl_sandbox *clone = clone_of(snapshot);
    OK(hl_sandbox_register(clone, "HostAdd", string, 1, HL_VOID, add, NULL, NULL, &err));
    OK(hl_sandbox_unregister(clone, "HostPrint", &err));
    CHECK(hl_sandbox_evolve(clone, &err) == HL_ERR_SNAPSHOT_MISMATCH);
    CHECK(strstr(check_text(), "`HostAdd`") != NULL && strstr(check_text(), "(i32, i32) -> i32") != NULL);
    CHECK(strstr(check_text(), "`Tick`") != NULL && strstr(check_text(), "`HostPrint`") != NULL);
    hl_error_free(err);
    err = NULL;
    CHECK(hl_sandbox_state(clone) == HL_STATE_UNINITIALIZED);
    hl_sandbox_free(clone);

    clone = clone_of(snapshot);
    register_add(clone, 0);
    FAILS_WITH(HL_ERR_SNAPSHOT_MISMATCH, "`Tick`", hl_sandbox_evolve(clone, &err));
    add_function(clone, "Tick", HL_VOID, add, NULL);
    OK(hl_sandbox_evolve(clone, &err));
    check_alive(clone);

    /* A restore asks the same, and changes nothing when it refuses. */
    hl_sandbox *other = ready_sandbox();
    add_to_static(other, 5);
    FAILS_WITH(HL_ERR_SNAPSHOT_MISMATCH, "`Tick`", hl_sandbox_restore(other, snapshot, &err));
    CHECK(call(other, "GetStatic", NULL, 0).as.i32 == 5);
    hl_sandbox *fresh = new_sandbox();
    FAILS(HL_ERR_STATE, hl_sandbox_restore(fresh, snapshot, &err));
    hl_snapshot *none;
    FAILS(HL_ERR_STATE, hl_sandbox_snapshot(fresh, &none, &err));
    OK(hl_sandbox_evolve(fresh, &err));
    check_alive(fresh);

    /* Other sizes, and another guest. */
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    options.heap_size = 1 << 20;
    hl_sandbox *small;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "heap_size", hl_sandbox_from_snapshot(snapshot, &options, &small, &err));
    CHECK(small == NULL);
    hl_guest *demo, *other_guest;
    OK(hl_guest_builtin("demo", &demo, &err));
    OK(hl_sandbox_new(demo, &options, &small, &err));
    register_add(small, 0);
    add_function(small, "Tick", HL_VOID, add, NULL);
    OK(hl_sandbox_evolve(small, &err));
    FAILS(HL_ERR_SNAPSHOT_MISMATCH, hl_sandbox_restore(small, snapshot, &err));
    check_alive(small);
    OK(hl_guest_with_payload(demo, hl_view("data"), HL_READ, &other_guest, &err));
    hl_sandbox *different;
    OK(hl_sandbox_new(other_guest, NULL, &different, &err));
    OK(hl_sandbox_evolve(different, &err));
    FAILS(HL_ERR_SNAPSHOT_MISMATCH, hl_sandbox_restore(different, snapshot, &err));
    check_alive(different);

    hl_guest_free(demo);
    hl_guest_free(other_guest);
    hl_sandbox_free(different);
    hl_sandbox_free(small);
    hl_sandbox_free(fresh);
    hl_sandbox_free(other);
    hl_sandbox_free(clone);
    hl_sandbox_free(source);
    hl_snapshot_free(snapshot);
}

/* The bytes of a file; ends the program unless it can be read. */
static size_t read_file(uint8_t **bytes) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    const size_t len = (size_t)ftell(file);
    rewind(file);
    *bytes = (uint8_t *)malloc(len);
    CHECK(*bytes != NULL && fread(*bytes, 1, len, file) == len);
    fclose(file);
    return len;
}

static void write_file(const uint8_t *bytes, size_t len) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void files(void) {
    hl_sandbox *sandbox = ready_sandbox();
    struct stat status;
    uint8_t *bytes;
    hl_snapshot *loaded;

    add_to_static(sandbox, 21);
    hl_snapshot *snapshot = snapshot_of(sandbox);
    OK(hl_snapshot_save(snapshot, path, &err));
    OK(hl_snapshot_save(snapshot, path, &err)); /* in place of the file that is there */
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    OK(hl_snapshot_load(path, &loaded, &err));
    hl_sandbox *clone = clone_of(loaded);
    OK(hl_sandbox_evolve(clone, &err));
    CHECK(add_to_static(clone, 1) == 22);
    OK(hl_sandbox_restore(clone, loaded, &err));
    CHECK(add_to_static(clone, 2) == 23);
    /* The sandbox that it was taken of has the same guest. */
    add_to_static(sandbox, 1000);
    OK(hl_sandbox_restore(sandbox, loaded, &err));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 21);
    hl_snapshot_free(loaded);
    hl_sandbox_free(clone);

    FAILS(HL_ERR_IO, hl_snapshot_save(snapshot, "/no/such/directory/file", &err));
    FAILS(HL_ERR_IO, hl_snapshot_save(snapshot, "/proc/file", &err));
    FAILS(HL_ERR_IO, hl_snapshot_load("/no/such/file", &loaded, &err));
    CHECK(loaded == NULL);
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load("/dev/null", &loaded, &err));
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load("/proc/self", &loaded, &err));
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load("/proc/self/exe", &loaded, &err));

    /* What the file may bring, by options of every age. */
    struct {
        hl_load_options known;
        uint64_t unknown;
    } options = {HL_LOAD_OPTIONS_INIT, 0};
    OK(hl_snapshot_load_with(path, NULL, &loaded, &err));
    hl_snapshot_free(loaded);
    options.known.size = sizeof options;
    OK(hl_snapshot_load_with(path, &options.known, &loaded, &err));
    hl_snapshot_free(loaded);
    options.known.max_heap_size = 16 << 20;
    OK(hl_snapshot_load_with(path, &options.known, &loaded, &err));
    hl_snapshot_free(loaded);
    options.known.max_heap_size = (16 << 20) - 1;
    FAILS_WITH(HL_ERR_SNAPSHOT_FILE, "max_heap_size", hl_snapshot_load_with(path, &options.known, &loaded, &err));
    options.known.max_heap_size = UINT64_MAX;
    options.known.max_size = 4096;
    FAILS_WITH(HL_ERR_SNAPSHOT_FILE, "max_size", hl_snapshot_load_with(path, &options.known, &loaded, &err));
    options.unknown = 1;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "newer library",
               hl_snapshot_load_with(path, &options.known, &loaded, &err));
    options.known.size = 7;
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "HL_LOAD_OPTIONS_INIT",
               hl_snapshot_load_with(path, &options.known, &loaded, &err));
    CHECK(loaded == NULL);

    /* What is no file is not replaced, and not waited for (case 26). */
    char fifo[sizeof path + 8];
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    CHECK(mkfifo(fifo, 0600) == 0);
    FAILS_WITH(HL_ERR_IO, "a FIFO", hl_snapshot_save(snapshot, fifo, &err));
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load(fifo, &loaded, &err));
    CHECK(lstat(fifo, &status) == 0 && S_ISFIFO(status.st_mode) && remove(fifo) == 0);

    /* One byte more, one less, one changed anywhere. */
    const size_t len = read_file(&bytes);
    for (size_t at = 0; at < len; at += 1 + len / 16) {
        bytes[at] ^= 0x10;
        write_file(bytes, len);
        FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load(path, &loaded, &err));
        bytes[at] ^= 0x10;
    }
    const size_t ends[] = {0, 1, 16, len / 2, len - 1};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        write_file(bytes, ends[i]);
        FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load(path, &loaded, &err));
    }
    write_file(bytes, len);
    FILE *file = fopen(path, "ab");
    CHECK(file != NULL && fputc(0, file) == 0 && fclose(file) == 0);
    FAILS(HL_ERR_SNAPSHOT_FILE, hl_snapshot_load(path, &loaded, &err));
    free(bytes);
    hl_snapshot_free(snapshot);
    hl_sandbox_free(sandbox);
    CHECK(remove(path) == 0);
}

/* What is refused while a call runs. */
static hl_status try_inside(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                            hl_value *result) {
    hl_sandbox *sandbox = *(hl_sandbox **)user_data;
    hl_snapshot *none;
    (void)in_progress, (void)args, (void)n_args, (void)result;
    FAILS(HL_ERR_BUSY, hl_sandbox_snapshot(sandbox, &none, &err));
    CHECK(none == NULL);
    return HL_OK;
}

static hl_snapshot *before;

static hl_status restore_inside(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                                hl_value *result) {
    (void)in_progress, (void)args, (void)n_args, (void)result;
    FAILS(HL_ERR_BUSY, hl_sandbox_restore(*(hl_sandbox **)user_data, before, &err));
    return HL_OK;
}

static void inside_a_call(void) {
    const hl_value tries[] = {hl_string("Try"), hl_u32(1)};
    const hl_value restoring[] = {hl_string("Restore"), hl_u32(1)};
    hl_sandbox *sandbox = new_sandbox();
    add_function(sandbox, "Try", HL_VOID, try_inside, &sandbox);
    add_function(sandbox, "Restore", HL_VOID, restore_inside, &sandbox);
    OK(hl_sandbox_evolve(sandbox, &err));
    before = snapshot_of(sandbox);
    call(sandbox, "HostCallLoop", tries, 2);
    call(sandbox, "HostCallLoop", restoring, 2);
    check_alive(sandbox);
    hl_snapshot_free(before);
    hl_sandbox_free(sandbox);
}

int main(void) {
    snprintf(path, sizeof path, "/tmp/libhyperlight-snapshot-%d.hls", (int)getpid());
    restores();
    clones();
    mismatches();
    files();
    inside_a_call();
    return 0;
}
