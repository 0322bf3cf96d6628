//! Programs of this machine, in real virtual machines.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libhyperlight::ErrorCode;
use libhyperlight_linux::{Ended, Program, Run, Stream};

use common::{LONG, compile, printed, run_c};

/// The interpreter of the system; its standard library is where it says.
const PYTHON: &str = "/usr/bin/python3";

fn python() -> Program {
    let stdlib = Command::new(PYTHON)
        .args(["-I", "-S", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'), end='')"])
        .output()
        .unwrap();
    let stdlib = String::from_utf8(stdlib.stdout).unwrap();
    Program::builder(PYTHON).files(stdlib).build().unwrap()
}

fn python_says(python: &mut Program, code: &str) -> String {
    printed(&python.run(Run::new().args(["-c", code]).timeout(LONG)).unwrap())
}

const WITHOUT_C_LIBRARY: &str = r#"
    static long call(long number, long a, long b, long c) {
        long result;
        if (number == 1)
            __asm__ volatile("mov $1, %%eax; syscall" : "=a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
        else
            __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
        return result;
    }
    void _start(void) { call(1, 1, (long)"hello\n", 6); call(231, 7, 0, 0); }
"#;

#[test]
fn a_program_without_a_c_library_runs_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["-static", "-nostdlib", "-no-pie"][..], &["-static-pie", "-nostdlib"]] {
        let path = compile(folder.path(), "program", WITHOUT_C_LIBRARY, arguments);
        let mut program = Program::builder(&path).build().unwrap();
        assert_eq!(program.rewritten(), 1);
        for _ in 0..3 {
            let outcome = program.run(Run::new()).unwrap();
            assert_eq!((outcome.status(), &*outcome.stdout), (Some(7), &b"hello\n"[..]), "{outcome:?}");
        }
    }
}

#[test]
fn static_and_dynamic_programs_see_arguments_environment_and_time() {
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <time.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct timespec one, two;
            clock_gettime(CLOCK_MONOTONIC, &one);
            usleep(20000);
            clock_gettime(CLOCK_MONOTONIC, &two);
            long us = (two.tv_sec - one.tv_sec) * 1000000 + (two.tv_nsec - one.tv_nsec) / 1000;
            printf("%d %s %s %s %d\n", count, words[1], getenv("NAME"), getcwd(0, 0), us >= 20000 && time(0) > 1700000000);
            return 3;
        }
    "#;
    for arguments in [&["-static"][..], &["-static-pie"], &[], &["-no-pie"]] {
        let run = Run::new().args(["a b"]).env("NAME", "value").folder("/tmp");
        let outcome = run_c(source, arguments, run);
        assert_eq!(outcome.status(), Some(3), "{arguments:?}: {outcome:?}");
        assert_eq!(String::from_utf8_lossy(&outcome.stdout), "2 a b value /tmp 1\n", "{arguments:?}");
    }
}

#[test]
fn a_library_is_found_beside_the_program_and_another_is_loaded_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("lib")).unwrap();
    // Old linkers align segments to 2 MiB.
    let old = "-Wl,-z,max-page-size=0x200000";
    compile(
        folder,
        "lib/libnear.so",
        "int near(void) { static int calls = 40; return ++calls; }",
        &["-shared", "-fPIC", old],
    );
    compile(
        folder,
        "lib/plugin.so",
        "int far(void) { static int calls = 1; return calls++; }",
        &["-shared", "-fPIC", old],
    );
    let source = r#"
        #include <dlfcn.h>
        #include <stdio.h>
        int near(void);
        int main(int count, char **words) {
            int sum = near();
            for (int i = 0; i < 2; i++) {
                void *plugin = dlopen(words[1], RTLD_NOW);
                if (!plugin) return puts(dlerror()), 1;
                // Loaded anew, its data is new.
                sum += ((int (*)(void))dlsym(plugin, "far"))() == 1;
                dlclose(plugin);
            }
            printf("%d\n", sum);
            return 0;
        }
    "#;
    let lib = format!("-L{}/lib", folder.display());
    let arguments = [&*lib, "-lnear", "-Wl,-rpath,$ORIGIN/lib", "-ldl"];
    let path = compile(folder, "program", source, &arguments);
    let plugin = folder.join("lib/plugin.so");
    let mut program = Program::builder(path).files(&plugin).build().unwrap();
    assert_eq!((program.missing(), program.unplaced()), (&[][..], &[][..]));
    let outcome = program.run(Run::new().args([plugin.to_str().unwrap()])).unwrap();
    assert_eq!(printed(&outcome), "43\n");
}

