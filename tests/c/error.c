/* Errors: who owns them, how long they live, what they say. The argument is the guest of the tests. */
#include "check.h"

#include <pthread.h>

static hl_error *fault_of(const char *function, const hl_value *args, size_t n_args, hl_status expected) {
    hl_sandbox *sandbox = ready_sandbox();
    hl_error *fault = NULL;
    hl_value result;
    CHECK(hl_sandbox_call(sandbox, function, args, n_args, &result, &fault) == expected);
    /* The error outlives the sandbox. */
    hl_sandbox_free(sandbox);
    CHECK(hl_error_code(fault) == expected);
    return fault;
}

static void untouched_on_success(void) {
    hl_sandbox *sandbox = ready_sandbox();
    hl_error *const mark = (hl_error *)&sandbox;
    hl_error *place = mark;
    hl_value result;
    CHECK(hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &place) == HL_OK);
    CHECK(place == mark);
    CHECK(hl_probe(&place) == HL_OK && place == mark);
    /* Without a place for an error there is the status. */
    CHECK(hl_sandbox_call(sandbox, "NoSuchFunction", NULL, 0, &result, NULL) == HL_ERR_FUNCTION_NOT_FOUND);
    hl_sandbox_free(sandbox);
}

static void lives_until_freed(void) {
    hl_sandbox *sandbox = ready_sandbox();
    const hl_value first_args[] = {hl_i32(-70), hl_string("the first")};
    const hl_value second_args[] = {hl_i32(INT32_MAX), hl_string("the second")};
    hl_error *first = NULL;
    hl_error *second = NULL;
    hl_value result;

    CHECK(hl_sandbox_call(sandbox, "ReturnError", first_args, 2, &result, &first) == HL_ERR_GUEST_ERROR);
    const hl_bytes message = hl_error_message(first);
    CHECK(hl_sandbox_call(sandbox, "ReturnError", second_args, 2, &result, &second) == HL_ERR_GUEST_ERROR);
    hl_sandbox_free(sandbox);
    CHECK(is_text(message, "the first") && is_text(hl_error_message(first), "the first"));
    CHECK(hl_error_message(first).data == message.data);
    CHECK(hl_error_guest_code(first) == -70);
    CHECK(is_text(hl_error_message(second), "the second") && hl_error_guest_code(second) == INT32_MAX);
    CHECK(hl_error_code(first) == HL_ERR_GUEST_ERROR);
    hl_error_free(first);
    CHECK(is_text(hl_error_message(second), "the second"));
    hl_error_free(second);
}

static void says_where(void) {
    const hl_value address = hl_u64(0x123456789000);
    hl_fault_info info;
    hl_error *fault = fault_of("ReadAddress", &address, 1, HL_ERR_GUEST_FAULT);
    CHECK(hl_error_fault(fault, &info) == HL_OK);
    CHECK(info.vector == 14 && info.access == HL_ACCESS_READ && info.address == 0x123456789000);
    CHECK(info.instruction != 0);
    CHECK(hl_error_fault_kind(fault) == HL_FAULT_UNMAPPED_ACCESS);
    CHECK(strlen((const char *)info.function.data) == info.function.len);
    CHECK(strstr((const char *)hl_error_message(fault).data, "0x123456789000") != NULL);
    hl_error_free(fault);

    const hl_value write[] = {hl_u64(0), hl_u64(1)};
    fault = fault_of("WriteAddress", write, 2, HL_ERR_GUEST_FAULT);
    CHECK(hl_error_fault(fault, &info) == HL_OK);
    CHECK(info.vector == 14 && info.access == HL_ACCESS_WRITE && info.address == 0);
    CHECK(hl_error_fault_kind(fault) == HL_FAULT_NULL_ACCESS);
    hl_error_free(fault);

    fault = fault_of("ExecuteOnHeap", NULL, 0, HL_ERR_GUEST_FAULT);
    CHECK(hl_error_fault(fault, &info) == HL_OK && info.access == HL_ACCESS_EXECUTE);
    CHECK(hl_error_fault_kind(fault) == HL_FAULT_EXECUTE_OF_DATA);
    hl_error_free(fault);

    fault = fault_of("TriggerException", NULL, 0, HL_ERR_GUEST_FAULT);
    CHECK(hl_error_fault(fault, &info) == HL_OK);
    CHECK(info.vector == 6 && info.access == HL_ACCESS_NONE && info.address == 0);
    CHECK(hl_error_fault(fault, NULL) == HL_ERR_INVALID_ARGUMENT);
    CHECK(hl_error_fault_kind(fault) == HL_FAULT_ILLEGAL_INSTRUCTION);
    hl_error_free(fault);

    fault = fault_of("InfiniteRecursion", NULL, 0, HL_ERR_STACK_OVERFLOW);
    CHECK(hl_error_fault(fault, &info) == HL_OK && info.vector == 14);
    CHECK(hl_error_fault_kind(fault) == HL_FAULT_STACK_OVERFLOW);
    hl_error_free(fault);
}

