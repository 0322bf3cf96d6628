/*
 * A component called with structures instead of JSON: every kind of value, both ways, and what does not fit. Its one
 * argument is the component of the tests of components (component.wat), compiled: component.wasm.
 */
#include "../check.h"

static hl_wasm_program *program;
static hl_sandbox *sandbox;
static hl_snapshot *started;

/* Nothing may enter a component that has trapped. */
static void renew(void) {
    OK(hl_sandbox_restore(sandbox, started, &err));
}

/* Calls a function of one parameter, which must succeed. */
static hl_any *give(const char *function, hl_any value) {
    hl_any *out = NULL;
    OK(hl_wasm_call(program, sandbox, NULL, function, &value, 1, &out, &err));
    return out;
}

/* Calls one whose argument is refused before anything is called. */
static void refuse(hl_status status, const char *text, const char *function, hl_any value) {
    hl_any *out = &value;
    FAILS_WITH(status, text, hl_wasm_call(program, sandbox, NULL, function, &value, 1, &out, &err));
    CHECK(out == NULL);
}

static void plain_values(void) {
    const hl_any numbers[] = {hl_any_s64(-5), hl_any_u64(200)};
    hl_any small = hl_any_of(HL_ANY_U8), *out = NULL;

    out = give("greet", hl_any_string("w\303\266rld"));
    CHECK(out->kind == HL_ANY_STRING && is_text(out->as.bytes, "w\303\266rld"));
    CHECK(out->as.bytes.data[out->as.bytes.len] == 0);
    hl_any_free(out);
    out = give("bytes", hl_any_bytes("\0\377", 2));
    CHECK(out->kind == HL_ANY_BYTES && out->as.bytes.len == 2 && out->as.bytes.data[1] == 255);
    hl_any_free(out);
    out = give("bytes", hl_any_bytes(NULL, 0));
    CHECK(out->kind == HL_ANY_BYTES && out->as.bytes.len == 0);
    hl_any_free(out);
    OK(hl_wasm_call(program, sandbox, NULL, "add", numbers, 2, &out, &err));
    CHECK(out->kind == HL_ANY_S64 && out->as.s64 == 195);
    hl_any_free(out);
    out = give("invert", hl_any_bool(true));
    CHECK(out->kind == HL_ANY_BOOL && !out->as.boolean);
    hl_any_free(out);
    out = give("next-char", hl_any_char(0xe4));
    CHECK(out->kind == HL_ANY_CHAR && out->as.character == 0xe5);
    hl_any_free(out);
    out = give("next-char", hl_any_string("a"));
    CHECK(out->kind == HL_ANY_CHAR && out->as.character == 'b');
    hl_any_free(out);
    out = give("half", hl_any_f64(5));
    CHECK(out->kind == HL_ANY_F64 && out->as.f64 > 2.4 && out->as.f64 < 2.6);
    hl_any_free(out);

    small.as.u8 = 7;
    out = give("maybe", small);
    CHECK(out->kind == HL_ANY_OPTION && out->as.option->kind == HL_ANY_U32);
    CHECK(out->as.option->as.u32 == 7 && out->as.option->as.u64 == 7);
    hl_any_free(out);
}

static void other_values(void) {
    const hl_any_member pair[] = {hl_any_named("x", hl_any_s64(-3)), hl_any_named("y", hl_any_f64(0.5))};
    const hl_any one = hl_any_s64(1), three = hl_any_u64(3), big = hl_any_u64(70000);
    const hl_any options[] = {hl_any_option(&one), hl_any_option(NULL), three, hl_any_null()};
    const hl_any wide[] = {hl_any_s64(INT64_MAX), hl_any_s64(-1), hl_any_u64(2)};
    const hl_bytes names[] = {hl_view("exec"), hl_view("read"), hl_view("exec")};
    hl_any *out;

    out = give("swap", hl_any_record(pair, 2));
    CHECK(out->kind == HL_ANY_TUPLE && out->as.items.count == 2);
    CHECK(out->as.items.data[0].kind == HL_ANY_F64 && out->as.items.data[1].kind == HL_ANY_S32);
    CHECK(out->as.items.data[1].as.s32 == -3 && out->as.items.data[1].as.s64 == -3);
    hl_any_free(out);
    out = give("maybe", hl_any_option(NULL));
    CHECK(out->kind == HL_ANY_OPTION && out->as.option == NULL);
    hl_any_free(out);
    out = give("list", hl_any_list(options, 4));
    CHECK(out->kind == HL_ANY_LIST && out->as.items.count == 4);
    CHECK(out->as.items.data[0].as.option->as.u32 == 1 && out->as.items.data[1].as.option == NULL);
    CHECK(out->as.items.data[2].as.option->as.u32 == 3 && out->as.items.data[3].as.option == NULL);
    hl_any_free(out);
    out = give("list", hl_any_list(NULL, 0));
    CHECK(out->kind == HL_ANY_LIST && out->as.items.count == 0);
    hl_any_free(out);
    out = give("sum", hl_any_list(wide, 3));
    CHECK(out->kind == HL_ANY_S64 && out->as.s64 == INT64_MIN);
    hl_any_free(out);
    out = give("color", hl_any_enum("green"));
    CHECK(out->kind == HL_ANY_ENUM && is_text(out->as.bytes, "green"));
    hl_any_free(out);
    out = give("modes", hl_any_flags(names, 3));
    CHECK(out->kind == HL_ANY_FLAGS && out->as.names.count == 2);
    CHECK(is_text(out->as.names.data[0], "read") && is_text(out->as.names.data[1], "exec"));
    hl_any_free(out);
    out = give("check", hl_any_variant("small", NULL));
    CHECK(out->kind == HL_ANY_RESULT && out->as.result.is_ok == 1);
    CHECK(out->as.result.value->kind == HL_ANY_STRING && is_text(out->as.result.value->as.bytes, "small"));
    hl_any_free(out);
    out = give("check", hl_any_variant("big", &big));
    CHECK(out->kind == HL_ANY_RESULT && out->as.result.is_ok == 0 && out->as.result.value->kind == HL_ANY_VARIANT);
    CHECK(is_text(out->as.result.value->as.variant.name, "big"));
    CHECK(out->as.result.value->as.variant.value->as.u32 == 70000);
    hl_any_free(out);
}

