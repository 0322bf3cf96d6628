//! The libOS as a program sees it: system calls by their numbers, without a virtual machine.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "system calls answer with numbers that are negative for errors"
)]
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use libhyperlight_linux_contract::index;
use libhyperlight_linux_libos::{Control, Frame, Kernel, Places, Platform, Stream};

/// Everything that the world outside has seen.
#[derive(Default)]
struct Seen {
    now: u64,
    stdout: Vec<u8>,
    stdin: Vec<u8>,
    waits: Vec<u64>,
    log: Vec<String>,
    pointer: u64,
}

#[derive(Clone, Default)]
struct World(Rc<RefCell<Seen>>);

impl Platform for World {
    fn monotonic_ns(&mut self) -> u64 {
        let mut seen = self.0.borrow_mut();
        seen.now += 100;
        seen.now
    }

    fn wall_ns(&mut self) -> u64 {
        self.monotonic_ns() + 1_700_000_000_000_000_000
    }

    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(4);
    }

    fn output(&mut self, _: Stream, bytes: &[u8]) -> bool {
        self.0.borrow_mut().stdout.extend(bytes);
        true
    }

    fn input(&mut self, bytes: &mut [u8]) -> usize {
        let mut seen = self.0.borrow_mut();
        let len = bytes.len().min(seen.stdin.len());
        bytes.iter_mut().zip(seen.stdin.drain(..len)).for_each(|(place, byte)| *place = byte);
        len
    }

    fn wait_until(&mut self, deadline_ns: u64) {
        assert_ne!(deadline_ns, u64::MAX, "everything waits, for nothing");
        let mut seen = self.0.borrow_mut();
        seen.waits.push(deadline_ns);
        seen.now = seen.now.max(deadline_ns);
    }

    fn log(&mut self, record: fmt::Arguments<'_>) {
        self.0.borrow_mut().log.push(record.to_string());
    }

    fn thread_pointer(&mut self) -> u64 {
        self.0.borrow().pointer
    }

    fn set_thread_pointer(&mut self, address: u64) {
        self.0.borrow_mut().pointer = address;
    }

    fn extended_len(&mut self) -> usize {
        576
    }

    fn save_extended(&mut self, _: &mut [u8]) {}

    fn load_extended(&mut self, _: &[u8]) {}
}

/// A program whose code is the test.
struct Process {
    kernel: Kernel<World>,
    world: World,
    frame: Frame,
    /// The arena; it must stay where it is.
    _arena: Vec<u8>,
}

const ENOENT: i64 = -2;
const EAGAIN: i64 = -11;
const EFAULT: i64 = -14;
const EEXIST: i64 = -17;
const EINVAL: i64 = -22;
const ENOSPC: i64 = -28;
const ENOSYS: i64 = -38;
const ENOTEMPTY: i64 = -39;

const PAGE: usize = 4096;

