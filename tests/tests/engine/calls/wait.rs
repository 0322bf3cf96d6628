//! Guests that sleep: the host wakes them in time, and every end of a call ends its sleep (case 14).
//!
//! Those that handle signals run in a process of their own.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, HostError, Kind, Pool, PoolOptions, Sandbox, SandboxOptions, State, ValueRef,
};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{Step, frame, scripted};
use libhyperlight_tests::signals::{self, interrupt_signal, is_asleep, only, wait_until};
use libhyperlight_tests::stop::{PROMPT, Stoppable, in_child, processor_time, timed, times_out};
use libhyperlight_tests::{
    assert_works, demo, demo_c, fails_with, guests, on_each_guest, sandbox, uninitialized, uninitialized_with,
};

const SHORT: Duration = Duration::from_millis(20);
const HOUR_NS: u64 = 3_600_000_000_000;

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap()
}

/// The time on the guests' monotonic clock, which is the host's.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    nanoseconds(Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap()))
}

/// The guest asks to be woken at that time.
fn wait_step(deadline: u64) -> Step {
    Step::frame(frame(FrameKind::Wait, &[ValueRef::U64(deadline)]))
}

/// Makes a call that sleeps for an hour, and does something once it is seen to sleep.
fn while_asleep(
    victim: &mut Stoppable,
    sleep_ns: u64,
    act: impl FnOnce(&Asleep<'_>) + Send,
) -> libhyperlight::Result<()> {
    let before = victim.inside.count();
    let Stoppable { sandbox, inside, handle, .. } = victim;
    let runner = signals::thread_id();
    thread::scope(|scope| {
        scope.spawn(move || {
            inside.wait(before);
            wait_until("a guest that sleeps", || is_asleep(runner));
            act(&Asleep { handle, runner });
        });
        sandbox.call::<()>("CallHostThenSleep", ("Inside", sleep_ns))
    })
}

/// The means to act on a guest that sleeps.
struct Asleep<'s> {
    handle: &'s libhyperlight::InterruptHandle,
    runner: i32,
}

#[test]
fn a_guest_sleeps_as_long_as_it_asks_for_and_uses_no_processor_time() {
    on_each_guest(|guest| {
        for is_stoppable in [false, true] {
            let mut sandbox = sandbox(guest);
            if is_stoppable {
                sandbox.interrupt_handle().unwrap();
            }
            let asked = Duration::from_millis(300);
            let before = processor_time();
            let (by_guest, took) = timed(|| sandbox.call::<u64>("SleepFor", (nanoseconds(asked),)).unwrap());
            let used = processor_time() - before;
            assert!(took >= asked && took < asked + PROMPT, "{took:?}");
            assert!(
                by_guest >= nanoseconds(asked) && by_guest <= nanoseconds(took),
                "{by_guest} ns, {took:?}"
            );
            assert!(used < asked / 3, "{used:?}");
            // On the clock of the host.
            let deadline = now() + nanoseconds(SHORT);
            let woken: u64 = sandbox.call("SleepUntil", (deadline,)).unwrap();
            assert!(woken >= deadline && woken <= now(), "{woken} for {deadline}");
            assert_works(&mut sandbox);
        }
    });
}

#[test]
fn a_time_that_has_passed_is_no_sleep() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let ((), took) = timed(|| {
            for past in [0, 1, now()] {
                sandbox.call::<u64>("SleepUntil", (past,)).unwrap();
            }
            sandbox.call::<()>("SleepLoop", (0_u64, 10_000_u32)).unwrap();
        });
        assert!(took < PROMPT, "{took:?}");
    });
    // Nor where the guest asks all the same.
    let steps = [0, 1, now()].map(wait_step);
    let guest = scripted(
        &[&[Step::ready(&[("Ask", &[Kind::I32])])][..], &steps, &[Step::result(ValueRef::I32(7))]].concat(),
    );
    let mut sandbox = uninitialized(&guest).evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("Ask", ()).unwrap(), 7);
}

