//! `cargo xtask bench gpu`: the command line on this machine's GPU.

use crate::process::command;
use crate::{packs, project, setup};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::fs;

/// The documents of 512 tokens a second on an H100 that the card of the 97M model states.
const CARD: &str = "The model card states 2,894 documents of 512 tokens a second for an H100.";

#[derive(Args)]
pub struct Options {
    /// Shapes, each BATCHxTOKENS
    #[arg(long, value_delimiter = ',', default_value = "1x16,1x128,8x128,32x512")]
    shapes: Vec<String>,
    /// Timed runs of a shape, after one to warm up
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// A pack or a checkpoint, as for `demo`
    #[arg(long, default_value = "granite-97m")]
    model: String,
    /// The GPU's f32 peak in TFLOP/s, as its maker states it: adds the share of it
    #[arg(long)]
    peak_tflops: Option<f64>,
    /// The GPU's f16 peak in TFLOP/s
    #[arg(long)]
    peak_f16_tflops: Option<f64>,
}

/// Measures with both kinds of activations, prints the tables and writes them.
pub fn run(options: &Options) -> Result<()> {
    let pack = packs::find(&options.model)?;
    let felsic = setup::felsic()?;
    let runs = options.runs.to_string();
    let peaks = [("--peak-tflops", options.peak_tflops), ("--peak-f16-tflops", options.peak_f16_tflops)];
    let mut report = String::new();
    for activations in ["f32", "bytes"] {
        for shape in &options.shapes {
            let (batch, tokens) = shape.split_once('x').with_context(|| format!("{shape} is no BATCHxTOKENS"))?;
            let mut bench = command(&felsic, ["bench", "--device", "gpu", "--profile", "--activations", activations]);
            bench.args(["--batch", batch, "--tokens", tokens, "--runs", &runs, "--model"]).arg(&pack);
            for (option, peak) in peaks {
                bench.args(peak.map(|peak| format!("{option}={peak}")));
            }
            let output = bench.output().context("cannot start the benchmark")?;
            ensure!(output.status.success(), "{shape} failed: {}", String::from_utf8_lossy(&output.stderr));
            let text = format!("Activations: {activations}\n{}\n", String::from_utf8_lossy(&output.stdout));
            print!("{text}");
            report += &text;
        }
    }
    println!("{CARD}");
    let file = project::target("bench/gpu.txt");
    fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
    fs::write(&file, report + CARD + "\n")?;
    println!("The same is in {}.", file.display());
    Ok(())
}