#[test]
fn threads_take_turns_and_are_joined() {
    let source = r#"
        #include <pthread.h>
        #include <stdio.h>
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
        static int turn;
        static __thread int own;
        static void *work(void *number) {
            for (int i = 0; i < 100; i++) {
                pthread_mutex_lock(&lock);
                while (turn % 8 != (long)number) pthread_cond_wait(&changed, &lock);
                turn++; own++;
                pthread_cond_broadcast(&changed);
                pthread_mutex_unlock(&lock);
            }
            return (void *)(long)own;
        }
        int main() {
            pthread_t threads[8];
            long sum = 0;
            for (long i = 0; i < 8; i++) pthread_create(threads + i, 0, work, (void *)i);
            for (int i = 0; i < 8; i++) { void *own; pthread_join(threads[i], &own); sum += (long)own; }
            printf("%d %ld\n", turn, sum);
        }
    "#;
    assert_eq!(printed(&run_c(source, &["-pthread"], Run::new())), "800 800\n");
}

#[test]
fn signals_reach_their_handlers_and_end_programs_without_one() {
    let source = r#"
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        static volatile int seen;
        static void note(int number) { seen += number; }
        int main() {
            signal(SIGUSR1, note);
            signal(SIGALRM, note);
            raise(SIGUSR1);
            alarm(1);
            pause();
            printf("%d\n", seen == SIGUSR1 + SIGALRM);
            fflush(stdout);
            abort();
        }
    "#;
    let outcome = run_c(source, &[], Run::new());
    assert_eq!((outcome.status(), &*outcome.stdout), (Some(134), &b"1\n"[..]), "{outcome:?}");
}

#[test]
fn a_wild_pointer_and_an_endless_loop_end_the_run_and_not_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        #include <stdio.h>
        int main(int count) {
            puts("started");
            fflush(stdout);
            if (count == 2) *(volatile int *)0x123456789000 = 1;
            for (volatile int i = 0; count == 3; i++) {}
            return 0;
        }
    "#;
    let mut program = Program::builder(compile(folder.path(), "program", source, &[])).build().unwrap();
    for (args, timeout, code) in
        [(&["x"][..], LONG, ErrorCode::GuestFault), (&["x", "y"], Duration::from_secs(2), ErrorCode::Timeout)]
    {
        let outcome = program.run(Run::new().args(args).timeout(timeout)).unwrap();
        assert!(matches!(&outcome.ended, Ended::Stopped(error) if error.code() == code), "{outcome:?}");
        assert_eq!(outcome.stdout, b"started\n");
        assert_eq!(printed(&program.run(Run::new()).unwrap()), "started\n");
    }
}

#[test]
fn code_cannot_be_written_without_jit() {
    let source = r#"
        #include <errno.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main() {
            char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
            char *memory = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED) return errno == EACCES ? 1 : 2;
            memcpy(memory, code, sizeof code);
            return ((int (*)(void))memory)();
        }
    "#;
    assert_eq!(run_c(source, &[], Run::new()).status(), Some(1));
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "program", source, &[]);
    let outcome = Program::builder(path).jit(true).build().unwrap().run(Run::new()).unwrap();
    assert_eq!(outcome.status(), Some(42), "{outcome:?}");
}

#[test]
fn jq_reads_standard_input() {
    let mut jq = Program::builder("/usr/bin/jq").build().unwrap();
    for number in [1, 2] {
        let input = format!("{{\"a\": [{number}, 5]}}");
        let outcome = jq.run(Run::new().args(["-c", ".a"]).stdin(input)).unwrap();
        assert_eq!(printed(&outcome), format!("[{number},5]\n"));
    }
    let outcome = jq.run(Run::new().args(["."]).stdin("{")).unwrap();
    assert!(!outcome.is_success());
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("parse error"));
}

#[test]
fn sqlite_keeps_a_database_in_a_file_that_comes_back() {
    let mut sqlite = Program::builder("/usr/bin/sqlite3").build().unwrap();
    let make = "create table t(a); insert into t values (1), (41); select sum(a) from t;";
    let outcome = sqlite.run(Run::new().args(["/tmp/new.db", make])).unwrap();
    assert_eq!(printed(&outcome), "42\n");
    let database = outcome.files.get(&b"/tmp/new.db"[..]).unwrap().clone();
    assert!(database.starts_with(b"SQLite format 3\0"));
    // In the next run there is nothing of it, unless it is given.
    let outcome = sqlite.run(Run::new().args(["/tmp/new.db", "select * from t;"])).unwrap();
    assert_eq!(outcome.status(), Some(1));
    let run = Run::new().args(["/data/old.db", "select count(*) from t;"]).file("/data/old.db", database);
    assert_eq!(printed(&sqlite.run(run).unwrap()), "2\n");
}

