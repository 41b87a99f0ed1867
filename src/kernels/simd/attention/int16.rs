//! Five queries at a time, in 16-bit integers with exact sums.
//!
//! A head's queries have a step each, its keys and its values one for each block. Shares are integers relative
//! to the highest of their query and block, so that a block far from everything that matters is rounded as
//! finely as any other; what they are divided by in the end is the sum of these very integers.

use super::exact::{self, LANES, PAIR, WIDTH};
use super::maths::{exp2_below_one, largest, rounded, to_integer};
use super::{BLOCK, Group, Run, Softmax, groups, runs, turn, visible};
use crate::kernels::AttentionShape;
use std::hint::black_box;
use std::ops::Range;
use wide::{f32x4, i16x8, i32x4};

/// Queries that share one pass over the keys.
const QUERIES: usize = 5;
/// The largest share.
const SHARE: f32 = 16383.0;
/// The largest magnitude of a value.
const VALUE: f32 = 8191.0;
/// Pairs of keys whose shares times values are summed in i32: 16383 * 8191 * 16 < 2^31.
const CHUNK: usize = 8;

/// The largest magnitude of queries and keys `d` wide: d products of two of them fit i32.
fn largest_factor(d: usize) -> f32 {
    (f64::from(i32::MAX) / d as f64).sqrt().floor().min(32767.0) as f32
}

/// Pairs of neighbours of eight keys, or of eight columns of values.
type Pairs = [i16; LANES * PAIR];

/// Keys and values of one head, in blocks.
#[derive(Default)]
struct Head {
    /// Turned keys, [blocks, BLOCK / 8, d / 2].
    keys: Vec<Pairs>,
    /// Values, [blocks, columns / 8, BLOCK / 2]: columns past d are zero.
    values: Vec<Pairs>,
    /// By what a block's keys and values are to be multiplied.
    steps: Vec<[f32; 2]>,
    /// Turned keys of a block before they are rounded, [BLOCK, d].
    turned: Vec<f32>,
}

/// A group of queries and one block of keys.
struct Meeting {
    /// The queries [d / 2, QUERIES].
    queries: Vec<[i32x4; QUERIES]>,
    /// By what their integers are to be multiplied.
    steps: [f32; QUERIES],
    /// A query before it is rounded, [d].
    turned: Vec<f32>,
    /// Their scores, in powers of two, then their shares as [`to_integer`] gives them.
    scores: [[f32; BLOCK]; QUERIES],
    /// The shares [BLOCK / 2, QUERIES].
    shares: Vec<[i32x4; QUERIES]>,
}

/// See [`super::attention`].
pub(super) fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    let d = shape.head_size;
    let mut head_data = Head::default();
    let mut meeting = Meeting {
        queries: vec![[i32x4::ZERO; QUERIES]; d / PAIR],
        steps: [0.0; QUERIES],
        turned: vec![0.0; d],
        scores: [[0.0; BLOCK]; QUERIES],
        shares: vec![[i32x4::ZERO; QUERIES]; BLOCK / PAIR],
    };
    for run in runs(queries) {
        let keys = visible(&run, shape.half_window);
        for head in 0..shape.heads {
            head_data.load(kv, rope, run.rows.start, keys.clone(), head, shape);
            attend_head(&head_data, &mut meeting, &run, keys.clone(), q, rope, head, shape, out);
        }
    }
}

/// All queries of a run and one head.
#[allow(clippy::too_many_arguments, reason = "the inputs of attention itself, cut to one head")]
fn attend_head(
    data: &Head,
    meeting: &mut Meeting,
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
    for (block, [key_step, value_step]) in data.steps.iter().enumerate() {
        let start = keys.start + block * BLOCK;
        let here = start..keys.end.min(start + BLOCK);
        for group in groups::<QUERIES>(&positions, here, shape.half_window, LANES) {
            let Group { queries, count, seen, steps } = group;
            for (t, query) in queries.into_iter().enumerate() {
                meeting.turn(t, &q[columns(query)], &rope[positions[query] * d..][..d]);
            }
            meeting.score(&data.keys[block * (BLOCK / LANES) * (d / PAIR)..], steps.clone(), *key_step);
            let mut scales = [[0.0; 2]; QUERIES];
            for (t, query) in queries.into_iter().enumerate().take(count) {
                scales[t] = meeting.share(t, seen[t].clone(), steps.clone(), &mut met[query]);
            }
            let values = &data.values[block * d.div_ceil(LANES) * (BLOCK / PAIR)..];
            meeting.sum_values(values, steps, d, |t, column, sums| {
                if t < count {
                    let [kept, scale] = scales[t];
                    let out = out[columns(queries[t])][column..].iter_mut().zip(sums);
                    out.for_each(|(out, sum)| *out = *out * kept + sum * (scale * value_step));
                }
            });
        }
    }
    for (query, met) in met.iter().enumerate() {
        let scale = 1.0 / met.total;
        out[columns(query)].iter_mut().for_each(|out| *out *= scale);
    }
}

