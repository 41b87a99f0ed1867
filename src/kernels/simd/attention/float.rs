//! Four queries at a time, in f32.

use super::maths::exp;
use super::{BLOCK, Group, Run, Softmax, groups, runs, turn, visible};
use crate::kernels::AttentionShape;
use std::ops::Range;
use wide::f32x4;

/// Queries that share one pass over the keys.
const QUERIES: usize = 4;
/// Lanes of a register.
const LANES: usize = 4;
/// Registers of keys, or of columns of values, in one step: with four queries each they fill a processor's 16.
const STEP: usize = 2;
/// [`BLOCK`] numbers, one for each key.
type Row = [[f32; LANES]; BLOCK / LANES];

/// Keys and values of one head, in blocks.
#[derive(Default)]
struct Head {
    /// Turned keys, [blocks, d] rows with one number for each key.
    keys: Vec<Row>,
    /// Values, [blocks * BLOCK, `registers`].
    values: Vec<[f32; LANES]>,
    /// Registers that a value takes, a multiple of [`STEP`]: columns past d are zero.
    registers: usize,
}

/// Scores of four queries and a block of keys, later the shares made from them.
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

/// Computes all queries of a run for one head.
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
    let d = shape.head_size;
    let columns = |query: usize| run.columns(query, head, shape);
    let positions = run.positions();
    let mut met = vec![Softmax::START; positions.len()];
    let mut scores: Scores = [[[0.0; LANES]; BLOCK / LANES]; QUERIES];
    let (mut turned, mut query_turned) = (vec![[0.0; QUERIES]; d], vec![0.0; d]);
    for block in 0..keys.len().div_ceil(BLOCK) {
        let start = keys.start + block * BLOCK;
        let here = start..keys.end.min(start + BLOCK);
        for group in groups::<QUERIES>(&positions, here, shape.half_window, LANES * STEP) {
            let Group { queries, count, seen, steps } = group;
            for (t, query) in queries.into_iter().enumerate() {
                let (low, high) = query_turned.split_at_mut(d / 2);
                turn(&q[columns(query)], &rope[positions[query] * d..][..d], low, high);
                place_query(&mut turned, t, &query_turned);
            }
            score(&data.keys[block * d..][..d], &turned, steps.clone(), &mut scores);
            for (t, query) in queries.into_iter().enumerate().take(count) {
                let kept = meet(&mut met[query], &mut scores[t], seen[t].clone(), steps.clone());
                out[columns(query)].iter_mut().for_each(|out| *out *= kept);
            }
            add_values(data, block, &scores, steps, d, |t, column, sums| {
                if t < count {
                    out[columns(queries[t])][column..].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                }
            });
        }
    }
    for (query, met) in met.iter().enumerate() {
        let scale = 1.0 / met.total;
        out[columns(query)].iter_mut().for_each(|out| *out *= scale);
    }
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
        // Keys past the last are read, though they reach no sum: they must be finite.
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

/// Writes a turned query into column `t` of `out` [d, QUERIES], already divided by sqrt(d) for the scores.
fn place_query(out: &mut [[f32; QUERIES]], t: usize, turned: &[f32]) {
    let scale = 1.0 / (turned.len() as f32).sqrt();
    out.iter_mut().zip(turned).for_each(|(out, v)| out[t] = v * scale);
}

/// Computes the scores of four queries [d, QUERIES] and the keys of `steps`.
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
/// `steps` outside `seen`. Returns the factor for the sums of earlier blocks.
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

/// Passes `add` the sums of values times shares: query, first column, and the sums of the columns from there.
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
