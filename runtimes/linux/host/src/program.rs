//! A Linux program that is run again and again, each time as if for the first time.

use std::path::{Path, PathBuf};

use libhyperlight::placement::{FixedPartBuilder, Placement, Region, RegionAccess, Source};
use libhyperlight::{
    Error, ErrorCode, Guest, InterruptHandle, Result, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox,
};
use libhyperlight_linux_contract::PAGE;
use libhyperlight_linux_contract::address::{FILES, INDEX};
use libhyperlight_linux_contract::request;

use crate::error::binary;
use crate::exchange::Exchange;
use crate::files::Files;
use crate::layout::{self, Layout, Settings, Unplaced};
use crate::libraries::{self, Missing};
use crate::place::{Access, Contents};
use crate::run::{Ended, Outcome, Run};
use crate::{index, path, rewrite};

/// Memory for what the libOS keeps itself, beside files.
const LIBOS_HEAP: u64 = 32 << 20;

/// Bytes of a stack: what C libraries ask for by default, and room for a guard that they put below it.
const STACK: u64 = (8 << 20) + (64 << 10);

/// Stacks, one for each thread.
const STACKS: u64 = 64;

/// A program with its files, ready to be run.
///
/// ```no_run
/// use libhyperlight_linux::{Program, Run};
///
/// # fn main() -> libhyperlight::Result<()> {
/// let mut jq = Program::builder("/usr/bin/jq").build()?;
/// let outcome = jq.run(Run::new().args([".a"]).stdin(br#"{"a": 1}"#))?;
/// assert_eq!(outcome.stdout, b"1\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    sandbox: Sandbox,
    pristine: Snapshot,
    exchange: Exchange,
    files: Files,
    unplaced: Vec<Unplaced>,
    missing: Vec<Missing>,
    path: Vec<u8>,
    name: Vec<u8>,
    file_limit: u64,
    jit: bool,
    rewritten: usize,
    is_pristine: bool,
}

/// Settings of a [`Program`].
#[derive(Debug)]
pub struct ProgramBuilder {
    path: PathBuf,
    files: Files,
    memory: u64,
    file_limit: u64,
    jit: bool,
    options: SandboxOptions,
    failed: Option<Error>,
}

impl Program {
    /// Starts with the path of an executable of this machine. Its libraries are found by the system's own rules.
    pub fn builder(path: impl AsRef<Path>) -> ProgramBuilder {
        ProgramBuilder {
            path: path.as_ref().to_owned(),
            files: Files::new(),
            memory: 256 << 20,
            file_limit: 64 << 20,
            jit: false,
            options: SandboxOptions::new(),
            failed: None,
        }
    }

    /// Runs the program, in a sandbox as it was before the first run.
    ///
    /// What the program does is in the outcome: its status, or why it was stopped, and what it had printed by then. An
    /// error is a misuse, or a lack of the host's. One with [`ErrorCode::GuestError`] has the words of the guest, which
    /// could not start the program: its memory is too small, say, or a file of the run cannot be where it should.
    pub fn run(&mut self, run: Run) -> Result<Outcome> {
        if !self.is_pristine {
            self.sandbox.restore(&self.pristine)?;
            self.is_pristine = true;
        }
        let request = run.request(&self.path, &self.name, self.file_limit, self.jit)?;
        let (limits, call) = run.start(&self.exchange);
        self.is_pristine = false;
        let called = self.sandbox.call_with::<i32>(&limits, request::RUN, (&*request,));
        let ended = match called {
            Ok(status) => Ended::Exit(status),
            Err(error) if is_the_hosts(error.code()) => return Err(error),
            Err(error) => Ended::Stopped(error),
        };
        Ok(call.finish(ended))
    }

    /// A handle that ends a run from another thread.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle> {
        self.sandbox.interrupt_handle()
    }

    /// The files that were laid out.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// ELF objects among the files that can be read but not run.
    pub fn unplaced(&self) -> &[Unplaced] {
        &self.unplaced
    }

    /// Libraries that objects among the files need, and that this machine does not have.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// The number of system calls in the objects that do not leave the virtual machine.
    pub fn rewritten(&self) -> usize {
        self.rewritten
    }
}

impl ProgramBuilder {
    /// Takes a file or a folder of the host, with all that is in it, under its own path.
    pub fn files(mut self, path: impl AsRef<Path>) -> Self {
        self.keep(|files| files.add(path).map(|_| ()));
        self
    }

    /// Takes a file or a folder of the host under another path.
    pub fn files_as(mut self, path: impl AsRef<Path>, guest: impl AsRef<[u8]>) -> Self {
        self.keep(|files| files.add_as(path, guest).map(|_| ()));
        self
    }

    /// Adds a file that the program can read and not change.
    pub fn file(mut self, guest: impl AsRef<[u8]>, contents: impl Into<Vec<u8>>) -> Self {
        self.keep(|files| files.add_bytes(guest, contents).map(|_| ()));
        self
    }

    /// Memory that the program may use, in bytes: 256 MiB unless set.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Bytes of files that the program may have written at once: 64 MiB unless set. More is an error for the program.
    pub fn file_limit(mut self, bytes: u64) -> Self {
        self.file_limit = bytes;
        self
    }

