/* The heap. */
#include <stdlib.h>
#include <string.h>

#include "demo.h"

enum { PAGE = 4096 };

/* What AllocAndWritePattern has left. */
static unsigned char *pattern;
static uint32_t pattern_len;

/* malloc that gives up where there is no memory. */
static void *must_malloc(size_t size) {
    void *block = opaque(malloc(size));
    if (block == NULL) {
        hl_guest_out_of_memory(size);
    }
    return block;
}

void fill_heap(void) {
    for (size_t size = SIZE_MAX / 4; size > 0;) {
        if (opaque(malloc(size)) == NULL) {
            size /= 2;
        }
    }
}

/* Allocates and frees, and returns the size. */
DEMO(call_malloc) {
    free(must_malloc(args[0].as.u64));
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("CallMalloc", call_malloc, HL_U64, HL_U64);

/* Allocates and returns the address: 0 if there was no room. It is never freed. */
DEMO(test_malloc) {
    *result = hl_u64((uintptr_t)opaque(malloc(args[0].as.u64)));
    return 0;
}
HL_GUEST_FUNCTION("TestMalloc", test_malloc, HL_U64, HL_U64);

/* Allocates zeroed memory, frees it, and returns the size. */
DEMO(malloc_and_free) {
    size_t size = args[0].as.u64;
    void *block = opaque(calloc(1, size));
    if (block == NULL) {
        hl_guest_out_of_memory(size);
    }
    free(block);
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("MallocAndFree", malloc_and_free, HL_U64, HL_U64);

/* Allocates until there is nothing left. */
DEMO(exhaust_heap) {
    while (must_malloc(64 * 1024) != NULL) {
    }
    return UNEXPECTED;
}
HL_GUEST_FUNCTION("ExhaustHeap", exhaust_heap, HL_VOID);

/* Writes one word to each of so many pages of the heap. */
DEMO(dirty_pages) {
    size_t len = (size_t)args[0].as.u32 * PAGE;
    char *block = (char *)malloc(len);
    if (block == NULL) {
        return hl_guest_failf(WRONG_INPUT, "the heap has no room for %u pages", args[0].as.u32);
    }
    for (size_t at = 0; at < len; at += PAGE) {
        *(volatile char *)(block + at) = 1;
    }
    free(block);
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("DirtyPages", dirty_pages, HL_U32, HL_U32);

static unsigned char pattern_byte(uint32_t index) {
    uint32_t mixed = index * 2654435761u;
    mixed = mixed << 9 | mixed >> 23;
    return (unsigned char)((mixed & 0xff) ^ (mixed >> 8 & 0xff));
}

/* Allocates memory that stays, fills it with a pattern and returns its address. */
DEMO(alloc_and_write_pattern) {
    pattern_len = args[0].as.u32;
    pattern = (unsigned char *)must_malloc(pattern_len);
    for (uint32_t i = 0; i < pattern_len; i++) {
        pattern[i] = pattern_byte(i);
    }
    *result = hl_u64((uintptr_t)pattern);
    return 0;
}
HL_GUEST_FUNCTION("AllocAndWritePattern", alloc_and_write_pattern, HL_U64, HL_U32);

/* Whether the pattern is still there. */
DEMO(read_pattern) {
    if (pattern == NULL) {
        return hl_guest_fail(WRONG_INPUT, "no pattern was written");
    }
    bool whole = true;
    for (uint32_t i = 0; i < pattern_len; i++) {
        whole = whole && pattern[i] == pattern_byte(i);
    }
    *result = hl_bool(whole);
    return 0;
}
HL_GUEST_FUNCTION("ReadPattern", read_pattern, HL_BOOL);

/* Blocks of changing sizes, kept, resized and freed in no order; what they hold must stay. */
DEMO(exercise_heap) {
    enum { BLOCKS = 64 };
    static struct {
        unsigned char *start;
        size_t len;
        unsigned char byte;
    } blocks[BLOCKS];
    uint32_t state = 1;
    for (uint32_t round = 0; round < args[0].as.u32; round++) {
        state = state * 1664525u + 1013904223u;
        size_t which = state >> 26, len = (state >> 8 & 0xfff) + 1;
        for (size_t i = 0; i < blocks[which].len; i++) {
            if (blocks[which].start[i] != blocks[which].byte) {
                return hl_guest_fail(UNEXPECTED, "a block was overwritten");
            }
        }
        if (state & 1) {
            free(blocks[which].start);
            blocks[which].start = (unsigned char *)(state & 2 ? malloc(len) : calloc(len, 1));
        } else if (state & 2) {
            blocks[which].start = (unsigned char *)realloc(blocks[which].start, len);
        } else {
            void *aligned = NULL;
            free(blocks[which].start);
            if (posix_memalign(&aligned, (size_t)64 << (state >> 4 & 7), len) != 0) {
                return hl_guest_fail(UNEXPECTED, "posix_memalign failed");
            }
            blocks[which].start = (unsigned char *)aligned;
        }
        if (blocks[which].start == NULL) {
            return hl_guest_fail(UNEXPECTED, "there is no memory");
        }
        blocks[which].len = len;
        blocks[which].byte = (unsigned char)round;
        memset(blocks[which].start, (int)(round & 0xff), len);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i].start);
        blocks[i].start = NULL;
        blocks[i].len = 0;
    }
    *result = args[0];
    return 0;
}
HL_GUEST_FUNCTION("ExerciseHeap", exercise_heap, HL_U32, HL_U32);
