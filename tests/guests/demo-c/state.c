/* State that lives as long as the sandbox, and is undone by a restore. */
#include "demo.h"

enum { BIG = 1024 * 1024 };

static int32_t counter;
static int32_t main_runs;
static int32_t constructor_runs;
static int32_t big_array[BIG];

__attribute__((constructor)) static void construct(void) {
    constructor_runs++;
}

static int32_t prepare(void) {
    main_runs++;
    return 0;
}
HL_GUEST_MAIN(prepare);

/* How often the main hook has run, as this guest remembers it: once, unless a restore is broken. */
DEMO(count_main_runs) {
    *result = hl_i32(main_runs);
    return 0;
}
HL_GUEST_FUNCTION("MainRuns", count_main_runs, HL_I32);

/* The same for what runs before it. */
DEMO(count_constructor_runs) {
    *result = hl_i32(constructor_runs);
    return 0;
}
HL_GUEST_FUNCTION("ConstructorRuns", count_constructor_runs, HL_I32);

DEMO(add_to_static) {
    counter += args[0].as.i32;
    *result = hl_i32(counter);
    return 0;
}
HL_GUEST_FUNCTION("AddToStatic", add_to_static, HL_I32, HL_I32);

DEMO(get_static) {
    *result = hl_i32(counter);
    return 0;
}
HL_GUEST_FUNCTION("GetStatic", get_static, HL_I32);

DEMO(add_to_static_and_fail) {
    counter += 10;
    return hl_guest_fail(UNEXPECTED, "Crash on purpose");
}
HL_GUEST_FUNCTION("AddToStaticAndFail", add_to_static_and_fail, HL_I32);

/* Writes all of a large static, and returns how many numbers it holds. */
DEMO(set_static) {
    for (int i = 0; i < BIG; i++) {
        big_array[i] = 1;
    }
    *result = hl_u32(BIG);
    return 0;
}
HL_GUEST_FUNCTION("SetStatic", set_static, HL_U32);

/* The sum of that static: 0, or its length after SetStatic. */
DEMO(sum_static) {
    int64_t sum = 0;
    for (int i = 0; i < BIG; i++) {
        sum += big_array[i];
    }
    *result = hl_i64(sum);
    return 0;
}
HL_GUEST_FUNCTION("SumStatic", sum_static, HL_I64);
