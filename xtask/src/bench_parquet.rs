//! `cargo xtask bench parquet`: how long rows of Parquet files take to read, beside pyarrow.

use crate::process::{FEATURES, cargo, run as run_command};
use crate::{bench, project, setup};
use anyhow::{Result, ensure};
use clap::Args;
use serde::Deserialize;

/// What `tests/peer/parquet.py` writes.
const KINDS: [&str; 6] = ["plain", "snappy", "gzip", "dictionary", "delta-lengths", "delta-texts"];
/// Timed runs of a program in a round.
const RUNS: &str = "3";

#[derive(Args)]
pub struct Options {
    /// Rows of each file
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// Rounds, in each of which both read every file in turn
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// A line that both programs print for a file.
#[derive(Deserialize)]
struct Read {
    rows: u64,
    bytes: u64,
    median_ms: f64,
}

/// Makes the files, measures, and prints a table.
pub fn run(options: &Options) -> Result<()> {
    let python = setup::python(&["pyarrow"])?;
    let peer = project::path("tests/peer/parquet.py");
    let folder = project::target("bench/parquet");
    let mut write = python.run([peer.as_os_str(), "write".as_ref(), folder.as_os_str()]);
    run_command(write.arg(options.rows.to_string()))?;
    let bench = ["bench", "--quiet", "-p", "felsic", "--bench", "parquet"];
    run_command(cargo(bench).args(FEATURES).arg("--no-run"))?;
    println!("{} rows, medians of {} rounds, ms, one thread each.", options.rows, options.rounds);
    println!("{:>14} {:>10} {:>10} {:>6}", "", "felsic", "pyarrow", "ratio");
    for kind in KINDS {
        let file = folder.join(format!("{kind}.parquet"));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds.max(1) {
            let our: Read = bench::line(cargo(bench).args(FEATURES).args(["--", RUNS]).arg(&file))?;
            let mut other = python.run([peer.as_os_str(), "read".as_ref(), RUNS.as_ref(), file.as_os_str()]);
            let their: Read = bench::line(&mut other)?;
            ensure!(our.rows == their.rows && our.bytes == their.bytes, "{kind}: the two have read different texts");
            ours.push(our.median_ms);
            theirs.push(their.median_ms);
        }
        let (ours, theirs) = (bench::median(ours), bench::median(theirs));
        println!("{kind:>14} {ours:>10.1} {theirs:>10.1} {:>6.2}", theirs / ours);
    }
    Ok(())
}
