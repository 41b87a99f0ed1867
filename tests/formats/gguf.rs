//! GGUF files: the values, ids and vectors that others have of them, and the packs that are made of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use felsic::embedder::Embedder;
use felsic::error::{Code, Result};
use felsic::model::DeviceKind;
use felsic::pack::{PackOptions, Packer, WeightFormat, pack};
use felsic::source::{gguf, open_checkpoint, open_model, read_config};
use felsic::tokenizer::{Tokenizer, TokenizerSettings, compact};
use felsic::weights::gguf::{Contents, Header};
use felsic::weights::safetensors::Entry;
use felsic::weights::{ElementType, Tensors};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::gguf_file::{self, Gguf};
use crate::packer::InMemory;
use crate::support::*;

/// The files, and the checkpoint that each was made of, where there is one.
const FILES: [(&str, Option<&str>); 8] = [
    ("tiny-silu-f16.gguf", Some("tiny-silu")),
    ("tiny-silu-q8_0.gguf", Some("tiny-silu")),
    ("tiny-silu-q4_0.gguf", Some("tiny-silu")),
    ("tiny-gelu-mixed.gguf", Some("tiny-gelu")),
    ("tiny-bert-f16.gguf", Some(BERT)),
    ("tiny-roberta-q8_0.gguf", Some(ROBERTA)),
    ("tiny-xlmr-f16.gguf", Some(XLM_ROBERTA)),
    ("wide-k.gguf", None),
];

fn file(name: &str) -> PathBuf {
    fixture("gguf").join(name)
}

fn goldens() -> Value {
    serde_json::from_slice(&fs::read(file("goldens.json")).expect("a fixture")).expect("JSON")
}

fn contents(file: &[u8]) -> Contents {
    let mut header = Header::new(Some(file.len() as u64));
    let mut rest = file;
    loop {
        let (taken, contents) = header.take(rest).expect("a sound file");
        rest = &rest[taken..];
        if let Some(contents) = contents {
            return contents;
        }
    }
}

fn bytes_of<'b>(file: &'b [u8], contents: &Contents, entry: &Entry) -> &'b [u8] {
    &file[contents.length() + entry.start..][..entry.bytes]
}

fn floats(texts: &Value) -> Vec<Vec<f32>> {
    let bytes = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().expect("base64"));
    let floats = |text: &Value| {
        bytes(text).expect("base64").as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
    };
    texts.as_array().expect("a list").iter().map(floats).collect()
}

fn embed(path: &Path, texts: &Value) -> Vec<Vec<f32>> {
    let parts = pollster::block_on(open_model(path, &mut |_| ())).expect("a model");
    let engine: Embedder = engine_of(parts, DeviceKind::Cpu);
    let texts: Vec<&str> = texts.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let embedded = engine.embed(&texts).expect("vectors");
    embedded.vectors().map(<[f32]>::to_vec).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn every_value_is_that_of_the_reference_to_the_bit() {
    let goldens = goldens();
    let mut types = BTreeMap::new();
    for (name, wanted) in goldens["widened"].as_object().expect("an object") {
        let file = fs::read(file(name)).expect("a fixture");
        let contents = contents(&file);
        assert_eq!(contents.tensors().len(), wanted.as_object().expect("an object").len(), "{name}");
        for (tensor, entry) in contents.tensors() {
            let values = entry.widen(tensor, bytes_of(&file, &contents, entry)).expect("values");
            assert_eq!(values.len(), entry.shape.iter().product::<usize>());
            let mut hash = Sha256::new();
            values.iter().for_each(|value| hash.update(value.to_le_bytes()));
            assert_eq!(wanted[tensor], format!("{:x}", hash.finalize()), "{name}: {tensor}");
            *types.entry(entry.dtype.clone()).or_insert(0) += 1;
        }
    }
    assert_eq!(types.len(), 11, "{types:?}");
}

#[test]
fn the_settings_are_those_of_the_checkpoint() {
    for (name, checkpoint) in FILES {
        let Some(checkpoint) = checkpoint else { continue };
        let (own, mut wanted) =
            (read_config(&file(name)).expect(name), read_config(&model(checkpoint)).expect("a fixture"));
        // The file has no rows before that of a text's first token.
        wanted.model.first_position = 0;
        assert_eq!((own.model, own.pooling), (wanted.model, wanted.pooling), "{name}");
        assert!(own.prompts.is_empty(), "a GGUF file has none");
    }
}

/// Returns made-up texts of the pieces of others, and of added tokens.
fn made_up(pieces: &[String], count: usize) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % bound
    };
    let mut text = || {
        let count = 1 + below(12);
        (0..count).map(|_| format!("{}{}", ["", " ", "  ", "\n", "x"][below(5)], pieces[below(pieces.len())])).collect()
    };
    (0..count).map(|_| text()).collect()
}

