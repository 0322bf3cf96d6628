//! Programs that do what they should not: each run ends as it must, and the next one is as if nothing had been.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod common;

use std::time::Duration;

use libhyperlight::ErrorCode;
use libhyperlight_linux::{Ended, Outcome, Program, Run};

use common::{LONG, compile, printed, run_c};

/// The code with which a run was stopped.
fn stopped(outcome: &Outcome) -> ErrorCode {
    match &outcome.ended {
        Ended::Stopped(error) => error.code(),
        _ => panic!("it was not stopped: {outcome:?}"),
    }
}

#[test]
fn the_libos_harms_nobody_when_it_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        static unsigned long pages[] = {0x30000000, 0x30010000, 0x30020000, 0x30030000, 0x30040000, 0x30044000};
        int main(int count, char **words) {
            if (count == 1) return puts("well"), 0;
            // Its code and constants are not writable; its data is the program's to ruin.
            char *at = (char *)pages[atoi(words[1])];
            for (int i = 0; i < 4096; i++) at[i] = 0x41;
            write(1, "still\n", 6);
            return 0;
        }
    "#;
    let mut program = Program::builder(compile(folder.path(), "program", source, &[])).build().unwrap();
    for number in 0..6 {
        let run = Run::new().args([number.to_string()]).timeout(Duration::from_secs(10));
        let outcome = program.run(run).unwrap();
        assert!(!matches!(outcome.ended, Ended::Exit(status) if status != 0), "{outcome:?}");
        assert_eq!(printed(&program.run(Run::new()).unwrap()), "well\n", "{number}");
    }
}

#[test]
fn a_call_through_null_is_no_system_call() {
    let source = "int main() { void (*volatile none)(void) = 0; none(); return 0; }";
    assert_eq!(stopped(&run_c(source, &[], Run::new())), ErrorCode::GuestFault);
}

#[test]
fn a_jump_behind_a_rewritten_mov_makes_the_call_that_the_register_says() {
    let source = r#"
        #include <stdio.h>
        int main() {
            long parent, process;
            // getppid by a jump to the two bytes behind the `mov`, then getpid by the whole.
            __asm__ volatile("jmp 1f; mov $39, %%eax; 1: syscall" : "=a"(parent) : "a"(110) : "rcx", "r11", "memory");
            __asm__ volatile("mov $39, %%eax; syscall" : "=a"(process) : : "rcx", "r11", "memory");
            printf("%ld %d\n", parent, process > 1);
        }
    "#;
    assert_eq!(printed(&run_c(source, &[], Run::new())), "1 1\n");
}

#[test]
fn the_bytes_of_a_call_in_data_and_in_constants_are_left_alone() {
    let source = r#"
        #include <stdio.h>
        #include <string.h>
        static const unsigned char bytes[] = {0xb8, 39, 0, 0, 0, 0x0f, 5};
        int main() {
            unsigned long constant;
            __asm__ volatile("movabs $0x50f00000027b8, %0" : "=r"(constant));
            unsigned long sum = 0;
            for (unsigned i = 0; i < sizeof bytes; i++) sum = sum * 31 + ((volatile const unsigned char *)bytes)[i];
            printf("%lx %lx\n", constant, sum);
        }
    "#;
    let sum = [0xb8_u64, 39, 0, 0, 0, 0x0f, 5]
        .into_iter()
        .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    assert_eq!(printed(&run_c(source, &[], Run::new())), format!("50f00000027b8 {sum:x}\n"));
}

#[test]
fn memory_files_descriptors_and_threads_end_at_their_limits() {
    let source = r#"
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        static void *wait(void *gate) { pthread_mutex_lock(gate); pthread_mutex_unlock(gate); return 0; }
        int main() {
            long blocks = 0;
            void **last = 0;
            for (void **block; block = malloc(1 << 20); blocks++) *block = last, last = block;
            while (last) { void **next = *last; free(last); last = next; }
            int file = open("/tmp/full", O_CREAT | O_WRONLY, 0600);
            static char data[1 << 16];
            while (write(file, data, sizeof data) > 0) {}
            int full = errno;
            while (open("/dev/null", O_RDONLY) >= 0) {}
            int many = errno;
            pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
            pthread_mutex_lock(&gate);
            int threads = 0, error = 0;
            for (pthread_t thread; !error && threads < 5000; threads++) error = pthread_create(&thread, 0, wait, &gate);
            printf("%d %d %d %d %d\n", blocks > 100 && blocks < 1024, full == ENOSPC, many == EMFILE, error, threads > 50);
            fflush(stdout);
            _exit(0);
        }
    "#;
    assert_eq!(printed(&run_c(source, &["-pthread"], Run::new())), "1 1 1 11 1\n");
}

#[test]
fn a_deadlock_and_a_sleep_end_with_the_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        #include <pthread.h>
        #include <unistd.h>
        int main(int count) {
            pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
            if (count == 2) sleep(100000);
            pthread_mutex_lock(&gate);
            return pthread_mutex_lock(&gate);
        }
    "#;
    let mut program =
        Program::builder(compile(folder.path(), "program", source, &["-pthread"])).build().unwrap();
    for args in [&[][..], &["sleep"]] {
        let outcome = program.run(Run::new().args(args).timeout(Duration::from_millis(500))).unwrap();
        assert_eq!(stopped(&outcome), ErrorCode::Timeout);
    }
}

#[test]
fn nothing_of_a_run_is_there_in_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/stat.h>
        #include <unistd.h>
        static int runs;
        int main() {
            struct stat status;
            printf("%d %d %d %s %d\n", ++runs, stat("/tmp/left", &status), open("/tmp/x", 0102, 0600), getenv("LEFT"), getpid() > 1);
            chdir("/tmp");
            fclose(fopen("/tmp/left", "w"));
            putenv("LEFT=1");
            return 0;
        }
    "#;
    let mut program = Program::builder(compile(folder.path(), "program", source, &[])).build().unwrap();
    for _ in 0..3 {
        let outcome = program.run(Run::new().timeout(LONG)).unwrap();
        assert_eq!(printed(&outcome), "1 -1 3 (null) 1\n");
        assert_eq!(outcome.files.len(), 2);
    }
}
