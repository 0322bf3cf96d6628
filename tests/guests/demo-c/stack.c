/* The stack, and more of it than there is. */
#include <string.h>

#include "demo.h"

enum { SMALL = 1024, LARGE = 64 << 20, STEP = 0x2001, BUFFER = 17 };

__attribute__((noinline)) static int recurse(int depth) {
    volatile char frame[64];
    frame[0] = (char)depth;
    int deeper = opaque((void *)frame) != NULL ? recurse(depth + 1) : 0;
    return deeper + frame[0];
}

DEMO(infinite_recursion) {
    recurse(0);
    return 0;
}
HL_GUEST_FUNCTION("InfiniteRecursion", infinite_recursion, HL_VOID);

__attribute__((noinline)) static void descend(int32_t depth) {
    char frame[STEP];
    opaque(memset(frame, 0, sizeof frame));
    if (depth > 1) {
        descend(depth - 1);
    }
    opaque(frame);
}

/* Uses a little more than 8 KiB of stack so many times. */
DEMO(stack_overflow) {
    if (args[0].as.i32 > 0) {
        descend(args[0].as.i32);
    }
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("StackOverflow", stack_overflow, HL_I32, HL_I32);

/* Takes so many bytes of the stack at once, and uses them. */
DEMO(stack_allocate) {
    size_t len = (uint32_t)args[0].as.i32;
    opaque(memset(__builtin_alloca(len + 1), 1, len + 1));
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("StackAllocate", stack_allocate, HL_I32, HL_I32);

/* A variable that fits. */
DEMO(small_var) {
    char variable[SMALL];
    opaque(memset(variable, 0, sizeof variable));
    *result = hl_i32(SMALL);
    return 0;
}
HL_GUEST_FUNCTION("SmallVar", small_var, HL_I32);

/* A variable that is larger than any sensible stack, in one frame. */
DEMO(large_var) {
    char variable[LARGE];
    opaque(memset(variable, 0, sizeof variable));
    *result = hl_i32(LARGE);
    return 0;
}
HL_GUEST_FUNCTION("LargeVar", large_var, HL_I32);

/* Copies as much of the text as fits into 17 bytes; returns how many are left, or missing. */
DEMO(buffer_overrun) {
    char buffer[BUFFER];
    size_t len = args[0].as.bytes.len;
    memcpy(buffer, args[0].as.bytes.data, len < BUFFER ? len : BUFFER);
    opaque(buffer);
    *result = hl_i32(len > INT32_MAX ? INT32_MIN : BUFFER - (int32_t)len);
    return 0;
}
HL_GUEST_FUNCTION("BufferOverrun", buffer_overrun, HL_I32, HL_STRING);