/// By what values are to be multiplied so that the `largest` becomes `most`, and its inverse. If it is not finite
/// that is NaN, which reaches whatever the values would have reached.
fn scale_to(most: f32, largest: f32) -> [f32; 2] {
    match largest {
        0.0 => [0.0, 0.0],
        largest if largest.is_finite() => [most / largest, largest / most],
        _ => [0.0, f32::NAN],
    }
}

/// The integer of a scaled value.
fn integer(scaled: f32) -> i16 {
    to_integer(scaled).to_bits() as i16
}

impl Head {
    /// Turns and rounds the keys of one head, and rounds its values. Rows of `kv` have `2 * width` columns;
    /// `first` is the row of position 0.
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
        let (width, blocks) = (heads * d, positions.len().div_ceil(BLOCK));
        self.steps.clear();
        self.keys.clear();
        self.keys.resize(blocks * (BLOCK / LANES) * (d / PAIR), [0; LANES * PAIR]);
        self.values.clear();
        self.values.resize(blocks * d.div_ceil(LANES) * (BLOCK / PAIR), [0; LANES * PAIR]);
        self.turned.resize(BLOCK * d, 0.0);
        for block in 0..blocks {
            let from = positions.start + block * BLOCK;
            let here = from..positions.end.min(from + BLOCK);
            let row = |position: usize| &kv[(first + position) * 2 * width..][..2 * width];
            let value = |position: usize| &row(position)[width + head * d..][..d];
            let turned = &mut self.turned[..here.len() * d];
            for (turned, position) in turned.chunks_exact_mut(d).zip(here.clone()) {
                turn(&row(position)[head * d..][..d], &rope[position * d..][..d], turned);
            }
            let [key_scale, key_step] = scale_to(largest_factor(d), largest(turned));
            let largest_value = here.clone().map(|at| largest(value(at))).fold(0.0, f32::max);
            let [value_scale, value_step] = scale_to(VALUE, largest_value);
            self.steps.push([key_step, value_step]);
            let keys = &mut self.keys[block * (BLOCK / LANES) * (d / PAIR)..];
            let values = &mut self.values[block * d.div_ceil(LANES) * (BLOCK / PAIR)..];
            for (at, turned) in turned.chunks_exact(d).enumerate() {
                let step = &mut keys[at / LANES * (d / PAIR)..][..d / PAIR];
                for (pairs, pair) in step.iter_mut().zip(turned.as_chunks::<PAIR>().0) {
                    pairs.as_chunks_mut::<PAIR>().0[at % LANES] = pair.map(|v| integer(v * key_scale));
                }
                for (column, v) in value(from + at).iter().enumerate() {
                    let pairs = &mut values[column / LANES * (BLOCK / PAIR) + at / PAIR];
                    pairs[column % LANES * PAIR + at % PAIR] = integer(v * value_scale);
                }
            }
        }
    }
}

impl Meeting {
    /// Makes a query member `t`: turned to its position and rounded.
    fn turn(&mut self, t: usize, query: &[f32], angles: &[f32]) {
        let d = query.len();
        turn(query, angles, &mut self.turned);
        let [scale, step] = scale_to(largest_factor(d), largest(&self.turned));
        // The base of the powers and the root of d, once for all keys.
        self.steps[t] = step * std::f32::consts::LOG2_E / (d as f32).sqrt();
        for (words, pair) in self.queries.iter_mut().zip(self.turned.as_chunks::<PAIR>().0) {
            words[t] = exact::word(pair.map(|v| to_integer(v * scale)));
        }
    }

    /// Scores of all members and the keys of `steps`.
    fn score(&mut self, keys: &[Pairs], steps: Range<usize>, key_step: f32) {
        let factors = self.steps.map(|step| f32x4::splat(step * key_step));
        let pairs = self.queries.len();
        for step in steps {
            let keys = &keys[step * pairs..][..pairs];
            let sums = exact::sums(&self.queries, keys, registers);
            for ((scores, sums), factor) in self.scores.iter_mut().zip(sums).zip(factors) {
                let made = sums.map(|sum| (f32x4::from_i32x4(sum) * factor).to_array());
                scores[step * LANES..][..LANES].copy_from_slice(made.as_flattened());
            }
        }
    }

