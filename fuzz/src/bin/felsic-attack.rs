//! Attacks the command line with files that are changed at random: see `felsic_fuzz::attack`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use felsic_fuzz::attack::judge::Judge;
use felsic_fuzz::attack::kinds::{KINDS, Kind, Sound};
use felsic_fuzz::attack::{Ends, case};
use felsic_fuzz::cases::Cases;

#[derive(Parser)]
#[command(name = "felsic-attack", about = "Runs felsic on files that are changed at random")]
struct Options {
    /// Kinds of files [default: all]
    kinds: Vec<String>,
    /// The program to attack
    #[arg(long)]
    felsic: PathBuf,
    /// Cases of each kind
    #[arg(long, default_value_t = 100)]
    cases: u64,
    #[command(flatten)]
    which: Cases,
    /// Leaves the files of each case, and says where
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let is_known = |name: &String| KINDS.iter().any(|kind| kind.name == name);
    if let Some(unknown) = options.kinds.iter().find(|name| !is_known(name)) {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        eprintln!("felsic-attack: no kind has the name {unknown:?}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    println!("seed {}", options.which.seed);
    let (sound, judge) =
        (Sound::make(), Judge { felsic: fs::canonicalize(&options.felsic).expect("the program is there") });
    let chosen =
        KINDS.iter().filter(|kind| options.kinds.is_empty() || options.kinds.iter().any(|name| name == kind.name));
    let found = chosen.map(|kind| attack(kind, &sound, &judge, &options)).sum::<u64>();
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the cases of a kind; returns how many did what must not be.
fn attack(kind: &Kind, sound: &Sound, judge: &Judge, options: &Options) -> u64 {
    let start = Instant::now();
    let seed = options.which.seed;
    let (mut ends, mut found, mut done) = (Ends::new(), 0, 0);
    for number in options.which.numbers(options.cases) {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = case(kind, sound, seed, number, folder.path(), judge);
        done += 1;
        match ended {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(what) => {
                found += 1;
                println!("{:18} FOUND: {what}", kind.name);
                println!("  again: cargo xtask attack {} --seed {seed} --case {number}", kind.name);
            }
        }
        if options.keep {
            println!("  the files are in {}", folder.keep().display());
        }
    }
    let listed: Vec<String> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    println!("{:18} {done:>6} cases in {:>6.1} s: {}", kind.name, start.elapsed().as_secs_f64(), listed.join(", "));
    found
}
