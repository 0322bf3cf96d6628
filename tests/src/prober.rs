//! A guest that hides a secret wherever it can and looks for one: `guests/prober.c`.
//!
//! It has no SDK and uses no vector instructions, so the registers that it reports are those that the engine gave it.

use std::ops::Range;
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, Guest, Result, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox,
};

/// The secret that one tenant leaves and the next must not find. Each word is an address that a processor can hold in
/// any register and at which the guest has no memory.
pub const SECRET: [u64; 4] =
    [0x0000_5ec1_e7a1_b2c8, 0x0000_5ec2_d3f4_9610, 0x0000_5ec3_8b7c_4da8, 0x0000_5ec4_61e9_f5d0];

/// The prober.
pub fn prober() -> Guest {
    crate::need_hypervisor();
    Guest::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/prober.elf"))).unwrap()
}

/// Sizes that are quick to look through.
pub fn options() -> SandboxOptions {
    SandboxOptions::new().heap_size(2 << 20).stack_size(256 << 10).input_size(64 << 10).output_size(64 << 10)
}

/// A prober that has not started yet; its host function `Tenant` does nothing.
pub fn uninitialized() -> UninitializedSandbox {
    let mut sandbox = crate::uninitialized_with(&prober(), options());
    sandbox.register("Tenant", |_: Vec<u8>| ()).unwrap();
    sandbox
}

/// One more sandbox of the snapshot, with the same host functions.
pub fn clone(snapshot: &Snapshot) -> Sandbox {
    let mut sandbox = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    sandbox.register("HostPrint", |_: String| 0).unwrap();
    sandbox.register("Tenant", |_: Vec<u8>| ()).unwrap();
    sandbox.evolve().unwrap()
}

/// The end of the call in which the guest has planted the secret. The numbers are those of `guests/prober.c`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum End {
    /// Returns.
    Return,
    /// Calls the host function `Tenant` with the secret, then returns.
    HostCall,
    /// Aborts.
    Abort,
    /// Rings without a frame.
    NoFrame,
    /// Returns, by an `out` of its own with no stack.
    BareDoorbell,
    /// Executes `ud2`.
    InvalidOpcode,
    /// Reads at an address that is a word of the secret.
    Read,
    /// Jumps to one.
    Jump,
    /// Divides by zero.
    Divide,
    /// Executes `int3`.
    Breakpoint,
    /// Waits for the x87 unit, which has an exception to report.
    X87,
    /// Never ends.
    Spin,
    /// Never ends, and is in the middle of a `rep movsb` nearly all the time.
    MoveString,
    /// Rings by `rep outsb`.
    OutString,
    /// Reads from the doorbell's port by `rep insb`.
    InString,
    /// Reads from the doorbell's port.
    In,
    /// Writes to another port.
    OtherPort,
    /// Returns, by an `out` that is single-stepped.
    TrapAtDoorbell,
    /// The same directly behind a load of the stack segment, which holds the trap back.
    TrapBehindStackSwitch,
    /// Uses up its stack.
    StackOverflow,
}

impl End {
    /// Every one.
    pub const ALL: [Self; 20] = [
        Self::Return,
        Self::HostCall,
        Self::Abort,
        Self::NoFrame,
        Self::BareDoorbell,
        Self::InvalidOpcode,
        Self::Read,
        Self::Jump,
        Self::Divide,
        Self::Breakpoint,
        Self::X87,
        Self::Spin,
        Self::MoveString,
        Self::OutString,
        Self::InString,
        Self::In,
        Self::OtherPort,
        Self::TrapAtDoorbell,
        Self::TrapBehindStackSwitch,
        Self::StackOverflow,
    ];

    /// The permitted outcomes, by the error's code; `None` is success. Where two are listed, processors differ.
    fn expected(self) -> &'static [Option<ErrorCode>] {
        match self {
            Self::Return | Self::HostCall | Self::BareDoorbell => &[None],
            Self::Abort => &[Some(ErrorCode::GuestAbort)],
            Self::NoFrame | Self::OutString | Self::InString | Self::In => &[Some(ErrorCode::Protocol)],
            Self::InvalidOpcode
            | Self::Read
            | Self::Jump
            | Self::Divide
            | Self::Breakpoint
            | Self::X87
            | Self::OtherPort => &[Some(ErrorCode::GuestFault)],
            Self::Spin | Self::MoveString => &[Some(ErrorCode::Timeout)],
            Self::TrapAtDoorbell | Self::TrapBehindStackSwitch => &[None, Some(ErrorCode::GuestFault)],
            Self::StackOverflow => &[Some(ErrorCode::StackOverflow)],
        }
    }
}

/// Lets the guest plant the secret everywhere, and confirms that the call ended as it should.
#[track_caller]
pub fn plant(sandbox: &mut Sandbox, end: End) {
    let code = try_plant(sandbox, end).err().map(|error| error.code());
    assert!(end.expected().contains(&code), "{end:?} ended with {code:?}");
}

