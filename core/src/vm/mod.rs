//! One virtual machine: its memory, its vCPU, and the reasons for which it stops.

pub(crate) mod arch;
mod code;
mod dirty_log;
pub(crate) mod dirty_pages;
pub(crate) mod hypervisor;
pub(crate) mod memory;
pub(crate) mod reaper;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::fmt;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use kvm_ioctls::{VcpuExit, VcpuFd, VmFd};
use libhyperlight_abi::placement::Report;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::int::to_usize;
use crate::pages::{PAGE, PageSet};
use crate::placement::FixedPart;
use crate::snapshot::Frozen;
use arch::{FaultReport, Registers, Rung, Start, Stopped};
use dirty_log::DirtyLog;
use dirty_pages::Tracking;
use hypervisor::Hypervisor;
use memory::GuestMemory;

/// A virtual machine that runs one guest.
pub(crate) struct Vm {
    machine: ManuallyDrop<Machine>,
    /// The image of which the memory is a mapping.
    image: Arc<Image>,
    /// The signal mask that KVM uses while the guest runs, if it was set.
    run_mask: Option<u64>,
    /// True if the guest was stopped in the middle since it last got its registers.
    was_stopped: bool,
    /// True if the machine cannot be used any more.
    is_dead: bool,
    /// True if the guest has run since it last got its registers.
    has_run: bool,
    /// Number of restores, for the periodic check if pages can be dropped.
    restores: u32,
    /// The pages that the last restore found written; kept for its allocation.
    written: PageSet,
    log: DirtyLog,
}

/// The kernel's part of a virtual machine, which is expensive to destroy.
struct Machine {
    // Dropped in this order: the vCPU and the machine before the memory that they use.
    vcpu: VcpuFd,
    vm: VmFd,
    memory: GuestMemory,
    /// The part of the memory that other machines have, too.
    _fixed: Option<FixedPart>,
}

/// The reason why the vCPU stopped.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The guest rang the doorbell.
    Doorbell,
    /// An exception stub reported.
    Fault,
    /// A signal reached the thread.
    Interrupted,
    /// The host has no memory for what the guest needs.
    OutOfMemory(std::io::Error),
    /// Any other exit. None of them can be resumed.
    Unexpected(String),
}

impl Vm {
    /// A virtual machine whose guest has not run yet.
    pub fn new(image: Arc<Image>) -> Result<Self> {
        let start = Start::fresh(Hypervisor::get()?.processor(), &image);
        Self::with_registers(image, start)
    }

    /// A virtual machine whose guest continues from a snapshot.
    pub fn from_snapshot(frozen: &Frozen) -> Result<Self> {
        let start = Self::resumed(frozen)?;
        Self::with_registers(Arc::clone(&frozen.image), start)
    }

    pub fn memory(&self) -> &GuestMemory {
        &self.machine.memory
    }

    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Sets the signals (bit n − 1 is signal n) that are blocked while the guest runs, in place of the thread's own
    /// mask.
    pub fn set_run_mask(&mut self, mask: u64) -> Result<()> {
        if self.run_mask == Some(mask) {
            return Ok(());
        }
        /// `struct kvm_signal_mask` with the kernel's eight bytes of signals.
        #[repr(C)]
        struct SignalMask {
            len: u32,
            set: [u8; 8],
        }
        /// `_IOW(KVMIO, 0x8b, struct kvm_signal_mask)`, whose size counts the length alone.
        const KVM_SET_SIGNAL_MASK: libc::c_ulong = 0x4004_ae8b;
        let argument = SignalMask { len: 8, set: mask.to_le_bytes() };
        // SAFETY: the descriptor is a vCPU's; the kernel reads the length and as many bytes behind it.
        if unsafe { libc::ioctl(self.machine.vcpu.as_raw_fd(), KVM_SET_SIGNAL_MASK, &raw const argument) }
            != 0
        {
            return Err(Error::resource("KVM_SET_SIGNAL_MASK", std::io::Error::last_os_error()));
        }
        self.run_mask = Some(mask);
        Ok(())
    }

    /// Records in the image, as a hint, the pages that its first sandbox has written by now: later ones start with
    /// copies of them.
    pub fn record_hint(&self) {
        if self.image.hint().is_none() {
            let layout = &self.image.layout;
            let mut written = PageSet::default();
            // Under nested paging the processor's own walks count as writes to the page tables (AMD APM vol. 2,
            // 15.25.5; Intel SDM vol. 3C, 28.3.5), which lie directly before what a guest may write.
            let within = layout.page_tables_phys..layout.written.end;
            // If they are unknown, the empty set records that for good.
            let _ = dirty_pages::find(self.memory(), &within, &mut written);
            self.image.set_hint(&written);
        }
    }

