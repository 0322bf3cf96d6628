//! Guests that do what they may not.

mod exhaustion;
mod faults;
mod frames;
mod misuse;
mod privileged;
mod registers;
mod start;
