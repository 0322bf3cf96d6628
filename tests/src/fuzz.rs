//! The bodies of the fuzz targets: the work on one input, and the checks after it. The targets themselves, in `fuzz/`,
//! and the tests that replay the corpora are a few lines around these.
//!
//! A file may take a second of processor time for each megabyte, and at least one: a slower input is a finding like any
//! other. `patience` is the factor for code that is not optimised: fuzzing optimises, tests do not.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libhyperlight::{Error, ErrorCode, Guest, Kind, SandboxOptions, Snapshot, UninitializedSandbox};
use libhyperlight_abi::message::{self, LogRecord};
use libhyperlight_abi::{Frame, FrameKind, ToGuest, ToHost, ValueRef};
use libhyperlight_values::{Error as ValueError, Type, Value};
use sha2::{Digest, Sha256};

use crate::cost::{at_most, time_for};
use crate::elf::{Elf, segment};
pub use crate::host_call_fuzz::HostCalls;
use crate::script::{self, Step};
use crate::uninitialized_with;

/// The address of relocatable guests.
const RELOCATABLE_BASE: u64 = 0x40_0000;

/// The committed inputs of a target, in the order of their names.
pub fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    let inputs: Vec<_> = paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

/// Decodes bytes as a message or refuses them. A message that is encoded again gives the same bytes.
pub fn frame(bytes: &[u8]) {
    let _ = ToGuest::decode(bytes);
    let _ = LogRecord::decode(bytes);
    match ToHost::decode(bytes) {
        Ok(ToHost::Ready(ready)) => {
            let _ = ready.read(|_, _| (), |_, _| ());
        }
        Ok(ToHost::Result(value)) => assert_encodes_to(bytes, FrameKind::Result, &[value]),
        Ok(ToHost::HostCall { name, arguments }) => {
            let mut items = vec![ValueRef::String(name)];
            items.extend(arguments.as_slice());
            assert_encodes_to(bytes, FrameKind::HostCall, &items);
        }
        _ => {}
    }
}

/// Any text is a value of a script's or a refusal. Behind a line with a type, it is a value of that type or a refusal.
/// What comes out goes in again, and comes out the same.
pub fn values(bytes: &[u8], patience: u32) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    at_most(time_for(bytes.len()) * patience, "the value", || match text.split_once('\n') {
        Some((ty, text)) => {
            let Ok(ty) = Type::parse(ty) else { return };
            assert_eq!(Ok(&ty), Type::parse(&ty.to_string()).as_ref());
            assert_comes_back(Value::lift(&ty, text, "it"), |value| {
                let sent = value.lower(&ty, "it").expect("it has the type");
                (Value::lift(&ty, &sent, "it").expect("it has the type"), sent)
            });
        }
        None => assert_comes_back(Value::of_script(text, "it"), |value| {
            let sent = value.to_script("it").expect("it came from a text");
            (Value::of_script(&sent, "it").expect("it came from a text"), sent)
        }),
    });
}

/// `again` sends a value, and says what comes back and how it was sent.
fn assert_comes_back(found: Result<Value, ValueError>, again: impl Fn(&Value) -> (Value, String)) {
    match found {
        Ok(value) => {
            let (back, sent) = again(&value);
            assert_eq!(again(&back).1, sent);
        }
        Err(error) => {
            let message = error.message();
            assert!(message.starts_with("it"), "{message}");
            assert!(message.len() < 64 << 10 && !message.contains(char::is_control), "{message:?}");
        }
    }
}

fn assert_encodes_to(bytes: &[u8], kind: FrameKind, items: &[ValueRef<'_>]) {
    let mut again = vec![0; bytes.len()];
    let len = message::encode(again.as_mut_slice(), kind, &[], items).expect("it came from as many bytes");
    assert_eq!(&again[..len], bytes);
    assert!(Frame::decode(&again).is_ok());
}

/// Loads a file as a guest, or refuses it, and looks up functions by the addresses in it.
pub fn elf(file: &[u8], patience: u32) {
    at_most(time_for(file.len()) * patience, "loading a guest", || match Guest::from_bytes(file) {
        Ok(guest) => {
            // Its relocations are made there.
            let smallest = SandboxOptions::new().heap_size(1).stack_size(1).input_size(1).output_size(1);
            if let Err(error) = guest.compose(&smallest) {
                ends_with(&error, &[ErrorCode::Resource]);
            }
            let entry = file.get(24..32).and_then(<[u8]>::first_chunk).copied().map_or(0, u64::from_le_bytes);
            for address in [entry, entry.wrapping_add(RELOCATABLE_BASE), 0] {
                let name = guest.function_at(address).unwrap_or_default();
                assert!(!name.contains('\n') && name.len() < 2000, "{name:?}");
            }
        }
        Err(error) => ends_with(&error, &[ErrorCode::GuestBinary]),
    });
}

/// Loads a file as a snapshot, or refuses it. Its checksum is corrected first, so that the code behind it is reached. A
/// loaded snapshot is resumed and called: its guest must come to an orderly end.
pub fn snapshot(file: &[u8], patience: u32) {
    let Some((content, _)) = file.split_last_chunk::<32>() else {
        return;
    };
    let signed = [content, &Sha256::digest(content)].concat();
    let memory = tempfile::tempfile_in("/dev/shm").expect("a file in memory");
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    fs::write(&path, signed).expect("it can be written");
    at_most(time_for(file.len()) * patience, "loading a snapshot", || match Snapshot::load(&path) {
        Ok(snapshot) => resume(&snapshot),
        Err(error) => ends_with(&error, &[ErrorCode::SnapshotFile]),
    });
}

fn resume(snapshot: &Snapshot) {
    let options = SandboxOptions::new().cpu_time(Duration::from_millis(5));
    let mut host = UninitializedSandbox::from_snapshot(snapshot, options).expect("no sizes were asked for");
    host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    let mut sandbox = match host.evolve() {
        Ok(sandbox) => sandbox,
        // It needs other host functions, or more memory than there is.
        Err(error) => return ends_with(&error, &[ErrorCode::SnapshotMismatch, ErrorCode::Resource]),
    };
    let first = sandbox.functions().next();
    let Some((name, signature)) = first.map(|(name, signature)| (name.to_owned(), signature.clone())) else {
        return;
    };
    let arguments: Vec<_> = signature.params().iter().map(|kind| nothing(*kind)).collect();
    if let Err(error) = sandbox.call_ref(&name, &arguments) {
        ends_with(
            &error,
            &[
                ErrorCode::TooLarge,
                ErrorCode::GuestError,
                ErrorCode::GuestAbort,
                ErrorCode::GuestFault,
                ErrorCode::StackOverflow,
                ErrorCode::GuestOutOfMemory,
                ErrorCode::Timeout,
                ErrorCode::Protocol,
                ErrorCode::Resource,
            ],
        );
    }
}

/// Confirms that it is one of these, and one line.
#[track_caller]
fn ends_with(error: &Error, codes: &[ErrorCode]) {
    assert!(codes.contains(&error.code()), "{error:?}");
    assert!(!error.message().contains('\n'), "{error:?}");
}

/// The least value of a kind.
fn nothing(kind: Kind) -> ValueRef<'static> {
    match kind {
        Kind::Bool => ValueRef::Bool(false),
        Kind::I32 => ValueRef::I32(0),
        Kind::U32 => ValueRef::U32(0),
        Kind::I64 => ValueRef::I64(0),
        Kind::U64 => ValueRef::U64(0),
        Kind::F32 => ValueRef::F32(0.0),
        Kind::F64 => ValueRef::F64(0.0),
        Kind::String => ValueRef::String(""),
        Kind::Bytes => ValueRef::Bytes(b""),
        _ => ValueRef::Void,
    }
}

