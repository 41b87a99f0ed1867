//! `THIRD-PARTY-NOTICES.txt` of the npm package: the licences of the crates whose code is in the WebAssembly, and of the npm packages
//! whose code is in the scripts.

use crate::process::cargo;
use crate::wasm::{self, Binary};
use crate::{files, project, setup};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sources of the notices, as paths in the repository.
const INPUTS: [&str; 8] = [
    "Cargo.toml",
    "search/Cargo.toml",
    "search/cut/Cargo.toml",
    "search/scan/Cargo.toml",
    "Cargo.lock",
    "package-lock.json",
    "rust-toolchain.toml",
    "xtask/src/notices.rs",
];

/// The npm packages that are bundled into the scripts of `pkg/dist`.
const BUNDLED: [&str; 10] = [
    "hyparquet",
    "hyparquet-writer",
    "is-any-array",
    "minisearch",
    "ml-array-max",
    "ml-array-min",
    "ml-array-rescale",
    "ml-levenberg-marquardt",
    "ml-matrix",
    "umap-js",
];

const INTRODUCTION: &str = "\
The WebAssembly binaries and the scripts of felsic contain code of the works listed here, each under the licence named beside it.
Where a work offers several licences, it is used under the one whose text is given. Texts that several works share are
given once, after the list of these works.
";

/// How the names of files with a licence begin.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// A crate, an npm package, or the standard library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work {
    pub name: String,
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
    authors: String,
    /// Where its source is, if it says so.
    pub source: String,
    folder: PathBuf,
}

/// Writes the notices into `pkg/`, unless they are up to date.
pub fn write() -> Result<()> {
    let file = project::path("pkg/THIRD-PARTY-NOTICES.txt");
    if files::is_fresh(&[&file], &INPUTS.map(project::path)) {
        return Ok(());
    }
    let mut works = crates()?;
    works.extend(npm_packages()?);
    // The indentation of licences, of Apache's above all, is 2 % of the file.
    let lines = text(&works)?.lines().map(|line| format!("{}\n", line.trim())).collect::<String>();
    Ok(fs::write(file, lines)?)
}

/// Returns the crates whose code is in the binaries.
pub fn crates() -> Result<BTreeSet<Work>> {
    let metadata = output(cargo(["metadata", "--format-version", "1", "--locked", "--all-features"]))?;
    let metadata = serde_json::from_str(&metadata)?;
    let mut works = BTreeSet::new();
    for binary in Binary::ALL {
        works.extend(linked(&tree(binary)?, &metadata)?);
    }
    Ok(works)
}

/// Returns the npm packages whose code is in the scripts.
pub fn npm_packages() -> Result<BTreeSet<Work>> {
    setup::npm_packages(project::root())?;
    BUNDLED.iter().map(|name| npm_work(&project::path("node_modules").join(name))).collect()
}

/// Returns what a command prints, if it succeeds.
pub fn output(mut command: Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Lists the crates that a binary is linked with, one a line, without those only for build scripts, macros or tests.
fn tree(binary: Binary) -> Result<String> {
    let package = binary.package();
    let what = ["tree", "--locked", "--package", package, "--edges", "normal,no-proc-macro", "--no-default-features"];
    let form = ["--prefix", "none", "--no-dedupe", "--format", "{p}", "--target", wasm::TRIPLE];
    let mut tree = cargo(what);
    tree.args(form).args(["--features", &binary.features()]);
    output(tree)
}

/// Returns the works of `tree`, as `metadata` knows them, without felsic's own crates.
fn linked(tree: &str, metadata: &Value) -> Result<Vec<Work>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let lines: BTreeSet<&str> = tree.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut works = Vec::new();
    for line in lines {
        let (name, version) = line.split_once(" v").with_context(|| format!("{line:?} names no version"))?;
        let version = version.split_whitespace().next().unwrap_or_default();
        let is_it = |package: &&Value| package["name"] == name && package["version"] == version;
        let package = packages.iter().find(is_it).with_context(|| format!("{name} {version} is not listed"))?;
        // felsic's own come from its folder, not from a registry.
        if !package["source"].is_null() {
            works.push(work(package)?);
        }
    }
    Ok(works)
}

