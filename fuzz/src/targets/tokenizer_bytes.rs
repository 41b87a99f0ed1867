//! The bytes of a compact tokenizer.

use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};

use crate::{Memory, Target, check, mutate, seeds};

/// See the module.
pub const TARGET: Target =
    Target { name: "tokenizer-bytes", seeds, mutate: mutate::bytes, run, memory: Memory { times: 64, plus: 2 << 20 } };

const TEXTS: [&str; 4] = ["a ab <s>ébb b b?_ab aé", "Hello, the world's 123\n", "", "漢字 ไทย e\u{301}"];

fn seeds() -> Vec<Vec<u8>> {
    let small = seeds::folder(&seeds::path("fuzz/corpus/tokenizer-json")).into_values();
    let real = seeds::MODELS.iter().map(|model| seeds::file(&format!("tests/fixtures/models/{model}/tokenizer.json")));
    small.chain(real).filter_map(|json| compact::compile(&json).ok()).collect()
}

fn run(bytes: &[u8]) {
    let codes = [Code::TokenizerInvalid, Code::TokenizerUnsupported];
    let Some(tokenizer) = check::result(Tokenizer::from_compact(bytes), &codes) else { return };
    let size = tokenizer.vocab_size();
    for id in [0, 1, size as u32 / 2, size as u32, u32::MAX] {
        tokenizer.token(id);
    }
    for text in TEXTS {
        let Some(ids) = check::result(tokenizer.encode(text), &[Code::InputInvalid]) else { continue };
        assert!(ids.iter().all(|id| (*id as usize) < size), "an id beyond the vocabulary's {size}: {ids:?}");
        assert_eq!(tokenizer.count(text).expect("it was encoded"), ids.len());
        let (cut, is_cut) = tokenizer.encode_truncated(text, 4).expect("it was encoded");
        // A template that is longer is cut too, which says nothing of the text.
        let template = tokenizer.template_len();
        assert!(cut.len() == ids.len().min(4) && is_cut == (ids.len() > template.max(4)), "{cut:?} of {ids:?}");
    }
}
