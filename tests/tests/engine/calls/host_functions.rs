//! Host functions at work: the number of calls, their origin, and nesting.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use libhyperlight::{ErrorCode, Sandbox, SandboxOptions, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::script::frame;
use libhyperlight_tests::{
    assert_works, demo, fails_with, on_each_guest, sandbox, spares, uninitialized, uninitialized_with,
};

#[test]
fn a_host_function_is_called_as_often_as_the_guest_says_on_the_callers_thread() {
    on_each_guest(|guest| {
        let calls = Arc::new(AtomicU32::new(0));
        let (count, caller) = (Arc::clone(&calls), thread::current().id());
        let mut host = uninitialized(guest);
        host.register("Count", move || {
            assert_eq!(thread::current().id(), caller);
            count.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(sandbox.call::<u32>("HostCallLoop", ("Count", 10_000_u32)).unwrap(), 10_000);
        assert_eq!(calls.load(Ordering::Relaxed), 10_000);
    });
}

#[test]
fn max_host_calls_is_an_error_in_the_guest_and_holds_for_each_call() {
    on_each_guest(|guest| {
        let calls = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&calls);
        let mut host = uninitialized_with(guest, SandboxOptions::new().max_host_calls(10));
        host.register("Count", move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        let mut sandbox = host.evolve().unwrap();
        for _ in 0..3 {
            assert_eq!(sandbox.call::<u32>("HostCallLoop", ("Count", 10_u32)).unwrap(), 10);
            assert_eq!(calls.swap(0, Ordering::Relaxed), 10);
            let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
                sandbox.call::<u32>("HostCallLoop", ("Count", 11_u32))
            });
            assert!(error.message().contains("max_host_calls"), "{error}");
            assert_eq!(calls.swap(0, Ordering::Relaxed), 10);
        }
    });
}

/// Frames as the demo guest's `Converse` takes them.
fn script(frame: &[u8], times: usize) -> Vec<u8> {
    let len = u16::try_from(frame.len()).unwrap();
    [&len.to_le_bytes()[..], frame].concat().repeat(times)
}

#[test]
fn what_else_a_guest_asks_for_is_counted_too_and_ends_the_call() {
    let context = frame(FrameKind::ContextRequest, &[]);
    let past = frame(FrameKind::Wait, &[ValueRef::U64(1)]);
    let name = [ValueRef::String("hyperlight:signature"), ValueRef::String("Count")];
    let signature = frame(FrameKind::HostCall, &name);
    let refused = frame(FrameKind::HostCall, &[ValueRef::String("Count")]);
    for (asks, calls) in [(&context, 0), (&past, 0), (&signature, 0), (&refused, 5)] {
        let mut host = uninitialized_with(&demo(), SandboxOptions::new().max_host_calls(5));
        host.register("Count", || ()).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let fresh = sandbox.snapshot().unwrap();
        let mut converse = |times: usize| {
            let script = script(asks, times);
            let answers = sandbox.call_ref("Converse", &[ValueRef::Bytes(&script)]).map(drop);
            if answers.is_err() {
                sandbox.restore(&fresh).unwrap();
            }
            answers
        };
        for _ in 0..2 {
            // So many, and no more, in each call.
            converse(calls + 1005).unwrap();
            let error = fails_with(ErrorCode::TooLarge, converse(calls + 1006));
            assert!(error.message().contains("max_host_calls"), "{error}");
        }
        assert_works(&mut sandbox);
        // Without a limit there is none.
        let mut free = sandbox_with_count();
        free.call_ref("Converse", &[ValueRef::Bytes(&script(asks, 3000))]).unwrap();
    }
}

/// A demo guest without limits, with the host function `Count`.
fn sandbox_with_count() -> Sandbox {
    let mut host = uninitialized(&demo());
    host.register("Count", || ()).unwrap();
    host.evolve().unwrap()
}