/// An index with a folder and a file in it, whose contents are at an address of the test's.
fn index_of(contents: &'static [u8]) -> &'static [u8] {
    use index::{Entry, FILE, FOLDER};
    let names = b"//etc/etc/file";
    let root = Entry { path: 0, path_len: 1, mode: FOLDER | 0o755, parent: 1, child: 2, ..Entry::default() };
    let folder =
        Entry { path: 1, path_len: 4, mode: FOLDER | 0o755, parent: 1, child: 3, ..Entry::default() };
    let file = Entry {
        path: 5,
        path_len: 9,
        mode: FILE | 0o644,
        parent: 2,
        size: contents.len() as u64,
        data: contents.as_ptr().expose_provenance() as u64,
        ..Entry::default()
    };
    let mut slots = [0_u32; 8];
    for (number, path) in [(1, &b"/"[..]), (2, b"/etc"), (3, b"/etc/file")] {
        let mut slot = index::slot(index::hash(path), 7);
        while slots[slot] != 0 {
            slot = (slot + 1) & 7;
        }
        slots[slot] = number;
    }
    let mut bytes = index::header(4, 0, 8, names.len()).to_vec();
    bytes.extend([Entry::default(), root, folder, file].iter().flat_map(Entry::to_bytes));
    bytes.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
    bytes.extend(names);
    bytes.leak()
}

impl Process {
    fn new() -> Self {
        let arena = vec![0_u8; 1024 * PAGE];
        let start = (arena.as_ptr().expose_provenance() as u64).next_multiple_of(PAGE as u64);
        let places = Places { arena: (start, 1023 * PAGE as u64), ..Places::default() };
        let world = World::default();
        let index = index::Index::new(index_of(b"of the host")).unwrap();
        let mut kernel = Kernel::new(world.clone(), index, places, 77);
        kernel.put_folder(b"/tmp", 0o1777).unwrap();
        Self { kernel, world, frame: Frame::default(), _arena: arena }
    }

    /// Makes a system call that comes back to the same thread.
    fn call(&mut self, number: u64, arguments: &[u64]) -> i64 {
        let argument = |at: usize| arguments.get(at).copied().unwrap_or(0);
        self.frame.rax = number;
        (self.frame.rdi, self.frame.rsi, self.frame.rdx) = (argument(0), argument(1), argument(2));
        (self.frame.r10, self.frame.r8, self.frame.r9) = (argument(3), argument(4), argument(5));
        assert_eq!(self.kernel.system_call(&mut self.frame), Control::Resume);
        self.frame.rax as i64
    }

    fn write(&mut self, descriptor: i64, bytes: &[u8]) -> i64 {
        self.call(1, &[descriptor as u64, address(bytes), bytes.len() as u64])
    }

    fn read(&mut self, descriptor: i64, len: usize) -> Result<Vec<u8>, i64> {
        let mut bytes = vec![0; len];
        let read = self.call(0, &[descriptor as u64, address_mut(&mut bytes), len as u64]);
        bytes.truncate(usize::try_from(read).map_err(|_| read)?);
        Ok(bytes)
    }

    fn open(&mut self, path: &str, flags: u64) -> i64 {
        let path = format!("{path}\0");
        self.call(257, &[(-100_i64).cast_unsigned(), address(path.as_bytes()), flags, 0o644])
    }

    /// A call with one path.
    fn with_path(&mut self, number: u64, path: &str, other: u64) -> i64 {
        let path = format!("{path}\0");
        self.call(number, &[address(path.as_bytes()), other])
    }

    fn names(&mut self, path: &str) -> Vec<String> {
        let folder = self.open(path, 0o200_000);
        let mut names = Vec::new();
        let mut buffer = vec![0_u8; 64];
        loop {
            let len = self.call(217, &[folder as u64, address_mut(&mut buffer), buffer.len() as u64]);
            let mut rest = &buffer[..usize::try_from(len).unwrap()];
            if rest.is_empty() {
                break;
            }
            while !rest.is_empty() {
                let len = u16::from_le_bytes([rest[16], rest[17]]) as usize;
                let name: Vec<u8> = rest[19..].iter().copied().take_while(|byte| *byte != 0).collect();
                names.push(String::from_utf8(name).unwrap());
                rest = &rest[len..];
            }
        }
        self.call(3, &[folder as u64]);
        names
    }
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().expose_provenance() as u64
}

fn address_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().expose_provenance() as u64
}

const CREATE: u64 = 0o100 | 2;

#[test]
fn files_that_were_laid_out_can_be_read_and_not_changed() {
    let mut process = Process::new();
    let file = process.open("/etc/../etc/./file", 0);
    assert_eq!(process.read(file, 6).unwrap(), b"of the");
    assert_eq!(process.read(file, 100).unwrap(), b" host");
    assert_eq!(process.read(file, 100).unwrap(), b"");
    assert_eq!(process.open("/etc/file", 1), -30);
    assert_eq!(process.with_path(87, "/etc/file", 0), -30);
    assert_eq!(process.open("/etc/none", 0), ENOENT);
    assert_eq!(process.open("/etc/file/x", 0), -20);
}

