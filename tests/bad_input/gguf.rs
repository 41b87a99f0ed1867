//! GGUF files that are wrong, or that felsic does not read.

use std::fs;
use std::sync::LazyLock;

use felsic::error::{Code, Error};
use felsic::pack::{PackOptions, pack};
use felsic::source::{gguf, open_checkpoint};
use felsic::weights::gguf::{Contents, Header};

use crate::gguf_file::{self, F32, FLAG, Gguf, I32, LIST, TEXT, U32, text, texts};
use crate::support::*;

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture("gguf").join(name)).expect("a fixture")
}

fn sound() -> Gguf {
    static FILE: LazyLock<Gguf> = LazyLock::new(|| Gguf::read(&bytes("tiny-silu-q4_0.gguf"), gguf_file::size));
    FILE.clone()
}

fn sound_bert() -> Gguf {
    static FILE: LazyLock<Gguf> = LazyLock::new(|| Gguf::read(&bytes("tiny-bert-f16.gguf"), gguf_file::size));
    FILE.clone()
}

fn sound_xlm_roberta() -> Gguf {
    static FILE: LazyLock<Gguf> = LazyLock::new(|| Gguf::read(&bytes("tiny-xlmr-f16.gguf"), gguf_file::size));
    FILE.clone()
}

fn changed(mut file: Gguf, change: impl FnOnce(&mut Gguf)) -> Vec<u8> {
    change(&mut file);
    file.write()
}

/// Opens bytes as a file, as a checkpoint and as what a pack is made of; both fail alike.
fn error(bytes: &[u8]) -> Error {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).expect("written");
    let opened = open_checkpoint(&path).map(drop).expect_err("a bad file");
    let packed = pack(&path, &folder.path().join("pack"), &PackOptions::default(), &mut |_| ());
    assert_eq!(packed.expect_err("a bad file").code(), opened.code(), "{opened}");
    assert!(!folder.path().join("pack").exists(), "nothing half-made is kept");
    opened
}

/// Reads a header in pieces, and what it says about settings, tokenizer and tensors.
fn read(bytes: &[u8], length: Option<u64>, piece: usize) -> Result<Option<Contents>, Error> {
    let mut header = Header::new(length);
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let (taken, contents) = header.take(piece)?;
            if contents.is_some() {
                return Ok(contents);
            }
            assert!(taken > 0, "it asks for something");
            piece = &piece[taken..];
        }
    }
    Ok(None)
}

#[test]
fn the_file_is_sound_as_it_is_written_here() {
    for (file, name) in [
        (sound(), "tiny-silu-q4_0.gguf"),
        (sound_bert(), "tiny-bert-f16.gguf"),
        (sound_xlm_roberta(), "tiny-xlmr-f16.gguf"),
    ] {
        assert!(file.write() == bytes(name), "{name}");
        let older = Gguf { version: 2, ..file };
        assert!(read(&older.write(), None, 1000).expect("version 2").is_some());
    }
}

