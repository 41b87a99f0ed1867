//! f32 weights times activations, for WebAssembly: every sum is made in the same order, whatever other tokens there are.
//!
//! Natively burn's product (the gemm crate) chooses wider registers at run time and is faster. In a page its order of
//! addition depends on how many tokens a batch has, and it brings half and double precision into the binary.

use wide::f32x4;

/// Tokens of a tile.
const TOKENS: usize = 5;
/// Rows of weights of a band: ten sums, two registers of weights, one of activations and one product are 14 of the 15
/// vector registers that V8 uses on x86-64.
const ROWS: usize = 2;
/// Lanes of a register.
const LANES: usize = 4;
/// Bytes of weights that all tokens meet before the next ones are read: they stay in the second-level cache.
const STRIPE: usize = 48 << 10;

/// Computes `x · Wᵀ`: `x` [n, k], `weight` [m, k] -> `out` [n, m].
pub fn linear(x: &[f32], weight: &[f32], k: usize, out: &mut [f32]) {
    let m = weight.len() / k;
    let stripe = (STRIPE / size_of::<f32>() / k / ROWS).max(1) * ROWS;
    let packed: Vec<Vec<[f32; LANES]>> = x.chunks(TOKENS * k).map(|tokens| pack(tokens, k)).collect();
    for first in (0..m).step_by(stripe) {
        let rows = &weight[first * k..m.min(first + stripe) * k];
        for ((tokens, packed), out) in x.chunks(TOKENS * k).zip(&packed).zip(out.chunks_mut(TOKENS * m)) {
            match tokens.len() / k {
                5 => tile::<5>(tokens, packed, rows, k, out, first),
                4 => tile::<4>(tokens, packed, rows, k, out, first),
                3 => tile::<3>(tokens, packed, rows, k, out, first),
                2 => tile::<2>(tokens, packed, rows, k, out, first),
                _ => tile::<1>(tokens, packed, rows, k, out, first),
            }
        }
    }
}

/// Returns the registers of some tokens in the order in which they are multiplied: [k / LANES, tokens].
fn pack(tokens: &[f32], k: usize) -> Vec<[f32; LANES]> {
    let at = |step: usize| tokens.chunks_exact(k).map(move |token| token.as_chunks::<LANES>().0[step]);
    (0..k / LANES).flat_map(at).collect()
}

/// Multiplies `T` tokens by `rows`, whose results go into the columns of `out` [T, m] from `first`.
fn tile<const T: usize>(
    tokens: &[f32],
    packed: &[[f32; LANES]],
    rows: &[f32],
    k: usize,
    out: &mut [f32],
    first: usize,
) {
    let m = out.len() / T;
    let packed = packed.as_chunks::<T>().0;
    let bands = rows.chunks_exact(ROWS * k);
    let mut write = |column: usize, row: &[f32], sums: [f32x4; T]| {
        for (t, sums) in sums.into_iter().enumerate() {
            let [a, b, c, d] = sums.to_array();
            // The terms that fill no register.
            let tail = row[k / LANES * LANES..].iter().zip(&tokens[t * k + k / LANES * LANES..]);
            out[t * m + column] = tail.fold((a + b) + (c + d), |sum, (weight, token)| sum + weight * token);
        }
    };
    if let row @ [_, ..] = bands.remainder() {
        let [sums] = products(packed, [row]);
        write(first + rows.len() / k - 1, row, sums);
    }
    for (band, rows) in bands.enumerate() {
        let (a, b) = rows.split_at(k);
        let [a_sums, b_sums] = products(packed, [a, b]);
        write(first + band * ROWS, a, a_sums);
        write(first + band * ROWS + 1, b, b_sums);
    }
}

/// Returns four sums of every fourth term for each of `T` tokens and `R` rows: the same arithmetic for any `T` and `R`.
#[inline(always)]
fn products<const T: usize, const R: usize>(packed: &[[[f32; LANES]; T]], rows: [&[f32]; R]) -> [[f32x4; T]; R] {
    let mut sums = [[f32x4::ZERO; T]; R];
    let rows = rows.map(|row| &row.as_chunks::<LANES>().0[..packed.len()]);
    for (step, tokens) in packed.iter().enumerate() {
        let rows: [f32x4; R] = std::array::from_fn(|r| f32x4::new(rows[r][step]));
        for (t, token) in tokens.iter().enumerate() {
            let token = f32x4::new(*token);
            for (sums, row) in sums.iter_mut().zip(rows) {
                sums[t] += token * row;
            }
        }
    }
    sums
}
