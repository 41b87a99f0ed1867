//! `cargo xtask extension`: the browser extension, as folders that browsers load and as zips for their stores.

use crate::process::{FILE_LIMIT, command, run};
use crate::{files, project, setup, web};
use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;

/// The folders and zips of both browsers.
const BROWSERS: [&str; 2] = ["chromium", "firefox"];

/// Builds the extension with everything that it contains, and its zips a second time: the same sources give the same bytes.
pub fn run_all() -> Result<()> {
    web::package()?;
    build()?;
    let zips = || BROWSERS.map(|browser| files::sha256(&project::target(&format!("extension/{browser}.zip"))));
    let first = zips();
    build()?;
    for (browser, (first, second)) in BROWSERS.iter().zip(first.into_iter().zip(zips())) {
        let (first, second) = (first?, second?);
        ensure!(first == second, "{browser}.zip differs from build to build: {first}, {second}");
        println!("target/extension/{browser}.zip: sha256 {first}");
    }
    Ok(())
}

/// Builds the extension. The package must be built.
pub fn build() -> Result<()> {
    run(&mut command("npm", ["run", "--silent", "build", "--workspace", "extension"]))
}

/// Runs the extension's tests in the browsers. The package must be built.
pub fn test(chromium: &Path, firefox: Option<&Path>) -> Result<()> {
    build()?;
    let mut tests = command("node", ["--test", "--test-concurrency=2", FILE_LIMIT, "tests/extension"]);
    tests.env("CHROMIUM_PATH", chromium);
    if let Some(firefox) = firefox {
        tests.env("FIREFOX_PATH", firefox);
    }
    run(&mut tests)
}

/// Has Mozilla's linter look at what Firefox's store gets. It has hundreds of dependencies, which are installed for this alone.
pub fn lint() -> Result<()> {
    build()?;
    let folder = project::target("extension-lint");
    fs::create_dir_all(&folder)?;
    for (from, name) in
        [("tests/extension/lint", "package.json"), ("tests/extension/lint", "package-lock.json"), ("", ".npmrc")]
    {
        let bytes = fs::read(project::path(from).join(name))?;
        // A file that is older than what is installed would have everything installed again.
        if fs::read(folder.join(name)).ok().as_ref() != Some(&bytes) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    setup::npm_packages(&folder)?;
    let mut linter = command("npx", ["--no-install", "web-ext", "lint", "--no-config-discovery", "--source-dir"]);
    run(linter.arg(project::target("extension/firefox")).current_dir(&folder))
}
