//! `make bench`: every metric of the engine beside the raw hypervisor's, measured alternately in one run.
//!
//! Only ratios count; absolute times depend on the machine and its other load. With `--smoke` a few rounds of each show
//! that everything runs.
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

mod bindings;
mod cold;
mod live;
mod memory;
mod plot;
#[cfg(feature = "runtimes")]
mod programs;
mod raw;
mod runtimes;
#[cfg(feature = "runtimes")]
mod scripts;
mod snapshots;
mod stats;
mod table;
mod warm;
mod wire;

use std::fs;
use std::path::Path;

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "--smoke").is_some() {
        stats::smoke();
    }
    if let Some(part) = arguments.next() {
        // Some rows run parts of themselves in processes of their own.
        return match arguments.next() {
            Some(count) => live::run_part(&part, count.parse().unwrap()),
            None => cold::run_part(&part),
        };
    }
    // Cold first: no virtual machine may be alive in this process then.
    let mut rows = cold::rows();
    let live = live::points();
    let restores = snapshots::restores();
    rows.extend(warm::rows());
    rows.extend(snapshots::rows(&restores));
    let (row, amount) = live::results(&live);
    rows.push(row);
    rows.extend(runtimes::rows());
    #[cfg(feature = "runtimes")]
    {
        rows.extend(scripts::rows());
        rows.extend(programs::rows());
    }
    rows.extend(wire::rows());
    let overheads = bindings::rows();

    let mut markdown = table::markdown(&rows) + "\n" + &table::amount_markdown(&amount);
    if !overheads.is_empty() {
        markdown += "\n";
        markdown += &table::overheads_markdown(&overheads);
    }
    println!("{markdown}");
    fs::create_dir_all("target/bench").unwrap();
    fs::write("target/bench/table.md", &markdown).unwrap();
    fs::write("target/bench/table.json", format!("{:#}\n", table::json(&rows, &amount, &overheads))).unwrap();
    plot::write(Path::new("target/bench"), &restores, &live).unwrap();
    println!("R: one raw exit, C: one raw virtual machine");
    println!("also in target/bench: table.md, table.json, restore.svg, live-time.svg, live-memory.svg");
}
