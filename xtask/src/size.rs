//! What a page has to load besides the pack, and the size of the npm package.

use crate::wasm::Binary;
use crate::{files, project};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// Returns the most that a page may have to load for a binary, gzipped: WebAssembly and JavaScript together. Each
/// budget is a little above what was measured; raise one only for what is worth it.
fn budget(binary: Binary) -> u64 {
    match binary {
        Binary::Cpu | Binary::Relaxed => 470_000,
        Binary::Gpu => 2_650_000,
        Binary::Packer => 430_000,
    }
}

/// The most bytes that the npm package may have, packed and unpacked, the built-in model included.
const PACKED_BUDGET: u64 = 12_000_000;
const UNPACKED_BUDGET: u64 = 26_000_000;

/// Scripts of the package that are a part of another one, and loaded in its place.
const SUBSETS: [&str; 1] = ["cpu.js"];

struct Part {
    file: PathBuf,
    raw: u64,
    gzipped: u64,
}

/// Returns what is loaded for one binary: the package's WebAssembly and scripts except those of other binaries.
fn parts(binary: Binary) -> Result<Vec<Part>> {
    let is_loaded = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_other = Binary::ALL.iter().any(|other| other.name() != binary.name() && name.contains(other.name()));
        // Those to other libraries are loaded only by pages that import them.
        let is_adapter = file.parent().is_some_and(|folder| folder.ends_with("adapters"));
        (name.ends_with(".js") || name.ends_with(".wasm"))
            && !is_adapter
            && !is_other
            && !SUBSETS.contains(&name.as_ref())
    };
    let measure = |file: PathBuf| files::sizes(&file).map(|(raw, gzipped)| Part { file, raw, gzipped });
    files::under(&project::target("package/dist")).into_iter().filter(is_loaded).map(measure).collect()
}

/// Prints a table for each binary; fails if one exceeds its budget. The package must be built.
pub fn run() -> Result<()> {
    for binary in Binary::ALL {
        println!("\n{:44} {:>10} {:>10}", binary.name(), "bytes", "gzipped");
        let parts = parts(binary)?;
        for part in &parts {
            let name = part.file.strip_prefix(project::target("package")).context("outside the package")?.display();
            println!("{:44} {:>10} {:>10}", name.to_string(), part.raw, part.gzipped);
        }
        let (raw, gzipped) = parts.iter().fold((0, 0), |(raw, gz), part| (raw + part.raw, gz + part.gzipped));
        println!("{:44} {raw:>10} {gzipped:>10}", "together");
        let budget = budget(binary);
        println!("{:44} {budget:>21}", "budget");
        ensure!(gzipped <= budget, "{gzipped} bytes gzipped for {}, past the budget of {budget}", binary.name());
    }
    package()
}

/// Prints the size of the npm package, as published and as unpacked in node_modules; fails if it exceeds the budgets.
fn package() -> Result<()> {
    let bytes = |folder: &str| -> Result<u64> {
        let files = files::under(&project::target(folder));
        ensure!(!files.is_empty(), "target/{folder} is empty; `cargo xtask build` fills it");
        files.iter().map(|file| Ok(file.metadata()?.len())).sum()
    };
    println!("\n{:44} {:>10} {:>10}", "the npm package", "bytes", "budget");
    for (what, folder, budget) in [("packed", "npm-package", PACKED_BUDGET), ("unpacked", "package", UNPACKED_BUDGET)] {
        let bytes = bytes(folder)?;
        println!("{what:44} {bytes:>10} {budget:>10}");
        ensure!(bytes <= budget, "the npm package has {bytes} bytes {what}, past the budget of {budget}");
    }
    Ok(())
}
