//! Many sandboxes: one after the other, side by side, and moving between threads.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libhyperlight::{Guest, Sandbox, SandboxOptions};
use libhyperlight_tests::{
    assert_works, demo, many, on_each_guest, printing, sandbox, sandbox_with, uninitialized,
};

/// Calls a sandbox, and checks that no other tenant has touched it.
fn use_it(sandbox: &mut Sandbox, number: i32) {
    assert_eq!(sandbox.call::<i32>("AddToStatic", (number,)).unwrap(), number);
    assert_eq!(sandbox.call::<String>("Echo", (number.to_string(),)).unwrap(), number.to_string());
    assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), number);
}

fn small(guest: &Guest) -> Sandbox {
    sandbox_with(guest, SandboxOptions::new().heap_size(1 << 20))
}

#[test]
fn two_hundred_sandboxes_live_in_one_thread() {
    let _many = many();
    on_each_guest(|guest| {
        let mut sandboxes: Vec<_> = (0..200).map(|_| small(guest)).collect();
        for (number, sandbox) in (1..).zip(&mut sandboxes) {
            use_it(sandbox, number);
        }
        // None has seen another's writes.
        for (number, sandbox) in (1..).zip(&mut sandboxes) {
            assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), number);
        }
    });
}

#[test]
fn two_hundred_threads_have_a_sandbox_each() {
    let _many = many();
    on_each_guest(|guest| {
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 1..=200 {
                let done = &done;
                scope.spawn(move || {
                    let mut sandbox = small(guest);
                    for _ in 0..3 {
                        assert_works(&mut sandbox);
                    }
                    use_it(&mut sandbox, number);
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(done.into_inner(), 200);
    });
}

#[test]
fn two_thousand_sandboxes_come_and_go() {
    let guest = demo();
    for number in 1..=2000 {
        let mut sandbox = small(&guest);
        use_it(&mut sandbox, number);
    }
}

#[test]
fn fifty_threads_print_at_once() {
    on_each_guest(|guest| {
        thread::scope(|scope| {
            for number in 0..50 {
                scope.spawn(move || {
                    let (mut sandbox, printed) = printing(guest);
                    let text = format!("Hello from thread {number}");
                    for _ in 0..5 {
                        let len = i32::try_from(text.len()).unwrap();
                        assert_eq!(sandbox.call::<i32>("PrintOutput", (&text,)).unwrap(), len);
                        assert_eq!(printed.take(), [&*text]);
                    }
                });
            }
        });
    });
}

#[test]
fn a_hundred_threads_are_called_back_at_once() {
    let _many = many();
    on_each_guest(|guest| {
        let calls = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for number in 0..100 {
                let calls = Arc::clone(&calls);
                scope.spawn(move || {
                    let thread = thread::current().id();
                    let mut host = uninitialized(guest);
                    host.register("HostMethod1", move |text: String| {
                        assert_eq!(thread::current().id(), thread);
                        assert_eq!(text, format!("Hello from GuestFunction1, {number}"));
                        calls.fetch_add(1, Ordering::Relaxed);
                        number
                    })
                    .unwrap();
                    let mut sandbox = host.evolve().unwrap();
                    for _ in 0..5 {
                        assert_eq!(
                            sandbox.call::<i32>("GuestMethod1", (number.to_string(),)).unwrap(),
                            number
                        );
                    }
                });
            }
        });
        assert_eq!(calls.load(Ordering::Relaxed), 500);
    });
}

#[test]
fn sandboxes_of_any_size_work_side_by_side() {
    on_each_guest(|guest| {
        let mut sandboxes = Vec::new();
        for heap in [64 << 10, 1 << 20, 100 << 20, 4 << 30] {
            for stack in [16 << 10, 1 << 20, 64 << 20] {
                for buffers in [16 << 10, 1 << 20, 32 << 20] {
                    let options = SandboxOptions::new()
                        .heap_size(heap)
                        .stack_size(stack)
                        .input_size(buffers)
                        .output_size(buffers);
                    sandboxes.push(sandbox_with(guest, options));
                }
            }
        }
        for (number, sandbox) in (1..).zip(&mut sandboxes) {
            use_it(sandbox, number);
        }
    });
}

#[test]
fn a_sandbox_is_made_used_and_dropped_on_different_threads() {
    on_each_guest(|guest| {
        let spawn = |body: Box<dyn FnOnce() -> Sandbox + Send>| thread::spawn(body).join().unwrap();
        for number in 1..=10 {
            let guest = guest.clone();
            // Each thread is gone before the next one starts.
            let mut sandbox = spawn(Box::new(move || sandbox(&guest)));
            sandbox = spawn(Box::new(move || {
                use_it(&mut sandbox, number);
                sandbox
            }));
            assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), number);
            thread::spawn(move || drop(sandbox)).join().unwrap();
        }
    });
}

#[test]
fn a_sandbox_goes_round_among_threads_while_others_work() {
    on_each_guest(|guest| {
        let (first, mut receive) = std::sync::mpsc::channel::<Sandbox>();
        let rounds = 20;
        thread::scope(|scope| {
            for hop in 0..8 {
                let (next, receive_next) = std::sync::mpsc::channel();
                let from = std::mem::replace(&mut receive, receive_next);
                scope.spawn(move || {
                    for mut sandbox in from {
                        let total: i32 = sandbox.call("AddToStatic", (1,)).unwrap();
                        assert_eq!(total, hop + 1);
                        next.send(sandbox).unwrap();
                    }
                });
            }
            for _ in 0..rounds {
                first.send(small(guest)).unwrap();
            }
            drop(first);
            let mut arrived = 0;
            for mut sandbox in &receive {
                assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), 8);
                arrived += 1;
            }
            assert_eq!(arrived, rounds);
        });
    });
}
