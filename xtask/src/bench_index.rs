//! `cargo xtask bench index`: how soon a page finds something in an index, over a line.

use crate::process::{command, run as run_command};
use crate::{project, setup, web};
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// A folder of built HTML or Markdown, or an index that `felsic index` has made
    folder: PathBuf,
    /// The line, in Mbit/s and ms
    #[arg(long, default_value = "50,40")]
    line: String,
    /// What is searched
    #[arg(long)]
    query: Option<String>,
    /// Runs, each a first and a second visit
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

/// Makes the index unless there is one, measures, and prints a table.
pub fn run(options: &Options) -> Result<()> {
    ensure!(options.folder.is_dir(), "{} is no folder", options.folder.display());
    web::package()?;
    let index = if options.folder.join("index.json").is_file() {
        options.folder.clone()
    } else {
        let made = project::target("bench/index");
        run_command(command(setup::felsic()?, ["index"]).arg(&options.folder).arg(&made).arg("--update"))?;
        made
    };
    let mut bench = command("node", [project::path("www/bench/search/first.mjs")]);
    bench.arg("--chromium").arg(setup::chromium()?).arg("--index").arg(index);
    bench.arg("--felsic").arg(project::target("package/dist")).arg("--out").arg(project::target("bench"));
    bench.args(["--line", &options.line, "--runs", &options.runs.to_string()]);
    if let Some(query) = &options.query {
        bench.args(["--query", query]);
    }
    run_command(&mut bench)
}
