//! cargo-deny over all crates that felsic is built with, by `deny.toml`.

use crate::process::{cargo, command, find, run, succeeds};
use crate::project;
use anyhow::Result;
use std::env;
use std::path::PathBuf;

/// Checks licences and sources, and advisories where their database can be fetched: a machine without that network says so.
pub fn check() -> Result<()> {
    let deny = installed()?;
    let deny = |args: &[&str]| command(&deny, [&["--workspace", "--all-features"], args].concat());
    run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    if succeeds(&mut deny(&["fetch", "db"])) {
        return run(&mut deny(&["check", "advisories"]));
    }
    println!("NOT CHECKED: advisories, since the database at github.com/RustSec/advisory-db cannot be fetched here");
    Ok(())
}

/// The machine's cargo-deny, or one that is built once into `target/tools`.
fn installed() -> Result<PathBuf> {
    let tools = project::target("tools");
    let own = tools.join(format!("bin/cargo-deny{}", env::consts::EXE_SUFFIX));
    if let Some(found) = find(&["cargo-deny"]).or_else(|| own.is_file().then(|| own.clone())) {
        return Ok(found);
    }
    println!("cargo-deny is not there; building it, which takes some minutes.");
    // Unoptimised: it builds in half the time, and runs for a second.
    run(cargo(["install", "cargo-deny", "--locked", "--debug", "--root"]).arg(&tools))?;
    Ok(own)
}
