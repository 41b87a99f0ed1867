//! Five queries at a time, in 16-bit integers with exact sums.
//!
//! Each query of a head has its own scale (its *step*); keys and values have one for each block. Shares are integers
//! relative to the highest of their query and block, so a block far from everything that matters is rounded as
//! finely as any other; in the end they are divided by the sum of these very integers.

#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
mod native;

use super::{BLOCK, Group, Run, Softmax, groups, runs, turn, visible};
use crate::kernels::AttentionShape;
use crate::kernels::simd::exact::{self, LANES, PAIR, WIDTH};
use crate::kernels::simd::maths::{COARSE, Exp2, FINE, largest, to_integers};
use std::hint::black_box;
use std::ops::Range;
use wide::{f32x4, i16x8, i32x4};

/// Queries that share one pass over the keys.
const QUERIES: usize = 5;
/// The largest share, 16383, as the exponent of a power of two.
const SHARE: f32 = 13.999_912;
/// The largest magnitude of a value.
const VALUE: f32 = 8191.0;
/// Pairs of keys whose shares times values are summed in i32: 16383 * 8191 * 16 < 2^31.
const CHUNK: usize = 8;

/// Returns the largest magnitude of queries and keys `d` wide: d products of two of them fit i32.
fn largest_factor(d: usize) -> f32 {
    (f64::from(i32::MAX) / d as f64).sqrt().floor().min(32767.0) as f32
}

/// Lanes of a register of words.
const WORDS: usize = 4;

/// Words of eight keys, or of eight columns of values. A word of keys is columns `j` and `j + d / 2` of one key, which
/// rotary positions turn together. A word of values or of shares is keys `i` and `i + 4` of eight.
type Words = [i32x4; WIDTH];

/// Returns the number of words of a query or a key of width `d`, with zeros up to whole registers.
fn words_of(d: usize) -> usize {
    (d / PAIR).next_multiple_of(WORDS)
}

/// Keys and values of one head, in blocks.
#[derive(Default)]
struct Head {
    /// Turned keys, [blocks, BLOCK / 8, words].
    keys: Vec<Words>,
    /// Values, [blocks, columns / 8, BLOCK / 2]: columns past d are zero.
    values: Vec<Words>,
    /// Factors that turn a block's integer keys and values back into numbers.
    steps: Vec<[f32; 2]>,
    /// Turned keys of a block before they are rounded, [BLOCK, 2, words / 4, 4]; keys past the end are zero.
    turned: Vec<f32>,
    /// Values of a block before they are rounded, [BLOCK, columns].
    plain: Vec<f32>,
}

/// The queries that meet one block of keys together.
struct Meeting {
    /// The queries [words, QUERIES].
    queries: Vec<[i32x4; QUERIES]>,
    /// Factors that turn their integers back into numbers.
    steps: [f32; QUERIES],
    /// A query before it is rounded, [2, words].
    turned: Vec<f32>,
    /// Scores, in powers of two.
    scores: [Scores; QUERIES],
    /// The shares [BLOCK / 2, QUERIES].
    shares: Vec<[i32x4; QUERIES]>,
    /// Powers for the weights of blocks.
    fine: Exp2<6>,
}

/// Scores of a query and the keys of a block.
type Scores = [f32x4; BLOCK / WORDS];

/// One way to compute what takes the most time. The results of all are bit-for-bit identical.
trait Body: Copy {
    /// Computes the scores of the queries [words, QUERIES] and the keys of `steps`: `keys` is [BLOCK / 8, words].
    fn score(
        &self,
        queries: &[[i32x4; QUERIES]],
        keys: &[Words],
        steps: Range<usize>,
        factors: [f32; QUERIES],
        scores: &mut [Scores; QUERIES],
    );

    /// Returns the highest score; not a number, if one is not.
    fn highest(&self, scores: &[f32x4]) -> f32;

    /// Writes 2^(score - relative), rounded, to `shares` as member `t`; returns their sum.
    fn share(&self, scores: &[f32x4], relative: f32, shares: &mut [[i32x4; QUERIES]], t: usize) -> i32;

    /// Passes `add` the sums of values times shares: member, first column, and the sums of the columns from there.
    /// `values` is [columns / 8, BLOCK / 2], of which `pairs` count; `shares` are theirs.
    fn sum_values(
        &self,
        shares: &[[i32x4; QUERIES]],
        values: &[Words],
        pairs: Range<usize>,
        d: usize,
        add: impl FnMut(usize, usize, &[f32]),
    );
}

/// The body for any processor.
#[derive(Clone, Copy)]
struct Any {
    /// Powers for the shares.
    coarse: Exp2<5>,
}

