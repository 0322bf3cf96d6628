//! Tenancy: one tenant hides a secret everywhere, and the next one finds none of it, after any end of the first one's
//! call.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, HostError, Kind, Sandbox, Signature, Snapshot, State, Value};
use libhyperlight_tests::prober::{
    self, End, Registers, at, find, first_difference, plant, traces, try_plant,
};

/// The state that the next tenant must find: that of a clone that never had another tenant.
struct Control {
    snapshot: Snapshot,
    memory: Vec<u8>,
    registers: Registers,
}

impl Control {
    fn new(snapshot: Snapshot) -> Self {
        let mut clone = prober::clone(&snapshot);
        let memory = clone.dump_memory().unwrap();
        let registers = Registers::of(&mut clone);
        assert_eq!(traces(&memory), [0; 0]);
        assert_eq!(registers.traces(), [0; 0]);
        Self { snapshot, memory, registers }
    }

    /// Has the secret planted, three times over, and the next tenant look for it in three ways.
    #[track_caller]
    fn assert_finds_nothing(&self, sandbox: &mut Sandbox, what: &str, mut soil: impl FnMut(&mut Sandbox)) {
        soil(sandbox);
        sandbox.restore(&self.snapshot).unwrap();
        assert_eq!(sandbox.state(), State::Ready);
        let memory = sandbox.dump_memory().unwrap();
        assert_eq!(first_difference(&memory, &self.memory), None, "a page of memory after {what}");

        soil(sandbox);
        sandbox.restore(&self.snapshot).unwrap();
        let registers = Registers::of(sandbox);
        assert_eq!(registers.differences(&self.registers), [0; 0], "registers after {what}");

        soil(sandbox);
        sandbox.restore(&self.snapshot).unwrap();
        assert_eq!(find(sandbox), [0; 0], "addresses after {what}");
        sandbox.restore(&self.snapshot).unwrap();
    }
}

#[test]
fn the_prober_plants_and_finds() {
    // Or the other tests here would show nothing.
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    assert_eq!(find(&mut sandbox), [0; 0]);
    plant(&mut sandbox, End::Return);
    assert!(traces(&sandbox.dump_memory().unwrap()).len() > 100_000);
    let registers = Registers::of(&mut sandbox);
    for general in (0..16).filter(|n| *n != 4) {
        let word = registers.word(at::GENERAL + 8 * general);
        assert!(prober::SECRET.contains(&word), "general register {general} is {word:#x}");
    }
    let extended: Vec<_> = registers.traces().into_iter().filter(|trace| *trace > at::EXTENDED).collect();
    // x87 and SSE at least.
    assert!(extended.len() >= 8 + 32, "{extended:?}");
    if registers.word(at::ENABLED) & 0xe7 == 0xe7 {
        // All 32 vector registers of 64 bytes and 8 masks.
        assert!(extended.len() >= 8 + 32 * 8 + 8, "{} words", extended.len());
    }
    assert_eq!(find(&mut sandbox).len(), 64);
}

#[test]
fn nothing_of_a_secret_outlives_a_restore_however_the_call_ended() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let control = Control::new(sandbox.snapshot().unwrap());
    for end in End::ALL {
        control.assert_finds_nothing(&mut sandbox, &format!("{end:?}"), |sandbox| plant(sandbox, end));
    }
}

#[test]
fn nor_in_a_clone_which_has_the_snapshot_itself_mapped() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    plant(&mut sandbox, End::Return);
    sandbox = prober::uninitialized().evolve().unwrap();
    let control = Control::new(sandbox.snapshot().unwrap());
    let mut clone = prober::clone(&control.snapshot);
    for end in End::ALL {
        control.assert_finds_nothing(&mut clone, &format!("{end:?}"), |clone| plant(clone, end));
    }
}

#[test]
fn nor_where_the_tenants_have_different_images() {
    // The secret is in the image of the one, and everywhere else in its sandbox; the other one's is mapped over it.
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let control = Control::new(sandbox.snapshot().unwrap());
    plant(&mut sandbox, End::Return);
    let secret = sandbox.snapshot().unwrap();
    let mut moving = prober::clone(&secret);
    for end in End::ALL {
        control.assert_finds_nothing(&mut moving, &format!("{end:?}"), |moving| {
            moving.restore(&secret).unwrap();
            assert!(!traces(&moving.dump_memory().unwrap()).is_empty());
            plant(moving, end);
        });
    }
}

#[test]
fn a_snapshot_of_a_restored_sandbox_holds_nothing_of_the_tenant_before() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let control = Control::new(sandbox.snapshot().unwrap());
    for end in End::ALL {
        plant(&mut sandbox, end);
        sandbox.restore(&control.snapshot).unwrap();
        // Between the two no guest code runs that could wash the registers.
        let again = sandbox.snapshot().unwrap();
        let mut clone = prober::clone(&again);
        let memory = clone.dump_memory().unwrap();
        assert_eq!(first_difference(&memory, &control.memory), None, "a page of memory after {end:?}");
        let registers = Registers::of(&mut clone);
        assert_eq!(registers.differences(&control.registers), [0; 0], "registers after {end:?}");
        clone.restore(&again).unwrap();
        assert_eq!(find(&mut clone), [0; 0], "addresses after {end:?}");
    }
}

