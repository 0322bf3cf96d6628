//! Guests that do forbidden things.

mod exhaustion;
mod faults;
mod frames;
mod misuse;
mod privileged;
mod registers;
mod start;
