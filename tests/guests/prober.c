/*
 * A guest without an SDK, which hides a secret wherever it can and looks for one.
 *
 * It is built without vector instructions, and stores what the registers hold when the doorbell returns before any
 * other instruction changes them. The functions:
 *
 *   Plant(secret bytes, end u32)   fills all memory and all registers with the secret, then ends the call in that way
 *   Find(inverted bytes) -> bytes  the addresses at which it can read a word of the secret; sent inverted, so that
 *                                  asking does not put the secret there
 *   Registers() -> bytes           what the registers held when this call woke the guest up
 *   Context() -> bytes             the context that this call brought
 *   Token(name string) -> u64      the token that comes with the failure of that host function
 */
#include "wire.h"

/* How a call ends. The numbers are those of `End` in the support library. */
enum {
    RETURN, HOST_CALL, ABORT, NO_FRAME, BARE_DOORBELL, INVALID_OPCODE, READ, JUMP, DIVIDE, BREAKPOINT, X87, SPIN,
    MOVE_STRING, OUT_STRING, IN_STRING, IN, OTHER_PORT, TRAP_AT_DOORBELL, TRAP_BEHIND_STACK_SWITCH, STACK_OVERFLOW,
    ENDS
};

/* Everything that code of the least privilege can see of the processor. The assembly below knows the offsets. */
struct registers {
    uint64_t general[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8 … r15 */
    uint64_t flags, fs_base, gs_base;
    uint64_t enabled, in_use;                /* XCR0, and which of its components are not in their initial state */
    uint64_t cs, ss, ds, es, fs, gs;
    uint64_t unused[5];
    unsigned char extended[16384];           /* standard form */
};

_Static_assert(__builtin_offsetof(struct registers, cs) == 168, "as in the assembly");
_Static_assert(__builtin_offsetof(struct registers, extended) == 256, "as in the assembly");

__attribute__((aligned(64))) struct registers seen, load;
/* What the assembly needs. */
uint64_t doorbell, own_stack, trap_flags, has_bases, has_in_use, string_at, way_out;

/* Loads all registers but the stack pointer from `load`, if asked to, rings, and stores what comes back in `seen`. */
void ring(uint64_t with_load);
/* Loads all registers, the stack pointer too, and goes to `way_out`. */
void leave(void) __attribute__((noreturn));

extern const char ends[];

__asm__(
    ".macro load_registers\n"
    "  mov $-1, %eax\n  mov %eax, %edx\n  xrstor64 load+256(%rip)\n"
    "  mov load+184(%rip), %ds\n  mov load+192(%rip), %es\n  mov load+200(%rip), %fs\n  mov load+208(%rip), %gs\n"
    "  cmpb $0, has_bases(%rip)\n  je 1f\n"
    "  mov load+136(%rip), %rax\n  wrfsbase %rax\n  mov load+144(%rip), %rax\n  wrgsbase %rax\n"
    "1:\n  push load+128(%rip)\n  popfq\n"
    "  mov load(%rip), %rax\n  mov load+8(%rip), %rcx\n  mov load+16(%rip), %rdx\n  mov load+24(%rip), %rbx\n"
    "  mov load+40(%rip), %rbp\n  mov load+48(%rip), %rsi\n  mov load+56(%rip), %rdi\n  mov load+64(%rip), %r8\n"
    "  mov load+72(%rip), %r9\n  mov load+80(%rip), %r10\n  mov load+88(%rip), %r11\n  mov load+96(%rip), %r12\n"
    "  mov load+104(%rip), %r13\n  mov load+112(%rip), %r14\n  mov load+120(%rip), %r15\n"
    ".endm\n"

    "ring:\n"
    "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, own_stack(%rip)\n"
    "  test %rdi, %rdi\n  jz 2f\n"
    "  load_registers\n"
    "2:\n  call *doorbell(%rip)\n"
    "  mov %rax, seen(%rip)\n  mov %rcx, seen+8(%rip)\n  mov %rdx, seen+16(%rip)\n  mov %rbx, seen+24(%rip)\n"
    "  mov %rsp, seen+32(%rip)\n  mov %rbp, seen+40(%rip)\n  mov %rsi, seen+48(%rip)\n  mov %rdi, seen+56(%rip)\n"
    "  mov %r8, seen+64(%rip)\n  mov %r9, seen+72(%rip)\n  mov %r10, seen+80(%rip)\n  mov %r11, seen+88(%rip)\n"
    "  mov %r12, seen+96(%rip)\n  mov %r13, seen+104(%rip)\n  mov %r14, seen+112(%rip)\n  mov %r15, seen+120(%rip)\n"
    "  pushfq\n  pop seen+128(%rip)\n"
    "  mov own_stack(%rip), %rsp\n"
    "  mov %cs, seen+168(%rip)\n  mov %ss, seen+176(%rip)\n  mov %ds, seen+184(%rip)\n  mov %es, seen+192(%rip)\n"
    "  mov %fs, seen+200(%rip)\n  mov %gs, seen+208(%rip)\n"
    "  cmpb $0, has_bases(%rip)\n  je 3f\n"
    "  rdfsbase %rax\n  mov %rax, seen+136(%rip)\n  rdgsbase %rax\n  mov %rax, seen+144(%rip)\n"
    "3:\n  xor %ecx, %ecx\n  xgetbv\n  mov %eax, seen+152(%rip)\n  mov %edx, seen+156(%rip)\n"
    "  cmpb $0, has_in_use(%rip)\n  je 4f\n"
    "  mov $1, %ecx\n  xgetbv\n  mov %eax, seen+160(%rip)\n  mov %edx, seen+164(%rip)\n"
    "4:\n  mov $-1, %eax\n  mov %eax, %edx\n  xsave64 seen+256(%rip)\n"
    "  cld\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
    "  ret\n"

    "leave:\n"
    "  load_registers\n"
    "  mov load+32(%rip), %rsp\n"
    "  jmp *way_out(%rip)\n"

    /* One place of 32 bytes for each end that is an instruction. */
    ".balign 32\n"
    "ends:\n"
    "  out %al, $0x68\n  ud2\n"                                                   /* BARE_DOORBELL */
    ".balign 32\n  ud2\n"                                                         /* INVALID_OPCODE */
    ".balign 32\n  mov (%rax), %rax\n"                                            /* READ */
    ".balign 32\n  jmp *%rax\n"                                                   /* JUMP */
    ".balign 32\n  div %edi\n  ud2\n"                                             /* DIVIDE */
    ".balign 32\n  int3\n"                                                        /* BREAKPOINT */
    ".balign 32\n  fwait\n  ud2\n"                                                /* X87 */
    ".balign 32\n5:\n  jmp 5b\n"                                                  /* SPIN */
    /* The secret over and over, from one place to the next. */
    ".balign 32\n6:\n  cld\n  mov string_at(%rip), %rsi\n  lea 32(%rsi), %rdi\n  mov $0x100000, %ecx\n"
    "  rep movsb\n  jmp 6b\n"
    ".balign 32\n  cld\n  mov string_at(%rip), %rsi\n  mov $0x68, %edx\n  or $-1, %rcx\n  rep outsb\n"
    ".balign 32\n  cld\n  mov string_at(%rip), %rdi\n  mov $0x68, %edx\n  or $-1, %rcx\n  rep insb\n"
    ".balign 32\n  in $0x68, %al\n  ud2\n"                                        /* IN */
    ".balign 32\n  out %al, $0x80\n  ud2\n"                                       /* OTHER_PORT */
    ".balign 32\n  push trap_flags(%rip)\n  popfq\n  out %al, $0x68\n  ud2\n"
    ".balign 32\n  mov %ss, %r8d\n  push trap_flags(%rip)\n  popfq\n  mov %r8d, %ss\n  out %al, $0x68\n  ud2\n"
    ".balign 32\n7:\n  push %rax\n  jmp 7b\n"                                     /* STACK_OVERFLOW */
);

static unsigned char statics[3 * 4096];
static const struct boot *boot;
/* The engine's page for thread-local memory, by its own account. */
static uint64_t thread;
/* Whether the next answer goes out with the registers filled. */
static uint64_t ring_with_load;

static inline uint64_t word_of(const unsigned char *secret, uint64_t n) {
    return ((const uint64_t *)secret)[n % 4];
}

static void fill(uint64_t start, uint64_t end, const unsigned char *secret) {
    for (uint64_t n = 0; start + 8 * n + 8 <= end; n++) {
        ((volatile uint64_t *)start)[n] = word_of(secret, n);
    }
}

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

/* Makes `load` the secret, as far as the processor takes it. */
static void fill_registers(const unsigned char *secret) {
    static const uint64_t all_flags = 0x244cd5; /* ID AC NT OF DF SF ZF AF PF CF, IOPL in vain */
    uint32_t component[4];
    for (int n = 0; n < 16; n++) {
        load.general[n] = word_of(secret, (uint64_t)n);
    }
    load.flags = all_flags;
    load.fs_base = word_of(secret, 1);
    load.gs_base = word_of(secret, 2);
    /* Of the two values that these take, the other one. */
    load.ds = load.es = load.fs = load.gs = seen.ds == 0 ? seen.ss : 0;

    fill((uint64_t)load.extended, (uint64_t)load.extended + 512, secret);
    uint16_t *x87 = (uint16_t *)load.extended;
    x87[0] = 0x0340;                                 /* every exception unmasked … */
    x87[1] = 0xffff;                                 /* … and pending */
    load.extended[4] = 0xff;                         /* every register in use */
    ((uint32_t *)load.extended)[6] = 0xe03f;         /* MXCSR: the same, other rounding, flush to zero */
    uint64_t present = 3;
    for (uint32_t n = 2; n < 8; n++) {
        if (seen.enabled >> n & 1 && n != 3 && n != 4) {
            cpuid(13, n, component);
            uint64_t at = (uint64_t)load.extended + component[1];
            fill(at, at + component[0], secret);
            present |= 1ull << n;
        }
    }
    /* The pages of no key but the first may be used, which is no secret but a trace. */
    if (seen.enabled >> 9 & 1) {
        cpuid(13, 9, component);
        *(uint32_t *)(load.extended + component[1]) = 0x55555550;
        present |= 1ull << 9;
    }
    uint64_t *header = (uint64_t *)(load.extended + 512);
    for (int n = 0; n < 8; n++) {
        header[n] = n == 0 ? present : 0;
    }
}

/* Fills all memory that can be written and need not stay. */
static void fill_memory(const unsigned char *secret) {
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    fill(boot->heap.address, boot->heap.address + boot->heap.size, secret);
    fill(boot->stack.address, here - 4096, secret);
    fill(boot->output.address + MAILBOX, boot->output.address + boot->output.size, secret);
    fill(boot->log_ring.address, boot->log_ring.address + boot->log_ring.size, secret);
    fill((uint64_t)statics, (uint64_t)statics + sizeof statics, secret);
    fill(thread + 0x30, thread + 4096, secret);
}

static void plant(const unsigned char *secret, uint32_t end) {
    /* The argument lies where the host writes. */
    static unsigned char copy[32];
    for (int n = 0; n < 32; n++) {
        copy[n] = secret[n];
    }
    fill_memory(copy);
    fill_registers(copy);
    uint64_t pushed;
    __asm__ volatile("pushfq; pop %0" : "=r"(pushed));
    trap_flags = pushed | 0x100;
    string_at = boot->heap.address;
    if (end >= BARE_DOORBELL && end < ENDS) {
        way_out = (uint64_t)ends + 32 * (end - BARE_DOORBELL);
        if (end == DIVIDE) {
            load.general[7] = 0;
        }
        if (end == TRAP_AT_DOORBELL || end == TRAP_BEHIND_STACK_SWITCH || end == STACK_OVERFLOW) {
            load.general[4] = (uint64_t)__builtin_frame_address(0) - 4096;
        }
        /* A frame of its own for the ends that ring: a result, so that the call ends well. */
        if (end == BARE_DOORBELL || end == TRAP_AT_DOORBELL || end == TRAP_BEHIND_STACK_SWITCH) {
            begin(boot, RESULT);
            put(VOID, "", 0);
            post(boot);
        }
        leave();
    }
    begin(boot, end == HOST_CALL ? HOST_CALL_FRAME : end == ABORT ? ABORT_FRAME : RESULT);
    switch (end) {
    case HOST_CALL:
        put(STRING, "Tenant", 6);
        put(BYTES, (const char *)copy, 32);
        break;
    case ABORT:
        put_u32(U32, 0);
        put_u32(I32, 5);
        put(STRING, "", 0);
        break;
    default:
        put(VOID, "", 0);
    }
    if (end != NO_FRAME) {
        post(boot);
    }
    if (end == HOST_CALL) {
        ring(1);
        begin(boot, RESULT);
        put(VOID, "", 0);
        post(boot);
    }
    ring_with_load = 1;
}

/* Collects the addresses between these that hold a word of the secret. */
static uint64_t find(uint64_t start, uint64_t end, const uint64_t *inverted, uint64_t *found, uint64_t count) {
    for (uint64_t at = start; at + 8 <= end; at += 8) {
        uint64_t word = ~*(volatile uint64_t *)at;
        /* The compiler must not turn the comparison around: it would have the secret in a register. */
        __asm__("" : "+r"(word));
        for (int n = 0; n < 4; n++) {
            if (word == ((volatile const uint64_t *)inverted)[n] && count < 64) {
                found[count++] = at;
            }
        }
    }
    return count;
}

/* Looks through everything that this program can read. */
static void find_all(const uint64_t *inverted) {
    static uint64_t found[64];
    extern const unsigned char program_headers[] __asm__("__ehdr_start");
    uint64_t count = 0, engine = boot->doorbell & ~4095ull;
    const struct span spans[] = {
        boot->input, boot->output, boot->log_ring, boot->heap, boot->stack,
        {(uint64_t)boot & ~4095ull, 4096}, {thread, 4096}, {engine, 8192},
    };
    for (unsigned n = 0; n < sizeof spans / sizeof *spans; n++) {
        count = find(spans[n].address, spans[n].address + spans[n].size, inverted, found, count);
    }
    const struct {
        uint32_t type, flags;
        uint64_t offset, address, physical, in_file, in_memory, align;
    } *segment = (const void *)(program_headers + *(const uint64_t *)(program_headers + 32));
    for (int n = 0; n < *(const uint16_t *)(program_headers + 56); n++, segment++) {
        if (segment->type == 1) {
            uint64_t start = (segment->address & ~4095ull) + boot->load_bias;
            uint64_t end = (segment->address + segment->in_memory + 4095) & ~4095ull;
            count = find(start, end + boot->load_bias, inverted, found, count);
        }
    }
    begin(boot, RESULT);
    put(BYTES, (const char *)found, 8 * count);
    post(boot);
}

static void token(const struct item *name) {
    begin(boot, HOST_CALL_FRAME);
    put(STRING, (const char *)name->bytes, name->len);
    post(boot);
    ring(0);
    const struct item *item = first_item(boot);
    uint64_t number = *(const uint64_t *)item->bytes;
    begin(boot, RESULT);
    put(U64, (const char *)&number, 8);
    post(boot);
}

static void publish(const char *name, uint64_t name_len, const char *signature, uint64_t len) {
    put(STRING, name, name_len);
    put(BYTES, signature, len);
}

void _start(const struct boot *info) {
    uint32_t answer[4];
    boot = info;
    doorbell = info->doorbell;
    cpuid(7, 0, answer);
    has_bases = answer[1] & 1;
    cpuid(13, 1, answer);
    has_in_use = answer[0] >> 2 & 1;

    __asm__("mov %%fs:0, %0" : "=r"(thread));

    begin(boot, READY);
    put_u32(U32, 5);
    publish("Plant", 5, (const char[]){VOID, BYTES, U32}, 3);
    publish("Find", 4, (const char[]){BYTES, BYTES}, 2);
    publish("Registers", 9, (const char[]){BYTES}, 1);
    publish("Context", 7, (const char[]){BYTES}, 1);
    publish("Token", 5, (const char[]){U64, STRING}, 2);
    put_u32(U32, 0);
    post(boot);

    for (;;) {
        uint64_t with_load = ring_with_load;
        ring_with_load = 0;
        ring(with_load);
        const struct item *context = first_item(boot), *name = next_item(context), *argument = next_item(name);
        switch (name->bytes[0]) {
        case 'P':
            plant(argument->bytes, *(const uint32_t *)next_item(argument)->bytes);
            break;
        case 'F':
            find_all((const uint64_t *)argument->bytes);
            break;
        case 'T':
            token(argument);
            break;
        default:
            begin(boot, RESULT);
            if (name->bytes[0] == 'R') {
                put(BYTES, (const char *)&seen, sizeof seen);
            } else {
                put(BYTES, (const char *)context->bytes, context->len);
            }
            post(boot);
        }
    }
}
