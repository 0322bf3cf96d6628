//! `poll_oneoff`: waiting for times, and for descriptors, which are always ready because they have no other end.
//!
//! Subscriptions and events stay in the program's memory, in any number: two passes over them, and one wait between.

use super::Program;
use super::clock::Clock;
use super::errno::Errno;
use super::files::Open;
use super::memory::word;

/// Bytes of a subscription: userdata u64, tag u8 and padding, what is subscribed to.
const SUBSCRIPTION: usize = 48;

/// Bytes of an event: userdata u64, error u16, type u8 and padding, nbytes u64, flags u16 and padding.
const EVENT: usize = 32;

/// `eventtype`
mod event {
    pub(super) const CLOCK: u8 = 0;
    pub(super) const READ: u8 = 1;
    pub(super) const WRITE: u8 = 2;
}

/// `subclockflags`: the time is absolute on the clock, not relative to now.
const ABSOLUTE: u16 = 1;

/// `eventrwflags`: no more data will come.
const HANGUP: u16 = 1;

/// Bytes that standard output reports as free; it takes any number.
const ROOM: u64 = super::MAX_TRANSFER as u64;

/// An event that a program waits for.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    userdata: [u8; 8],
    tag: u8,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Time { clock: u32, timeout: u64, flags: u16 },
    Read(u32),
    Write(u32),
}

/// The state of the event.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The event has come, or never will.
    Ready(Result<(u64, u16), Errno>),
    /// The event will come at that time of the monotonic clock.
    At(u64),
}

/// The start of a poll, by both clocks.
#[derive(Clone, Copy, Debug)]
struct Began {
    wall: u64,
    monotonic: u64,
}

/// Waits until the first of `count` subscriptions has come, and writes an event for each that has.
pub(super) fn oneoff(
    program: &mut Program<'_>,
    list: usize,
    events: usize,
    count: usize,
    found: usize,
) -> Result<(), Errno> {
    if count == 0 {
        return Err(Errno::INVAL);
    }
    // All of it must be in memory before the wait.
    let [subscriptions, room] = [SUBSCRIPTION, EVENT].map(|size| count.checked_mul(size).ok_or(Errno::INVAL));
    program.memory.part(list, subscriptions?)?;
    program.memory.part(events, room?)?;
    program.memory.part(found, size_of::<u32>())?;

    let began = Began { wall: Clock::Wall.now(), monotonic: Clock::Monotonic.now() };
    let mut earliest = u64::MAX;
    for number in 0..count {
        earliest = earliest.min(match state(program, &subscription(program, list, number)?, began) {
            State::Ready(_) => 0,
            State::At(time) => time,
        });
    }
    let now = if earliest > began.monotonic { program.wasi.clocks.wait(earliest) } else { began.monotonic };

    let mut end = events;
    for number in 0..count {
        let subscription = subscription(program, list, number)?;
        let outcome = match state(program, &subscription, began) {
            State::Ready(outcome) => outcome,
            State::At(time) if time <= now => Ok((0, 0)),
            State::At(_) => continue,
        };
        // An event is smaller than a subscription: where both lists lie in one place, none is written over before it
        // was read.
        program.memory.put(end, &to_bytes(&subscription, outcome))?;
        end = end.saturating_add(EVENT);
    }
    let written = (end - events) / EVENT;
    program.memory.put(found, &word(written)?.to_le_bytes())
}

fn subscription(program: &Program<'_>, list: usize, number: usize) -> Result<Subscription, Errno> {
    let bytes: [u8; SUBSCRIPTION] =
        program.memory.get(list.saturating_add(number.saturating_mul(SUBSCRIPTION)))?;
    let [.., tag] = field::<9>(&bytes, 0);
    let wanted = match tag {
        event::CLOCK => Wanted::Time {
            clock: u32::from_le_bytes(field(&bytes, 16)),
            timeout: u64::from_le_bytes(field(&bytes, 24)),
            flags: u16::from_le_bytes(field(&bytes, 40)),
        },
        event::READ => Wanted::Read(u32::from_le_bytes(field(&bytes, 16))),
        event::WRITE => Wanted::Write(u32::from_le_bytes(field(&bytes, 16))),
        _ => return Err(Errno::INVAL),
    };
    Ok(Subscription { userdata: field(&bytes, 0), tag, wanted })
}

/// The bytes of a field.
fn field<const N: usize>(bytes: &[u8; SUBSCRIPTION], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// The state of a subscription.
fn state(program: &mut Program<'_>, subscription: &Subscription, began: Began) -> State {
    match subscription.wanted {
        Wanted::Time { clock, timeout, flags } => match Clock::new(clock) {
            Err(errno) => State::Ready(Err(errno)),
            Ok(_) if flags & ABSOLUTE == 0 => State::At(began.monotonic.saturating_add(timeout)),
            Ok(Clock::Monotonic) => State::At(timeout),
            Ok(Clock::Wall) => State::At(began.monotonic.saturating_add(timeout.saturating_sub(began.wall))),
        },
        Wanted::Read(descriptor) => State::Ready(readable(program, descriptor)),
        Wanted::Write(descriptor) => State::Ready(match program.wasi.files.get(descriptor.cast_signed()) {
            Ok(Open::Print | Open::Log) => Ok((ROOM, 0)),
            Ok(_) => Err(Errno::BADF),
            Err(errno) => Err(errno),
        }),
    }
}

/// Bytes that can be read, and true if no more will come. Refuses what `fd_read` refuses.
fn readable(program: &mut Program<'_>, descriptor: u32) -> Result<(u64, u16), Errno> {
    let files = &mut program.wasi.files;
    match *files.get(descriptor.cast_signed())? {
        Open::Input => Ok((0, HANGUP)),
        Open::File { index, offset } => Ok(((files.contents(index).len() as u64).saturating_sub(offset), 0)),
        Open::Directory(_) => Err(Errno::ISDIR),
        Open::Print | Open::Log => Err(Errno::BADF),
    }
}

fn to_bytes(subscription: &Subscription, outcome: Result<(u64, u16), Errno>) -> [u8; EVENT] {
    let (errno, (bytes, flags)) = match outcome {
        Ok(ready) => (Errno::SUCCESS, ready),
        Err(errno) => (errno, (0, 0)),
    };
    let [low, high, ..] = errno.0.to_le_bytes();
    let mut event = [0; EVENT];
    event[..8].copy_from_slice(&subscription.userdata);
    event[8..11].copy_from_slice(&[low, high, subscription.tag]);
    event[16..24].copy_from_slice(&bytes.to_le_bytes());
    event[24..26].copy_from_slice(&flags.to_le_bytes());
    event
}
