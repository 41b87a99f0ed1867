//! GGUF files: the header whole and in pieces, the names of tensors, and the checkpoint's files that it becomes, whose tokenizer is compiled.

use felsic::config::EmbedderConfig;
use felsic::error::{Code, Error};
use felsic::source::gguf;
use felsic::tokenizer::{Tokenizer, compact};
use felsic::weights::gguf::{Contents, Header};

use crate::{Memory, Target, check, mutate};

/// See the module. A token of a few bytes is held several times, as JSON too.
pub const TARGET: Target =
    Target { name: "gguf", seeds, mutate: mutate::bytes, run, memory: Memory { times: 200, plus: 4 << 20 } };

const TEXTS: [&str; 4] = ["a ab <s>ébb b b?_ab aé", "Hello, the world's 123\n", "", "漢字 ไทย e\u{301}"];

/// Types of values.
const U32: u32 = 4;
const F32: u32 = 6;
const FLAG: u32 = 7;
const TEXT: u32 = 8;
const LIST: u32 = 9;

/// A header that is written.
#[derive(Default)]
struct Writer {
    values: u64,
    bytes: Vec<u8>,
}

impl Writer {
    fn value(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.values += 1;
        self.bytes.extend([&text(key), &kind.to_le_bytes()[..], value].concat());
    }

    fn list(&mut self, key: &str, kind: u32, items: &[Vec<u8>]) {
        let head = [&kind.to_le_bytes()[..], &(items.len() as u64).to_le_bytes()].concat();
        self.value(key, LIST, &[head, items.concat()].concat());
    }
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// Returns a file of one tensor for each kind of tokenizer.
fn seeds() -> Vec<Vec<u8>> {
    ["t5", "bert", "gpt2"].map(seed).to_vec()
}

fn seed(model: &str) -> Vec<u8> {
    let mut out = Writer::default();
    let architecture = if model == "gpt2" { "modern-bert" } else { "bert" };
    out.value("general.architecture", TEXT, &text(architecture));
    for (key, size) in [
        ("block_count", 1_u32),
        ("context_length", 64),
        ("embedding_length", 64),
        ("feed_forward_length", 64),
        ("attention.head_count", 2),
        ("pooling_type", 2),
    ] {
        out.value(&format!("{architecture}.{key}"), U32, &size.to_le_bytes());
    }
    out.value(&format!("{architecture}.attention.causal"), FLAG, &[0]);
    out.value(&format!("{architecture}.attention.layer_norm_epsilon"), F32, &1e-5_f32.to_le_bytes());
    if architecture == "modern-bert" {
        out.value("modern-bert.attention.sliding_window", U32, &8_u32.to_le_bytes());
        out.value("modern-bert.rope.freq_base", F32, &1e4_f32.to_le_bytes());
        out.value("modern-bert.rope.freq_base_swa", F32, &1e4_f32.to_le_bytes());
    }
    out.value("tokenizer.ggml.model", TEXT, &text(model));
    out.value("tokenizer.ggml.pre", TEXT, &text("gpt-2"));
    out.value("tokenizer.ggml.token_type_count", U32, &1_u32.to_le_bytes());
    let tokens = ["<s>", "</s>", "<unk>", "▁a", "b", "ab", "é", "▁"];
    out.list("tokenizer.ggml.tokens", TEXT, &tokens.map(text));
    out.list("tokenizer.ggml.token_type", U32, &[3_u32, 3, 2, 1, 1, 4, 1, 5].map(|kind| kind.to_le_bytes().to_vec()));
    for (key, id) in [("bos", 0_u32), ("eos", 1), ("unknown", 2)] {
        out.value(&format!("tokenizer.ggml.{key}_token_id"), U32, &id.to_le_bytes());
    }
    match model {
        "t5" => {
            out.list("tokenizer.ggml.scores", F32, &[-1.5_f32; 8].map(|score| score.to_le_bytes().to_vec()));
            // A map without an entry.
            out.list("tokenizer.ggml.precompiled_charsmap", 0, &[4, 0, 0, 0, 0, 0, 0, 0].map(|byte| vec![byte]));
        }
        "gpt2" => out.list("tokenizer.ggml.merges", TEXT, &[text("a b")]),
        _ => {}
    }
    let head = [&b"GGUF"[..], &3_u32.to_le_bytes(), &1_u64.to_le_bytes(), &out.values.to_le_bytes()].concat();
    let tensor = [text("token_embd.weight"), 1_u32.to_le_bytes().to_vec(), 8_u64.to_le_bytes().to_vec(), vec![0; 12]];
    let mut file = [head, out.bytes, tensor.concat()].concat();
    file.resize(file.len().next_multiple_of(32) + 32, 0);
    file
}

/// Reads a header in pieces; `None` if it does not end.
fn read(bytes: &[u8], piece: usize) -> Result<Option<Contents>, Error> {
    let mut header = Header::new(None);
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let (taken, contents) = header.take(piece)?;
            assert!(taken > 0, "it asks for nothing");
            piece = &piece[taken..];
            if contents.is_some() {
                return Ok(contents);
            }
        }
    }
    Ok(None)
}

fn run(bytes: &[u8]) {
    let of_weights = [Code::WeightsInvalid, Code::TensorType];
    let whole = check::result(read(bytes, bytes.len().max(1)), &of_weights).flatten();
    let pieces = check::result(read(bytes, 1 + bytes.len() % 97), &of_weights).flatten();
    assert_eq!(pieces.map(|contents| contents.length()), whole.as_ref().map(Contents::length), "in pieces and whole");
    let Some(contents) = whole else { return };
    let of_config = [Code::ConfigInvalid, Code::ConfigUnsupported];
    let of_tokenizer = [Code::TokenizerInvalid, Code::TokenizerUnsupported];
    check::result(gguf::coming(&contents), &[&of_config[..], &of_weights, &[Code::TensorShape]].concat());
    let Some(files) = check::result(gguf::files(&contents), &[of_config, of_tokenizer].concat()) else { return };
    check::result(EmbedderConfig::from_files(|name| Ok(files.get(name).cloned())), &of_config);
    let Some(bytes) = check::result(compact::compile(&files["tokenizer.json"]), &of_tokenizer) else { return };
    let tokenizer = Tokenizer::from_compact(&bytes).expect("what was compiled is read");
    for text in TEXTS {
        check::result(tokenizer.encode(text), &[Code::InputInvalid]);
    }
}
