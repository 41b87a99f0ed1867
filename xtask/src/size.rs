//! What a page has to load besides the pack, and the size of the npm package.

use crate::wasm::Binary;
use crate::{files, project};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the most that a page may have to load for a binary, gzipped: WebAssembly and JavaScript together. Each
/// budget is a little above what was measured; raise one only for what is worth it.
fn budget(binary: Binary) -> u64 {
    match binary {
        Binary::Cpu | Binary::Relaxed => 500_000,
        Binary::Gpu => 1_223_000,
        Binary::Packer => 545_000,
        Binary::Search => SEARCH_BUDGETS.iter().map(|(_, budget)| budget).sum(),
    }
}

/// The most that a page that searches may have to load besides its engine, gzipped, by the ending of files. A file counts
/// for the last ending that it has: the search box alone is on each page of a site.
const SEARCH_BUDGETS: [(&str, u64); 3] = [(".wasm", 60_000), (".js", 60_000), ("search-box.js", 12_000)];

/// The most bytes that the npm package may have, packed and unpacked, the built-in model included.
const PACKED_BUDGET: u64 = 10_900_000;
const UNPACKED_BUDGET: u64 = 17_850_000;

/// Scripts of the package that are a part of another one, and loaded in its place.
const SUBSETS: [&str; 1] = ["cpu.js"];

struct Part {
    file: PathBuf,
    raw: u64,
    gzipped: u64,
}

/// Returns whether a file of the package is loaded for one binary: WebAssembly and scripts except those of other
/// binaries. What belongs to search has that in its name, and a page loads it besides the rest.
fn is_loaded(binary: Binary, name: &str) -> bool {
    let is_of = |binary: Binary| name.contains(binary.name());
    let is_code = name.ends_with(".js") || name.ends_with(".wasm");
    is_code
        && match binary {
            Binary::Search => is_of(binary),
            _ => !Binary::ALL.into_iter().any(|other| other.name() != binary.name() && is_of(other)),
        }
        && !SUBSETS.contains(&name)
}

/// Returns whether only pages load a file that ask for it: those to other libraries, those for Parquet, for the
/// browser extension and for layouts; or none, since Node has it in place of another.
fn is_on_demand(file: &Path) -> bool {
    let is_named = ["parquet.js", "extension.js", "worker-layout.js"].into_iter().any(|name| file.ends_with(name));
    let is_of_node = file.file_name().is_some_and(|name| name.to_string_lossy().contains("node"));
    is_named || is_of_node || file.parent().is_some_and(|folder| folder.ends_with("adapters"))
}

fn parts(binary: Binary) -> Result<Vec<Part>> {
    let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let loaded = files::under(&project::target("package/dist"))
        .into_iter()
        .filter(|file| !is_on_demand(file) && is_loaded(binary, &name(file)));
    loaded.map(|file| files::sizes(&file).map(|(raw, gzipped)| Part { file, raw, gzipped })).collect()
}

/// Fails if the scripts that are loaded for an engine refer to what belongs to search: a page that never searches loads
/// none of it.
fn no_search(parts: &[Part]) -> Result<()> {
    for part in parts.iter().filter(|part| part.file.extension().is_some_and(|end| end == "js")) {
        let text = fs::read_to_string(&part.file)?;
        let found = ["felsic_search", "worker-search"].into_iter().find(|name| text.contains(name));
        if let Some(name) = found {
            bail!("{} is loaded by pages that do not search, and names {name}", part.file.display());
        }
    }
    Ok(())
}

/// Fails if what belongs to search exceeds its budgets.
fn search(parts: &[Part]) -> Result<()> {
    for (at, (end, budget)) in SEARCH_BUDGETS.into_iter().enumerate() {
        let is_last = |part: &&Part| {
            let name = part.file.to_string_lossy();
            SEARCH_BUDGETS.iter().rposition(|(end, _)| name.ends_with(end)) == Some(at)
        };
        let of_end = parts.iter().filter(is_last);
        let gzipped: u64 = of_end.map(|part| part.gzipped).sum();
        ensure!(gzipped <= budget, "{gzipped} bytes gzipped of search's {end}, past the budget of {budget}");
    }
    Ok(())
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
        match binary {
            Binary::Search => search(&parts)?,
            _ => no_search(&parts)?,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_search_counts_for_search_alone() {
        let of_search = ["search.js", "worker-search.js", "felsic_search_bg.wasm", "search-box.js"];
        assert!(of_search.iter().all(|name| is_loaded(Binary::Search, name) && !is_loaded(Binary::Cpu, name)));
        for name in ["index.js", "worker-cpu.js", "felsic_cpu_bg.wasm", "shared.js"] {
            assert!(is_loaded(Binary::Cpu, name) && !is_loaded(Binary::Search, name), "{name}");
        }
        assert!(!is_loaded(Binary::Gpu, "worker-cpu.js") && !is_loaded(Binary::Search, "search.d.ts"));
    }

    #[test]
    fn what_pages_ask_for_is_not_counted() {
        let on_demand = [
            "dist/parquet.js",
            "dist/extension.js",
            "dist/worker-layout.js",
            "dist/adapters/react.js",
            "dist/node-search.js",
        ];
        assert!(on_demand.iter().all(|name| is_on_demand(Path::new(name))));
        assert!(!is_on_demand(Path::new("dist/worker-search.js")));
    }

    #[test]
    fn an_engine_that_names_search_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let part = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            Part { file, raw: 0, gzipped: 0 }
        };
        assert!(no_search(&[part("index.js", "export {}"), part("a.wasm", "felsic_search")]).is_ok());
        let error = no_search(&[part("index.js", "new URL(\"./felsic_search_bg.wasm\")")]).unwrap_err();
        assert!(error.to_string().contains("names felsic_search"), "{error}");
    }

    #[test]
    fn each_part_of_search_has_a_budget_of_its_own() {
        let part = |name: &str, gzipped| Part { file: name.into(), raw: 0, gzipped };
        assert!(search(&[part("a.wasm", 60_000), part("search.js", 30_000), part("worker-search.js", 30_000)]).is_ok());
        assert!(search(&[part("a.wasm", 60_001)]).is_err());
        assert!(search(&[part("search.js", 30_000), part("worker-search.js", 30_001)]).is_err());
        assert!(search(&[part("search-box.js", 12_000)]).is_ok() && search(&[part("search-box.js", 12_001)]).is_err());
    }
}
