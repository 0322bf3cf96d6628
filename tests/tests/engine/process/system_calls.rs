//! The system calls that the library makes, as `docs/security.md` lists them: under a filter that ends the process at
//! any other one, everything works.
//!
//! Each test runs in a process of its own, and filters one thread and those that it starts.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, Guest, Pool, PoolOptions, Sandbox, SandboxOptions, Snapshot};
use libhyperlight_tests::clones::{add, clone, count};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{Step, file, perform};
use libhyperlight_tests::seccomp::allow_only;
use libhyperlight_tests::stop::{Stoppable, times_out};
use libhyperlight_tests::{assert_works, demo, guests, sandbox, uninitialized};

/// A call without limits; the second for the first call of a sandbox, and behind each restore.
const CALL: &[i64] = &[libc::SYS_ioctl, libc::SYS_getrandom];

/// Further system calls of a call that has a limit or can be interrupted; `getpid` and those below it belong to a
/// signal that stops it.
const STOPPABLE: &[i64] = &[
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_gettid,
    libc::SYS_clock_gettime,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getpid,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_rt_sigtimedwait,
];

/// Further system calls of a call whose guest sleeps.
const SLEEPING: &[i64] = &[libc::SYS_futex];

/// Loading a guest, making a sandbox, pictures of it, and its end.
const SANDBOX: &[i64] = &[
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_pwrite64,
    libc::SYS_pread64,
    libc::SYS_lseek,
];

/// Snapshots in files.
const FILES: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
];

/// The threads behind it all: the timer, the reaper, and the one that fills a pool.
const THREADS: &[i64] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_prctl,
    libc::SYS_sched_getaffinity,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_futex,
    libc::SYS_exit,
];

/// System calls by which the C library and Rust's own request memory.
const MEMORY: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
];

/// Runs `body` on a thread that may make no other system calls.
fn with_only(lists: &[&[i64]], body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let filtered = || {
            allow_only(&lists.concat());
            body();
        };
        scope.spawn(filtered).join().unwrap();
    });
}

#[test]
fn a_call_needs_two() {
    in_own_process(|| {
        for (_, guest) in guests() {
            // The first call of a guest's first sandbox looks at its memory, as a restore does.
            assert_works(&mut sandbox(&guest));
            let mut sandbox = sandbox(&guest);
            // The thread's own end, too.
            with_only(&[CALL, MEMORY, THREADS], || {
                for _ in 0..100 {
                    assert_works(&mut sandbox);
                }
            });
            with_only(&[CALL, SLEEPING, MEMORY, THREADS], || {
                sandbox.call::<u64>("SleepFor", (1_000_000_u64,)).unwrap();
            });
        }
    });
}

#[test]
fn a_call_that_is_stopped_needs_a_few_more() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let short = Duration::from_millis(20);
        let limits = [CallOptions::new().timeout(short), CallOptions::new().cpu_time(short)];
        // The timer is there.
        times_out(short, || victim.sandbox.call_with::<()>(&limits[0], "Spin", ()));
        victim.restored();
        for limit in &limits {
            with_only(&[CALL, STOPPABLE, MEMORY, THREADS], || {
                times_out(short, || victim.sandbox.call_with::<()>(limit, "Spin", ()));
            });
            victim.restored();
        }
        with_only(&[CALL, STOPPABLE, SLEEPING, MEMORY, THREADS], || {
            times_out(short, || victim.sandbox.call_with::<u64>(&limits[0], "SleepFor", (u64::MAX,)));
        });
        victim.restored();
        let (handle, inside, sandbox) = (&victim.handle, &victim.inside, &mut victim.sandbox);
        let before = inside.count();
        thread::scope(|scope| {
            // Not filtered: it waits by sleeping.
            let waiting = scope.spawn(|| inside.wait(before));
            scope.spawn(|| {
                waiting.join().unwrap();
                allow_only(&[CALL, STOPPABLE, MEMORY, THREADS].concat());
                assert!(handle.interrupt());
            });
            scope.spawn(|| {
                allow_only(&[CALL, STOPPABLE, MEMORY, THREADS].concat());
                sandbox.call::<()>("CallHostThenSpin", ("Inside",)).unwrap_err();
            });
        });
        victim.restored();
    });
}

#[test]
fn everything_needs_no_others() {
    in_own_process(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        // From the first use on: nothing of the library was touched before.
        with_only(&[CALL, STOPPABLE, SANDBOX, FILES, THREADS, MEMORY], || {
            libhyperlight::probe().unwrap();
            for guest in [demo(), Guest::from_bytes(libhyperlight_tests::script::SMALL[0].1).unwrap()] {
                let mut sandbox: Sandbox = uninitialized(&guest).evolve().unwrap();
                let snapshot = sandbox.snapshot().unwrap();
                snapshot.save(&path).unwrap();
                let loaded = Snapshot::load(&path).unwrap();
                sandbox.restore(&loaded).unwrap();
                drop(clone(&snapshot));
            }
            let mut victim = sandbox(&demo());
            assert_works(&mut victim);
            let snapshot = victim.snapshot().unwrap();
            for pages in [1_u32, 1000, 4000] {
                victim.call::<u32>("DirtyPages", (pages,)).unwrap();
                add(&mut victim, 1);
                victim.restore(&snapshot).unwrap();
                assert_eq!(count(&mut victim), 0);
            }
            let short = Duration::from_millis(5);
            for limit in [CallOptions::new().timeout(short), CallOptions::new().cpu_time(short)] {
                times_out(short, || victim.call_with::<()>(&limit, "Spin", ()));
                victim.restore(&snapshot).unwrap();
            }
            victim.call::<()>("TriggerException", ()).unwrap_err();
            victim.restore(&snapshot).unwrap();
            let scripted = perform(&file().load().unwrap(), &[Step::ready(&[])]);
            drop(uninitialized(&scripted).evolve().unwrap());

            let limited = SandboxOptions::new().timeout(Duration::from_secs(60));
            let pool = Pool::new(&snapshot, PoolOptions::new().max(2).min_idle(1).sandbox(limited)).unwrap();
            pool.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
            assert_works(&mut pool.acquire().unwrap());
            pool.close();
        });
    });
}
