//! Guests that follow a script of the test.
//!
//! The program is `guests/scripted.c`: it has no SDK and plays one step for each payload of its image, so that a test
//! decides every byte that the host gets to see, the first frame included. Behind the last step it executes `ud2`.

use libhyperlight::{Guest, PayloadAccess};
use libhyperlight_abi::{FrameKind, Kind, ValueRef, message};

use crate::elf::Elf;

/// The scripted guest, linked in every way that the loader accepts, by the name of the way.
pub const SHAPES: [(&str, &[u8]); 4] = [
    ("static-pie", include_bytes!(concat!(env!("OUT_DIR"), "/scripted_static_pie.elf"))),
    ("static", include_bytes!(concat!(env!("OUT_DIR"), "/scripted_static_exec.elf"))),
    ("shared", include_bytes!(concat!(env!("OUT_DIR"), "/scripted_shared.elf"))),
    ("with packed relocations", include_bytes!(concat!(env!("OUT_DIR"), "/scripted_packed.elf"))),
];

/// A small guest with the C SDK, linked in every way that is meant for such.
pub const SMALL: [(&str, &[u8]); 3] = [
    ("static-pie", include_bytes!(concat!(env!("OUT_DIR"), "/small_static_pie.elf"))),
    ("static", include_bytes!(concat!(env!("OUT_DIR"), "/small_static_exec.elf"))),
    ("with packed relocations", include_bytes!(concat!(env!("OUT_DIR"), "/small_packed.elf"))),
];

/// The file of the scripted guest, as a static-pie.
pub fn file() -> Elf {
    Elf::new(SHAPES[0].1)
}

/// The file of the scripted guest, as a shared object: with symbols and every kind of relocation.
pub fn shared_file() -> Elf {
    Elf::new(SHAPES[2].1)
}

/// The guest's actions before it rings the doorbell once more.
#[derive(Clone, Debug, Default)]
pub struct Step {
    frame: Vec<u8>,
    sequence: Option<u64>,
    log: Vec<u8>,
    log_head: Option<u64>,
    log_dropped: u64,
}

impl Step {
    /// Makes these bytes visible as the next frame.
    pub fn frame(bytes: impl Into<Vec<u8>>) -> Self {
        Self { frame: bytes.into(), ..Self::default() }
    }

    /// Publishes functions: names and signatures, result kind first.
    pub fn ready(functions: &[(&str, &[Kind])]) -> Self {
        Self::frame(ready(functions))
    }

    /// Returns a value.
    pub fn result(value: ValueRef<'_>) -> Self {
        Self::frame(frame(FrameKind::Result, &[value]))
    }

    /// With this number in the mailbox, not the one that is due.
    #[must_use]
    pub fn sequence(mut self, sequence: u64) -> Self {
        self.sequence = Some(sequence);
        self
    }

    /// With these bytes at the start of the log ring, and the ring's head behind them or where `head` says.
    #[must_use]
    pub fn log(mut self, bytes: impl Into<Vec<u8>>, head: Option<u64>) -> Self {
        self.log = bytes.into();
        self.log_head = head.or(Some(self.log.len() as u64));
        self
    }

    /// With this claim about the records that did not fit.
    #[must_use]
    pub fn dropped(mut self, records: u64) -> Self {
        self.log_dropped = records;
        self
    }
}

/// A guest that plays these steps.
pub fn scripted(steps: &[Step]) -> Guest {
    perform(&file().load().expect("the scripted guest loads"), steps)
}

/// The scripted guest `program` with these steps to play.
pub fn perform(program: &Guest, steps: &[Step]) -> Guest {
    let mut log_head = 0;
    (1_u64..).zip(steps).fold(program.clone(), |guest, (due, step)| {
        log_head = step.log_head.unwrap_or(log_head);
        let words = [
            step.sequence.unwrap_or(due),
            log_head,
            step.log_dropped,
            step.log.len() as u64,
            step.frame.len() as u64,
        ];
        let mut payload: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        payload.extend_from_slice(&step.log);
        payload.extend_from_slice(&step.frame);
        guest.with_payload(&payload, PayloadAccess::Read).expect("a guest takes sixteen steps")
    })
}

/// A well-formed frame.
pub fn frame(kind: FrameKind, items: &[ValueRef<'_>]) -> Vec<u8> {
    let values = items.iter().map(|item| 16 + item.wire_len()).sum::<usize>();
    let mut bytes = vec![0; 16 + values];
    let len = message::encode(bytes.as_mut_slice(), kind, &[], items).expect("a frame that fits");
    bytes.truncate(len);
    bytes
}

/// The frame that publishes functions and declares no host functions.
pub fn ready(functions: &[(&str, &[Kind])]) -> Vec<u8> {
    let signatures: Vec<Vec<u8>> = functions
        .iter()
        .map(|(_, kinds)| kinds.iter().map(|kind| kind.code().to_le_bytes()[0]).collect())
        .collect();
    let mut items = vec![ValueRef::U32(u32::try_from(functions.len()).expect("a few functions"))];
    for ((name, _), signature) in functions.iter().zip(&signatures) {
        items.extend([ValueRef::String(name), ValueRef::Bytes(signature)]);
    }
    items.push(ValueRef::U32(0));
    frame(FrameKind::Ready, &items)
}
