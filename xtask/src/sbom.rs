//! What the npm package is made of, as CycloneDX, and what it was built from, as SLSA provenance: files for whoever publishes it to sign
//! and to put beside it.

use crate::notices::{self, Work};
use crate::process::command;
use crate::{files, project};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes both files into `target/sbom`. The package must be built.
pub fn write() -> Result<()> {
    let (tarball, folder) = (tarball()?, project::target("sbom"));
    fs::create_dir_all(&folder)?;
    for (name, json) in [("felsic.cdx.json", bill(&tarball)?), ("felsic.provenance.json", provenance(&tarball)?)] {
        let file = folder.join(name);
        fs::write(&file, format!("{json:#}\n"))?;
        println!("{}", file.display());
    }
    Ok(())
}

/// Returns the packed package.
fn tarball() -> Result<PathBuf> {
    let found = files::under(&project::target("npm-package"));
    ensure!(found.len() == 1, "target/npm-package has to hold one file; run `cargo xtask build`");
    Ok(found[0].clone())
}

/// Lists the crates and npm packages whose code is in the package.
fn bill(tarball: &Path) -> Result<Value> {
    let checksums = checksums(&fs::read_to_string(project::path("Cargo.lock"))?);
    let lock: Value = serde_json::from_str(&fs::read_to_string(project::path("package-lock.json"))?)?;
    let package: Value = serde_json::from_str(&fs::read_to_string(project::path("pkg/package.json"))?)?;
    let mut components = Vec::new();
    for work in notices::crates()? {
        let hash = checksums.get(&(work.name.clone(), work.version.clone()));
        let hash = hash.with_context(|| format!("Cargo.lock has no checksum of {} {}", work.name, work.version))?;
        components.push(component("cargo", &work, json!([{ "alg": "SHA-256", "content": hash }])));
    }
    for work in notices::npm_packages()? {
        let integrity = &lock["packages"][format!("node_modules/{}", work.name)]["integrity"];
        let integrity =
            integrity.as_str().with_context(|| format!("package-lock.json has no integrity of {}", work.name))?;
        let mut component = component("npm", &work, json!([]));
        component["properties"] = json!([{ "name": "npm:integrity", "value": integrity }]);
        components.push(component);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": "felsic",
                "name": package["name"],
                "version": package["version"],
                "licenses": [{ "expression": package["license"] }],
                "hashes": [{ "alg": "SHA-256", "content": files::sha256(tarball)? }],
            },
        },
        "components": components,
    }))
}

fn component(registry: &str, work: &Work, hashes: Value) -> Value {
    let url = format!("pkg:{registry}/{}@{}", work.name.replace('@', "%40"), work.version);
    // Crates once wrote "A/B" where SPDX has "A OR B".
    let licence = work.licence.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" ");
    let licence = match licence.strip_prefix("see ") {
        Some(file) => json!([{ "license": { "name": file } }]),
        None => json!([{ "expression": licence }]),
    };
    let mut component = json!({
        "type": "library", "bom-ref": url, "purl": url, "name": work.name, "version": work.version,
        "licenses": licence, "hashes": hashes,
    });
    if !work.source.is_empty() {
        component["externalReferences"] = json!([{ "type": "vcs", "url": work.source }]);
    }
    component
}

/// Returns the SHA-256 of each crate of a `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let of = |package: &str| {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
            line.map(|value| value.trim_matches('"').to_string())
        };
        Some(((field("name")?, field("version")?), field("checksum")?))
    };
    lock.split("[[package]]").filter_map(of).collect()
}

/// Says what the package was built from, and with what.
fn provenance(tarball: &Path) -> Result<Value> {
    let asked = |program: &str, args: &[&str]| -> Result<String> {
        Ok(notices::output(command(program, args))?.trim().to_string())
    };
    let changed = !asked("git", &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let inputs = ["Cargo.lock", "package-lock.json", "rust-toolchain.toml", ".cargo/config.toml"];
    let inputs = inputs.map(|name| -> Result<Value> {
        Ok(json!({ "name": name, "digest": { "sha256": files::sha256(&project::path(name))? } }))
    });
    let mut sources =
        vec![json!({ "name": "felsic", "digest": { "gitCommit": asked("git", &["rev-parse", "HEAD"])? } })];
    for input in inputs {
        sources.push(input?);
    }
    let mut subjects = vec![subject(tarball)?];
    for file in files::under(&project::target("package/dist"))
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "wasm"))
    {
        subjects.push(subject(file)?);
    }
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "cargo xtask build",
                "externalParameters": { "sourceHasChanges": changed },
                "internalParameters": {
                    "rustc": asked("rustc", &["--version"])?,
                    "node": asked("node", &["--version"])?,
                    "npm": asked("npm", &["--version"])?,
                },
                "resolvedDependencies": sources,
            },
            "runDetails": { "builder": { "id": "a checkout of the repository" } },
        },
    }))
}

fn subject(file: &Path) -> Result<Value> {
    let name = file.file_name().context("a file has a name")?.to_string_lossy();
    Ok(json!({ "name": name, "digest": { "sha256": files::sha256(file)? } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_a_registry_have_checksums() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\
            source = \"registry\"\nchecksum = \"abc\"\ndependencies = [\n \"b\",\n]\n";
        let found = checksums(lock);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&("a".to_string(), "1.2.3".to_string())], "abc");
    }
}
