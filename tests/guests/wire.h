/* The wire format and the boot information, for guests without an SDK: hyperlight_abi, in C. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

enum { MAILBOX = 64, VOID = 0, I32 = 2, U32 = 3, U64 = 5, STRING = 8, BYTES = 9 };
enum { READY = 16, RESULT = 17, HOST_CALL_FRAME = 19, ABORT_FRAME = 20 };

struct span {
    uint64_t address, size;
};

struct boot {
    uint64_t magic, doorbell;
    struct span input, output, log_ring, heap, stack;
    uint64_t load_bias, payload_count;
};

struct item {
    uint32_t kind, len;
    unsigned char bytes[];
};

struct frame {
    uint32_t magic, kind, len, count;
    unsigned char items[];
};

__attribute__((section(".note.hyperlight"), used, aligned(4))) static const struct {
    uint32_t owner_len, description_len, type;
    char owner[12];
    uint32_t abi;
} note = {11, 4, 1, "Hyperlight", 2};

/* The frame that is being written. */
static volatile struct frame *out;

static inline void begin(const struct boot *boot, uint32_t kind) {
    out = (volatile struct frame *)(boot->output.address + MAILBOX);
    out->magic = 0x31464c48;
    out->kind = kind;
    out->len = sizeof *out;
    out->count = 0;
}

static inline void put(uint32_t kind, const char *bytes, uint64_t len) {
    volatile struct item *item = (volatile struct item *)((volatile unsigned char *)out + out->len);
    item->kind = kind;
    item->len = (uint32_t)len;
    for (uint64_t n = 0; n < ((len + 7) & ~7ull); n++) {
        item->bytes[n] = n < len ? (unsigned char)bytes[n] : 0;
    }
    out->len += 8 + (uint32_t)((len + 7) & ~7ull);
    out->count++;
}

static inline void put_u32(uint32_t kind, uint32_t number) {
    put(kind, (const char *)&number, 4);
}

/* Makes the frame visible; the doorbell is yet to be rung. */
static inline void post(const struct boot *boot) {
    ++*(volatile uint64_t *)boot->output.address;
}

/* The items of the frame that came in. */
static inline const struct item *first_item(const struct boot *boot) {
    return (const struct item *)((const struct frame *)(boot->input.address + MAILBOX))->items;
}

static inline const struct item *next_item(const struct item *item) {
    return (const struct item *)(item->bytes + ((item->len + 7) & ~7u));
}

#endif