#[test]
fn every_function_of_c_that_sleeps_does() {
    let mut sandbox = sandbox(&demo_c());
    let each = nanoseconds(Duration::from_millis(10));
    let (slept, took) = timed(|| sandbox.call::<u64>("SleepEveryWay", (each,)).unwrap());
    // The clock on the wall may be set meanwhile; the monotonic one is not.
    assert!(slept >= 4 * each && slept <= nanoseconds(took), "{slept} ns in {took:?}");
    assert!(sandbox.call::<bool>("SleepNever", ()).unwrap());
}

#[test]
fn a_timeout_ends_a_sleep_at_its_deadline() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(SHORT));
        for ns in [HOUR_NS, u64::MAX, HOUR_NS] {
            let (error, took) = timed(|| times_out(SHORT, || victim.sandbox.call::<u64>("SleepFor", (ns,))));
            assert_eq!(error.message(), "the call took longer than its timeout of 20ms");
            println!("a sleeping guest ended {:?} after its deadline", took - SHORT);
            victim.restored();
        }
        // Many sleeps have one deadline.
        times_out(SHORT, || victim.sandbox.call::<()>("SleepLoop", (1_000_000_u64, u32::MAX)));
        victim.restored();
    });
}

#[test]
fn an_interrupt_ends_a_sleep_at_once() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for ns in [HOUR_NS, u64::MAX] {
            let (result, took) = timed(|| while_asleep(&mut victim, ns, |it| assert!(it.handle.interrupt())));
            fails_with(ErrorCode::Interrupted, result);
            assert!(took < PROMPT, "{took:?}");
            victim.restored();
        }
        assert!(!victim.handle.interrupt());
    });
}

#[test]
fn an_interrupt_at_any_moment_of_a_sleep_is_neither_lost_nor_kept() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for round in 0..200_u32 {
            let before = victim.inside.count();
            let Stoppable { sandbox, handle, inside, .. } = &mut victim;
            let result = thread::scope(|scope| {
                scope.spawn(|| {
                    inside.wait(before);
                    for _ in 0..round * 20 {
                        std::hint::spin_loop();
                    }
                    assert!(handle.interrupt());
                });
                sandbox.call::<()>("CallHostThenSleep", ("Inside", HOUR_NS))
            });
            fails_with(ErrorCode::Interrupted, result);
            victim.sandbox.restore(&victim.fresh).unwrap();
            victim.sandbox.call::<()>("SleepLoop", (1000_u64, 2_u32)).unwrap();
        }
        assert_works(&mut victim.sandbox);
    });
}

#[test]
fn the_hook_is_asked_when_a_signal_comes_and_the_sleep_goes_on_or_ends() {
    in_own_process(|| {
        signals::count(libc::SIGUSR1);
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            let mask = signals::mask();
            // Content: it sleeps for the rest.
            let asked = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&asked);
            victim.sandbox.set_signal_hook(move || {
                assert_eq!(signals::mask(), mask, "the hook runs with the caller's mask");
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
            let time = Duration::from_millis(300);
            let (result, took) = timed(|| {
                while_asleep(&mut victim, nanoseconds(time), |it| signals::send(it.runner, libc::SIGUSR1))
            });
            result.unwrap();
            assert!(took >= time && asked.load(Ordering::SeqCst) >= 1, "{took:?}");
            // Not content: it ends.
            victim.sandbox.set_signal_hook(|| Err(HostError::new("enough")));
            let (result, took) =
                timed(|| while_asleep(&mut victim, HOUR_NS, |it| signals::send(it.runner, libc::SIGUSR1)));
            let error = fails_with(ErrorCode::Interrupted, result);
            assert_eq!(error.into_source().unwrap().to_string(), "enough");
            assert!(took < PROMPT, "{took:?}");
            victim.restored();
            assert_eq!((signals::mask(), signals::pending()), (mask, 0));
        }
        assert_eq!(signals::counted(libc::SIGUSR1), 4);
    });
}

