//! The numbers and names of Linux's system calls for x86-64.

macro_rules! numbers {
    ($($name:ident = $number:literal),* $(,)?) => {
        $(pub(crate) const $name: u64 = $number;)*
    };
}

numbers! {
    READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, STAT = 4, FSTAT = 5, LSTAT = 6, POLL = 7, LSEEK = 8, MMAP = 9,
    MPROTECT = 10, MUNMAP = 11, BRK = 12, RT_SIGACTION = 13, RT_SIGPROCMASK = 14, RT_SIGRETURN = 15, IOCTL = 16,
    PREAD64 = 17, PWRITE64 = 18, READV = 19, WRITEV = 20, ACCESS = 21, PIPE = 22, SELECT = 23, SCHED_YIELD = 24,
    MREMAP = 25, MSYNC = 26, MADVISE = 28, DUP = 32, DUP2 = 33, PAUSE = 34, NANOSLEEP = 35, GETITIMER = 36, ALARM =
    37, SETITIMER = 38, GETPID = 39, SENDFILE = 40, SOCKET = 41, SENDTO = 44, RECVFROM = 45, SHUTDOWN = 48,
    GETSOCKNAME = 51, GETPEERNAME = 52, SOCKETPAIR = 53, SETSOCKOPT = 54, GETSOCKOPT = 55, CLONE = 56, FORK = 57,
    VFORK = 58, EXECVE = 59, EXIT = 60, WAIT4 = 61, KILL = 62, UNAME = 63, FCNTL = 72, FLOCK = 73, FSYNC = 74,
    FDATASYNC = 75, TRUNCATE = 76, FTRUNCATE = 77, GETCWD = 79, CHDIR = 80, FCHDIR = 81, RENAME = 82, MKDIR = 83,
    RMDIR = 84, CREAT = 85, LINK = 86, UNLINK = 87, SYMLINK = 88, READLINK = 89, CHMOD = 90, FCHMOD = 91, CHOWN =
    92, FCHOWN = 93, LCHOWN = 94, UMASK = 95, GETTIMEOFDAY = 96, GETRLIMIT = 97, GETRUSAGE = 98, SYSINFO = 99, TIMES
    = 100, GETUID = 102, GETGID = 104, SETUID = 105, SETGID = 106, GETEUID = 107, GETEGID = 108, SETPGID = 109,
    GETPPID = 110, GETPGRP = 111, SETSID = 112, GETGROUPS = 115, GETRESUID = 118, GETRESGID = 120, GETPGID = 121,
    GETSID = 124, RT_SIGPENDING = 127, RT_SIGTIMEDWAIT = 128, RT_SIGSUSPEND = 130, SIGALTSTACK = 131, STATFS = 137,
    FSTATFS = 138, GETPRIORITY = 140, SETPRIORITY = 141, SCHED_GETPARAM = 143, SCHED_GETSCHEDULER = 145,
    SCHED_GET_PRIORITY_MAX = 146, SCHED_GET_PRIORITY_MIN = 147, MLOCK = 149, MUNLOCK = 150, PRCTL = 157, ARCH_PRCTL
    = 158, SYNC = 162, GETTID = 186, TKILL = 200, TIME = 201, FUTEX = 202, SCHED_SETAFFINITY = 203,
    SCHED_GETAFFINITY = 204, EPOLL_CREATE = 213, GETDENTS64 = 217, SET_TID_ADDRESS = 218, FADVISE64 = 221,
    CLOCK_SETTIME = 227, CLOCK_GETTIME = 228, CLOCK_GETRES = 229, CLOCK_NANOSLEEP = 230, EXIT_GROUP = 231, EPOLL_WAIT = 232, EPOLL_CTL =
    233, TGKILL = 234, OPENAT = 257, MKDIRAT = 258, FCHOWNAT = 260, NEWFSTATAT = 262, UNLINKAT = 263, RENAMEAT =
    264, LINKAT = 265, SYMLINKAT = 266, READLINKAT = 267, FCHMODAT = 268, FACCESSAT = 269, PSELECT6 = 270, PPOLL =
    271, SET_ROBUST_LIST = 273, UTIMENSAT = 280, EPOLL_PWAIT = 281, EVENTFD = 284, FALLOCATE
    = 285, EVENTFD2 = 290, EPOLL_CREATE1 = 291, DUP3 = 292, PIPE2 = 293, PREADV = 295, PWRITEV = 296, PRLIMIT64 =
    302, SYNCFS = 306, GETCPU = 309, RENAMEAT2 = 316, GETRANDOM = 318, MEMBARRIER = 324, MLOCK2 = 325, PKEY_ALLOC =
    330, STATX = 332, RSEQ = 334, CLONE3 = 435, CLOSE_RANGE = 436, FACCESSAT2 = 439,
}

/// The name of a system call.
pub(crate) fn name(number: u64) -> Option<&'static str> {
    let place = usize::try_from(number).ok()?;
    let name = match place.checked_sub(SECOND) {
        Some(place) => NAMES_FROM_SECOND.split(' ').nth(place),
        None => NAMES.split(' ').nth(place),
    };
    name.filter(|name| *name != "-")
}

/// Returns true if a call goes on after a handler whose flags say so. Those with a limit in time do not.
pub(crate) fn restarts(number: u64) -> bool {
    !matches!(
        number,
        POLL | PPOLL
            | SELECT
            | PSELECT6
            | EPOLL_WAIT
            | EPOLL_PWAIT
            | NANOSLEEP
            | CLOCK_NANOSLEEP
            | PAUSE
            | RT_SIGSUSPEND
    )
}

/// The first number of the second range.
const SECOND: usize = 424;

/// Names from 0 on.
const NAMES: &str = "\
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask \
    rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise \
    shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm setitimer getpid sendfile socket connect accept \
    sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt \
    getsockopt clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv \
    msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat \
    link unlink symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo \
    times ptrace getuid syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid \
    setregid getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget \
    capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod uselib \
    personality ustat statfs fstatfs sysfs getpriority setpriority sched_setparam sched_getparam \
    sched_setscheduler sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval \
    mlock munlock mlockall munlockall vhangup modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit \
    chroot sync acct settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm \
    create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg \
    afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr \
    listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex sched_setaffinity \
    sched_getaffinity set_thread_area io_setup io_destroy io_getevents io_submit io_cancel get_thread_area \
    lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old remap_file_pages getdents64 set_tid_address \
    restart_syscall semtimedop fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete \
    clock_settime clock_gettime clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes \
    vserver mbind set_mempolicy get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify \
    mq_getsetattr kexec_load waitid add_key request_key keyctl ioprio_set ioprio_get inotify_init \
    inotify_add_watch inotify_rm_watch migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat \
    unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list \
    get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait signalfd timerfd_create \
    eventfd fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2 epoll_create1 dup3 pipe2 \
    inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg fanotify_init fanotify_mark \
    prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv \
    process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create \
    kexec_file_load bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect \
    pkey_alloc pkey_free statx io_pgetevents rseq";

/// Names from `SECOND` on.
const NAMES_FROM_SECOND: &str = "\
    pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig \
    fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 \
    mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret \
    process_mrelease futex_waitv set_mempolicy_home_node";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_numbers() {
        assert_eq!(name(READ), Some("read"));
        assert_eq!(name(RSEQ), Some("rseq"));
        assert_eq!(name(CLONE3), Some("clone3"));
        assert_eq!(name(EPOLL_WAIT), Some("epoll_wait"));
        assert_eq!(name(335), None);
        assert_eq!(name(u64::MAX), None);
    }
}
