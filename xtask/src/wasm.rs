//! The WebAssembly binaries: cargo, then wasm-bindgen, into `pkg/dist`.

use crate::process::{cargo, run};
use crate::remap::{self, Place};
use crate::{files, project, setup};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// A binary.
#[derive(Clone, Copy)]
pub enum Binary {
    /// The CPU, everywhere.
    Cpu,
    /// The CPU, with relaxed SIMD: fetched instead where a page finds it to be exact.
    Relaxed,
    /// Fetched by a page only when it uses WebGPU.
    Gpu,
    /// No device: makes packs of checkpoints, fetched only for that.
    Packer,
    /// No model: what search computes, of a crate of its own; fetched only by pages that search.
    Search,
}

impl Binary {
    /// All.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Relaxed, Self::Gpu, Self::Packer, Self::Search];

    /// Returns its name, as in features and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Relaxed => "relaxed",
            Self::Gpu => "gpu",
            Self::Packer => "packer",
            Self::Search => "search",
        }
    }

    /// Returns the crate that it is built from.
    pub fn package(self) -> &'static str {
        match self {
            Self::Search => "felsic-search",
            _ => "felsic",
        }
    }

    /// Returns the name of its files in `pkg/dist`.
    fn stem(self) -> String {
        format!("felsic_{}", self.name())
    }

    /// Returns the features that it is built with.
    pub fn features(self) -> String {
        match self {
            Self::Search => "web".to_string(),
            _ => format!("web,{}", self.name()),
        }
    }

    /// Returns its sources, as paths in the repository: a change of search does not make the engines out of date, nor the
    /// other way round.
    fn inputs(self) -> Vec<PathBuf> {
        let own: &[&str] = match self {
            Self::Search => &["search"],
            _ => &["src", "shaders", "patches"],
        };
        own.iter().chain(&INPUTS).map(|path| project::path(path)).collect()
    }

    /// Returns where in its output folder cargo puts the WebAssembly.
    fn output(self) -> String {
        format!("{TRIPLE}/wasm/{}.wasm", self.package().replace('-', "_"))
    }

    /// Returns its JavaScript, its WebAssembly and its types in a folder.
    fn files(self, folder: &Path) -> [PathBuf; 3] {
        [".js", "_bg.wasm", ".d.ts"].map(|end| folder.join(format!("{}{end}", self.stem())))
    }

    /// Returns its WebAssembly with the names of functions, which is not shipped: otherwise the same code.
    fn named(self) -> PathBuf {
        project::target(&format!("wasm-names/{}_bg.wasm", self.stem()))
    }
}

/// The target of all binaries.
pub const TRIPLE: &str = "wasm32-unknown-unknown";

const TARGET: [&str; 5] = ["--target", TRIPLE, "--profile", "wasm", "--no-default-features"];

/// Sources of all binaries, as paths in the repository.
const INPUTS: [&str; 4] = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];

/// Builds the binaries that are out of date, all or those whose name contains `filter`, and prints their sizes.
///
/// All engines come out of cargo as `felsic.wasm`, so cargo considers each out of date once it has built
/// another; hence the check here.
pub fn build(filter: &str) -> Result<()> {
    let chosen = chosen(filter)?;
    setup::wasm_target()?;
    for binary in chosen {
        let [glue, wasm, types] = binary.files(&dist());
        if !files::is_fresh(&[&glue, &wasm, &types, &binary.named()], &binary.inputs()) {
            compile(binary)?;
        }
        let (raw, gzipped) = files::sizes(&wasm)?;
        println!("{}_bg.wasm: {} kB, {} kB gzipped", binary.stem(), raw / 1000, gzipped / 1000);
    }
    Ok(())
}

/// Returns the folder of the package's files.
fn dist() -> PathBuf {
    project::path("pkg/dist")
}

/// Returns the binaries whose name contains `filter`; fails if there is none.
pub fn chosen(filter: &str) -> Result<Vec<Binary>> {
    let chosen: Vec<Binary> = Binary::ALL.into_iter().filter(|binary| binary.name().contains(filter)).collect();
    ensure!(!chosen.is_empty(), "no binary has such a name; there are {}", Binary::ALL.map(Binary::name).join(", "));
    Ok(chosen)
}

/// Returns the command that makes a binary of the sources at a place, before wasm-bindgen.
fn cargo_build(binary: Binary, place: &Place) -> Result<Command> {
    let mut build = place.cargo(&["rustc", "--package", binary.package(), "--lib", "--crate-type", "cdylib"]);
    build.args(TARGET).args(["--features", &binary.features()]).args(remap::flags(place)?);
    if let Binary::Search = binary {
        // It is small enough to be optimised in one piece, which makes it smaller.
        build.env("CARGO_PROFILE_WASM_LTO", "fat").env("CARGO_PROFILE_WASM_CODEGEN_UNITS", "1");
    }
    if project::is_ci() {
        build.args(["--", "-D", "warnings"]);
    }
    Ok(build)
}

