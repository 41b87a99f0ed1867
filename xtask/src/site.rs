//! `cargo xtask site`: everything that is published, as static files in `target/site`.

use crate::process::{command, run as run_command};
use crate::web;
use anyhow::Result;

/// Builds the page, the benchmark page and the documents, and puts them together for a host such as GitHub Pages: it needs to send no
/// headers, and the files work in any folder. The script that does it also checks that no reference leads to the host's root.
pub fn run() -> Result<()> {
    web::page()?;
    web::documents()?;
    run_command(&mut command("node", ["www/site.mjs"]))
}