/// See [`super::attention`].
pub(super) fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape, out: &mut [f32]) {
    #[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
    {
        if let Some(body) = native::Dots::here() {
            return attend(body, q, kv, rope, queries, shape, out);
        }
        if let Some(body) = native::Wide::here() {
            return attend(body, q, kv, rope, queries, shape, out);
        }
    }
    attend(Any { coarse: Exp2::new(COARSE) }, q, kv, rope, queries, shape, out);
}

fn attend(
    body: impl Body,
    q: &[f32],
    kv: &[f32],
    rope: &[f32],
    queries: &[i32],
    shape: AttentionShape,
    out: &mut [f32],
) {
    let d = shape.head_size;
    let mut head_data = Head::default();
    let mut meeting = Meeting {
        queries: vec![[i32x4::ZERO; QUERIES]; words_of(d)],
        steps: [0.0; QUERIES],
        turned: vec![0.0; PAIR * words_of(d)],
        scores: [[f32x4::ZERO; BLOCK / WORDS]; QUERIES],
        shares: vec![[i32x4::ZERO; QUERIES]; BLOCK / PAIR],
        fine: Exp2::new(FINE),
    };
    for run in runs(queries) {
        let keys = visible(&run, shape.half_window);
        for head in 0..shape.heads {
            head_data.load(kv, rope, run.rows.start, keys.clone(), head, shape);
            attend_head(body, &head_data, &mut meeting, &run, keys.clone(), q, rope, head, shape, out);
        }
    }
}

