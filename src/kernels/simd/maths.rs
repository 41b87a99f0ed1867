//! Elementary functions without branches or calls, so that loops over them vectorise.

/// log2(e).
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln(2) in two parts whose first has few enough bits that `n * LN2_HIGH` is exact (Cody and Waite).
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Adding and taking away 1.5 * 2^23 rounds a small float to the nearest integer and leaves that
/// integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// e^x to 2 units in the last place; arguments are held to [-87, 88], where the result is normal.
///
/// Polynomial of the Cephes library's `expf` (Moshier) on [-ln 2 / 2, ln 2 / 2].
#[inline(always)]
pub fn exp(x: f32) -> f32 {
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

/// x rounded to the nearest integer, which stands in the low 16 bits of the result; |x| < 2^15. [`rounded`] gives
/// it as a number.
#[inline(always)]
pub(super) fn to_integer(x: f32) -> f32 {
    x + ROUNDER
}

/// The number that [`to_integer`] rounded to.
#[inline(always)]
pub(super) fn rounded(integer: f32) -> f32 {
    integer - ROUNDER
}

/// 2^x to 4e-6, for x from -126 (what is below counts as that) to 0.
///
/// Polynomial fitted to 2^x on [-1/2, 1/2] by least relative error.
#[inline(always)]
pub(super) fn exp2_below_one(x: f32) -> f32 {
    let x = if x > -126.0 { x } else { -126.0 };
    let shifted = x + ROUNDER;
    let r = x - (shifted - ROUNDER);
    let p = 9.570_099e-3;
    let p = p * r + 5.591_786_7e-2;
    let p = p * r + 2.402_474_4e-1;
    let p = p * r + 6.931_218e-1;
    let p = p * r + 9.999_993e-1;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// The largest magnitude; infinite if a value is infinite or NaN.
pub(super) fn largest(row: &[f32]) -> f32 {
    const LANES: usize = 16;
    // Bits of a magnitude order as its value does, and NaN comes last.
    let mut lanes = [0u32; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = (*lane).max(v.to_bits() & 0x7FFF_FFFF);
        }
    }
    let most = lanes.into_iter().chain(rest.iter().map(|v| v.to_bits() & 0x7FFF_FFFF)).max().unwrap_or(0);
    f32::from_bits(most.min(f32::INFINITY.to_bits()))
}

/// The error function to 4e-7 absolute: a rational function of x on [-3.83, 3.83], where it reaches
/// one to half a unit in the last place (coefficients of XLA's f32 `erf`, Apache-2.0).
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let x = x.clamp(-3.832_507, 3.832_507);
    let s = x * x;
    let p = 2.290_506_6e-4;
    let p = p * s + 3.408_291e-3;
    let p = p * s + 5.095_569_5e-2;
    let p = p * s + 1.852_083_2e-1;
    let p = p * s + std::f32::consts::FRAC_2_SQRT_PI;
    let q = -1.179_160_3e-7;
    let q = q * s + 2.354_796_6e-5;
    let q = q * s + 1.017_962_5e-3;
    let q = q * s + 1.407_047e-2;
    let q = q * s + 1.109_850_5e-1;
    let q = q * s + 4.974_692_5e-1;
    let q = q * s + 1.0;
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

    #[test]
    fn exp2_is_within_its_stated_error_and_ends_at_zero() {
        for step in 0..1_200_000 {
            let x = step as f32 * -1e-4;
            let want = f64::from(x).exp2();
            assert!((f64::from(exp2_below_one(x)) / want - 1.0).abs() < 4e-6, "2^{x}");
        }
        assert!(exp2_below_one(f32::NEG_INFINITY) < 1e-37);
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
                assert!((f64::from(erf(x)) - want).abs() < 4e-7, "erf({x}) = {} not {want}", erf(x));
            }
        }
    }
}
