/* The scripts of tests/values/operations.txt, which every language replays: what sandboxes answer, whatever is done with them.
 * The argument is that file.
 *
 * A freed handle must not be used, so that nothing is played that comes after `close`; in a host function the handle is
 * still there, and all is played but what would free it again, or asks for its state. */
#include "check.h"

#define MOST 64

typedef struct step step;
struct step {
    int number;
    char *words[8];
    size_t n_words;
    const char *answer, *says;
    const step *inside;
    size_t n_inside;
};

/* What the script has. */
static struct {
    hl_sandbox *sandbox;
    hl_pool *pool;
    hl_interrupt *interrupt;
    int is_freed;
    int is_script;
    /* What the next host function does. */
    const step *inside;
    size_t n_inside;
    struct {
        const char *name;
        hl_snapshot *snapshot;
    } snapshots[4];
    size_t n_snapshots;
} played;

static char answer[256];

static hl_status ok(hl_status status) {
    strcpy(answer, "ok");
    return status;
}

static void play(const step *steps, size_t count);

static hl_status look(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args, hl_value *result) {
    const step *inside = played.inside;
    const size_t n_inside = played.n_inside;
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    played.n_inside = 0;
    play(inside, n_inside);
    return HL_OK;
}

static hl_snapshot *demo_snapshot(void) {
    hl_snapshot *snapshot;
    hl_sandbox *sandbox = ready_sandbox();
    OK(hl_sandbox_snapshot(sandbox, &snapshot, &err));
    hl_sandbox_free(sandbox);
    return snapshot;
}

static hl_sandbox *of_script(const char *source) {
    hl_guest *javascript, *guest;
    hl_sandbox *sandbox;
    OK(hl_guest_builtin("javascript", &javascript, &err));
    OK(hl_guest_with_payload(javascript, hl_view(source), HL_READ, &guest, &err));
    OK(hl_sandbox_new(guest, NULL, &sandbox, &err));
    hl_guest_free(guest);
    hl_guest_free(javascript);
    return sandbox;
}

static void make(const char *source) {
    if (strcmp(source, "demo") == 0) {
        played.sandbox = new_sandbox();
    } else if (strcmp(source, "broken") == 0) {
        played.sandbox = of_script("throw new Error('no')");
    } else if (strcmp(source, "script") == 0) {
        played.sandbox = of_script("let count = 0;"
                                   "globalThis.add = (a, b) => a + b;"
                                   "globalThis.next = () => count += 1;"
                                   "globalThis.spin = () => { for (;;) {} }");
        played.is_script = 1;
    } else if (strcmp(source, "clone") == 0) {
        hl_snapshot *snapshot;
        hl_sandbox *start = new_sandbox();
        add_function(start, "Look", HL_VOID, look, NULL);
        OK(hl_sandbox_evolve(start, &err));
        OK(hl_sandbox_snapshot(start, &snapshot, &err));
        OK(hl_sandbox_from_snapshot(snapshot, NULL, &played.sandbox, &err));
        hl_snapshot_free(snapshot);
        hl_sandbox_free(start);
    } else {
        hl_pool_options options = HL_POOL_OPTIONS_INIT;
        hl_snapshot *snapshot = demo_snapshot();
        CHECK(strcmp(source, "member") == 0);
        options.max = 1;
        OK(hl_pool_new(snapshot, &options, &played.pool, &err));
        OK(hl_pool_acquire(played.pool, &played.sandbox, &err));
        hl_snapshot_free(snapshot);
    }
    played.interrupt = hl_sandbox_interrupt_handle(played.sandbox);
    CHECK(played.interrupt != NULL);
}

static const char *state(void) {
    static const char *const names[] = {"uninitialized", "ready", "running", "poisoned"};
    const uint32_t found = hl_sandbox_state(played.sandbox);
    CHECK(found < sizeof names / sizeof names[0]);
    return names[found];
}

static hl_status functions(void) {
    hl_function_info info;
    /* It gives no error object, so no text either. */
    return ok(hl_sandbox_function(played.sandbox, 0, &info));
}

