//! `cargo xtask bench search`: felsic's search over vectors beside other ways of searching them, in Chromium.

use crate::process::{command, run as run_command};
use crate::{project, setup, wasm};
use anyhow::Result;
use clap::Args;

/// The numbers of rows without and with `--full`.
const ROWS: &str = "10000,100000";
const MOST_ROWS: &str = "1000000";

#[derive(Args)]
pub struct Options {
    /// Engines: loop (a plain loop, exact; the others' results are compared with its), felsic, felsic-sweep (rows in a file
    /// of the origin private file system), orama, sqlite-vec, pgvector, pgvector-hnsw, hnswlib, edgevec
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "loop,felsic,felsic-sweep,orama,sqlite-vec,pgvector,pgvector-hnsw,hnswlib,edgevec"
    )]
    engines: Vec<String>,
    /// Numbers of rows
    #[arg(long, value_delimiter = ',', default_value = ROWS)]
    rows: Vec<u32>,
    /// Components of a vector
    #[arg(long, default_value_t = 384)]
    dimensions: u32,
    /// Seconds that an engine may take to be filled
    #[arg(long, default_value_t = 300)]
    limit: u32,
    /// Then also a million rows, for the loop and felsic
    #[arg(long)]
    full: bool,
}

/// Builds search's binary, measures, and prints where the report is.
pub fn run(options: &Options) -> Result<()> {
    wasm::build("search")?;
    setup::npm_packages(project::root())?;
    setup::npm_packages(&project::path("www/bench/search"))?;
    let chromium = setup::chromium()?;
    let rows = options.rows.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let measure = |engines: &str, rows: &str, out: &str| {
        let mut bench = command("node", [project::path("www/bench/search/run.mjs")]);
        bench.arg("--chromium").arg(&chromium).arg("--felsic").arg(project::path("pkg/dist"));
        bench.arg("--out").arg(project::target(out)).args(["--engines", engines, "--rows", rows]);
        bench.args(["--dimensions", &options.dimensions.to_string(), "--limit", &options.limit.to_string()]);
        run_command(&mut bench)
    };
    measure(&options.engines.join(","), &rows, "bench/search")?;
    if options.full {
        measure("loop,felsic,felsic-sweep", MOST_ROWS, "bench/search-full")?;
    }
    Ok(())
}
