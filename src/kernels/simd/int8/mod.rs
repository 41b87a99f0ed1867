//! Int8 weights times activations rounded to 8 bits: `y = Σ_groups (Σ w · a) · (scale · step)`.
//!
//! A group is at most 32 columns. The weights of a row have a scale for it, the activations of a token a _step_: its largest
//! magnitude / 127. Products are summed exactly in i32 over a group and only then become f32; the groups are added in their
//! order. [`linear_bytes`](crate::kernels::reference::linear_bytes) states it.
//! Every body computes exactly this, and so their results are bit-for-bit identical.
//!
//! | module | duty |
//! | --- | --- |
//! | `body` | where the bodies differ |
//! | `pairs` | the body for any processor |
//! | `native` | bodies for wider registers and four-byte products of x86-64 |
//! | `vnni` | the body for four-byte products of x86-64 without AVX-512 |
//! | `quads` | the body for processors that multiply four bytes at once; its own binary, see there |
//! | `fine` | more bits, for a pack's self-test |
//! | `activations` | rounds them, a few dozen tokens at a time, which then stay in the caches |
//! | `product` | goes through tiles of tokens and bands of weights |
//!
//! Weights stand in the order in which the registers take them, see [`order`].

mod activations;
mod body;
mod fine;
#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
mod native;
#[cfg(any(not(feature = "relaxed"), test))]
mod pairs;
mod product;
#[cfg(any(feature = "relaxed", target_arch = "x86_64", test))]
mod quads;
#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
mod vnni;

use activations::Rounded;
use body::Body;
use fine::keep_remainder;
use product::product;

use super::exact::LANES;
use crate::config::Activation;
use crate::kernels::profile::{Operation, time};
use std::ops::Range;

/// The bodies of this build, and its name.
#[cfg(not(feature = "relaxed"))]
mod chosen {
    use super::Work;
    use super::pairs::Pairs;

    /// The name of the kernels with this int8 product.
    pub const NAME: &str = "simd";

    /// Returns whether this machine computes what the build expects. If not, nothing else here may be called.
    pub fn is_exact() -> bool {
        true
    }

    /// Works with the fastest body that the machine has.
    pub fn choose<W: Work>(work: W) -> W::Made {
        #[cfg(target_arch = "x86_64")]
        {
            use super::native::{Dots, Wide};
            use super::vnni::ShortDots;

            if let Some(body) = Dots::here() {
                return work.with(body);
            }
            if let Some(body) = ShortDots::here() {
                return work.with(body);
            }
            if let Some(body) = Wide::here() {
                return work.with(body);
            }
        }
        work.with(Pairs)
    }
}
/// The body of this build, and its name.
#[cfg(feature = "relaxed")]
mod chosen {
    use super::Work;
    use super::quads::{Bytes, Quads};

    /// The name of the kernels with this int8 product.
    pub const NAME: &str = "relaxed";

    /// Returns whether this machine computes what the build expects. If not, nothing else here may be called.
    pub fn is_exact() -> bool {
        Bytes::here().is_some()
    }

    /// Works with the body.
    pub fn choose<W: Work>(work: W) -> W::Made {
        work.with(Quads(Bytes::here().expect("a device is opened only where the body is exact")))
    }
}

use chosen::choose;

pub use chosen::{NAME, is_exact};
pub use fine::{Fine, passes};

/// What is done with a body.
trait Work {
    /// What comes of it.
    type Made;

    /// Does it.
    fn with<B: Body>(self, body: B) -> Self::Made;
}

/// Rows of weights that the order keeps together: two vector registers of sums.
pub const BAND: usize = LANES;
/// The most columns of a group: an outlier among a token's activations makes the step of no more than these coarse.
const LONGEST: usize = 32;
/// Groups of columns that share a scale come in multiples of this, so that any device can take them.
const QUAD: usize = 4;
/// Columns that a tile is multiplied with before its next ones are touched: those of a tile take 15 KiB at most.
const COLUMNS: usize = 384;

/// Returns the tokens of one chunk of `n`: chunks are of about equal size, and of full tiles except for the last.
fn chunk<B: Body>(n: usize) -> usize {
    n.div_ceil(n.div_ceil(B::CHUNK).max(1)).max(1).next_multiple_of(B::TOKENS)
}

/// Int8 weights [m, k] in the order of [`order`], with their scales.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// [m / 8, k / COLUMNS, 8, COLUMNS].
    values: &'a [i8],
    /// [m / 8, k / group, 8].
    scales: &'a [[f32; BAND]],
    k: usize,
    group: usize,
}

