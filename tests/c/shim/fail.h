/*
 * Makes one call of the library's fail: the Nth from now on of one of these functions of the C library.
 *
 * The program's own definitions come before those of the C library, for the shared libraries that it links, too. (The
 * same as by LD_PRELOAD, which the sanitizers want for themselves.)
 */
#ifndef FAIL_H
#define FAIL_H

enum fail_call {
    FAIL_FCNTL,
    FAIL_FSYNC,
    FAIL_FTRUNCATE,
    FAIL_GETRANDOM,
    FAIL_IOCTL,
    FAIL_LSEEK,
    FAIL_MADVISE,
    FAIL_MEMFD_CREATE,
    FAIL_MMAP,
    FAIL_OPEN,
    FAIL_PREAD,
    FAIL_PTHREAD_CREATE,
    FAIL_PWRITE,
    FAIL_READ,
    FAIL_WRITE,
    FAIL_CALLS
};

extern const char *const fail_names[FAIL_CALLS];

/* From now on the `nth` call (counted from 1) fails with that error; of this thread, or of any. An ioctl counts only if it can
 * fail like that. */
void fail_arm(enum fail_call call, int nth, int error, int everywhere);

/* From now on nothing fails. Whether something has. */
int fail_disarm(void);

#endif
