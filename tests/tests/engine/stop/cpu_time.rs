//! Limits of processor time: they count the calling thread's work, in the guest and in host functions, and nothing
//! else.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{CallOptions, ErrorCode, Guest, SandboxOptions};
use libhyperlight_tests::stop::{PROMPT, Stoppable, processor_time, timed, times_out};
use libhyperlight_tests::{assert_works, demo, on_each_guest, pace};

fn short() -> Duration {
    pace::millis(30)
}

/// One with host functions `Sleep`, 100 ms, and `Work`, 10 ms of processor time, on a usual machine.
fn limited(guest: &Guest, options: SandboxOptions) -> Stoppable {
    Stoppable::with_functions(guest, options, |host| {
        host.register("Sleep", || thread::sleep(pace::millis(100))).unwrap();
        host.register("Work", || {
            let start = processor_time();
            while processor_time() - start < pace::millis(10) {
                black_box((0..1000).fold(0_u64, |sum, number| sum ^ black_box(number)));
            }
        })
        .unwrap();
    })
}

#[test]
fn a_guest_that_never_ends_uses_no_more_than_it_may() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new().cpu_time(short()));
        for _ in 0..5 {
            let before = processor_time();
            let error = times_out(short(), || victim.sandbox.call::<()>("Spin", ()));
            let used = processor_time() - before;
            assert_eq!(
                error.message(),
                format!("the call used more processor time than its cpu_time of {:?}", short())
            );
            println!("stopped {:?} after its processor time", used.saturating_sub(short()));
            assert!(used >= short() && used < short() + PROMPT, "{used:?}");
            victim.restored();
        }
    });
}

#[test]
fn sleeping_is_not_counted() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new().cpu_time(pace::millis(200)));
        let (count, took) = timed(|| victim.sandbox.call::<u32>("HostCallLoop", ("Sleep", 5_u32)));
        assert_eq!(count.unwrap(), 5);
        assert!(took >= pace::millis(500), "{took:?}");
        assert_works(&mut victim.sandbox);
    });
}

#[test]
fn work_in_host_functions_is_counted() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new().cpu_time(pace::millis(50)));
        assert_eq!(victim.sandbox.call::<u32>("HostCallLoop", ("Work", 2_u32)).unwrap(), 2);
        times_out(pace::millis(50), || victim.sandbox.call::<u32>("HostCallLoop", ("Work", 1_000_u32)));
        victim.restored();
    });
}

#[test]
fn time_in_which_others_have_the_processor_is_not_counted() {
    // More threads at work than there are processors: the wall clock runs several times as fast as the thread's own.
    let processors = thread::available_parallelism().unwrap().get();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let limit = pace::millis(100);
    thread::scope(|scope| {
        for _ in 0..3 * processors {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let mut victim = limited(&demo(), SandboxOptions::new().cpu_time(limit));
        for _ in 0..3 {
            let before = processor_time();
            let (_, took) = timed(|| victim.sandbox.call::<()>("Spin", ()).unwrap_err());
            let used = processor_time() - before;
            println!("{limit:?} of processor time: {used:?} used, {took:?} on the wall");
            assert!(used >= limit, "{used:?}");
            victim.restored();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn what_an_earlier_call_used_is_not_held_against_a_later_one() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new().cpu_time(pace::millis(200)));
        let before = processor_time();
        while processor_time() - before < pace::millis(600) {
            victim.sandbox.call::<u32>("HostCallLoop", ("Work", 2_u32)).unwrap();
        }
    });
}

#[test]
fn a_calls_own_limit_goes_before_the_sandboxs() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new().cpu_time(short()));
        let free = CallOptions::new().cpu_time(Duration::MAX);
        assert_eq!(victim.sandbox.call_with::<u32>(&free, "HostCallLoop", ("Work", 10_u32)).unwrap(), 10);
        times_out(short(), || victim.sandbox.call::<u32>("HostCallLoop", ("Work", 1_000_u32)));
        victim.restored();
        for tight in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1)] {
            let tight = CallOptions::new().cpu_time(tight);
            times_out(Duration::ZERO, || victim.sandbox.call_with::<()>(&tight, "Spin", ()));
            victim.restored();
        }
    });
}

#[test]
fn of_two_limits_the_first_one_reached_ends_the_call() {
    on_each_guest(|guest| {
        let mut victim = limited(guest, SandboxOptions::new());
        let wall_first = CallOptions::new().timeout(short()).cpu_time(Duration::from_secs(60));
        let error = times_out(short(), || victim.sandbox.call_with::<()>(&wall_first, "Spin", ()));
        assert!(error.message().contains(&format!("its timeout of {:?}", short())), "{error}");
        victim.restored();
        let cpu_first = CallOptions::new().timeout(Duration::from_secs(60)).cpu_time(short());
        let error = times_out(short(), || victim.sandbox.call_with::<()>(&cpu_first, "Spin", ()));
        assert!(error.message().contains(&format!("its cpu_time of {:?}", short())), "{error}");
        victim.restored();
        // Asleep, the guest uses no processor time, but its time runs out.
        let both = CallOptions::new().timeout(pace::millis(250)).cpu_time(Duration::from_secs(60));
        let start = Instant::now();
        let error = victim.sandbox.call_with::<u32>(&both, "HostCallLoop", ("Sleep", 1_000_u32)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
        assert!(start.elapsed() < pace::millis(250) + PROMPT);
        victim.restored();
    });
}
