/* A program of somebody else's: built against what was installed, by nothing but what was installed. Runs the guest that is
 * its argument, or else the one that the library carries. */
#include <hyperlight.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    const hl_value text = hl_string("from somebody else");
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_error *err = NULL;
    hl_value result;

    if (hl_version() != HL_VERSION) {
        fprintf(stderr, "the header is not the library's\n");
        return 1;
    }
    if ((argc > 1 ? hl_guest_from_file(argv[1], &guest, &err) : hl_guest_builtin("demo", &guest, &err)) != HL_OK ||
        hl_sandbox_new(guest, NULL, &sandbox, &err) != HL_OK || hl_sandbox_evolve(sandbox, &err) != HL_OK ||
        hl_sandbox_call(sandbox, "Echo", &text, 1, &result, &err) != HL_OK) {
        fprintf(stderr, "%s\n", (const char *)hl_error_message(err).data);
        hl_error_free(err);
        return 1;
    }
    printf("%.*s\n", (int)result.as.bytes.len, (const char *)result.as.bytes.data);
    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return 0;
}