#[test]
fn python_runs_with_its_standard_library() {
    let mut python = python();
    assert_eq!(python_says(&mut python, "print(1)"), "1\n");
    let code = "
import json, re, math, datetime, hashlib, decimal, collections, sqlite3, zlib, random, os, tempfile, threading, queue
print(json.dumps({'a': [1, 2.5, None]}), re.findall('[0-9]+', 'a1b22'), hashlib.sha256(b'x').hexdigest()[:8])
print(sqlite3.connect(':memory:').execute('select 6 * 7').fetchone()[0], len(zlib.compress(bytes(1000))) < 50)
q = queue.Queue()
ts = [threading.Thread(target=lambda n=n: q.put(n * n)) for n in range(10)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(q.get() for _ in ts), os.cpu_count(), os.listdir('/tmp'))
with tempfile.TemporaryDirectory() as folder:
    os.symlink('target', folder + '/link'); open(folder + '/target', 'w').write('text')
    os.rename(folder + '/target', folder + '/moved'); os.chmod(folder + '/moved', 0o600)
    print(sorted(os.listdir(folder)), oct(os.stat(folder + '/moved').st_mode))
";
    let expected = "{\"a\": [1, 2.5, null]} ['1', '22'] 2d711642\n42 True\n\
                    [0, 1, 4, 9, 16, 25, 36, 49, 64, 81] 1 []\n['link', 'moved'] 0o100600\n";
    assert_eq!(python_says(&mut python, code), expected);
}

#[test]
fn pythons_event_loop_sleeps_and_talks_over_pairs_of_sockets() {
    let code = "
import asyncio, socket, time
async def main():
    one, other = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=one)
    async def late():
        await asyncio.sleep(0.05)
        other.send(b'hello')
    start = time.monotonic()
    data, _ = await asyncio.gather(reader.read(5), late())
    print(data, time.monotonic() - start >= 0.05)
asyncio.run(main())
";
    assert_eq!(python_says(&mut python(), code), "b'hello' True\n");
}

#[test]
fn what_a_sandbox_has_not_is_an_exception_in_python() {
    let mut python = python();
    let code = "
import subprocess, socket
for attempt in (lambda: subprocess.run(['true']), lambda: socket.socket()):
    try: attempt()
    except OSError as error: print(type(error).__name__, error.errno)
";
    assert_eq!(python_says(&mut python, code), "OSError 38\nOSError 97\n");
    let outcome = python.run(Run::new().args(["-c", "import sys; sys.exit(5)"])).unwrap();
    assert_eq!(outcome.status(), Some(5));
    let outcome = python.run(Run::new().args(["-c", "1/0"])).unwrap();
    assert_eq!(outcome.status(), Some(1));
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("ZeroDivisionError"));
    let outcome = python.run(Run::new().args(["-c", "x = bytearray(1 << 40)"])).unwrap();
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("MemoryError"), "{outcome:?}");
}

#[test]
fn every_file_reads_inside_as_it_does_on_the_host() {
    let mut python = python();
    let mut expected = Vec::new();
    for listed in python.files().list() {
        let path = PathBuf::from(String::from_utf8(listed.path.to_vec()).unwrap());
        if listed.target.is_none() && path.is_file() {
            expected.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    assert!(expected.len() > 500);
    let code = "
import sys, hashlib
for path in sys.stdin.read().split('\\n'):
    print(hashlib.sha256(open(path, 'rb').read()).hexdigest())
";
    let paths: Vec<_> = expected.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    let run = Run::new().args(["-c", code]).stdin(paths.join("\n")).timeout(LONG);
    let inside = printed(&python.run(run).unwrap());
    let sums = Command::new("sha256sum").args(&paths).output().unwrap();
    let on_host = String::from_utf8(sums.stdout).unwrap();
    for (inside, on_host) in inside.lines().zip(on_host.lines()) {
        assert!(on_host.starts_with(inside), "{on_host}");
    }
    assert_eq!(inside.lines().count(), expected.len());
}

#[test]
fn output_comes_while_the_program_runs_and_has_a_limit() {
    let mut python = python();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        move |stream: Stream, bytes: &[u8]| seen.lock().unwrap().push((stream, bytes.to_vec()))
    };
    let code = "import sys; print('out', flush=True); print('err', file=sys.stderr); print('again')";
    python.run(Run::new().args(["-c", code]).on_output(hook)).unwrap();
    let pieces = seen.lock().unwrap().clone();
    assert_eq!(pieces.first(), Some(&(Stream::Stdout, b"out\n".to_vec())));
    assert!(pieces.contains(&(Stream::Stderr, b"err\n".to_vec())));
    let endless = "while True: print('x' * 1000)";
    let outcome = python.run(Run::new().args(["-c", endless]).max_output(1 << 20).timeout(LONG)).unwrap();
    assert!(outcome.is_cut && outcome.stdout.len() <= 1 << 20, "{:?}", outcome.ended);
    assert!(matches!(outcome.ended, Ended::Exit(status) if status != 0), "{:?}", outcome.ended);
}

#[test]
fn what_the_guest_says_is_no_error_of_the_builders() {
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "program", "int main() { return 0; }", &[]);
    let mut program = Program::builder(&path).build().unwrap();
    let taken = path.as_os_str().as_encoded_bytes();
    let error = program.run(Run::new().file(taken, "").timeout(LONG)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuestError, "{error}");
    assert!(program.run(Run::new().timeout(LONG)).unwrap().is_success());
}
