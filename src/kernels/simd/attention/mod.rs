//! Attention by sequence and head, a few queries at a time against blocks of keys.
//!
//! The softmax is the online one (Milakov and Gimelshein, arXiv 1805.02867; Dao and others, arXiv
//! 2205.14135): a query keeps the highest score so far and its sums relative to it, and scales them when
//! a block brings a higher one. The score matrix therefore never exists, and since a query meets only
//! the blocks that its window touches, local layers cost time linear in length.
//!
//! There are two bodies: [`float`] multiplies f32, [`int16`] rounds to 16-bit integers, of which a register
//! holds twice as many. A model with int8 weights takes the second: its weights are rounded far more coarsely.

mod float;
mod int16;

use super::{exact, exp, maths};
use crate::kernels::{AttentionShape, Precision, QUERY_COLUMNS};
use std::ops::Range;

/// Consecutive queries of one sequence.
struct Run<'a> {
    /// `QUERY_COLUMNS` numbers a query.
    queries: &'a [i32],
    /// Index of the first of them in `q` and `out`.
    index: usize,
    /// Rows of `kv` that hold the sequence.
    rows: Range<usize>,
}

/// See [`crate::kernels::Kernels::attention`]; `out` is as long as `q` and holds zeros.
pub fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    match shape.precision {
        Precision::Float => float::attention(q, kv, rope, queries, shape, out),
        Precision::Int16 => int16::attention(q, kv, rope, queries, shape, out),
    }
}

/// Splits the queries into runs of one sequence each.
fn runs(queries: &[i32]) -> Vec<Run<'_>> {
    let rows = |at: usize| queries[at * QUERY_COLUMNS + 1]..queries[at * QUERY_COLUMNS + 2];
    let count = queries.len() / QUERY_COLUMNS;
    let mut found = Vec::new();
    let mut index = 0;
    while index < count {
        let end = (index..count).find(|at| rows(*at) != rows(index)).unwrap_or(count);
        let sequence = rows(index);
        found.push(Run {
            queries: &queries[index * QUERY_COLUMNS..end * QUERY_COLUMNS],
            index,
            rows: sequence.start as usize..sequence.end as usize,
        });
        index = end;
    }
    found
}

/// Positions within `limits` that a query at `position` sees.
fn window(position: usize, limits: Range<usize>, half: Option<usize>) -> Range<usize> {
    match half {
        None => limits,
        Some(half) => position.saturating_sub(half).max(limits.start)..(position + half + 1).min(limits.end),
    }
}

/// Positions that any query of a run sees.
fn visible(run: &Run<'_>, half: Option<usize>) -> Range<usize> {
    let positions = || run.queries.chunks_exact(QUERY_COLUMNS).map(|query| query[0] as usize);
    let all = 0..run.rows.len();
    let low = window(positions().min().unwrap_or(0), all.clone(), half).start;
    low..window(positions().max().unwrap_or(0), all, half).end
}

/// The queries, of ascending `positions`, that see any of the keys `here`: the others are not even looked at,
/// or a local layer's time would grow with the square of the length.
fn meeting(positions: &[usize], here: &Range<usize>, half: Option<usize>) -> Range<usize> {
    match half {
        None => 0..positions.len(),
        Some(half) => {
            let from = positions.partition_point(|position| position + half < here.start);
            from..positions.partition_point(|position| *position < here.end + half)
        }
    }
}