    /// Runs the guest until it stops. The one place where guest code runs.
    pub fn run(&mut self) -> Exit {
        self.has_run = true;
        match self.machine.vcpu.run() {
            Ok(exit) => match arch::rung(&exit) {
                Some(Rung::Doorbell) => {
                    self.is_dead |= arch::is_single_stepped(&self.machine.vcpu);
                    Exit::Doorbell
                }
                Some(Rung::Fault) => Exit::Fault,
                None => {
                    self.is_dead |= matches!(
                        exit,
                        VcpuExit::Shutdown | VcpuExit::FailEntry(..) | VcpuExit::InternalError
                    );
                    Exit::Unexpected(describe(&exit))
                }
            },
            Err(error) if error.errno() == libc::EINTR => Exit::Interrupted,
            Err(error) if error.errno() == libc::ENOMEM => {
                self.is_dead = true;
                Exit::OutOfMemory(error.into())
            }
            Err(error) => {
                self.is_dead = true;
                Exit::Unexpected(format!("KVM_RUN failed: {error}"))
            }
        }
    }

    /// Completes the work that KVM keeps pending from the last exit, without letting the guest run. Required after
    /// every stop that is not a doorbell, before registers are read or written: a half-done instruction of this guest
    /// must not be completed on later contents of the memory.
    pub fn drain(&mut self) {
        self.was_stopped = true;
        if !self.memory().is_mapped() {
            // This is a forked child, and the vCPU, whose memory it shares, is the parent's.
            return;
        }
        let vcpu = &mut self.machine.vcpu;
        vcpu.set_kvm_immediate_exit(1);
        // It answers EINTR; after any other answer nothing is pending either.
        let _ = vcpu.run();
        vcpu.set_kvm_immediate_exit(0);
    }

    /// The exception stub's report, after [`Exit::Fault`]. `None` if no stub can have made it.
    pub fn fault(&mut self) -> Option<FaultReport> {
        let Machine { vcpu, memory, .. } = &*self.machine;
        FaultReport::of(vcpu, &self.image.layout, memory)
    }

    /// The system call that the report is of, if the guest serves any.
    pub fn system_call(&self, report: &FaultReport) -> Option<Stopped> {
        report.system_call(&self.image.layout, self.memory())
    }

    /// Lets the guest, which was drained, go on at its image's handler, with the number of system calls so far.
    pub fn pass_on(&mut self, stopped: &Stopped, count: u64) -> Result<()> {
        let layout = &self.image.layout;
        let (Some(handler), Some(report)) = (layout.system_call, &layout.report) else {
            return Err(Error::new(crate::ErrorCode::Internal, "the guest serves no system calls"));
        };
        let Stopped { instruction, stack, flags } = *stopped;
        let words = [
            (Report::Kind, 1),
            (Report::Count, count),
            (Report::Instruction, instruction),
            (Report::Stack, stack),
        ];
        for (word, value) in words.into_iter().chain([(Report::Flags, flags)]) {
            self.memory().store(report.phys + 8 * word as u64, value).ok_or_else(outside)?;
        }
        // As at a doorbell.
        self.is_dead |= stopped.is_single_stepped();
        let vcpu = &mut self.machine.vcpu;
        Start::at_handler(Hypervisor::get()?.processor(), &self.image, handler, vcpu, stopped).load(vcpu);
        Ok(())
    }

    /// The registers of the parked guest, and its extended state as a page that the trampoline can load.
    pub fn registers(&self) -> Result<(Registers, Vec<u8>)> {
        let Machine { vcpu, memory, .. } = &*self.machine;
        if self.has_run {
            return arch::registers(vcpu);
        }
        // KVM's registers are from before the restore: the new ones travel with the next run, and the extended state
        // waits in its page for the trampoline.
        let mut page = Vec::new();
        memory
            .read_into(self.image.layout.extended_state.phys, to_usize(PAGE), &mut page)
            .ok_or_else(outside)?;
        Ok((arch::pending_registers(vcpu), page))
    }

    /// Restores memory and registers to the snapshot. After a failure the guest must not run.
    pub fn restore(&mut self, frozen: &Frozen) -> Result<()> {
        /// A snapshot with a larger difference to the mapped image is mapped in its place: otherwise every restore
        /// would pay for it.
        const COPIED: u64 = 256 * PAGE;

        if self.was_stopped && !self.is_dead {
            // State that cannot be reset costs the machine.
            self.is_dead = !arch::forget_pending(&self.machine.vcpu)?;
        }
        if self.is_dead {
            *self = Self::from_snapshot(frozen)?;
            return Ok(());
        }
        match frozen.delta_from(&self.image) {
            Some(delta) if delta.len() <= COPIED => self.restore_pages(frozen, delta)?,
            _ => self.restore_mapping(frozen)?,
        }
        self.was_stopped = false;
        Self::resumed(frozen)?.load(&mut self.machine.vcpu);
        self.has_run = false;
        Ok(())
    }

