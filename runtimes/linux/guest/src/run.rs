//! One run of the program.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::ptr;
use core::slice;

use libhyperlight_guest::{
    Error, Result, Value, ValueRef, boot_info, code, guest_function, host_call, random,
};
use libhyperlight_linux_contract::address::INDEX;
use libhyperlight_linux_contract::index::{HEADER_LEN, Index};
use libhyperlight_linux_contract::request::{self, Kind, READ_FILE, WRITE_FILE};
use libhyperlight_linux_libos::{Control, Errno, Frame, Kernel, Places, Platform, Start};

use crate::entry;
use crate::platform::{self, Guest};
use crate::single::Single;

/// The libOS of the program that runs.
static KERNEL: Single<Option<Box<Kernel<Guest>>>> = Single::new(None);

/// The status with which the program has ended.
static STATUS: Single<i32> = Single::new(0);

/// The first leaf of `cpuid`.
const FEATURES: u32 = 1;

/// The smallest and the number of identities of processes.
const FIRST_PROCESS: u32 = 2;
const PROCESSES: u32 = 32_000;

/// The contents of a request.
#[derive(Default)]
struct Request<'r> {
    program: &'r [u8],
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    folder: &'r [u8],
    files: Vec<(u32, u64, &'r [u8])>,
    file_limit: u64,
    jit: bool,
}

/// Runs the program of the image. Returns its status as a shell shows it.
#[guest_function("run")]
fn run(request: Vec<u8>) -> Result<i32> {
    let request = Request::read(&request).ok_or_else(|| invalid("the request is malformed"))?;
    // SAFETY: nobody else has a reference: no program runs.
    let kernel = unsafe { &mut *KERNEL.get() };
    if kernel.is_some() {
        return Err(invalid("a program has run here; restore the sandbox before the next one"));
    }
    let mut guest = Guest::default();
    guest.clock.set();
    let clocks = guest.clock.object();
    let engine_pointer = guest.thread_pointer();
    let kernel = kernel.insert(Box::new(Kernel::new(guest, index()?, places(request.jit), process())));
    let frame = prepare(kernel, &request, clocks)?;
    // SAFETY: the libOS has prepared the registers for a program of the image, and no other one runs. From here on the
    // kernel is only used by `serve`, until the program has ended.
    unsafe { entry::enter(&frame) };
    // SAFETY: the program has ended; nobody else has a reference.
    if let Some(kernel) = unsafe { &mut *KERNEL.get() } {
        kernel.platform().set_thread_pointer(engine_pointer);
        send_files(kernel)?;
    }
    // SAFETY: as above.
    Ok(unsafe { STATUS.get().read() })
}

/// Serves a system call of the program.
pub(crate) fn serve(frame: &mut Frame) -> Control {
    // SAFETY: the program has stopped in this call, and `run` waits for its end: there is no other reference.
    let Some(kernel) = (unsafe { &mut *KERNEL.get() }) else {
        libhyperlight_guest::abort(code::PROTOCOL, "a system call without a program");
    };
    let control = kernel.system_call(frame);
    if let Control::Exit(status) = control {
        // SAFETY: as above.
        unsafe { STATUS.get().write(status) };
    }
    control
}

/// Puts the request's files into memory, and the program's first words onto its stack.
fn prepare(kernel: &mut Kernel<Guest>, request: &Request<'_>, clocks: u64) -> Result<Frame> {
    let failed = |what: &str, path: &[u8], Errno(errno): Errno| {
        invalid(&format!("{what} {}: error {errno}", alloc::string::String::from_utf8_lossy(path)))
    };
    kernel.set_file_limit(request.file_limit);
    for (folder, permissions) in [(&b"/tmp"[..], 0o1777), (b"/dev", 0o755), (b"/proc", 0o555)] {
        // What the builder laid out is there already.
        if folder == b"/tmp" {
            kernel
                .put_folder(folder, permissions)
                .map_err(|errno| failed("there is no folder", folder, errno))?;
        }
    }
    for (number, (permissions, len, path)) in (0_u32..).zip(&request.files) {
        let contents = receive(number, *len)?;
        kernel
            .put_file(path, contents, *permissions)
            .map_err(|errno| failed("the file cannot be put to", path, errno))?;
    }
    let start = Start {
        program: request.program,
        arguments: &request.arguments,
        environment: &request.environment,
        folder: request.folder,
        clocks,
        capabilities: u64::from(core::arch::x86_64::__cpuid(FEATURES).edx),
    };
    kernel.start(&start).map_err(|errno| failed("the program cannot be started:", request.program, errno))
}