static void no_fault_is_all_zeros(void) {
    const hl_value args[] = {hl_i32(3), hl_string("text")};
    hl_error *error = fault_of("GuestAbortWithMessage", args, 2, HL_ERR_GUEST_ABORT);
    hl_fault_info info;
    hl_fault_info zeros;
    memset(&info, 0xff, sizeof info);
    memset(&zeros, 0, sizeof zeros);
    CHECK(hl_error_fault(error, &info) == HL_ERR_INVALID_ARGUMENT);
    CHECK(memcmp(&info, &zeros, sizeof info) == 0);
    CHECK(hl_error_fault_kind(error) == HL_FAULT_NONE);
    CHECK(hl_error_guest_code(error) == 3);
    hl_error_free(error);
}

/* What a guest says is made fit for one line of a terminal. */
static void text_of_guests_is_tamed(void) {
    hl_sandbox *sandbox = ready_sandbox();
    const hl_value args[] = {hl_i32(1), hl_string_n("two\nlines \x1b[31mred\x1b[0m \0 end", 28)};
    hl_value result;
    FAILS_WITH(HL_ERR_GUEST_ERROR, "two\\nlines", hl_sandbox_call(sandbox, "ReturnError", args, 2, &result, &err));
    hl_sandbox_free(sandbox);
}

/* Details come as they are, with a NUL behind them; an error without has none. */
static void details_come_as_they_are(void) {
    hl_sandbox *sandbox = ready_sandbox();
    const hl_value args[] = {hl_i32(-7), hl_string("a line"), hl_string_n("{\"stack\": 1}\n\x1b \0 end", 20)};
    hl_value result;
    hl_error *error = NULL;
    CHECK(hl_sandbox_call(sandbox, "ReturnErrorWithDetails", args, 3, &result, &error) == HL_ERR_GUEST_ERROR);
    CHECK(is_text(hl_error_message(error), "a line") && hl_error_guest_code(error) == -7);
    const hl_bytes details = hl_error_details(error);
    CHECK(details.len == args[2].as.bytes.len && memcmp(details.data, args[2].as.bytes.data, details.len + 1) == 0);
    hl_error_free(error);
    CHECK(hl_sandbox_call(sandbox, "ReturnError", args, 2, &result, &error) == HL_ERR_GUEST_ERROR);
    CHECK(hl_error_details(error).len == 0 && hl_error_details(error).data == NULL);
    hl_error_free(error);
    hl_sandbox_free(sandbox);
}

/* Threads that fail at the same time get their own errors. */
static void *fail_often(void *number) {
    hl_sandbox *sandbox = ready_sandbox();
    const int32_t code = *(const int32_t *)number;
    char text[32];
    snprintf(text, sizeof text, "this is %d", (int)code);
    const hl_value args[] = {hl_i32(code), hl_string(text)};
    for (int i = 0; i < 200; i++) {
        hl_value result;
        hl_error *mine = NULL;
        CHECK(hl_sandbox_call(sandbox, "ReturnError", args, 2, &result, &mine) == HL_ERR_GUEST_ERROR);
        CHECK(hl_error_guest_code(mine) == code && is_text(hl_error_message(mine), text));
        hl_error_free(mine);
    }
    hl_sandbox_free(sandbox);
    return NULL;
}

static void threads_have_their_own(void) {
    pthread_t threads[4];
    int32_t numbers[4] = {10, 20, 30, 40};
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, fail_often, &numbers[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    guest_file = argv[1];
    untouched_on_success();
    lives_until_freed();
    says_where();
    no_fault_is_all_zeros();
    text_of_guests_is_tamed();
    details_come_as_they_are();
    threads_have_their_own();
    return 0;
}
