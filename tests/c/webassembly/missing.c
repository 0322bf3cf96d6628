/* A library whose compiler is missing, or another one: ./missing 'a part of the message'. The exit code is the line of the first
 * thing that was wrong. */
#include <hyperlight.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition) \
    if (!(condition)) \
    return fprintf(stderr, "line %d\n", __LINE__), __LINE__

int main(int argc, char **argv) {
    hl_error *error = NULL;
    hl_guest *guest = NULL;

    CHECK(argc == 2);
    /* Twice: what failed is tried again. */
    for (int i = 0; i < 2; i++) {
        CHECK(hl_wasm_compile(hl_view("x"), NULL, &guest, &error) == HL_ERR_IO && guest == NULL);
        const char *message = (const char *)hl_error_message(error).data;
        if (strstr(message, argv[1]) == NULL || strstr(message, "install libhyperlight again") == NULL) {
            fprintf(stderr, "%s\n", message);
            return 1;
        }
        hl_error_free(error);
        error = NULL;
    }
    CHECK(hl_guest_builtin("demo", &guest, NULL) == HL_OK);
    hl_guest_free(guest);
    return 0;
}
