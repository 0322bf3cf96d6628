/*
 * Runs a guest of your own, guest.c: `host guest.elf "some text"` counts the words of the text inside a virtual
 * machine, and gets the long ones through a host function.
 */
#include <hyperlight.h>

#include <stdio.h>
#include <stdlib.h>

/* LongWord(string) -> void: called by the guest. `user_data` is the registered pointer. */
static hl_status long_word(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    int *count = (int *)user_data;
    const hl_bytes word = args[0].as.bytes;

    (void)n_args, (void)result;
    if (word.len > 1000) {
        return hl_call_fail(call, hl_view("that is no word"));
    }
    printf("a long one: %.*s\n", (int)word.len, (const char *)word.data);
    fflush(stdout); /* what the guest prints does not wait in a buffer */
    *count += 1;
    return HL_OK;
}

/* The error of a failed call. */
static hl_error *err;

static void check(hl_status status, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

int main(int argc, char **argv) {
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_value words;
    int long_words = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: %s guest.elf text\n", argv[0]);
        return 2;
    }

    const uint32_t string[] = {HL_STRING};
    check(hl_guest_from_file(argv[1], &guest, &err), argv[1]);
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    check(hl_sandbox_register(sandbox, "LongWord", string, 1, HL_VOID, long_word, &long_words, NULL, &err),
          "registering LongWord");
    check(hl_sandbox_evolve(sandbox, &err), "starting the guest");

    const hl_value text = hl_string(argv[2]);
    check(hl_sandbox_call(sandbox, "CountWords", &text, 1, &words, &err), "CountWords");
    printf("%u words, %d of them long\n", (unsigned)words.as.u32, long_words);

    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return 0;
}
