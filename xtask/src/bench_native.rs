//! `cargo xtask bench native`: the command line beside onnxruntime, both as native programs.

use crate::process::command;
use crate::{bench, packs, project, setup};
use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;

#[derive(Args)]
pub struct Options {
    /// Shapes, each BATCHxTOKENS
    #[arg(long, value_delimiter = ',', default_value = "1x16,1x128,8x128,1x512,1x2048")]
    shapes: Vec<String>,
    /// Threads of each engine
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Rounds, in each of which both engines run every shape in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Timed runs of a shape in a round, after one to warm up
    #[arg(long, default_value_t = 7)]
    runs: usize,
}

/// Medians of a shape in one round, in ms.
#[derive(Clone, Copy, Deserialize)]
struct Times {
    /// By the clock.
    #[serde(rename = "median_ms")]
    passed: f64,
    /// Of the processors, which other programs hardly change.
    #[serde(rename = "processor_ms")]
    worked: f64,
}

/// Measures and prints a table.
pub fn run(options: &Options) -> Result<()> {
    let pack = packs::find("granite-97m")?;
    let felsic = setup::felsic()?;
    let model = bench::peer()?.join(bench::QUANTISED);
    let python = setup::python(&["numpy", "onnx", "onnxruntime"])?;
    let runs = options.runs.to_string();
    let threads = options.threads.to_string();
    println!("The 97M shape in 8 bits, {threads} thread(s); medians of {} rounds, ms.", options.rounds);
    println!(
        "{:>8} {:>10} {:>10} {:>6} {:>18} {:>18} {:>6}",
        "shape", "felsic", "onnx", "ratio", "felsic, processor", "onnx, processor", "ratio"
    );
    for shape in &options.shapes {
        let (batch, tokens) = shape.split_once('x').with_context(|| format!("{shape} is no BATCHxTOKENS"))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let mut bench =
                command(&felsic, ["bench", "--json", "--batch", batch, "--tokens", tokens, "--runs", &runs]);
            ours.push(bench::line(bench.args(["--threads", &threads, "--model"]).arg(&pack))?);
            let mut peer = python.run([project::path("tests/peer/time_native.py")]);
            theirs.push(bench::line(peer.arg(&model).args([&threads, &runs, shape]))?);
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        println!(
            "{shape:>8} {:>10.1} {:>10.1} {:>6.2} {:>18.1} {:>18.1} {:>6.2}",
            ours.passed,
            theirs.passed,
            theirs.passed / ours.passed,
            ours.worked,
            theirs.worked,
            theirs.worked / ours.worked
        );
    }
    Ok(())
}

/// Returns the medians of rounds.
fn median(rounds: &[Times]) -> Times {
    let of = |time: fn(&Times) -> f64| bench::median(rounds.iter().map(time).collect());
    Times { passed: of(|times| times.passed), worked: of(|times| times.worked) }
}
