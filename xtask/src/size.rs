//! What a page has to load besides the pack.

use crate::wasm::Binary;
use crate::{files, project};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// The most that a page on the CPU may have to load, gzipped: WebAssembly and JavaScript together.
const CPU_BUDGET: u64 = 700_000;

struct Part {
    file: PathBuf,
    raw: u64,
    gzipped: u64,
}

/// What is loaded for one device: the package's WebAssembly and scripts but those of other devices.
fn parts(binary: Binary) -> Result<Vec<Part>> {
    let is_loaded = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_other =
            Binary::ALL.iter().any(|other| other.device() != binary.device() && name.contains(other.device()));
        (name.ends_with(".js") || name.ends_with(".wasm")) && !is_other
    };
    let measure = |file: PathBuf| files::sizes(&file).map(|(raw, gzipped)| Part { file, raw, gzipped });
    files::under(&project::path("pkg/dist")).into_iter().filter(is_loaded).map(measure).collect()
}

/// Prints a table for each device; fails if the CPU's is past its budget. The package must be built.
pub fn run() -> Result<()> {
    for binary in Binary::ALL {
        println!("\n{:44} {:>10} {:>10}", binary.device(), "bytes", "gzipped");
        let parts = parts(binary)?;
        for part in &parts {
            let name = part.file.strip_prefix(project::root()).context("outside the repository")?.display();
            println!("{:44} {:>10} {:>10}", name.to_string(), part.raw, part.gzipped);
        }
        let (raw, gzipped) = parts.iter().fold((0, 0), |(raw, gz), part| (raw + part.raw, gz + part.gzipped));
        println!("{:44} {raw:>10} {gzipped:>10}", "together");
        if matches!(binary, Binary::Cpu) {
            ensure!(gzipped <= CPU_BUDGET, "{gzipped} bytes gzipped for the CPU, past the budget of {CPU_BUDGET}");
            println!("{:44} {:>21}", "budget", CPU_BUDGET);
        }
    }
    Ok(())
}
