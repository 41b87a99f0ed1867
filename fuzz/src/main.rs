//! Runs fuzz targets on stable Rust with seeded inputs, and measures each run's memory and time.

mod judge;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use felsic_fuzz::cases::Cases;
use felsic_fuzz::{TARGETS, Target, mutate, seeds, target};
use peak_alloc::PeakAlloc;

use judge::{Finding, Judge, Most};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[derive(Parser)]
#[command(name = "felsic-fuzz", about = "Runs what felsic reads of strangers on inputs that are made at random")]
struct Options {
    /// Targets [default: all]
    targets: Vec<String>,
    /// Inputs that each target gets
    #[arg(long, default_value_t = 1000)]
    executions: u64,
    #[command(flatten)]
    cases: Cases,
    /// Notes the number of each case in this file before it runs, for those that end the process
    #[arg(long)]
    note: Option<PathBuf>,
    /// Where inputs are put that show something
    #[arg(long, default_value = "target/fuzz/findings")]
    findings: PathBuf,
    /// Runs the file instead of cases
    #[arg(long)]
    file: Option<PathBuf>,
    /// Writes the inputs that targets begin with into folders here, and runs nothing
    #[arg(long)]
    export: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let unknown: Vec<&String> = options.targets.iter().filter(|name| target(name).is_none()).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("felsic-fuzz: no target has the name {unknown:?}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let chosen = TARGETS
        .iter()
        .filter(|target| options.targets.is_empty() || options.targets.iter().any(|name| name == target.name));
    println!("seed {}", options.cases.seed);
    let judge = Judge::start();
    let mut failed = 0;
    for target in chosen {
        let done = match &options.export {
            Some(folder) => export(target, &folder.join(target.name)),
            None => run(target, &judge, &options),
        };
        if !done {
            failed += 1;
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes the seeds of a target as files.
fn export(target: &Target, folder: &Path) -> bool {
    fs::create_dir_all(folder).expect("a folder for the seeds");
    for (number, seed) in seeds::all(target).iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("a seed is written");
    }
    true
}

/// Runs a target; returns whether nothing was found. The first finding ends it.
fn run(target: &Target, judge: &Judge, options: &Options) -> bool {
    let seeds = seeds::all(target);
    // What is made once is not measured.
    (target.run)(&seeds[0]);
    let mut most = Most::default();
    if let Some(file) = &options.file {
        let input = fs::read(file).expect("the file can be read");
        return report(
            target,
            judge.run(target, &input, &mut most),
            &input,
            &format!("--file {}", file.display()),
            options,
        );
    }
    let start = Instant::now();
    let seed = options.cases.seed;
    let mut done = 0;
    for number in options.cases.numbers(options.executions) {
        let input = mutate::case(target, &seeds, seed, number);
        let again = format!("--seed {seed} --case {number}");
        if let Some(note) = &options.note {
            fs::write(note, format!("{} {again}\n", target.name)).expect("the case is noted");
        }
        done += 1;
        if !report(target, judge.run(target, &input, &mut most), &input, &again, options) {
            return false;
        }
    }
    println!("{:16} {done:>9} executions in {:>6.1} s; {most}", target.name, start.elapsed().as_secs_f64());
    true
}

/// Reports a finding and how to have it again; returns whether there is none.
fn report(target: &Target, ended: Result<(), Finding>, input: &[u8], again: &str, options: &Options) -> bool {
    let Err(finding) = ended else { return true };
    println!("{:16} FOUND: {finding}", target.name);
    println!("  again: cargo xtask fuzz {} {again}", target.name);
    let file = options.findings.join(format!("{}-{}", target.name, again.replace("--", "").replace([' ', '/'], "-")));
    if fs::create_dir_all(&options.findings).and_then(|()| fs::write(&file, input)).is_ok() {
        println!("  input: {} ({} bytes)", file.display(), input.len());
    }
    false
}
