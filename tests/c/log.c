/* The log callback: who gets what, and when its data is freed. */
#include "check.h"

#include <pthread.h>

struct listener {
    int records;
    int frees;
    uint32_t level;
    char target[64];
    char message[64];
};

static void copy(char *to, size_t size, hl_bytes view) {
    CHECK(view.len < size && strlen((const char *)view.data) == view.len);
    memcpy(to, view.data, view.len + 1);
}

static void listen(void *user_data, uint32_t level, hl_bytes target, hl_bytes message) {
    struct listener *listener = (struct listener *)user_data;
    CHECK(listener->frees == 0);
    listener->records++;
    listener->level = level;
    copy(listener->target, sizeof listener->target, target);
    copy(listener->message, sizeof listener->message, message);
}

static void count_free(void *user_data) {
    ((struct listener *)user_data)->frees++;
}

static void say(hl_sandbox *sandbox, const char *text, int32_t level) {
    const hl_value args[] = {hl_string(text), hl_i32(level)};
    call(sandbox, "LogMessage", args, 2);
}

static void levels(hl_sandbox *sandbox) {
    struct listener listener = {0, 0, 0, "", ""};
    for (uint32_t max = HL_LOG_ERROR; max <= HL_LOG_TRACE; max++) {
        listener.frees = 0;
        hl_set_log_callback(max, listen, &listener, count_free);
        CHECK(listener.frees == (max == HL_LOG_ERROR ? 0 : 1));
        listener.frees = 0;
        for (uint32_t level = HL_LOG_ERROR; level <= HL_LOG_TRACE; level++) {
            listener.records = 0;
            say(sandbox, "a message", (int32_t)level);
            CHECK(listener.records == (level <= max));
            CHECK(listener.records == 0 || listener.level == level);
            CHECK(listener.records == 0 || strcmp(listener.message, "a message") == 0);
        }
    }
    CHECK(strlen(listener.target) > 0);

    const hl_value args[] = {hl_string("Grüße\n\x1b[31m"), hl_string("billing"), hl_i32(HL_LOG_WARN)};
    call(sandbox, "LogMessageWithSource", args, 3);
    CHECK(strcmp(listener.target, "billing") == 0 && listener.level == HL_LOG_WARN);
    CHECK(strstr(listener.message, "Grüße") == listener.message);
    CHECK(strchr(listener.message, '\n') == NULL && strchr(listener.message, '\x1b') == NULL);

    /* No guest speaks for the library. */
    const hl_value spoof[] = {hl_string("text"), hl_string("libhyperlight"), hl_i32(HL_LOG_WARN)};
    call(sandbox, "LogMessageWithSource", spoof, 3);
    CHECK(strcmp(listener.target, "guest") == 0);

    /* Off, in both spellings. */
    hl_set_log_callback(HL_LOG_OFF, listen, &listener, count_free);
    CHECK(listener.frees == 1);
    listener.records = listener.frees = 0;
    say(sandbox, "not heard", HL_LOG_ERROR);
    hl_set_log_callback(HL_LOG_TRACE, NULL, NULL, NULL);
    CHECK(listener.frees == 1);
    say(sandbox, "not heard", HL_LOG_ERROR);
    CHECK(listener.records == 0);
    /* More than everything is everything. */
    listener.frees = 0;
    hl_set_log_callback(UINT32_MAX, listen, &listener, NULL);
    say(sandbox, "heard", HL_LOG_TRACE);
    CHECK(listener.records == 1);
    hl_set_log_callback(HL_LOG_OFF, NULL, NULL, NULL);
    CHECK(listener.frees == 0);
}

/* A callback that replaces itself: its data lives until it has returned. */
static struct listener second;

static void replace_itself(void *user_data, uint32_t level, hl_bytes target, hl_bytes message) {
    struct listener *listener = (struct listener *)user_data;
    hl_set_log_callback(HL_LOG_TRACE, listen, &second, count_free);
    CHECK(listener->frees == 0);
    listen(user_data, level, target, message);
}

static void replaced_while_running(hl_sandbox *sandbox) {
    struct listener first = {0, 0, 0, "", ""};
    hl_set_log_callback(HL_LOG_TRACE, replace_itself, &first, count_free);
    say(sandbox, "first", HL_LOG_INFO);
    CHECK(first.records == 1 && first.frees == 1 && second.records == 0);
    say(sandbox, "second", HL_LOG_INFO);
    CHECK(first.records == 1 && second.records == 1 && second.frees == 0);
    hl_set_log_callback(HL_LOG_OFF, NULL, NULL, NULL);
    CHECK(second.frees == 1);
}

/* A callback that uses the sandbox that logs, and another one. */
static hl_sandbox *logging;
static hl_sandbox *other;

static void use_sandboxes(void *user_data, uint32_t level, hl_bytes target, hl_bytes message) {
    hl_value result;
    (void)level, (void)target, (void)message;
    ++*(int *)user_data;
    FAILS(HL_ERR_BUSY, hl_sandbox_call(logging, "NoOp", NULL, 0, &result, &err));
    check_alive(other);
}

static void used_inside(hl_sandbox *sandbox) {
    int records = 0;
    logging = sandbox;
    other = ready_sandbox();
    hl_set_log_callback(HL_LOG_INFO, use_sandboxes, &records, NULL);
    say(sandbox, "text", HL_LOG_INFO);
    CHECK(records == 1);
    hl_set_log_callback(HL_LOG_OFF, NULL, NULL, NULL);
    hl_sandbox_free(other);
}

/* Callbacks are replaced while threads log: each data is freed once, and never used afterwards. */
static void listen_atomically(void *user_data, uint32_t level, hl_bytes target, hl_bytes message) {
    (void)level, (void)target, (void)message;
    CHECK(__atomic_load_n((int *)user_data, __ATOMIC_SEQ_CST) == 0);
}

static int frees;

static void free_memory(void *user_data) {
    __atomic_store_n((int *)user_data, 1, __ATOMIC_SEQ_CST);
    free(user_data);
    __atomic_fetch_add(&frees, 1, __ATOMIC_SEQ_CST);
}

static void *log_often(void *unused) {
    hl_sandbox *sandbox = ready_sandbox();
    (void)unused;
    for (int i = 0; i < 300; i++) {
        say(sandbox, "text", HL_LOG_ERROR);
    }
    hl_sandbox_free(sandbox);
    return NULL;
}

static void replaced_while_others_log(void) {
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, log_often, NULL) == 0);
    }
    for (int i = 0; i < 1000; i++) {
        hl_set_log_callback(HL_LOG_ERROR, listen_atomically, calloc(1, sizeof(int)), free_memory);
    }
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    hl_set_log_callback(HL_LOG_OFF, NULL, NULL, NULL);
    CHECK(frees == 1000);
}

int main(void) {
    hl_sandbox *sandbox = ready_sandbox();
    levels(sandbox);
    replaced_while_running(sandbox);
    used_inside(sandbox);
    replaced_while_others_log();
    hl_sandbox_free(sandbox);
    return 0;
}
