//! The crate as other programs see it.

use std::sync::Arc;
use std::thread;

use felsic::{Code, EmbedOptions, Embedder, Embedding, Embeddings, Error, Info};
use support::{fixture, model};

#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../examples/native/search.rs"]
mod search;
mod support;

const TEXTS: [&str; 4] = ["a pet that rests", "A cat sleeps on the sill.", "", "Borrowing got dearer."];

/// Compiles only for what threads can share.
const fn crosses_threads<T: Send + Sync + 'static>() {}

const _: () = {
    crosses_threads::<Embedder>();
    crosses_threads::<Embeddings>();
    crosses_threads::<Embedding<'static>>();
    crosses_threads::<EmbedOptions>();
    crosses_threads::<Info>();
    crosses_threads::<Error>();
};

/// The built-in model's pack.
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/felsic-small-english/pack");

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_pack_and_a_checkpoint_open_by_their_folder() {
    let pack = Embedder::open(PACK).expect("a pack");
    let built_in = Embedder::built_in().expect("the same pack");
    assert_eq!((pack.info(), pack.info().dimensions), (built_in.info(), 256));
    assert_eq!(pack.embed(&TEXTS).expect("vectors"), built_in.embed(&TEXTS).expect("vectors"));
    let checkpoint = Embedder::open(model("tiny-silu")).expect("a checkpoint");
    assert_eq!(checkpoint.info().dimensions, 64);
    assert!(format!("{checkpoint:?}").contains("tiny-silu"));
    for (folder, what) in [("goldens", "neither"), ("nowhere", "neither a folder nor a GGUF file")] {
        let error = Embedder::open(fixture(folder)).expect_err("no model");
        assert!(error.code() == Code::NotFound && error.message().contains(what), "{error}");
    }
}

#[test]
fn vectors_mean_what_their_texts_mean() {
    let embedder = Embedder::built_in().expect("a model");
    let made = embedder.embed(&TEXTS).expect("vectors");
    assert!(cosine(&made[0], &made[1]) > cosine(&made[0], &made[3]) + 0.1);
    for (at, embedding) in made.iter().enumerate() {
        assert_eq!(embedding.vector, &made[at]);
        assert!((cosine(embedding.vector, embedding.vector) - 1.0).abs() < 1e-5);
        assert!(embedding.tokens >= 2 && !embedding.truncated, "special tokens count");
    }
    let texts: Vec<String> = TEXTS.map(str::to_string).into();
    assert_eq!(embedder.embed(&texts).expect("owned texts, too"), made);
    let one = embedder.embed_one(TEXTS[1]).expect("a vector");
    assert!(one.iter().zip(&made[1]).all(|(a, b)| (a - b).abs() <= 1e-6));
    assert!(embedder.embed::<&str>(&[]).expect("nothing").is_empty());
}

#[test]
fn options_are_of_a_call() {
    let embedder = Embedder::built_in().expect("a model");
    let short = EmbedOptions { dimensions: Some(64), ..EmbedOptions::default() };
    let (cut, full) = (embedder.embed_with(&TEXTS, &short).expect("cut"), embedder.embed(&TEXTS).expect("vectors"));
    assert_eq!((cut.dimensions(), cut.as_flat().len()), (64, 64 * TEXTS.len()));
    for (cut, full) in cut.vectors().zip(full.vectors()) {
        let length = cosine(&full[..64], &full[..64]).sqrt();
        assert!(cut.iter().zip(full).all(|(cut, full)| (cut - full / length).abs() < 1e-6));
    }
    let unknown = EmbedOptions { prompt: Some("poem".to_string()), ..EmbedOptions::default() };
    assert_eq!(embedder.embed_with(&TEXTS, &unknown).expect_err("no such prompt").code(), Code::InputInvalid);
    let read = |json: &str| serde_json::from_str::<EmbedOptions>(json).expect("options");
    assert_eq!((read("{}"), read(r#"{"dimensions": 64}"#)), (EmbedOptions::default(), short));
    assert!(!read(r#"{"strip": false}"#).strip);
}

#[test]
fn threads_share_an_embedder_and_get_the_same_bits() {
    let embedder = Arc::new(Embedder::built_in().expect("a model"));
    let alone = embedder.embed(&TEXTS).expect("vectors");
    let threads = [(); 3].map(|()| {
        let embedder = Arc::clone(&embedder);
        thread::spawn(move || embedder.embed(&TEXTS).expect("vectors"))
    });
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), alone);
    }
}

#[test]
fn the_example_finds_the_answer() {
    let embedder = Embedder::built_in().expect("a model");
    let passages =
        ["The ferry does not run in high winds.", "The bank raised interest rates.", "Frost killed the blossoms."];
    let found = search::search(&embedder, &passages, "Why is it so expensive to borrow money?").expect("a ranking");
    assert_eq!((found.len(), found[0].1), (3, passages[1]));
}
