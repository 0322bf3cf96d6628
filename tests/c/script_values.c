/* Values of any form to scripts and back, without JSON: each kind, what cannot cross, and hostile structures. */
#define _GNU_SOURCE
#include "check.h"

#include <unistd.h>

static hl_sandbox *script(const char *source) {
    const hl_value load[] = {hl_string("test.js"), hl_string(source)};
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_value nothing;

    OK(hl_guest_builtin("javascript", &guest, &err));
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    OK(hl_sandbox_evolve(sandbox, &err));
    OK(hl_sandbox_call(sandbox, "load", load, 2, &nothing, &err));
    hl_guest_free(guest);
    return sandbox;
}

static hl_any *echo(hl_sandbox *sandbox, hl_any value) {
    hl_any *out = NULL;
    OK(hl_script_call(sandbox, NULL, "echo", &value, 1, &out, &err));
    return out;
}

/* The script says what it got, so that both directions are seen. */
static void told(hl_sandbox *sandbox, hl_any value, const char *expected) {
    hl_any *out = NULL;
    OK(hl_script_call(sandbox, NULL, "tell", &value, 1, &out, &err));
    CHECK(out->kind == HL_ANY_STRING);
    if (!hl_any_is(out->as.bytes, expected)) {
        fprintf(stderr, "expected %s, found %s\n", expected, (const char *)out->as.bytes.data);
        exit(1);
    }
    CHECK(out->as.bytes.data[out->as.bytes.len] == 0);
    hl_any_free(out);
}

static void each_kind(hl_sandbox *sandbox) {
    const uint16_t half[] = {0x61, 0xd800}, whole[] = {0xd83d, 0xde00};
    const hl_any items[] = {hl_any_s64(1), hl_any_null()};
    hl_any utf16 = hl_any_of(HL_ANY_UTF16), f32 = hl_any_of(HL_ANY_F32);
    hl_any *out;

    told(sandbox, hl_any_null(), "null");
    told(sandbox, hl_any_undefined(), "null");
    told(sandbox, hl_any_bool(true), "true");
    told(sandbox, hl_any_s64(-7), "-7");
    told(sandbox, hl_any_u64(UINT64_MAX), "18446744073709551615n");
    told(sandbox, hl_any_f64(0.5), "0.5");
    told(sandbox, hl_any_bigint("-123456789012345678901234567890"), "-123456789012345678901234567890n");
    told(sandbox, hl_any_char(0x1f600), "\"\360\237\230\200\"");
    told(sandbox, hl_any_string("h\303\251"), "\"h\303\251\"");
    told(sandbox, hl_any_bytes("\0\377", 2), "bytes 0,255");
    told(sandbox, hl_any_list(items, 2), "[1,null]");
    told(sandbox, hl_any_tuple(items, 2), "[1,null]");
    told(sandbox, hl_any_list(NULL, 0), "[]");
    f32.as.f32 = 0.25f;
    told(sandbox, f32, "0.25");
    utf16.as.bytes = hl_any_bytes(whole, sizeof whole).as.bytes;
    told(sandbox, utf16, "\"\360\237\230\200\"");

    utf16.as.bytes = hl_any_bytes(half, sizeof half).as.bytes;
    out = echo(sandbox, utf16);
    CHECK(out->kind == HL_ANY_UTF16 && out->as.bytes.len == sizeof half);
    CHECK(memcmp(out->as.bytes.data, half, sizeof half) == 0);
    hl_any_free(out);
    OK(hl_script_call(sandbox, NULL, "nothing", NULL, 0, &out, &err));
    CHECK(out->kind == HL_ANY_UNDEFINED);
    hl_any_free(out);
    out = echo(sandbox, hl_any_bool(false));
    CHECK(out->kind == HL_ANY_BOOL && !out->as.boolean);
    hl_any_free(out);
    out = echo(sandbox, hl_any_s64(-3));
    CHECK(out->kind == HL_ANY_F64 && out->as.f64 < -2.9 && out->as.f64 > -3.1);
    hl_any_free(out);
    out = echo(sandbox, hl_any_bigint("9007199254740993"));
    CHECK(out->kind == HL_ANY_BIGINT && hl_any_is(out->as.bytes, "9007199254740993"));
    hl_any_free(out);
    out = echo(sandbox, hl_any_bytes("\1\2\3", 3));
    CHECK(out->kind == HL_ANY_BYTES && out->as.bytes.len == 3 && out->as.bytes.data[2] == 3);
    hl_any_free(out);
}

static void objects(hl_sandbox *sandbox) {
    const hl_any tags[] = {hl_any_string("new"), hl_any_string("tea")};
    const hl_any_member members[] = {
        hl_any_named("path", hl_any_string("/")),
        hl_any_named("tags", hl_any_list(tags, 2)),
        hl_any_named("left out", hl_any_undefined()),
        hl_any_named("$bytes", hl_any_null()),
    };
    hl_any *out = echo(sandbox, hl_any_record(members, 4));
    const hl_any *list = hl_any_get(out, "tags");

    CHECK(out->kind == HL_ANY_RECORD && out->as.members.count == 3);
    CHECK(hl_any_is(hl_any_get(out, "path")->as.bytes, "/"));
    CHECK(list->kind == HL_ANY_LIST && list->as.items.count == 2);
    CHECK(hl_any_is(list->as.items.data[1].as.bytes, "tea"));
    CHECK(hl_any_get(out, "$bytes")->kind == HL_ANY_NULL);
    CHECK(hl_any_get(out, "left out") == NULL && hl_any_get(list, "path") == NULL && hl_any_get(NULL, "") == NULL);
    hl_any_free(out);
    hl_any_free(NULL);
}