#[test]
fn a_guest_that_sleeps_uses_up_no_host_calls() {
    on_each_guest(|guest| {
        let mut sandbox =
            uninitialized_with(guest, SandboxOptions::new().max_host_calls(1)).evolve().unwrap();
        sandbox.call::<()>("SleepLoop", (1_000_000_u64, 1200_u32)).unwrap();
        assert_works(&mut sandbox);
    });
}

#[test]
fn a_host_function_may_call_other_sandboxes_three_deep() {
    on_each_guest(|guest| {
        /// A sandbox whose `HostAdd` is the `Add` of the one before.
        fn behind(inner: Sandbox, guest: &libhyperlight::Guest) -> Sandbox {
            let inner = Mutex::new(inner);
            let mut host = uninitialized(guest);
            host.register("HostAdd", move |a: i32, b: i32| {
                inner.lock().unwrap().call::<i32>("Add", (a + 1, b))
            })
            .unwrap();
            host.evolve().unwrap()
        }

        let mut host = uninitialized(guest);
        host.register("HostAdd", |a: i32, b: i32| if b < 0 { Err("negative") } else { Ok(a + b) }).unwrap();
        let mut outer = (0..3).fold(host.evolve().unwrap(), |inner, _| behind(inner, guest));
        assert_eq!(outer.call::<i32>("Add", (10, 20)).unwrap(), 33);
        // An error comes up through all of them, each the cause of the next.
        let error = spares(&mut outer, ErrorCode::HostFunction, |outer| outer.call::<i32>("Add", (10, -20)));
        let mut cause: Box<dyn std::error::Error> = Box::new(error);
        let mut depth = 0;
        while let Ok(error) = cause.downcast::<libhyperlight::Error>() {
            assert_eq!((error.code(), error.message()), (ErrorCode::HostFunction, "negative"));
            cause = error.into_source().unwrap();
            depth += 1;
        }
        assert_eq!(depth, 4);
    });
}

#[test]
fn a_host_function_may_make_use_and_drop_sandboxes() {
    on_each_guest(|guest| {
        let inner_guest = guest.clone();
        let mut host = uninitialized(guest);
        host.register("HostAdd", move |a: i32, b: i32| {
            let mut inner = sandbox(&inner_guest);
            inner.call::<i32>("AddToStatic", (a,)).unwrap();
            inner.call::<i32>("AddToStatic", (b,)).unwrap()
        })
        .unwrap();
        let mut outer = host.evolve().unwrap();
        for number in 0..10 {
            assert_eq!(outer.call::<i32>("Add", (number, 1)).unwrap(), number + 1);
        }
    });
}

#[test]
fn a_sandbox_that_breaks_in_a_host_function_leaves_the_outer_one_alone() {
    on_each_guest(|guest| {
        let inner = Mutex::new(sandbox(guest));
        let mut host = uninitialized(guest);
        host.register("Crash", move || inner.lock().unwrap().call::<()>("TriggerException", ())).unwrap();
        let mut outer = host.evolve().unwrap();
        for code in [ErrorCode::GuestFault, ErrorCode::Poisoned] {
            let error = spares(&mut outer, ErrorCode::HostFunction, |outer| {
                outer.call::<u32>("HostCallLoop", ("Crash", 1_u32))
            });
            let source = error.into_source().unwrap().downcast::<libhyperlight::Error>().unwrap();
            assert_eq!(source.code(), code);
        }
        assert_works(&mut outer);
    });
}

#[test]
fn sandboxes_that_share_host_functions_call_them_from_many_threads_at_once() {
    on_each_guest(|guest| {
        let calls = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&calls);
        let mut host = uninitialized(guest);
        host.register("HostAdd", move |a: i32, b: i32| {
            count.fetch_add(1, Ordering::Relaxed);
            a + b
        })
        .unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let mut sandbox = host.try_evolve().unwrap();
                scope.spawn(move || {
                    for number in 0..100 {
                        assert_eq!(sandbox.call::<i32>("Add", (thread, number)).unwrap(), thread + number);
                    }
                });
            }
        });
        assert_eq!(calls.load(Ordering::Relaxed), 800);
    });
}
