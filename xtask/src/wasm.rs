//! The WebAssembly binaries: cargo, then wasm-bindgen, into `pkg/dist`.

use crate::process::{cargo, run};
use crate::{files, project, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
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
    /// No device: what makes packs of checkpoints, fetched only for that.
    Packer,
}

impl Binary {
    /// All.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Relaxed, Self::Gpu, Self::Packer];

    /// Its name, as in features and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Relaxed => "relaxed",
            Self::Gpu => "gpu",
            Self::Packer => "packer",
        }
    }

    /// The name of its files in `pkg/dist`.
    fn stem(self) -> String {
        format!("felsic_{}", self.name())
    }

    fn features(self) -> String {
        format!("web,{}", self.name())
    }

    /// Its JavaScript, its WebAssembly and its types.
    fn files(self) -> [PathBuf; 3] {
        [".js", "_bg.wasm", ".d.ts"].map(|end| project::path(&format!("pkg/dist/{}{end}", self.stem())))
    }
}

const TARGET: [&str; 5] = ["--target", "wasm32-unknown-unknown", "--profile", "wasm", "--no-default-features"];

/// What the binaries are made from, as paths in the repository.
const INPUTS: [&str; 6] = ["src", "shaders", "Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"];

/// Builds the binaries that are out of date and prints all sizes.
///
/// All come out of cargo as `felsic.wasm`, so cargo takes each for out of date once it has built
/// another; hence the check here.
pub fn build() -> Result<()> {
    setup::wasm_target()?;
    let inputs = INPUTS.map(project::path);
    for binary in Binary::ALL {
        let made = binary.files();
        if !files::is_fresh(&made, &inputs) {
            compile(binary)?;
        }
        let (raw, gzipped) = files::sizes(&made[1])?;
        println!("{}_bg.wasm: {} kB, {} kB gzipped", binary.stem(), raw / 1000, gzipped / 1000);
    }
    Ok(())
}

fn compile(binary: Binary) -> Result<()> {
    let mut build = cargo(["rustc", "--package", "felsic", "--lib", "--crate-type", "cdylib"]);
    run(build.args(TARGET).args(["--features", &binary.features()]))?;
    let compiled = project::target("wasm32-unknown-unknown/wasm/felsic.wasm");
    let dist = project::path("pkg/dist");
    fs::create_dir_all(&dist)?;
    Bindgen::new()
        .input_path(&compiled)
        .out_name(&binary.stem())
        .web(true)
        .and_then(|bindgen| {
            bindgen.typescript(true).omit_default_module_path(false).remove_producers_section(true).generate(&dist)
        })
        .with_context(|| format!("wasm-bindgen failed on {}", compiled.display()))
}

/// Lints what only these binaries contain.
pub fn lint() -> Result<()> {
    setup::wasm_target()?;
    for binary in Binary::ALL {
        let mut lint = cargo(["clippy", "--package", "felsic", "--lib"]);
        run(lint.args(TARGET).args(["--features", &binary.features(), "--", "-D", "warnings"]))?;
    }
    Ok(())
}
