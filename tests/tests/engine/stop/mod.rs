//! Timeouts, limits of processor time and interrupts, and the signals and threads behind them.

mod accounting;
mod cpu_time;
mod evolve;
mod from_anywhere;
mod hook_interval;
mod interrupt;
mod leaves_signals;
mod own_signals;
mod signal_choice;
mod signal_hook;
mod storms;
mod threads;
mod timeout;
