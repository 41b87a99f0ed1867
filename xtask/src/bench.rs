//! `cargo xtask bench`: felsic, onnxruntime-web and transformers.js in Chromium, in one page.

use crate::checkpoints::Seeded;
use crate::process::{command, run as run_command};
use crate::{
    bench_gpu, bench_index, bench_native, bench_parquet, bench_search, files, packs, project, setup, trained, web,
};
use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Subcommand)]
pub enum Other {
    /// Times felsic's search over vectors beside other ways of searching them and writes target/bench/search/search.json
    Search(bench_search::Options),
    /// Times how soon a page finds something in an index of a folder of documents, over a line
    Index(bench_index::Options),
    /// Times the command line beside onnxruntime, both native, with the 97M shape in 8 bits
    Native(bench_native::Options),
    /// Times the command line on this machine's GPU, by kernel body too, and writes target/bench/gpu.txt
    Gpu(bench_gpu::Options),
    /// Times how long rows of Parquet files take to read, beside pyarrow
    Parquet(bench_parquet::Options),
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// Engines, each with `:THREADS` behind it if not one: felsic-cpu, felsic-plain (without relaxed SIMD),
    /// felsic-webgpu, ort-web, ort-webgpu-f32, ort-webgpu-q8, transformers-js, wllama
    #[arg(long, value_delimiter = ',', default_value = "felsic-cpu,felsic-cpu:2,ort-web,ort-web:2,transformers-js")]
    engines: Vec<String>,
    /// Shapes, each BATCHxTOKENS
    #[arg(long, value_delimiter = ',', default_value = "1x16,1x128,1x512,8x128,32x32,1x2048")]
    shapes: Vec<String>,
    /// Runs of every shape [default: 15 to 7, fewer for the longer ones]
    #[arg(long)]
    runs: Option<u32>,
    /// Fresh starts of every engine; 0: neither starts nor memory, only the times of the shapes
    #[arg(long, default_value_t = 3)]
    starts: u32,
    /// Also the first vector over a line of this many Mbit/s and ms, such as 50,40: with nothing cached, then again
    #[arg(long)]
    line: Option<String>,
    /// A pack or a checkpoint, as for `demo`; the peers run the 97M shape, or all-minilm-l6-v2 if it is that
    #[arg(long, default_value = "granite-97m")]
    model: String,
    /// Only serve the page, with the pack and the peers' model, for a browser of your own
    #[arg(long)]
    serve: bool,
    /// Port on localhost [default: any free one; with --serve 4174]
    #[arg(long)]
    port: Option<u16>,
}

/// Makes the peers' model folder, laid out as on the Hugging Face Hub: an ONNX file of the 97M shape in 8 bits, with
/// the seeded checkpoint's settings and tokenizer.
pub fn peer() -> Result<PathBuf> {
    let folder = project::target("peer/granite-97m");
    let checkpoint = Seeded::named("granite-97m").context("there is no checkpoint granite-97m")?.make()?;
    let [script, skeleton] =
        ["make_peer.py", "granite-97m-q8.skeleton.pb"].map(|name| project::path("tests/peer").join(name));
    if files::is_fresh(&[&folder], &[&script, &skeleton, &checkpoint]) {
        return Ok(folder);
    }
    files::make_folder(&folder, |new| {
        fs::create_dir_all(new.join("onnx"))?;
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
            fs::write(new.join(name), fs::read(checkpoint.join(name))?)?;
        }
        make_onnx(&new.join(QUANTISED), &[])
    })
    .context("cannot make the peers' model")?;
    Ok(folder)
}

/// Makes all-MiniLM-L6-v2 in 8 bits for transformers.js, laid out in the same way.
fn minilm_peer() -> Result<PathBuf> {
    let folder = project::target(&format!("peer/{}", trained::NAME));
    let (checkpoint, script) = (trained::checkpoint()?, project::path("tests/peer/make_minilm.py"));
    if files::is_fresh(&[&folder.join(QUANTISED)], &[&checkpoint, &script]) {
        return Ok(folder);
    }
    files::make_folder(&folder, |new| {
        let mut make = setup::python(&["numpy", "torch", "transformers", "onnx", "onnxruntime"])?.run([&script]);
        run_command(make.arg(&checkpoint).arg(new))
    })
    .context("cannot make the peers' all-MiniLM-L6-v2")?;
    Ok(folder)
}

