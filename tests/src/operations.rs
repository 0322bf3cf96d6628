//! Random operations on several sandboxes. Each must follow its model, whatever happens to the others.

use std::collections::BTreeMap;
use std::time::Duration;

use libhyperlight::{Guest, InterruptHandle, SandboxOptions, UninitializedSandbox};

use crate::model::{Modelled, Picture};
use crate::random::Random;
use crate::{demo, demo_c, uninitialized_with};

/// Maximum number of sandboxes that are kept, and of snapshots.
const MOST: usize = 6;

/// An operation.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Operation {
    /// A call that goes well.
    Call,
    /// A call that goes well, on a thread of its own.
    CallElsewhere,
    /// A new sandbox of a snapshot.
    Clone,
    /// A call, and nothing left of the sandbox.
    Drop,
    /// A call that the guest answers with an error, or passes one of the host on.
    Fail,
    /// A handle that is fired when nothing runs, or whose sandbox is gone.
    FireInVain,
    /// A call that is interrupted from another thread.
    Interrupt,
    /// A new sandbox of a guest.
    New,
    /// A call that is refused.
    Refuse,
    /// Back to a snapshot; that of another guest is refused.
    Restore,
    /// A new snapshot.
    Snapshot,
    /// A call that stops the guest in the middle.
    Stop,
    /// A call whose time runs out.
    Timeout,
}

use Operation as Op;

/// The frequency of each, relative to the others.
const OFTEN: [(Op, usize); 13] = [
    (Op::Call, 10),
    (Op::CallElsewhere, 2),
    (Op::Clone, 3),
    (Op::Drop, 4),
    (Op::Fail, 4),
    (Op::FireInVain, 3),
    (Op::Interrupt, 4),
    (Op::New, 3),
    (Op::Refuse, 3),
    (Op::Restore, 12),
    (Op::Snapshot, 1),
    (Op::Stop, 4),
    (Op::Timeout, 2),
];

/// Everything there is.
#[derive(Debug)]
pub struct World {
    random: Random,
    guests: [Guest; 2],
    sandboxes: Vec<Modelled>,
    pictures: Vec<Picture>,
    /// Handles whose sandboxes are gone.
    ghosts: Vec<InterruptHandle>,
    done: BTreeMap<Op, u64>,
}

impl World {
    /// An empty one.
    pub fn new(seed: u64) -> Self {
        let (guests, done) = ([demo(), demo_c()], BTreeMap::new());
        let random = Random::new(seed);
        Self { random, guests, sandboxes: Vec::new(), pictures: Vec::new(), ghosts: Vec::new(), done }
    }

    /// Does something; panics if the outcome is not the model's.
    pub fn step(&mut self) {
        let operation = if self.sandboxes.is_empty() { Op::New } else { self.operation() };
        *self.done.entry(operation).or_default() += 1;
        let place = self.random.below(self.sandboxes.len().max(1));
        match operation {
            Op::Clone => self.clone_one(),
            Op::New => self.start_one(),
            Op::Drop => {
                let mut sandbox = self.sandboxes.swap_remove(place);
                sandbox.call(&mut self.random);
                self.ghosts.push(sandbox.handle().clone());
            }
            Op::FireInVain => {
                self.ghosts.truncate(100);
                let handles = self.ghosts.iter().chain(self.sandboxes.iter().map(|sandbox| sandbox.handle()));
                assert!(handles.fold(true, |none, handle| none & !handle.interrupt()), "nothing runs");
            }
            Op::Restore => {
                let Some(picture) = self.pictures.get(self.random.below(MOST)) else { return };
                self.sandboxes[place].restore(picture);
            }
            Op::Snapshot => {
                if let Some(picture) = self.sandboxes[place].picture() {
                    self.keep(picture);
                }
            }
            Op::CallElsewhere => {
                let (mut sandbox, mut random) = (self.sandboxes.swap_remove(place), self.random.clone());
                let call = move || {
                    sandbox.call(&mut random);
                    sandbox
                };
                self.sandboxes.push(std::thread::spawn(call).join().unwrap());
                self.random.number();
            }
            Op::Call => self.sandboxes[place].call(&mut self.random),
            Op::Fail => self.sandboxes[place].fail(&mut self.random),
            Op::Interrupt => self.sandboxes[place].interrupt(),
            Op::Refuse => self.sandboxes[place].refuse(&mut self.random),
            Op::Stop => self.sandboxes[place].stop(&mut self.random),
            Op::Timeout => self.sandboxes[place].time_out(&mut self.random),
        }
        let place = self.random.below(self.sandboxes.len().max(1));
        if let Some(sandbox) = self.sandboxes.get_mut(place) {
            sandbox.check();
        }
    }

    /// Drops everything, each with a last look.
    pub fn clear(&mut self) {
        self.sandboxes.iter_mut().for_each(Modelled::check);
        self.sandboxes.clear();
        self.pictures.clear();
        self.ghosts.clear();
    }

    /// The number of times that each operation was done, by name.
    pub fn done(&self) -> impl Iterator<Item = (String, u64)> {
        self.done.iter().map(|(operation, times)| (format!("{operation:?}"), *times))
    }

    fn operation(&mut self) -> Op {
        let mut left = self.random.below(OFTEN.iter().map(|(_, often)| often).sum());
        for (operation, often) in OFTEN {
            match left.checked_sub(often) {
                Some(rest) => left = rest,
                None => return operation,
            }
        }
        Op::Call
    }

    fn start_one(&mut self) {
        let guest = self.random.below(self.guests.len());
        let host = uninitialized_with(&self.guests[guest], self.options());
        let mut sandbox = Modelled::of(host, guest, 0);
        if let Some(picture) = sandbox.picture().filter(|_| self.pictures.len() < MOST) {
            self.keep(picture);
        }
        self.admit(sandbox);
    }

    fn clone_one(&mut self) {
        let Some(picture) = self.pictures.get(self.random.below(MOST)) else { return };
        let host = UninitializedSandbox::from_snapshot(&picture.snapshot, self.options()).unwrap();
        let sandbox = Modelled::of(host, picture.guest, picture.count);
        self.admit(sandbox);
    }

    /// Some sandboxes have limits, which their calls keep.
    fn options(&self) -> SandboxOptions {
        match self.sandboxes.len() % 3 {
            0 => SandboxOptions::new(),
            1 => SandboxOptions::new().timeout(Duration::from_secs(3600)),
            _ => SandboxOptions::new().timeout(Duration::from_secs(60)).cpu_time(Duration::from_secs(60)),
        }
    }

    fn admit(&mut self, sandbox: Modelled) {
        if self.sandboxes.len() >= MOST {
            let place = self.random.below(MOST);
            self.ghosts.push(self.sandboxes.swap_remove(place).handle().clone());
        }
        self.sandboxes.push(sandbox);
    }

    fn keep(&mut self, picture: Picture) {
        if self.pictures.len() >= MOST {
            self.pictures.swap_remove(self.random.below(MOST));
        }
        self.pictures.push(picture);
    }
}
