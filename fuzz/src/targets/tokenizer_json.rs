//! `tokenizer.json`: natively, and compiled to the compact form and back. Where both run, they give the same ids.

use std::panic::resume_unwind;
use std::thread;

use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};

use crate::{Memory, Target, check, mutate, seeds};

/// See the module. The `tokenizers` crate keeps each token several times, in tables of their own.
pub const TARGET: Target =
    Target { name: "tokenizer-json", seeds, mutate: mutate::json, run, memory: Memory { times: 100, plus: 8 << 20 } };

const TEXTS: [&str; 5] =
    ["a ab <s>ébb b b?_ab aé", "Hello, the world's 123 [MASK]s\n\n", "", " \t\u{3000}漢字 ไทย \u{301}", "b b<s> <s>b"];

/// One of the real kind; the small ones are in `corpus/`.
fn seeds() -> Vec<Vec<u8>> {
    vec![seeds::file("tests/fixtures/models/tiny-bert/tokenizer.json")]
}

/// Runs in a thread of its own: the `tokenizers` crate keeps, for as long as a thread lives, a table of words for each tokenizer that the thread has used.
fn run(bytes: &[u8]) {
    let ended = thread::scope(|scope| scope.spawn(|| in_thread(bytes)).join());
    ended.unwrap_or_else(|panic| resume_unwind(panic));
}

fn in_thread(bytes: &[u8]) {
    let codes = [Code::TokenizerInvalid, Code::TokenizerUnsupported];
    let native = check::result(Tokenizer::from_json(bytes), &codes);
    let compiled = check::result(compact::compile(bytes), &codes);
    let quick = compiled.map(|bytes| Tokenizer::from_compact(&bytes).expect("what was compiled is read"));
    for text in TEXTS {
        let natively = native.as_ref().and_then(|native| check::result(native.encode(text), &[Code::InputInvalid]));
        let quickly = quick.as_ref().and_then(|quick| check::result(quick.encode(text), &[Code::InputInvalid]));
        if let (Some(natively), Some(quickly)) = (natively, quickly) {
            assert_eq!(natively, quickly, "{text:?}");
        }
    }
}
