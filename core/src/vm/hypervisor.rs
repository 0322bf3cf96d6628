//! The facts that a process determines once: `/dev/kvm`, and the processor that every guest gets.
//!
//! Asking KVM costs a system call each time, so the answers are kept. One virtual machine without memory is kept, too:
//! while one exists, KVM creates and destroys others in half the time, and the processor's state is tested on it.

use std::sync::{Mutex, OnceLock, PoisonError};

use kvm_bindings::KVM_API_VERSION;
use kvm_ioctls::{Cap, Kvm, VcpuFd, VmFd};

use super::arch::Processor;
use crate::error::{Error, ErrorCode, Result};

/// The hypervisor, ready for use.
#[derive(Debug)]
pub(crate) struct Hypervisor {
    kvm: Kvm,
    processor: Processor,
    _keep_alive: (VcpuFd, VmFd),
}

/// Fails if no sandbox can be made on this machine; the error says why and what mends it.
///
/// Leaves nothing behind. May be called again after the machine was changed.
pub fn probe() -> Result<()> {
    let kvm = open()?;
    create_vm(&kvm).map(drop).map_err(cannot_create)
}

impl Hypervisor {
    /// The hypervisor of this process. A failure is not kept: the next caller tries again.
    pub fn get() -> Result<&'static Self> {
        static FOUND: OnceLock<Hypervisor> = OnceLock::new();
        static FINDING: Mutex<()> = Mutex::new(());
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let _one_at_a_time = FINDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let fresh = Self::find()?;
        Ok(FOUND.get_or_init(|| fresh))
    }

    /// A virtual machine with one vCPU that is the guests' processor; registers come with the first run.
    pub fn create(&self) -> Result<(VmFd, VcpuFd)> {
        let vm = create_vm(&self.kvm).map_err(|error| Error::resource("KVM_CREATE_VM", error))?;
        self.processor.prepare_machine(&vm)?;
        let vcpu = vm.create_vcpu(0).map_err(|error| Error::resource("KVM_CREATE_VCPU", error))?;
        self.processor.prepare_vcpu(&vcpu)?;
        Ok((vm, vcpu))
    }

    /// The processor of every guest.
    pub fn processor(&self) -> &Processor {
        &self.processor
    }

    fn find() -> Result<Self> {
        let kvm = open()?;
        let vm = create_vm(&kvm).map_err(cannot_create)?;
        let vcpu = vm.create_vcpu(0).map_err(cannot_create)?;
        let processor = Processor::find(&kvm, &vcpu).map_err(unavailable)?;
        Ok(Self { kvm, processor, _keep_alive: (vcpu, vm) })
    }
}

/// A signal of the program's may interrupt this, which takes the kernel some time; then it is retried.
fn create_vm(kvm: &Kvm) -> Result<VmFd, kvm_ioctls::Error> {
    loop {
        match kvm.create_vm() {
            Err(error) if error.errno() == libc::EINTR => {}
            done => return done,
        }
    }
}

/// The capabilities that KVM must have on any processor, each with the advice if it is missing.
const NEEDED: [(Cap, &str); 3] = [
    (Cap::UserMemory, "KVM lacks KVM_CAP_USER_MEMORY: a kernel of 4.16 or later has it"),
    (Cap::ImmediateExit, "KVM lacks KVM_CAP_IMMEDIATE_EXIT: a kernel of 4.16 or later has it"),
    (Cap::VcpuEvents, "KVM lacks KVM_CAP_VCPU_EVENTS: a kernel of 4.16 or later has it"),
];

/// Opens `/dev/kvm` and checks its capabilities.
fn open() -> Result<Kvm> {
    let kvm = Kvm::new().map_err(|error| {
        unavailable(match error.errno() {
            libc::ENOENT => "/dev/kvm does not exist: the processor's virtualisation is off in the firmware, the kvm module is \
                 not loaded (modprobe kvm_intel or kvm_amd), or this virtual machine or container was not given the device"
                .to_owned(),
            libc::EACCES | libc::EPERM => "/dev/kvm may not be opened by this user: add the user to the group that owns it (usually \
                 kvm) and log in again, or give the container the device"
                .to_owned(),
            libc::ENODEV | libc::ENXIO => "/dev/kvm exists but no hypervisor is behind it: load kvm_intel or kvm_amd, and turn \
                 virtualisation on in the firmware"
                .to_owned(),
            libc::ENOMEM | libc::EMFILE | libc::ENFILE => return Error::resource("opening /dev/kvm", error),
            _ => format!("opening /dev/kvm failed: {error}"),
        })
    })?;
    let version = kvm.get_api_version();
    if version != KVM_API_VERSION.cast_signed() {
        return Err(unavailable(format!(
            "/dev/kvm speaks API version {version}, expected {KVM_API_VERSION}: the kernel is too old"
        )));
    }
    if let Some((_, lacking)) =
        NEEDED.into_iter().chain(Processor::NEEDED).find(|(cap, _)| !kvm.check_extension(*cap))
    {
        return Err(unavailable(lacking.to_owned()));
    }
    if kvm.check_extension_int(Cap::SyncRegs).cast_unsigned() & Processor::SYNC != Processor::SYNC {
        return Err(unavailable("KVM lacks KVM_CAP_SYNC_REGS: a kernel of 4.17 or later has it".to_owned()));
    }
    Ok(kvm)
}

fn cannot_create(error: kvm_ioctls::Error) -> Error {
    unavailable(match error.errno() {
        libc::EBUSY => {
            "KVM is busy: another hypervisor holds the processor's virtualisation; stop it".to_owned()
        }
        libc::ENOMEM | libc::EMFILE | libc::ENFILE => {
            return Error::resource("creating a virtual machine", error);
        }
        _ => format!("creating a virtual machine failed: {error}"),
    })
}

fn unavailable(reason: String) -> Error {
    Error::new(ErrorCode::HypervisorUnavailable, reason)
}
