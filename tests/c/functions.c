/* What a guest can do, listed: names, kinds, and how long the list lives. */
#include "check.h"

static int has(const hl_function_info *function, uint32_t returns, size_t n, const uint32_t *params) {
    return function->return_kind == returns && function->n_params == n &&
           memcmp(function->param_kinds, params, n * sizeof *params) == 0;
}

int main(void) {
    hl_sandbox *sandbox = new_sandbox();
    hl_function_info function;
    size_t found = 0;

    CHECK(hl_sandbox_function_count(sandbox) == 0);
    CHECK(hl_sandbox_function(sandbox, 0, &function) == HL_ERR_STATE);
    OK(hl_sandbox_evolve(sandbox, &err));
    const size_t count = hl_sandbox_function_count(sandbox);
    CHECK(count > 10);
    for (size_t i = 0; i < count; i++) {
        memset(&function, 0xff, sizeof function);
        CHECK(hl_sandbox_function(sandbox, i, &function) == HL_OK);
        CHECK(function.name.len > 0 && strlen((const char *)function.name.data) == function.name.len);
        CHECK(function.n_params <= 32 && function.return_kind <= HL_BYTES);
        for (size_t k = 0; k < function.n_params; k++) {
            CHECK(function.param_kinds[k] > HL_VOID && function.param_kinds[k] <= HL_BYTES);
        }
        const char *name = (const char *)function.name.data;
        if (strcmp(name, "Add") == 0) {
            CHECK(has(&function, HL_I32, 2, (const uint32_t[]){HL_I32, HL_I32}));
            found++;
        } else if (strcmp(name, "NoOp") == 0) {
            CHECK(has(&function, HL_VOID, 0, (const uint32_t[]){0}));
            found++;
        } else if (strcmp(name, "PrintElevenArgs") == 0) {
            CHECK(has(&function, HL_I32, 11,
                      (const uint32_t[]){HL_STRING, HL_I32, HL_I64, HL_STRING, HL_STRING, HL_BOOL, HL_BOOL, HL_U32,
                                         HL_U64, HL_I32, HL_F32}));
            found++;
        } else if (strcmp(name, "SetByteArrayToZero") == 0) {
            CHECK(has(&function, HL_BYTES, 1, (const uint32_t[]){HL_BYTES}));
            found++;
        }
    }
    CHECK(found == 4);
    CHECK(hl_sandbox_function(sandbox, count, &function) == HL_ERR_INVALID_ARGUMENT);
    CHECK(function.name.len == 0 && function.n_params == 0);
    CHECK(hl_sandbox_function(sandbox, SIZE_MAX, &function) == HL_ERR_INVALID_ARGUMENT);

    /* The list outlives the guest's end, and every call. */
    hl_function_info first;
    hl_value result;
    CHECK(hl_sandbox_function(sandbox, 0, &first) == HL_OK);
    char name[256];
    snprintf(name, sizeof name, "%s", (const char *)first.name.data);
    FAILS(HL_ERR_GUEST_FAULT, hl_sandbox_call(sandbox, "TriggerException", NULL, 0, &result, &err));
    CHECK(hl_sandbox_function_count(sandbox) == count);
    CHECK(strcmp((const char *)first.name.data, name) == 0);
    hl_sandbox_free(sandbox);
    return 0;
}
