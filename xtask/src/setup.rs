//! What the machine must have, installed where that is allowed.

use crate::process::{FEATURES, cargo, command, find, run, succeeds};
use crate::{files, project};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs Debian packages with apt-get; fails, with the reason, if that is missing or not permitted.
fn apt_install(packages: &[&str]) -> Result<()> {
    let apt = find(&["apt-get"]).context("there is no apt-get here to install it with")?;
    let is_root = command("id", ["-u"]).output().is_ok_and(|output| output.stdout == b"0\n");
    let prefix: Vec<String> = if is_root {
        vec![]
    } else if succeeds(&mut command("sudo", ["-n", "true"])) {
        vec!["sudo".into(), "-n".into()]
    } else {
        bail!("installing it with apt-get takes root or passwordless sudo");
    };
    let apt = |args: &[&str]| {
        let mut words = prefix.clone();
        words.extend(["env".into(), "DEBIAN_FRONTEND=noninteractive".into(), apt.display().to_string()]);
        words.extend(args.iter().map(|arg| arg.to_string()));
        run(&mut command(&words[0], &words[1..]))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

/// Installs the target that browsers run, if it is missing.
pub fn wasm_target() -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = command(rustc, ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]).output()?;
    if Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        return Ok(());
    }
    let rustup = find(&["rustup"]).context("Rust's wasm32-unknown-unknown target is missing, and rustup too")?;
    run(&mut command(rustup, ["target", "add", "wasm32-unknown-unknown"]))
}

/// Installs the npm packages of the workspaces at `folder`, as locked. Packages run no scripts of their own.
pub fn npm_packages(folder: &Path) -> Result<()> {
    find(&["npm"]).context("Node.js 20.19 or later with npm is needed: https://nodejs.org")?;
    let installed = folder.join("node_modules/.package-lock.json");
    if files::is_fresh(&[&installed], &[&folder.join("package-lock.json")]) {
        return Ok(());
    }
    run(command("npm", ["ci", "--ignore-scripts"]).current_dir(folder))
}

const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const MAC_BROWSERS: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

fn find_chromium() -> Option<PathBuf> {
    let mac = || MAC_BROWSERS.iter().map(PathBuf::from).find(|path| path.is_file());
    find(BROWSERS).or_else(mac).filter(|path| succeeds(command(path, ["--version"]).env_remove("DISPLAY")))
}

/// Returns a Chromium that starts, installed if need be.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM_PATH").map(PathBuf::from) {
        if !path.is_file() {
            bail!("CHROMIUM_PATH is {}, where there is no file", path.display());
        }
        return Ok(path);
    }
    if let Some(path) = find_chromium() {
        return Ok(path);
    }
    println!("No Chromium was found; installing it.");
    let how = "install Chromium or Chrome, or set CHROMIUM_PATH to one";
    apt_install(&["chromium"]).context(how)?;
    find_chromium().with_context(|| format!("the Chromium that was installed does not start: {how}"))
}

const FIREFOXES: &[&str] = &["firefox-esr", "firefox"];

/// Returns a Firefox, installed if need be: storing and fetching are tested there too.
pub fn firefox() -> Result<PathBuf> {
    if let Some(path) = env::var_os("FIREFOX_PATH").map(PathBuf::from).or_else(|| find(FIREFOXES)) {
        return Ok(path);
    }
    println!("No Firefox was found; installing it.");
    apt_install(&["firefox-esr"])?;
    find(FIREFOXES).context("the Firefox that was installed is not to be found")
}

/// Installs a missing Vulkan driver, so that the tests of the GPU device have something to run on: on a machine
/// without a GPU that is Mesa's software driver. Other systems bring their own graphics interface.
pub fn vulkan() -> Result<()> {
    let is_driver = |name: &str| ["lvp_", "nvidia_"].iter().any(|start| name.starts_with(start));
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    let mut drivers = folders.iter().flat_map(|folder| files::under(Path::new(folder)));
    let found = drivers.any(|file| file.file_name().is_some_and(|name| is_driver(&name.to_string_lossy())));
    if found || !cfg!(target_os = "linux") {
        return Ok(());
    }
    println!("No Vulkan driver that runs everywhere was found; installing Mesa's software driver.");
    apt_install(&["mesa-vulkan-drivers", "libvulkan1"]).context("install Mesa's Vulkan drivers (lavapipe)")
}

/// A Python with some packages.
pub struct Python {
    program: PathBuf,
    packages: Option<PathBuf>,
}

impl Python {
    /// Returns this Python with arguments.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = command(&self.program, args);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    fn imports(&self, modules: &[&str]) -> bool {
        succeeds(&mut self.run(["-c", &format!("import {}", modules.join(", "))]))
    }
}

/// Returns a Python that can import `modules` (named as their packages are): the machine's own if it can, else
/// one in `target/` that the packages are installed into.
pub fn python(modules: &[&str]) -> Result<Python> {
    let system = find(&["python3", "python"]).context("Python 3.10 or later is needed")?;
    let own = project::target("python");
    let own_program = own.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" });
    let packages = project::target("python-packages");
    let ready = [
        Python { program: system.clone(), packages: None },
        Python { program: own_program.clone(), packages: None },
        Python { program: system.clone(), packages: Some(packages.clone()) },
    ];
    if let Some(python) = ready.into_iter().find(|python| python.imports(modules)) {
        return Ok(python);
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let venv = run(command(&system, ["-m", "venv"]).arg(&own));
    if venv.is_ok() {
        run(command(&own_program, pip).args(modules))?;
        return Ok(Python { program: own_program, packages: None });
    }
    println!("This Python makes no virtual environments; installing the packages into a folder instead.");
    files::remove_folder(&own)?;
    run(command(&system, pip).arg("--target").arg(&packages).args(modules))
        .context("Python needs its venv or pip module (on Debian: apt-get install python3-venv)")?;
    Ok(Python { program: system, packages: Some(packages) })
}

/// Builds the felsic command line as the tests build it; returns its path.
pub fn felsic() -> Result<PathBuf> {
    run(cargo(["build", "--release", "--package", "felsic", "--bin", "felsic"]).args(FEATURES))?;
    Ok(project::target(&format!("release/felsic{}", env::consts::EXE_SUFFIX)))
}
