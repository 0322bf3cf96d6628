/*
 * A guest of your own: counts words, and tells the host about the long ones. Build it with
 *
 *   cc -O2 -fPIE -static-pie -nostdlib -Wl,--gc-sections -I include guest.c -o guest.elf \
 *      -L lib -lhyperlight_guest
 */
#include <stdio.h>
#include <string.h>

#include "hyperlight_guest.h"

enum { LONG_WORD = 8 };

/* The host function LongWord(string) -> void. */
HL_HOST_FUNCTION("LongWord", HL_VOID, HL_STRING);

/* CountWords(string) -> u32 */
static int32_t count_words(const hl_value *args, size_t n_args, hl_value *result) {
    static const char blanks[] = " \t\r\n";
    const char *text = hl_text(&args[0]);
    uint32_t count = 0;

    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        size_t length = strcspn(text, blanks);
        hl_value word = hl_string_n(text, length);
        if (length >= LONG_WORD && hl_host_call("LongWord", &word, 1, NULL) != HL_OK) {
            return hl_guest_pass_error(); /* the caller gets the host function's own error */
        }
        text += length;
        count++;
    }
    (void)n_args; /* the library has checked the arguments against the signature below */
    printf("%u words\n", count);
    *result = hl_u32(count);
    return 0;
}
HL_GUEST_FUNCTION("CountWords", count_words, HL_U32, HL_STRING);
