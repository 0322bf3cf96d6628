//! Guests that were built for older contracts, and are never rebuilt, still run.

use libhyperlight::{ABI_ACCEPTED, ErrorCode, FaultKind, Guest, PayloadAccess};
use libhyperlight_tests::elf::Elf;
use libhyperlight_tests::{fails_with, uninitialized};

/// Every one of them: contract, language, file.
const FIXTURES: [(u32, &str, &[u8]); 4] = [
    (1, "Rust", include_bytes!("../../../fixtures/abi1-rust.elf")),
    (1, "C", include_bytes!("../../../fixtures/abi1-c.elf")),
    (2, "Rust", include_bytes!("../../../fixtures/abi2-rust.elf")),
    (2, "C", include_bytes!("../../../fixtures/abi2-c.elf")),
];

#[test]
fn every_accepted_contract_has_a_fixture_in_each_language() {
    for abi in ABI_ACCEPTED {
        for language in ["Rust", "C"] {
            assert!(
                FIXTURES.iter().any(|fixture| (fixture.0, fixture.1) == (abi, language)),
                "{language}, ABI {abi}"
            );
        }
    }
    for (abi, language, bytes) in FIXTURES {
        let elf = Elf::new(bytes);
        assert_eq!(elf.u32(elf.note() + 24), abi, "{language}");
        assert!(bytes.len() < 150 << 10, "{language}, ABI {abi}: {} bytes", bytes.len());
    }
}

#[test]
fn a_fixture_answers_calls_the_host_and_passes_its_errors_on() {
    for (abi, language, bytes) in FIXTURES {
        let guest = Guest::from_bytes(bytes).unwrap_or_else(|error| panic!("{language}, ABI {abi}: {error}"));
        let mut host = uninitialized(&guest);
        host.register("HostAdd", |a: i32, b: i32| if b == 0 { Err("nothing to add") } else { Ok(a + b) })
            .unwrap();
        let mut sandbox = host.evolve().unwrap();
        let mut functions: Vec<_> =
            sandbox.functions().map(|(name, signature)| format!("{name}{signature}")).collect();
        functions.sort_unstable();
        assert_eq!(functions, ["Add(i32, i32) -> i32", "Echo(string) -> string"]);
        let declared: Vec<_> =
            sandbox.declared_host_functions().map(|(name, signature)| format!("{name}{signature}")).collect();
        assert_eq!(declared, ["HostAdd(i32, i32) -> i32"]);

        for text in ["", "hello", "žluťoučký kůň", &"long ".repeat(200_000)] {
            assert_eq!(sandbox.call::<String>("Echo", (text,)).unwrap(), text, "{language}, ABI {abi}");
        }
        for number in 1..100 {
            assert_eq!(sandbox.call::<i32>("Add", (number, number)).unwrap(), 2 * number);
        }
        let error = fails_with(ErrorCode::HostFunction, sandbox.call::<i32>("Add", (1, 0)));
        assert_eq!(error.message(), "nothing to add");
        assert_eq!(sandbox.call::<i32>("Add", (1, 2)).unwrap(), 3);
    }
}

#[test]
fn a_fixture_without_its_host_function_still_starts() {
    for (abi, language, bytes) in FIXTURES {
        let guest = Guest::from_bytes(bytes).unwrap().with_payload(b"unasked", PayloadAccess::Read).unwrap();
        let mut sandbox = uninitialized(&guest).evolve().unwrap();
        let error = fails_with(ErrorCode::HostFunction, sandbox.call::<i32>("Add", (1, 2)));
        assert!(error.message().contains("`HostAdd`"), "{language}, ABI {abi}: {error}");
        assert_eq!(sandbox.call::<String>("Echo", ("hello",)).unwrap(), "hello");
    }
}

#[test]
fn a_fault_in_a_guest_without_symbols_is_reported_by_address() {
    for (_, _, bytes) in FIXTURES {
        // The first instruction, made one that does not exist.
        let elf = Elf::new(bytes);
        let entry = elf.at_address(elf.u64(libhyperlight_tests::elf::header::ENTRY));
        let guest = elf.with(entry, &[0x0f, 0x0b]).load().unwrap();
        let error = fails_with(ErrorCode::GuestFault, uninitialized(&guest).evolve());
        let fault = error.fault().unwrap();
        assert_eq!(fault.kind, FaultKind::IllegalInstruction);
        // The entry point is the one name that a stripped file may still have.
        assert!(matches!(fault.function.as_deref(), None | Some("_start")), "{error}");
    }
}
