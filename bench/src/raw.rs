//! The floor: the same hypervisor calls without an engine.
//!
//! A virtual machine of the same size as a default sandbox, whose guest at CPL 3 only repeats `out`: the minimum for
//! any design with this kind of guest. Its code is straightforward: it is a yardstick, not a model.

use std::io;

use kvm_bindings::{
    CpuId, KVM_MAX_CPUID_ENTRIES, kvm_regs, kvm_segment, kvm_userspace_memory_region, kvm_xcr, kvm_xcrs,
};
use kvm_ioctls::{Kvm, SyncReg, VcpuExit, VcpuFd, VmFd};

/// Bytes of a default sandbox's image, rounded up.
const SIZE: usize = 20 << 20;
const PORT: u16 = 0x68;

const TASK: u64 = 0x1000;
const CODE: u64 = 0x2000;
const TABLES: u64 = 0x4000;

/// A virtual machine whose guest rings for ever.
pub struct RawVm {
    vcpu: VcpuFd,
    _vm: VmFd,
    _memory: Mapping,
}

/// The parts that can be prepared in advance: the guest's memory, and the processor's features.
pub struct RawImage {
    file: i32,
    kvm: Kvm,
    cpuid: CpuId,
}

struct Mapping(*mut libc::c_void);

impl RawImage {
    /// A memory file with page tables, a task segment and one loop of code.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the name is a C string, of which the kernel keeps no pointer.
        let file = unsafe { libc::memfd_create(c"floor".as_ptr(), libc::MFD_CLOEXEC) };
        // SAFETY: an integer argument on a descriptor of our own; on the -1 of a failure it fails too.
        if unsafe { libc::ftruncate(file, SIZE as i64) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let kvm = Kvm::new().map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
        let cpuid = kvm
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
        let image = Self { file, kvm, cpuid };
        // Root, third, second and first level; every level allows everything.
        for (level, next) in [TABLES + 0x1000, TABLES + 0x2000, TABLES + 0x3000].into_iter().enumerate() {
            image.put(TABLES + level as u64 * 0x1000, &(next | 0x67).to_le_bytes())?;
        }
        let supervisor = (TASK | 0x63 | 1 << 63).to_le_bytes();
        image.put(TABLES + 0x3000 + 8, &supervisor)?;
        image.put(TABLES + 0x3000 + 16, &(CODE | 0x65).to_le_bytes())?;
        let mut task = [0xff; 0x68 + 16];
        task[..0x68].fill(0);
        task[0x66] = 0x68;
        task[0x68 + usize::from(PORT / 8)] &= !(1 << (PORT % 8));
        image.put(TASK, &task)?;
        // 1: out %al, $port; jmp 1b
        image.put(CODE, &[0xe6, PORT as u8, 0xeb, 0xfc])?;
        Ok(image)
    }

    fn put(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: writes the bytes of a live slice.
        let written = unsafe { libc::pwrite(self.file, bytes.as_ptr().cast(), bytes.len(), at as i64) };
        if written == bytes.len() as isize { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl RawVm {
    /// Everything from KVM_CREATE_VM to a vCPU that has its first registers.
    pub fn new(image: &RawImage) -> Result<Self, kvm_ioctls::Error> {
        // SAFETY: a new private mapping of the image.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_NORESERVE,
                image.file,
                0,
            )
        };
        assert!(memory != libc::MAP_FAILED, "mmap failed");
        let memory = Mapping(memory);
        let vm = image.kvm.create_vm()?;
        let slot = kvm_userspace_memory_region {
            memory_size: SIZE as u64,
            userspace_addr: memory.0 as u64,
            ..kvm_userspace_memory_region::default()
        };
        // SAFETY: the mapping lives as long as the machine: fields drop in order.
        unsafe { vm.set_user_memory_region(slot) }?;
        let mut vcpu = vm.create_vcpu(0)?;
        vcpu.set_cpuid2(&image.cpuid)?;
        let mut xcrs = kvm_xcrs { nr_xcrs: 1, ..kvm_xcrs::default() };
        xcrs.xcrs[0] = kvm_xcr { xcr: 0, reserved: 0, value: 3 };
        vcpu.set_xcrs(&xcrs)?;

        let mut sregs = vcpu.get_sregs()?;
        let code = kvm_segment {
            limit: u32::MAX,
            selector: 0x33,
            type_: 11,
            present: 1,
            dpl: 3,
            s: 1,
            l: 1,
            g: 1,
            ..kvm_segment::default()
        };
        let data = kvm_segment { selector: 0x2b, type_: 3, l: 0, db: 1, ..code };
        (sregs.cs, sregs.ss) = (code, data);
        (sregs.ds, sregs.es, sregs.fs, sregs.gs) = (data, data, data, data);
        sregs.tr = kvm_segment {
            base: TASK,
            limit: 0x68 + 15,
            selector: 0x40,
            type_: 11,
            present: 1,
            ..kvm_segment::default()
        };
        sregs.ldt.unusable = 1;
        (sregs.cr0, sregs.cr3, sregs.cr4, sregs.efer) = (0x8001_0033, TABLES, 0x4_0620, 0xd00);
        let registers = vcpu.sync_regs_mut();
        registers.sregs = sregs;
        registers.regs = kvm_regs { rip: CODE, rflags: 2, ..kvm_regs::default() };
        vcpu.set_sync_dirty_reg(SyncReg::Register);
        vcpu.set_sync_dirty_reg(SyncReg::SystemRegister);
        Ok(Self { vcpu, _vm: vm, _memory: memory })
    }

    /// One round trip.
    pub fn ring(&mut self) {
        match self.vcpu.run() {
            Ok(VcpuExit::IoOut(PORT, [_])) => {}
            other => panic!("the floor's guest stopped at {other:?}"),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing uses it any more.
        unsafe { libc::munmap(self.0, SIZE) };
    }
}

impl Drop for RawImage {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(self.file) };
    }
}
