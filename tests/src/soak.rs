//! Random operations for a given time, on two threads at once, with a check that the process does not grow.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crate::harm::Host;
use crate::operations::World;

/// Bytes by which the process may grow: the allocator's own doing.
const SLACK: u64 = 4 << 20;

/// The outcome.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The number of times that each operation was done.
    pub done: BTreeMap<String, u64>,
    /// Worlds that met their model, and looks at the process that found nothing.
    pub passed: u64,
    /// The failures, each with the means to repeat it.
    pub failures: Vec<String>,
    /// The process's memory when it had warmed up, and the largest afterwards.
    pub resident: (u64, u64),
}

/// Soaks for `time`, or until ten failures, and looks at the process each time that two worlds have made so many steps.
/// The seed determines the operations.
pub fn soak(seed: u64, time: Duration, steps: u64) -> Outcome {
    keep_nothing_in_reserve();
    let start = Instant::now();
    let mut outcome = Outcome::default();
    let mut warm: Option<Footprint> = None;
    let mut round = 0;
    while (start.elapsed() < time || round < 4) && outcome.failures.len() < 10 {
        outcome.play([seed.wrapping_add(2 * round), seed.wrapping_add(2 * round + 1)], steps);
        round += 1;
        if round == 3 {
            warm = Some(Footprint::now(None));
        }
        if let Some(warm) = &warm {
            let now = Footprint::now(Some(warm));
            outcome.resident = (warm.resident, outcome.resident.1.max(now.resident));
            match now.excess(warm) {
                None => outcome.passed += 1,
                Some(excess) => outcome.failures.push(format!("seed {seed}, after round {round}: {excess}")),
            }
        }
    }
    outcome
}

/// Makes the allocator give back what it can: by itself it keeps some megabytes for each thread that there ever was,
/// which cannot be told from a leak.
fn keep_nothing_in_reserve() {
    // SAFETY: the calls set numbers of the C library's.
    let are_set = unsafe {
        (libc::mallopt(libc::M_ARENA_MAX, 1), libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10)) == (1, 1)
    };
    assert!(are_set);
}

impl Outcome {
    /// Two worlds at once.
    fn play(&mut self, seeds: [u64; 2], steps: u64) {
        let world = |seed| {
            let mut world = World::new(seed);
            let played = catch_unwind(AssertUnwindSafe(|| {
                (0..steps).for_each(|_| world.step());
                world.clear();
            }));
            let done: Vec<_> = world.done().collect();
            (seed, played.is_ok(), done)
        };
        let ends =
            thread::scope(|scope| seeds.map(|seed| scope.spawn(move || world(seed))).map(|end| end.join()));
        for (seed, is_well, done) in ends.into_iter().flatten() {
            for (operation, times) in done {
                *self.done.entry(operation).or_default() += times;
            }
            if is_well {
                self.passed += 1;
            } else {
                self.failures.push(format!("the world of seed {seed}; the panic's message is above"));
            }
        }
    }
}

/// The resources of the process.
#[derive(Debug)]
struct Footprint {
    host: Host,
    resident: u64,
}

impl Footprint {
    /// As soon as what is dropped in the background is gone: when it is like that other one, or changes no more.
    fn now(other: Option<&Self>) -> Self {
        let patience = Instant::now() + Duration::from_secs(10);
        let mut host = Host::now();
        loop {
            thread::sleep(Duration::from_millis(if other.is_some() { 2 } else { 300 }));
            let before = std::mem::replace(&mut host, Host::now());
            let aim = other.map_or(&before, |other| &other.host);
            if host.files == aim.files || Instant::now() > patience {
                // SAFETY: gives memory back that nobody uses.
                unsafe { libc::malloc_trim(0) };
                return Self { host, resident: resident() };
            }
        }
    }

    /// The differences to an earlier state that are growth.
    fn excess(&self, before: &Self) -> Option<String> {
        let (now, then) = (&self.host, &before.host);
        if now.files != then.files {
            return Some(format!("the open files were {:?}, now they are {:?}", then.files, now.files));
        }
        if now.threads != then.threads {
            return Some(format!("the threads were {:?}, now they are {:?}", then.threads, now.threads));
        }
        if (&now.signals, &now.mask) != (&then.signals, &then.mask) {
            return Some("the signals are not as they were".to_owned());
        }
        // The allocator has a mapping or two for each thread that there was at once.
        if now.mappings > then.mappings + 8 {
            return Some(format!("there were {} mappings, now there are {}", then.mappings, now.mappings));
        }
        if self.resident > before.resident + SLACK {
            return Some(format!("{} bytes were resident, now {} are", before.resident, self.resident));
        }
        None
    }
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of its memory");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024
}
