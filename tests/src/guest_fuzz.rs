//! Random bytes as guest code: the host must survive any effect of them, and a restore must undo it all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libhyperlight::{CallOptions, ErrorCode, PayloadAccess, Sandbox, Snapshot};

use crate::random::Random;
use crate::{assert_works, demo, sandbox};

/// lea -7(%rip), %rax; add %rdi, %rax; jmp *%rax: executes the payload from an offset on.
const ENTRY: [u8; 12] = [0x48, 0x8d, 0x05, 0xf9, 0xff, 0xff, 0xff, 0x48, 0x01, 0xf8, 0xff, 0xe0];

/// Bytes of random code that one guest carries.
const CODE: usize = 1 << 20;

/// A guest full of random code, and how its executions ended.
#[derive(Debug)]
pub struct GuestFuzz {
    sandbox: Sandbox,
    snapshot: Snapshot,
    neighbour: Sandbox,
    random: Random,
    /// Executions by how they ended.
    pub ends: BTreeMap<&'static str, u64>,
}

impl GuestFuzz {
    /// The same seed gives the same executions, but for what the code makes of the time.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut code = ENTRY.to_vec();
        code.extend(random.bytes(CODE));
        // Instructions that random bytes seldom make: more of what reaches the engine.
        for interesting in [
            &[0x0f, 0x05][..],
            &[0xe6, 0x68],
            &[0xe6, 0x69],
            &[0xcd, 0x80],
            &[0x0f, 0x01, 0xc1],
            &[0x0f, 0xa2],
            &[0xf4],
            &[0x9d],
            &[0x48, 0xcf],
            &[0xf3, 0x6e],
            &[0x0f, 0xae, 0x2c, 0x24],
            &[0xf3, 0x48, 0x0f, 0xae, 0xd0],
            &[0xf3, 0x48, 0x0f, 0xae, 0xd8],
        ] {
            for _ in 0..CODE / 2000 {
                let at = ENTRY.len() + random.below(CODE - 8);
                code[at..at + interesting.len()].copy_from_slice(interesting);
            }
        }
        let guest = demo().with_payload(&code, PayloadAccess::ReadExecute).unwrap();
        let mut fuzzed = sandbox(&guest);
        let snapshot = fuzzed.snapshot().unwrap();
        let neighbour = sandbox(&demo());
        Self { sandbox: fuzzed, snapshot, neighbour, random, ends: BTreeMap::new() }
    }

    /// Executes code from one random place on, and restores.
    pub fn step(&mut self) {
        let offset = (ENTRY.len() + self.random.below(CODE)) as u64;
        // Processor time, which does not depend on who else uses the machine.
        let limit = CallOptions::new().cpu_time(Duration::from_millis(20));
        let end = match self.sandbox.call_with::<u64>(&limit, "PayloadExecuteWith", (0_u32, offset)) {
            Ok(_) => "returned",
            Err(error) => match error.code() {
                ErrorCode::GuestFault => "fault",
                ErrorCode::StackOverflow => "stack overflow",
                ErrorCode::Timeout => "timeout",
                ErrorCode::Protocol => "broken contract",
                ErrorCode::GuestAbort => "abort",
                ErrorCode::GuestOutOfMemory => "out of memory",
                ErrorCode::GuestError => "error",
                code => panic!("{}: {error:?}", code.name()),
            },
        };
        *self.ends.entry(end).or_default() += 1;
        self.sandbox.restore(&self.snapshot).unwrap();
    }

    /// Executes until the time is over; the result is the number of executions.
    pub fn run(&mut self, time: Duration) -> u64 {
        let (begun, mut steps) = (Instant::now(), 0);
        while begun.elapsed() < time {
            for _ in 0..500 {
                self.step();
            }
            steps += 500;
            self.check();
        }
        steps
    }

    /// Confirms that the sandbox works after a restore, and that its neighbour was left alone.
    pub fn check(&mut self) {
        assert_works(&mut self.sandbox);
        self.sandbox.restore(&self.snapshot).unwrap();
        assert_works(&mut self.neighbour);
    }
}