static void results_live_by_themselves(void) {
    hl_sandbox *sandbox = script("function echo(value) { return value }");
    const hl_any text = hl_any_string("still here");
    hl_any *first = echo(sandbox, text), *second = echo(sandbox, hl_any_list(&text, 1));

    hl_sandbox_free(sandbox);
    CHECK(hl_any_is(first->as.bytes, "still here") && hl_any_is(second->as.items.data[0].as.bytes, "still here"));
    hl_any_free(first);
    hl_any_free(second);
}

static void what_cannot_cross(hl_sandbox *sandbox) {
    hl_any *out = NULL;
    hl_any value, wrong = hl_any_of(99);
    const hl_any_member member = hl_any_named("\377", hl_any_null());
    uint8_t two = 2;

#define REFUSED(status, text, any)                                                                        \
    do {                                                                                                  \
        value = (any);                                                                                    \
        out = &wrong;                                                                                     \
        FAILS_WITH(status, text, hl_script_call(sandbox, NULL, "echo", &value, 1, &out, &err));           \
        CHECK(out == NULL);                                                                               \
    } while (0)
    REFUSED(HL_ERR_INVALID_ARGUMENT, "an argument of `echo` has the unknown kind 99", wrong);
    REFUSED(HL_ERR_INVALID_ARGUMENT, "found a variant", hl_any_variant("a", NULL));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "found an option", hl_any_option(NULL));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "found a map", hl_any_map(NULL, 0));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "has 3 elements at NULL", hl_any_list(NULL, 3));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "not UTF-8", hl_any_string("\377"));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "not UTF-8", hl_any_record(&member, 1));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "no decimal number", hl_any_bigint("1e9"));
    REFUSED(HL_ERR_INVALID_ARGUMENT, "0xd800", hl_any_char(0xd800));
    REFUSED(HL_ERR_TOO_LARGE, "the limit is 268435456", hl_any_list(&wrong, SIZE_MAX));
    REFUSED(HL_ERR_TOO_LARGE, "the limit is 268435456", hl_any_bytes(&two, SIZE_MAX));
    wrong = hl_any_of(HL_ANY_BOOL);
    memcpy(&wrong.as, &two, 1);
    REFUSED(HL_ERR_INVALID_ARGUMENT, "a bool with the byte 2", wrong);
    wrong = hl_any_of(HL_ANY_UTF16);
    wrong.as.bytes = hl_any_bytes("abc", 3).as.bytes;
    REFUSED(HL_ERR_INVALID_ARGUMENT, "an even number", wrong);

    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_call(NULL, NULL, "echo", NULL, 0, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_call(sandbox, NULL, NULL, NULL, 0, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_call(sandbox, NULL, "echo", NULL, 1, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_call(sandbox, NULL, "echo", NULL, 0, NULL, &err));
    FAILS(HL_ERR_FUNCTION_NOT_FOUND, hl_script_call(sandbox, NULL, "gone", NULL, 0, &out, &err));
    FAILS_WITH(HL_ERR_GUEST_ERROR, "oops", hl_script_call(sandbox, NULL, "fail", NULL, 0, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_eval(sandbox, NULL, hl_string_n(NULL, 1).as.bytes, &out, &err));
    FAILS_WITH(HL_ERR_GUEST_ERROR, "SyntaxError", hl_script_eval(sandbox, NULL, hl_view("]"), &out, &err));
    OK(hl_script_eval(sandbox, NULL, hl_view("[6 * 7]"), &out, &err));
    CHECK(out->kind == HL_ANY_LIST && out->as.items.data[0].as.f64 > 41.9);
    hl_any_free(out);
    /* Nothing of this has harmed the sandbox. */
    told(sandbox, hl_any_null(), "null");
}

static void count_free(void *user_data) {
    __atomic_add_fetch((int *)user_data, 1, __ATOMIC_RELAXED);
}

/* The sum of an object's prices, with the object's name, in memory of the call. */
static hl_status total(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    const hl_any *prices = n_args == 2 ? hl_any_get(&args[0], "prices") : NULL;
    hl_any_member *members = (hl_any_member *)hl_call_alloc(call, 2 * sizeof *members);
    double sum = 0;
    size_t at;

    (void)user_data;
    CHECK(members != NULL && args[1].kind == HL_ANY_UNDEFINED);
    if (prices == NULL || prices->kind != HL_ANY_LIST) {
        return hl_call_fail(call, hl_view("no prices"));
    }
    for (at = 0; at < prices->as.items.count; at++) {
        sum += prices->as.items.data[at].as.f64;
    }
    members[0] = hl_any_named("sum", hl_any_f64(sum));
    members[1] = hl_any_named("name", *hl_any_get(&args[0], "name"));
    *result = hl_any_record(members, 2);
    return HL_OK;
}

static hl_status unfit(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    (void)user_data, (void)call, (void)args, (void)n_args;
    *result = hl_any_variant("none", NULL);
    return HL_OK;
}

static hl_status nothing(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    (void)user_data, (void)call, (void)args, (void)n_args;
    CHECK(result->kind == HL_ANY_UNDEFINED);
    return HL_OK;
}

static void evaluates(hl_sandbox *sandbox, const char *source, const char *expected) {
    hl_any *out = NULL;
    OK(hl_script_eval(sandbox, NULL, hl_view(source), &out, &err));
    CHECK(out->kind == HL_ANY_STRING && hl_any_is(out->as.bytes, expected));
    hl_any_free(out);
}

static void host_functions(void) {
    static const char *const said = "try { host.total(1, 2, 3) } catch (error) { error.message }";
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_snapshot *snapshot = NULL;
    hl_pool *pool = NULL;
    hl_any *out = NULL;
    int freed = 0;

    OK(hl_guest_builtin("javascript", &guest, &err));
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    OK(hl_script_register(sandbox, "total", 2, total, &freed, count_free, &err));
    OK(hl_script_register(sandbox, "unfit", 0, unfit, NULL, NULL, &err));
    OK(hl_script_register(sandbox, "nothing", 0, nothing, NULL, NULL, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_register(sandbox, "x", 0, NULL, &freed, count_free, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_register(NULL, "x", 0, unfit, &freed, count_free, &err));
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "1024",
               hl_script_register(sandbox, "x", SIZE_MAX, unfit, &freed, count_free, &err));
    CHECK(freed == 3);
    OK(hl_sandbox_evolve(sandbox, &err));
    evaluates(sandbox, "JSON.stringify(host.total({ name: 'tea', prices: [1, 2.5] }))",
              "{\"sum\":3.5,\"name\":\"tea\"}");
    evaluates(sandbox, "String(host.nothing())", "undefined");
    evaluates(sandbox, said, "`total` takes at most 2 arguments, the guest gave 3");
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "no prices", hl_script_eval(sandbox, NULL, hl_view("host.total(1)"), &out, &err));
    FAILS_WITH(HL_ERR_HOST_FUNCTION, "the result of the host function `unfit`",
               hl_script_eval(sandbox, NULL, hl_view("host.unfit()"), &out, &err));

    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    hl_sandbox_free(sandbox);
    CHECK(freed == 4);
    OK(hl_pool_new(snapshot, NULL, &pool, &err));
    OK(hl_script_register_for_pool(pool, "total", 2, total, &freed, count_free, &err));
    OK(hl_script_register_for_pool(pool, "unfit", 0, unfit, NULL, NULL, &err));
    OK(hl_script_register_for_pool(pool, "nothing", 0, nothing, NULL, NULL, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_script_register_for_pool(NULL, "x", 0, unfit, &freed, count_free, &err));
    OK(hl_pool_acquire(pool, &sandbox, &err));
    evaluates(sandbox, said, "`total` takes at most 2 arguments, the guest gave 3");
    hl_sandbox_free(sandbox);
    hl_pool_free(pool);
    for (int i = 0; i < 1000 && __atomic_load_n(&freed, __ATOMIC_RELAXED) < 6; i++) {
        usleep(10000); /* members that are being cleaned go soon */
    }
    CHECK(freed == 6);
    hl_snapshot_free(snapshot);
    hl_guest_free(guest);
}

/* Structures that are deeper than they look. */
static void hostile(hl_sandbox *sandbox) {
    enum { DEPTH = 600 };
    static hl_any deep[DEPTH];
    hl_any circle, *out = NULL;
    size_t at;

    circle = hl_any_list(&circle, 1);
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "contains itself", hl_script_call(sandbox, NULL, "echo", &circle, 1, &out, &err));

    deep[0] = hl_any_null();
    for (at = 1; at < DEPTH; at++) {
        deep[at] = hl_any_list(&deep[at - 1], 1);
    }
    out = echo(sandbox, deep[512]);
    hl_any_free(out);
    FAILS_WITH(HL_ERR_TOO_LARGE, "512", hl_script_call(sandbox, NULL, "echo", &deep[513], 1, &out, &err));
}

int main(void) {
    hl_sandbox *sandbox = script(
        "function echo(value) { return value }\n"
        "function fail() { throw new Error('oops') }\n"
        "function tell(value) {\n"
        "    if (typeof value === 'bigint') return `${value}n`;\n"
        "    if (value instanceof Uint8Array) return `bytes ${[...value]}`;\n"
        "    return JSON.stringify(value);\n"
        "}\n"
        "function nothing() {}\n");

    each_kind(sandbox);
    objects(sandbox);
    results_live_by_themselves();
    what_cannot_cross(sandbox);
    hostile(sandbox);
    hl_sandbox_free(sandbox);
    host_functions();
    return 0;
}
