//! Options at their edges: rounded or refused as documented, never wrapped around.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{ErrorCode, Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::{assert_works, demo, fails_with, on_each_guest, sandbox_with, uninitialized_with};

const EDGES: [u64; 10] =
    [0, 1, 4095, 4097, u32::MAX as u64, 1 << 32, (1 << 32) + 1, 1 << 63, u64::MAX - 1, u64::MAX];

/// A size option: its name, setter, default, minimum and maximum.
type Size = (&'static str, fn(SandboxOptions, u64) -> SandboxOptions, u64, u64, u64);

const SIZES: [Size; 4] = [
    ("heap_size", SandboxOptions::heap_size, 16 << 20, 4 << 10, 16 << 30),
    ("stack_size", SandboxOptions::stack_size, 1 << 20, 16 << 10, 1 << 30),
    ("input_size", SandboxOptions::input_size, 1 << 20, 4 << 10, 256 << 20),
    ("output_size", SandboxOptions::output_size, 1 << 20, 4 << 10, 256 << 20),
];

/// The size of a region that the guest was given.
fn given(sandbox: &mut Sandbox, option: &str) -> u64 {
    let region = option.trim_end_matches("_size");
    let mut address = |what: &str| sandbox.call::<u64>("AddressOf", (what,)).unwrap();
    let size = address(&format!("{region}_end")) - address(region);
    // Names and headers have a page of their own in the buffers.
    if matches!(region, "input" | "output") { size - 4096 } else { size }
}

#[test]
fn every_size_is_rounded_up_or_refused_with_its_name() {
    let guest = &demo();
    for (name, set, default, min, max) in SIZES {
        for asked in EDGES.into_iter().chain([max, max + 1, min, min - 1]) {
            let options = set(SandboxOptions::new(), asked);
            if asked > max {
                let result = UninitializedSandbox::new(guest, options);
                let error = fails_with(ErrorCode::InvalidArgument, result);
                assert_eq!(error.message(), format!("{name} is at most {max} bytes, found {asked}"));
                continue;
            }
            let expected = if asked == 0 { default } else { asked.max(min).next_multiple_of(4096) };
            let mut sandbox = match uninitialized_with(guest, options).evolve() {
                Ok(sandbox) => sandbox,
                // A page or two is less than a demo guest needs to start, and it says of what.
                Err(error) if expected <= 2 * 4096 => {
                    assert!(error.message().contains(name), "{name} of {asked}: {error}");
                    continue;
                }
                Err(error) => panic!("{name} of {asked}: {error}"),
            };
            assert_eq!(given(&mut sandbox, name), expected, "{name} of {asked}");
            assert_works(&mut sandbox);
        }
    }
}

#[test]
fn the_largest_sandbox_starts_and_costs_only_what_it_touches() {
    let options = SIZES.iter().fold(SandboxOptions::new(), |options, (_, set, _, _, max)| set(options, *max));
    on_each_guest(|guest| assert_works(&mut sandbox_with(guest, options.clone())));
    let mut sandbox = sandbox_with(&demo(), options);
    let end: u64 = sandbox.call("AddressOf", ("heap_end",)).unwrap();
    sandbox.call::<()>("WriteAddress", (end - 8, 42_u64)).unwrap();
    assert_eq!(sandbox.call::<u64>("ReadAddress", (end - 8,)).unwrap(), 42);
}

#[test]
fn the_smallest_sandbox_starts() {
    let smallest = SIZES.iter().fold(SandboxOptions::new(), |options, (_, set, ..)| set(options, 1));
    // The list of all functions of a demo guest needs more than one page.
    let options = smallest.clone().output_size(64 << 10).heap_size(64 << 10);
    on_each_guest(|guest| assert_works(&mut sandbox_with(guest, options.clone())));
    let error = uninitialized_with(&demo(), smallest).evolve().unwrap_err();
    assert!(error.message().contains("heap_size") || error.message().contains("output_size"), "{error}");
}

#[test]
fn limits_take_any_number() {
    on_each_guest(|guest| {
        for limit in EDGES {
            let options =
                SandboxOptions::new().max_log_bytes(limit).max_print_bytes(limit).max_host_calls(limit);
            assert_works(&mut sandbox_with(guest, options));
        }
    });
}

#[test]
fn sandboxes_of_different_sizes_share_one_guest() {
    let guest = &demo();
    // More sizes than images are kept.
    let sizes: Vec<u64> = (1..=12).map(|n| n << 20).collect();
    let mut sandboxes: Vec<_> =
        sizes.iter().map(|size| sandbox_with(guest, SandboxOptions::new().heap_size(*size))).collect();
    for (sandbox, size) in sandboxes.iter_mut().zip(&sizes) {
        assert_eq!(given(sandbox, "heap_size"), *size);
        assert_works(sandbox);
    }
    for size in sizes.iter().rev() {
        let mut sandbox = sandbox_with(guest, SandboxOptions::new().heap_size(*size));
        assert_eq!(sandbox.call::<u64>("HeapSize", ()).unwrap(), *size);
    }
}