/// Adds the GGUF file of the 97M shape in Q8_0 to the peers' folder, as llama.cpp's converter writes it.
fn add_gguf(peer: &Path) -> Result<()> {
    let file = peer.join("gguf/q8_0.gguf");
    let script = project::path("tests/reference/make_gguf.py");
    let checkpoint = Seeded::named("granite-97m").context("there is no checkpoint granite-97m")?.make()?;
    if files::is_fresh(&[&file], &[&script, &checkpoint]) {
        return Ok(());
    }
    fs::create_dir_all(peer.join("gguf"))?;
    let mut make = setup::python(&["numpy", "gguf"])?.run([&script]);
    run_command(make.arg(&file).arg("--of").arg(&checkpoint).args(["--pre", "granite-embed-multi-97m"]))
        .context("cannot make the peers' GGUF file")
}

/// The peers' model in 8 bits, in its folder, and the same in f32.
pub const QUANTISED: &str = "onnx/model_quantized.onnx";
const WIDE: &str = "onnx/model.onnx";

fn make_onnx(file: &Path, options: &[&str]) -> Result<()> {
    let mut make = setup::python(&["numpy", "onnx"])?.run([project::path("tests/peer/make_peer.py")]);
    run_command(make.arg(file).args(options))
}

/// Adds the same model in f32 to its folder: 390 MB, which only some engines run.
fn widen(peer: &Path) -> Result<()> {
    let wide = peer.join(WIDE);
    if !files::is_fresh(&[&wide], &[&peer.join(QUANTISED)]) {
        make_onnx(&wide, &["--f32"]).context("cannot make the peers' model in f32")?;
    }
    Ok(())
}

/// Builds, packs, measures, and prints where the report is.
pub fn run(options: &Options) -> Result<()> {
    match &options.other {
        Some(Other::Search(options)) => return bench_search::run(options),
        Some(Other::Index(options)) => return bench_index::run(options),
        Some(Other::Native(options)) => return bench_native::run(options),
        Some(Other::Gpu(options)) => return bench_gpu::run(options),
        Some(Other::Parquet(options)) => return bench_parquet::run(options),
        None => {}
    }
    let pack = packs::find(&options.model)?;
    web::package()?;
    web::bench_page()?;
    let mut bench = command("node", [project::path("www/bench/run.mjs")]);
    bench.arg("--site").arg(project::path("www/dist"));
    bench.arg("--packs").arg(pack.parent().context("a pack lies in a folder")?);
    bench.arg("--pack").arg(pack.file_name().context("a pack has a name")?);
    if options.serve || options.engines.iter().any(|engine| !engine.starts_with("felsic-")) {
        let asks_for = |name: &str| options.engines.iter().any(|engine| engine.starts_with(name));
        let is_minilm = options.model == trained::NAME;
        ensure!(
            !is_minilm || !(asks_for("ort-") || asks_for("wllama")),
            "only transformers-js runs {} beside felsic",
            trained::NAME
        );
        let peer = if is_minilm { minilm_peer()? } else { peer()? };
        if asks_for("wllama") {
            add_gguf(&peer)?;
        }
        if options.engines.iter().any(|engine| engine.ends_with("-f32")) {
            widen(&peer)?;
        }
        bench.arg("--peer").arg(peer);
    }
    if options.serve {
        return run_command(bench.args(["--serve", "--port", &options.port.unwrap_or(4174).to_string()]));
    }
    bench.arg("--chromium").arg(setup::chromium()?);
    bench.arg("--out").arg(project::target("bench"));
    bench.args(["--engines", &options.engines.join(","), "--shapes", &options.shapes.join(",")]);
    bench.args(["--starts", &options.starts.to_string(), "--port", &options.port.unwrap_or(0).to_string()]);
    if let Some(line) = &options.line {
        bench.args(["--line", line]);
    }
    if let Some(runs) = options.runs {
        bench.args(["--runs", &runs.to_string()]);
    }
    run_command(&mut bench)
}

/// Runs a program that prints one JSON line, and returns that.
pub fn line<T: DeserializeOwned>(program: &mut Command) -> Result<T> {
    let output = program.output().context("cannot start a benchmark")?;
    ensure!(output.status.success(), "a benchmark failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("a benchmark printed another line than is read")
}

/// Returns the median of some times.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