/// The seeds of a target, each with a name.
pub fn seeds(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    match target {
        "frame" => frame_seeds(),
        "elf" => elf_seeds(),
        "snapshot" => snapshot_seeds(),
        "host_call" => crate::host_call_fuzz::seeds(),
        other => panic!("there is no fuzz target {other:?}"),
    }
}

/// A message of each kind.
fn frame_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let text = ValueRef::String("text");
    let context = message::Context { entropy: Some([7; 32]), ..message::Context::default() }.to_bytes();
    let one_of_each = [
        ValueRef::String("name"),
        ValueRef::Bool(true),
        ValueRef::I32(-1),
        ValueRef::U32(1),
        ValueRef::I64(-1),
        ValueRef::U64(1),
        ValueRef::F32(1.5),
        ValueRef::F64(f64::NAN),
        text,
        ValueRef::Bytes(&[0xff; 9]),
    ];
    let mut call = vec![ValueRef::Bytes(&context)];
    call.extend(one_of_each);
    let mut log = vec![0; 200];
    let record = LogRecord { level: message::LogLevel::Warn, target: "t", file: "f", line: 7, message: "m" };
    let len = record.encode(log.as_mut_slice()).unwrap();
    log.truncate(len);
    vec![
        ("call", script::frame(FrameKind::Call, &call)),
        ("host_result", script::frame(FrameKind::HostResult, &[text])),
        ("host_error", script::frame(FrameKind::HostError, &[ValueRef::U64(1), ValueRef::I32(-9), text])),
        ("context", script::frame(FrameKind::Context, &[ValueRef::Bytes(&context)])),
        ("ready", script::ready(&[("a", &[Kind::Void]), ("b", &[Kind::Bytes, Kind::String, Kind::F64])])),
        ("result", script::frame(FrameKind::Result, &[ValueRef::Bytes(b"result")])),
        ("error", script::frame(FrameKind::Error, &[ValueRef::I32(1), text, ValueRef::U64(0)])),
        (
            "error_with_details",
            script::frame(
                FrameKind::Error,
                &[ValueRef::I32(-7), text, ValueRef::U64(1), ValueRef::U32(3), ValueRef::String("{}")],
            ),
        ),
        ("wait", script::frame(FrameKind::Wait, &[ValueRef::U64(1)])),
        ("host_call", script::frame(FrameKind::HostCall, &one_of_each)),
        ("abort", script::frame(FrameKind::Abort, &[ValueRef::U32(1), ValueRef::I32(1), text])),
        ("context_request", script::frame(FrameKind::ContextRequest, &[])),
        ("log", log),
    ]
}

/// The scripted guest, linked in every way, without what is never loaded; and once with it, for its symbols.
fn elf_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let names = ["static_pie", "static", "shared", "packed"];
    let loaded = script::SHAPES.iter().map(|(_, file)| {
        let elf = Elf::new(file);
        let ends = elf.segments(segment::LOAD).into_iter().map(|at| {
            let end = elf.u64(at + segment::OFFSET) + elf.u64(at + segment::FILESZ);
            usize::try_from(end).unwrap()
        });
        file[..ends.max().unwrap()].to_vec()
    });
    names.into_iter().zip(loaded).chain([("symbols", script::SHAPES[2].1.to_owned())]).collect()
}

/// A parked guest as small as one can be.
fn snapshot_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let guest = script::scripted(&[Step::ready(&[("Ask", &[Kind::String, Kind::I32])])]);
    let options = SandboxOptions::new().heap_size(1).stack_size(1).input_size(1).output_size(1);
    let mut sandbox = uninitialized_with(&guest, options).evolve().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parked");
    sandbox.snapshot().unwrap().save(&path).unwrap();
    vec![("parked", fs::read(path).unwrap())]
}
