/*
 * A process that ends while its virtual machines are being closed. LeakSanitizer stops all threads at exit, and waited
 * for ever for one that was inside such a close (case 39); `ci/test-c` runs the sanitized program many times.
 *
 *   exit          drops sandboxes and ends
 *   exit busy     ends while another thread still makes and drops them
 */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>

enum { SANDBOXES = 12 };

static sem_t is_dropping;

static hl_sandbox *started(void) {
    hl_sandbox *sandbox = new_sandbox();
    OK(hl_sandbox_evolve(sandbox, &err));
    return sandbox;
}

static void *make_and_drop(void *nothing) {
    for (int n = 0; n < 200; n++) {
        hl_sandbox_free(started());
        sem_post(&is_dropping);
    }
    return nothing;
}

int main(int count, char **arguments) {
    (void)arguments;
    hl_sandbox *sandboxes[SANDBOXES];
    for (int n = 0; n < SANDBOXES; n++) {
        sandboxes[n] = started();
    }
    if (count > 1) {
        pthread_t thread;
        CHECK(sem_init(&is_dropping, 0, 0) == 0);
        CHECK(pthread_create(&thread, NULL, make_and_drop, NULL) == 0);
        CHECK(pthread_detach(thread) == 0);
        sem_wait(&is_dropping);
    }
    for (int n = 0; n < SANDBOXES; n++) {
        hl_sandbox_free(sandboxes[n]);
    }
    return 0;
}
