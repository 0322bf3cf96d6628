/*
 * Untrusted JavaScript: it calls a function of this program, has a time limit, and is restored after each request,
 * whatever the outcome.
 */
#include <hyperlight.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const source =
    "let served = 0;\n"
    "function handler(request) {\n"
    "    served += 1;\n"
    "    if (request.path === '/loop') for (;;) {}\n"
    "    if (request.path === '/oops') return request.missing.field;\n"
    "    return { status: 200, body: `${host.greeting(request.user)} You are number ${served}.` };\n"
    "}\n";

static hl_error *err;

static void check(hl_status status, const char *what) {
    if (status != HL_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, hl_status_name(status), (const char *)hl_error_message(err).data);
        exit(1);
    }
}

/* A host function for scripts. Its result must live until the outer call ends: hl_call_alloc ensures that. */
static hl_status greeting(void *user_data, hl_call *call, const hl_value *args, size_t n_args, hl_value *result) {
    static const char hello[] = "Good morning, ";
    const hl_bytes name = args[0].as.bytes;
    const size_t len = sizeof hello - 1 + name.len + 1;
    char *text = (char *)hl_call_alloc(call, len);

    (void)user_data, (void)n_args;
    if (text == NULL) {
        return HL_ERR_RESOURCE;
    }
    memcpy(text, hello, sizeof hello - 1);
    memcpy(text + sizeof hello - 1, name.data, name.len);
    text[len - 1] = '!';
    *result = hl_string_n(text, len);
    return HL_OK;
}

/* Calls the script's handler with an object, and gets one. */
static void serve(hl_sandbox *sandbox, const hl_snapshot *warm, const char *path, const char *user) {
    const hl_any_member members[] = {
        hl_any_named("path", hl_any_string(path)),
        hl_any_named("user", hl_any_string(user)),
    };
    const hl_any request = hl_any_record(members, 2);
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_any *response;

    options.timeout_ns = 100 * 1000 * 1000;
    if (hl_script_call(sandbox, &options, "handler", &request, 1, &response, &err) == HL_OK) {
        /* Untrusted: any member may be missing, or of another kind. */
        const hl_any *status = hl_any_get(response, "status"), *body = hl_any_get(response, "body");
        if (status != NULL && status->kind == HL_ANY_F64 && body != NULL && body->kind == HL_ANY_STRING) {
            printf("%.0f: %s\n", status->as.f64, (const char *)body->as.bytes.data);
        }
        hl_any_free(response);
    } else {
        printf("%s: %s\n", hl_status_name(hl_error_code(err)), (const char *)hl_error_message(err).data);
        hl_error_free(err);
        err = NULL;
    }
    check(hl_sandbox_restore(sandbox, warm, &err), "restoring");
}

int main(void) {
    const uint32_t params[] = {HL_STRING};
    const hl_value load[] = {hl_string("handler.js"), hl_string(source)};
    hl_guest *guest = NULL;
    hl_sandbox *sandbox = NULL;
    hl_snapshot *warm = NULL;
    hl_value nothing;

    check(hl_guest_builtin("javascript", &guest, &err), "loading the engine");
    check(hl_sandbox_new(guest, NULL, &sandbox, &err), "making a sandbox");
    check(hl_sandbox_register(sandbox, "greeting", params, 1, HL_STRING, greeting, NULL, NULL, &err), "registering");
    check(hl_sandbox_evolve(sandbox, &err), "starting the engine");
    check(hl_sandbox_call(sandbox, "load", load, 2, &nothing, &err), "loading the script");
    check(hl_sandbox_snapshot(sandbox, &warm, &err), "taking a snapshot");

    serve(sandbox, warm, "/", "Ada");
    serve(sandbox, warm, "/loop", "Eve");
    serve(sandbox, warm, "/oops", "Eve");
    serve(sandbox, warm, "/", "Grace");

    hl_sandbox_free(sandbox);
    hl_snapshot_free(warm);
    hl_guest_free(guest);
    return 0;
}
