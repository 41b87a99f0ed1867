//! `cargo xtask bench`: felsic and onnxruntime-web in Chromium, in one page.

use crate::process::{command, run as run_command};
use crate::{files, packs, project, setup, web};
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// Engines, each with `:THREADS` behind it if not one: felsic-cpu, felsic-webgpu, ort-web
    #[arg(long, value_delimiter = ',', default_value = "felsic-cpu,ort-web,ort-web:2")]
    engines: Vec<String>,
    /// Shapes, each BATCHxTOKENS
    #[arg(long, value_delimiter = ',', default_value = "1x16,1x128,1x512,8x128,32x32,1x2048")]
    shapes: Vec<String>,
    /// Runs of every shape [default: 15 to 5, fewer for the longer ones]
    #[arg(long)]
    runs: Option<u32>,
    /// Fresh starts of every engine
    #[arg(long, default_value_t = 3)]
    starts: u32,
    /// A pack or a checkpoint, as for `demo`
    #[arg(long, default_value = "granite-97m")]
    model: String,
    /// Only serve the page, with the pack and the peer, for a browser of your own
    #[arg(long)]
    serve: bool,
    /// Port on localhost [default: any free one; with --serve 4174]
    #[arg(long)]
    port: Option<u16>,
}

/// The ONNX file for onnxruntime-web, of the 97M shape in 8 bits.
fn peer() -> Result<PathBuf> {
    let out = project::target("peer/granite-97m-q8.onnx");
    let sources = project::path("tests/peer");
    if !files::is_fresh(&[&out], &[&sources]) {
        std::fs::create_dir_all(project::target("peer"))?;
        let mut make = setup::python(&["numpy", "onnx"])?.run([sources.join("make_peer.py")]);
        run_command(make.arg(&out)).context("cannot make the ONNX file for onnxruntime-web")?;
    }
    Ok(out)
}

/// Builds, packs, measures, and prints where the report is.
pub fn run(options: &Options) -> Result<()> {
    let pack = packs::find(&options.model)?;
    web::package()?;
    web::bench_page()?;
    let mut bench = command("node", [project::path("www/bench/run.mjs")]);
    bench.arg("--site").arg(project::path("www/dist"));
    bench.arg("--packs").arg(pack.parent().context("a pack lies in a folder")?);
    bench.arg("--pack").arg(pack.file_name().context("a pack has a name")?);
    if options.serve || options.engines.iter().any(|engine| engine.starts_with("ort-web")) {
        bench.arg("--peer").arg(peer()?);
        bench.arg("--tokenizer").arg(project::target("checkpoints/tokenizer-a/tokenizer.json"));
    }
    if options.serve {
        return run_command(bench.args(["--serve", "--port", &options.port.unwrap_or(4174).to_string()]));
    }
    bench.arg("--chromium").arg(setup::chromium()?);
    bench.arg("--out").arg(project::target("bench"));
    bench.args(["--engines", &options.engines.join(","), "--shapes", &options.shapes.join(",")]);
    bench.args(["--starts", &options.starts.to_string(), "--port", &options.port.unwrap_or(0).to_string()]);
    if let Some(runs) = options.runs {
        bench.args(["--runs", &runs.to_string()]);
    }
    run_command(&mut bench)
}
