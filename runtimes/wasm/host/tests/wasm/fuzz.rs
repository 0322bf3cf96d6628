//! The body of the compiler's fuzz target: any bytes are compiled or refused, within a second for each megabyte. The
//! target itself, `fuzz/targets/compiler.rs`, is a line around this.

use std::num::NonZeroUsize;
use std::time::Duration;

use libhyperlight_wasm_compiler::{Compiled, Options, precompile};
use sha2::{Digest, Sha256};

/// The time that the smallest input may take, and each megabyte.
const SECOND: Duration = Duration::from_secs(1);

/// Bytes of a saved program that name its maker: magic, maker and features.
const MAKER: usize = 44;

/// Compiles a program, and takes the same bytes for a saved one.
pub fn compiler(input: &[u8]) {
    let most = SECOND.saturating_mul(u32::try_from(input.len() >> 20).unwrap_or(u32::MAX).max(1));
    let options = Options::new().compile_timeout(most / 2).compile_threads(NonZeroUsize::MIN);
    let began = thread_time();
    let outcome = precompile(input, &options);
    let took = thread_time().saturating_sub(began);
    assert!(took <= most, "{took:?} for {} bytes: {:?}", input.len(), outcome.map(|_| ()));
    match outcome {
        Ok(compiled) => {
            let saved = compiled.to_bytes().expect("it is small");
            let again = Compiled::from_bytes(&saved, &options).expect("it was just saved");
            assert_eq!((again.code(), again.description()), (compiled.code(), compiled.description()));
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
    let _ = Compiled::from_bytes(input, &options);
    let _ = Compiled::from_bytes(&as_if_saved(input), &options);
}

/// A saved program of this library's maker, with arbitrary contents.
pub fn as_if_saved(body: &[u8]) -> Vec<u8> {
    let empty = precompile(b"\0asm\x01\0\0\0", &Options::new()).expect("it is a module");
    let mut saved = empty.to_bytes().expect("it is small");
    saved.truncate(MAKER);
    saved.extend_from_slice(body);
    let digest = Sha256::digest(&saved);
    saved.extend_from_slice(&digest);
    saved
}

/// Time of processors that this thread has used.
fn thread_time() -> Duration {
    // SAFETY: the structure is filled in.
    let time = unsafe {
        let mut time = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
        time
    };
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
