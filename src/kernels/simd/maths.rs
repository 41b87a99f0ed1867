//! Elementary functions without branches or calls, so that loops over them vectorise.

use std::hint::black_box;
use std::ops::{Add, Div, Mul, Sub};
use wide::{f32x4, i16x8, i32x4};

/// log2(e).
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln(2) in two parts; the first has few enough bits that `n * LN2_HIGH` is exact (Cody and Waite).
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Coefficients for [`Exp2`], to 2.4e-7; fitted, like the next, by least relative error.
pub(super) const FINE: [f32; 6] =
    [1.327_647_2e-3, 9.675_542e-3, 5.550_713e-2, 2.402_212e-1, 6.931_469_4e-1, 1.000_000_1];
/// Coefficients for [`Exp2`], to 3e-6.
pub(super) const COARSE: [f32; 5] = [9.570_102e-3, 5.591_786_3e-2, 2.402_474_4e-1, 6.931_218e-1, 9.999_993e-1];
/// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer and leaves that
/// integer in the low bits.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// Computes e^x to 2 units in the last place; arguments are clamped to [-87, 88], where the result is normal.
///
/// Polynomial of the Cephes library's `expf` (Moshier) on [-ln 2 / 2, ln 2 / 2].
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let fraction = p * r * r + r + 1.0;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let power = f32::from_bits(((exponent + 127) << 23) as u32);
    fraction * power
}

/// A number, or several in a register: what the functions here are computed in.
///
/// Loops over single ones become instructions for registers of any width where the compiler may choose it, and have the bits of
/// those with [`f32x4`].
pub(super) trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Returns `value`, in every lane.
    fn splat(value: f32) -> Self;

    /// Returns the higher; the second if the first is not a number, or either of them.
    fn higher(self, other: Self) -> Self;

    /// Returns the lower, likewise.
    fn lower(self, other: Self) -> Self;

    /// Multiplies by 2^n, where the lowest bits of `n` are the integer; the result is normal.
    fn times_power(self, n: Self) -> Self;
}

impl Number for f32x4 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        f32x4::splat(value)
    }

    #[inline(always)]
    fn higher(self, other: Self) -> Self {
        self.fast_max(other)
    }

    #[inline(always)]
    fn lower(self, other: Self) -> Self {
        self.fast_min(other)
    }

    #[inline(always)]
    fn times_power(self, n: Self) -> Self {
        bytemuck::cast(bytemuck::cast::<_, i32x4>(self) + (bytemuck::cast::<_, i32x4>(n) << 23))
    }
}

impl Number for f32 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn higher(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn lower(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn times_power(self, n: Self) -> Self {
        f32::from_bits(self.to_bits().wrapping_add(n.to_bits() << 23))
    }
}

/// Numbers for 2^x, as registers. A browser rebuilds a constant, in three instructions, wherever it is used; a value
/// from memory at least stays in memory.
#[derive(Clone, Copy)]
pub(super) struct Exp2<const N: usize, V = f32x4> {
    lowest: V,
    rounder: V,
    powers: [V; N],
}

impl<const N: usize, V: Number> Exp2<N, V> {
    /// Takes the coefficients of a polynomial for 2^x on [-1/2, 1/2], highest power first. The values pass through
    /// `black_box`, so the compiler cannot treat them as constants.
    #[inline(always)]
    pub fn new(powers: [f32; N]) -> Self {
        black_box(Self { lowest: V::splat(-126.0), rounder: V::splat(ROUNDER), powers: powers.map(V::splat) })
    }

    /// Computes 2^x for x up to 126; arguments below -126 are clamped to it.
    #[inline(always)]
    pub fn of(&self, x: V) -> V {
        let x = x.higher(self.lowest);
        let shifted = x + self.rounder;
        let r = x - (shifted - self.rounder);
        self.powers[1..].iter().fold(self.powers[0], |p, c| p * r + *c).times_power(shifted)
    }
}

impl<const N: usize> Exp2<N> {
    /// Computes 2^x rounded to the nearest integer, for x up to 22.
    #[inline(always)]
    pub fn integers(&self, x: f32x4) -> i32x4 {
        bytemuck::cast::<_, i32x4>(self.of(x) + self.rounder) - bytemuck::cast::<_, i32x4>(self.rounder)
    }
}

#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
impl<const N: usize> Exp2<N, f32> {
    /// Computes 2^x rounded to the nearest integer, for x up to 22.
    #[inline(always)]
    pub fn integer(&self, x: f32) -> i32 {
        ((self.of(x) + self.rounder).to_bits() as i32).wrapping_sub(self.rounder.to_bits() as i32)
    }
}

/// Rounds each to the nearest integer; |x| < 2^22.
#[inline(always)]
pub(super) fn to_integers(x: f32x4) -> i32x4 {
    let shifted: i32x4 = bytemuck::cast(x + f32x4::splat(ROUNDER));
    shifted - i32x4::splat(ROUNDER.to_bits() as i32)
}

/// Rounds as [`to_integers`] does.
#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
#[inline(always)]
pub(super) fn to_integer(x: f32) -> i32 {
    ((x + ROUNDER).to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32)
}

/// Narrows eight integers to 16 bits each, which they have to fit.
#[inline(always)]
pub(super) fn narrow(integers: [i32x4; 2]) -> i16x8 {
    i16x8::from_i32x8_saturate(bytemuck::cast(integers))
}

/// Returns the largest magnitude; infinity if a value is infinite or NaN.
#[inline]
pub(super) fn largest(row: &[f32]) -> f32 {
    const LANES: usize = 16;
    // The bits of magnitudes order as the values do, and NaN comes last.
    let mut lanes = [0u32; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = (*lane).max(v.to_bits() & 0x7FFF_FFFF);
        }
    }
    // Halves become registers; one lane after the other would take longer than a group of columns does.
    let half = |lanes: &[u32], at: usize| lanes[at].max(lanes[at + lanes.len() / 2]);
    let eight: [u32; LANES / 2] = std::array::from_fn(|at| half(&lanes, at));
    let four: [u32; LANES / 4] = std::array::from_fn(|at| half(&eight, at));
    let most = four.into_iter().chain(rest.iter().map(|v| v.to_bits() & 0x7FFF_FFFF)).max().unwrap_or(0);
    f32::from_bits(most.min(f32::INFINITY.to_bits()))
}

