//! What a page has to load besides the pack.

use crate::wasm::Binary;
use crate::{files, project};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// The most that a page on the CPU may have to load, gzipped: WebAssembly and JavaScript together.
const CPU_BUDGET: u64 = 700_000;

/// The most that a page may have to load for a binary.
fn budget(binary: Binary) -> Option<u64> {
    match binary {
        Binary::Cpu | Binary::Relaxed => Some(CPU_BUDGET),
        Binary::Gpu | Binary::Packer => None,
    }
}

struct Part {
    file: PathBuf,
    raw: u64,
    gzipped: u64,
}

/// What is loaded for one binary: the package's WebAssembly and scripts but those of other binaries.
fn parts(binary: Binary) -> Result<Vec<Part>> {
    let is_loaded = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_other = Binary::ALL.iter().any(|other| other.name() != binary.name() && name.contains(other.name()));
        (name.ends_with(".js") || name.ends_with(".wasm")) && !is_other
    };
    let measure = |file: PathBuf| files::sizes(&file).map(|(raw, gzipped)| Part { file, raw, gzipped });
    files::under(&project::path("pkg/dist")).into_iter().filter(is_loaded).map(measure).collect()
}

/// Prints a table for each binary; fails if one is past its budget. The package must be built.
pub fn run() -> Result<()> {
    for binary in Binary::ALL {
        println!("\n{:44} {:>10} {:>10}", binary.name(), "bytes", "gzipped");
        let parts = parts(binary)?;
        for part in &parts {
            let name = part.file.strip_prefix(project::root()).context("outside the repository")?.display();
            println!("{:44} {:>10} {:>10}", name.to_string(), part.raw, part.gzipped);
        }
        let (raw, gzipped) = parts.iter().fold((0, 0), |(raw, gz), part| (raw + part.raw, gz + part.gzipped));
        println!("{:44} {raw:>10} {gzipped:>10}", "together");
        if let Some(budget) = budget(binary) {
            ensure!(gzipped <= budget, "{gzipped} bytes gzipped for {}, past the budget of {budget}", binary.name());
            println!("{:44} {budget:>21}", "budget");
        }
    }
    Ok(())
}
