//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Returns a path inside the repository.
pub fn path(inside: &str) -> PathBuf {
    root().join(inside)
}

/// Returns a path inside cargo's output folder, `target/`, where these commands put their own output too.
pub fn target(inside: &str) -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| path("target"), |folder| root().join(folder));
    folder.join(inside)
}

/// Returns whether this is a CI machine, where whatever cannot be tested is a failure.
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}
