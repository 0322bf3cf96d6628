//! Test that the programs of the workspace ask for the same features of third-party crates, so that one build of each
//! serves all: see the crate `libhyperlight-features`.

use std::collections::BTreeSet;
use std::process::Command;

/// The packages that are built alone.
const ALONE: [&str; 4] =
    ["libhyperlight-capi", "libhyperlight-node", "libhyperlight-python", "libhyperlight-tests"];

#[test]
fn a_program_that_is_built_alone_has_the_features_of_the_workspace() {
    let of_tests = features(&["--workspace", "--edges", "normal,build,dev"]);
    let of_workspace = features(&["--workspace", "--edges", "normal,build"]);
    let missing: Vec<_> = of_workspace.difference(&of_tests).collect();
    assert!(missing.is_empty(), "add to features/Cargo.toml what tests ask for, beyond {missing:#?}");
    // Without a name, those that a plain `cargo build` selects.
    for selection in ALONE.iter().map(|package| vec!["--package", *package]).chain([vec![]]) {
        let found = features(&[&selection[..], &["--edges", "normal,build"]].concat());
        let missing: Vec<_> = found.difference(&of_workspace).collect();
        assert!(
            missing.is_empty(),
            "add to features/Cargo.toml what others ask for, beyond {missing:#?} of {selection:?}"
        );
    }
}

/// Lists the third-party crates of some packages, each with its features. Crates of the workspace are left out: the
/// built-in guests are chosen by each program.
fn features(selection: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--locked", "--prefix", "none", "--no-dedupe", "--format", "{p} [{f}]"]);
    cargo.args(["--target", "x86_64-unknown-linux-gnu"]).args(selection);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crates = String::from_utf8(output.stdout).unwrap();
    crates.lines().filter(|line| !line.contains("(/")).map(str::to_owned).collect()
}