#[test]
fn files_in_memory_lie_over_those_that_were_laid_out() {
    let mut process = Process::new();
    let file = process.open("/etc/new", CREATE);
    assert_eq!(process.write(file, b"hello"), 5);
    assert_eq!(process.call(8, &[file as u64, 1, 0]), 1);
    assert_eq!(process.read(file, 9).unwrap(), b"ello");
    assert_eq!(process.names("/etc"), [".", "..", "file", "new"]);
    assert_eq!(process.names("/"), [".", "..", "etc", "tmp", "dev", "proc"]);
    assert_eq!(process.open("/etc/new", CREATE | 0o200), EEXIST);
    assert_eq!(process.with_path(87, "/etc/new", 0), 0);
    // It is open, and lives on.
    assert_eq!(process.call(8, &[file as u64, 0, 0]), 0);
    assert_eq!(process.read(file, 9).unwrap(), b"hello");
    assert_eq!(process.open("/etc/new", 0), ENOENT);
}

#[test]
fn folders_are_made_moved_and_removed() {
    let mut process = Process::new();
    assert_eq!(process.with_path(83, "/tmp/a", 0o755), 0);
    assert_eq!(process.with_path(83, "/tmp/a", 0o755), EEXIST);
    assert_eq!(process.with_path(83, "/tmp/none/b", 0o755), ENOENT);
    let file = process.open("/tmp/a/file", CREATE);
    process.write(file, b"x");
    assert_eq!(process.with_path(84, "/tmp/a", 0), ENOTEMPTY);
    assert_eq!(process.with_path(82, "/tmp/a", address(b"/tmp/b\0")), 0);
    assert_eq!(process.names("/tmp/b"), [".", "..", "file"]);
    assert_eq!(process.with_path(82, "/tmp/b", address(b"/tmp/b/inside\0")), EINVAL);
    assert_eq!(process.with_path(80, "/tmp/b", 0), 0);
    assert!(process.open("file", 0) > 0);
    assert_eq!(process.with_path(87, "file", 0), 0);
    assert_eq!(process.with_path(84, "/tmp/b", 0), 0);
}

#[test]
fn links_lead_to_files_and_circles_end() {
    let mut process = Process::new();
    assert_eq!(process.with_path(88, "../etc/file", address(b"/tmp/link\0")), 0);
    let file = process.open("/tmp/link", 0);
    assert_eq!(process.read(file, 2).unwrap(), b"of");
    assert_eq!(process.with_path(88, "two", address(b"/tmp/one\0")), 0);
    assert_eq!(process.with_path(88, "one", address(b"/tmp/two\0")), 0);
    assert_eq!(process.open("/tmp/one", 0), -40);
    let mut target = [0; 64];
    let len = process.call(89, &[address(b"/tmp/link\0"), address_mut(&mut target), 64]);
    assert_eq!(&target[..usize::try_from(len).unwrap()], b"../etc/file");
}

#[test]
fn files_in_memory_have_a_limit() {
    let mut process = Process::new();
    process.kernel.set_file_limit(20_000);
    let file = process.open("/tmp/big", CREATE);
    assert_eq!(process.write(file, &[1; 10_000]), 10_000);
    assert_eq!(process.write(file, &[1; 10_000]), ENOSPC);
    assert_eq!(process.call(77, &[file as u64, 1 << 40]), ENOSPC);
    assert_eq!(process.call(77, &[file as u64, 10]), 0);
    assert_eq!(process.write(file, &[1; 1000]), 1000);
}