fn work(package: &Value) -> Result<Work> {
    let text = |field: &str| package[field].as_str().map(str::to_string);
    let name = text("name").context("a package without a name")?;
    // Some name a file in place of an expression; its text says what the licence is.
    let in_file = || text("license_file").map(|file| format!("see {file}"));
    let licence = text("license").or_else(in_file).with_context(|| format!("{name} names no licence"))?;
    let manifest = PathBuf::from(text("manifest_path").context("a package without a manifest")?);
    let authors: Vec<&str> = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok(Work {
        version: text("version").context("a package without a version")?,
        licence,
        authors: authors.join(", "),
        source: text("repository").unwrap_or_default(),
        folder: manifest.parent().context("a manifest has a folder")?.to_path_buf(),
        name,
    })
}

/// Returns the npm package in a folder.
fn npm_work(folder: &Path) -> Result<Work> {
    let file = folder.join("package.json");
    let json = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let package: Value = serde_json::from_str(&json)?;
    // Author and repository are a text, or an object that has it.
    let text = |field: &str, inner: &str| {
        package[field].as_str().or_else(|| package[field][inner].as_str()).unwrap_or_default().to_string()
    };
    let needed = |field: &str| {
        package[field].as_str().map(str::to_string).with_context(|| format!("{} has no {field}", file.display()))
    };
    Ok(Work {
        name: needed("name")?,
        version: needed("version")?,
        licence: needed("license")?,
        authors: text("author", "name"),
        source: text("repository", "url"),
        folder: folder.to_path_buf(),
    })
}

/// Makes the whole file: each text once, after the works that it belongs to.
fn text(works: &BTreeSet<Work>) -> Result<String> {
    let mut by_text: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for work in works {
        let line = format!("{} {} ({})", work.name, work.version, work.licence);
        for text in texts(work)? {
            // Copies of a licence break its lines in different places.
            let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
            by_text.entry(key).or_insert_with(|| (text, Vec::new())).1.push(line.clone());
        }
    }
    let mut sections: Vec<(String, Vec<String>)> = by_text.into_values().collect();
    sections.sort_by(|a, b| a.1.cmp(&b.1));
    let rule = "-".repeat(100);
    let section =
        |(text, works): &(String, Vec<String>)| format!("{rule}\n\n{}\n\n{}\n", works.join("\n"), text.trim());
    let standard =
        "The standard library of Rust, by the Rust Project, is used under Apache-2.0, whose text is in LICENSE.\n";
    Ok(format!("{INTRODUCTION}{standard}\n{}", sections.iter().map(section).collect::<Vec<_>>().join("\n")))
}

/// Returns the texts that a work is used under: only MIT's where MIT is one of several offers, else all that it brings.
fn texts(work: &Work) -> Result<Vec<String>> {
    let is_choice = work.licence.contains("OR") || work.licence.contains('/');
    let offers_mit = is_choice && !work.licence.contains("AND") && work.licence.contains("MIT");
    let all = licence_files(&work.folder)?;
    let is_mit = |path: &&PathBuf| {
        path.to_string_lossy().to_uppercase().ends_with("MIT")
            || path.to_string_lossy().to_uppercase().contains("LICENSE-MIT")
    };
    let mit: Vec<&PathBuf> = all.iter().filter(is_mit).collect();
    let chosen = if offers_mit && !mit.is_empty() { mit } else { all.iter().collect() };
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let texts: Vec<String> = chosen.into_iter().map(read).collect::<Result<_>>()?;
    if !texts.is_empty() {
        return Ok(texts);
    }
    // Crates of a workspace often leave the file out of what they publish.
    let holder = if work.authors.is_empty() { format!("the authors of {}", work.name) } else { work.authors.clone() };
    match work.licence.as_str() {
        licence if licence == "MIT" || offers_mit => Ok(vec![format!("Copyright (c) {holder}\n\n{MIT}")]),
        licence if licence.contains("Apache-2.0") => {
            Ok(vec![fs::read_to_string(project::path("LICENSE")).context("felsic's own licence is Apache-2.0")?])
        }
        "MPL-2.0" => Ok(vec![format!(
            "Copyright (c) {holder}\n\nThis work is subject to the terms of the Mozilla Public License, v. 2.0, which can be \
             obtained at https://mozilla.org/MPL/2.0/.\nIts source, unchanged here, is at {}.",
            work.source
        )]),
        other => bail!("{} is under {other} and brings no text of it", work.name),
    }
}