    /// Gives the program memory that is both writable and executable, for compilers inside of it. Off unless asked for.
    pub fn jit(mut self, allowed: bool) -> Self {
        self.jit = allowed;
        self
    }

    /// Limits of all runs. The sizes of heap and stack in it are the libOS's own, and are set by
    /// [`build`](Self::build).
    pub fn options(mut self, options: SandboxOptions) -> Self {
        self.options = options;
        self
    }

    /// Finds the program's libraries, reads all files, and prepares a sandbox.
    pub fn build(mut self) -> Result<Program> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let name = path::bytes(&self.path).to_vec();
        // The files' own path, behind symbolic links, some of which may be of files that were given.
        if index::resolve(&self.files, &name).is_none() {
            self.files.add(&self.path)?;
        }
        let path =
            index::resolve(&self.files, &name).ok_or_else(|| binary(&name, "it is not among the files"))?;
        let missing = libraries::add_needed(&mut self.files)?;
        let own: Vec<_> = missing.iter().filter(|missing| missing.needed_by == path).cloned().collect();
        if !own.is_empty() {
            return Err(binary(
                &name,
                format!("it needs libraries that are not there: {}", libraries::sentence(&own)),
            ));
        }
        let libos = libhyperlight_builtin::linux()?;
        let handler = libos.system_call_handler();
        let mut writer = FixedPartBuilder::new()?;
        let offsets = layout::write_files(&self.files, &mut writer)?;
        let fixed = writer.finish()?;
        let settings = Settings { program: &path, jit: self.jit, handler };
        let laid = layout::lay_out(&self.files, fixed.bytes(), &offsets, &settings)?;
        let (unplaced, rewritten) = (laid.unplaced.clone(), laid.rewritten);
        let mut placement = Placement::new(&fixed);
        place(&mut placement, laid, fixed.len());
        placement.arena(self.memory).stacks(STACKS, STACK).jit(self.jit).rewriter(rewrite::VERSION);
        let guest = libos.with_placement(placement)?;
        let heap = self.file_limit.saturating_mul(3).saturating_add(LIBOS_HEAP);
        let options = self.options.heap_size(heap);
        let (sandbox, exchange) = start(&guest, options)?;
        let mut sandbox = sandbox;
        let pristine = sandbox.snapshot()?;
        Ok(Program {
            sandbox,
            pristine,
            exchange,
            files: self.files,
            unplaced,
            missing,
            path,
            name,
            file_limit: self.file_limit,
            jit: self.jit,
            rewritten,
            is_pristine: true,
        })
    }

    /// Does something with the files; the first failure is kept for [`build`](Self::build).
    fn keep(&mut self, add: impl FnOnce(&mut Files) -> Result<()>) {
        if self.failed.is_none() {
            self.failed = add(&mut self.files).err();
        }
    }
}

/// Makes a sandbox whose functions exchange streams and files with a run.
fn start(guest: &Guest, options: SandboxOptions) -> Result<(Sandbox, Exchange)> {
    let exchange = Exchange::default();
    let mut sandbox = UninitializedSandbox::new(guest, options)?;
    exchange.register(&mut sandbox)?;
    Ok((sandbox.evolve()?, exchange))
}

/// Tells the engine where everything lies.
fn place(placement: &mut Placement, layout: Layout, files_len: u64) {
    let files = Region {
        address: FILES.start,
        size: files_len.next_multiple_of(PAGE),
        source: Source::Fixed { offset: 0 },
        access: RegionAccess::Read,
    };
    let index = Region {
        address: INDEX.start,
        size: (layout.index.len() as u64).next_multiple_of(PAGE),
        source: Source::Bytes(layout.index),
        access: RegionAccess::Read,
    };
    placement.region(files).region(index);
    for piece in layout.pieces {
        let source = match piece.contents {
            Contents::Files(offset) => Source::Fixed { offset },
            Contents::Own(bytes) if bytes.is_empty() => Source::Zero,
            Contents::Own(bytes) => Source::Bytes(bytes),
        };
        let access = match piece.access {
            Access::Read => RegionAccess::Read,
            Access::Execute => RegionAccess::ReadExecute,
            Access::Write => RegionAccess::ReadWrite,
            Access::WriteExecute => RegionAccess::ReadWriteExecute,
        };
        placement.region(Region { address: piece.address, size: piece.size, source, access });
    }
    for (path, address, size) in &layout.objects {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        placement.object(&String::from_utf8_lossy(name), *address, *size);
    }
}

/// Returns true for failures that are no doing of the program's.
fn is_the_hosts(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Busy
            | ErrorCode::Closed
            | ErrorCode::FunctionNotFound
            | ErrorCode::GuestError
            | ErrorCode::HypervisorUnavailable
            | ErrorCode::Internal
            | ErrorCode::InvalidArgument
            | ErrorCode::Io
            | ErrorCode::Poisoned
            | ErrorCode::Resource
            | ErrorCode::Signature
            | ErrorCode::State
    )
}

// Large pages map the files.
const _: () = assert!(FILES.start.is_multiple_of(2 << 20));