#[test]
fn memory_is_zero_and_comes_back() {
    let mut process = Process::new();
    let map = |process: &mut Process, len: u64| process.call(9, &[0, len, 3, 0x22, u64::MAX, 0]);
    let first = map(&mut process, 10_000);
    assert!(first > 0 && first % PAGE as i64 == 0);
    assert_eq!(process.call(11, &[first as u64, 10_000]), 0);
    assert_eq!(map(&mut process, 12_288), first);
    assert_eq!(map(&mut process, 1 << 40), -12);
    assert_eq!(map(&mut process, 0), EINVAL);
    // Executable memory there is none.
    assert_eq!(process.call(9, &[0, 4096, 7, 0x22, u64::MAX, 0]), -13);
    assert_eq!(process.call(10, &[first as u64, 4096, 5]), -13);
    assert_eq!(process.call(10, &[first as u64, 4096, 0]), 0);
    let grown = process.call(25, &[first as u64, 12_288, 40_960, 1]);
    assert_eq!(grown, first);
    let file = process.open("/etc/file", 0);
    let mapped = process.call(9, &[0, 4096, 3, 2, file as u64, 0]);
    assert!(mapped > 0);
    assert_eq!(process.write(1, &[0; 3]), 3);
    assert_eq!(process.call(1, &[1, mapped as u64, 11]), 11);
    assert!(process.world.0.borrow().stdout.ends_with(b"of the host"));
}

#[test]
fn the_break_moves_and_what_it_gives_is_zero() {
    let mut process = Process::new();
    let start = process.call(12, &[0]) as u64;
    assert_eq!(process.call(12, &[start + 8192]) as u64, start + 8192);
    assert_eq!(process.call(0, &[0, start, 100]), 0);
    let zeros = process.open("/dev/urandom", 0);
    assert_eq!(process.call(0, &[zeros as u64, start, 8192]), 8192);
    assert_eq!(process.call(12, &[start]) as u64, start);
    assert_eq!(process.call(12, &[start + 8192]) as u64, start + 8192);
    assert_eq!(process.call(1, &[1, start, 8192]), 8192);
    assert!(process.world.0.borrow().stdout.iter().all(|byte| *byte == 0));
    assert_eq!(process.call(12, &[start + (1 << 40)]) as u64, start + 8192);
}

#[test]
fn a_pointer_that_nobody_has_is_an_error() {
    let mut process = Process::new();
    assert_eq!(process.call(1, &[1, 0, 5]), EFAULT);
    assert_eq!(process.call(257, &[0, 8, 0, 0]), EFAULT);
    assert_eq!(process.call(228, &[1, u64::MAX - 4]), EFAULT);
    assert_eq!(process.call(228, &[99, 0]), EINVAL);
}

#[test]
fn a_missing_call_is_told_of_once_and_processes_by_name() {
    let mut process = Process::new();
    for _ in 0..3 {
        assert_eq!(process.call(425, &[]), ENOSYS);
        assert_eq!(process.call(100_000, &[]), ENOSYS);
    }
    assert_eq!(process.call(57, &[]), ENOSYS);
    let log = process.world.0.borrow().log.join("\n");
    assert_eq!(log.matches("io_uring_setup (425)").count(), 1, "{log}");
    assert_eq!(log.matches("100000").count(), 1, "{log}");
    assert!(log.contains("fork: a sandbox has one process"), "{log}");
}

#[test]
fn a_sleep_waits_at_the_hosts_until_its_time() {
    let mut process = Process::new();
    let before = process.world.0.borrow().now;
    let time = [1_u64, 500_000_000];
    assert_eq!(process.call(35, &[time.as_ptr().expose_provenance() as u64, 0]), 0);
    let waits = process.world.0.borrow().waits.clone();
    assert_eq!(waits.len(), 1);
    // It has used no processor time.
    let mut used = [0_u64; 2];
    assert_eq!(process.call(228, &[2, used.as_mut_ptr().expose_provenance() as u64]), 0);
    assert!(used[0] == 0 && used[1] < 1_000_000, "{used:?}");
    assert!((1_500_000_000..1_500_100_000).contains(&(waits[0] - before)));
}