/// Computes all queries of a run for one head.
#[allow(clippy::too_many_arguments, reason = "the inputs of attention itself, cut to one head")]
fn attend_head(
    body: impl Body,
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
            let keys = &data.keys[block * (BLOCK / LANES) * words_of(d)..];
            let factors = meeting.steps.map(|step| step * key_step);
            body.score(&meeting.queries, keys, steps.clone(), factors, &mut meeting.scores);
            let mut scales = [[0.0; 2]; QUERIES];
            for (t, query) in queries.into_iter().enumerate().take(count) {
                scales[t] = meeting.share(body, t, seen[t].clone(), steps.clone(), *key_step, &mut met[query]);
            }
            let values = &data.values[block * d.div_ceil(LANES) * (BLOCK / PAIR)..];
            let pairs = steps.start * WORDS..steps.end * WORDS;
            body.sum_values(&meeting.shares[pairs.clone()], values, pairs, d, |t, column, sums| {
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

/// Returns the factor that scales the `largest` value to `most`, and its inverse. If `largest` is not finite, the
/// inverse is NaN, which reaches whatever the values would have reached.
fn scale_to(most: f32, largest: f32) -> [f32; 2] {
    match largest {
        0.0 => [0.0, 0.0],
        largest if largest.is_finite() => [most / largest, largest / most],
        _ => [0.0, f32::NAN],
    }
}

/// Returns the higher of two numbers. `f32::max` handles NaN, which makes it a function call in WebAssembly.
fn higher(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Makes four words of a first and a second half, each multiplied by `scale` and rounded.
#[inline(always)]
fn words(first: f32x4, second: f32x4, scale: f32) -> i32x4 {
    let [first, second] = [first, second].map(|v| to_integers(v * f32x4::splat(scale)));
    exact::words(first, second)
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
        let (key_words, columns) = (words_of(d), d.next_multiple_of(LANES));
        self.steps.clear();
        self.keys.resize(blocks * (BLOCK / LANES) * key_words, [i32x4::ZERO; WIDTH]);
        self.values.resize(blocks * columns / LANES * (BLOCK / PAIR), [i32x4::ZERO; WIDTH]);
        for block in 0..blocks {
            let from = positions.start + block * BLOCK;
            let here = from..positions.end.min(from + BLOCK);
            let keys = here.len().next_multiple_of(LANES);
            // Whatever is not written below stays zero: columns past d, keys past the end.
            self.turned.clear();
            self.turned.resize(keys * PAIR * key_words, 0.0);
            self.plain.clear();
            self.plain.resize(keys * columns, 0.0);
            let rows = self.turned.chunks_exact_mut(PAIR * key_words).zip(self.plain.chunks_exact_mut(columns));
            for ((turned, plain), position) in rows.zip(here) {
                let row = &kv[(first + position) * 2 * width..][..2 * width];
                let (low, high) = turned.split_at_mut(key_words);
                turn(&row[head * d..][..d], &rope[position * d..][..d], low, high);
                plain[..d].copy_from_slice(&row[width + head * d..][..d]);
            }
            let [key_scale, key_step] = scale_to(largest_factor(d), largest(&self.turned));
            let [value_scale, value_step] = scale_to(VALUE, largest(&self.plain));
            self.steps.push([key_step, value_step]);
            round_keys(&self.turned, key_scale, key_words, &mut self.keys[block * (BLOCK / LANES) * key_words..]);
            let values = &mut self.values[block * columns / LANES * (BLOCK / PAIR)..];
            round_values(&self.plain, value_scale, columns, values);
        }
    }
}

/// Rounds turned keys [keys, 2, words] into `out` [keys / 8, words].
fn round_keys(turned: &[f32], scale: f32, key_words: usize, out: &mut [Words]) {
    let steps = turned.chunks_exact(LANES * PAIR * key_words).zip(out.chunks_exact_mut(key_words));
    for (eight, out) in steps {
        for (half, four) in eight.chunks_exact(WORDS * PAIR * key_words).enumerate() {
            for (at, out) in out.as_chunks_mut::<WORDS>().0.iter_mut().enumerate() {
                let of_key = |key: usize| {
                    let (low, high) = four[key * PAIR * key_words..][..PAIR * key_words].split_at(key_words);
                    let [low, high] = [low, high].map(|half| f32x4::new(half.as_chunks().0[at]));
                    bytemuck::cast(words(low, high, scale))
                };
                let by_word = f32x4::transpose(std::array::from_fn(of_key));
                out.iter_mut().zip(by_word).for_each(|(out, word)| out[half] = bytemuck::cast(word));
            }
        }
    }
}

/// Rounds values [keys, columns] into `out` [columns / 8, BLOCK / 2].
fn round_values(plain: &[f32], scale: f32, columns: usize, out: &mut [Words]) {
    for (step, eight) in plain.chunks_exact(LANES * columns).enumerate() {
        let (first, second) = eight.split_at(WORDS * columns);
        let keys = first.chunks_exact(columns).zip(second.chunks_exact(columns)).enumerate();
        for (key, (first, second)) in keys {
            let registers = first.as_chunks::<WORDS>().0.iter().zip(second.as_chunks::<WORDS>().0).enumerate();
            for (at, (first, second)) in registers {
                let out = &mut out[at / WIDTH * (BLOCK / PAIR) + step * WORDS + key];
                out[at % WIDTH] = words(f32x4::new(*first), f32x4::new(*second), scale);
            }
        }
    }
}

impl Meeting {
    /// Makes a query member `t`: turns it to its position and rounds it.
    fn turn(&mut self, t: usize, query: &[f32], angles: &[f32]) {
        let d = query.len();
        let (low, high) = self.turned.split_at_mut(words_of(d));
        turn(query, angles, low, high);
        let [scale, step] = scale_to(largest_factor(d), largest(&self.turned));
        let (low, high) = self.turned.split_at(words_of(d));
        // The base of the powers and the root of d, once for all keys.
        self.steps[t] = step * std::f32::consts::LOG2_E / (d as f32).sqrt();
        let halves = low.as_chunks::<WORDS>().0.iter().zip(high.as_chunks::<WORDS>().0);
        for (queries, (low, high)) in self.queries.as_chunks_mut::<WORDS>().0.iter_mut().zip(halves) {
            let made = words(f32x4::new(*low), f32x4::new(*high), scale).to_array();
            queries.iter_mut().zip(made).for_each(|(queries, word)| queries[t] = i32x4::splat(word));
        }
    }

    /// Turns a member's scores of `steps` into shares relative to their highest, zero for keys outside `seen`. Returns
    /// the factors for the sums of earlier blocks and for those of this one.
    fn share(
        &mut self,
        body: impl Body,
        t: usize,
        seen: Range<usize>,
        steps: Range<usize>,
        key_step: f32,
        met: &mut Softmax,
    ) -> [f32; 2] {
        let scores = &mut self.scores[t][steps.start * WIDTH..steps.end * WIDTH];
        let flat: &mut [f32] = bytemuck::cast_slice_mut(scores);
        let offset = steps.start * LANES;
        flat[..seen.start - offset].fill(f32::NEG_INFINITY);
        flat[seen.end - offset..].fill(f32::NEG_INFINITY);
        let highest = body.highest(scores);
        let shares = &mut self.shares[steps.start * WORDS..steps.end * WORDS];
        // Scores are integers times this factor: where it is finite, no score is NaN.
        let is_finite = (self.steps[t] * key_step).is_finite() && highest != f32::INFINITY;
        if highest == f32::NEG_INFINITY || !is_finite {
            // The query sees no key of this block; or its scores are not numbers, and neither is the result.
            shares.iter_mut().for_each(|words| words[t] = i32x4::ZERO);
            return [1.0, if seen.is_empty() { 0.0 } else { f32::NAN }];
        }
        let total = body.share(scores, highest - SHARE, shares, t);
        // One of the two powers is 1.
        let all = higher(met.highest, highest);
        let powers = self.fine.of(f32x4::new([met.highest - all, highest - all, 0.0, 0.0])).to_array();
        let [kept, scale, ..] = powers;
        *met = Softmax { highest: all, total: met.total * kept + total as f32 * scale };
        [kept, scale]
    }
}

impl Body for Any {
    #[inline(always)]
    fn score(
        &self,
        queries: &[[i32x4; QUERIES]],
        keys: &[Words],
        steps: Range<usize>,
        factors: [f32; QUERIES],
        scores: &mut [Scores; QUERIES],
    ) {
        let factors = factors.map(f32x4::splat);
        let words = queries.len();
        for step in steps {
            let keys = &keys[step * words..][..words];
            let sums = exact::sums(queries, keys, registers);
            for ((scores, sums), factor) in scores.iter_mut().zip(sums).zip(factors) {
                let scores = &mut scores[step * WIDTH..][..WIDTH];
                scores.iter_mut().zip(sums).for_each(|(score, sum)| *score = f32x4::from_i32x4(sum) * factor);
            }
        }
    }

    #[inline(always)]
    fn highest(&self, scores: &[f32x4]) -> f32 {
        let most = scores.iter().fold(f32x4::splat(f32::NEG_INFINITY), |most, score| most.fast_max(*score));
        most.to_array().into_iter().fold(f32::NEG_INFINITY, higher)
    }

    #[inline(always)]
    fn share(&self, scores: &[f32x4], relative: f32, shares: &mut [[i32x4; QUERIES]], t: usize) -> i32 {
        let mut totals = i32x4::ZERO;
        let relative = f32x4::splat(relative);
        let share = |score: f32x4| self.coarse.integers(score - relative);
        for (words, scores) in shares.as_chunks_mut::<WORDS>().0.iter_mut().zip(scores.as_chunks::<WIDTH>().0) {
            let [first, second] = scores.map(share);
            totals += first + second;
            let made = (first | (second << 16i32)).to_array();
            words.iter_mut().zip(made).for_each(|(words, word)| words[t] = i32x4::splat(word));
        }
        totals.to_array().into_iter().sum()
    }

    #[inline(always)]
    fn sum_values(
        &self,
        shares: &[[i32x4; QUERIES]],
        values: &[Words],
        pairs: Range<usize>,
        d: usize,
        mut add: impl FnMut(usize, usize, &[f32]),
    ) {
        for (index, values) in values.chunks_exact(BLOCK / PAIR).take(d.div_ceil(LANES)).enumerate() {
            let mut sums = [[f32x4::ZERO; WIDTH]; QUERIES];
            for (shares, values) in shares.chunks(CHUNK).zip(values[pairs.clone()].chunks(CHUNK)) {
                let exact = exact::sums(shares, values, registers);
                // As in the int8 product: these sums must stay out of the registers meanwhile.
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

/// Returns words as pairs.
#[inline(always)]
fn registers(words: &Words) -> [i16x8; WIDTH] {
    bytemuck::cast(*words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Precision;

    /// Attends with one head of width 2 whose keys and values are the rows of `kv`, without rotation.
    fn attend(q: [f32; 2], kv: &[[f32; 4]]) -> Vec<f32> {
        let shape = AttentionShape { heads: 1, head_size: 2, half_window: None, precision: Precision::Int16, tile: 16 };
        let rope: Vec<f32> = kv.iter().flat_map(|_| [1.0, 0.0]).collect();
        let mut out = vec![0.0; 2];
        attention(&q, kv.as_flattened(), &rope, &[0, 0, kv.len() as i32], shape, &mut out);
        out
    }

    #[test]
    fn a_long_tail_of_small_shares_keeps_its_weight() {
        // One key has e^12 times the share of each of the 4095 others: 162,755 to 4095.
        let mut kv = vec![[0.0, 0.0, 1.0, -1.0]; 4096];
        kv[0] = [2f32.sqrt() * 12.0, 0.0, 0.0, 1.0];
        let first = 12f32.exp();
        let want = [4095.0 / (first + 4095.0), (first - 4095.0) / (first + 4095.0)];
        // In the block of that key the others round to zero: at most 255 / 32766 of it.
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
