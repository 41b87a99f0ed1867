//! Semantic search over a few texts: which of them answers a question, though it shares no word with it?
//!
//! `cargo run --release --example search -- "Why does my bread stay flat?"`

use felsic::{Embedder, Result};

const PASSAGES: [&str; 6] = [
    "Yeast that is too old no longer makes a dough rise.",
    "The ferry to the island does not run in high winds.",
    "A kitten sleeps up to twenty hours a day.",
    "The central bank raised interest rates again.",
    "Frost in April killed the blossoms of the apple trees.",
    "To reset the router, hold the button on its back for ten seconds.",
];

/// Returns the passages, nearest first, each with its cosine.
pub fn search<'a>(embedder: &Embedder, passages: &[&'a str], question: &str) -> Result<Vec<(f32, &'a str)>> {
    // A program that searches more than once keeps these vectors.
    let vectors = embedder.embed(passages)?;
    let query = embedder.embed_one(question)?;
    let cosine = |vector: &[f32]| query.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
    let mut found: Vec<(f32, &str)> = vectors.vectors().map(cosine).zip(passages.iter().copied()).collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    Ok(found)
}

fn main() -> Result<()> {
    let question = std::env::args().nth(1).unwrap_or("Why is it so expensive to borrow money?".to_string());
    // A pack or a checkpoint of your own: `Embedder::open("path")?`.
    let embedder = Embedder::built_in()?;
    println!("{question}");
    for (score, passage) in search(&embedder, &PASSAGES, &question)? {
        println!("{score:6.3}  {passage}");
    }
    Ok(())
}
