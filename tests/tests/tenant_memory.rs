//! Host memory that a tenant's call needed does not stay with the sandbox.
//!
//! An allocator counts all memory of the process, every buffer of the library's included. This is one test alone, so
//! that nothing else allocates.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Pool, PoolOptions, PooledSandbox, SandboxOptions, ValueRef};
use libhyperlight_tests::{demo, fails_with, harm, uninitialized_with};
use log::LevelFilter;

/// Bytes that the process holds.
static HELD: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator does the work; what is counted changes nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const MIB: u64 = 1 << 20;
/// Bytes that a member may keep for the next call.
const KEPT: usize = 256 << 10;

/// One tenant after the other, each using up as much of something as it can.
type Tenant = (&'static str, fn(&mut PooledSandbox));

const TENANTS: [Tenant; 8] = [
    ("a large result", |member| {
        member.call_ref("MakeBytes", &[ValueRef::U64(100 * MIB)]).unwrap();
    }),
    ("large arguments", |member| {
        let bytes = vec![7; 32 << 20];
        assert_eq!(member.call::<u64>("BytesLength", (&*bytes,)).unwrap(), 32 * MIB);
    }),
    ("large arguments of a host function", |member| {
        member.call::<()>("CallHostWithBytes", ("Takes", 32 * MIB)).unwrap();
    }),
    ("many failures of host functions", |member| {
        let arguments = ("Fails", "Fails", 100_u32);
        fails_with(ErrorCode::GuestError, member.call::<()>("CallHostPassErrorOfLongAgo", arguments));
    }),
    ("a flood of log records", |member| {
        member.call::<()>("LogFlood", (100_000_u32, 1000_u32)).unwrap();
    }),
    ("an error with details", |member| {
        let (message, details) = ("m".repeat(1 << 20), "d".repeat(64 << 10));
        let result = member.call::<()>("ReturnErrorWithDetails", (1, message, details));
        fails_with(ErrorCode::GuestError, result);
    }),
    ("written pages apart from each other", |member| {
        assert_eq!(member.call::<u32>("DirtyEveryOtherPage", (40_000_u32,)).unwrap(), 40_000);
    }),
    ("all of it, and then it is stopped", |member| {
        member.call_ref("MakeBytes", &[ValueRef::U64(100 * MIB)]).unwrap();
        member.call::<u32>("DirtyEveryOtherPage", (40_000_u32,)).unwrap();
        let brief = CallOptions::new().timeout(Duration::from_millis(5));
        fails_with(ErrorCode::Timeout, member.call_with::<()>(&brief, "Spin", ()));
    }),
];

#[test]
fn what_a_tenant_needed_does_not_stay_with_the_pool() {
    log::set_max_level(LevelFilter::Trace);
    let options = SandboxOptions::new().heap_size(512 * MIB).input_size(128 * MIB).output_size(128 * MIB);
    let snapshot = uninitialized_with(&demo(), options).evolve().unwrap().snapshot().unwrap();
    let pool = Pool::new(&snapshot, PoolOptions::new().max(1)).unwrap();
    pool.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    pool.register("Takes", |_: Vec<u8>| ()).unwrap();
    pool.register("Fails", || Err::<(), _>("f".repeat(1 << 20))).unwrap();
    // What is made once for the process and for each member is there.
    for _ in 0..2 {
        let mut member = pool.acquire().unwrap();
        member.call::<()>("NoOp", ()).unwrap();
        let brief = CallOptions::new().timeout(Duration::from_millis(5));
        fails_with(ErrorCode::Timeout, member.call_with::<()>(&brief, "Spin", ()));
        drop(member);
        harm::wait_until(|| pool.statistics().unwrap().idle == 1);
    }
    let (before, memory) = (HELD.load(Ordering::Relaxed), harm::anonymous());
    for (name, tenant) in TENANTS {
        tenant(&mut pool.acquire().unwrap());
        harm::wait_until(|| pool.statistics().unwrap().idle == 1);
        let held = HELD.load(Ordering::Relaxed).saturating_sub(before);
        println!("{name}: {held} bytes more are held");
        assert!(held < KEPT, "{name}: {held} bytes more are held");
        let guests = harm::anonymous().saturating_sub(memory);
        assert!(guests <= 16 * MIB, "{name}: {guests} bytes of guest memory");
    }
    assert_eq!(pool.statistics().unwrap().created, 1);
}
