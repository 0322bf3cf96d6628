/* Tenants of one snapshot: none finds anything of another, and none draws another's random numbers. */
#define _GNU_SOURCE
#include "check.h"

#define KIB ((uint64_t)1 << 10)
#define CHUNK (32 * KIB)
#define LEN 32
#define TENANTS 4

/* What a tenant leaves wherever it can. */
typedef struct {
    uint8_t bytes[LEN];
} secret;

static secret new_secret(void) {
    secret made;
    FILE *source = fopen("/dev/urandom", "rb");
    CHECK(source != NULL && fread(made.bytes, 1, LEN, source) == LEN);
    fclose(source);
    return made;
}

static uint64_t address_of(hl_sandbox *sandbox, const char *span, const char *end) {
    char name[32];
    snprintf(name, sizeof name, "%s%s", span, end);
    const hl_value value = hl_string(name);
    return call(sandbox, "AddressOf", &value, 1).as.u64;
}

static void plant(hl_sandbox *sandbox, const secret *its) {
    static const char *const spans[] = {"heap", "stack"};
    const hl_value one = hl_i32(1), bytes = hl_blob(its->bytes, LEN);

    call(sandbox, "AddToStatic", &one, 1);
    call(sandbox, "EchoBytes", &bytes, 1);
    for (size_t i = 0; i < 2; i++) {
        const uint64_t middle = (address_of(sandbox, spans[i], "") + address_of(sandbox, spans[i], "_end")) / 2;
        const hl_value args[] = {hl_u64(middle), bytes};
        call(sandbox, "WriteMemory", args, 2);
    }
}

/* Whether it is anywhere where the guest can write. */
static int is_in(hl_sandbox *sandbox, const secret *its) {
    static const char *const spans[] = {"heap", "stack", "input", "output", "log_ring"};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        const uint64_t end = address_of(sandbox, spans[i], "_end");
        /* So that none lies across an edge. */
        for (uint64_t at = address_of(sandbox, spans[i], ""); at < end; at += CHUNK - LEN) {
            const uint64_t len = end - at < CHUNK ? end - at : CHUNK;
            const hl_value args[] = {hl_u64(at), hl_u32((uint32_t)len)};
            const hl_value found = call(sandbox, "ReadMemory", args, 2);
            CHECK(found.kind == HL_BYTES && found.as.bytes.len == len);
            if (memmem(found.as.bytes.data, found.as.bytes.len, its->bytes, LEN) != NULL) {
                return 1;
            }
        }
    }
    return 0;
}

static hl_snapshot *snapshot_of(hl_sandbox *sandbox) {
    hl_snapshot *snapshot;
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    return snapshot;
}

/* A small sandbox, and a snapshot of it as it is at first. */
static hl_sandbox *fresh(hl_snapshot **snapshot) {
    hl_sandbox_options options = HL_SANDBOX_OPTIONS_INIT;
    hl_guest *guest;
    hl_sandbox *sandbox;

    options.heap_size = 512 * KIB;
    options.stack_size = 64 * KIB;
    options.input_size = options.output_size = 64 * KIB;
    OK(hl_guest_builtin("demo", &guest, &err));
    OK(hl_sandbox_new(guest, &options, &sandbox, &err));
    hl_guest_free(guest);
    OK(hl_sandbox_evolve(sandbox, &err));
    *snapshot = snapshot_of(sandbox);
    return sandbox;
}

static hl_sandbox *clone_of(const hl_snapshot *snapshot) {
    hl_sandbox *clone;
    OK(hl_sandbox_from_snapshot(snapshot, NULL, &clone, &err));
    OK(hl_sandbox_evolve(clone, &err));
    return clone;
}

/* Whether the tenant's last call ended well or not. */
static void after_a_restore_nothing_is_left(int panics) {
    const hl_value text = hl_string("over");
    const secret its = new_secret();
    hl_snapshot *snapshot;
    hl_sandbox *sandbox = fresh(&snapshot);
    hl_value result;

    plant(sandbox, &its);
    /* Or the rest would show nothing. */
    CHECK(is_in(sandbox, &its));
    if (panics) {
        FAILS(HL_ERR_GUEST_ABORT, hl_sandbox_call(sandbox, "Panic", &text, 1, &result, &err));
    }
    OK(hl_sandbox_restore(sandbox, snapshot, &err));
    CHECK(!is_in(sandbox, &its));
    CHECK(call(sandbox, "GetStatic", NULL, 0).as.i32 == 0);
    hl_sandbox_free(sandbox);
    hl_snapshot_free(snapshot);
}

static void clones_do_not_see_each_other(void) {
    secret secrets[TENANTS];
    hl_snapshot *snapshot;
    hl_sandbox *clones[TENANTS];

    hl_sandbox_free(fresh(&snapshot));
    for (int i = 0; i < TENANTS; i++) {
        secrets[i] = new_secret();
        clones[i] = clone_of(snapshot);
        plant(clones[i], &secrets[i]);
    }
    for (int i = 0; i < TENANTS; i++) {
        for (int other = 0; other < TENANTS; other++) {
            CHECK(is_in(clones[i], &secrets[other]) == (i == other));
        }
        CHECK(call(clones[i], "GetStatic", NULL, 0).as.i32 == 1);
        hl_sandbox_free(clones[i]);
    }
    /* Nor does the snapshot. */
    hl_sandbox *another = clone_of(snapshot);
    for (int i = 0; i < TENANTS; i++) {
        CHECK(!is_in(another, &secrets[i]));
    }
    hl_sandbox_free(another);
    hl_snapshot_free(snapshot);
}

/* Random numbers that were drawn; none may come again. */
static uint8_t drawn[64][LEN];
static size_t n_drawn;

static void draw(hl_sandbox *sandbox) {
    const hl_value len = hl_u32(LEN);
    const hl_value numbers = call(sandbox, "RandomBytes", &len, 1);
    CHECK(numbers.kind == HL_BYTES && numbers.as.bytes.len == LEN && n_drawn < sizeof drawn / sizeof *drawn);
    for (size_t i = 0; i < n_drawn; i++) {
        CHECK(memcmp(drawn[i], numbers.as.bytes.data, LEN) != 0);
    }
    memcpy(drawn[n_drawn++], numbers.as.bytes.data, LEN);
}

/* After each restore, and in each clone; also where the guest's generator has been used. */
static void random_numbers_differ(void) {
    hl_snapshot *snapshots[2];
    hl_sandbox *sandbox = fresh(&snapshots[0]);
    draw(sandbox);
    snapshots[1] = snapshot_of(sandbox);
    for (int which = 0; which < 2; which++) {
        for (int i = 0; i < 8; i++) {
            OK(hl_sandbox_restore(sandbox, snapshots[which], &err));
            draw(sandbox);
            draw(sandbox);
            hl_sandbox *clone = clone_of(snapshots[which]);
            draw(clone);
            hl_sandbox_free(clone);
        }
    }
    CHECK(n_drawn == 1 + 2 * 8 * 3);
    hl_sandbox_free(sandbox);
    hl_snapshot_free(snapshots[0]);
    hl_snapshot_free(snapshots[1]);
}

int main(void) {
    after_a_restore_nothing_is_left(0);
    after_a_restore_nothing_is_left(1);
    clones_do_not_see_each_other();
    random_numbers_differ();
    return 0;
}
