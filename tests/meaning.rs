//! What texts mean, to the built-in model: trained weights, unlike those of all other tests.

mod support;

use std::collections::BTreeSet;

use felsic::config::TABLE;
use felsic::embedder::Embedder;
use felsic::kernels::simd::Fine;
use felsic::model::DeviceKind;
use felsic::source::{Parts, built_in, load_pack};
use felsic::weights::{ElementType, StoredTensor, Tensors};
use pollster::block_on;
use serde::Deserialize;
use support::{devices, engine_of};

/// The share of queries that must find their passage first, and the share that must find it among the first three.
const FIRST: f64 = 0.9;
const FIRST_THREE: f64 = 0.97;
/// Scores that are closer than this may change places between two ways to compute them.
const TIE: f32 = 2e-3;
/// The same where the CPU rounds activations to 8 bits: scores 3e-3 apart have changed places.
const ROUNDED_TIE: f32 = 4e-3;

/// Passages, and queries that share no content word with their answer.
#[derive(Deserialize)]
struct Meaning {
    passages: Vec<String>,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    query: String,
    answer: usize,
}

fn meaning() -> Meaning {
    serde_json::from_str(include_str!("fixtures/meaning.json")).expect("the fixture")
}

fn parts() -> Parts {
    block_on(load_pack(&built_in(), &mut |_| ())).expect("the built-in model loads")
}

/// Returns the same weights in f32, which then take another way through the kernels.
fn widened(mut parts: Parts) -> Parts {
    let mut tensors = Tensors::default();
    for (name, shape) in parts.config.model.tensors() {
        let values = match shape[..] {
            [len] => parts.tensors.take_vector(&name, len).expect("a norm"),
            [rows, cols] if name == TABLE => {
                let mut values = Vec::new();
                let table = parts.tensors.take_table(rows, cols).expect("the table");
                table.gather(&(0..rows as u32).collect::<Vec<_>>(), &mut values).expect("all rows");
                values
            }
            [rows, cols] => parts.tensors.take_matrix(&name, rows, cols).expect("a matrix").into_f32(),
            _ => panic!("{name} is neither a vector nor a matrix"),
        };
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.insert(name, StoredTensor { element: ElementType::F32, shape, bytes }).expect("a tensor");
    }
    Parts { tensors, ..parts }
}

/// Returns the passages' scores for each query.
fn scores(embedder: &Embedder, meaning: &Meaning) -> Vec<Vec<f32>> {
    let passages = embedder.embed(&meaning.passages).expect("the passages embed");
    let queries: Vec<&str> = meaning.queries.iter().map(|query| query.query.as_str()).collect();
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let queries = embedder.embed(&queries).expect("the queries embed");
    queries.vectors().map(|query| passages.vectors().map(|passage| cosine(query, passage)).collect()).collect()
}

/// Returns how many passages score higher than one.
fn rank(scores: &[f32], passage: usize) -> usize {
    scores.iter().filter(|score| **score > scores[passage]).count()
}

/// Words of four letters and more that say nothing.
const EMPTY: [&str; 10] = ["that", "with", "from", "they", "when", "were", "such", "until", "after", "back"];

/// Returns the words of four letters and more, cut to five, which is enough of a stem here.
fn stems(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() >= 4 && !EMPTY.contains(word));
    words.map(|word| word.to_lowercase().chars().take(5).collect()).collect()
}

#[test]
fn queries_share_no_word_with_their_answers() {
    let meaning = meaning();
    for Query { query, answer } in &meaning.queries {
        let shared: Vec<_> = stems(query).intersection(&stems(&meaning.passages[*answer])).cloned().collect();
        assert!(shared.is_empty(), "{query:?} shares {shared:?}");
    }
}

#[test]
fn a_query_finds_its_passage_without_a_shared_word() {
    let meaning = meaning();
    let scores = scores(&engine_of(parts(), DeviceKind::Cpu), &meaning);
    let ranks: Vec<usize> =
        scores.iter().zip(&meaning.queries).map(|(scores, query)| rank(scores, query.answer)).collect();
    let share = |most: usize| ranks.iter().filter(|rank| **rank < most).count() as f64 / ranks.len() as f64;
    for (query, rank) in meaning.queries.iter().zip(&ranks).filter(|(_, rank)| **rank > 0) {
        println!("rank {}: {}", rank + 1, query.query);
    }
    println!("first {:.2}, among three {:.2}", share(1), share(3));
    assert!(share(1) >= FIRST && share(3) >= FIRST_THREE, "first {:.2}, among three {:.2}", share(1), share(3));
}

#[test]
fn every_way_to_compute_gives_one_order() {
    let meaning = meaning();
    let wanted = {
        let _fine = Fine::new();
        scores(&engine_of(parts(), DeviceKind::Cpu), &meaning)
    };
    let mut others = vec![
        ("int8 on the CPU".to_string(), engine_of(parts(), DeviceKind::Cpu), ROUNDED_TIE),
        ("f32 on the CPU".to_string(), engine_of(widened(parts()), DeviceKind::Cpu), TIE),
    ];
    for device in devices().into_iter().filter(|device| *device != DeviceKind::Cpu) {
        others.push((format!("int8 on {device:?}"), engine_of(parts(), device), TIE));
        others.push((format!("f32 on {device:?}"), engine_of(widened(parts()), device), TIE));
    }
    for (way, embedder, tie) in others {
        for (at, (scores, wanted)) in scores(&embedder, &meaning).iter().zip(&wanted).enumerate() {
            let query = &meaning.queries[at].query;
            for (a, b) in (0..wanted.len()).flat_map(|a| (0..wanted.len()).map(move |b| (a, b))) {
                let ordered = wanted[a] <= wanted[b] + tie || scores[a] > scores[b];
                let between = wanted[a] - wanted[b];
                assert!(ordered, "{way}, {query:?}: passages {a} and {b}, {between} apart, have changed places");
            }
        }
    }
}
