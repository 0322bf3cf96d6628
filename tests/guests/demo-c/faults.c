/* Faults on request. Each must end the call cleanly and leave everybody else alone. */
#include <stdlib.h>

#include "demo.h"

/* The instruction `ret`. */
static const unsigned char return_instruction = 0xc3;

static void execute(const void *code) {
    ((void (*)(void))(uintptr_t)code)();
}

DEMO(read_address) {
    *result = hl_u64(*(volatile uint64_t *)place(args[0].as.u64));
    return 0;
}
HL_GUEST_FUNCTION("ReadAddress", read_address, HL_U64, HL_U64);

DEMO(write_address) {
    *(volatile uint64_t *)place(args[0].as.u64) = args[1].as.u64;
    return 0;
}
HL_GUEST_FUNCTION("WriteAddress", write_address, HL_VOID, HL_U64, HL_U64);

DEMO(execute_address) {
    execute(place(args[0].as.u64));
    return 0;
}
HL_GUEST_FUNCTION("ExecuteAddress", execute_address, HL_VOID, HL_U64);

DEMO(execute_on_heap) {
    unsigned char *code = (unsigned char *)malloc(1);
    *code = return_instruction;
    execute(opaque(code));
    return 0;
}
HL_GUEST_FUNCTION("ExecuteOnHeap", execute_on_heap, HL_VOID);

DEMO(execute_on_stack) {
    unsigned char code = return_instruction;
    execute(opaque(&code));
    return 0;
}
HL_GUEST_FUNCTION("ExecuteOnStack", execute_on_stack, HL_VOID);

DEMO(trigger_exception) {
    __asm__ volatile("ud2");
    return 0;
}
HL_GUEST_FUNCTION("TriggerException", trigger_exception, HL_VOID);

DEMO(trigger_int3) {
    __asm__ volatile("int3");
    return 0;
}
HL_GUEST_FUNCTION("TriggerInt3", trigger_int3, HL_VOID);

DEMO(divide_by_zero) {
    __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx", "cc");
    return 0;
}
HL_GUEST_FUNCTION("DivideByZero", divide_by_zero, HL_VOID);

/* A fault that must be reported although nothing can be allocated any more. */
DEMO(fill_heap_and_cause_exception) {
    fill_heap();
    __asm__ volatile("ud2");
    return 0;
}
HL_GUEST_FUNCTION("FillHeapAndCauseException", fill_heap_and_cause_exception, HL_VOID);
