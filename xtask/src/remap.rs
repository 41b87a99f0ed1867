//! Paths that the compiler writes into a binary, for messages of panics and of macros: they are made the same for every checkout, every folder of
//! cargo's and every registry, so that all machines with the same compiler build the same bytes.

use crate::process;
use crate::wasm::TRIPLE;
use crate::{notices, project};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where binaries are built.
pub struct Place {
    /// The sources.
    pub sources: PathBuf,
    /// Cargo's output.
    pub target: PathBuf,
    /// Cargo's own folder, if it is not the usual one.
    pub home: Option<PathBuf>,
}

impl Place {
    /// Returns the repository, with its usual output.
    pub fn here() -> Self {
        Self { sources: project::root().into(), target: project::target("").components().collect(), home: None }
    }

    /// Returns cargo with arguments, to be run there.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = process::cargo(args);
        cargo.current_dir(&self.sources).env("CARGO_TARGET_DIR", &self.target);
        cargo.envs(self.home.iter().map(|home| ("CARGO_HOME", home)));
        cargo
    }
}

/// Returns arguments of cargo that have the compiler rename folders in what it writes. They add to the flags of `.cargo/config.toml`.
pub fn flags(place: &Place) -> Result<[String; 2]> {
    let metadata = notices::output(place.cargo(&["metadata", "--format-version", "1", "--filter-platform", TRIPLE]))?;
    let flags: Vec<String> = prefixes(&serde_json::from_str(&metadata)?)?
        .into_iter()
        .map(|(folder, name)| format!("--remap-path-prefix={folder}={name}"))
        .collect();
    // A list of strings in JSON is one in TOML, too.
    Ok(["--config".into(), format!("target.{TRIPLE}.rustflags={}", serde_json::to_string(&flags)?)])
}

/// Returns folders and what they are called: the sources, whatever crates lie in, and cargo's output, where build scripts write sources. The
/// last that fits counts.
fn prefixes(metadata: &Value) -> Result<Vec<(String, &'static str)>> {
    let text =
        |name: &str| metadata[name].as_str().map(str::to_string).with_context(|| format!("cargo names no {name}"));
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let foreign = packages.iter().filter(|package| !package["source"].is_null());
    // The name of a registry's folder is made from its address.
    let folder =
        |package: &Value| Some(Path::new(package["manifest_path"].as_str()?).parent()?.parent()?.to_path_buf());
    let folders: BTreeSet<PathBuf> = foreign.filter_map(folder).collect();
    let crates = folders.iter().map(|folder| (folder.display().to_string(), "crates"));
    let own = [(text("workspace_root")?, "")];
    Ok(own.into_iter().chain(crates).chain([(text("target_directory")?, "target")]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_folder_of_crates_is_renamed_and_own_ones_are_not() {
        let at = |source: Option<&str>, path: &str| json!({ "source": source, "manifest_path": path });
        let registry = Some("registry+https://a.registry/index");
        let metadata = json!({
            "workspace_root": "/home/me/felsic",
            "target_directory": "/home/me/felsic/target",
            "packages": [
                at(None, "/home/me/felsic/search/Cargo.toml"),
                at(registry, "/home/me/.cargo/registry/src/a-1/half-2.7.1/Cargo.toml"),
                at(registry, "/home/me/.cargo/registry/src/a-1/burn-0.22.1/Cargo.toml"),
                at(registry, "/home/me/felsic/vendor/serde/Cargo.toml"),
            ],
        });
        let found = prefixes(&metadata).unwrap();
        let wanted = [
            ("/home/me/felsic", ""),
            ("/home/me/.cargo/registry/src/a-1", "crates"),
            ("/home/me/felsic/vendor", "crates"),
            ("/home/me/felsic/target", "target"),
        ];
        assert_eq!(found, wanted.map(|(folder, name)| (folder.to_string(), name)));
        assert!(prefixes(&json!({ "packages": [] })).is_err());
    }
}
