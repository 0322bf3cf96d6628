/* Runs a guest in a virtual machine of its own: it prints through the host, and calls back to add two numbers. */
#include <hyperlight.h>

#include <stdio.h>
#include <stdlib.h>

/* A host function. The number and the kinds of `args` are those of its registration. */
static hl_status host_add(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    (void)user_data, (void)call, (void)n_args;
    *result = hl_i32(args[0].as.i32 + args[1].as.i32);
    return HL_OK;
}

/* The error of a failed call. */
static hl_error *err;

/* Ends the program if a call has failed. */
static void check(hl_status status, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

int main(void) {
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_value result;

    /* Load a guest, and make a sandbox for it that has not started yet. */
    check(hl_guest_builtin("demo", &guest, &err), "loading the guest");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");

    /* Give the guest something to call. */
    const uint32_t params[] = {HL_I32, HL_I32};
    check(hl_sandbox_register(sandbox, "HostAdd", params, 2, HL_I32, host_add, NULL, NULL, &err), "registering");

    /* Start it. */
    check(hl_sandbox_evolve(sandbox, &err), "starting the guest");

    /* Call guest functions. PrintOutput prints through HostPrint, which every sandbox has. */
    const hl_value text = hl_string("Hello, World! I am executing inside of a VM :)\n");
    check(hl_sandbox_call(sandbox, "PrintOutput", &text, 1, &result, &err), "PrintOutput");

    /* Add calls back. */
    const hl_value numbers[] = {hl_i32(2), hl_i32(3)};
    check(hl_sandbox_call(sandbox, "Add", numbers, 2, &result, &err), "Add");
    printf("2 + 3 = %d\n", (int)result.as.i32);

    hl_sandbox_free(sandbox);
    hl_guest_free(guest);
    return 0;
}