/// Computes the error function to 4e-7 absolute: a rational function of x on [-3.83, 3.83], where it reaches
/// one to half a unit in the last place (coefficients of XLA's f32 `erf`, Apache-2.0).
#[inline(always)]
pub(super) fn erf<V: Number>(x: V) -> V {
    let x = x.higher(V::splat(-3.832_507)).lower(V::splat(3.832_507));
    let s = x * x;
    let polynomial = |first, rest: &[f32]| rest.iter().fold(V::splat(first), |p, c| p * s + V::splat(*c));
    let p =
        polynomial(2.290_506_6e-4, &[3.408_291e-3, 5.095_569_5e-2, 1.852_083_2e-1, std::f32::consts::FRAC_2_SQRT_PI]);
    let q = polynomial(
        -1.179_160_3e-7,
        &[2.354_796_6e-5, 1.017_962_5e-3, 1.407_047e-2, 1.109_850_5e-1, 4.974_692_5e-1, 1.0],
    );
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Activation;
    use crate::kernels::reference::activate;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for step in -870_000..880_000 {
            let x = step as f32 * 1e-4;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) / want - 1.0).abs() < 2.4e-7, "exp({x})");
        }
        assert!(exp(f32::NEG_INFINITY) < 2e-38 && exp(0.0) == 1.0);
    }

    fn check<const N: usize>(powers: [f32; N], most: f64, ends: std::ops::Range<i32>) {
        let exp2 = Exp2::new(powers);
        for step in ends {
            let x = step as f32 * 1e-4;
            let [got, ..] = exp2.of(f32x4::splat(x)).to_array();
            assert!((f64::from(got) / f64::from(x).exp2() - 1.0).abs() < most, "2^{x}");
        }
        let lowest = exp2.of(f32x4::splat(f32::NEG_INFINITY)).to_array()[0];
        assert!(lowest > 0.0 && lowest < 1.2e-38);
    }

    #[test]
    fn exp2_is_within_its_stated_error_and_held_to_its_end() {
        check(FINE, 2.5e-7, -1_259_999..1_260_000);
        check(COARSE, 3e-6, -1_259_999..1);
    }

    #[test]
    fn integers_are_the_nearest_ones() {
        let x = [-32_639.4, -0.6, 0.4, 32_638.6];
        assert_eq!(to_integers(f32x4::new(x)).to_array(), [-32_639, -1, 0, 32_639]);
        assert_eq!(narrow([to_integers(f32x4::new(x)); 2]).to_array()[..4], [-32_639, -1, 0, 32_639]);
    }

    #[test]
    fn the_largest_magnitude_is_found_anywhere() {
        for at in 0..40 {
            let mut row = vec![0.5f32; 40];
            row[at] = -3.0;
            assert_eq!(largest(&row), 3.0);
            row[at] = f32::NAN;
            assert_eq!(largest(&row), f32::INFINITY);
        }
    }

    #[test]
    fn erf_is_within_its_stated_error() {
        for step in -60_000..60_000 {
            let x = step as f32 * 1e-4;
            // gelu(t) = t / 2 * (1 + erf(t / sqrt 2)), read backwards from the plain body.
            let t = f64::from(x) * std::f64::consts::SQRT_2;
            if t.abs() > 1e-3 {
                let want = 2.0 * activate(t as f32, Activation::Gelu) / f64::from(t as f32) - 1.0;
                let [got, ..] = erf(f32x4::splat(x)).to_array();
                assert!((f64::from(got) - want).abs() < 4e-7, "erf({x}) = {got} not {want}");
            }
        }
    }
}
