//! Guests that keep the processor, KVM or the host busy in every way: their time limits hold, and they can be
//! interrupted.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may say what it has measured, and stop at what it did not expect"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Guest, Sandbox, SandboxOptions, Value};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::stop::{Done, PROMPT, Stoppable, timed, times_out, with_code};
use libhyperlight_tests::{assert_works, fails_with, logger, on_each_guest, signals};
use log::LevelFilter;

const SHORT: Duration = Duration::from_millis(30);

fn limited(guest: &Guest) -> Stoppable {
    Stoppable::with(guest, SandboxOptions::new().timeout(SHORT))
}

/// A call without an end ends by its timeout, by its processor time, and by an interrupt.
fn ends_in_every_way(what: &str, victim: &mut Stoppable, function: &str, arguments: &[Value]) {
    let (_, took) = timed(|| times_out(SHORT, || victim.sandbox.call_values(function, arguments)));
    println!("{what}: ended {:?} after its deadline", took - SHORT);
    victim.restored();

    let borrowed: Vec<_> = arguments.iter().map(Value::borrow).collect();
    let cpu = CallOptions::new().timeout(Duration::MAX).cpu_time(SHORT);
    let error = times_out(SHORT, || victim.sandbox.call_ref_with(&cpu, function, &borrowed).map(Value::from));
    assert!(error.message().contains("processor time"), "{what}: {error}");
    victim.restored();

    let unlimited = CallOptions::new().timeout(Duration::MAX);
    let Stoppable { sandbox, handle, .. } = &mut *victim;
    let handle = &*handle;
    let took = thread::scope(|scope| {
        let canceller = scope.spawn(move || {
            // Until the call has begun there is nothing to interrupt.
            while !handle.interrupt() {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let (result, took) =
            timed(|| sandbox.call_ref_with(&unlimited, function, &borrowed).map(Value::from));
        fails_with(ErrorCode::Interrupted, result);
        canceller.join().unwrap();
        took
    });
    assert!(took < PROMPT, "{what}: {took:?}");
    victim.restored();
}

#[test]
fn instructions_that_leave_the_guest_or_take_long_do_not_keep_it_running() {
    let mut storms: Vec<(&str, &[u8])> = vec![
        ("jmp", &[0xeb, 0xfe]),
        ("pause", &[0xf3, 0x90, 0xeb, 0xfc]),
        ("cpuid", &[0x31, 0xc0, 0x0f, 0xa2, 0xeb, 0xfa]),
        ("rdtsc", &[0x0f, 0x31, 0xeb, 0xfc]),
        ("mfence", &[0x0f, 0xae, 0xf0, 0xeb, 0xfb]),
        // A locked addition to the stack's top.
        ("lock add", &[0xf0, 0x83, 0x04, 0x24, 0x00, 0xeb, 0xf9]),
    ];
    if std::arch::is_x86_feature_detected!("rdrand") {
        storms.push(("rdrand", &[0x0f, 0xc7, 0xf0, 0xeb, 0xfb]));
    }
    if std::arch::is_x86_feature_detected!("rdseed") {
        storms.push(("rdseed", &[0x0f, 0xc7, 0xf8, 0xeb, 0xfb]));
    }
    on_each_guest(|guest| {
        for (what, code) in &storms {
            let mut victim = limited(&with_code(guest, code));
            ends_in_every_way(what, &mut victim, "PayloadExecute", &[Value::U32(0)]);
        }
    });
}

#[test]
fn a_loop_of_short_host_calls_is_stopped() {
    on_each_guest(|guest| {
        for (name, micros) in [("Inside", 0), ("Sleep", 100), ("Work", 100)] {
            let mut victim = Stoppable::with_functions(guest, SandboxOptions::new().timeout(SHORT), |host| {
                host.register("Sleep", move || thread::sleep(Duration::from_micros(micros))).unwrap();
                host.register("Work", move || {
                    let start = std::time::Instant::now();
                    while start.elapsed() < Duration::from_micros(micros) {}
                })
                .unwrap();
            });
            let arguments = [Value::String(name.into()), Value::U32(u32::MAX)];
            let what = format!("host calls of {micros} µs ({name})");
            ends_in_every_way(&what, &mut victim, "HostCallLoop", &arguments);
        }
    });
}

#[test]
fn a_flood_of_log_records_is_stopped() {
    in_own_process(|| {
        logger::install(LevelFilter::Info);
        on_each_guest(|guest| {
            for bytes in [0, 100, 60_000] {
                let mut victim = limited(guest);
                let arguments = [Value::String("x".repeat(bytes)), Value::U32(u32::MAX)];
                ends_in_every_way(
                    &format!("log records of {bytes} bytes"),
                    &mut victim,
                    "LogNumbered",
                    &arguments,
                );
                logger::take();
            }
        });
    });
}

#[test]
fn a_guest_that_writes_all_its_memory_is_stopped() {
    on_each_guest(|guest| {
        let options = SandboxOptions::new().timeout(SHORT).heap_size(256 << 20);
        let mut victim = Stoppable::with(guest, options);
        for _ in 0..5 {
            // More pages than it can dirty in that time on a slow machine; on a fast one it just ends.
            let result = victim.sandbox.call::<u32>("DirtyPages", (60_000_u32,));
            if let Err(error) = result {
                fails_with::<()>(ErrorCode::Timeout, Err(error));
                victim.restored();
            }
            times_out(SHORT, || victim.sandbox.call::<u64>("Fibonacci", (90_u32,)));
            victim.restored();
        }
    });
}

#[test]
fn a_storm_of_faults_is_not_taken_for_a_timeout() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(Duration::from_secs(30)));
        for _ in 0..300 {
            fails_with(ErrorCode::GuestFault, victim.sandbox.call::<()>("TriggerException", ()));
            victim.sandbox.restore(&victim.fresh).unwrap();
            fails_with(ErrorCode::StackOverflow, victim.sandbox.call::<()>("InfiniteRecursion", ()));
            victim.sandbox.restore(&victim.fresh).unwrap();
        }
        assert_works(&mut victim.sandbox);
    });
}