#[test]
fn what_is_wrong_with_the_container_is_said() {
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change, &str); 12] = [
        ("another magic", |b| b[0] = b'X', "GGUF"),
        (
            "a pointer",
            |b| *b = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(),
            "git-lfs",
        ),
        ("version 1", |b| b[4] = 1, "version is 1"),
        ("big-endian", |b| b[4..8].copy_from_slice(&3u32.to_be_bytes()), "version"),
        ("many tensors", |b| b[8..16].copy_from_slice(&u64::MAX.to_le_bytes()), "tensors"),
        ("no tensors", |b| b[8..16].copy_from_slice(&0u64.to_le_bytes()), "no tensor"),
        ("many keys", |b| b[16..24].copy_from_slice(&(1u64 << 40).to_le_bytes()), "keys"),
        ("a long key", |b| b[24..32].copy_from_slice(&(1u64 << 60).to_le_bytes()), "a name of"),
        ("an endless key", |b| b[24..32].copy_from_slice(&900u64.to_le_bytes()), "UTF-8"),
        ("a key that is no text", |b| b[32] = 0xff, "UTF-8"),
        ("bytes at the end", |b| b.extend([0; 33]), "the file has"),
        ("nothing at all", |b| b.clear(), "truncated"),
    ];
    for (name, change, words) in cases {
        let mut file = sound().write();
        change(&mut file);
        let error = error(&file);
        assert_eq!(error.code(), Code::WeightsInvalid, "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let file = sound().write();
    let header = read(&file, None, usize::MAX).expect("sound").expect("whole").length();
    for end in
        (0..header).step_by(997).chain([3, 4, 7, 8, 23, 24, header - 1, header, header + 40_000, file.len() - 40])
    {
        assert_eq!(error(&file[..end]).code(), Code::WeightsInvalid, "cut at {end}");
        assert!(end >= header || read(&file[..end], None, 100).expect("so far sound").is_none());
    }
}

#[test]
fn tensors_that_do_not_lie_as_they_should_are_refused() {
    type Change = fn(&mut Gguf);
    let cases: [(&str, Change, Code); 13] = [
        ("too short", |f| drop(f.tensors[2].bytes.drain(..64)), Code::WeightsInvalid),
        ("too long", |f| f.tensors[2].bytes.extend([0; 64]), Code::WeightsInvalid),
        ("twice", |f| f.tensors.push(f.tensors[3].clone()), Code::WeightsInvalid),
        ("no name", |f| f.tensors[0].name.clear(), Code::WeightsInvalid),
        ("no dimension", |f| f.tensors[0].dims.clear(), Code::WeightsInvalid),
        ("five dimensions", |f| f.tensors[0].dims = vec![1; 5], Code::WeightsInvalid),
        ("a dimension of 0", |f| f.tensors[0].dims[0] = 0, Code::WeightsInvalid),
        ("dimensions past counting", |f| f.tensors[0].dims = vec![1 << 40, 1 << 40], Code::WeightsInvalid),
        ("no whole block", |f| f.tensor("token_embd.weight").dims = vec![63, 2048], Code::WeightsInvalid),
        ("another type", |f| f.tensors[1].kind = 20, Code::TensorType),
        ("another shape", |f| f.tensor("token_embd.weight").dims = vec![32, 4096], Code::TensorShape),
        ("one is missing", |f| f.tensors.retain(|t| t.name != "blk.2.ffn_norm.weight"), Code::TensorMissing),
        ("alignment", |f| f.set("general.alignment", U32, 24u32.to_le_bytes()), Code::WeightsInvalid),
    ];
    for (name, change, code) in cases {
        let error = error(&changed(sound(), change));
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    for unknown in ["blk.1.attn_qkv.bias", "rope_freqs.weight", "blk.1.attn_q_norm.weight", "blk.x", "output.weight"] {
        let more = changed(sound(), |file| {
            let norm = file.tensor("output_norm.weight").clone();
            file.tensors.push(gguf_file::Tensor { name: unknown.to_string(), ..norm });
        });
        let error = error(&more);
        assert_eq!(error.code(), Code::WeightsInvalid, "{unknown}: {error}");
    }
    // What a vector does without.
    let head = changed(sound(), |file| {
        let norm = file.tensor("output_norm.weight").clone();
        file.tensors.push(gguf_file::Tensor { name: "cls.norm.weight".to_string(), ..norm });
    });
    assert!(gguf::coming(&read(&head, None, 4096).expect("sound").expect("whole")).is_ok());
    let fused = changed(sound_bert(), |file| file.tensor("blk.0.attn_q.weight").name = "blk.0.attn_qkv.weight".into());
    assert_eq!(error(&fused).code(), Code::TensorShape);
}

#[test]
fn a_scale_or_value_that_is_not_finite_is_refused() {
    for (kind, bytes) in [(2, [0x00, 0x7c]), (2, [0x01, 0xfe])] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.gguf");
        let file = changed(sound(), |file| {
            let tensor = file.tensor("blk.1.ffn_up.weight");
            assert_eq!(tensor.kind, kind);
            tensor.bytes[36..38].copy_from_slice(&bytes);
        });
        fs::write(&path, file).expect("written");
        let made = pack(&path, &folder.path().join("pack"), &PackOptions::default(), &mut |_| ());
        assert_eq!(made.expect_err("not finite").code(), Code::WeightsInvalid);
    }
}

/// Leaves a vocabulary of two equal tokens.
fn two_alike(file: &mut Gguf) {
    file.set("tokenizer.ggml.tokens", LIST, texts(&["a", "a"]));
    let numbers = [I32, 2, 0, 1, 1].map(u32::to_le_bytes).concat();
    file.set("tokenizer.ggml.token_type", LIST, numbers);
}

#[test]
fn what_is_not_understood_of_the_metadata_is_refused_by_key() {
    type Change = fn(&mut Gguf);
    let cases: [(&str, Change, Code); 38] = [
        ("general.architecture", |f| f.set("general.architecture", TEXT, text("llama")), Code::ConfigUnsupported),
        ("general.architecture", |f| f.remove("general.architecture"), Code::ConfigInvalid),
        ("general.architecture", |f| f.set("general.architecture", U32, [0; 4]), Code::ConfigInvalid),
        ("general.type", |f| f.set("general.type", TEXT, text("adapter")), Code::ConfigUnsupported),
        (
            "general.quantization_version",
            |f| f.set("general.quantization_version", U32, [1, 0, 0, 0]),
            Code::ConfigUnsupported,
        ),
        ("split.count", |f| f.set("split.count", U32, [2, 0, 0, 0]), Code::ConfigUnsupported),
        ("block_count", |f| f.remove("modern-bert.block_count"), Code::ConfigInvalid),
        ("block_count", |f| f.set("modern-bert.block_count", I32, (-1i32).to_le_bytes()), Code::ConfigInvalid),
        ("block_count", |f| f.set("modern-bert.block_count", U32, [0xff; 4]), Code::ConfigInvalid),
        ("hidden_size", |f| f.set("modern-bert.embedding_length", U32, [0; 4]), Code::ConfigInvalid),
        ("embedding_length", |f| f.set("modern-bert.embedding_length", F32, 64f32.to_le_bytes()), Code::ConfigInvalid),
        ("head_count_kv", |f| f.set("modern-bert.attention.head_count_kv", U32, [2, 0, 0, 0]), Code::ConfigUnsupported),
        ("attention.causal", |f| f.set("modern-bert.attention.causal", FLAG, [1]), Code::ConfigUnsupported),
        ("attention.causal", |f| f.remove("modern-bert.attention.causal"), Code::ConfigInvalid),
        ("pooling_type", |f| f.set("modern-bert.pooling_type", U32, [3, 0, 0, 0]), Code::ConfigUnsupported),
        ("pooling_type", |f| f.remove("modern-bert.pooling_type"), Code::ConfigInvalid),
        (
            "sliding_window_pattern",
            |f| f.set("modern-bert.attention.sliding_window_pattern", U32, [0; 4]),
            Code::ConfigInvalid,
        ),
        (
            "sliding_window_pattern",
            |f| {
                f.set(
                    "modern-bert.attention.sliding_window_pattern",
                    LIST,
                    [&[7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], &[1]].concat(),
                )
            },
            Code::ConfigInvalid,
        ),
        ("rope.freq_base_swa", |f| f.remove("modern-bert.rope.freq_base_swa"), Code::ConfigInvalid),
        ("rope.freq_base", |f| f.set("modern-bert.rope.freq_base", F32, f32::NAN.to_le_bytes()), Code::ConfigInvalid),
        ("rope.scaling.type", |f| f.set("modern-bert.rope.scaling.type", TEXT, text("yarn")), Code::ConfigUnsupported),
        ("rope.scaling.factor", |f| f.set("modern-bert.rope.scaling.factor", F32, [0; 4]), Code::ConfigUnsupported),
        (
            "rope.dimension_count",
            |f| f.set("modern-bert.rope.dimension_count", U32, [8, 0, 0, 0]),
            Code::ConfigUnsupported,
        ),
        (
            "layer_norm_rms_epsilon",
            |f| f.set("modern-bert.attention.layer_norm_rms_epsilon", F32, 1e-4f32.to_le_bytes()),
            Code::ConfigUnsupported,
        ),
        ("hidden_activation", |f| f.set("modern-bert.hidden_activation", TEXT, text("relu")), Code::ConfigUnsupported),
        ("hidden_activation", |f| f.remove("modern-bert.hidden_activation"), Code::ConfigInvalid),
        ("expert_count", |f| f.set("modern-bert.expert_count", U32, [2, 0, 0, 0]), Code::ConfigUnsupported),
        ("tokenizer.ggml.model", |f| f.set("tokenizer.ggml.model", TEXT, text("t5")), Code::TokenizerUnsupported),
        ("tokenizer.ggml.pre", |f| f.set("tokenizer.ggml.pre", TEXT, text("llama-bpe")), Code::TokenizerUnsupported),
        ("tokenizer.ggml.pre", |f| f.remove("tokenizer.ggml.pre"), Code::TokenizerInvalid),
        ("tokenizer.ggml.scores", |f| f.set("tokenizer.ggml.scores", F32, [0; 4]), Code::TokenizerUnsupported),
        ("tokenizer.ggml.tokens", two_alike, Code::TokenizerInvalid),
        ("tokenizer.ggml.token_type", |f| f.remove("tokenizer.ggml.token_type"), Code::TokenizerInvalid),
        ("merges", |f| f.set("tokenizer.ggml.merges", LIST, texts(&["a b c"])), Code::TokenizerInvalid),
        (
            "tokenizer.ggml.bos_token_id",
            |f| f.set("tokenizer.ggml.bos_token_id", U32, [0xff; 4]),
            Code::TokenizerInvalid,
        ),
        ("tokenizer.ggml.bos_token_id", |f| f.remove("tokenizer.ggml.bos_token_id"), Code::TokenizerInvalid),
        (
            "tokenizer.ggml.add_bos_token",
            |f| f.set("tokenizer.ggml.add_bos_token", TEXT, text("yes")),
            Code::TokenizerInvalid,
        ),
        ("add_space_prefix", |f| f.set("tokenizer.ggml.add_space_prefix", FLAG, [1]), Code::TokenizerUnsupported),
    ];
    for (key, change, code) in cases {
        let error = error(&changed(sound(), change));
        assert_eq!(error.code(), code, "{key}: {error}");
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
}

/// Returns the bytes of a list of f32.
fn floats(values: &[f32]) -> Vec<u8> {
    let head = [F32.to_le_bytes().to_vec(), (values.len() as u64).to_le_bytes().to_vec()].concat();
    values.iter().fold(head, |all, value| [all, value.to_le_bytes().to_vec()].concat())
}

#[test]
fn what_is_wrong_with_unigram_is_refused_by_key() {
    type Change = fn(&mut Gguf);
    let scores = "tokenizer.ggml.scores";
    let cases: [(&str, Change, Code); 12] = [
        (scores, |f| f.remove("tokenizer.ggml.scores"), Code::TokenizerInvalid),
        (scores, |f| f.set("tokenizer.ggml.scores", LIST, floats(&[0.0; 2047])), Code::TokenizerInvalid),
        (scores, |f| f.set("tokenizer.ggml.scores", LIST, floats(&[f32::NAN; 2048])), Code::TokenizerInvalid),
        (scores, |f| f.set("tokenizer.ggml.scores", F32, [0; 4]), Code::TokenizerInvalid),
        (
            "precompiled_charsmap",
            |f| f.set("tokenizer.ggml.precompiled_charsmap", LIST, floats(&[1.0])),
            Code::TokenizerInvalid,
        ),
        (
            "precompiled_charsmap",
            |f| f.set("tokenizer.ggml.precompiled_charsmap", LIST, [I32, 1, 0, 256].map(u32::to_le_bytes).concat()),
            Code::TokenizerInvalid,
        ),
        (
            "precompiled_charsmap",
            |f| f.set("tokenizer.ggml.precompiled_charsmap", LIST, [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 7]),
            Code::TokenizerUnsupported,
        ),
        (
            "unknown_token_id",
            |f| f.set("tokenizer.ggml.unknown_token_id", U32, 2048u32.to_le_bytes()),
            Code::TokenizerInvalid,
        ),
        ("add_space_prefix", |f| f.set("tokenizer.ggml.add_space_prefix", U32, [1, 0, 0, 0]), Code::TokenizerInvalid),
        (
            "token_type",
            |f| f.set("tokenizer.ggml.token_type", LIST, [I32, 0, 0].map(u32::to_le_bytes).concat()),
            Code::TokenizerInvalid,
        ),
        // Bytes as tokens.
        (
            "token_type",
            |f| {
                let list = f.values.iter_mut().find(|(key, ..)| key == "tokenizer.ggml.token_type").expect("types");
                list.2[12 + 4 * 9] = 6;
            },
            Code::TokenizerUnsupported,
        ),
        ("normalizer", |f| f.set("tokenizer.ggml.normalizer.nmt", FLAG, [1]), Code::TokenizerUnsupported),
    ];
    for (key, change, code) in cases {
        let error = error(&changed(sound_xlm_roberta(), change));
        assert_eq!(error.code(), code, "{key}: {error}");
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
}

#[test]
fn values_that_are_no_values_are_refused() {
    let list = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    for (name, kind, bytes) in [
        ("a type that there is not", 13, vec![0; 8]),
        ("a list of lists", LIST, [list(LIST, 1), list(U32, 1), vec![0; 4]].concat()),
        ("a list past the end", LIST, list(U32, 1 << 60)),
        ("strings past the end", LIST, list(TEXT, u64::MAX)),
        ("a string past the end", TEXT, (1u64 << 40).to_le_bytes().to_vec()),
        ("a flag of 2", FLAG, vec![2]),
    ] {
        let file = changed(sound(), |file| file.set("general.note", kind, bytes));
        let error = error(&file);
        assert_eq!(error.code(), Code::WeightsInvalid, "{name}: {error}");
    }
    let twice = changed(sound(), |file| file.values.push(file.values[3].clone()));
    assert!(error(&twice).to_string().contains("twice"));
}

#[test]
fn berts_vocabulary_has_to_say_whether_capitals_become_small() {
    let key = "tokenizer.ggml.normalizer.lowercase";
    let tokens = |file: &Vec<u8>| {
        let contents = read(file, None, 4096).expect("sound").expect("whole");
        gguf::files(&contents).map(|files| files["tokenizer.json"].clone())
    };
    let own = tokens(&sound_bert().write()).expect("a tokenizer");
    // No token has a capital: older converters left it out.
    assert_eq!(tokens(&changed(sound_bert(), |file| file.remove(key))).expect("a tokenizer"), own);
    let cased = changed(sound_bert(), |file| {
        file.remove(key);
        let at = file.get("tokenizer.ggml.tokens").windows(4).rposition(|four| four == "\u{2581}z".as_bytes());
        let list = &mut file.values.iter_mut().find(|(name, ..)| name == "tokenizer.ggml.tokens").expect("tokens").2;
        list[at.expect("a token") + 3] = b'Z';
    });
    let error = tokens(&cased).expect_err("unclear");
    assert_eq!((error.code(), error.message().contains(key)), (Code::TokenizerInvalid, true), "{error}");
}

#[test]
fn nothing_panics_whatever_a_header_says() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % bound
    };
    let mut sound_ones = 0;
    for (file, rounds) in [(sound().write(), 1500), (sound_bert().write(), 1500), (sound_xlm_roberta().write(), 500)] {
        let header = read(&file, None, usize::MAX).expect("sound").expect("whole").length();
        // The keys and the list of tensors are at the two ends of a header; the vocabulary is between them.
        let places = |random: &mut dyn FnMut(usize) -> usize| match random(3) {
            0 => random(header),
            1 => random(1200),
            _ => header - 1 - random(2500),
        };
        for round in 0..rounds {
            let mut bytes = file[..header + 64].to_vec();
            for _ in 0..1 + below(3) {
                let at = places(&mut below);
                match below(4) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
                    2 => drop(bytes.drain(at..(at + 1 + below(16)).min(bytes.len()))),
                    _ => bytes
                        .splice(at..at, (0..1 + below(16)).map(|_| below(256) as u8).collect::<Vec<_>>())
                        .for_each(drop),
                }
                bytes.resize(header + 64, 0);
            }
            let length = (below(2) == 0).then_some(file.len() as u64);
            if let Ok(Some(contents)) = read(&bytes, length, [1 + below(4096), usize::MAX][below(2)]) {
                sound_ones += 1;
                let _ = gguf::coming(&contents);
                if round % 8 == 0 {
                    let _ = gguf::files(&contents)
                        .map(|files| felsic::tokenizer::compact::compile(&files["tokenizer.json"]));
                }
            }
        }
    }
    assert!(sound_ones > 300, "most changes must get past the container: {sound_ones}");
}