#[test]
fn the_hook_is_asked_as_often_as_it_was_set_to_be() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            victim.sandbox.set_signal_hook_interval(Duration::from_millis(2)).unwrap();
            // One long sleep, and many that are shorter than the interval.
            for (ns, count) in [(HOUR_NS, 1_u32), (100_000, u32::MAX)] {
                let asked = Arc::new(AtomicU64::new(0));
                let times = Arc::clone(&asked);
                victim.sandbox.set_signal_hook(move || match times.fetch_add(1, Ordering::SeqCst) {
                    0..5 => Ok(()),
                    _ => Err(HostError::new("enough")),
                });
                let (result, took) = timed(|| victim.sandbox.call::<()>("SleepLoop", (ns, count)));
                fails_with(ErrorCode::Interrupted, result);
                assert_eq!(asked.load(Ordering::SeqCst), 6);
                assert!(took >= Duration::from_millis(10) && took < PROMPT, "{took:?}");
                assert_eq!(signals::pending(), 0);
                victim.restored();
            }
        }
    });
}

#[test]
fn a_hook_that_takes_longer_than_its_interval_does_not_keep_a_sleep_from_its_end() {
    let guest = demo();
    let mut victim = Stoppable::new(&guest);
    victim.sandbox.set_signal_hook_interval(Duration::from_millis(1)).unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let times = Arc::clone(&asked);
    victim.sandbox.set_signal_hook(move || {
        // Enough to show that it would never end.
        if times.fetch_add(1, Ordering::SeqCst) == 100 {
            return Err(HostError::new("enough"));
        }
        std::thread::sleep(Duration::from_millis(3));
        Ok(())
    });
    victim.sandbox.call::<()>("SleepLoop", (10_000_000_u64, 1_u32)).unwrap();
    assert!(asked.load(Ordering::SeqCst) > 0, "the hook was not asked");
}

#[test]
fn signals_with_the_number_of_the_interrupts_reach_the_program_and_end_no_sleep() {
    in_own_process(|| {
        let number = interrupt_signal();
        signals::count(number);
        for (_, guest) in guests() {
            for is_blocked in [false, true] {
                let mut victim = Stoppable::new(&guest);
                let (before, mask) = (signals::counted(number), signals::mask());
                if is_blocked {
                    signals::block(only(number));
                }
                let time = Duration::from_millis(200);
                let (result, took) = timed(|| {
                    while_asleep(&mut victim, nanoseconds(time), |it| {
                        for value in 0..5 {
                            assert!(signals::queue_to(it.runner, number, value));
                        }
                    })
                });
                result.unwrap();
                assert!(took >= time, "{took:?}");
                assert_eq!(signals::counted(number) - before, if is_blocked { 0 } else { 5 });
                signals::set_mask(mask);
                assert_eq!((signals::counted(number) - before, signals::pending()), (5, 0));
            }
        }
    });
}

#[test]
fn a_guest_may_sleep_while_it_starts() {
    let ready = Step::ready(&[("Ask", &[Kind::Void])]);
    let until = |time: Duration| wait_step(now() + nanoseconds(time));
    let (sandbox, took) = timed(|| {
        let guest = scripted(&[until(Duration::from_millis(50)), ready.clone()]);
        uninitialized(&guest).evolve().unwrap()
    });
    assert!(sandbox.state() == State::Ready && took >= Duration::from_millis(50), "{took:?}");

    let guest = scripted(&[wait_step(u64::MAX), ready]);
    let limited = SandboxOptions::new().timeout(SHORT);
    times_out(SHORT, || uninitialized_with(&guest, limited).evolve());

    let mut host = uninitialized(&guest);
    let handle = host.interrupt_handle().unwrap();
    let runner = signals::thread_id();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("a start that can be interrupted", || is_asleep(runner) && handle.interrupt());
        });
        host.evolve()
    });
    fails_with(ErrorCode::Interrupted, result);
}