/// The time of the neighbour's calls while as many threads as there are processors do this work, without a pause. Each
/// reports that it has begun, and goes on until it is told to end.
fn beside(neighbour: &mut Sandbox, busy: impl IntoIterator<Item = impl FnMut() + Send>) -> Duration {
    let (begun, is_done) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    thread::scope(|scope| {
        let _done = Done(is_done);
        let mut threads = 0;
        for mut work in busy {
            threads += 1;
            scope.spawn(move || {
                begun.fetch_add(1, Ordering::Relaxed);
                while !is_done.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        signals::wait_until("threads that are busy", || begun.load(Ordering::Relaxed) == threads);
        timed(|| (0..150).for_each(|_| assert_works(neighbour))).1
    })
}

/// Its share is what it has beside threads of the program that are as busy: measured in turns with these, whatever else
/// the machine does.
#[test]
fn a_neighbour_is_not_held_up_by_more_than_its_share() {
    const ROUNDS: usize = 15;
    const MORE: u32 = 3;
    let processors = thread::available_parallelism().unwrap().get();
    on_each_guest(|guest| {
        let mut calm = Stoppable::with(guest, SandboxOptions::new().timeout(Duration::from_secs(30)));
        let mut storms: Vec<_> = (0..processors).map(|_| limited(guest)).collect();
        let (mut storming, mut fair) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let storms = storms.iter_mut().map(|storm| {
                || {
                    times_out(SHORT, || storm.sandbox.call::<()>("Spin", ()));
                    storm.sandbox.restore(&storm.fresh).unwrap();
                }
            });
            storming.push(beside(&mut calm.sandbox, storms));
            let spinning = (0..processors).map(|_| {
                || {
                    black_box((0..10_000).fold(0_u64, |sum, number| sum ^ black_box(number)));
                }
            });
            fair.push(beside(&mut calm.sandbox, spinning));
        }
        let median = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times[ROUNDS / 2]
        };
        let (storming, fair) = (median(&mut storming), median(&mut fair));
        println!("300 calls took {storming:?} beside guests that spin, {fair:?} beside threads that do");
        assert!(
            storming < fair * MORE,
            "{storming:?} beside guests that spin, {fair:?} beside threads that do"
        );
    });
}
