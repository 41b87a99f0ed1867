//! Texts on the tokenizers of the tests: the compact form gives the ids of the `tokenizers` crate.

use std::sync::LazyLock;

use felsic::tokenizer::{Tokenizer, compact};

use crate::{Memory, Target, mutate, seeds};

/// See the module. The crate keeps each word that it has seen, up to 10,000, and offsets of each character.
pub const TARGET: Target =
    Target { name: "texts", seeds, mutate: mutate::text, run, memory: Memory { times: 2000, plus: 16 << 20 } };

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "Hello, the world's 123 [MASK]s\n\n",
        "naïve cafe\u{301} A\u{30a} ÄpfelBaum ﬁn",
        "漢字テスト ไทย 한국어 🇩🇪 👩‍👩‍👧",
        " \t\r\n\u{3000}",
        "",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn run(bytes: &[u8]) {
    static TOKENIZERS: LazyLock<Vec<(Tokenizer, Tokenizer)>> = LazyLock::new(|| {
        let read = |model: &&str| {
            let json = seeds::file(&format!("tests/fixtures/models/{model}/tokenizer.json"));
            let quick = compact::compile(&json).expect("fixtures can be compiled");
            (Tokenizer::from_json(&json).expect("sound"), Tokenizer::from_compact(&quick).expect("sound"))
        };
        seeds::MODELS.iter().map(read).collect()
    });
    let text = String::from_utf8_lossy(bytes);
    for ((native, quick), model) in TOKENIZERS.iter().zip(seeds::MODELS) {
        let ids = quick.encode(&text).expect("short enough");
        assert_eq!(native.encode(&text).expect("short enough"), ids, "{model}");
        assert_eq!(quick.count(&text).expect("it was encoded"), ids.len(), "{model}");
        let most = 1 + text.len() % 40;
        let cut = quick.encode_truncated(&text, most).expect("it was encoded");
        assert_eq!(native.encode_truncated(&text, most).expect("it was encoded"), cut, "{model}, {most} tokens");
    }
}
