//! The example of the 97M model's card, for anyone who has the real weights.
//!
//! Queries and passages in English, German and Japanese, with the table of cosines that the card of
//! `ibm-granite/granite-embedding-97m-multilingual-r2` (Apache-2.0) prints. Stand-in weights do not reach it.

use crate::embedder::{EmbedOptions, Embedder, NoHooks, largest_difference};
use crate::error::{Code, Error, Result};

/// The card's queries.
pub const QUERIES: [&str; 3] = [
    "What is the tallest mountain in Japan?",
    "Wer hat das Lied Achy Breaky Heart geschrieben?",
    "ドイツの首都はどこですか?",
];

/// The card's passages.
pub const PASSAGES: [&str; 3] = [
    "富士山は、静岡県と山梨県にまたがる活火山で、標高3776.12 mで日本最高峰の独立峰である。",
    "Achy Breaky Heart is a country song written by Don Von Tress. Originally titled Don't Tell My Heart and \
     performed by The Marcy Brothers in 1991.",
    "Berlin ist die Hauptstadt und ein Land der Bundesrepublik Deutschland. Die Stadt ist mit rund 3,7 Millionen \
     Einwohnern die bevölkerungsreichste Kommune Deutschlands.",
];

/// The card's cosines: a row for each query, a column for each passage.
pub const COSINES: [[f32; 3]; 3] = [[0.8869, 0.6658, 0.7213], [0.6792, 0.9577, 0.6420], [0.7534, 0.6771, 0.9112]];

/// Computes the same table with this engine.
///
/// # Errors
/// Those of [`Embedder::embed_hooked`].
pub async fn cosines(embedder: &Embedder) -> Result<[[f32; 3]; 3]> {
    let texts = [QUERIES, PASSAGES].concat();
    let made = embedder.embed_hooked(&texts, &EmbedOptions::default(), &mut NoHooks).await?;
    let vectors: Vec<&[f32]> = made.vectors().collect();
    let (queries, passages) = vectors.split_at_checked(QUERIES.len()).ok_or_else(too_few)?;
    let mut table = [[0.0; 3]; 3];
    for (row, query) in table.iter_mut().zip(queries) {
        for (cell, passage) in row.iter_mut().zip(passages) {
            *cell = query.iter().zip(*passage).map(|(a, b)| a * b).sum();
        }
    }
    Ok(table)
}

fn too_few() -> Error {
    Error::new(Code::Internal, "fewer vectors than texts")
}

/// Returns the largest difference from [`COSINES`]; NaN if any of the cosines is.
pub fn difference(table: &[[f32; 3]; 3]) -> f32 {
    largest_difference(table.as_flattened(), COSINES.as_flattened())
}