#[test]
fn polling_reports_what_is_ready_and_gives_up_in_time() {
    let mut process = Process::new();
    let mut ends = [0_u32; 2];
    assert_eq!(process.call(22, &[ends.as_mut_ptr().expose_provenance() as u64]), 0);
    let mut list = [ends[0], 1, ends[1], 4];
    let place = list.as_mut_ptr().expose_provenance() as u64;
    assert_eq!(process.call(7, &[place, 2, u64::MAX]), 1);
    assert_eq!((list[1] >> 16, list[3] >> 16), (0, 4));
    assert_eq!(process.call(7, &[place, 1, 20]), 0);
    assert_eq!(process.world.0.borrow().waits.len(), 1);
    process.write(i64::from(ends[1]), b"x");
    assert_eq!(process.call(7, &[place, 1, u64::MAX]), 1);
    let epoll = process.call(291, &[0]);
    let event = [1_u32, 7, 8];
    let event_at = event.as_ptr().expose_provenance() as u64;
    assert_eq!(process.call(233, &[epoll as u64, 1, u64::from(ends[0]), event_at]), 0);
    assert_eq!(process.call(233, &[epoll as u64, 1, u64::from(ends[0]), event_at]), EEXIST);
    let mut events = [0_u32; 6];
    let events_at = events.as_mut_ptr().expose_provenance() as u64;
    assert_eq!(process.call(232, &[epoll as u64, events_at, 2, u64::MAX]), 1);
    assert_eq!(events[..3], [1, 7, 8]);
    assert_eq!(process.read(i64::from(ends[0]), 5).unwrap(), b"x");
    assert_eq!(process.call(232, &[epoll as u64, events_at, 2, 0]), 0);
}

#[test]
fn a_pipe_that_is_not_to_wait_says_so() {
    let mut process = Process::new();
    let mut ends = [0_u32; 2];
    assert_eq!(process.call(293, &[ends.as_mut_ptr().expose_provenance() as u64, 0o4000]), 0);
    assert_eq!(process.read(i64::from(ends[0]), 5), Err(EAGAIN));
    process.call(3, &[u64::from(ends[0])]);
    // SIGPIPE is ignored first.
    let action = [1_u64, 0, 0, 0];
    assert_eq!(process.call(13, &[13, action.as_ptr().expose_provenance() as u64, 0, 8]), 0);
    assert_eq!(process.write(i64::from(ends[1]), b"x"), -32);
}

/// Starts a thread with a stack of its own, and returns its number. The one that starts it goes on.
fn start_thread(process: &mut Process, stack: u64, clear: &mut u32) -> i64 {
    let flags = 0x3d_0f00;
    let clear = std::ptr::from_mut(clear).expose_provenance() as u64;
    process.call(56, &[flags, stack, clear, clear, 0x5555])
}

#[test]
fn threads_take_turns_at_futexes_and_ends_wake_who_waits() {
    let mut process = Process::new();
    let (mut clear, word) = (0_u32, 5_u32);
    let word_at = std::ptr::from_ref(&word).expose_provenance() as u64;
    process.frame.rbx = 1;
    let thread = start_thread(&mut process, 0x1234_5678, &mut clear);
    assert_eq!(thread, 78);
    // The first thread waits; the second one is seen next, at its start.
    assert_eq!(process.call(202, &[word_at, 0x80, 5, 0]), 0);
    assert_eq!(
        (process.frame.rsp, process.frame.rbx, process.world.0.borrow().pointer),
        (0x1234_5678, 1, 0x5555)
    );
    assert_eq!(process.call(186, &[]), 78);
    assert_eq!(process.call(202, &[word_at, 0x80, 6, 0]), EAGAIN);
    // It wakes the first one, and goes on until it ends.
    assert_eq!(process.call(202, &[word_at, 0x81, 1]), 1);
    assert_eq!(process.call(186, &[]), 78);
    assert_eq!(process.call(60, &[0]), 0);
    assert_eq!((process.frame.rsp, clear), (0, 0));
    assert_eq!(process.call(186, &[]), 77);
}