fn compile(binary: Binary) -> Result<()> {
    make(binary, &Place::here(), &dist())?;
    set_names_apart(binary)
}

/// Makes a binary of the sources at a place, with its names, and puts its files into a folder.
pub fn make(binary: Binary, place: &Place, folder: &Path) -> Result<[PathBuf; 3]> {
    run(&mut cargo_build(binary, place)?)?;
    let compiled = place.target.join(binary.output());
    fs::create_dir_all(folder)?;
    Bindgen::new()
        .input_path(&compiled)
        .out_name(&binary.stem())
        .web(true)
        .and_then(|bindgen| {
            bindgen.typescript(true).omit_default_module_path(false).remove_producers_section(true).generate(folder)
        })
        .with_context(|| format!("wasm-bindgen failed on {}", compiled.display()))?;
    Ok(binary.files(folder))
}

/// Moves the binary with its names out of the package, and leaves one without them there.
fn set_names_apart(binary: Binary) -> Result<()> {
    let [_, wasm, _] = binary.files(&dist());
    let named = binary.named();
    fs::create_dir_all(named.parent().context("a file has a folder")?)?;
    let bytes = fs::read(&wasm)?;
    let unnamed = without_names(&bytes).with_context(|| format!("{} is not WebAssembly", wasm.display()))?;
    fs::write(&named, &bytes)?;
    Ok(fs::write(&wasm, unnamed)?)
}

/// Returns the module without its section of names: all else is bit-for-bit identical, so that the names fit what
/// runs. `None` if it is not a module.
fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    const CUSTOM: u8 = 0;
    let mut kept = module.get(..HEADER).filter(|header| header.starts_with(b"\0asm"))?.to_vec();
    let mut rest = &module[HEADER..];
    while let Some((kind, after)) = rest.split_first() {
        let (length, content) = unsigned(after)?;
        let (content, next) = content.split_at_checked(length)?;
        let is_names = *kind == CUSTOM && {
            let (length, name) = unsigned(content)?;
            name.get(..length)? == b"name"
        };
        if !is_names {
            kept.extend(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
}

/// Reads a number in LEB128; returns it and what follows.
fn unsigned(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let number =
        bytes[..=end].iter().rev().try_fold(0u32, |sum, byte| Some(sum.checked_mul(0x80)? | u32::from(byte & 0x7f)))?;
    Some((number as usize, &bytes[end + 1..]))
}

/// Lints what only these binaries contain. The GPU's is left out: almost all of its code is linted natively, the compiler's
/// warnings about the rest are errors in CI, and checking what it is built with once more takes three minutes.
pub fn lint() -> Result<()> {
    setup::wasm_target()?;
    for binary in Binary::ALL.into_iter().filter(|binary| !matches!(binary, Binary::Gpu)) {
        let mut lint = cargo(["clippy", "--package", binary.package(), "--lib"]);
        run(lint.args(TARGET).args(["--features", &binary.features(), "--", "-D", "warnings"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

    fn section(kind: u8, content: &[u8]) -> Vec<u8> {
        // A length in as many bytes as linkers give it.
        let length = content.len() as u8;
        [&[kind, length | 0x80, 0x80, 0x00], content].concat()
    }

    #[test]
    fn names_go_and_all_else_stays_to_the_byte() {
        let code = section(10, b"whatever");
        let features = section(0, b"\x0ftarget_features\x00");
        let names = section(0, b"\x04name\x00\x02\x01f");
        let module = [MAGIC, &code, &names, &features].concat();
        assert_eq!(without_names(&module).unwrap(), [MAGIC, &code, &features].concat());
        assert_eq!(without_names(MAGIC).unwrap(), MAGIC);
    }

    /// `patches/inventory` registers nothing: what else came to ask for that crate would lose what it registers.
    #[test]
    fn only_pliron_registers_through_inventory() {
        let lock = fs::read_to_string(project::path("Cargo.lock")).unwrap();
        let asks = |package: &&str| package.lines().any(|line| line.trim().starts_with("\"inventory"));
        let name = |package: &str| package.lines().find(|line| line.starts_with("name = ")).map(str::to_string);
        let asking: Vec<_> = lock.split("[[package]]").filter(asks).filter_map(name).collect();
        assert_eq!(asking, ["name = \"pliron\""]);
    }

    #[test]
    fn what_is_no_module_is_not_cut() {
        let module = [MAGIC, &section(0, b"\x04name")].concat();
        for bytes in [&b""[..], b"<!doctype html>", &module[..module.len() - 1], &[MAGIC, b"\x00\xff"].concat()] {
            assert_eq!(without_names(bytes), None);
        }
    }
}
