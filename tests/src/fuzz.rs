//! What the fuzz targets do with one input, and what must be true of it then. The targets themselves, in `fuzz/`, and the
//! tests that replay the corpora are a few lines around these.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use hyperlight::{ErrorCode, Guest, Kind, SandboxOptions, Snapshot};
use hyperlight_abi::message::{self, LogRecord};
use hyperlight_abi::{Frame, FrameKind, ToGuest, ToHost, ValueRef};
use sha2::{Digest, Sha256};

use crate::elf::{Elf, segment};
pub use crate::host_call_fuzz::HostCalls;
use crate::script::{self, Step};
use crate::uninitialized_with;

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

/// Any bytes are a message or a refusal, and a message that is encoded again is the same bytes.
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

fn assert_encodes_to(bytes: &[u8], kind: FrameKind, items: &[ValueRef<'_>]) {
    let mut again = vec![0; bytes.len()];
    let len = message::encode(again.as_mut_slice(), kind, &[], items).expect("it came from as many bytes");
    assert_eq!(&again[..len], bytes);
    assert!(Frame::decode(&again).is_ok());
}

/// Any file is loaded as a guest, or refused.
pub fn elf(file: &[u8]) {
    if let Err(error) = Guest::from_bytes(file) {
        assert_eq!(error.code(), ErrorCode::GuestBinary);
        assert!(!error.message().contains('\n'));
    }
}

/// Any file is loaded as a snapshot, or refused. Its checksum is mended, so that what is behind it is reached.
pub fn snapshot(file: &[u8]) {
    let Some((content, _)) = file.split_last_chunk::<32>() else {
        return;
    };
    let signed = [content, &Sha256::digest(content)].concat();
    let memory = tempfile::tempfile_in("/dev/shm").expect("a file in memory");
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    fs::write(&path, signed).expect("it can be written");
    if let Err(error) = Snapshot::load(&path) {
        assert_eq!(error.code(), ErrorCode::SnapshotFile, "{error}");
        assert!(!error.message().contains('\n'));
    }
}

/// What a target is fuzzed from, each under a name.
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
        ("host_call", script::frame(FrameKind::HostCall, &one_of_each)),
        ("abort", script::frame(FrameKind::Abort, &[ValueRef::U32(1), ValueRef::I32(1), text])),
        ("context_request", script::frame(FrameKind::ContextRequest, &[])),
        ("log", log),
    ]
}

/// The scripted guest, linked in every way, without what is never loaded.
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
    names.into_iter().zip(loaded).collect()
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