    /// Turns a member's scores of `steps` into shares relative to their highest, none for keys that are not in
    /// `seen`. Gives by what the sums of earlier blocks are to be multiplied, and those of this one.
    fn share(&mut self, t: usize, seen: Range<usize>, steps: Range<usize>, met: &mut Softmax) -> [f32; 2] {
        let offset = steps.start * LANES;
        let scores = &mut self.scores[t][offset..steps.end * LANES];
        scores[..seen.start - offset].fill(f32::NEG_INFINITY);
        scores[seen.end - offset..].fill(f32::NEG_INFINITY);
        let mut most = [f32::NEG_INFINITY; LANES];
        for scores in scores.as_chunks::<LANES>().0 {
            most.iter_mut().zip(scores).for_each(|(most, score)| *most = if *score > *most { *score } else { *most });
        }
        let highest = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let shares = &mut self.shares[offset / PAIR..steps.end * LANES / PAIR];
        if highest == f32::NEG_INFINITY {
            // It sees none of these keys; or its scores are NaN, and so is what comes of them.
            shares.iter_mut().for_each(|words| words[t] = i32x4::ZERO);
            return [1.0, if seen.is_empty() { 0.0 } else { f32::NAN }];
        }
        let mut totals = [0.0; LANES];
        for scores in scores.as_chunks_mut::<LANES>().0 {
            for (score, total) in scores.iter_mut().zip(&mut totals) {
                *score = to_integer(exp2_below_one(*score - highest) * SHARE);
                *total += rounded(*score);
            }
        }
        for (words, pair) in shares.iter_mut().zip(scores.as_chunks::<PAIR>().0) {
            words[t] = exact::word(*pair);
        }
        let all = met.highest.max(highest);
        let power = |x: f32| if x == f32::NEG_INFINITY { 0.0 } else { x.exp2() };
        let [kept, scale] = [met.highest - all, highest - all].map(power);
        *met = Softmax { highest: all, total: met.total * kept + totals.into_iter().sum::<f32>() * scale };
        [kept, scale]
    }

    /// Hands `add` the sums of values times shares: member, first column, and the sums of the columns from there.
    fn sum_values(&self, values: &[Pairs], steps: Range<usize>, d: usize, mut add: impl FnMut(usize, usize, &[f32])) {
        let pairs = steps.start * LANES / PAIR..steps.end * LANES / PAIR;
        let shares = &self.shares[pairs.clone()];
        for (index, values) in values.chunks_exact(BLOCK / PAIR).take(d.div_ceil(LANES)).enumerate() {
            let mut sums = [[f32x4::ZERO; WIDTH]; QUERIES];
            for (shares, values) in shares.chunks(CHUNK).zip(values[pairs.clone()].chunks(CHUNK)) {
                let exact = exact::sums(shares, values, registers);
                // As in the int8 product: these sums are to stay out of the registers meanwhile.
                let sums = black_box(&mut sums);
                for (sums, exact) in sums.iter_mut().zip(exact) {
                    sums.iter_mut().zip(exact).for_each(|(sum, exact)| *sum += f32x4::from_i32x4(exact));
                }
            }
            let (column, end) = (index * LANES, d.min((index + 1) * LANES));
            for (t, sums) in sums.into_iter().enumerate() {
                add(t, column, &sums.map(f32x4::to_array).as_flattened()[..end - column]);
            }
        }
    }
}

/// Pairs as registers.
#[inline(always)]
fn registers(pairs: &Pairs) -> [i16x8; WIDTH] {
    bytemuck::cast(*pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Precision;

    /// One head of width 2 whose keys and values are the rows of `kv`, without rotation.
    fn attend(q: [f32; 2], kv: &[[f32; 4]]) -> Vec<f32> {
        let shape = AttentionShape { heads: 1, head_size: 2, half_window: None, precision: Precision::Int16 };
        let rope: Vec<f32> = kv.iter().flat_map(|_| [1.0, 0.0]).collect();
        let mut out = vec![0.0; 2];
        attention(&q, kv.as_flattened(), &rope, &[0, 0, kv.len() as i32], shape, &mut out);
        out
    }

    #[test]
    fn a_long_tail_of_small_shares_keeps_its_weight() {
        // One key has e^12 times the share of each of 4095 others: 162,755 to 4095.
        let mut kv = vec![[0.0, 0.0, 1.0, -1.0]; 4096];
        kv[0] = [2f32.sqrt() * 12.0, 0.0, 0.0, 1.0];
        let first = 12f32.exp();
        let want = [4095.0 / (first + 4095.0), (first - 4095.0) / (first + 4095.0)];
        // In the block of the one key the others round to nothing: at most 255 / 32766 of it.
        for (got, want) in attend([1.0, 0.0], &kv).iter().zip(want) {
            assert!((got - want).abs() < 4e-3, "{got} instead of {want}");
        }
    }

    #[test]
    fn what_is_not_finite_is_passed_on() {
        let kv = vec![[1.0, 0.5, 1.0, 2.0]; 300];
        for at in 0..4 {
            let mut kv = kv.clone();
            kv[290][at] = if at % 2 == 0 { f32::NAN } else { f32::INFINITY };
            assert!(attend([1.0, 1.0], &kv).iter().all(|v| v.is_nan()), "column {at}");
        }
        assert!(attend([f32::NAN, 1.0], &kv).iter().all(|v| v.is_nan()));
        assert!(attend([0.0, 0.0], &kv).iter().zip([1.0, 2.0]).all(|(got, want)| (got - want).abs() < 1e-3));
    }
}
