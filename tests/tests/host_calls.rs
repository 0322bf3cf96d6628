//! Host functions at work: how often, from where, and around how many corners they may be called.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use hyperlight::{ErrorCode, Sandbox, SandboxOptions};
use hyperlight_tests::{assert_works, on_each_guest, sandbox, spares, uninitialized, uninitialized_with};

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

#[test]
fn a_host_function_may_call_other_sandboxes_three_deep() {
    on_each_guest(|guest| {
        /// A sandbox whose `HostAdd` is the `Add` of the one before.
        fn behind(inner: Sandbox, guest: &hyperlight::Guest) -> Sandbox {
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
        while let Ok(error) = cause.downcast::<hyperlight::Error>() {
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
            let source = error.into_source().unwrap().downcast::<hyperlight::Error>().unwrap();
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
