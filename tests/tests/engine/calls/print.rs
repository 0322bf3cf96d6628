//! `HostPrint`: there by default, bounded, and the host's to replace or remove.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};

use libhyperlight::{ErrorCode, HOST_PRINT, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{guests, on_each_guest, printing, spares, uninitialized, uninitialized_with};

#[test]
fn by_default_what_is_printed_goes_to_standard_output_and_nothing_else_does() {
    in_own_process(|| {
        for (language, guest) in guests() {
            let (out, err) = capture(|| {
                let mut sandbox =
                    UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
                assert_eq!(sandbox.call::<i32>("PrintOutput", ("grüße\n",)).unwrap(), 8);
                // Not flushed by a line's end, but by the engine.
                assert_eq!(sandbox.call::<i32>("PrintOutput", ("no line",)).unwrap(), 7);
                assert_eq!(sandbox.call::<i32>("PrintTwice", ("a", "b\0c")).unwrap(), 4);
                let _ = sandbox.call::<()>("LogMessage", ("to nobody", 1));
                let _ = sandbox.call::<()>("Panic", ("loudly",));
                let _ = sandbox.call::<()>("NoOp", ());
            });
            assert_eq!(out, "grüße\nno lineab\0c", "the {language} guest");
            assert_eq!(err, "", "the {language} guest");
        }
    });
}

#[test]
fn the_host_may_replace_host_print() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register(HOST_PRINT, |text: String| -(i32::try_from(text.len()).unwrap())).unwrap();
        assert_eq!(host.evolve().unwrap().call::<i32>("PrintOutput", ("text",)).unwrap(), -4);

        let mut host = uninitialized(guest);
        host.register(HOST_PRINT, |_: String| Err::<i32, _>("no paper")).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<i32>("PrintOutput", ("text",))
        });
        assert_eq!(error.message(), "no paper");
    });
}

#[test]
fn without_host_print_printing_is_an_error_in_the_guest() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        assert!(host.unregister(HOST_PRINT).unwrap());
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<i32>("PrintOutput", ("text",))
        });
        assert_eq!(error.message(), "the host has no function `HostPrint`; register it before evolve");
    });
}

#[test]
fn max_print_bytes_is_an_error_in_the_guest_and_holds_for_each_call() {
    on_each_guest(|guest| {
        let options = SandboxOptions::new().max_print_bytes(10);
        let mut sandbox = uninitialized_with(guest, options).evolve().unwrap();
        for _ in 0..3 {
            assert_eq!(sandbox.call::<i32>("PrintOutput", ("0123456789",)).unwrap(), 10);
            assert_eq!(sandbox.call::<i32>("PrintTwice", ("01234", "56789")).unwrap(), 10);
            for (first, second) in [("0123456789a", ""), ("012345", "67890"), ("äääääb", "")] {
                let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
                    sandbox.call::<i32>("PrintTwice", (first, second))
                });
                assert!(error.message().contains("max_print_bytes"), "{error}");
            }
        }
    });
}

#[test]
fn any_text_is_printed_as_it_is() {
    on_each_guest(|guest| {
        let (mut sandbox, printed) = printing(guest);
        for text in ["", "%s %n {} \\", "\0\x1b[31m\u{202e}", &"long ".repeat(20_000)] {
            assert_eq!(
                sandbox.call::<i32>("PrintOutput", (text,)).unwrap(),
                i32::try_from(text.len()).unwrap()
            );
            assert_eq!(printed.take(), [text]);
        }
    });
}

/// The process's standard output and error during `body`.
fn capture(body: impl FnOnce()) -> (String, String) {
    let mut captured = [memory_file(), memory_file()];
    std::io::stdout().flush().unwrap();
    let saved = [1, 2].map(|fd| replace(fd, captured[if fd == 1 { 0 } else { 1 }].as_raw_fd()));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    for (fd, saved) in [1, 2].into_iter().zip(&saved) {
        replace(fd, saved.as_raw_fd());
    }
    let [out, err] = captured.each_mut().map(|file| {
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    });
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    (out, err)
}

fn memory_file() -> File {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"captured".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the kernel has just made the descriptor, which nobody else owns.
    unsafe { File::from_raw_fd(fd) }
}

/// Makes the descriptor `fd` refer to the file of `by`. Returns its former file.
fn replace(fd: i32, by: i32) -> File {
    // SAFETY: `fd` is open; the copy belongs to nobody else.
    let saved = unsafe { File::from_raw_fd(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3)) };
    // SAFETY: both are open descriptors of this process.
    assert_eq!(unsafe { libc::dup2(by, fd) }, fd);
    saved
}
