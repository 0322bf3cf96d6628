//! A library in Rust, with its standard library, for hosts in other languages: texts are passed through its memory.
//!
//!   rustup target add wasm32-unknown-unknown
//!   rustc --edition=2021 --target=wasm32-unknown-unknown --crate-type=cdylib -Copt-level=s -Cstrip=symbols words.rs

use std::collections::BTreeSet;
use std::slice;

/// Returns memory for a text of that many bytes from the host. It stays until `index` takes it.
#[no_mangle]
pub extern "C" fn room(len: usize) -> *mut u8 {
    Box::leak(vec![0; len].into_boxed_slice()).as_mut_ptr()
}

/// The words of a text in the order of their bytes, each once: the address of that text, and above it its length.
///
/// # Safety
///
/// `text` came from `room(len)` and was not taken yet.
#[no_mangle]
pub unsafe extern "C" fn index(text: *mut u8, len: usize) -> u64 {
    let text = Box::from_raw(slice::from_raw_parts_mut(text, len));
    let text = String::from_utf8_lossy(&text);
    let words: BTreeSet<&str> = text.split_whitespace().collect();
    let index = words.into_iter().collect::<Vec<_>>().join(" ").into_bytes().leak();
    (index.len() as u64) << 32 | index.as_ptr() as u64
}
