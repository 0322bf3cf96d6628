//! Random files, frames and code: each is refused or comes to an orderly end, and affects nothing else.
//!
//! The seeds are fixed, and named by a failure.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use libhyperlight::{ErrorCode, Guest, Kind, PayloadAccess, Result, SandboxOptions, State, Value, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::elf::{Elf, header, segment};
use libhyperlight_tests::random::Random;
use libhyperlight_tests::script::{SHAPES, SMALL, Step, frame, perform, ready, scripted};
use libhyperlight_tests::{assert_works, demo, fails_with, sandbox, uninitialized_with};

/// Reports the random input, if the test fails while this lives.
struct Case(&'static str, u64, usize);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "belongs to the panic's message")]
            {
                eprintln!("this was {} {} of seed {:#x}", self.0, self.2, self.1);
            }
        }
    }
}

/// Random guests run for ever, too; processor time does not depend on who else uses the machine.
fn impatient() -> SandboxOptions {
    SandboxOptions::new().cpu_time(Duration::from_millis(5)).heap_size(1 << 20)
}

/// Confirms that an error is one that a guest can cause.
#[track_caller]
fn assert_orderly<T: std::fmt::Debug>(result: Result<T>) {
    let Err(error) = result else {
        return;
    };
    let code = error.code();
    let is_the_guests = !matches!(
        code,
        ErrorCode::Internal | ErrorCode::HypervisorUnavailable | ErrorCode::Resource | ErrorCode::State
    );
    assert!(is_the_guests, "{error:?}");
    fails_with::<()>(code, Err(error));
}

/// Starts a guest and calls all its functions, whatever they are.
fn exercise(guest: &Guest) {
    let mut host = uninitialized_with(guest, impatient());
    host.register("HostAdd", |a: i32, b: i32| a.wrapping_add(b)).unwrap();
    let mut sandbox = match host.evolve() {
        Ok(sandbox) => sandbox,
        Err(error) => return assert_orderly::<()>(Err(error)),
    };
    let functions: Vec<_> =
        sandbox.functions().map(|(name, signature)| (name.to_owned(), signature.clone())).collect();
    for (name, signature) in functions.iter().take(8) {
        let arguments: Vec<_> = signature.params().iter().map(|kind| any_of(*kind)).collect();
        let result = sandbox.call_values(name, &arguments);
        let is_poisoned = sandbox.state() == State::Poisoned;
        assert_orderly(result);
        if is_poisoned {
            return;
        }
    }
}

fn any_of(kind: Kind) -> Value {
    match kind {
        Kind::Bool => Value::Bool(true),
        Kind::I32 => Value::I32(7),
        Kind::U32 => Value::U32(7),
        Kind::I64 => Value::I64(7),
        Kind::U64 => Value::U64(7),
        Kind::F32 => Value::F32(7.0),
        Kind::F64 => Value::F64(7.0),
        Kind::String => Value::String("seven".into()),
        Kind::Bytes => Value::Bytes(vec![7; 77]),
        other => panic!("no argument is {other}"),
    }
}

/// Bytes of a file that decide how it is loaded: headers, dynamic section, tables, notes.
fn deciding(elf: &Elf) -> Vec<usize> {
    let mut bytes: Vec<usize> = (0..header::LEN + elf.headers().len() * segment::LEN).collect();
    for of_type in [segment::DYNAMIC, segment::NOTE] {
        for at in elf.segments(of_type) {
            let start = usize::try_from(elf.u64(at + segment::OFFSET)).unwrap();
            bytes.extend(start..start + usize::try_from(elf.u64(at + segment::FILESZ)).unwrap());
        }
    }
    // Between the notes and the code lie symbols, their names, and relocations.
    let code = elf.load_segment_with(5);
    let last = *bytes.last().unwrap();
    bytes.extend(last.min(0x200)..usize::try_from(elf.u64(code + segment::OFFSET)).unwrap().min(0x1000));
    bytes
}