#[test]
fn ids_are_those_of_the_original_tokenizer() {
    for (name, checkpoint) in FILES {
        let checkpoint = checkpoint.unwrap_or("tiny-silu");
        let json = fs::read(model(checkpoint).join("tokenizer.json")).expect("a fixture");
        let settings = TokenizerSettings::from_files(|file| Ok(fs::read(model(checkpoint).join(file)).ok()));
        let original = Tokenizer::from_json_with(&json, Some(&settings.expect("settings"))).expect("a tokenizer");
        let files = gguf::files(&contents(&fs::read(file(name)).expect("a fixture"))).expect(name);
        let own = Tokenizer::from_json(&files["tokenizer.json"]).expect(name);
        let compact = Tokenizer::from_compact(&compact::compile(&files["tokenizer.json"]).expect(name)).expect(name);
        let parsed: Value = serde_json::from_slice(&json).expect("JSON");
        let added = parsed["added_tokens"].as_array().expect("a list").iter();
        let mut pieces: Vec<String> = added.map(|token| token["content"].as_str().expect("text").to_string()).collect();
        for golden in &goldens_of(checkpoint) {
            pieces.extend(golden.split(' ').map(str::to_string));
            pieces.extend(golden.chars().take(20).map(String::from));
        }
        for text in goldens_of(checkpoint).iter().chain(&made_up(&pieces, 4000)) {
            let wanted = original.encode(text).expect("ids");
            assert_eq!(own.encode(text).expect("ids"), wanted, "{name}: {text:?}");
            assert_eq!(compact.encode(text).expect("ids"), wanted, "{name}: {text:?}");
        }
        assert_eq!(own.needed_rows(), original.needed_rows(), "{name}");
    }
}

/// Returns the texts of a model's goldens.
fn goldens_of(model: &str) -> Vec<String> {
    let value: Value = serde_json::from_slice(&fs::read(golden_file(model)).expect("a fixture")).expect("JSON");
    let texts = value["texts"].as_array().expect("a list").iter();
    texts.filter_map(|text| text["text"].as_str()).filter(|text| text.len() < 4000).map(str::to_string).collect()
}

#[test]
fn vectors_are_those_of_the_widened_tensors() {
    let goldens = goldens();
    for (name, wanted) in goldens["vectors"].as_object().expect("an object") {
        for (own, wanted) in embed(&file(name), &goldens["texts"]).iter().zip(floats(wanted)) {
            assert!(difference(own, &wanted) <= 1e-5, "{name}: {}", difference(own, &wanted));
        }
    }
}

#[test]
fn vectors_are_those_of_llama_cpp() {
    let goldens = goldens();
    for (name, wanted) in goldens["llama"].as_object().expect("an object") {
        for (own, wanted) in embed(&file(name), &goldens["texts"]).iter().zip(floats(wanted)) {
            // Its activations have 8 bits where the weights have few.
            let least = if name.contains("f16") { 0.99999 } else { 0.999 };
            assert!(cosine(own, &wanted) >= least, "{name}: {}", cosine(own, &wanted));
        }
    }
}

#[test]
fn a_pack_has_the_vectors_of_that_of_the_checkpoint() {
    let texts = &goldens()["texts"];
    for (name, checkpoint) in
        [("tiny-silu-f16.gguf", "tiny-silu"), ("tiny-bert-f16.gguf", BERT), ("tiny-xlmr-f16.gguf", XLM_ROBERTA)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let [own, other] = [file(name), model(checkpoint)].map(|from| {
            let out = folder.path().join(from.file_name().expect("a name"));
            pack(&from, &out, &PackOptions::default(), &mut |_| ()).expect("a pack");
            embed(&out, texts)
        });
        for (own, other) in own.iter().zip(&other) {
            // bf16 fits f16 but for the smallest values, and so the two round alike but for a few.
            assert!(cosine(own, other) >= 0.9999, "{name}: {}", cosine(own, other));
        }
    }
    for (name, checkpoint, least) in [
        ("tiny-silu-q8_0.gguf", "tiny-silu", 0.999),
        ("tiny-silu-q4_0.gguf", "tiny-silu", 0.9),
        ("tiny-gelu-mixed.gguf", "tiny-gelu", 0.95),
        ("tiny-roberta-q8_0.gguf", ROBERTA, 0.999),
    ] {
        let original = embed(&model(checkpoint), texts);
        for (own, other) in embed(&file(name), texts).iter().zip(&original) {
            assert!(cosine(own, other) >= least, "{name}: {}", cosine(own, other));
        }
    }
}

