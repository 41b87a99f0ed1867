//! Int8 weights times activations rounded to 16 bits: `y = Σ_groups scale · (Σ w · a) · step`.
//!
//! A token's activations become integers with one step for the row, its largest magnitude / 32767, so
//! their rounding error is 2^-16 of the largest value: nothing beside that of the weights. Products
//! are summed exactly in i32 over a group (at most [`LONGEST`] long, so that no sum overflows:
//! 127 * 32767 * 512 < 2^31) and only then become f32.
//!
//! The order of the sums is fixed by the SIMD128 body: four i32 lanes, each taking the products of
//! pairs, one pair in four. The other bodies keep to it and so give the same bits.

/// The longest stretch of k whose products are summed in i32.
const LONGEST: usize = 512;
/// Elements of k that one step of the lanes takes.
const STEP: usize = 8;
/// Tokens that share one pass over a row of weights.
const TOKENS: usize = 4;

/// One row of activations as 16-bit integers: returns the step by which they are to be multiplied.
fn quantise(row: &[f32], out: &mut [i16]) -> f32 {
    let largest = row.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        // A row of zeros stays zero; infinities and NaN become NaN through the step.
        out.fill(0);
        return if largest == 0.0 { 0.0 } else { f32::NAN };
    }
    let inverse = 32767.0 / largest;
    for (out, v) in out.iter_mut().zip(row) {
        // Rounds half away from zero without a call; the value is within ±32767.
        let scaled = v * inverse;
        *out = (scaled + 0.5f32.copysign(scaled)) as i16;
    }
    largest / 32767.0
}

/// `x` [n, k] times `weight` [m, k] with `scales` [m, k / group] -> `out` [n, m].
pub fn linear_int8(x: &[f32], weight: &[i8], scales: &[f32], k: usize, group: usize, out: &mut [f32]) {
    let (n, m) = (x.len() / k, weight.len() / k);
    let mut rounded = vec![0i16; n * k];
    let steps: Vec<f32> =
        x.chunks_exact(k).zip(rounded.chunks_exact_mut(k)).map(|(row, out)| quantise(row, out)).collect();
    let groups = k / group;
    for first in (0..n).step_by(TOKENS) {
        let count = TOKENS.min(n - first);
        for column in 0..m {
            let weight = &weight[column * k..][..k];
            let scales = &scales[column * groups..][..groups];
            let tokens = &rounded[first * k..][..count * k];
            let sums = if count == TOKENS {
                dot::<TOKENS>(tokens, weight, scales, group)
            } else {
                let mut sums = [0.0; TOKENS];
                for (sum, token) in sums.iter_mut().zip(tokens.chunks_exact(k)) {
                    [*sum] = dot::<1>(token, weight, scales, group);
                }
                sums
            };
            for (token, sum) in (first..first + count).zip(sums) {
                out[token * m + column] = sum * steps[token];
            }
        }
    }
}

/// One row of weights times `N` tokens.
#[inline(always)]
fn dot<const N: usize>(tokens: &[i16], weight: &[i8], scales: &[f32], group: usize) -> [f32; N] {
    if !group.is_multiple_of(16) {
        return portable::<N>(tokens, weight, scales, group);
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return simd128::dot::<N>(tokens, weight, scales, group);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    native::dot::<N>(tokens, weight, scales, group)
}

/// The order of sums that every body keeps.
#[inline(always)]
fn portable<const N: usize>(tokens: &[i16], weight: &[i8], scales: &[f32], group: usize) -> [f32; N] {
    let k = weight.len();
    std::array::from_fn(|token| {
        let token = &tokens[token * k..][..k];
        let mut sums = [0.0f32; 4];
        for ((weight, token), scale) in weight.chunks_exact(group).zip(token.chunks_exact(group)).zip(scales) {
            for (weight, token) in weight.chunks(LONGEST).zip(token.chunks(LONGEST)) {
                let lanes = lanes(weight, token);
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum += lane as f32 * scale;
                }
            }
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    })
}

/// Exact products of one stretch in four lanes: lane `l` takes elements `2l` and `2l + 1` of each step.
#[inline(always)]
fn lanes(weight: &[i8], token: &[i16]) -> [i32; 4] {
    let mut lanes = [0i32; 4];
    let (steps, rest) = (weight.chunks_exact(STEP), weight.len() / STEP * STEP);
    for (w, a) in steps.zip(token.chunks_exact(STEP)) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += i32::from(w[2 * lane]) * i32::from(a[2 * lane]);
            *sum += i32::from(w[2 * lane + 1]) * i32::from(a[2 * lane + 1]);
        }
    }
    for (at, (w, a)) in weight[rest..].iter().zip(&token[rest..]).enumerate() {
        lanes[at / 2] += i32::from(*w) * i32::from(*a);
    }
    lanes
}