#[test]
fn a_randomly_changed_file_is_refused_or_comes_to_an_orderly_end() {
    const SEED: u64 = 0x0e1f;
    const CASES: usize = 3000;
    let mut neighbour = sandbox(&demo());
    let mut random = Random::new(SEED);
    let files: Vec<_> = SHAPES.iter().chain(&SMALL).map(|(_, bytes)| Elf::new(bytes)).collect();
    let deciding: Vec<_> = files.iter().map(deciding).collect();
    let mut loaded = 0;
    for number in 0..CASES {
        let _case = Case("file", SEED, number);
        let which = random.below(files.len());
        let mut bytes = files[which].bytes().to_owned();
        random.mutate(&mut bytes, &deciding[which]);
        match Guest::from_bytes(&bytes) {
            Ok(guest) => {
                loaded += 1;
                let steps = [Step::ready(&[("Ask", &[Kind::Void])]), Step::result(ValueRef::Void)];
                exercise(&perform(&guest, &steps));
            }
            Err(error) => drop(fails_with::<()>(ErrorCode::GuestBinary, Err(error))),
        }
        if number % 100 == 0 {
            assert_works(&mut neighbour);
        }
    }
    // Otherwise this would show less than it says.
    assert!(loaded > CASES / 10 && loaded < CASES * 9 / 10, "{loaded} of {CASES} files were loaded");
}

#[test]
fn a_random_frame_is_refused_or_understood() {
    const SEED: u64 = 0xf4a3e;
    const CASES: usize = 1500;
    let mut neighbour = sandbox(&demo());
    let mut random = Random::new(SEED);
    let good = [
        ready(&[("Ask", &[Kind::Void]), ("Other", &[Kind::String, Kind::Bytes, Kind::F64])]),
        frame(FrameKind::Result, &[ValueRef::String("a result")]),
        frame(FrameKind::Error, &[ValueRef::I32(1), ValueRef::String("no"), ValueRef::U64(0)]),
        frame(FrameKind::HostCall, &[ValueRef::String("HostAdd"), ValueRef::I32(1), ValueRef::I32(2)]),
        frame(FrameKind::Abort, &[ValueRef::U32(0), ValueRef::I32(1), ValueRef::String("no")]),
        frame(FrameKind::ContextRequest, &[]),
    ];
    for number in 0..CASES {
        let _case = Case("frame", SEED, number);
        let mut bad = if random.below(10) == 0 {
            let len = random.below(100);
            random.bytes(len)
        } else {
            good[random.below(good.len())].clone()
        };
        if !bad.is_empty() {
            random.mutate(&mut bad, &[]);
        }
        let functions: &[(&str, &[Kind])] =
            &[("Ask", &[Kind::String]), ("Again", &[Kind::Void]), ("Once more", &[Kind::I32])];
        let steps = match random.below(3) {
            0 => vec![Step::frame(bad)],
            _ => vec![Step::ready(functions), Step::frame(bad.clone()), Step::frame(bad)],
        };
        exercise(&scripted(&steps));
    }
    assert_works(&mut neighbour);
}

#[test]
fn random_code_comes_to_an_orderly_end() {
    const SEED: u64 = 0xc0de;
    const CASES: usize = 1500;
    let mut neighbour = sandbox(&demo());
    let mut random = Random::new(SEED);
    for number in 0..CASES {
        let _case = Case("code", SEED, number);
        let len = 1 + random.below(200);
        let mut code = random.bytes(len);
        // Instructions with two bytes are rare among random ones, and privileged ones are among them.
        for _ in 0..random.below(4) {
            let at = random.below(len);
            let one = random.one_of(&[0x0f, 0xf3, 0x48, 0xe6, 0x6e, 0xcd, 0x9d, 0xcf]);
            code[at] = one;
        }
        code.push(0xc3);
        let guest = demo().with_payload(&code, PayloadAccess::ReadExecute).unwrap();
        let mut sandbox = uninitialized_with(&guest, impatient()).evolve().unwrap();
        let result = sandbox.call::<u64>("PayloadExecute", (0_u32,));
        let is_poisoned = sandbox.state() == State::Poisoned;
        assert_orderly(result);
        if !is_poisoned {
            // It may have changed anything in its own memory.
            assert_orderly(sandbox.call::<String>("Echo", ("echo",)));
        }
        if number % 100 == 0 {
            assert_works(&mut neighbour);
        }
    }
    assert_works(&mut neighbour);
}
