//! Up to date or not, hashes, sizes, copies.

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns all files at or under `path`; none if there is nothing.
pub fn under(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.flat_map(|entry| under(&entry.path())).collect();
    files.sort();
    files
}

fn times(paths: &[impl AsRef<Path>]) -> Vec<SystemTime> {
    let files = paths.iter().flat_map(|path| under(path.as_ref()));
    files.filter_map(|file| file.metadata().and_then(|meta| meta.modified()).ok()).collect()
}

/// Returns whether all of `output` is there and none of its files is older than any file of `inputs`.
pub fn is_fresh(output: &[impl AsRef<Path>], inputs: &[impl AsRef<Path>]) -> bool {
    let complete = output.iter().all(|path| path.as_ref().exists());
    match (times(output).into_iter().min(), times(inputs).into_iter().max()) {
        (Some(made), Some(changed)) => complete && made >= changed,
        (Some(_), None) => complete,
        (None, _) => false,
    }
}

/// Returns the SHA-256 of a file in hexadecimal.
pub fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    io::copy(&mut file, &mut hash).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Fails unless a file has this SHA-256.
pub fn must_be(file: &Path, sha256: &str) -> Result<()> {
    let found = self::sha256(file)?;
    ensure!(found == sha256, "{} came out as {found}, not as {sha256}", file.display());
    Ok(())
}

/// Returns the length of a file as it is and gzipped, in bytes.
pub fn sizes(path: &Path) -> Result<(u64, u64)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok((bytes.len() as u64, encoder.finish()?.len() as u64))
}

/// Makes `to` a copy of the folder `from`; what was at `to` before is gone.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    remove_folder(to)?;
    copy_over(from, to)
}

/// Copies a folder's files to another, which keeps those that it has besides.
pub fn copy_over(from: &Path, to: &Path) -> Result<()> {
    for file in under(from) {
        let target = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        // Reading and writing, rather than fs::copy, leaves read-only bits behind.
        fs::write(&target, fs::read(&file)?).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// Removes a folder if it is there.
pub fn remove_folder(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Lets `make` fill a folder beside `to`, then puts that in place of `to`, which is thus always complete.
pub fn make_folder(to: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = to.parent().context("a folder has a parent")?;
    fs::create_dir_all(parent)?;
    let name = to.file_name().context("a folder has a name")?.to_string_lossy();
    let unfinished = parent.join(format!(".unfinished-{name}"));
    remove_folder(&unfinished)?;
    make(&unfinished)?;
    remove_folder(to)?;
    fs::rename(&unfinished, to).with_context(|| format!("cannot put {} in place", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn write(path: &Path, age_in_seconds: u64) {
        fs::write(path, "x").unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age_in_seconds)).unwrap();
    }

    #[test]
    fn an_output_is_fresh_only_if_it_is_whole_and_younger_than_every_input() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (input, output, missing) = (at("input"), at("output"), at("missing"));
        write(&input, 50);
        assert!(!is_fresh(&[&output], &[&input]));
        write(&output, 100);
        assert!(!is_fresh(&[&output], &[&input]));
        write(&output, 10);
        assert!(is_fresh(&[&output], &[&input]));
        assert!(!is_fresh(&[&output, &missing], &[&input]));
    }

    #[test]
    fn a_folder_that_could_not_be_made_leaves_the_old_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("pack");
        make_folder(&to, |new| Ok(fs::create_dir(new).and_then(|()| fs::write(new.join("a"), "old"))?)).unwrap();
        let failed = make_folder(&to, |new| {
            fs::create_dir(new)?;
            anyhow::bail!("no")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(to.join("a")).unwrap(), "old");
        make_folder(&to, |new| Ok(fs::create_dir(new).and_then(|()| fs::write(new.join("b"), "new"))?)).unwrap();
        assert_eq!(under(&to), [to.join("b")]);
    }
}