/// The vector units of native processors, through the `wide` crate.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod native {
    use super::LONGEST;
    use wide::{i8x16, i16x16, i32x8};

    /// [`super::portable`] for groups that are multiples of 16.
    #[inline(always)]
    pub fn dot<const N: usize>(tokens: &[i16], weight: &[i8], scales: &[f32], group: usize) -> [f32; N] {
        let (weight, _) = weight.as_chunks::<16>();
        let (tokens, _) = tokens.as_chunks::<16>();
        let steps = weight.len();
        let tokens: [&[[i16; 16]]; N] = std::array::from_fn(|token| &tokens[token * steps..][..steps]);
        let mut sums = [[0.0f32; 4]; N];
        for (index, scale) in scales.iter().enumerate() {
            let end = (index + 1) * group / 16;
            let mut at = index * group / 16;
            while at < end {
                let stop = end.min(at + LONGEST / 16);
                let mut lanes = [i32x8::default(); N];
                for (at, weight) in weight[..stop].iter().enumerate().skip(at) {
                    let weight = i16x16::from_i8x16(i8x16::new(*weight));
                    for (lanes, token) in lanes.iter_mut().zip(tokens) {
                        *lanes += weight.dot(i16x16::new(token[at]));
                    }
                }
                at = stop;
                for (sums, lanes) in sums.iter_mut().zip(lanes) {
                    // The two halves are steps that follow each other: exact, so in any order.
                    let lanes = lanes.to_array();
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum += (lanes[lane] + lanes[lane + 4]) as f32 * scale;
                    }
                }
            }
        }
        sums.map(|sums| (sums[0] + sums[1]) + (sums[2] + sums[3]))
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use super::LONGEST;
    use std::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_extract_lane, f32x4_mul, f32x4_splat, i16x8_extend_high_i8x16,
        i16x8_extend_low_i8x16, i32x4_add, i32x4_dot_i16x8, i32x4_splat, v128, v128_load,
    };

    /// [`super::portable`] for groups that are multiples of 16.
    #[inline(always)]
    pub fn dot<const N: usize>(tokens: &[i16], weight: &[i8], scales: &[f32], group: usize) -> [f32; N] {
        let k = weight.len();
        assert!(
            group.is_multiple_of(16) && k.is_multiple_of(group) && tokens.len() == N * k && scales.len() == k / group
        );
        let mut sums = [f32x4_splat(0.0); N];
        let mut at = 0;
        for scale in scales {
            let scale = f32x4_splat(*scale);
            let end = at + group;
            while at < end {
                let stop = end.min(at + LONGEST);
                let mut lanes = [i32x4_splat(0); N];
                while at < stop {
                    // SAFETY: `at` is a multiple of 16 below k (asserted: k is a multiple of the group,
                    // the group of 16), so 16 weights and, in each of the N tokens of k elements, 16
                    // activations follow. Unaligned loads are allowed.
                    unsafe {
                        let bytes = v128_load(weight.as_ptr().add(at).cast::<v128>());
                        let (low, high) = (i16x8_extend_low_i8x16(bytes), i16x8_extend_high_i8x16(bytes));
                        for (token, lane) in lanes.iter_mut().enumerate() {
                            let a = tokens.as_ptr().add(token * k + at).cast::<v128>();
                            *lane = i32x4_add(*lane, i32x4_dot_i16x8(low, v128_load(a)));
                            *lane = i32x4_add(*lane, i32x4_dot_i16x8(high, v128_load(a.add(1))));
                        }
                    }
                    at += 16;
                }
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum = f32x4_add(*sum, f32x4_mul(f32x4_convert_i32x4(lane), scale));
                }
            }
        }
        sums.map(|s| {
            (f32x4_extract_lane::<0>(s) + f32x4_extract_lane::<1>(s))
                + (f32x4_extract_lane::<2>(s) + f32x4_extract_lane::<3>(s))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_gives_the_same_bits() {
        let (k, n) = (1056, TOKENS);
        let tokens: Vec<i16> = (0..n * k).map(|i| ((i * 40_503) % 65_535) as i32 - 32_767).map(|v| v as i16).collect();
        let weight: Vec<i8> = (0..k).map(|i| ((i * 97) % 255) as i32 - 127).map(|v| v as i8).collect();
        for group in [16, 32, 96, 528, 1056] {
            let scales: Vec<f32> = (0..k / group).map(|i| 0.003 + i as f32 * 1e-4).collect();
            let want = portable::<TOKENS>(&tokens, &weight, &scales, group);
            assert_eq!(dot::<TOKENS>(&tokens, &weight, &scales, group).map(f32::to_bits), want.map(f32::to_bits));
            let [alone] = dot::<1>(&tokens[..k], &weight, &scales, group);
            assert_eq!(alone.to_bits(), want[0].to_bits(), "a token alone, group {group}");
        }
    }
}
