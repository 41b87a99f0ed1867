//! Two builds of binaries: in the repository, and from a copy of it at another path, with another path of cargo's own folder and of its output.
//! The bytes are the same.

use crate::process::command;
use crate::remap::Place;
use crate::wasm::{self, Binary};
use crate::{files, notices, project, setup};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds the binaries whose names contain one of `filters` twice, and compares the files that the package has of them.
pub fn run(filters: &[String]) -> Result<()> {
    setup::wasm_target()?;
    let chosen: Result<Vec<_>> = filters.iter().map(|filter| wasm::chosen(filter)).collect();
    let chosen = chosen?.concat();
    let output = project::target("reproduce");
    files::remove_folder(&output)?;
    // Outside the repository, whose `.cargo/config.toml` would count a second time below it.
    let elsewhere = tempfile::tempdir()?;
    let sources = elsewhere.path().join("a/copy of the sources");
    copy_sources(&sources)?;
    let home = linked_home(&elsewhere.path().join("home"))?;
    let places = [
        Place { target: output.join("first"), ..Place::here() },
        Place { sources, target: output.join("the-second"), home },
    ];
    let [first, second] = places.map(|place| hashes(&chosen, &place));
    let (first, second) = (first?, second?);
    for (name, hash) in &first {
        let other = second.get(name).context("both builds have the same files")?;
        ensure!(hash == other, "two builds of {name} differ, and are left in {}: {hash} and {other}", output.display());
        println!("{name}: both builds have the SHA-256 {hash}");
    }
    files::remove_folder(&output)
}

/// Makes binaries at a place; returns the hashes of their files.
fn hashes(chosen: &[Binary], place: &Place) -> Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    for binary in chosen {
        for file in wasm::make(*binary, place, &place.target.join("dist"))? {
            let name = file.file_name().context("a file has a name")?.to_string_lossy().into_owned();
            hashes.insert(name, files::sha256(&file)?);
        }
    }
    Ok(hashes)
}

/// Copies what git knows or would add.
fn copy_sources(to: &Path) -> Result<()> {
    let names = notices::output(command("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    // A file that is no longer there is listed until that is committed.
    for name in names.split_terminator('\0').filter(|name| project::path(name).is_file()) {
        let file = to.join(name);
        fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        fs::copy(project::path(name), file)?;
    }
    Ok(())
}

/// Makes a link to cargo's own folder, so that crates seem to be elsewhere; `None` where there are no such links.
fn linked_home(link: &Path) -> Result<Option<PathBuf>> {
    #[cfg(unix)]
    {
        let usual = || env::home_dir().map(|home| home.join(".cargo"));
        let home =
            env::var_os("CARGO_HOME").map(PathBuf::from).or_else(usual).context("cargo has a folder of its own")?;
        std::os::unix::fs::symlink(home, link)?;
        Ok(Some(link.into()))
    }
    #[cfg(not(unix))]
    Ok(None)
}
