//! The packs that tests, demo and benchmark load, under `target/test-packs`.

use crate::checkpoints::Seeded;
use crate::process::{command, run};
use crate::{files, project, setup, trained};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The checkpoints in the repository.
pub const FIXTURES: [&str; 3] = ["tiny-silu", "tiny-gelu", "tiny-gemma"];

/// Those of BERT's architecture.
pub const BERTS: [&str; 3] = ["tiny-bert", "tiny-roberta", "tiny-xlmr"];

/// How a pack stores its weights.
#[derive(Clone, Copy)]
pub enum Format {
    F32,
    Int8,
    Int4,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        }
    }
}

/// Returns a fixture's folder.
pub fn fixture(name: &str) -> PathBuf {
    project::path(&format!("tests/fixtures/models/{name}"))
}

/// Packs a checkpoint unless `out` is newer than both it and the command line that packs it.
fn pack(felsic: &Path, checkpoint: &Path, format: Format, out: &Path) -> Result<()> {
    if files::is_fresh(&[&out.join("manifest.json")], &[checkpoint, felsic]) {
        return Ok(());
    }
    files::make_folder(out, |new| {
        let mut pack = command(felsic, ["pack"]);
        run(pack.arg(checkpoint).arg(new).args(["--weights", format.name(), "--table", format.name()]))
    })
}

pub fn pack_as(felsic: &Path, checkpoint: &Path, format: Format, name: &str) -> Result<PathBuf> {
    let out = project::target(&format!("test-packs/{name}"));
    pack(felsic, checkpoint, format, &out).with_context(|| format!("cannot make the pack {name}"))?;
    Ok(out)
}

/// Makes a fixture with a limit of 32 tokens, which short texts reach.
fn short_checkpoint() -> Result<PathBuf> {
    let folder = project::target("checkpoints/tiny-silu-short");
    let from = fixture("tiny-silu");
    if files::is_fresh(&[&folder.join("sentence_bert_config.json")], &[&from]) {
        return Ok(folder);
    }
    files::make_folder(&folder, |new| {
        files::copy_folder(&from, new)?;
        let file = new.join("sentence_bert_config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file)?)?;
        config["max_seq_length"] = 32.into();
        Ok(fs::write(&file, serde_json::to_vec_pretty(&config)?)?)
    })?;
    Ok(folder)
}

/// Makes a fixture with linear layers behind its pooling.
fn dense_checkpoint() -> Result<PathBuf> {
    let folder = project::target("checkpoints/tiny-bert-dense");
    let sources = [fixture("tiny-bert"), project::path("tests/fixtures/dense")];
    if files::is_fresh(&[&folder.join("3_Dense/model.safetensors")], &sources) {
        return Ok(folder);
    }
    files::make_folder(&folder, |new| sources.iter().try_for_each(|from| files::copy_over(from, new)))?;
    Ok(folder)
}

fn seeded(name: &str) -> Result<PathBuf> {
    let checkpoint = Seeded::named(name).with_context(|| format!("there is no checkpoint {name}"))?.make()?;
    pack_as(&setup::felsic()?, &checkpoint, Format::Int8, &format!("{name}-int8"))
}

/// Makes all packs of the tests; with `large`, those of all shapes.
pub fn all(large: bool) -> Result<()> {
    let felsic = setup::felsic()?;
    for name in FIXTURES.into_iter().chain(BERTS) {
        for format in [Format::F32, Format::Int8, Format::Int4] {
            pack_as(&felsic, &fixture(name), format, &format!("{name}-{}", format.name()))?;
        }
    }
    pack_as(&felsic, &short_checkpoint()?, Format::F32, "tiny-silu-short")?;
    pack_as(&felsic, &dense_checkpoint()?, Format::Int8, "tiny-bert-dense-int8")?;
    for name in ["tiny-silu-q8_0", "tiny-xlmr-f16"] {
        pack_as(&felsic, &project::path(&format!("tests/fixtures/gguf/{name}.gguf")), Format::Int8, name)?;
    }
    for seeded in crate::checkpoints::SEEDED.iter().filter(|seeded| large || seeded.name == "granite-97m") {
        pack_as(&felsic, &seeded.make()?, Format::Int8, &format!("{}-int8", seeded.name))?;
    }
    println!("Packs are in target/test-packs.");
    Ok(())
}

/// Returns the pack for what a user names: a fixture, a seeded shape, all-minilm-l6-v2, a checkpoint folder or a pack.
pub fn find(model: &str) -> Result<PathBuf> {
    if FIXTURES.contains(&model) || BERTS.contains(&model) {
        return pack_as(&setup::felsic()?, &fixture(model), Format::Int8, &format!("{model}-int8"));
    }
    if Seeded::named(model).is_some() {
        return seeded(model);
    }
    if model == trained::NAME {
        return pack_as(&setup::felsic()?, &trained::checkpoint()?, Format::Int8, &format!("{model}-int8"));
    }
    let folder = fs::canonicalize(model).with_context(|| format!("{model} is neither a folder nor a known name"))?;
    if folder.join("manifest.json").is_file() {
        return Ok(folder);
    }
    if !folder.join("config.json").is_file() {
        bail!("{model} is neither a pack (manifest.json) nor a checkpoint (config.json)");
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let out = project::target(&format!("demo-packs/{name}"));
    pack(&setup::felsic()?, &folder, Format::Int8, &out)?;
    Ok(out)
}