#[test]
fn a_futex_gives_up_in_time() {
    let mut process = Process::new();
    let (word, time) = (5_u32, [0_u64, 1000]);
    let word_at = std::ptr::from_ref(&word).expose_provenance() as u64;
    assert_eq!(process.call(202, &[word_at, 0, 5, time.as_ptr().expose_provenance() as u64]), -110);
}

#[test]
fn a_signal_runs_its_handler_and_returns_to_where_it_was() {
    let mut process = Process::new();
    let mut stack = vec![0_u8; 16 * PAGE];
    let top = address_mut(&mut stack) + 15 * PAGE as u64;
    let action = [0xaaaa_u64, 0x0400_0000, 0xbbbb, 0];
    assert_eq!(process.call(13, &[10, action.as_ptr().expose_provenance() as u64, 0, 8]), 0);
    (process.frame.rsp, process.frame.rip, process.frame.r12) = (top, 0x4444, 99);
    process.frame.xmm[3] = 0x1234;
    process.call(62, &[77, 10]);
    assert_eq!((process.frame.rip, process.frame.rdi), (0xaaaa, 10));
    assert!(process.frame.rsp < top - 128 && process.frame.rsp % 16 == 8);
    // The handler spoils everything and returns: `ret` takes the restorer's address, which makes the call.
    process.frame.rsp += 8;
    (process.frame.r12, process.frame.xmm[3]) = (0, 0);
    assert_eq!(process.call(15, &[]), 0);
    assert_eq!((process.frame.rsp, process.frame.rip, process.frame.r12), (top, 0x4444, 99));
    assert_eq!(process.frame.xmm[3], 0x1234);
}

#[test]
fn a_signal_without_a_handler_ends_the_program() {
    let mut process = Process::new();
    process.frame.rax = 62;
    (process.frame.rdi, process.frame.rsi) = (77, 15);
    assert_eq!(process.kernel.system_call(&mut process.frame), Control::Exit(143));
}

#[test]
fn an_alarm_interrupts_a_wait() {
    let mut process = Process::new();
    let mut stack = vec![0_u8; 16 * PAGE];
    process.frame.rsp = address_mut(&mut stack) + 15 * PAGE as u64;
    let action = [0xaaaa_u64, 0x0400_0000, 0xbbbb, 0];
    process.call(13, &[14, action.as_ptr().expose_provenance() as u64, 0, 8]);
    assert_eq!(process.call(37, &[2]), 0);
    process.call(34, &[]);
    assert_eq!((process.frame.rip, process.frame.rdi), (0xaaaa, 14));
    process.frame.rsp += 8;
    assert_eq!(process.call(15, &[]), -4);
}

#[test]
fn descriptors_end_at_a_limit_and_are_reused_from_below() {
    let mut process = Process::new();
    let mut last = 0;
    for _ in 0..2000 {
        let opened = process.open("/dev/null", 2);
        if opened < 0 {
            assert_eq!((opened, last), (-24, 1023));
            break;
        }
        last = opened;
    }
    assert_eq!(last, 1023);
    assert_eq!(process.call(3, &[500]), 0);
    assert_eq!(process.call(3, &[400]), 0);
    assert_eq!(process.call(32, &[3]), 400);
    assert_eq!(process.call(32, &[3]), 500);
    assert_eq!(process.call(3, &[5000]), -9);
}

#[test]
fn a_program_sees_itself() {
    let mut process = Process::new();
    let mut time = [0_u64; 2];
    assert_eq!(process.call(228, &[0, time.as_mut_ptr().expose_provenance() as u64]), 0);
    assert_eq!(time[0], 1_700_000_000);
    assert_eq!(process.call(39, &[]), 77);
    let file = process.open("/proc/self/status", 0);
    assert!(String::from_utf8(process.read(file, 1000).unwrap()).unwrap().contains("Pid:\t77"));
    process.world.0.borrow_mut().stdin = b"input".to_vec();
    assert_eq!(process.read(0, 3).unwrap(), b"inp");
    assert_eq!(process.read(0, 30).unwrap(), b"ut");
}