impl<'a> Weights<'a> {
    /// Takes `values` and `scales` as [`order`] left them; `k` is a multiple of `group`, and `group` of 4.
    pub fn new(values: &'a [i8], scales: &'a [f32], k: usize, group: usize) -> Self {
        debug_assert!(is_ordered(values.len() / k, group) && values.len() / group == scales.len() && group <= LONGEST);
        Self { values, scales: scales.as_chunks().0, k, group }
    }

    /// Returns the values of some bands.
    fn bands(&self, bands: Range<usize>) -> &'a [i8] {
        let band = BAND * self.k;
        &self.values[bands.start * band..bands.end * band]
    }

    /// Returns the rows of the matrix.
    fn m(&self) -> usize {
        self.values.len() / self.k
    }
}

/// Returns whether [`order`] can lay out a matrix of `rows` rows whose scales each cover `group` columns.
pub fn is_ordered(rows: usize, group: usize) -> bool {
    rows.is_multiple_of(BAND) && group.is_multiple_of(QUAD)
}

/// Brings row-major int8 weights [m, k] and their scales [m, k / group] into the order of this build's kernels:
/// [m / 8, k / COLUMNS, 8, COLUMNS] and [m / 8, k / group, 8], where COLUMNS is that of the body. Works in
/// place except for eight rows at a time, so that no second copy of a matrix ever exists. Groups of more than 32 columns
/// are cut into equal ones of at most 32, and their scales repeated.
///
/// # Panics
/// Unless [`is_ordered`].
pub fn order(values: &mut [i8], scales: Vec<f32>, k: usize, group: usize) -> Vec<f32> {
    choose(Order { values, scales, k, group })
}

struct Order<'a> {
    values: &'a mut [i8],
    scales: Vec<f32>,
    k: usize,
    group: usize,
}

impl Work for Order<'_> {
    type Made = Vec<f32>;

    fn with<B: Body>(self, body: B) -> Vec<f32> {
        order_for(body, self.values, self.scales, self.k, self.group)
    }
}

fn order_for<B: Body>(body: B, values: &mut [i8], scales: Vec<f32>, k: usize, group: usize) -> Vec<f32> {
    assert!(is_ordered(values.len() / k, group), "an order of eight rows and a few columns");
    let mut rows = vec![0i8; BAND * k];
    for band in values.chunks_exact_mut(BAND * k) {
        rows.copy_from_slice(band);
        for (at, columns) in band.chunks_exact_mut(B::COLUMNS).enumerate() {
            let (row, column) = (at % BAND, at / BAND * B::COLUMNS);
            columns.copy_from_slice(&rows[row * k + column..][..B::COLUMNS]);
        }
        body.keep(band);
    }
    let cuts = cuts(group);
    let groups = k / group * cuts;
    let mut scales: Vec<f32> = match cuts {
        1 => scales,
        _ => scales.into_iter().flat_map(|scale| std::iter::repeat_n(scale, cuts)).collect(),
    };
    let mut rows = vec![0f32; BAND * groups];
    for band in scales.chunks_exact_mut(BAND * groups) {
        rows.copy_from_slice(band);
        for (at, scale) in band.iter_mut().enumerate() {
            *scale = rows[at % BAND * groups + at / BAND];
        }
    }
    scales
}

/// Returns the fewest equal parts of whole quads and at most [`LONGEST`] columns into which a group is cut.
fn cuts(group: usize) -> usize {
    (1..=group / QUAD).find(|cuts| group.is_multiple_of(cuts * QUAD) && group / cuts <= LONGEST).unwrap_or(1)
}

/// Multiplies `x` [n, k] by the weights [m, k] -> `out` [n, m].
pub fn linear_int8(x: &[f32], weights: Weights<'_>, out: &mut [f32]) {
    choose(Linear { x, weights, out });
}

struct Linear<'a> {
    x: &'a [f32],
    weights: Weights<'a>,
    out: &'a mut [f32],
}

impl Work for Linear<'_> {
    type Made = ();

    fn with<B: Body>(self, body: B) {
        linear_with(body, self.x, self.weights, self.out);
    }
}

fn linear_with<B: Body>(body: B, x: &[f32], weights: Weights<'_>, out: &mut [f32]) {
    let mut rounded = Rounded::new(body);
    let chunk = chunk::<B>(x.len() / weights.k);
    for (x, out) in x.chunks(chunk * weights.k).zip(out.chunks_mut(chunk * weights.m())) {
        for pass in 0..passes() {
            time(Operation::Rounding, || {
                rounded.fill(x.len() / weights.k, [weights.k, weights.group], |token, row| {
                    row.copy_from_slice(&x[token * weights.k..][..weights.k]);
                    (0..pass).for_each(|_| keep_remainder(row, weights.group));
                });
            });
            time(Operation::Int8Product, || match pass {
                0 => product::<_, false>(&rounded, weights, out),
                _ => product::<_, true>(&rounded, weights, out),
            });
        }
    }
}

