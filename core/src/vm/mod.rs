//! One virtual machine: memory, one vCPU, and what it means when it stops.

mod cpuid;
pub(crate) mod fault;
pub(crate) mod hypervisor;
pub(crate) mod memory;
mod state;

use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use hyperlight_abi::boot::{DOORBELL_PORT, FAULT_PORT};
use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::{SyncReg, VcpuExit, VcpuFd, VmFd};

use crate::error::{Error, Result};
use crate::image::Image;
use fault::FaultReport;
use hypervisor::Hypervisor;
use memory::GuestMemory;

/// A virtual machine that runs one guest.
pub(crate) struct Vm {
    // Dropped in this order: the vCPU and the machine before the memory that they use.
    vcpu: VcpuFd,
    _vm: VmFd,
    memory: GuestMemory,
    image: Arc<Image>,
    /// The signal mask that KVM uses while the guest runs, if it was set.
    run_mask: Option<u64>,
}

/// Why the vCPU stopped.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The guest rang the doorbell.
    Doorbell,
    /// An exception stub reported.
    Fault,
    /// A signal reached the thread.
    Interrupted,
    /// Anything else. None of it can be resumed.
    Unexpected(String),
}

impl Vm {
    /// A virtual machine whose guest has not run yet.
    pub fn new(image: Arc<Image>) -> Result<Self> {
        let hypervisor = Hypervisor::get()?;
        let memory = GuestMemory::map(image.file(), image.layout.size)?;
        let (vm, mut vcpu) = hypervisor.create()?;
        let slot = kvm_userspace_memory_region {
            slot: 0,
            flags: 0,
            guest_phys_addr: 0,
            memory_size: memory.size(),
            userspace_addr: memory.host_address(),
        };
        // SAFETY: the range is the mapping that `memory` owns. It outlives the machine: fields are dropped in order.
        // What the guest does to it, Rust code never sees but by copies.
        unsafe { vm.set_user_memory_region(slot) }.map_err(|error| {
            Error::resource("KVM_SET_USER_MEMORY_REGION", std::io::Error::from_raw_os_error(error.errno()))
        })?;

        // Both register sets travel with the first run.
        let registers = vcpu.sync_regs_mut();
        registers.regs = state::entry_registers(&image);
        registers.sregs = state::special_registers_for(hypervisor.sregs(), &image);
        vcpu.set_sync_dirty_reg(SyncReg::Register);
        vcpu.set_sync_dirty_reg(SyncReg::SystemRegister);
        Ok(Self { vcpu, _vm: vm, memory, image, run_mask: None })
    }

    pub fn memory(&self) -> &GuestMemory {
        &self.memory
    }

    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Sets the signals (bit n − 1 is signal n) that are blocked while the guest runs, in place of the thread's own mask.
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
        let mask_argument = SignalMask { len: 8, set: mask.to_le_bytes() };
        // SAFETY: the descriptor is a vCPU's; the kernel reads the length and as many bytes behind it.
        if unsafe { libc::ioctl(self.vcpu.as_raw_fd(), KVM_SET_SIGNAL_MASK, &raw const mask_argument) } != 0 {
            return Err(Error::resource("KVM_SET_SIGNAL_MASK", std::io::Error::last_os_error()));
        }
        self.run_mask = Some(mask);
        Ok(())
    }

    /// Runs the guest until it stops. The one place where guest code runs.
    pub fn run(&mut self) -> Exit {
        match self.vcpu.run() {
            Ok(VcpuExit::IoOut(DOORBELL_PORT, [_])) => Exit::Doorbell,
            Ok(VcpuExit::IoOut(FAULT_PORT, [_])) => Exit::Fault,
            Ok(exit) => Exit::Unexpected(describe(&exit)),
            Err(error) if error.errno() == libc::EINTR => Exit::Interrupted,
            Err(error) => Exit::Unexpected(format!("KVM_RUN failed: {error}")),
        }
    }

    /// Completes what KVM keeps pending of the last exit, without letting the guest run. Due after every stop that was
    /// not a doorbell, before registers are read or written: a half-done instruction of this guest must not be
    /// completed into whatever the memory holds next.
    pub fn drain(&mut self) {
        self.vcpu.set_kvm_immediate_exit(1);
        // It answers EINTR; any other answer leaves nothing to complete either.
        let _ = self.vcpu.run();
        self.vcpu.set_kvm_immediate_exit(0);
    }

    /// What the exception stub reported; due after [`Exit::Fault`]. `None` if the report is not one that a stub can
    /// have made.
    pub fn fault(&mut self) -> Option<FaultReport> {
        let registers = (self.vcpu.get_regs().ok()?, self.vcpu.get_sregs().ok()?);
        FaultReport::read(&registers, &self.image.layout, &self.memory)
    }
}

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vm").field("memory", &self.memory.size()).finish_non_exhaustive()
    }
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