/// A prober whose host function `Tenant` does that.
fn with_tenant(
    tenant: impl Fn(&[libhyperlight::ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static,
) -> Sandbox {
    let mut sandbox = prober::uninitialized();
    let signature = Signature::new(&[Kind::Bytes], Kind::Void).unwrap();
    sandbox.register_dynamic("Tenant", signature, tenant).unwrap();
    sandbox.evolve().unwrap()
}

#[test]
fn nor_after_a_host_function_ended_the_call() {
    let fails = |code: Option<ErrorCode>| {
        move |sandbox: &mut Sandbox| {
            let error = try_plant(sandbox, End::HostCall).err();
            assert_eq!(error.map(|error| error.code()), code);
        }
    };
    let mut fatal = with_tenant(|_| Err(HostError::new("no").fatal()));
    let mut panics = with_tenant(|_| std::panic::resume_unwind(Box::new("no")));
    // The guest goes on behind it, as if nothing were.
    let mut failing = with_tenant(|_| Err(HostError::new("no")));
    for (sandbox, what, code) in [
        (&mut fatal, "a fatal error of a host function", Some(ErrorCode::HostFunction)),
        (&mut panics, "a panic of a host function", Some(ErrorCode::Internal)),
        (&mut failing, "an error of a host function", None),
    ] {
        let control = Control::new(sandbox.snapshot().unwrap());
        control.assert_finds_nothing(sandbox, what, fails(code));
    }
}

#[test]
fn nor_after_an_interrupt_or_a_timeout_at_any_moment() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let control = Control::new(sandbox.snapshot().unwrap());
    let handle = sandbox.interrupt_handle().unwrap();
    let call = |sandbox: &mut Sandbox, options: &CallOptions, end: End| {
        let secret = prober::SECRET.map(u64::to_le_bytes).concat();
        sandbox.call_with::<()>(options, "Plant", (secret, end as u32)).unwrap_err().code()
    };
    for end in [End::Spin, End::MoveString] {
        // While the secret is being planted, and when it is planted everywhere.
        for time in [100, 1000, 20_000].map(Duration::from_micros) {
            control.assert_finds_nothing(
                &mut sandbox,
                &format!("{end:?}, interrupted after {time:?}"),
                |sandbox| {
                    thread::scope(|scope| {
                        let handle = &handle;
                        scope.spawn(move || {
                            thread::sleep(time);
                            // Until the call has begun there is nothing to interrupt.
                            while !handle.interrupt() {
                                thread::yield_now();
                            }
                        });
                        assert_eq!(call(sandbox, &CallOptions::new(), end), ErrorCode::Interrupted);
                    });
                },
            );
            control.assert_finds_nothing(
                &mut sandbox,
                &format!("{end:?}, timed out after {time:?}"),
                |sandbox| {
                    assert_eq!(call(sandbox, &CallOptions::new().timeout(time), end), ErrorCode::Timeout);
                },
            );
        }
    }
}

#[test]
fn nor_after_the_time_was_up_inside_a_host_function() {
    let mut slow = with_tenant(|_| {
        thread::sleep(Duration::from_millis(200));
        Ok(Value::Void)
    });
    let control = Control::new(slow.snapshot().unwrap());
    control.assert_finds_nothing(&mut slow, "a timeout in a host function", |slow| {
        let options = CallOptions::new().timeout(Duration::from_millis(1));
        let secret = prober::SECRET.map(u64::to_le_bytes).concat();
        let error = slow.call_with::<()>(&options, "Plant", (secret, End::HostCall as u32)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
    });
}

#[test]
fn tokens_do_not_count_the_failures_of_the_tenant_before() {
    let mut host = prober::uninitialized();
    host.register("Fails", || Err::<(), _>("no")).unwrap();
    let mut sandbox = host.evolve().unwrap();
    let fresh = sandbox.snapshot().unwrap();
    let mut token = |failures: u32| {
        sandbox.restore(&fresh).unwrap();
        let tokens: Vec<u64> = (0..failures).map(|_| sandbox.call("Token", ("Fails",)).unwrap()).collect();
        assert!(tokens.iter().all(|token| *token != 0));
        assert!(tokens.windows(2).all(|pair| pair[0] != pair[1]), "within one tenancy no two are equal");
        sandbox.restore(&fresh).unwrap();
        sandbox.call::<u64>("Token", ("Fails",)).unwrap()
    };
    // A number that a tenant could write by failing so often is one that the next one could read.
    for _ in 0..4 {
        let difference = token(5).wrapping_sub(token(9));
        assert!(difference.min(difference.wrapping_neg()) > 1 << 32, "{difference:#x}");
    }
}
