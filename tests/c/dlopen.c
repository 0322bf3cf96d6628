/* The library loaded, unloaded and loaded again at run time, with a sandbox alive in between. Its path is the argument. */
#include <hyperlight.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;

static void *find(const char *name) {
    void *const symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return symbol;
}

/* Every function that is used, under its own name. */
static struct {
    hl_status (*hl_guest_builtin)(const char *, hl_guest **, hl_error **);
    hl_status (*hl_sandbox_new)(const hl_guest *, const hl_sandbox_options *, hl_sandbox **, hl_error **);
    hl_status (*hl_sandbox_evolve)(hl_sandbox *, hl_error **);
    hl_status (*hl_sandbox_call)(hl_sandbox *, const char *, const hl_value *, size_t, hl_value *, hl_error **);
    void (*hl_sandbox_free)(hl_sandbox *);
    void (*hl_guest_free)(hl_guest *);
} hl;

/* ISO C does not convert a void * to a pointer to a function; POSIX lets it be copied. */
#define FIND(name)                                \
    do {                                          \
        void *const symbol = find(#name);         \
        memcpy(&hl.name, &symbol, sizeof symbol); \
    } while (0)

static void load(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    FIND(hl_guest_builtin);
    FIND(hl_sandbox_new);
    FIND(hl_sandbox_evolve);
    FIND(hl_sandbox_call);
    FIND(hl_sandbox_free);
    FIND(hl_guest_free);
}

static int add_one(hl_sandbox *sandbox) {
    const hl_value one = hl_i32(1);
    hl_value result;
    return hl.hl_sandbox_call(sandbox, "AddToStatic", &one, 1, &result, NULL) == HL_OK ? (int)result.as.i32 : -1;
}

int main(int argc, char **argv) {
    hl_guest *guest;
    hl_sandbox *sandbox;

    if (argc != 2) {
        return 5;
    }
    load(argv[1]);
    if (hl.hl_guest_builtin("demo", &guest, NULL) != HL_OK || hl.hl_sandbox_new(guest, NULL, &sandbox, NULL) != HL_OK ||
        hl.hl_sandbox_evolve(sandbox, NULL) != HL_OK) {
        return 1;
    }
    for (int i = 1; i <= 3; i++) {
        if (add_one(sandbox) != i) {
            return 2;
        }
        /* Unloading does nothing; what was made lives on, and so does the code that serves it. */
        if (dlclose(library) != 0 || add_one(sandbox) == 0) {
            return 3;
        }
        load(argv[1]);
        const hl_value minus_one = hl_i32(-1);
        hl_value result;
        if (hl.hl_sandbox_call(sandbox, "AddToStatic", &minus_one, 1, &result, NULL) != HL_OK) {
            return 4;
        }
    }
    hl.hl_sandbox_free(sandbox);
    hl.hl_guest_free(guest);
    return dlclose(library);
}
