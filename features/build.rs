//! Nothing to do. Without a build script, cargo would not look at `build-dependencies`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
