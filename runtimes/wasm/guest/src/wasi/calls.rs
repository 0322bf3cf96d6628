//! The functions, by the names and layouts of the WASI preview 1 document.

use libhyperlight_guest::random;
use wasmtime::{Caller, Extern, Linker};

use super::errno::Errno;
use super::files::ROOT;
use super::memory::{Memory, unsigned as u, word};
use super::{Exit, Outcome, Program, poll};
use crate::state::State;

/// The first descriptor that a program did not open itself and that is no stream.
const ROOT_DESCRIPTOR: i32 = 3;

/// Binds the function with that name, if there is one that does more than refuse.
#[rustfmt::skip]
pub(super) fn bind(linker: &mut Linker<State>, module: &str, name: &str) -> wasmtime::Result<bool> {
    type C<'a> = Caller<'a, State>;
    match name {
        "args_get" => linker.func_wrap(module, name, |mut c: C<'_>, list: i32, texts: i32| {
            run(&mut c, |p| p.memory.put_texts(&p.wasi.arguments, u(list), u(texts)))
        }),
        "args_sizes_get" => linker.func_wrap(module, name, |mut c: C<'_>, count: i32, size: i32| {
            run(&mut c, |p| p.memory.put_sizes(&p.wasi.arguments, u(count), u(size)))
        }),
        "environ_get" => linker.func_wrap(module, name, |mut c: C<'_>, list: i32, texts: i32| {
            run(&mut c, |p| p.memory.put_texts(&p.wasi.environment, u(list), u(texts)))
        }),
        "environ_sizes_get" => linker.func_wrap(module, name, |mut c: C<'_>, count: i32, size: i32| {
            run(&mut c, |p| p.memory.put_sizes(&p.wasi.environment, u(count), u(size)))
        }),
        "clock_res_get" => linker.func_wrap(module, name, |mut c: C<'_>, clock: i32, out: i32| {
            run(&mut c, |p| { p.wasi.clocks.now(clock.cast_unsigned())?; p.memory.put(u(out), &1_u64.to_le_bytes()) })
        }),
        "clock_time_get" => linker.func_wrap(module, name, |mut c: C<'_>, clock: i32, _precision: i64, out: i32| {
            run(&mut c, |p| p.memory.put(u(out), &p.wasi.clocks.now(clock.cast_unsigned())?.to_le_bytes()))
        }),
        "fd_close" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32| {
            run(&mut c, |p| p.wasi.files.close(fd))
        }),
        "fd_fdstat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| p.fdstat(fd, u(out)))
        }),
        "fd_fdstat_set_flags" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, flags: i32| {
            run(&mut c, |p| { p.wasi.files.get(fd)?; if flags == 0 { Ok(()) } else { Err(Errno::NOSYS) } })
        }),
        "fd_filestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| { let open = *p.wasi.files.get(fd)?; p.filestat(open, u(out)) })
        }),
        "fd_pread" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, offset: i64, out: i32| {
            run(&mut c, |p| p.read(fd, u(list), u(count), Some(offset), u(out)))
        }),
        "fd_prestat_dir_name" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32, len: i32| {
            run(&mut c, |p| {
                preopened(p, fd)?;
                if u(len) != ROOT.len() { return Err(Errno::INVAL); }
                p.memory.put(u(out), ROOT.as_bytes())
            })
        }),
        "fd_prestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| { preopened(p, fd)?; p.memory.put(u(out), &(u64::from(word(ROOT.len())?) << 32).to_le_bytes()) })
        }),
        "fd_read" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, out: i32| {
            run(&mut c, |p| p.read(fd, u(list), u(count), None, u(out)))
        }),
        "fd_readdir" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, to: i32, len: i32, cookie: i64, out: i32| {
            run(&mut c, |p| p.readdir(fd, u(to), u(len), cookie, u(out)))
        }),
        "fd_seek" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, offset: i64, whence: i32, out: i32| {
            run(&mut c, |p| p.seek(fd, offset, whence, u(out)))
        }),
        "fd_tell" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| p.seek(fd, 0, 1, u(out)))
        }),
        "fd_write" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, out: i32| {
            run(&mut c, |p| p.write(fd, u(list), u(count), u(out)))
        }),
        "path_filestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, _flags: i32, path: i32, len: i32, out: i32| {
            run(&mut c, |p| { let open = p.find(fd, u(path), u(len))?.into(); p.filestat(open, u(out)) })
        }),
        "path_open" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, _dirflags: i32, path: i32, len: i32, oflags: i32, base: i64, _inheriting: i64, fdflags: i32, out: i32| {
            run(&mut c, |p| p.open(fd, (u(path), u(len)), oflags, base, fdflags, u(out)))
        }),
        "poll_oneoff" => linker.func_wrap(module, name, |mut c: C<'_>, list: i32, events: i32, count: i32, found: i32| {
            run(&mut c, |p| poll::oneoff(p, u(list), u(events), u(count), u(found)))
        }),
        "proc_exit" => linker.func_wrap(module, name, |_: C<'_>, status: i32| -> wasmtime::Result<()> {
            Err(wasmtime::Error::new(Exit(status)))
        }),
        "random_get" => linker.func_wrap(module, name, |mut c: C<'_>, out: i32, len: i32| {
            run(&mut c, |p| { random::fill(p.memory.part(u(out), u(len))?); Ok(()) })
        }),
        "sched_yield" => linker.func_wrap(module, name, |_: C<'_>| Errno::SUCCESS.0),
        _ => return Ok(false),
    }?;
    Ok(true)
}

/// Runs a function with the program's memory and surroundings.
fn run(caller: &mut Caller<'_, State>, call: impl FnOnce(&mut Program<'_>) -> Outcome) -> i32 {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Errno::FAULT.0;
    };
    let (memory, state) = memory.data_and_store_mut(caller);
    match call(&mut Program { memory: Memory(memory), wasi: &mut state.wasi }) {
        Ok(()) => Errno::SUCCESS.0,
        Err(errno) => errno.0,
    }
}

/// Fails unless a descriptor is the one that a program finds open.
fn preopened(program: &mut Program<'_>, descriptor: i32) -> Outcome {
    let is_root = descriptor == ROOT_DESCRIPTOR && program.wasi.files.directory(descriptor)?.is_empty();
    if is_root { Ok(()) } else { Err(Errno::BADF) }
}