/* Calls a script's function with numbers, as JSON. */
static hl_status call_script(char *const *words, size_t count, uint64_t ms) {
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value values[2], result;
    hl_status status;
    char json[64] = "[";
    for (size_t i = 1; i < count; i++) {
        CHECK(strncmp(words[i], "i32:", 4) == 0 && strlen(json) + strlen(words[i]) < sizeof json);
        strcat(json, i > 1 ? "," : "");
        strcat(json, words[i] + 4);
    }
    strcat(json, "]");
    options.timeout_ns = ms * 1000000;
    values[0] = hl_string(words[0]);
    values[1] = hl_string(json);
    status = hl_sandbox_call_with(played.sandbox, &options, "call", values, 2, &result, &err);
    if (status == HL_OK) {
        CHECK(result.kind == HL_STRING);
        snprintf(answer, sizeof answer, "%.*s", (int)result.as.bytes.len, (const char *)result.as.bytes.data);
    }
    if (strcmp(answer, "{\"$number\":\"NaN\"}") == 0) {
        strcpy(answer, "NaN");
    }
    return status;
}

static hl_status call_it(char *const *words, size_t count, uint64_t ms) {
    hl_call_options options = HL_CALL_OPTIONS_INIT;
    hl_value values[4], result;
    hl_status status;
    CHECK(count >= 1 && count <= 5);
    if (played.is_script) {
        return call_script(words, count, ms);
    }
    options.timeout_ns = ms * 1000000;
    for (size_t i = 1; i < count; i++) {
        if (strncmp(words[i], "i32:", 4) == 0) {
            values[i - 1] = hl_i32((int32_t)strtol(words[i] + 4, NULL, 10));
        } else if (strncmp(words[i], "u32:", 4) == 0) {
            values[i - 1] = hl_u32((uint32_t)strtoul(words[i] + 4, NULL, 10));
        } else {
            values[i - 1] = hl_string(words[i]);
        }
    }
    status = hl_sandbox_call_with(played.sandbox, &options, words[0], values, count - 1, &result, &err);
    switch (result.kind) {
    case HL_I32:
        snprintf(answer, sizeof answer, "%d", (int)result.as.i32);
        break;
    case HL_U32:
        snprintf(answer, sizeof answer, "%u", (unsigned)result.as.u32);
        break;
    case HL_STRING:
        snprintf(answer, sizeof answer, "%.*s", (int)result.as.bytes.len, (const char *)result.as.bytes.data);
        break;
    default:
        CHECK(result.kind == HL_VOID);
        strcpy(answer, "ok");
    }
    return status;
}

/* The snapshot of that name, or one of a demo guest. */
static hl_snapshot *taken(const char *name) {
    for (size_t i = 0; i < played.n_snapshots; i++) {
        if (strcmp(played.snapshots[i].name, name) == 0) {
            return played.snapshots[i].snapshot;
        }
    }
    CHECK(played.n_snapshots < 4);
    played.snapshots[played.n_snapshots].name = name;
    return played.snapshots[played.n_snapshots++].snapshot = demo_snapshot();
}

static hl_status done(const step *it) {
    const char *operation = it->words[0], *word = it->words[1];
    hl_sandbox *sandbox = played.sandbox;
    if (strcmp(operation, "new") == 0) {
        make(word);
        return ok(HL_OK);
    }
    if (strcmp(operation, "state") == 0) {
        strcpy(answer, state());
        return HL_OK;
    }
    if (strcmp(operation, "interrupt") == 0) {
        strcpy(answer, hl_interrupt_fire(played.interrupt) ? "true" : "false");
        return HL_OK;
    }
    if (strcmp(operation, "close") == 0) {
        hl_sandbox_free(sandbox);
        played.is_freed = 1;
        return ok(HL_OK);
    }
    if (strcmp(operation, "functions") == 0) {
        return functions();
    }
    if (strcmp(operation, "evolve") == 0) {
        return ok(hl_sandbox_evolve(sandbox, &err));
    }
    if (strcmp(operation, "register") == 0) {
        return ok(hl_sandbox_register(sandbox, word, NULL, 0, HL_VOID, look, NULL, NULL, &err));
    }
    if (strcmp(operation, "unregister") == 0) {
        int32_t found = 2;
        const hl_status status = hl_sandbox_unregister_found(sandbox, word, &found, &err);
        CHECK(found == 0 || (found == 1 && status == HL_OK));
        strcpy(answer, found ? "true" : "false");
        return status;
    }
    if (strcmp(operation, "snapshot") == 0) {
        hl_snapshot *snapshot = NULL;
        const hl_status status = hl_sandbox_snapshot(sandbox, &snapshot, &err);
        if (status == HL_OK) {
            CHECK(played.n_snapshots < 4);
            played.snapshots[played.n_snapshots].name = word;
            played.snapshots[played.n_snapshots++].snapshot = snapshot;
        }
        return ok(status);
    }
    if (strcmp(operation, "restore") == 0) {
        return ok(hl_sandbox_restore(sandbox, taken(word), &err));
    }
    if (strcmp(operation, "call") == 0) {
        return call_it(it->words + 1, it->n_words - 1, 0);
    }
    CHECK(strcmp(operation, "call_for") == 0);
    return call_it(it->words + 2, it->n_words - 2, strtoul(word, NULL, 10));
}

