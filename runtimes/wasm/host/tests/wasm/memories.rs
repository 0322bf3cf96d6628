//! Memories, seen from the host.

use libhyperlight::{SandboxOptions, UninitializedSandbox};

use crate::common::{guest, guest_error, start};

const PROGRAM: &str = r#"(module
    (memory (export "memory") 2 100)
    (memory (export "other") 1)
    (data (i32.const 100) "hello")
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

const SIZE: &str = "hyperlight:memory-size";
const READ: &str = "hyperlight:memory-read";
const WRITE: &str = "hyperlight:memory-write";

#[test]
fn the_host_reads_and_writes_them() {
    let mut sandbox = start(PROGRAM);
    assert_eq!(sandbox.call::<u64>(SIZE, ("memory",)).unwrap(), 2 << 16);
    assert_eq!(sandbox.call::<Vec<u8>>(READ, ("memory", 99_u64, 7_u64)).unwrap(), b"\0hello\0");
    sandbox.call::<()>(WRITE, ("memory", 101_u64, b"\xffb".to_vec())).unwrap();
    assert_eq!(sandbox.call::<i32>("peek", (101,)).unwrap(), 255);
    assert_eq!(sandbox.call::<Vec<u8>>(READ, ("other", 0_u64, 4_u64)).unwrap(), [0; 4]);
}

#[test]
fn they_grow_and_the_new_part_is_zero() {
    let mut sandbox = start(PROGRAM);
    assert_eq!(sandbox.call::<i32>("grow", (3,)).unwrap(), 2);
    assert_eq!(sandbox.call::<u64>(SIZE, ("memory",)).unwrap(), 5 << 16);
    let end = sandbox.call::<Vec<u8>>(READ, ("memory", 2_u64 << 16, 3_u64 << 16)).unwrap();
    assert!(end.iter().all(|byte| *byte == 0));
    assert_eq!(sandbox.call::<Vec<u8>>(READ, ("memory", 100_u64, 5_u64)).unwrap(), b"hello");
    assert_eq!(sandbox.call::<i32>("grow", (1000,)).unwrap(), -1);
}

#[test]
fn what_is_outside_or_unknown_is_refused() {
    let mut sandbox = start(PROGRAM);
    for (offset, len) in [(2_u64 << 16, 1_u64), (0, (2 << 16) + 1), (u64::MAX, 1), (1, u64::MAX)] {
        guest_error(&mut sandbox, 5, |sandbox| sandbox.call::<Vec<u8>>(READ, ("memory", offset, len)));
        guest_error(&mut sandbox, 5, |sandbox| {
            sandbox.call::<()>(WRITE, ("memory", offset.max((2 << 16) - 1), b"ab".to_vec()))
        });
    }
    guest_error(&mut sandbox, 5, |sandbox| sandbox.call::<u64>(SIZE, ("nowhere",)));
}

#[test]
fn growth_ends_at_the_heap_of_the_sandbox() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "fill") (result i32)
            (block (loop (br_if 1 (i32.eq (memory.grow (i32.const 1)) (i32.const -1))) (br 0)))
            (memory.size)))"#;
    for (heap, least) in [(4_u64 << 20, 40), (64 << 20, 800)] {
        let options = SandboxOptions::new().heap_size(heap);
        let mut sandbox = UninitializedSandbox::new(&guest(text), options).unwrap().evolve().unwrap();
        let pages = sandbox.call::<i32>("fill", ()).unwrap();
        assert!(
            pages >= least && i64::from(pages) << 16 < heap.cast_signed(),
            "{pages} pages of {heap} bytes"
        );
        // There is enough left to go on.
        assert_eq!(sandbox.call::<i32>("fill", ()).unwrap(), pages);
    }
}

#[test]
fn several_memories_share_the_heap() {
    let mut sandbox = start(
        r#"(module (memory $a 1) (memory $b 1) (memory $c 1)
            (func (export "grow") (param i32) (result i32 i32 i32)
                (memory.grow $a (local.get 0)) (memory.grow $b (local.get 0)) (memory.grow $c (local.get 0))))"#,
    );
    assert_eq!(sandbox.call::<String>("grow", (50,)).unwrap(), "[1,1,1]");
}

#[test]
fn a_program_without_memories_has_none_of_these_functions() {
    let sandbox = start(r#"(module (memory 1) (func (export "f")))"#);
    assert_eq!(sandbox.functions().map(|(name, _)| name).collect::<Vec<_>>(), ["f"]);
}
