//! Snapshot files with registers that no processor ever held: each is refused, or made harmless, or is a guest that has
//! gone astray, and ends like any other.
//!
//! A file cannot set the instruction pointer, flags, segments, control registers, tables or MSRs. They are made anew.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Sandbox, SandboxOptions, Snapshot, State};
use libhyperlight_tests::fails_with;
use libhyperlight_tests::prober::{self, Registers, at};
use libhyperlight_tests::snapshot_file::Forgery;
use tempfile::TempDir;

const HEAP: u64 = 3 << 20;
const STACK: u64 = 192 << 10;

/// The lowest address and the highest that is none: the hole in the middle of the address space.
const NOT_CANONICAL: [u64; 6] =
    [1 << 47, (1 << 47) + 1, 1 << 63, u64::MAX >> 1, 0xffff_7fff_ffff_ffff, 0x8000_0000_0000_1000];

struct Place {
    folder: TempDir,
    forgery: Forgery,
    /// A sandbox of the unforged file.
    honest: Sandbox,
    fresh: Snapshot,
}

impl Place {
    fn new() -> Self {
        let options =
            SandboxOptions::new().heap_size(HEAP).stack_size(STACK).input_size(1).output_size(1 << 16);
        let mut host = libhyperlight_tests::uninitialized_with(&prober::prober(), options);
        host.register("Tenant", |_: Vec<u8>| ()).unwrap();
        let mut honest = host.evolve().unwrap();
        let fresh = honest.snapshot().unwrap();
        let forgery = Forgery::of(&fresh, HEAP, STACK);
        Self { folder: TempDir::new().unwrap(), forgery, honest, fresh }
    }

    /// The result of loading the file with these changes.
    fn load(&self, changes: &[(usize, &[u8])]) -> libhyperlight::Result<Snapshot> {
        let path = self.folder.path().join("forged.hls");
        fs::write(&path, self.forgery.with(changes)).unwrap();
        Snapshot::load(&path)
    }

    /// Confirms that its guest comes to an orderly end, in a sandbox of its own and in one that it is restored into,
    /// and that a restore brings that one back.
    fn ends_well(&mut self, forged: &Snapshot, what: &str) {
        let mut clone = prober::clone(forged);
        ends_well(&mut clone, what);
        self.honest.restore(forged).unwrap();
        ends_well(&mut self.honest, what);
        for sandbox in [&mut clone, &mut self.honest] {
            sandbox.restore(&self.fresh).unwrap();
            assert_eq!(prober::find(sandbox), [0; 0], "{what}");
            sandbox.restore(&self.fresh).unwrap();
        }
    }
}

fn ends_well(sandbox: &mut Sandbox, what: &str) {
    let options = CallOptions::new().cpu_time(Duration::from_millis(50));
    match sandbox.call_with::<Vec<u8>>(&options, "Registers", ()) {
        Ok(_) => assert_eq!(sandbox.state(), State::Ready, "{what}"),
        Err(error) => {
            assert_eq!(sandbox.state(), State::Poisoned, "{what}");
            use ErrorCode::{GuestAbort, GuestFault, Protocol, StackOverflow, Timeout};
            let codes = [GuestAbort, GuestFault, Protocol, StackOverflow, Timeout];
            assert!(codes.contains(&error.code()), "{what}: {error:?}");
            fails_with::<()>(error.code(), Err(error));
        }
    }
}

#[test]
fn the_honest_file_is_what_it_is_said_to_be() {
    // Or the other tests here would forge something else.
    let mut place = Place::new();
    let loaded = place.load(&[]).unwrap();
    let found = Registers::of(&mut prober::clone(&loaded));
    place.honest.restore(&place.fresh).unwrap();
    let expected = Registers::of(&mut place.honest);
    assert_eq!(found.differences(&expected), [0; 0]);
    let forged = place.load(&[(place.forgery.gs_base, &0x5ec1_0000_u64.to_le_bytes())]).unwrap();
    assert_eq!(Registers::of(&mut prober::clone(&forged)).word(at::GS_BASE), 0x5ec1_0000);
    // r15, in both orders.
    let forged = place.load(&[(place.forgery.general + 8 * 15, &77_u64.to_le_bytes())]).unwrap();
    assert_eq!(Registers::of(&mut prober::clone(&forged)).word(at::GENERAL + 8 * 15), 77);
}

