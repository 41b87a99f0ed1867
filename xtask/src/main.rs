//! Every command that a person or CI runs: `cargo xtask <command>`.
//!
//! | module | duty |
//! | --- | --- |
//! | `project` | where things are |
//! | `process` | running other programs |
//! | `files` | up to date or not, hashes, sizes, copies |
//! | `setup` | what the machine must have, installed where that is allowed |
//! | `wasm` | the WebAssembly binaries |
//! | `notices` | the licences of what is in the binaries |
//! | `web` | the npm package, the page, the benchmark page |
//! | `checkpoints` | checkpoints of the real shapes with seeded weights |
//! | `trained` | a checkpoint with weights that were trained elsewhere |
//! | `packs` | the packs that tests, demo and benchmark load |
//! | `deny` | licences, sources and advisories of all crates |
//! | `extension` | the browser extension, its zips, its tests |
//! | `sbom` | what the npm package is made of, and from what |
//! | `halts` | processes of tests and browsers, halted at random |
//! | `soak` | long runs: embeds, and loads under faults |
//! | `kernels` | the kernels' tests as WebAssembly and on ARM |
//! | `fuzz` | what felsic reads of strangers, on inputs made at random |
//! | `test` (`check` too), `demo`, `bench`, `bench_search`, `bench_index`, `bench_native`, `bench_gpu`, `bench_parquet`, `site`, `size` | the commands of these names |

mod bench;
mod bench_gpu;
mod bench_index;
mod bench_native;
mod bench_parquet;
mod bench_search;
mod checkpoints;
mod demo;
mod deny;
mod extension;
mod files;
mod fuzz;
mod halts;
mod kernels;
mod notices;
mod packs;
mod process;
mod project;
mod remap;
mod reproduce;
mod sbom;
mod setup;
mod site;
mod size;
mod soak;
mod test;
mod trained;
mod wasm;
mod web;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, tests, measures and shows felsic", disable_help_subcommand = true)]
enum Command {
    /// Builds everything that the web needs: the wasm binaries, the npm package, the page
    Build {
        /// Only the wasm binaries whose name contains this: cpu, relaxed, gpu, packer, search
        filter: Option<String>,
    },
    /// Serves the private-search page on this machine
    Demo(demo::Options),
    /// Builds the browser extension for Chromium and Firefox, and the zips for their stores
    Extension,
    /// Checks formatting, lints, types and the tests that need no WebAssembly: minutes, once everything has been built
    Check,
    /// Runs all tests, from formatting to the browser
    Test(test::Options),
    /// Times felsic, onnxruntime-web and transformers.js in Chromium and writes target/bench/report.json
    Bench(bench::Options),
    /// Makes the packs that tests, demo and benchmark load
    Packs {
        /// Also the two larger shapes
        #[arg(long)]
        full: bool,
    },
    /// Lists what the npm package contains (CycloneDX) and what it was built from (SLSA provenance), in target/sbom; the package must be built
    Sbom,
    /// Builds binaries twice, the second time from a copy elsewhere, and compares the bytes
    Reproduce {
        /// The binaries whose names contain one of these
        #[arg(default_value = "search")]
        filters: Vec<String>,
    },
    /// Embeds for long, and sees that memory stays flat and every vector is as it was
    Soak(soak::Soak),
    /// Loads packs while the server, the storage and the workers fail at random
    Faults(soak::Faults),
    /// Runs fuzz targets on inputs that are made at random, and reports what must not be
    Fuzz(fuzz::Options),
    /// Runs the command line on files that are changed at random, with hashes made right, and reports what must not be
    Attack(fuzz::Attack),
    /// Builds what is published, the page and the documents, as static files in target/site
    Site,
    /// Prints what a page has to load, and fails past the budget
    Size,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Build { filter: None } => web::page(),
        Command::Build { filter: Some(filter) } => wasm::build(&filter),
        Command::Demo(options) => demo::run(&options),
        Command::Extension => extension::run_all(),
        Command::Check => test::check(),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Packs { full } => packs::all(full),
        Command::Sbom => sbom::write(),
        Command::Reproduce { filters } => reproduce::run(&filters),
        Command::Soak(options) => soak::soak(&options),
        Command::Faults(options) => soak::faults(&options),
        Command::Fuzz(options) => fuzz::fuzz(&options),
        Command::Attack(options) => fuzz::attack(&options),
        Command::Site => site::run(),
        Command::Size => web::package().and_then(|()| size::run()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
