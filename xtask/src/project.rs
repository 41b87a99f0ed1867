//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The repository. Cargo says where it is when it runs this: a checkout that was moved or copied with its `target` is not built
/// anew, and what was true when this was compiled would be the other one.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask lies in the repository").to_path_buf()
});

/// Returns the repository.
pub fn root() -> &'static Path {
    &ROOT
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
