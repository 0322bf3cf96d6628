//! `<setjmp.h>`: saves the callee-saved registers of the System V convention, and the place to continue. There is no
//! signal mask to save.

use core::arch::global_asm;

global_asm!(
    r#"
    .pushsection .text.setjmp,"ax",@progbits
    .globl setjmp, _setjmp, __sigsetjmp, sigsetjmp
    .type setjmp, @function
    .type _setjmp, @function
    .type __sigsetjmp, @function
    .type sigsetjmp, @function
setjmp:
_setjmp:
__sigsetjmp:
sigsetjmp:
    mov [rdi], rbx
    mov [rdi + 8], rbp
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    mov [rdi + 32], r14
    mov [rdi + 40], r15
    lea rdx, [rsp + 8]
    mov [rdi + 48], rdx
    mov rdx, [rsp]
    mov [rdi + 56], rdx
    xor eax, eax
    ret
    .size setjmp, . - setjmp
    .size _setjmp, . - _setjmp
    .size __sigsetjmp, . - __sigsetjmp
    .size sigsetjmp, . - sigsetjmp
    .popsection

    .pushsection .text.longjmp,"ax",@progbits
    .globl longjmp, _longjmp, siglongjmp, __longjmp_chk
    .type longjmp, @function
    .type _longjmp, @function
    .type siglongjmp, @function
    .type __longjmp_chk, @function
longjmp:
_longjmp:
siglongjmp:
__longjmp_chk:
    mov eax, esi
    test eax, eax
    jnz 1f
    inc eax
1:
    mov rbx, [rdi]
    mov rbp, [rdi + 8]
    mov r12, [rdi + 16]
    mov r13, [rdi + 24]
    mov r14, [rdi + 32]
    mov r15, [rdi + 40]
    mov rsp, [rdi + 48]
    jmp qword ptr [rdi + 56]
    .size longjmp, . - longjmp
    .size _longjmp, . - _longjmp
    .size siglongjmp, . - siglongjmp
    .size __longjmp_chk, . - __longjmp_chk
    .popsection
"#
);