/// The arguments of [`mlp_int8`] besides `x`.
pub struct Mlp<'a> {
    /// Gain of the norm before it, `[h]`.
    pub gain: &'a [f32],
    /// The norm's epsilon.
    pub eps: f32,
    /// `Wi` [2 * i, h].
    pub wide: Weights<'a>,
    /// `Wo` [h, i].
    pub narrow: Weights<'a>,
    /// The gate's activation.
    pub activation: Activation,
}

/// Computes `x + Wo · gate(Wi · norm(x))`: `x` [n, h] -> `out` [n, h].
pub fn mlp_int8(x: &[f32], mlp: &Mlp<'_>, out: &mut [f32]) {
    choose(MlpWork { x, mlp, out });
}

struct MlpWork<'a> {
    x: &'a [f32],
    mlp: &'a Mlp<'a>,
    out: &'a mut [f32],
}

impl Work for MlpWork<'_> {
    type Made = ();

    fn with<B: Body>(self, body: B) {
        mlp_with(body, self.x, self.mlp, self.out);
    }
}

fn mlp_with<B: Body>(body: B, x: &[f32], mlp: &Mlp<'_>, out: &mut [f32]) {
    let (hidden, inner) = (mlp.gain.len(), mlp.narrow.k);
    out.copy_from_slice(x);
    let (mut normed, mut gated) = (Rounded::new(body), Rounded::new(body));
    let chunk = chunk::<B>(x.len() / hidden);
    let mut wide = vec![0.0; chunk * 2 * inner];
    for (x, out) in x.chunks(chunk * hidden).zip(out.chunks_mut(chunk * hidden)) {
        let count = x.len() / hidden;
        let wide = &mut wide[..count * 2 * inner];
        for pass in 0..passes() {
            time(Operation::Norm, || {
                normed.fill(count, [hidden, mlp.wide.group], |token, row| {
                    body.norm(&x[token * hidden..][..hidden], mlp.gain, mlp.eps, row);
                    (0..pass).for_each(|_| keep_remainder(row, mlp.wide.group));
                });
            });
            time(Operation::Int8Product, || match pass {
                0 => product::<_, false>(&normed, mlp.wide, wide),
                _ => product::<_, true>(&normed, mlp.wide, wide),
            });
        }
        for pass in 0..passes() {
            time(Operation::Gate, || {
                gated.fill(count, [inner, mlp.narrow.group], |token, row| {
                    body.gate(&wide[token * 2 * inner..][..2 * inner], mlp.activation, row);
                    (0..pass).for_each(|_| keep_remainder(row, mlp.narrow.group));
                });
            });
            time(Operation::Int8Product, || product::<_, true>(&gated, mlp.narrow, out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kept` is what a body keeps of a weight.
    fn check<B: Body>(body: B, kept: fn(i8) -> i8) {
        let (m, k, group) = (16, 12, 4);
        let mut values: Vec<i8> = (0..m * k).map(|at| at as i8).collect();
        let scales = (0..m * k / group).map(|at| at as f32).collect();
        let scales = order_for(body, &mut values, scales, k, group);
        // Band 1, its row 3, column 9: row 11.
        let step = 8 / BAND * (k / B::COLUMNS) + 9 / B::COLUMNS;
        assert_eq!(values[(step * BAND + 3) * B::COLUMNS + 9 % B::COLUMNS], kept((11 * k + 9) as i8));
        assert_eq!(scales[..9], [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 1.0]);
        assert_eq!(scales[24], 24.0);
    }

    #[test]
    fn long_groups_are_cut_and_their_scales_repeated() {
        assert_eq!([4, 28, 32, 36, 64, 384, 1040, 1152].map(cuts), [1, 1, 1, 3, 2, 12, 52, 36]);
        let (mut values, k) = (vec![1; 8 * 1040], 1040);
        let scales = order(&mut values, (0..8).map(|row| row as f32).collect(), k, k);
        assert_eq!(scales.len(), 8 * cuts(k));
        assert!(scales.chunks_exact(8).all(|group| group == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
    }

    #[test]
    fn order_puts_a_few_columns_of_eight_rows_together() {
        check(pairs::Pairs, |value| value);
        check(quads::Quads(quads::Bytes::Unsigned), |value| value ^ i8::MIN);
        check(quads::Quads(quads::Bytes::Signed), |value| value);
        #[cfg(target_arch = "x86_64")]
        {
            native::Wide::here().into_iter().for_each(|body| check(body, |value| value));
            native::Dots::here().into_iter().for_each(|body| check(body, |value| value ^ i8::MIN));
            vnni::ShortDots::here().into_iter().for_each(|body| check(body, |value| value ^ i8::MIN));
        }
    }
}
