//! The files that are changed, and the commands that read them.

use std::fs;
use std::path::Path;

use felsic::pack::{PackOptions, WeightFormat};

use super::judge::{Makes, Run};
use crate::archive::Files;
use crate::random::Random;
use crate::targets::{index, pack};
use crate::{Mutate, mutate, seeds};

/// A kind of file.
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// Writes a case into an empty folder; returns what is run there.
    pub prepare: fn(&mut Random, &Sound, &Path) -> Vec<Run>,
}

/// What cases begin with.
pub struct Sound {
    checkpoints: Vec<Files>,
    packs: Vec<Files>,
    index: Files,
}

impl Sound {
    /// Makes it.
    pub fn make() -> Self {
        let checkpoints = ["tiny-silu", "tiny-gelu", "tiny-gemma", "tiny-bert", "tiny-roberta"];
        let mut packs = pack::packs();
        packs.push(f32_pack());
        Self { checkpoints: checkpoints.iter().map(|name| checkpoint(name)).collect(), packs, index: index::files() }
    }
}

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "config",
        prepare: |random, sound, at| checkpoint_with(random, sound, at, "config.json", mutate::json),
    },
    Kind {
        name: "tokenizer",
        prepare: |random, sound, at| checkpoint_with(random, sound, at, "tokenizer.json", mutate::json),
    },
    Kind {
        name: "weights",
        prepare: |random, sound, at| checkpoint_with(random, sound, at, "model.safetensors", mutate::safetensors),
    },
    Kind {
        name: "pooling",
        prepare: |random, sound, at| checkpoint_with(random, sound, at, "1_Pooling/config.json", mutate::json),
    },
    Kind { name: "modules", prepare: modules },
    Kind { name: "gguf", prepare: gguf },
    Kind { name: "tokenizer-pack", prepare: tokenizer_pack },
    Kind {
        name: "manifest",
        prepare: |random, sound, at| pack_with(random, sound, at, |name| name == "manifest.json"),
    },
    Kind {
        name: "compact-tokenizer",
        prepare: |random, sound, at| pack_with(random, sound, at, |name| name.starts_with("tokenizer")),
    },
    Kind {
        name: "shard",
        prepare: |random, sound, at| pack_with(random, sound, at, |name| name.ends_with(".safetensors")),
    },
    Kind { name: "lines", prepare: lines },
    Kind { name: "parquet", prepare: parquet },
    Kind { name: "index", prepare: index_files },
    Kind { name: "goldens", prepare: goldens },
];

/// Texts that models of changed files embed.
const TEXTS: &str = "\"a cat\"\n\"Two <s> words, äöü 漢字 don't.\"\n\"\"\n";

/// Returns the files of a checkpoint, with those in its one folder.
fn checkpoint(name: &str) -> Files {
    let folder = seeds::model(name);
    let mut files = seeds::folder(&folder);
    let inner = seeds::folder(&folder.join("1_Pooling"));
    files.extend(inner.into_iter().map(|(name, bytes)| (format!("1_Pooling/{name}"), bytes)));
    files
}

/// Returns a pack that is not quantised.
fn f32_pack() -> Files {
    let folder = tempfile::tempdir().expect("a folder");
    let options = PackOptions { weights: WeightFormat::F32, table: WeightFormat::F32, ..PackOptions::default() };
    let out = folder.path().join("pack");
    felsic::pack::pack(&seeds::model("tiny-gelu"), &out, &options, &mut |_| ()).expect("a pack");
    seeds::folder(&out)
}

/// Writes files into a folder. Names that a change made, and that lead elsewhere, are left out.
fn write(files: &Files, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        let (outer, plain) = name.split_once('/').unwrap_or(("", name));
        if plain.is_empty()
            || plain.starts_with('.')
            || plain.contains(['/', '\0'])
            || plain.len() > 200
            || outer.starts_with('.')
        {
            continue;
        }
        fs::create_dir_all(folder.join(outer)).expect("a folder");
        fs::write(folder.join(outer).join(plain), bytes).expect("written");
    }
}

/// Changes some bytes one to three times.
fn changed(random: &mut Random, mut bytes: Vec<u8>, change: Mutate) -> Vec<u8> {
    for _ in 0..=random.below(3) {
        bytes = change(random, bytes, &[]);
    }
    bytes
}

fn run(arguments: &[&str], makes: Makes) -> Run {
    Run { arguments: arguments.iter().map(|argument| argument.to_string()).collect(), makes }
}

/// Embeds the texts with a model in the folder.
fn embed(folder: &Path, model: &str) -> Vec<Run> {
    fs::write(folder.join("texts.jsonl"), TEXTS).expect("written");
    vec![run(&["embed", "texts.jsonl", "--model", model, "--threads", "1"], Makes::Vectors)]
}

fn checkpoint_with(random: &mut Random, sound: &Sound, folder: &Path, file: &str, change: Mutate) -> Vec<Run> {
    let mut files = random.pick(&sound.checkpoints).clone();
    let bytes = files.remove(file).unwrap_or_default();
    files.insert(file.into(), changed(random, bytes, change));
    write(&files, &folder.join("model"));
    embed(folder, "model")
}

