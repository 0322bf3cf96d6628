/*
 * A guest without an SDK, which says what the test wants it to say.
 *
 * Each payload of its image is one step: it copies the step's log bytes and frame into the shared memory, sets the
 * mailbox as the step says, and rings the doorbell. Behind the last step it executes ud2. A step is five words
 * and two runs of bytes: see `Step` in the support library.
 *
 * The tables and names below are there so that every way of linking this file leaves relocations in it, and none
 * of the steps works if one of them was applied wrongly.
 */
#include <stddef.h>
#include <stdint.h>

struct span {
    uint64_t address, size;
};

struct payload {
    struct span span;
    uint64_t executable;
};

/* The boot information: hyperlight_abi::boot. */
struct boot {
    uint64_t magic, doorbell;
    struct span input, output, log_ring, heap, stack;
    uint64_t load_bias, payload_count;
    struct payload payloads[16];
};

struct step {
    uint64_t sequence, log_head, log_dropped, log_len, frame_len;
    unsigned char bytes[];
};

struct mailbox {
    volatile uint64_t sequence, log_head, log_dropped, rest[5];
};

_Static_assert(sizeof(struct mailbox) == 64, "the frame follows one cache line");

/* How this library names the contract: hyperlight_abi::note. */
__attribute__((section(".note.hyperlight"), used, aligned(4))) static const struct {
    uint32_t owner_len, description_len, type;
    char owner[12];
    uint32_t abi;
} note = {11, 4, 1, "Hyperlight", 2};

extern void nobody_defines_this(void) __attribute__((weak));

void copy(volatile unsigned char *to, const unsigned char *from, uint64_t len);
void ring(const struct boot *boot);

/* Exported, so that a shared object reaches it by its global offset table. */
uint64_t steps_played;
/* A pointer to something exported, and pointers to something that is not. */
uint64_t *const counter = &steps_played;
static void (*const volatile copies[2])(volatile unsigned char *, const unsigned char *, uint64_t) = {copy, copy};
/* Zeroed memory, more of it than the file has. */
static volatile unsigned char zeroed[3 * 4096];

void copy(volatile unsigned char *to, const unsigned char *from, uint64_t len) {
    for (uint64_t i = 0; i < len; i++) {
        to[i] = from[i];
    }
}

void ring(const struct boot *boot) {
    ((void (*)(void))boot->doorbell)();
}

void _start(const struct boot *boot) {
    struct mailbox *mailbox = (struct mailbox *)boot->output.address;
    if (nobody_defines_this) {
        nobody_defines_this();
    }
    while (*counter < boot->payload_count && zeroed[steps_played * 4096 % sizeof zeroed] == 0) {
        const struct step *step = (const struct step *)boot->payloads[steps_played].span.address;
        copies[steps_played % 2]((unsigned char *)boot->log_ring.address, step->bytes, step->log_len);
        copies[0]((unsigned char *)(mailbox + 1), step->bytes + step->log_len, step->frame_len);
        mailbox->log_dropped = step->log_dropped;
        mailbox->log_head = step->log_head;
        mailbox->sequence = step->sequence;
        steps_played++;
        ring(boot);
    }
    __builtin_trap();
}
