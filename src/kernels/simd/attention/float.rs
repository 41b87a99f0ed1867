//! Four queries at a time, in f32.

use super::{Run, exp, meeting, runs, visible, window};
use crate::kernels::{AttentionShape, QUERY_COLUMNS};
use std::ops::Range;
use wide::f32x4;

/// Queries that share one pass over the keys.
const QUERIES: usize = 4;
/// Lanes of a register.
const LANES: usize = 4;
/// Registers of keys, or of columns of values, in one step: with four queries each they fill a processor's 16.
const STEP: usize = 2;
/// Keys of a block: of a head 64 wide, keys and values take 128 KiB.
const BLOCK: usize = 256;

/// [`BLOCK`] numbers, one for each key.
type Row = [[f32; LANES]; BLOCK / LANES];

/// Keys and values of one head, in blocks.
#[derive(Default)]
struct Head {
    /// Turned keys, [blocks, d] rows of one number a key.
    keys: Vec<Row>,
    /// Values, [blocks * BLOCK, `registers`].
    values: Vec<[f32; LANES]>,
    /// Registers that a value takes, a multiple of [`STEP`]: what d does not fill is zero.
    registers: usize,
}

/// What a query knows of the keys that it has met.
#[derive(Clone, Copy)]
struct Softmax {
    /// The highest score.
    highest: f32,
    /// The sum of `exp(score - highest)`.
    total: f32,
}

/// Scores of four queries and a block of keys, then the shares that they give.
type Scores = [Row; QUERIES];

/// See [`super::attention`].
pub(super) fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    let mut head_data = Head::default();
    for run in runs(queries) {
        let keys = visible(&run, shape.half_window);
        for head in 0..shape.heads {
            head_data.load(kv, rope, run.rows.start, keys.clone(), head, shape);
            attend_head(&head_data, &run, keys.clone(), q, rope, head, shape, out);
        }
    }
}

/// All queries of a run and one head.
#[allow(clippy::too_many_arguments, reason = "the inputs of attention itself, cut to one head")]
fn attend_head(
    data: &Head,
    run: &Run<'_>,
    keys: Range<usize>,
    q: &[f32],
    rope: &[f32],
    head: usize,
    shape: AttentionShape,
    out: &mut [f32],
) {
    let (d, width) = (shape.head_size, shape.heads * shape.head_size);
    let columns = |query: usize| (run.index + query) * width + head * d..(run.index + query) * width + head * d + d;
    let positions: Vec<usize> = run.queries.chunks_exact(QUERY_COLUMNS).map(|query| query[0] as usize).collect();
    let mut met = vec![Softmax { highest: f32::NEG_INFINITY, total: 0.0 }; positions.len()];
    let mut scores: Scores = [[[0.0; LANES]; BLOCK / LANES]; QUERIES];
    let mut turned = vec![[0.0; QUERIES]; d];
    for block in 0..keys.len().div_ceil(BLOCK) {
        let start = keys.start + block * BLOCK;
        let here = start..keys.end.min(start + BLOCK);
        let queries = meeting(&positions, &here, shape.half_window);
        for first in queries.clone().step_by(QUERIES) {
            // A last group that is not full repeats its last query.
            let count = QUERIES.min(queries.end - first);
            let group: [usize; QUERIES] = std::array::from_fn(|t| first + t.min(count - 1));
            let seen = group.map(|query| {
                let seen = window(positions[query], here.clone(), shape.half_window);
                seen.start - start..seen.end - start
            });
            let steps = steps(&seen);
            for (t, query) in group.into_iter().enumerate() {
                turn_query(&mut turned, t, &q[columns(query)], &rope[positions[query] * d..][..d]);
            }
            score(&data.keys[block * d..][..d], &turned, steps.clone(), &mut scores);
            for (t, query) in group.into_iter().enumerate().take(count) {
                let kept = meet(&mut met[query], &mut scores[t], seen[t].clone(), steps.clone());
                out[columns(query)].iter_mut().for_each(|out| *out *= kept);
            }
            add_values(data, block, &scores, steps, d, |t, column, sums| {
                if t < count {
                    out[columns(group[t])][column..].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                }
            });
        }
    }
    for (query, met) in met.iter().enumerate() {
        let scale = 1.0 / met.total;
        out[columns(query)].iter_mut().for_each(|out| *out *= scale);
    }
}

/// The steps of a block that hold all keys that any of the queries sees.
fn steps(seen: &[Range<usize>; QUERIES]) -> Range<usize> {
    let from = seen.iter().map(|range| range.start).min().unwrap_or(0);
    let to = seen.iter().map(|range| range.end).max().unwrap_or(0);
    from / (LANES * STEP)..to.div_ceil(LANES * STEP)
}

