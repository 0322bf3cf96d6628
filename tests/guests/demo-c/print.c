/* Output by way of the host's HostPrint. */
#include <stdio.h>

#include "demo.h"

HL_HOST_FUNCTION("HostPrint", HL_I32, HL_STRING);

DEMO(print_output) {
    return call_host("HostPrint", args, 1, result);
}
HL_GUEST_FUNCTION("PrintOutput", print_output, HL_I32, HL_STRING);

/* printf, and what it returns. */
DEMO(print_using_printf) {
    int length = printf("%s", hl_text(&args[0]));
    if (length < 0 || fflush(stdout) != 0) {
        return hl_guest_fail(UNEXPECTED, "printf failed");
    }
    *result = hl_i32(length);
    return 0;
}
HL_GUEST_FUNCTION("PrintUsingPrintf", print_using_printf, HL_I32, HL_STRING);

/* Prints in pieces, by every function of stdio; the host must see all of it, in order. */
DEMO(print_in_pieces) {
    uint32_t lines = args[0].as.u32;
    for (uint32_t i = 0; i < lines; i++) {
        fputs("line ", stdout);
        printf("%u", i);
        putchar(':');
        fwrite(" \xe2\x82\xac", 1, 4, stdout);
        puts("");
    }
    fprintf(stderr, "%u lines\n", lines);
    return 0;
}
HL_GUEST_FUNCTION("PrintInPieces", print_in_pieces, HL_VOID, HL_U32);

/* Prints a line, calls the named host function, prints another: the host must see them in that order. */
DEMO(print_around_host_call) {
    printf("before\n");
    int32_t status = call_host(hl_text(&args[0]), NULL, 0, NULL);
    printf("after\n");
    return status;
}
HL_GUEST_FUNCTION("PrintAroundHostCall", print_around_host_call, HL_VOID, HL_STRING);

/* Prints twice in one call. */
DEMO(print_twice) {
    hl_value first, second;
    int32_t status = call_host("HostPrint", &args[0], 1, &first);
    if (status == 0) {
        status = call_host("HostPrint", &args[1], 1, &second);
    }
    if (status == 0) {
        *result = hl_i32(first.as.i32 + second.as.i32);
    }
    return status;
}
HL_GUEST_FUNCTION("PrintTwice", print_twice, HL_I32, HL_STRING, HL_STRING);

/* Formats the arguments, whatever they are, and prints them. */
DEMO(print_args) {
    struct text text = {NULL, 0, 0};
    append(&text, "Message:");
    for (size_t i = 0; i < n_args; i++) {
        append(&text, " arg%zu:", i + 1);
        switch (args[i].kind) {
        case HL_STRING:
            append(&text, "%s", hl_text(&args[i]));
            break;
        case HL_I32:
            append(&text, "%d", args[i].as.i32);
            break;
        case HL_I64:
            append(&text, "%lld", (long long)args[i].as.i64);
            break;
        case HL_U32:
            append(&text, "%u", args[i].as.u32);
            break;
        case HL_U64:
            append(&text, "%llu", (unsigned long long)args[i].as.u64);
            break;
        case HL_BOOL:
            append(&text, "%s", args[i].as.boolean ? "true" : "false");
            break;
        default:
            append(&text, "%.3f", (double)args[i].as.f32);
            break;
        }
    }
    append(&text, ".");
    hl_value message = hl_string_n(text.start, text.len);
    return call_host("HostPrint", &message, 1, result);
}
HL_GUEST_FUNCTION("PrintTwoArgs", print_args, HL_I32, HL_STRING, HL_I32);
HL_GUEST_FUNCTION("PrintThreeArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64);
HL_GUEST_FUNCTION("PrintFourArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING);
HL_GUEST_FUNCTION("PrintFiveArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING);
HL_GUEST_FUNCTION("PrintSixArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING, HL_BOOL);
HL_GUEST_FUNCTION("PrintSevenArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING,
                  HL_BOOL, HL_BOOL);
HL_GUEST_FUNCTION("PrintEightArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING,
                  HL_BOOL, HL_BOOL, HL_U32);
HL_GUEST_FUNCTION("PrintNineArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING, HL_BOOL,
                  HL_BOOL, HL_U32, HL_U64);
HL_GUEST_FUNCTION("PrintTenArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING, HL_BOOL,
                  HL_BOOL, HL_U32, HL_U64, HL_I32);
HL_GUEST_FUNCTION("PrintElevenArgs", print_args, HL_I32, HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING,
                  HL_BOOL, HL_BOOL, HL_U32, HL_U64, HL_I32, HL_F32);
