//! Attention by sequence and head, a few queries at a time against blocks of keys.
//!
//! The softmax is the online one (Milakov and Gimelshein, arXiv 1805.02867; Dao and others, arXiv
//! 2205.14135): a query keeps the highest score so far and its sums relative to it, and scales them when
//! a block brings a higher one. The score matrix therefore never exists, and since a query meets only
//! the blocks that its window touches, local layers take time linear in length.
//!
//! There are two bodies: [`float`] multiplies f32; [`int16`] rounds to 16-bit integers, twice as many to a
//! register. A model with int8 weights takes the second: its weights are rounded far more coarsely.

mod float;
mod int16;

use super::maths;
use crate::kernels::{AttentionShape, Precision, QUERY_COLUMNS};
use std::ops::Range;

/// Keys of a block: for a head 64 wide, keys and values take 128 KiB in f32.
const BLOCK: usize = 256;

/// Consecutive queries of one sequence.
struct Run<'a> {
    /// `QUERY_COLUMNS` numbers a query.
    queries: &'a [i32],
    /// Index of the first of them in `q` and `out`.
    index: usize,
    /// Rows of `kv` that hold the sequence.
    rows: Range<usize>,
}

/// What a query knows about the keys that it has met.
#[derive(Clone, Copy)]
struct Softmax {
    /// The highest score.
    highest: f32,
    /// The sum of shares relative to it.
    total: f32,
}

impl Softmax {
    /// The state of a query that has met no keys.
    const START: Self = Self { highest: f32::NEG_INFINITY, total: 0.0 };
}

/// Queries that meet a block of keys together.
struct Group<const QUERIES: usize> {
    /// Their indices in the run; if they are too few, the last one repeats.
    queries: [usize; QUERIES],
    /// Their number.
    count: usize,
    /// The keys of the block that each query sees.
    seen: [Range<usize>; QUERIES],
    /// The steps of the block that hold every key that any of the queries sees.
    steps: Range<usize>,
}

/// See [`crate::kernels::Kernels::attention`]; `out` is as long as `q` and holds zeros.
pub fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    match shape.precision {
        Precision::Float => float::attention(q, kv, rope, queries, shape, out),
        Precision::Int16 => int16::attention(q, kv, rope, queries, shape, out),
    }
}

impl Run<'_> {
    /// Returns the queries' positions, ascending.
    fn positions(&self) -> Vec<usize> {
        self.queries.chunks_exact(QUERY_COLUMNS).map(|query| query[0] as usize).collect()
    }

    /// Returns where a query's columns of one head are in `q` and `out`.
    fn columns(&self, query: usize, head: usize, shape: AttentionShape) -> Range<usize> {
        let start = ((self.index + query) * shape.heads + head) * shape.head_size;
        start..start + shape.head_size
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

/// Returns the positions within `limits` that a query at `position` sees.
fn window(position: usize, limits: Range<usize>, half: Option<usize>) -> Range<usize> {
    match half {
        None => limits,
        Some(half) => position.saturating_sub(half).max(limits.start)..(position + half + 1).min(limits.end),
    }
}

/// Returns the positions that any query of a run sees.
fn visible(run: &Run<'_>, half: Option<usize>) -> Range<usize> {
    let positions = run.positions();
    let all = 0..run.rows.len();
    let low = window(positions.first().copied().unwrap_or(0), all.clone(), half).start;
    low..window(positions.last().copied().unwrap_or(0), all, half).end
}

/// Returns the queries, of ascending `positions`, that see any of the keys `here`: the others are not even looked
/// at, or a local layer's time would grow with the square of the length.
fn meeting(positions: &[usize], here: &Range<usize>, half: Option<usize>) -> Range<usize> {
    match half {
        None => 0..positions.len(),
        Some(half) => {
            let from = positions.partition_point(|position| position + half < here.start);
            from..positions.partition_point(|position| *position < here.end + half)
        }
    }
}

/// Cuts the queries at `positions` that meet the block of the keys `here` into [`Group`]s; a step is `lanes` keys.
fn groups<const QUERIES: usize>(
    positions: &[usize],
    here: Range<usize>,
    half: Option<usize>,
    lanes: usize,
) -> impl Iterator<Item = Group<QUERIES>> {
    let meeting = meeting(positions, &here, half);
    meeting.clone().step_by(QUERIES).map(move |first| {
        let count = QUERIES.min(meeting.end - first);
        let queries: [usize; QUERIES] = std::array::from_fn(|t| first + t.min(count - 1));
        let seen = queries.map(|query| {
            let seen = window(positions[query], here.clone(), half);
            seen.start - here.start..seen.end - here.start
        });
        let from = seen.iter().map(|range| range.start).min().unwrap_or(0);
        let to = seen.iter().map(|range| range.end).max().unwrap_or(0);
        Group { queries, count, seen, steps: from / lanes..to.div_ceil(lanes) }
    })
}

/// Turns a head to its position: `(a, b) -> (a cos - b sin, b cos + a sin)` over the two halves.
#[inline(always)]
fn turn(head: &[f32], angles: &[f32], low: &mut [f32], high: &mut [f32]) {
    let half = head.len() / 2;
    let ((a, b), (cos, sin)) = (head.split_at(half), angles.split_at(half));
    let turned = low.iter_mut().zip(high).zip(a.iter().zip(b)).zip(cos.iter().zip(sin));
    for (((low, high), (a, b)), (cos, sin)) in turned {
        *low = a * cos - b * sin;
        *high = b * cos + a * sin;
    }
}
