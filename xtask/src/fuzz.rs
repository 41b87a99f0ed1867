//! Fuzz targets, and the attack on the command line: on stable Rust with seeded inputs, or under libFuzzer, which needs nightly Rust.

use crate::process::{FEATURES, cargo, command, find, run};
use crate::{files, project, setup};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::env;
use std::fs;
use std::process::ExitStatus;

#[derive(Args)]
pub struct Options {
    /// Targets [default: all]; libFuzzer runs one
    targets: Vec<String>,
    /// Inputs that each target gets
    #[arg(long, default_value_t = 100_000)]
    executions: u64,
    #[command(flatten)]
    cases: Cases,
    /// Runs this file instead of cases
    #[arg(long)]
    file: Option<String>,
    /// Has libFuzzer look for inputs that reach new code; takes nightly Rust and cargo-fuzz
    #[arg(long)]
    libfuzzer: bool,
}

#[derive(Args)]
pub struct Attack {
    /// Kinds of files [default: all]
    kinds: Vec<String>,
    /// Cases of each kind
    #[arg(long, default_value_t = 1000)]
    cases: u64,
    #[command(flatten)]
    which: Cases,
}

/// What both programs are told of the cases to run.
#[derive(Args)]
struct Cases {
    /// Most seconds for each
    #[arg(long)]
    seconds: Option<u64>,
    /// What the cases depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first case, to go on where an earlier run ended
    #[arg(long)]
    from: Option<u64>,
    /// Runs this case of the seed alone; an attack leaves its files
    #[arg(long, conflicts_with = "from")]
    case: Option<u64>,
}

impl Cases {
    /// Returns them as arguments.
    fn arguments(&self) -> impl Iterator<Item = String> {
        let numbers =
            [("--seed", Some(self.seed)), ("--seconds", self.seconds), ("--from", self.from), ("--case", self.case)];
        numbers.into_iter().filter_map(|(name, number)| Some(format!("{name}={}", number?)))
    }
}

/// Runs the command line on files that are changed at random; what is found is an error.
pub fn attack(options: &Attack) -> Result<()> {
    let felsic = setup::felsic()?;
    run(cargo(["build", "--release", "--package", "felsic-fuzz", "--bin", "felsic-attack"]).args(FEATURES))?;
    let program = project::target(&format!("release/felsic-attack{}", env::consts::EXE_SUFFIX));
    let mut attack = command(program, &options.kinds);
    attack.arg("--felsic").arg(felsic);
    attack.args(["--cases", &options.cases.to_string()]).args(options.which.arguments());
    attack.args(options.which.case.map(|_| "--keep"));
    run(&mut attack)
}

/// Runs targets; what is found is an error.
pub fn fuzz(options: &Options) -> Result<()> {
    run(cargo(["build", "--release", "--package", "felsic-fuzz", "--bin", "felsic-fuzz"]).args(FEATURES))?;
    if options.libfuzzer {
        return libfuzzer(options);
    }
    let status = seeded(options, None)?;
    if status.success() {
        return Ok(());
    }
    if status.code().is_none() {
        // A stack that ends or memory that runs out ends the process before it can say what the input was.
        let note = project::target("fuzz/case.txt");
        fs::create_dir_all(project::target("fuzz"))?;
        seeded(options, Some(&note.display().to_string()))?;
        let case = fs::read_to_string(&note).unwrap_or_default();
        bail!("a case ended the process ({status}); again: cargo xtask fuzz {}", case.trim());
    }
    bail!("something was found: see above")
}

/// Runs `felsic-fuzz`; with a file for notes it tells there which case it runs.
fn seeded(options: &Options, note: Option<&str>) -> Result<ExitStatus> {
    let program = project::target(&format!("release/felsic-fuzz{}", env::consts::EXE_SUFFIX));
    let mut fuzz = command(program, &options.targets);
    fuzz.args(["--executions", &options.executions.to_string()]).args(options.cases.arguments());
    fuzz.arg("--findings").arg(project::target("fuzz/findings"));
    fuzz.args(options.file.iter().flat_map(|file| ["--file", file]));
    fuzz.args(note.iter().flat_map(|note| ["--note", note]));
    fuzz.status().context("felsic-fuzz does not start")
}

/// Runs one target under libFuzzer. What it keeps is in `target/fuzz/corpus`, what it finds in `target/fuzz/findings`.
fn libfuzzer(options: &Options) -> Result<()> {
    let [target] = &options.targets[..] else { bail!("name the target for libFuzzer to run") };
    ensure!(find(&["cargo-fuzz"]).is_some(), "cargo-fuzz is missing: cargo install cargo-fuzz");
    let program = project::target(&format!("release/felsic-fuzz{}", env::consts::EXE_SUFFIX));
    let (corpus, findings) = (project::target("fuzz/corpus"), project::target("fuzz/findings/"));
    fs::create_dir_all(&findings)?;
    run(command(program, ["--export"]).arg(&corpus).arg(target))?;
    let folder = project::path("fuzz/libfuzzer");
    let lock = folder.join("Cargo.lock");
    if !files::is_fresh(&[&lock], &[project::path("Cargo.lock")]) {
        fs::copy(project::path("Cargo.lock"), &lock)?;
    }
    // No code here is unsafe, so that the address sanitizer, which halves the speed, has little to find.
    let what = ["+nightly", "fuzz", "run", "any", "--fuzz-dir", ".", "--sanitizer", "none", "-O"];
    let mut fuzz = command("cargo", what);
    fuzz.current_dir(&folder).env("FELSIC_FUZZ_TARGET", target).env("CARGO_TARGET_DIR", project::target("libfuzzer"));
    fuzz.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    fuzz.arg(corpus.join(target)).arg("--");
    fuzz.args([format!("-runs={}", options.executions), format!("-seed={}", options.cases.seed)]);
    fuzz.args(["-timeout=60", "-rss_limit_mb=4096", "-max_len=1048576", "-print_final_stats=1"]);
    fuzz.args(options.cases.seconds.map(|seconds| format!("-max_total_time={seconds}")));
    run(fuzz.arg(format!("-artifact_prefix={}", findings.display())))
}
