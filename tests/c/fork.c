/* A sandbox that has evolved belongs to the process that made it. A forked child is told so, and may make its own. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

/* Waits for a child that must have ended well. */
static void check_child(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the child ended with status %#x\n", (unsigned)status);
        exit(1);
    }
}

/* Ends a child well. It becomes another program, so that nobody looks for leaks in it: what belongs to threads that only
 * the parent has looks lost in the child. */
static void end_child(void) {
    execlp("true", "true", (char *)NULL);
    _exit(1);
}

/* Everything that a child may try with its parent's sandbox. */
static void check_unusable(hl_sandbox *sandbox) {
    hl_value result;
    FAILS_WITH(HL_ERR_STATE, "forked", hl_sandbox_call(sandbox, "NoOp", NULL, 0, &result, &err));
    FAILS(HL_ERR_STATE, hl_sandbox_evolve(sandbox, &err));
    CHECK(hl_sandbox_function_count(sandbox) > 0);
}

static void child_of_a_ready_sandbox(void) {
    hl_sandbox *sandbox = ready_sandbox();
    const hl_value one = hl_i32(1);
    pid_t child;

    call(sandbox, "AddToStatic", &one, 1);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        check_unusable(sandbox);
        hl_sandbox_free(sandbox);
        hl_sandbox *own = ready_sandbox();
        check_alive(own);
        CHECK(call(own, "GetStatic", NULL, 0).as.i32 == 0);
        hl_sandbox_free(own);
        end_child();
    }
    check_child(child);
    /* The parent's is as it was. */
    CHECK(call(sandbox, "AddToStatic", &one, 1).as.i32 == 2);
    hl_sandbox_free(sandbox);
}

/* One that has not started can be started on either side. */
static void child_of_an_uninitialized_sandbox(void) {
    hl_sandbox *sandbox = new_sandbox();
    const pid_t child = fork();
    CHECK(child >= 0);
    OK(hl_sandbox_evolve(sandbox, &err));
    check_alive(sandbox);
    hl_sandbox_free(sandbox);
    if (child == 0) {
        end_child();
    }
    check_child(child);
}

static hl_sandbox *running;
static pid_t child_inside;

/* Forks inside a call. The child finds the sandbox in use, by a thread that it does not have. */
static hl_status fork_inside(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                             hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    child_inside = fork();
    CHECK(child_inside >= 0);
    if (child_inside == 0) {
        check_unusable(running);
        end_child();
    }
    return HL_OK;
}

/* The same, but the child comes back from the callback: its call fails, the parent's goes on. */
static hl_status fork_and_return(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                                 hl_value *result) {
    (void)user_data, (void)in_progress, (void)args, (void)n_args, (void)result;
    child_inside = fork();
    CHECK(child_inside >= 0);
    return HL_OK;
}

static void child_of_a_running_sandbox(void) {
    hl_value loop[] = {hl_string("ForkInside"), hl_u32(1)};
    hl_value result;

    running = new_sandbox();
    add_function(running, "ForkInside", HL_VOID, fork_inside, NULL);
    add_function(running, "ForkAndReturn", HL_VOID, fork_and_return, NULL);
    OK(hl_sandbox_evolve(running, &err));
    call(running, "HostCallLoop", loop, 2);
    check_child(child_inside);

    loop[0] = hl_string("ForkAndReturn");
    const hl_status status = hl_sandbox_call(running, "HostCallLoop", loop, 2, &result, &err);
    if (child_inside == 0) {
        CHECK(status == HL_ERR_STATE);
        hl_error_free(err);
        hl_sandbox_free(running);
        end_child();
    }
    CHECK(status == HL_OK);
    check_child(child_inside);
    check_alive(running);
    hl_sandbox_free(running);
}

int main(void) {
    child_of_a_ready_sandbox();
    child_of_an_uninitialized_sandbox();
    child_of_a_running_sandbox();
    return 0;
}