impl Head {
    /// Turns and transposes the keys of one head and gathers its values. Rows of `kv` have `2 * width`
    /// columns; `first` is the row of position 0.
    fn load(
        &mut self,
        kv: &[f32],
        rope: &[f32],
        first: usize,
        positions: Range<usize>,
        head: usize,
        shape: AttentionShape,
    ) {
        let AttentionShape { heads, head_size: d, .. } = shape;
        let (width, half, blocks) = (heads * d, d / 2, positions.len().div_ceil(BLOCK));
        self.registers = d.div_ceil(LANES * STEP) * STEP;
        // What lies past the last key is read, though it reaches no sum: it must be finite.
        self.keys.clear();
        self.keys.resize(blocks * d, [[0.0; LANES]; BLOCK / LANES]);
        self.values.clear();
        self.values.resize(blocks * BLOCK * self.registers, [0.0; LANES]);
        for (at, position) in positions.enumerate() {
            let row = &kv[(first + position) * 2 * width..][..2 * width];
            let key = &row[head * d..][..d];
            let (cos, sin) = rope[position * d..][..d].split_at(half);
            let (low, high) = self.keys[at / BLOCK * d..][..d].split_at_mut(half);
            let at_key = at % BLOCK;
            for j in 0..half {
                low[j].as_flattened_mut()[at_key] = key[j] * cos[j] - key[j + half] * sin[j];
                high[j].as_flattened_mut()[at_key] = key[j + half] * cos[j] + key[j] * sin[j];
            }
            let value = self.values[at * self.registers..][..self.registers].as_flattened_mut();
            value[..d].copy_from_slice(&row[width + head * d..][..d]);
        }
    }
}

/// A query turned to its position and divided by sqrt(d), which the scores then need no more: column
/// `t` of `out` [d, QUERIES].
fn turn_query(out: &mut [[f32; QUERIES]], t: usize, query: &[f32], angles: &[f32]) {
    let half = query.len() / 2;
    let (cos, sin) = angles.split_at(half);
    let scale = 1.0 / (query.len() as f32).sqrt();
    for j in 0..half {
        out[j][t] = (query[j] * cos[j] - query[j + half] * sin[j]) * scale;
        out[j + half][t] = (query[j + half] * cos[j] + query[j] * sin[j]) * scale;
    }
}

/// Scores of four queries [d, QUERIES] and the keys of `steps`.
fn score(keys: &[Row], queries: &[[f32; QUERIES]], steps: Range<usize>, scores: &mut Scores) {
    for step in steps {
        let mut sums = [[f32x4::ZERO; STEP]; QUERIES];
        for (row, query) in keys.iter().zip(queries) {
            let keys: [f32x4; STEP] = std::array::from_fn(|r| f32x4::new(row[step * STEP + r]));
            for (sums, query) in sums.iter_mut().zip(query) {
                for (sum, keys) in sums.iter_mut().zip(keys) {
                    *sum += f32x4::splat(*query) * keys;
                }
            }
        }
        for (row, sums) in scores.iter_mut().zip(sums) {
            for (r, sum) in sums.into_iter().enumerate() {
                row[step * STEP + r] = sum.to_array();
            }
        }
    }
}

/// Turns the scores of one query into shares relative to the highest score so far: zero for the keys of
/// `steps` that are not in `seen`. Returns by what the sums of earlier blocks are to be multiplied.
fn meet(met: &mut Softmax, scores: &mut Row, seen: Range<usize>, steps: Range<usize>) -> f32 {
    let all = &mut scores.as_flattened_mut()[steps.start * LANES * STEP..steps.end * LANES * STEP];
    let offset = steps.start * LANES * STEP;
    all[..seen.start - offset].fill(f32::NEG_INFINITY);
    all[seen.end - offset..].fill(f32::NEG_INFINITY);
    let mut most = [f32::NEG_INFINITY; LANES * STEP];
    for scores in all.as_chunks::<{ LANES * STEP }>().0 {
        most.iter_mut().zip(scores).for_each(|(most, score)| *most = if *score > *most { *score } else { *most });
    }
    let highest = most.into_iter().fold(met.highest, f32::max);
    let kept = if met.total == 0.0 { 0.0 } else { exp(met.highest - highest) };
    let mut totals = [0.0; LANES * STEP];
    for scores in all.as_chunks_mut::<{ LANES * STEP }>().0 {
        for (score, total) in scores.iter_mut().zip(&mut totals) {
            *score = exp(*score - highest);
            *total += *score;
        }
    }
    *met = Softmax { highest, total: met.total * kept + totals.into_iter().sum::<f32>() };
    kept
}

/// Hands `add` the sums of values times shares: query, first column, and the sums of the columns from there.
fn add_values(
    data: &Head,
    block: usize,
    shares: &Scores,
    steps: Range<usize>,
    d: usize,
    mut add: impl FnMut(usize, usize, &[f32]),
) {
    let keys = steps.start * LANES * STEP..steps.end * LANES * STEP;
    let values =
        &data.values[(block * BLOCK + keys.start) * data.registers..(block * BLOCK + keys.end) * data.registers];
    let [a, b, c, e] = shares.each_ref().map(|row| &row.as_flattened()[keys.clone()]);
    for register in (0..data.registers).step_by(STEP) {
        let mut sums = [[f32x4::ZERO; STEP]; QUERIES];
        for ((((value, a), b), c), e) in values.chunks_exact(data.registers).zip(a).zip(b).zip(c).zip(e) {
            let value: [f32x4; STEP] = std::array::from_fn(|r| f32x4::new(value[register + r]));
            for (sums, share) in sums.iter_mut().zip([a, b, c, e]) {
                for (sum, value) in sums.iter_mut().zip(value) {
                    *sum += f32x4::splat(*share) * value;
                }
            }
        }
        let (column, end) = (register * LANES, d.min((register + STEP) * LANES));
        for (t, sums) in sums.into_iter().enumerate() {
            add(t, column, &sums.map(f32x4::to_array).as_flattened()[..end - column]);
        }
    }
}