#[test]
fn bases_that_are_no_addresses_are_refused_and_others_are_the_guests_own() {
    let mut place = Place::new();
    for base in NOT_CANONICAL {
        for at in [place.forgery.fs_base, place.forgery.gs_base] {
            let error = fails_with(ErrorCode::SnapshotFile, place.load(&[(at, &base.to_le_bytes())]));
            assert!(error.message().ends_with(": a segment base is not an address"), "{error}");
        }
    }
    for base in [0, 1, (1 << 47) - 1, 1 << 30, 0xffff_8000_0000_0000, 0xffff_ffff_8100_0000, u64::MAX] {
        let changes = [place.forgery.fs_base, place.forgery.gs_base].map(|at| (at, base.to_le_bytes()));
        let forged = place.load(&changes.each_ref().map(|(at, base)| (*at, &base[..]))).unwrap();
        let found = Registers::of(&mut prober::clone(&forged));
        assert_eq!((found.word(at::FS_BASE), found.word(at::GS_BASE)), (base, base), "{base:#x}");
        place.ends_well(&forged, &format!("bases {base:#x}"));
    }
}

#[test]
fn general_registers_that_are_anything_end_the_guest_at_most() {
    let mut place = Place::new();
    let own = [
        // The descriptor tables and the stubs; the doorbell's page; the buffers behind it.
        1 << 30,
        (1 << 30) + 0x1000,
        (1 << 30) + 0x10_0000,
        // The kernel's half; the ends of everything.
        0xffff_8000_0000_0000,
        0xffff_ffff_ffff_fff8,
        u64::MAX,
        0,
        1,
        8,
    ];
    for value in own.into_iter().chain(NOT_CANONICAL) {
        for register in 0..16 {
            let forged = place.load(&[(place.forgery.general + 8 * register, &value.to_le_bytes())]).unwrap();
            place.ends_well(&forged, &format!("register {register} is {value:#x}"));
        }
        let all = value.to_le_bytes().repeat(16);
        let forged = place.load(&[(place.forgery.general, &all)]).unwrap();
        place.ends_well(&forged, &format!("all registers are {value:#x}"));
    }
}

#[test]
fn the_number_of_the_last_frame_is_only_a_number() {
    let mut place = Place::new();
    for sent in [0, 1, 2, 1 << 32, u64::MAX - 1, u64::MAX] {
        let forged = place.load(&[(place.forgery.sent, &sent.to_le_bytes())]).unwrap();
        place.ends_well(&forged, &format!("frame {sent}"));
    }
}

#[test]
fn extended_state_that_no_processor_loads_is_made_one_that_it_does() {
    let mut place = Place::new();
    let extended = place.forgery.extended;
    let (mxcsr, present) = (extended + 24, extended + 512);
    let expected = Registers::of(&mut prober::clone(&place.load(&[]).unwrap()));

    // Reserved bits of MXCSR are dropped, all others are the guest's own.
    for (value, loaded) in
        [(u32::MAX, 0xffff), (0xffff_1f80, 0x1f80), (1 << 16, 0), (1 << 31 | 0x3f80, 0x3f80)]
    {
        let forged = place.load(&[(mxcsr, &value.to_le_bytes())]).unwrap();
        let found = Registers::of(&mut prober::clone(&forged));
        assert_eq!(found.word(at::MXCSR) & 0xffff_ffff, loaded, "MXCSR {value:#x}");
        place.ends_well(&forged, &format!("MXCSR {value:#x}"));
    }

    // Components that are unknown, the supervisor's, or a tile's.
    for value in [u64::MAX, 1 << 8, 1 << 9, 1 << 11, 1 << 12, 3 << 17, 1 << 19, 1 << 62, 1 << 63] {
        let forged = place.load(&[(present, &value.to_le_bytes())]).unwrap();
        let found = Registers::of(&mut prober::clone(&forged));
        let loaded = found.word(at::PRESENT);
        assert_eq!(loaded & !found.word(at::ENABLED), 0, "components {value:#x}, {loaded:#x} loaded");
        place.ends_well(&forged, &format!("components {value:#x}"));
    }

    // The compacted form, whose bit is the highest, and all that is reserved behind it.
    for from in [8, 16, 56] {
        for byte in [0x80, 0xff] {
            let reserved = vec![byte; 64 - from];
            let forged = place.load(&[(present + from, &reserved)]).unwrap();
            let found = Registers::of(&mut prober::clone(&forged));
            assert_eq!(found.differences(&expected), [0; 0], "{byte:#x} from byte {from} of the header on");
            place.ends_well(&forged, &format!("{byte:#x} from byte {from} of the header on"));
        }
    }

    // Everything at once.
    for byte in [0xff, 0x80, 0x7f] {
        let forged = place.load(&[(extended, &[byte; 4096])]).unwrap();
        place.ends_well(&forged, &format!("all bytes are {byte:#x}"));
    }
}
