//! What a Rust program does with time and when it fails.

use std::io::Write;
use std::time::{Duration, Instant};

#[no_mangle]
pub extern "C" fn sleep(milliseconds: u64) -> u64 {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(milliseconds));
    std::thread::yield_now();
    println!("slept");
    start.elapsed().as_micros() as u64
}

#[no_mangle]
pub extern "C" fn fail(number: u32) -> u32 {
    print!("before it fails");
    std::io::stdout().flush().unwrap();
    if number > 0 {
        panic!("my own panic, number {number}");
    }
    number
}