static void play_one(const step *it) {
    const char *operation = it->words[0];
    if (played.is_freed && (strcmp(operation, "state") == 0 || strcmp(operation, "close") == 0)) {
        return;
    }
    played.inside = it->inside;
    played.n_inside = it->n_inside;
    const hl_status status = done(it);
    if (status != HL_OK) {
        snprintf(answer, sizeof answer, "%s", hl_status_name(status) + strlen("HL_ERR_"));
    }
    const int has_message = strcmp(operation, "functions") != 0 && status != HL_OK;
    if (strcmp(answer, it->answer) != 0 || (has_message && strstr(check_text(), it->says) == NULL)) {
        fprintf(stderr, "line %d: %s %s gave %s, not %s; %s\n", it->number, operation,
                it->n_words > 1 ? it->words[1] : "", answer, it->answer, check_text());
        exit(1);
    }
    hl_error_free(err);
    err = NULL;
    CHECK(played.n_inside == 0);
}

static void play(const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        play_one(&steps[i]);
    }
}

/* A script has come to its end. */
static void play_script(const step *steps, size_t count) {
    for (size_t i = 0; i < count && !played.is_freed; i++) {
        play_one(&steps[i]);
    }
    if (!played.is_freed && count > 0) {
        hl_sandbox_free(played.sandbox);
    }
    for (size_t i = 0; i < played.n_snapshots; i++) {
        hl_snapshot_free(played.snapshots[i].snapshot);
    }
    hl_interrupt_free(played.interrupt);
    hl_pool_free(played.pool);
    memset(&played, 0, sizeof played);
}

/* The step of a line, which is cut into pieces. */
static step parsed(char *line, int number) {
    step it = {number, {NULL}, 0, "ok", "", NULL, 0};
    char *arrow = strstr(line, " -> ");
    if (arrow != NULL) {
        *arrow = '\0';
        char *colon = strstr(arrow + 4, ": ");
        if (colon != NULL) {
            *colon = '\0';
            it.says = colon + 2;
        }
        it.answer = arrow + 4;
    }
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        CHECK(it.n_words < 8);
        it.words[it.n_words++] = word;
    }
    return it;
}

int main(int argc, char **argv) {
    static char text[64 << 10];
    static step steps[MOST], inside[MOST];
    size_t n_steps = 0, n_inside = 0;
    int number = 0, scripts = 0;

    CHECK(argc == 2);
    FILE *file = fopen(argv[1], "r");
    CHECK(file != NULL);
    const size_t len = fread(text, 1, sizeof text - 1, file);
    CHECK(len > 0 && len < sizeof text - 1);
    fclose(file);
    for (char *line = text, *end; line < text + len; line = end + 1) {
        end = strchr(line, '\n');
        CHECK(end != NULL);
        *end = '\0';
        number++;
        if (strncmp(line, "script ", 7) == 0) {
            play_script(steps, n_steps);
            n_steps = n_inside = 0;
            scripts++;
        } else if (strncmp(line, "| ", 2) == 0) {
            CHECK(n_steps > 0 && n_inside < MOST);
            step *around = &steps[n_steps - 1];
            inside[n_inside] = parsed(line + 2, number);
            around->inside = around->n_inside == 0 ? &inside[n_inside] : around->inside;
            around->n_inside++;
            n_inside++;
        } else if (*line != '\0' && *line != '#') {
            CHECK(n_steps < MOST);
            steps[n_steps++] = parsed(line, number);
        }
    }
    play_script(steps, n_steps);
    CHECK(scripts > 10);
    return 0;
}
