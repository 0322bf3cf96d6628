//! The system calls, by what they are about.

mod descriptor;
mod io;
mod memory;
pub(crate) mod numbers;
mod path;
mod poll;
mod process;
mod signal;
mod socket;
mod text;
mod thread;
mod time;
mod tree;

use crate::errno::{Answer, Errno};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::platform::Platform;
use numbers as n;

/// Stands for the working folder.
pub(crate) const AT_WORKING: u64 = (-100_i64).cast_unsigned();

impl<P: Platform> Kernel<P> {
    /// Makes the system call of that number, with the arguments in the frame.
    pub(crate) fn call(&mut self, number: u64, frame: &mut Frame) -> Answer {
        let [a, b, c, d, e, f] = frame.arguments();
        match number {
            n::READ => self.read(a, b, c),
            n::WRITE => self.write(a, b, c),
            n::READV => self.read_vector(a, b, c),
            n::WRITEV => self.write_vector(a, b, c),
            n::PREAD64 => self.read_at(a, b, c, d),
            n::PWRITE64 => self.write_at(a, b, c, d),
            n::PREADV => self.read_vector_at(a, b, c, d),
            n::PWRITEV => self.write_vector_at(a, b, c, d),
            n::LSEEK => self.seek(a, b, c),
            n::SENDFILE => self.send_file(a, b, c, d),
            n::GETDENTS64 => self.list_folder(a, b, c),
            n::FTRUNCATE => self.truncate(a, b),
            n::FALLOCATE => self.allocate(a, b, c, d),
            n::FSYNC | n::FDATASYNC | n::SYNCFS | n::FLOCK | n::FADVISE64 => self.of_open(a),
            n::SYNC => Ok(0),

            n::OPEN => self.open(AT_WORKING, a, b, c),
            n::OPENAT => self.open(a, b, c, d),
            n::CREAT => self.open(AT_WORKING, a, 0o1101, b),
            n::STAT => self.stat(AT_WORKING, a, b, 0),
            n::LSTAT => self.stat(AT_WORKING, a, b, path::NO_FOLLOW),
            n::NEWFSTATAT => self.stat(a, b, c, d),
            n::FSTAT => self.stat_open(a, b),
            n::STATX => self.statx(a, b, c, e),
            n::STATFS => self.stat_file_system(Some(a), 0, b),
            n::FSTATFS => self.stat_file_system(None, a, b),
            n::ACCESS => self.access(AT_WORKING, a, b, 0),
            n::FACCESSAT => self.access(a, b, c, 0),
            n::FACCESSAT2 => self.access(a, b, c, d),
            n::READLINK => self.read_link(AT_WORKING, a, b, c),
            n::READLINKAT => self.read_link(a, b, c, d),
            n::GETCWD => self.working_folder(a, b),
            n::CHDIR => self.change_folder(a),
            n::FCHDIR => self.change_folder_open(a),
            n::UMASK => self.set_mask(a),

            n::MKDIR => self.make_folder(AT_WORKING, a, b),
            n::MKDIRAT => self.make_folder(a, b, c),
            n::RMDIR => self.unlink(AT_WORKING, a, tree::REMOVE_FOLDER),
            n::UNLINK => self.unlink(AT_WORKING, a, 0),
            n::UNLINKAT => self.unlink(a, b, c),
            n::RENAME => self.rename(AT_WORKING, a, AT_WORKING, b, 0),
            n::RENAMEAT => self.rename(a, b, c, d, 0),
            n::RENAMEAT2 => self.rename(a, b, c, d, e),
            n::SYMLINK => self.make_link(a, AT_WORKING, b),
            n::SYMLINKAT => self.make_link(a, b, c),
            n::LINK => self.add_link(AT_WORKING, a, AT_WORKING, b, 0),
            n::LINKAT => self.add_link(a, b, c, d, e),
            n::TRUNCATE => self.truncate_path(a, b),
            n::CHMOD => self.change_mode(AT_WORKING, a, b),
            n::FCHMODAT => self.change_mode(a, b, c),
            n::FCHMOD => self.change_mode_open(a, b),
            n::CHOWN => self.change_owner(AT_WORKING, a, 0),
            n::LCHOWN => self.change_owner(AT_WORKING, a, path::NO_FOLLOW),
            n::FCHOWNAT => self.change_owner(a, b, e),
            n::FCHOWN => self.of_open(a),
            n::UTIMENSAT => self.set_times(a, b, c, d),

            n::CLOSE => self.close(a),
            n::CLOSE_RANGE => self.close_range(a, b, c),
            n::DUP => self.duplicate(a, 0, false),
            n::DUP2 => self.duplicate_to(a, b, None),
            n::DUP3 => self.duplicate_to(a, b, Some(c)),
            n::FCNTL => self.control(a, b, c),
            n::IOCTL => self.device_control(a, b, c),
            n::PIPE => self.pipe(a, 0),
            n::PIPE2 => self.pipe(a, b),
            n::EVENTFD => self.event(a, 0),
            n::EVENTFD2 => self.event(a, b),

            n::MMAP => self.map([a, b, c, d, e, f]),
            n::MUNMAP => self.unmap(a, b),
            n::MREMAP => self.remap(a, b, c, d),
            n::MPROTECT => self.protect(a, b, c),
            n::MADVISE => self.advise(a, b, c),
            n::BRK => Ok(self.memory.set_break(a)?),
            n::MSYNC | n::MLOCK | n::MUNLOCK | n::MLOCK2 | n::MEMBARRIER => Ok(0),
            n::PKEY_ALLOC => Err(Errno::NOSPC.into()),

            n::POLL => self.poll(a, b, poll::milliseconds(c)),
            n::PPOLL => {
                let timeout = time::span(c)?;
                self.poll(a, b, timeout)
            }
            n::SELECT => {
                let timeout = time::span_us(e)?;
                self.select(a, [b, c, d], timeout)
            }
            n::PSELECT6 => {
                let timeout = time::span(e)?;
                self.select(a, [b, c, d], timeout)
            }
            n::EPOLL_CREATE => self.make_epoll(0),
            n::EPOLL_CREATE1 => self.make_epoll(a),
            n::EPOLL_CTL => self.control_epoll(a, b, c, d),
            n::EPOLL_WAIT | n::EPOLL_PWAIT => self.wait_epoll(a, b, c, poll::milliseconds(d)),

            n::SOCKETPAIR => self.socket_pair(a, b, d),
            n::SOCKET => Err(Errno::AFNOSUPPORT.into()),
            n::SENDTO => self.send(a, b, c),
            n::RECVFROM => self.receive(a, b, c, d),
            n::SHUTDOWN => self.shut_down(a, b),
            n::GETSOCKNAME | n::GETPEERNAME => self.socket_name(a, b, c),
            n::GETSOCKOPT => self.socket_option(a, b, c, d, e),
            n::SETSOCKOPT => self.of_socket(a),

            n::CLOCK_GETTIME => self.clock(a, b),
            n::CLOCK_SETTIME => Err(Errno::PERM.into()),
            n::CLOCK_GETRES => self.clock_resolution(a, b),
            n::GETTIMEOFDAY => self.time_of_day(a),
            n::TIME => self.time(a),
            n::NANOSLEEP => self.sleep(1, 0, a),
            n::CLOCK_NANOSLEEP => self.sleep(a, b, c),
            n::TIMES => self.times(a),
            n::ALARM => self.set_alarm(a),
            n::SETITIMER => self.set_timer(a, b, c),
            n::GETITIMER => self.get_timer(a, b),

            n::RT_SIGACTION => self.action(a, b, c),
            n::RT_SIGPROCMASK => self.signal_mask(a, b, c),
            n::RT_SIGPENDING => self.pending_signals(a),
            n::RT_SIGSUSPEND => self.suspend(a),
            n::RT_SIGTIMEDWAIT => self.wait_signal(a, b, c),
            n::RT_SIGRETURN => self.signal_return(frame),
            n::SIGALTSTACK => self.signal_stack(a, b),
            n::KILL => self.kill(a, b),
            n::TKILL => self.thread_kill(a, b),
            n::TGKILL => self.thread_kill(b, c),
            n::PAUSE => Err(crate::errno::Stop::Wait),

            n::CLONE => self.clone_thread(frame),
            n::SET_TID_ADDRESS => {
                let thread = self.threads.current();
                thread.clear_at_end = a;
                Ok(u64::from(thread.id))
            }
            n::FUTEX => self.futex([a, b, c, d, e, f]),
            n::SCHED_YIELD => {
                self.yields = true;
                Ok(0)
            }
            n::ARCH_PRCTL => self.thread_control(a, b),
            n::EXIT => self.end_thread(a),
            n::EXIT_GROUP => self.end(a),
            // Newer ways for which C libraries have older ones to fall back to.
            n::CLONE3 | n::RSEQ => Err(Errno::NOSYS.into()),

            n::GETTID => Ok(u64::from(self.threads.current().id)),
            _ => self.process_call(number, frame),
        }
    }
}
