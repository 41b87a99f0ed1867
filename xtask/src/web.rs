//! The npm package, the page, the benchmark page.

use crate::process::{FEATURES, FILE_LIMIT, cargo, command, run};
use crate::{notices, project, setup, wasm};
use anyhow::Result;
use std::path::Path;

/// Makes the npm package with its wasm binaries: in `pkg/dist`, packed in `target/npm-package`, unpacked in
/// `target/package`, where the page and the tests take it from.
pub fn package() -> Result<()> {
    wasm::build("")?;
    notices::write()?;
    scripts()
}

/// Makes the npm package with the wasm binaries that are already there.
pub fn scripts() -> Result<()> {
    setup::npm_packages(project::root())?;
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "pkg"]))
}

/// Makes the private-search page, in `www/dist`.
pub fn page() -> Result<()> {
    package()?;
    // Its benchmark has transformers.js from there.
    setup::npm_packages(&project::path("www/bench"))?;
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "www"]))
}

/// Checks the types of everything that is written in TypeScript. The package must be built.
pub fn types() -> Result<()> {
    run(&mut command("npm", ["run", "--silent", "check"]))
}

/// Makes the API reference: of the crate in `target/doc`, of the npm package in `target/doc/js`. A broken link or a
/// public item without documentation is an error. The documents become a site that can be searched, in `target/doc/site`.
/// The package must be built.
pub fn docs() -> Result<()> {
    // The whole workspace, as for the lints: what has been checked for them then does for this, too.
    let mut rust = cargo(["doc", "--release", "--no-deps", "--workspace"]);
    run(rust.args(FEATURES).env("RUSTDOCFLAGS", "-D warnings"))?;
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "docs/api"]))?;
    documents()
}

/// Makes a site of the documents that can be searched, in `target/doc/site`. The package must be built.
pub fn documents() -> Result<()> {
    run(&mut command("node", ["docs/site/make.mjs"]))?;
    let site = project::target("doc/site");
    let mut index = cargo(["run", "--release", "--quiet", "--package", "felsic", "--bin", "felsic"]);
    run(index.args(FEATURES).args(["--", "index"]).arg(&site).arg(site.join("index")))
}

/// Installs the packed package as a user would, and checks its types and files there. The package must be built.
pub fn installed() -> Result<()> {
    run(&mut command("npm", ["test", "--silent", "--workspace", "tests/package", "--", FILE_LIMIT]))
}

/// Builds the examples from the packed package with the bundlers that people use, and runs them in the browser. The package must
/// be built.
pub fn consumers(chromium: &Path) -> Result<()> {
    run(command("npm", ["run", "--silent", "consumers"]).env("CHROMIUM_PATH", chromium))
}

/// Checks the adapters against the libraries that they adapt to, and calls them in the browser. The package must be built.
pub fn adapters(chromium: &Path) -> Result<()> {
    run(command("npm", ["run", "--silent", "adapters"]).env("CHROMIUM_PATH", chromium))
}

/// Makes the benchmark page, in `www/dist/bench`, its types checked first. The package must be built.
pub fn bench_page() -> Result<()> {
    let folder = project::path("www/bench");
    setup::npm_packages(&folder)?;
    run(command("npm", ["run", "--silent", "check"]).current_dir(&folder))?;
    run(command("npm", ["run", "--silent", "build"]).current_dir(&folder))
}
