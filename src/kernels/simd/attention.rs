//! Attention by sequence and head. Keys are turned and transposed once per head, so that the scores
//! of one query are a sum of long rows; a query holds only the scores of the keys that it sees, so the
//! score matrix never exists and local layers cost time linear in length.

use super::exp;
use crate::kernels::{AttentionShape, QUERY_COLUMNS};

/// Consecutive queries of one sequence.
struct Run<'a> {
    /// `QUERY_COLUMNS` numbers a query.
    queries: &'a [i32],
    /// Index of the first of them in `q` and `out`.
    index: usize,
    /// Rows of `kv` that hold the sequence.
    rows: std::ops::Range<usize>,
}

/// Scratch of one head, kept over heads and sequences.
#[derive(Default)]
struct Scratch {
    /// Turned keys, [d, keys].
    keys: Vec<f32>,
    /// Values, [keys, d].
    values: Vec<f32>,
    scores: Vec<f32>,
    query: Vec<f32>,
}

/// See [`crate::kernels::Kernels::attention`]; `out` is as long as `q` and holds zeros.
pub fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    let mut scratch = Scratch::default();
    for run in runs(queries) {
        let keys = visible(&run, shape.half_window);
        for head in 0..shape.heads {
            load_head(&mut scratch, kv, rope, run.rows.start, keys.clone(), head, shape);
            for (offset, query) in run.queries.chunks_exact(QUERY_COLUMNS).enumerate() {
                let at = (run.index + offset) * shape.heads * shape.head_size + head * shape.head_size;
                let angles = &rope[query[0] as usize * shape.head_size..][..shape.head_size];
                turn_query(&mut scratch.query, &q[at..][..shape.head_size], angles);
                let position = query[0] as usize;
                let seen = window(position, keys.clone(), shape.half_window);
                attend(&mut scratch, seen, keys.clone(), &mut out[at..][..shape.head_size]);
            }
        }
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
fn window(position: usize, limits: std::ops::Range<usize>, half: Option<usize>) -> std::ops::Range<usize> {
    match half {
        None => limits,
        Some(half) => position.saturating_sub(half).max(limits.start)..(position + half + 1).min(limits.end),
    }
}

/// Positions that any query of a run sees.
fn visible(run: &Run<'_>, half: Option<usize>) -> std::ops::Range<usize> {
    let positions = || run.queries.chunks_exact(QUERY_COLUMNS).map(|query| query[0] as usize);
    let all = 0..run.rows.len();
    let low = window(positions().min().unwrap_or(0), all.clone(), half).start;
    low..window(positions().max().unwrap_or(0), all, half).end
}

/// Turns and transposes the keys of one head and gathers its values. Rows of `kv` have `2 * width`
/// columns; `first` is the row of position 0.
fn load_head(
    scratch: &mut Scratch,
    kv: &[f32],
    rope: &[f32],
    first: usize,
    positions: std::ops::Range<usize>,
    head: usize,
    shape: AttentionShape,
) {
    let AttentionShape { heads, head_size: d, .. } = shape;
    let (width, half, count) = (heads * d, d / 2, positions.len());
    scratch.keys.resize(d * count, 0.0);
    scratch.values.resize(d * count, 0.0);
    for (column, position) in positions.enumerate() {
        let row = &kv[(first + position) * 2 * width..][..2 * width];
        let key = &row[head * d..][..d];
        let (cos, sin) = rope[position * d..][..d].split_at(half);
        for j in 0..half {
            scratch.keys[j * count + column] = key[j] * cos[j] - key[j + half] * sin[j];
            scratch.keys[(j + half) * count + column] = key[j + half] * cos[j] + key[j] * sin[j];
        }
        scratch.values[column * d..][..d].copy_from_slice(&row[width + head * d..][..d]);
    }
}

/// A query turned to its position and divided by sqrt(d), which the scores then need no more.
fn turn_query(out: &mut Vec<f32>, query: &[f32], angles: &[f32]) {
    let half = query.len() / 2;
    let (cos, sin) = angles.split_at(half);
    let scale = 1.0 / (query.len() as f32).sqrt();
    out.clear();
    out.extend((0..half).map(|j| (query[j] * cos[j] - query[j + half] * sin[j]) * scale));
    out.extend((0..half).map(|j| (query[j + half] * cos[j] + query[j] * sin[j]) * scale));
}

/// Softmax over the keys in `seen` and the weighted sum of their values. `keys` are the positions that
/// the scratch holds.
fn attend(scratch: &mut Scratch, seen: std::ops::Range<usize>, keys: std::ops::Range<usize>, out: &mut [f32]) {
    let (d, count) = (out.len(), keys.len());
    let (from, to) = (seen.start - keys.start, seen.end - keys.start);
    let scores = &mut scratch.scores;
    scores.clear();
    scores.resize(to - from, 0.0);
    for (j, q) in scratch.query.iter().enumerate() {
        let row = &scratch.keys[j * count + from..j * count + to];
        for (score, key) in scores.iter_mut().zip(row) {
            *score += q * key;
        }
    }
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - highest);
    }
    let total: f32 = scores.iter().sum();
    for (share, value) in scores.iter().zip(scratch.values[from * d..].chunks_exact(d)) {
        for (out, v) in out.iter_mut().zip(value) {
            *out += share * v;
        }
    }
    let scale = 1.0 / total;
    for out in out.iter_mut() {
        *out *= scale;
    }
}
