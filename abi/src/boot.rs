//! The entry of a guest, and the description of its memory.
//!
//! A guest program runs at CPL 3 from its first instruction. It is entered at its ELF entry point as a C function
//! `void _start(const void *boot_info)`: `rdi` holds the address of a [`BootInfo`], the stack is aligned as after
//! a `call`, `rflags` is 2, the x87, SSE and AVX state is the processor's initial one, and `%fs` points to a
//! page of the engine's with a stack-protector canary at `%fs:0x28`. It initialises itself, writes a
//! [`crate::message::ToHost::Ready`], and from then on answers calls.
//!
//! To ring the host the guest calls [`BootInfo::doorbell`], a function without parameters in a page of the
//! engine's. It returns when the host has answered; by the C calling convention it may change every
//! caller-saved register. After a restore or in a clone the guest continues behind that same call.

use crate::placement::{Placement, Stacks};

/// The one port that a guest may write to, one byte at a time. Everything else faults inside the guest.
pub const DOORBELL_PORT: u16 = 0x68;

/// The port by which the exception stubs (CPL 0) report. It is closed to guest programs.
pub const FAULT_PORT: u16 = 0x69;

/// First word of a [`BootInfo`].
pub const MAGIC: u64 = u64::from_le_bytes(*b"HLBOOT\0\x01");

/// A run of guest virtual memory.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    /// First address.
    pub address: u64,
    /// Length in bytes.
    pub size: u64,
}

/// A payload that the host program placed into the image.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Payload {
    /// Its place; `size` is the payload's exact length.
    pub span: Span,
    /// True if it may be executed; it can always be read and never be written.
    pub executable: bool,
}

/// The engine's description of the guest's memory. Read-only for the guest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BootInfo {
    /// Address of the function that rings the host.
    pub doorbell: u64,
    /// The input buffer: mailbox and frame, host to guest. Read-only.
    pub input: Span,
    /// The output buffer: mailbox and frame, guest to host.
    pub output: Span,
    /// The log ring.
    pub log_ring: Span,
    /// The heap, zeroed.
    pub heap: Span,
    /// The stack; it grows down from the span's end.
    pub stack: Span,
    /// The number added to every address of the ELF file.
    pub load_bias: u64,
    /// The number of `payloads` that are used.
    pub payload_count: u64,
    /// Payloads, in the order in which the host program added them.
    pub payloads: [Payload; crate::limits::MAX_PAYLOADS],
    /// The addresses of what was laid out besides. Guests that were built before it was there do not read so far.
    pub placement: Placement,
}

impl BootInfo {
    /// Bytes of the wire form.
    pub const LEN: usize = WORDS * 8;

    /// The wire form: little-endian words in the order of the fields, [`MAGIC`] first.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let mut words = out.chunks_exact_mut(8);
        let mut put = |word: u64| {
            if let Some(place) = words.next() {
                place.copy_from_slice(&word.to_le_bytes());
            }
        };
        put(MAGIC);
        put(self.doorbell);
        for span in [self.input, self.output, self.log_ring, self.heap, self.stack] {
            put(span.address);
            put(span.size);
        }
        put(self.load_bias);
        put(self.payload_count);
        for payload in self.payloads {
            put(payload.span.address);
            put(payload.span.size);
            put(u64::from(payload.executable));
        }
        let Placement { arena, stacks, report } = self.placement;
        let Stacks { first, size, stride, count } = stacks;
        [arena.address, arena.size, first, size, stride, count, report.address, report.size]
            .into_iter()
            .for_each(put);
        out
    }

    /// Reads the wire form; `None` if the bytes are none.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let mut words = bytes.chunks_exact(8).map(|chunk| {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        let mut word = || words.next();
        if word()? != MAGIC {
            return None;
        }
        let doorbell = word()?;
        let mut spans = [Span::default(); 5];
        for span in &mut spans {
            *span = Span { address: word()?, size: word()? };
        }
        let [input, output, log_ring, heap, stack] = spans;
        let (load_bias, payload_count) = (word()?, word()?);
        let mut payloads = [Payload::default(); crate::limits::MAX_PAYLOADS];
        for payload in &mut payloads {
            *payload = Payload { span: Span { address: word()?, size: word()? }, executable: word()? != 0 };
        }
        let placement = Placement {
            arena: Span { address: word()?, size: word()? },
            stacks: Stacks { first: word()?, size: word()?, stride: word()?, count: word()? },
            report: Span { address: word()?, size: word()? },
        };
        Some(Self {
            doorbell,
            input,
            output,
            log_ring,
            heap,
            stack,
            load_bias,
            payload_count,
            payloads,
            placement,
        })
    }
}

/// Words of the wire form: magic, doorbell, five spans, bias, count, payloads of three words, a placement of eight.
const WORDS: usize = 1 + 1 + 5 * 2 + 2 + crate::limits::MAX_PAYLOADS * 3 + 8;