/// Returns the files with a licence at the root of a crate.
fn licence_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && NAMES.iter().any(|start| name.starts_with(start))
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_licence).collect();
    found.sort();
    Ok(found)
}

const MIT: &str = "\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software
is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(licence: Option<&str>) -> Value {
        let package = |name: &str, licence, source: Option<&str>| {
            let manifest = format!("/crates/{name}/Cargo.toml");
            json!({
                "name": name, "version": "1.0.0", "license": licence, "authors": ["A"], "manifest_path": manifest, "source": source,
            })
        };
        let [all, cut, search] = ["felsic", "felsic-cut", "felsic-search"].map(|name| package(name, Some("MIT"), None));
        let [linked, tested] = [("linked", licence), ("tested", Some("MIT"))]
            .map(|(name, licence)| package(name, licence, Some("registry")));
        json!({ "packages": [all, cut, search, linked, tested] })
    }

    const TREE: &str = "felsic v1.0.0 (/repository)\nfelsic-search v1.0.0 (/repository/search)\n\
        felsic-cut v1.0.0 (/repository/search/cut)\nlinked v1.0.0\nlinked v1.0.0\n";

    #[test]
    fn what_is_linked_is_named_once_and_nothing_else() {
        let works = linked(TREE, &metadata(Some("ISC"))).unwrap();
        let names: Vec<&str> = works.iter().map(|work| work.name.as_str()).collect();
        assert_eq!(names, ["linked"]);
        assert!(linked("linked v1.0.1\n", &metadata(Some("ISC"))).unwrap_err().to_string().contains("is not listed"));
    }

    #[test]
    fn a_crate_without_a_licence_stops_the_build() {
        assert!(linked(TREE, &metadata(None)).unwrap_err().to_string().contains("linked names no licence"));
    }

    #[test]
    fn an_npm_package_is_named_with_its_licence_and_stops_the_build_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let write = |json: Value| fs::write(folder.path().join("package.json"), json.to_string()).unwrap();
        write(json!({ "name": "a", "version": "1.2.3", "license": "MIT", "author": { "name": "A. Uthor" } }));
        fs::write(folder.path().join("LICENSE.txt"), "Permission is granted.").unwrap();
        let text = text(&BTreeSet::from([npm_work(folder.path()).unwrap()])).unwrap();
        assert!(text.contains("a 1.2.3 (MIT)") && text.contains("Permission is granted."));

        write(json!({ "name": "a", "version": "1.2.3" }));
        assert!(npm_work(folder.path()).unwrap_err().to_string().contains("no license"));
        assert!(npm_work(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_text_that_several_works_share_is_given_once_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut works = BTreeSet::new();
        for (name, text) in [("a", "Permission is\ngranted."), ("b", "Permission is granted.\n"), ("c", "Another.")] {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("LICENSE-MIT"), text).unwrap();
            fs::write(folder.join("LICENSE-APACHE"), "never shown").unwrap();
            let (version, licence) = ("1.0.0".to_string(), "MIT OR Apache-2.0".to_string());
            works.insert(Work {
                name: name.to_string(),
                version,
                licence,
                authors: String::new(),
                source: String::new(),
                folder,
            });
        }
        let text = text(&works).unwrap();
        assert_eq!(text.matches("granted.").count(), 1);
        assert!(text.contains("a 1.0.0 (MIT OR Apache-2.0)\nb 1.0.0") && text.contains("Another."));
        assert!(!text.contains("never shown"));

        let work = Work { licence: "Zlib".to_string(), ..works.first().unwrap().clone() };
        fs::remove_file(work.folder.join("LICENSE-MIT")).unwrap();
        fs::remove_file(work.folder.join("LICENSE-APACHE")).unwrap();
        assert!(texts(&work).unwrap_err().to_string().contains("Zlib"));
    }
}
