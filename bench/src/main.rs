//! `make bench`: every metric of the engine beside the raw hypervisor's, measured alternately in one run.
//!
//! A ratio is what counts; absolute times depend on the machine and on who else uses it.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program: it prints its result and stops at what it did not expect"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures and constants of a measurement"
)]

mod cold;
mod python;
mod raw;
mod snapshots;
mod stats;
mod table;
mod warm;
mod wire;

use std::fs;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(part) = arguments.next() {
        // The cold rows run parts of themselves in processes of their own.
        return cold::run_part(&part);
    }
    // Cold first: no virtual machine may be alive in this process then.
    let mut rows = cold::rows();
    rows.extend(warm::rows());
    rows.extend(snapshots::rows());
    rows.extend(wire::rows());
    let overheads = python::rows();

    let mut markdown = table::markdown(&rows);
    if !overheads.is_empty() {
        markdown += "\n";
        markdown += &table::overheads_markdown(&overheads);
    }
    println!("{markdown}");
    fs::create_dir_all("target/bench").unwrap();
    fs::write("target/bench/table.md", &markdown).unwrap();
    fs::write("target/bench/table.json", format!("{:#}\n", table::json(&rows, &overheads))).unwrap();
    println!("also in target/bench/table.md and table.json; R: one raw exit, C: one raw virtual machine");
}
