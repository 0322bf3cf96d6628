#define _GNU_SOURCE
#include "fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

const char *const fail_names[FAIL_CALLS] = {"fcntl",       "fsync",  "ftruncate", "getrandom", "ioctl",
                                            "lseek",       "madvise", "memfd_create", "mmap",  "open",
                                            "pread",       "pthread_create", "pwrite", "read", "write"};

enum { KVM_CREATE_VM = 0xae01, KVM_CREATE_VCPU = 0xae41, KVM_RUN = 0xae80 };

/* Whether the request can fail like that: waiting can be interrupted, descriptors are lacking where one is made. */
static int can_fail(unsigned long request, int error) {
    switch (error) {
    case EINTR:
        return request == KVM_CREATE_VM || request == KVM_RUN;
    case EMFILE:
        return request == KVM_CREATE_VM || request == KVM_CREATE_VCPU;
    default:
        return 1;
    }
}

static _Thread_local int is_armed_here;
static atomic_int is_armed_everywhere;
static atomic_int armed_call = FAIL_CALLS;
static atomic_int calls_left;
static atomic_int armed_error;
static atomic_int has_failed;

void fail_arm(enum fail_call call, int nth, int error, int everywhere) {
    has_failed = 0;
    armed_error = error;
    calls_left = nth;
    is_armed_everywhere = everywhere;
    is_armed_here = 1;
    armed_call = (int)call;
}

int fail_disarm(void) {
    armed_call = FAIL_CALLS;
    is_armed_here = is_armed_everywhere = 0;
    return has_failed;
}

/* The error that this call is to fail with, or 0. */
static int fault(enum fail_call call) {
    if (armed_call != (int)call || !(is_armed_here || is_armed_everywhere) || atomic_fetch_sub(&calls_left, 1) != 1) {
        return 0;
    }
    has_failed = 1;
    return armed_error;
}

/* Fails, if it is to; else it is the system call. */
#define FAULT(call, otherwise)              \
    do {                                    \
        const int error_of_##call = fault(call); \
        if (error_of_##call != 0) {         \
            errno = error_of_##call;        \
            return otherwise;               \
        }                                   \
    } while (0)

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    const long argument = va_arg(rest, long);
    va_end(rest);
    FAULT(FAIL_FCNTL, -1);
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fsync(int fd) {
    FAULT(FAIL_FSYNC, -1);
    return (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t len) {
    FAULT(FAIL_FTRUNCATE, -1);
    return (int)syscall(SYS_ftruncate, fd, len);
}

ssize_t getrandom(void *to, size_t len, unsigned flags) {
    FAULT(FAIL_GETRANDOM, -1);
    return syscall(SYS_getrandom, to, len, flags);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    const long argument = va_arg(rest, long);
    va_end(rest);
    if (can_fail(request, armed_error)) {
        FAULT(FAIL_IOCTL, -1);
    }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

off64_t lseek64(int fd, off64_t offset, int whence) {
    FAULT(FAIL_LSEEK, -1);
    return syscall(SYS_lseek, fd, offset, whence);
}

off_t lseek(int fd, off_t offset, int whence) {
    return lseek64(fd, offset, whence);
}

int madvise(void *address, size_t len, int advice) {
    FAULT(FAIL_MADVISE, -1);
    return (int)syscall(SYS_madvise, address, len, advice);
}

int memfd_create(const char *name, unsigned flags) {
    FAULT(FAIL_MEMFD_CREATE, -1);
    return (int)syscall(SYS_memfd_create, name, flags);
}

void *mmap64(void *address, size_t len, int access, int flags, int fd, off64_t offset) {
    FAULT(FAIL_MMAP, MAP_FAILED);
    return (void *)syscall(SYS_mmap, address, len, access, flags, fd, offset);
}

void *mmap(void *address, size_t len, int access, int flags, int fd, off_t offset) {
    return mmap64(address, len, access, flags, fd, offset);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    FAULT(FAIL_OPEN, -1);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open64(path, flags, mode);
}

ssize_t pread64(int fd, void *to, size_t len, off64_t offset) {
    FAULT(FAIL_PREAD, -1);
    return syscall(SYS_pread64, fd, to, len, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*original)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    const int error = fault(FAIL_PTHREAD_CREATE);
    if (error != 0) {
        return error;
    }
    if (original == NULL) {
        /* ISO C does not convert a void * to a pointer to a function; POSIX lets it be copied. */
        void *const symbol = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&original, &symbol, sizeof original);
    }
    return original(thread, attributes, start, argument);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off64_t offset) {
    FAULT(FAIL_PWRITE, -1);
    return syscall(SYS_pwrite64, fd, from, len, offset);
}

ssize_t read(int fd, void *to, size_t len) {
    FAULT(FAIL_READ, -1);
    return syscall(SYS_read, fd, to, len);
}

ssize_t write(int fd, const void *from, size_t len) {
    FAULT(FAIL_WRITE, -1);
    return syscall(SYS_write, fd, from, len);
}
