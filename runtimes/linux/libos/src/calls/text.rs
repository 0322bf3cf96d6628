//! The texts of `/proc`, as far as programs read them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::files::Process;
use crate::kernel::Kernel;
use crate::platform::Platform;

impl<P: Platform> Kernel<P> {
    /// The text of a file of `/proc`, as it is now.
    pub(super) fn text(&mut self, process: Process) -> Vec<u8> {
        let (size, taken) = (self.memory.arena.size(), self.memory.arena.taken());
        let free = (size - taken) / 1024;
        match process {
            Process::CommandLine => self.command_line.clone(),
            Process::CpuInfo => b"processor\t: 0\nvendor_id\t: unknown\nmodel name\t: sandbox\ncpu MHz\t\t: 1000.000\ncpu cores\t: 1\nflags\t\t: fpu sse sse2\n\n".to_vec(),
            Process::Limits => format!(
                    "Limit                     Soft Limit           Hard Limit           Units     \nMax stack size            {0:<20} {0:<20} bytes     \nMax open files            1024                 1024                 files     \n",
                    self.memory.stack_limit()
            )
            .into_bytes(),
            Process::Maps => self.maps(),
            Process::MemInfo => format!(
                "MemTotal:       {:8} kB\nMemFree:        {free:8} kB\nMemAvailable:   {free:8} kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
                size / 1024
            )
            .into_bytes(),
            Process::Mounts => b"sandbox / tmpfs rw 0 0\n".to_vec(),
            Process::Stat => {
                let (id, threads) = (self.process, self.threads.len());
                let zeros = "0 ".repeat(12);
                format!("{id} ({}) R 1 {id} {id} 0 -1 {zeros}{threads} 0 0 {} 0\n", self.name(), taken / 4096).into_bytes()
            }
            Process::Status => format!(
                "Name:\t{}\nUmask:\t{:04o}\nState:\tR (running)\nTgid:\t{id}\nPid:\t{id}\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmSize:\t{size_kib} kB\nVmRSS:\t{taken_kib} kB\nThreads:\t{}\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n",
                self.name(),
                self.files.mask,
                self.threads.len(),
                id = self.process,
                size_kib = size / 1024,
                taken_kib = taken / 1024,
            )
            .into_bytes(),
            Process::Uptime => {
                let now = self.platform.monotonic_ns();
                format!("{}.{:02} 0.00\n", now / 1_000_000_000, now % 1_000_000_000 / 10_000_000).into_bytes()
            }
        }
    }

    /// The program's name, without its folder.
    fn name(&self) -> String {
        let name = self.files.program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// The mappings as a program expects them: objects, the heap, mapped memory, the stack.
    fn maps(&self) -> Vec<u8> {
        let mut text = String::new();
        let mut line = |start: u64, end: u64, access: &str, inode: u32, name: &[u8]| {
            let name = String::from_utf8_lossy(name);
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{start:08x}-{end:08x} {access} 00000000 00:01 {inode:<26} {name}");
        };
        let mut objects: Vec<_> = self.memory.loaded.iter().filter(|object| object.is_mapped).collect();
        objects.sort_unstable_by_key(|object| object.start);
        for object in objects {
            let entry = self.files.index.entry(object.entry);
            let path = entry.and_then(|entry| self.files.index.path(&entry)).unwrap_or_default();
            line(object.start, object.end, "r-xp", object.entry, path);
        }
        if self.memory.break_at > self.memory.break_span.0 {
            line(self.memory.break_span.0, self.memory.break_at, "rw-p", 0, b"[heap]");
        }
        let (start, end) = self.memory.arena.used();
        if end > start {
            line(start, end, "rw-p", 0, b"");
        }
        let (start, end) = self.memory.main_stack();
        line(start, end, "rw-p", 0, b"[stack]");
        text.into_bytes()
    }
}