fn modules(random: &mut Random, sound: &Sound, folder: &Path) -> Vec<Run> {
    let names =
        ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "tokenizer_config.json"];
    let name = *random.pick(&names);
    checkpoint_with(random, sound, folder, name, mutate::json)
}

fn gguf(random: &mut Random, _: &Sound, folder: &Path) -> Vec<Run> {
    let name = *random.pick(&["tiny-silu-q8_0", "tiny-silu-q4_0", "tiny-silu-f16", "tiny-bert-f16", "tiny-gelu-mixed"]);
    let bytes = seeds::file(&format!("tests/fixtures/gguf/{name}.gguf"));
    // Most of a file is numbers, which may be any: half of the changes are in front of them.
    let head = if random.one_in(2) { bytes.len() } else { bytes.len().min(6000) };
    let mut made = changed(random, bytes[..head].to_vec(), mutate::bytes);
    made.extend(&bytes[head..]);
    fs::write(folder.join("model.gguf"), made).expect("written");
    embed(folder, "model.gguf")
}

/// A checkpoint with a changed tokenizer, and its f32 pack: what both embed has to be alike.
fn tokenizer_pack(random: &mut Random, sound: &Sound, folder: &Path) -> Vec<Run> {
    let mut runs = checkpoint_with(random, sound, folder, "tokenizer.json", mutate::json);
    runs.push(run(&["pack", "model", "pack", "--weights", "f32", "--table", "f32"], Makes::Files));
    runs.push(run(&["embed", "texts.jsonl", "--model", "pack", "--threads", "1"], Makes::Vectors));
    runs
}

/// Changes a file of a pack that fits, and gives the manifest its length and hash.
fn pack_with(random: &mut Random, sound: &Sound, folder: &Path, fits: fn(&str) -> bool) -> Vec<Run> {
    let mut files = random.pick(&sound.packs).clone();
    let names: Vec<String> = files.keys().filter(|name| fits(name)).cloned().collect();
    let name = random.pick(&names).clone();
    let change: Mutate = match name.rsplit('.').next() {
        Some("json") => mutate::json,
        Some("safetensors") => mutate::safetensors,
        _ => mutate::bytes,
    };
    let bytes = files.remove(&name).unwrap_or_default();
    files.insert(name, changed(random, bytes, change));
    pack::vouch(&mut files);
    write(&files, &folder.join("model"));
    embed(folder, "model")
}

fn lines(random: &mut Random, _: &Sound, folder: &Path) -> Vec<Run> {
    let sound = "\"a text\"\n{\"id\":\"1\",\"text\":\"x\"}\n{\"text\":\"y\",\"other\":[1,{}]}\n\"last\"";
    let is_plain = random.one_in(3);
    let change: Mutate = if is_plain { mutate::text } else { mutate::json_lines };
    let name = if is_plain { "in.txt" } else { "in.jsonl" };
    fs::write(folder.join(name), changed(random, sound.as_bytes().to_vec(), change)).expect("written");
    vec![run(&["embed", name, "--threads", "1"], Makes::Vectors)]
}

fn parquet(random: &mut Random, _: &Sound, folder: &Path) -> Vec<Run> {
    let name = *random.pick(&["fixed", "list", "zstd"]);
    let bytes = seeds::file(&format!("tests/fixtures/search/vectors-{name}.parquet"));
    fs::write(folder.join("in.parquet"), changed(random, bytes, mutate::bytes)).expect("written");
    vec![run(&["embed", "in.parquet", "--threads", "1"], Makes::Vectors)]
}

/// An index that `felsic index` brings up to date.
fn index_files(random: &mut Random, sound: &Sound, folder: &Path) -> Vec<Run> {
    let mut files = sound.index.clone();
    let names: Vec<String> = files.keys().cloned().collect();
    let name = random.pick(&names).clone();
    let change: Mutate = if name.ends_with(".json") { mutate::json } else { mutate::bytes };
    let bytes = files.remove(&name).unwrap_or_default();
    files.insert(name, changed(random, bytes, change));
    index::vouch(&mut files);
    write(&files, &folder.join("out"));
    // The name of the folder is a part of the space of its vectors.
    write(&sound.checkpoints[0], &folder.join("tiny-silu"));
    write(&index::documents(), &folder.join("documents"));
    vec![run(
        &["index", "documents", "out", "--update", "--fine", "--model", "tiny-silu", "--threads", "1"],
        Makes::Files,
    )]
}

fn goldens(random: &mut Random, sound: &Sound, folder: &Path) -> Vec<Run> {
    let bytes = seeds::file("tests/fixtures/goldens/tiny-bert-mean.json");
    fs::write(folder.join("goldens.json"), changed(random, bytes, mutate::json)).expect("written");
    write(&sound.checkpoints[3], &folder.join("model"));
    vec![run(&["verify", "--goldens", "goldens.json", "--model", "model"], Makes::Comparison)]
}