/// Fetches a file of the request from the host.
fn receive(number: u32, len: u64) -> Result<Vec<u8>> {
    let mut contents = Vec::new();
    while (contents.len() as u64) < len {
        let at = contents.len() as u64;
        let max = u32::try_from((len - at).min(platform::in_part() as u64)).unwrap_or(u32::MAX);
        let arguments = [ValueRef::U32(number), ValueRef::U64(at), ValueRef::U32(max)];
        match host_call(READ_FILE, &arguments)? {
            Value::Bytes(part) if !part.is_empty() => {
                contents
                    .try_reserve(part.len())
                    .map_err(|_| invalid("the files do not fit into the guest's heap"))?;
                contents.extend(part);
            }
            _ => return Err(invalid("the host gave less of a file than it has")),
        }
    }
    Ok(contents)
}

/// Hands the files that are in memory to the host.
fn send_files(kernel: &Kernel<Guest>) -> Result<()> {
    let mut outcome = Ok(());
    kernel.each_file(|path, permissions, contents| {
        let part = platform::out_part().saturating_sub(path.len()).max(1);
        let mut at = 0;
        while outcome.is_ok() {
            let bytes = contents.get(at..).unwrap_or_default();
            let bytes = bytes.get(..part).unwrap_or(bytes);
            let arguments = [
                ValueRef::Bytes(path),
                ValueRef::U32(permissions),
                ValueRef::U64(at as u64),
                ValueRef::Bytes(bytes),
            ];
            outcome = host_call(WRITE_FILE, &arguments).map(|_| ());
            at += bytes.len();
            if at >= contents.len() {
                break;
            }
        }
    });
    outcome
}

/// The index of the files.
fn index() -> Result<Index<'static>> {
    let place = usize::try_from(INDEX.start).map_err(|_| invalid("no address"))?;
    let header = ptr::with_exposed_provenance::<[u8; HEADER_LEN]>(place);
    // SAFETY: the builder places an index there in every image of this guest, readable and never written.
    let len = Index::len_by_header(unsafe { &*header }).and_then(|len| usize::try_from(len).ok());
    let len = len.ok_or_else(|| invalid("the image has no index of files"))?;
    // SAFETY: as above; the header states the length.
    let bytes = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance::<u8>(place), len) };
    Index::new(bytes).ok_or_else(|| invalid("the index of the files is malformed"))
}

/// The places of the program's memory.
fn places(jit: bool) -> Places {
    let placement = boot_info().placement;
    let stacks = placement.stacks;
    Places {
        arena: (placement.arena.address, placement.arena.size),
        stacks: (stacks.first, stacks.size, stacks.stride),
        stack_count: stacks.count,
        jit,
    }
}

/// An identity for the process, another one in each run: what was prepared before a snapshot sees a fork.
fn process() -> u32 {
    let mut bytes = [0; 4];
    random::fill(&mut bytes);
    FIRST_PROCESS + u32::from_le_bytes(bytes) % PROCESSES
}

fn invalid(message: &str) -> Error {
    Error::new(code::INVALID_ARGUMENT, message)
}

impl<'r> Request<'r> {
    fn read(request: &'r [u8]) -> Option<Self> {
        let mut read = Self { folder: b"/", ..Self::default() };
        for field in request::fields(request) {
            let (kind, bytes) = field?;
            match kind {
                Kind::Program => read.program = bytes,
                Kind::Argument => read.arguments.push(bytes.to_vec()),
                Kind::Variable => read.environment.push(bytes.to_vec()),
                Kind::Folder => read.folder = bytes,
                Kind::File => read.files.push(request::file(bytes)?),
                Kind::FileLimit => read.file_limit = u64::from_le_bytes(*bytes.first_chunk()?),
                Kind::Jit => read.jit = true,
            }
        }
        Some(read)
    }
}
