/*
 * What the C tests share. One program tests one thing; it ends with status 0, or at the first check that fails, which
 * it names. C11 and C++11.
 */
#ifndef CHECK_H
#define CHECK_H

#include <hyperlight.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program unless the condition holds. */
#define CHECK(condition) check_that((condition) ? 1 : 0, __FILE__, __LINE__, #condition)

/* Ends the program unless the call gives HL_OK and no error. Its `hl_error **` argument is `&err`. */
#define OK(call) check_status(HL_OK, (call), __FILE__, __LINE__, #call)

/* Ends the program unless the call gives that status, and an error that says the same and why. */
#define FAILS(expected, call) check_status((expected), (call), __FILE__, __LINE__, #call)

/* The same, and the message holds that text. */
#define FAILS_WITH(expected, text, call) check_message((text), FAILS_KEPT(expected, call), __FILE__, __LINE__)
#define FAILS_KEPT(expected, call) check_kept((expected), (call), __FILE__, __LINE__, #call)

/* Where calls under test put their error. One for each thread. */
#ifdef __cplusplus
static thread_local hl_error *err;
#else
static _Thread_local hl_error *err;
#endif

static inline void check_that(int holds, const char *file, int line, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
        exit(1);
    }
}

static inline const char *check_text(void) {
    const char *text = (const char *)hl_error_message(err).data;
    return text == NULL ? "" : text;
}

static inline int check_kept(hl_status expected, hl_status status, const char *file, int line, const char *what) {
    const hl_bytes message = hl_error_message(err);
    if (status != expected || hl_error_code(err) != status || (status == HL_OK) != (err == NULL)) {
        fprintf(stderr, "%s:%d: %s gave %s, not %s; the error is %d: %s\n", file, line, what, hl_status_name(status),
                hl_status_name(expected), (int)hl_error_code(err), check_text());
        exit(1);
    }
    if (status != HL_OK) {
        /* One line, followed by a NUL. */
        check_that(message.len > 0 && strlen(check_text()) == message.len, file, line, "the message is a C string");
        check_that(strchr(check_text(), '\n') == NULL, file, line, "the message is one line");
    }
    return 1;
}

static inline void check_status(hl_status expected, hl_status status, const char *file, int line, const char *what) {
    check_kept(expected, status, file, line, what);
    hl_error_free(err);
    err = NULL;
}

static inline void check_message(const char *text, int kept, const char *file, int line) {
    if (!kept || strstr(check_text(), text) == NULL) {
        fprintf(stderr, "%s:%d: the error does not say `%s`: %s\n", file, line, text, check_text());
        exit(1);
    }
    hl_error_free(err);
    err = NULL;
}

/* The file of the guest that the sandboxes have: the tests' own, which does what the demo guest does and attacks. NULL: the demo
 * guest. */
static const char *guest_file;

/* A sandbox that has not started. */
static inline hl_sandbox *new_sandbox(void) {
    hl_guest *guest;
    hl_sandbox *sandbox;
    if (guest_file != NULL) {
        OK(hl_guest_from_file(guest_file, &guest, &err));
    } else {
        OK(hl_guest_builtin("demo", &guest, &err));
    }
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    hl_guest_free(guest);
    return sandbox;
}

/* Registers a host function without parameters. */
static inline void add_function(hl_sandbox *sandbox, const char *name, uint32_t returns, hl_host_fn function,
                                void *user_data) {
    OK(hl_sandbox_register(sandbox, name, NULL, 0, returns, function, user_data, NULL, &err));
}

/* A sandbox that serves calls. */
static inline hl_sandbox *ready_sandbox(void) {
    hl_sandbox *sandbox = new_sandbox();
    OK(hl_sandbox_evolve(sandbox, &err));
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_READY);
    return sandbox;
}

/* Calls a function that must succeed. */
static inline hl_value call(hl_sandbox *sandbox, const char *function, const hl_value *args, size_t n_args) {
    hl_value result;
    OK(hl_sandbox_call(sandbox, function, args, n_args, &result, &err));
    return result;
}

/* Confirms that the sandbox serves calls. */
static inline void check_alive(hl_sandbox *sandbox) {
    const hl_value seven = hl_i32(7);
    const hl_value result = call(sandbox, "EchoI32", &seven, 1);
    CHECK(result.kind == HL_I32 && result.as.i32 == 7);
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_READY);
}

/* Confirms that the sandbox serves nothing but freeing. */
static inline void check_poisoned(hl_sandbox *sandbox) {
    hl_value result;
    CHECK(hl_sandbox_state(sandbox) == HL_STATE_POISONED);
    FAILS(HL_ERR_POISONED, hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &err));
    CHECK(result.kind == HL_VOID);
}

/* Whether it is that text, bit for bit. */
static inline int is_text(hl_bytes view, const char *text) {
    return view.len == strlen(text) && memcmp(view.data, text, view.len) == 0;
}

#endif