static void what_does_not_fit(void) {
    const hl_any_member other[] = {hl_any_named("x", hl_any_s64(1)), hl_any_named("z", hl_any_s64(1))};
    const hl_any_member twice[] = {hl_any_named("x", hl_any_s64(1)), hl_any_named("x", hl_any_s64(1))};
    const hl_any negative = hl_any_s64(-1);
    const hl_bytes unknown = hl_view("fly");
    const hl_any numbers[] = {hl_any_s64(0), hl_any_s64(256)};
    hl_any *out = NULL;

    refuse(HL_ERR_SIGNATURE, "argument 1 of `greet` must be a string, not a whole number", "greet", hl_any_s64(1));
    refuse(HL_ERR_SIGNATURE, "must be bytes, not a list", "bytes", hl_any_list(numbers, 1));
    refuse(HL_ERR_SIGNATURE, "must be a bool", "invert", hl_any_s64(1));
    refuse(HL_ERR_SIGNATURE, "must be one character, found 2", "next-char", hl_any_string("ab"));
    refuse(HL_ERR_SIGNATURE, "must be a number (f64), not a whole number", "half", hl_any_s64(1));
    refuse(HL_ERR_SIGNATURE, "has no field 'z'", "swap", hl_any_record(other, 2));
    refuse(HL_ERR_SIGNATURE, "lacks the field `y`", "swap", hl_any_record(other, 1));
    refuse(HL_ERR_SIGNATURE, "has `x` twice", "swap", hl_any_record(twice, 2));
    refuse(HL_ERR_SIGNATURE, "must be one of `red`, `green`, `blue`", "color", hl_any_enum("pink"));
    refuse(HL_ERR_SIGNATURE, "found 'fly'", "modes", hl_any_flags(&unknown, 1));
    refuse(HL_ERR_SIGNATURE, "does not fit u32", "maybe", hl_any_option(&negative));
    refuse(HL_ERR_SIGNATURE, ".big does not fit u32", "check", hl_any_variant("big", &negative));
    refuse(HL_ERR_SIGNATURE, "`small` without a value", "check", hl_any_variant("small", &negative));
    refuse(HL_ERR_SIGNATURE, "`big` with its value", "check", hl_any_variant("big", NULL));
    refuse(HL_ERR_INVALID_ARGUMENT, "unknown kind 77", "check", hl_any_of(77));
    refuse(HL_ERR_INVALID_ARGUMENT, "argument 1 of `list` has 2 elements at NULL", "list", hl_any_list(NULL, 2));
    refuse(HL_ERR_INVALID_ARGUMENT, "not UTF-8", "greet", hl_any_string("\377"));

    FAILS_WITH(HL_ERR_SIGNATURE, "does not fit u8", hl_wasm_call(program, sandbox, NULL, "add", numbers, 2, &out, &err));
    FAILS_WITH(HL_ERR_SIGNATURE, "`add(a: s32, b: u8) -> s64` takes 2 arguments, but `n_args` is 1",
               hl_wasm_call(program, sandbox, NULL, "add", numbers, 1, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_call(program, sandbox, NULL, "add", NULL, 2, &out, &err));
    FAILS(HL_ERR_FUNCTION_NOT_FOUND, hl_wasm_call(program, sandbox, NULL, "gone", NULL, 0, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_call(NULL, sandbox, NULL, "add", numbers, 2, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_call(program, NULL, NULL, "add", numbers, 2, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_call(program, sandbox, NULL, NULL, numbers, 2, &out, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_call(program, sandbox, NULL, "add", numbers, 2, NULL, &err));
    FAILS(HL_ERR_GUEST_ERROR, hl_wasm_call(program, sandbox, NULL, "trap", NULL, 0, &out, &err));
    CHECK(out == NULL);
    renew();
}

/* Host functions: `log` counts, `scale` is as its user data says. */
static int logged, freed;
static const char *mode = "right";

static hl_status take_log(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    (void)call, (void)result;
    CHECK(n_args == 1 && args[0].kind == HL_ANY_STRING && is_text(args[0].as.bytes, "called"));
    ++*(int *)user_data;
    return HL_OK;
}

static hl_status scale(void *user_data, hl_call *call, const hl_any *args, size_t n_args, hl_any *result) {
    const hl_any *x = hl_any_get(&args[0], "x"), *y = hl_any_get(&args[0], "y");
    hl_any *items = (hl_any *)hl_call_alloc(call, 2 * sizeof *items);

    (void)user_data;
    CHECK(items != NULL && n_args == 2 && x->kind == HL_ANY_S32 && x->as.s32 == -3 && y->kind == HL_ANY_F64);
    CHECK(args[1].kind == HL_ANY_F64);
    if (strcmp(mode, "fails") == 0) {
        return hl_call_fail(call, hl_view("no scale"));
    }
    items[0] = hl_any_f64(args[1].as.f64);
    items[1] = strcmp(mode, "wrong") == 0 ? hl_any_s64(-7) : hl_any_s64(7);
    *result = hl_any_tuple(items, 2);
    return HL_OK;
}

static void count_free(void *user_data) {
    ++*(int *)user_data;
}

static void host_functions(void) {
    hl_any *out;

    out = give("test:demo/run#run", hl_any_f64(2));
    CHECK(out->kind == HL_ANY_F64 && out->as.f64 > 8.9 && out->as.f64 < 9.1 && logged == 1);
    hl_any_free(out);
    mode = "fails";
    refuse(HL_ERR_HOST_FUNCTION, "no scale", "test:demo/run#run", hl_any_f64(2));
    renew();
    mode = "wrong";
    refuse(HL_ERR_HOST_FUNCTION, "the result of the host function `test:demo/math#scale`[1] does not fit u32",
           "test:demo/run#run", hl_any_f64(2));
    renew();
    mode = "right";
    hl_any_free(give("test:demo/run#run", hl_any_f64(2)));
    CHECK(logged == 4);
}

static hl_bytes read_file(const char *path) {
    static uint8_t bytes[1 << 16];
    hl_bytes read = {bytes, 0};
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    read.len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return read;
}

int main(int argc, char **argv) {
    hl_guest *guest = NULL;
    hl_any *out = NULL;

    CHECK(argc == 2);
    OK(hl_wasm_precompile(read_file(argv[1]), NULL, &program, &err));
    OK(hl_wasm_program_guest(program, NULL, &guest, &err));
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    OK(hl_wasm_register(program, sandbox, "log", take_log, &logged, NULL, &err));
    OK(hl_wasm_register(program, sandbox, "test:demo/math#scale", scale, &freed, count_free, &err));
    FAILS_WITH(HL_ERR_INVALID_ARGUMENT, "does not import \"gone\"",
               hl_wasm_register(program, sandbox, "gone", scale, &freed, count_free, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_register(program, NULL, "log", scale, &freed, count_free, &err));
    FAILS(HL_ERR_INVALID_ARGUMENT, hl_wasm_register(program, sandbox, "log", NULL, &freed, count_free, &err));
    FAILS(HL_ERR_STATE, hl_wasm_call(program, sandbox, NULL, "trap", NULL, 0, &out, &err));
    CHECK(freed == 3);
    OK(hl_sandbox_evolve(sandbox, &err));
    FAILS(HL_ERR_STATE, hl_wasm_register(program, sandbox, "log", take_log, &freed, count_free, &err));
    CHECK(freed == 4);

    OK(hl_sandbox_snapshot(sandbox, &started, &err));
    plain_values();
    other_values();
    what_does_not_fit();
    host_functions();

    /* A result lives alone; the host functions keep what they need of the program. */
    out = give("greet", hl_any_string("still here"));
    hl_wasm_program_free(program);
    hl_sandbox_free(sandbox);
    CHECK(freed == 5 && is_text(out->as.bytes, "still here"));
    hl_any_free(out);
    hl_snapshot_free(started);
    hl_guest_free(guest);
    return 0;
}