/// Returns the tensors of a pack made with these formats, by the names that packs have.
fn packed_tensors(name: &str, format: WeightFormat) -> Tensors {
    let options = PackOptions { weights: format, table: format, ..PackOptions::default() };
    load(&packed(&file(name), &options)).expect("a pack").tensors
}

/// Returns integers and scales of a tensor in blocks, read by the definition of the two types.
fn blocks(kind: u32, bytes: &[u8]) -> (Vec<i8>, Vec<u8>) {
    let mut integers = Vec::new();
    let mut scales = Vec::new();
    for block in bytes.chunks_exact(if kind == 8 { 34 } else { 18 }) {
        scales.extend(&block[..2]);
        match kind {
            8 => integers.extend(block[2..].iter().map(|byte| *byte as i8)),
            _ => {
                integers.extend(block[2..].iter().map(|byte| (byte & 15) as i8 - 8));
                integers.extend(block[2..].iter().map(|byte| (byte >> 4) as i8 - 8));
            }
        }
    }
    (integers, scales)
}

#[test]
fn integers_and_scales_of_q8_0_and_q4_0_are_kept_and_nothing_is_balanced() {
    for (name, format) in [
        ("tiny-silu-q8_0.gguf", WeightFormat::Int8),
        ("tiny-silu-q4_0.gguf", WeightFormat::Int8),
        ("tiny-silu-q4_0.gguf", WeightFormat::Int4),
    ] {
        let bytes = fs::read(file(name)).expect("a fixture");
        let tensors = packed_tensors(name, format);
        let names = gguf::coming(&contents(&bytes)).expect("names").into_iter().rev();
        let names = names.map(|(name, _)| name).filter(|name| !name.is_empty());
        let (mut matrices, mut norms) = (0, 0);
        for (tensor, own) in Gguf::read(&bytes, gguf_file::size).tensors.into_iter().zip(names) {
            let stored = match own.as_str() {
                "embeddings.tok_embeddings.weight" => "embeddings.tok_embeddings.weight.rows.0",
                own => own,
            };
            let get = |name: &str| tensors.get(name).unwrap_or_else(|| panic!("{name}"));
            if tensor.kind == 0 {
                assert_eq!(get(stored).bytes, tensor.bytes, "{name}: {stored}");
                norms += 1;
                continue;
            }
            let (integers, scales) = blocks(tensor.kind, &tensor.bytes);
            let wanted: Vec<u8> = match get(stored).element {
                ElementType::I8 => integers.iter().map(|integer| *integer as u8).collect(),
                ElementType::Int4 => {
                    let pairs = integers.as_chunks().0.iter();
                    pairs.map(|[low, high]| (low + 8) as u8 | ((high + 8) as u8) << 4).collect()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(get(stored).element == ElementType::Int4, format == WeightFormat::Int4);
            assert_eq!(get(stored).bytes, wanted, "{name}: {stored}");
            assert_eq!(get(&format!("{stored}.scales")).bytes, scales, "{name}: {stored}");
            matrices += 1;
        }
        assert_eq!((matrices, norms), (17, 9), "{name}");
    }
}

#[test]
fn a_block_with_an_integer_that_packs_do_not_have_is_rounded_again() {
    let mut changed = Gguf::read(&fs::read(file("tiny-silu-q8_0.gguf")).expect("a fixture"), gguf_file::size);
    let tensor = changed.tensor("blk.1.ffn_down.weight");
    tensor.bytes[34 + 2] = 0x80;
    let (integers, scales) = blocks(8, &tensor.bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.gguf");
    fs::write(&path, changed.write()).expect("written");
    let source = packed(&path, &PackOptions::default());
    let tensors = load(&source).expect("a pack").tensors;
    let get = |name: &str| &tensors.get(name).expect("a tensor").bytes;
    let own: Vec<i8> = get("layers.1.mlp.Wo.weight").iter().map(|byte| *byte as i8).collect();
    assert_eq!(own[32], -127);
    let same = |range: std::ops::Range<usize>| assert_eq!(own[range.clone()], integers[range]);
    same(0..32);
    same(64..own.len());
    assert_eq!(get("layers.1.mlp.Wo.weight.scales")[..2], scales[..2]);
    assert_ne!(get("layers.1.mlp.Wo.weight.scales")[2..4], scales[2..4]);
}

/// Returns the hashes of the shards of a file that comes in pieces.
fn hashes(file: &[u8], piece: usize, with_length: bool) -> Result<Vec<String>> {
    let files = gguf::files(&contents(file))?;
    let config = felsic::config::EmbedderConfig::from_files(|file| Ok(files.get(file).cloned()))?;
    let options = PackOptions { name: Some("x".to_string()), ..PackOptions::default() };
    let mut packer = Packer::new(config, &compact::compile(&files["tokenizer.json"])?, options)?;
    let mut shards = InMemory::of(&packer);
    packer.begin(&mut shards)?;
    packer.begin_gguf(with_length.then_some(file.len() as u64));
    file.chunks(piece).try_for_each(|piece| packer.push(piece, &mut shards))?;
    packer.end_file()?;
    let hashes = shards.hashes();
    packer.manifest(&hashes, Vec::new())?;
    Ok(hashes)
}

#[test]
fn pieces_of_any_size_give_the_same_pack() {
    for name in ["tiny-silu-q8_0.gguf", "tiny-gelu-mixed.gguf", "tiny-xlmr-f16.gguf", "wide-k.gguf"] {
        let bytes = fs::read(file(name)).expect("a fixture");
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = pack(&file(name), &folder.path().join("pack"), &PackOptions::default(), &mut |_| ());
        let wanted: Vec<String> = manifest.expect("a pack").shards.into_iter().map(|entry| entry.sha256).collect();
        for (piece, with_length) in [(7, true), (4096, false), (100_003, true), (usize::MAX, false)] {
            assert_eq!(hashes(&bytes, piece, with_length).expect("a pack"), wanted, "{name}, pieces of {piece}");
        }
        let cut = &bytes[..bytes.len() - 64];
        let longer = [&bytes[..], &[0; 64]].concat();
        for wrong in [cut, &longer] {
            let mut header = Header::new(Some(wrong.len() as u64));
            let mut rest = wrong;
            let error = loop {
                match header.take(rest) {
                    Ok((taken, None)) => rest = &rest[taken..],
                    other => break other.map(drop).expect_err("a wrong length"),
                }
            };
            assert_eq!(error.code(), Code::WeightsInvalid);
        }
    }
}

/// What fills the file behind its last tensor may be missing, as in files of some writers.
#[test]
fn the_last_tensor_need_not_be_filled_up() {
    let mut changed = Gguf::read(&fs::read(file("tiny-silu-q4_0.gguf")).expect("a fixture"), gguf_file::size);
    changed.tensors.rotate_left(1);
    let last = changed.tensors.last().expect("a tensor").bytes.len();
    let whole = changed.write();
    let cut = &whole[..whole.len() - (last.next_multiple_of(32) - last)];
    for with_length in [true, false] {
        let [cut, whole] = [cut, &whole].map(|file| hashes(file, 1000, with_length).expect("a pack"));
        assert_eq!(cut, whole);
    }
}

#[test]
fn berts_fused_matrices_are_taken_apart() {
    let bytes = fs::read(file("tiny-bert-f16.gguf")).expect("a fixture");
    let mut changed = Gguf::read(&bytes, gguf_file::size);
    for layer in 0..3 {
        for end in ["weight", "bias"] {
            let name = |part: &str| format!("blk.{layer}.attn_{part}.{end}");
            let parts = ["q", "k", "v"].map(|part| changed.tensor(&name(part)).clone());
            changed.tensors.retain(|tensor| !parts.iter().any(|part| part.name == tensor.name));
            let mut dims = parts[0].dims.clone();
            *dims.last_mut().expect("rows") *= 3;
            let bytes = parts.iter().flat_map(|part| part.bytes.clone()).collect();
            changed.tensors.insert(2, gguf_file::Tensor { name: name("qkv"), dims, kind: parts[0].kind, bytes });
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fused.gguf");
    fs::write(&path, changed.write()).expect("written");
    let [fused, own] = [path, file("tiny-bert-f16.gguf")].map(|path| open_checkpoint(&path).expect("a model").tensors);
    assert!(fused.names().eq(own.names()));
    for (name, tensor) in own.iter() {
        assert_eq!(fused.get(name), Some(tensor), "{name}");
    }
}

#[test]
fn names_of_models_are_those_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let cached = folder.path().join("models--owner--name/snapshots").join("0123456789abcdef0123456789abcdef01234567");
    fs::create_dir_all(&cached).expect("a folder");
    for (path, name, revision) in [
        (folder.path().join("Some Model.Q8_0.GGUF"), "Some Model.Q8_0", None),
        (cached.join("other.gguf"), "other", Some("0123456789abcdef0123456789abcdef01234567")),
    ] {
        fs::copy(file("tiny-silu-q4_0.gguf"), &path).expect("a copy");
        let parts = open_checkpoint(&path).expect("a model");
        assert_eq!((parts.name.as_str(), parts.revision.as_deref()), (name, revision));
    }
}