    /// Copies back the pages that were written, and those in which the snapshot differs from the mapped image.
    fn restore_pages(&mut self, frozen: &Frozen, delta: &PageSet) -> Result<()> {
        /// Written bytes beyond this are dropped instead of copied back, at the price of faults in the next call.
        const KEPT: u64 = 4096 * PAGE;
        /// Every so many restores, only these are kept: a set that was large once must not stay so.
        const TRIM_EVERY: u32 = 256;
        const KEPT_AFTER_TRIM: u64 = 256 * PAGE;

        self.restores = self.restores.wrapping_add(1);
        let Machine { vm, memory, .. } = &*self.machine;
        let layout = &self.image.layout;
        let found = dirty_pages::find(memory, &layout.written, &mut self.written).or_else(|| {
            let is_wanted = Tracking::best() == Tracking::Log;
            is_wanted.then(|| self.log.find(vm, memory, layout, &mut self.written)).flatten()
        });
        if found.is_none() {
            memory.discard(0..memory.size())?;
            self.written.clear();
            // The next restore may find the pages.
            self.log = DirtyLog::set_slot(vm, memory, Tracking::best() == Tracking::Log)?;
        }
        self.log.host_writes(delta);
        let kept = if self.restores.is_multiple_of(TRIM_EVERY) { KEPT_AFTER_TRIM } else { KEPT };
        if self.written.len() > kept {
            for range in self.written.difference(delta).iter() {
                memory.discard(range)?;
            }
            self.written.clear();
        }
        frozen
            .put_back(&self.written, memory)
            .and_then(|()| frozen.put_back(&delta.difference(&self.written), memory))
            .ok_or_else(outside)
    }

    /// Maps the snapshot in place of the mapped image. The memslot stays: KVM forgets the pages that go. Its cached
    /// page tables remain valid, because the layout is the same.
    fn restore_mapping(&mut self, frozen: &Frozen) -> Result<()> {
        // A failure half-way leaves the memory unusable.
        self.is_dead = true;
        self.machine.memory.replace(frozen.image.file())?;
        if let Some(hint) = frozen.image.hint() {
            self.machine.memory.prepare(hint);
        }
        self.log.forget();
        self.is_dead = false;
        self.image = Arc::clone(&frozen.image);
        Ok(())
    }

    fn resumed(frozen: &Frozen) -> Result<Start> {
        Ok(Start::resumed(Hypervisor::get()?.processor(), &frozen.image, &frozen.registers))
    }

    fn with_registers(image: Arc<Image>, start: Start) -> Result<Self> {
        let memory = GuestMemory::map(image.file(), image.layout.size)?;
        if let Some(hint) = image.hint() {
            memory.prepare(hint);
        }
        let (vm, mut vcpu) = Hypervisor::get()?.create()?;
        arch::show_registers(&mut vcpu, &image.layout);
        arch::set_system_call_target(&vcpu, &image.layout)?;
        let log = DirtyLog::set_slot(&vm, &memory, Tracking::best() == Tracking::Log)?;
        let fixed = image.layout.placement.as_ref().map(|shape| shape.fixed.clone());
        if let Some(fixed) = &fixed {
            memory::set_fixed_slot(&vm, fixed, image.layout.fixed_phys())?;
        }
        start.load(&mut vcpu);
        Ok(Self {
            machine: ManuallyDrop::new(Machine { vcpu, vm, memory, _fixed: fixed }),
            image,
            run_mask: None,
            was_stopped: false,
            is_dead: false,
            has_run: false,
            restores: 0,
            written: PageSet::default(),
            log,
        })
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // SAFETY: the field is taken once, here, and not used afterwards.
        reaper::destroy(unsafe { ManuallyDrop::take(&mut self.machine) });
    }
}

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vm").field("memory", &self.memory().size()).finish_non_exhaustive()
    }
}

fn outside() -> Error {
    Error::new(crate::ErrorCode::Internal, "a snapshot's page is outside the guest's memory")
}

/// An exit in words, without a host address.
fn describe(exit: &VcpuExit<'_>) -> String {
    match exit {
        VcpuExit::IoOut(port, data) => format!("a write of {} bytes to port {port:#x}", data.len()),
        VcpuExit::IoIn(port, data) => format!("a read of {} bytes from port {port:#x}", data.len()),
        VcpuExit::MmioRead(phys, _) => format!("a read of unbacked guest physical memory at {phys:#x}"),
        VcpuExit::MmioWrite(phys, _) => format!("a write to unbacked guest physical memory at {phys:#x}"),
        VcpuExit::Shutdown => "a triple fault".to_owned(),
        VcpuExit::InternalError => "an instruction that KVM cannot emulate".to_owned(),
        VcpuExit::FailEntry(reason, _) => format!("a failed entry with reason {reason:#x}"),
        VcpuExit::Hlt => "a halt".to_owned(),
        VcpuExit::Unsupported(reason) => format!("the KVM exit {reason}"),
        _ => "an exit that no guest can cause".to_owned(),
    }
}
