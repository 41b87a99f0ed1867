//! The npm package, the page, the benchmark page.

use crate::process::{command, run};
use crate::{notices, project, setup, wasm};
use anyhow::Result;
use std::path::Path;

/// The npm package with its wasm binaries: in `pkg/dist`, packed in `target/npm-package`, unpacked in `target/package`,
/// where the page and the tests take it from.
pub fn package() -> Result<()> {
    wasm::build()?;
    notices::write()?;
    setup::npm_packages(project::root())?;
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "pkg"]))
}

/// The private-search page, in `www/dist`.
pub fn page() -> Result<()> {
    package()?;
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "www"]))
}

/// Checks the types of everything that is written in TypeScript. The package must be built.
pub fn types() -> Result<()> {
    run(&mut command("npm", ["run", "--silent", "check"]))
}

/// Installs the packed package as a person would, and checks its types and files there. The package must be built.
pub fn installed() -> Result<()> {
    run(&mut command("npm", ["test", "--silent", "--workspace", "tests/package"]))
}

/// Builds the examples from the packed package with the bundlers that people use, and runs them in the browser. The package must
/// be built.
pub fn consumers(chromium: &Path) -> Result<()> {
    run(command("npm", ["run", "--silent", "consumers"]).env("CHROMIUM_PATH", chromium))
}

/// The benchmark page, in `www/dist/bench`, its types checked first. The package must be built.
pub fn bench_page() -> Result<()> {
    let folder = project::path("www/bench");
    setup::npm_packages(&folder)?;
    run(command("npm", ["run", "--silent", "check"]).current_dir(&folder))?;
    run(command("npm", ["run", "--silent", "build"]).current_dir(&folder))
}
