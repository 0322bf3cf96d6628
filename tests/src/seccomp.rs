//! System calls that a thread may not make, as in a container or a careful program.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};

/// Offset of the system call's number in `struct seccomp_data`.
const NUMBER: u32 = 0;
/// Offset of the low half of its second argument.
const SECOND: u32 = 24;

/// Makes every `ioctl` with this number fail with that error, in the calling thread and those it starts, for good.
pub fn forbid_ioctl(request: u32, errno: i32) {
    install(&mut [
        load(NUMBER),
        unless(libc::SYS_ioctl, 3),
        load(SECOND),
        unless(i64::from(request), 1),
        answer(libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()),
        answer(libc::SECCOMP_RET_ALLOW),
    ]);
}

/// Makes that system call fail with that error, in the calling thread and those it starts, for good.
pub fn forbid(number: i64, errno: i32) {
    install(&mut [
        load(NUMBER),
        unless(number, 1),
        answer(libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()),
        answer(libc::SECCOMP_RET_ALLOW),
    ]);
}

/// Ends the process at every system call but these, in the calling thread and those it starts, for good.
pub fn allow_only(numbers: &[i64]) {
    let mut filter = vec![load(NUMBER)];
    for number in numbers {
        filter.extend([unless(*number, 1), answer(libc::SECCOMP_RET_ALLOW)]);
    }
    filter.push(answer(libc::SECCOMP_RET_KILL_PROCESS));
    install(&mut filter);
}

fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, 0, offset)
}

/// Skips so many instructions if what was loaded is another number.
fn unless(number: i64, skip: u8) -> sock_filter {
    instruction(BPF_JMP | BPF_JEQ | BPF_K, skip, u32::try_from(number).expect("a number of 32 bits"))
}

fn answer(answer: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, 0, answer)
}

fn instruction(code: u32, if_not: u8, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).expect("a small code"), jt: 0, jf: if_not, k }
}

fn install(filter: &mut [sock_filter]) {
    let program = sock_fprog {
        len: u16::try_from(filter.len()).expect("a few instructions"),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: an integer only. Without it a filter needs privileges.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the kernel copies the program, which lives until then.
    let failed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
}