#[test]
fn members_of_a_pool_sleep_too() {
    on_each_guest(|guest| {
        let snapshot = sandbox(guest).snapshot().unwrap();
        let pool = Pool::new(&snapshot, PoolOptions::new().max(2)).unwrap();
        pool.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut member = pool.acquire().unwrap();
                    let ns: u64 = member.call("SleepFor", (nanoseconds(SHORT),)).unwrap();
                    assert!(ns >= nanoseconds(SHORT));
                    let brief = CallOptions::new().timeout(SHORT);
                    times_out(SHORT, || member.call_with::<u64>(&brief, "SleepFor", (HOUR_NS,)));
                });
            }
        });
        let mut member = pool.acquire().unwrap();
        assert_works(&mut member);
    });
}

#[test]
fn a_sleep_uses_up_no_limit_of_processor_time() {
    on_each_guest(|guest| {
        let options = SandboxOptions::new().cpu_time(Duration::from_millis(200));
        let mut victim = Stoppable::with(guest, options);
        let (slept, took) = timed(|| victim.sandbox.call::<u64>("SleepFor", (500_000_000_u64,)));
        assert!(slept.unwrap() >= 500_000_000 && took >= Duration::from_millis(500), "{took:?}");
        // What comes after it counts as ever.
        let before = processor_time();
        fails_with(ErrorCode::Timeout, victim.sandbox.call::<()>("Spin", ()));
        assert!(processor_time() - before >= Duration::from_millis(200));
        victim.restored();
    });
}

#[test]
fn a_restored_guest_sleeps_by_the_clock_of_its_own_call() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let early = sandbox.snapshot().unwrap();
        for _ in 0..3 {
            let (ns, took) = timed(|| sandbox.call::<u64>("SleepFor", (nanoseconds(SHORT),)).unwrap());
            assert!(ns >= nanoseconds(SHORT) && took >= SHORT && took < PROMPT, "{ns} ns, {took:?}");
            sandbox.restore(&early).unwrap();
        }
    });
}

#[test]
fn a_hook_that_forks_leaves_the_child_an_error_and_the_parent_asleep() {
    in_own_process(|| {
        static IS_CHILD: AtomicBool = AtomicBool::new(false);
        static CHILD: AtomicU64 = AtomicU64::new(0);
        let mut sandbox = sandbox(&demo());
        sandbox.set_signal_hook(|| {
            if CHILD.load(Ordering::SeqCst) == 0 {
                // SAFETY: the child ends below, and calls nothing that needs another thread.
                let child = unsafe { libc::fork() };
                assert!(child >= 0);
                IS_CHILD.store(child == 0, Ordering::SeqCst);
                CHILD.store(u64::try_from(child).unwrap().max(1), Ordering::SeqCst);
            }
            Ok(())
        });
        sandbox.set_signal_hook_interval(Duration::from_millis(10)).unwrap();
        let (result, took) = timed(|| sandbox.call::<u64>("SleepFor", (100_000_000_u64,)));
        if IS_CHILD.load(Ordering::SeqCst) {
            let is_right = result.is_err_and(|error| error.code() == ErrorCode::State);
            // SAFETY: ends the child at once, without the parent's handlers.
            unsafe { libc::_exit(i32::from(!is_right)) };
        }
        assert!(result.unwrap() >= 100_000_000 && took >= Duration::from_millis(100));
        let (mut status, child) = (0, i32::try_from(CHILD.load(Ordering::SeqCst)).unwrap());
        // SAFETY: the child is ours, and the status a local variable.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child did not get the error");
        assert_works(&mut sandbox);
    });
}

#[test]
fn a_forked_child_has_sandboxes_of_its_own_that_sleep() {
    in_own_process(|| {
        let mut parents = sandbox(&demo());
        parents.call::<u64>("SleepFor", (1000_u64,)).unwrap();
        in_child(|| {
            fails_with(ErrorCode::State, parents.call::<u64>("SleepFor", (HOUR_NS,)));
            let mut own = sandbox(&demo());
            let ns = nanoseconds(Duration::from_millis(1));
            assert!(own.call::<u64>("SleepFor", (ns,)).is_ok_and(|slept| slept >= ns));
            let brief = CallOptions::new().timeout(SHORT);
            times_out(SHORT, || own.call_with::<u64>(&brief, "SleepFor", (HOUR_NS,)));
        });
        let mut again: Sandbox = parents;
        assert_works(&mut again);
    });
}