/// The same without a check of the end.
pub fn try_plant(sandbox: &mut Sandbox, end: End) -> Result<()> {
    let options = match end {
        End::Spin | End::MoveString => CallOptions::new().cpu_time(Duration::from_millis(20)),
        _ => CallOptions::new(),
    };
    let secret = SECRET.map(u64::to_le_bytes).concat();
    sandbox.call_with(&options, "Plant", (secret, end as u32))
}

/// The addresses at which the guest can read a word of the secret, the first 64 of them.
pub fn find(sandbox: &mut Sandbox) -> Vec<u64> {
    let inverted = SECRET.map(|word| (!word).to_le_bytes()).concat();
    let found: Vec<u8> = sandbox.call("Find", (inverted,)).unwrap();
    words(&found)
}

/// The contents of the registers when a call wakes the guest up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registers(Vec<u8>);

/// Offsets in [`Registers`], of `u64`s unless said otherwise.
pub mod at {
    /// `rax rcx rdx rbx rsp rbp rsi rdi r8 … r15`.
    pub const GENERAL: usize = 0;
    /// `RFLAGS`.
    pub const FLAGS: usize = 128;
    /// Base of `%fs`.
    pub const FS_BASE: usize = 136;
    /// Base of `%gs`.
    pub const GS_BASE: usize = 144;
    /// XCR0.
    pub const ENABLED: usize = 152;
    /// The place of the word with the extended-state components that are not in their initial state.
    pub const IN_USE: usize = 160;
    /// Selectors of `cs` and `ss`.
    pub const SELECTORS: usize = 168;
    /// Selectors of `ds es fs gs`, …
    pub const DATA_SELECTORS: usize = 184;
    /// … up to here.
    pub const DATA_SELECTORS_END: usize = 216;
    /// The extended state in its standard form.
    pub const EXTENDED: usize = 256;
    /// Therein, `MXCSR`, a `u32`.
    pub const MXCSR: usize = EXTENDED + 24;
    /// Therein, the components that are not in their initial state.
    pub const PRESENT: usize = EXTENDED + 512;
    /// The end of it all.
    pub const END: usize = EXTENDED + (16 << 10);
}

impl Registers {
    /// Asks the guest. What the answer shows is the moment at which this very call woke it up.
    pub fn of(sandbox: &mut Sandbox) -> Self {
        Self::try_of(sandbox).unwrap()
    }

    /// The same where the guest may not be able to answer.
    pub fn try_of(sandbox: &mut Sandbox) -> Result<Self> {
        sandbox.call("Registers", ()).map(Self)
    }

    /// The word at that offset.
    pub fn word(&self, offset: usize) -> u64 {
        u64::from_le_bytes(*self.0[offset..].first_chunk().expect("an offset of `at`"))
    }

    /// The places that hold a word of the secret, at any byte.
    pub fn traces(&self) -> Vec<usize> {
        (0..8).flat_map(|from| traces(&self.0[from..]).into_iter().map(move |at| from + at)).collect()
    }

    /// The places that differ from the other's, with two exceptions that do not depend on the guest: the processor's
    /// mark of SSE as in use, which any switch by the host's kernel changes, and the selectors of the data segments,
    /// which have a test of their own.
    pub fn differences(&self, other: &Self) -> Vec<usize> {
        const SSE: u8 = 1 << 1;
        let same = |at: usize| match at {
            at::IN_USE | at::PRESENT => (self.0[at] ^ other.0[at]) & !SSE == 0,
            at::DATA_SELECTORS..at::DATA_SELECTORS_END => true,
            _ => self.0[at] == other.0[at],
        };
        (0..self.0.len()).filter(|at| !same(*at)).collect()
    }

    /// Returns true if all bytes there are zero.
    pub fn is_zero(&self, range: Range<usize>) -> bool {
        self.0[range].iter().all(|byte| *byte == 0)
    }

    /// The selectors of `ds es fs gs`.
    pub fn data_selectors(&self) -> [u64; 4] {
        [0, 8, 16, 24].map(|offset| self.word(at::DATA_SELECTORS + offset))
    }
}

/// The places at which these bytes hold a word of the secret.
pub fn traces(bytes: &[u8]) -> Vec<usize> {
    let words = bytes.chunks_exact(8).enumerate();
    words
        .filter(|(_, chunk)| SECRET.iter().any(|word| **chunk == word.to_le_bytes()))
        .map(|(n, _)| 8 * n)
        .collect()
}

/// The first page in which two memories differ, if there is one.
pub fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    assert_eq!(one.len(), other.len());
    one.chunks(4096).zip(other.chunks(4096)).position(|(one, other)| one != other)
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|chunk| u64::from_le_bytes(*chunk.first_chunk().expect("eight bytes")))
        .collect()
}
