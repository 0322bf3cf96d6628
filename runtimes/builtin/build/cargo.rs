//! A cargo inside of a build, for build scripts.

use std::env;
use std::process::Command;

/// Prefixes of environment variables for the outer cargo and for C code of its target. With them, a wheel that zig
/// links would have guests compiled by zig, with the wrong flags. `CC` is for all.
const OUTER: [&str; 14] = [
    "AR_",
    "CC_",
    "CFLAGS_",
    "CXXFLAGS_",
    "CXX_",
    "RANLIB_",
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_UNSTABLE_",
];

/// Makes a cargo command without the settings of the outer one.
pub fn inner() -> Result<Command, env::VarError> {
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_outer = OUTER.iter().any(|prefix| text.starts_with(prefix));
        if is_outer || matches!(&*text, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER") {
            cargo.env_remove(&name);
        }
    }
    Ok(cargo)
}
