//! Outliers of a norm, halved with the matrix that reads it.
//!
//! Trained models have norms that make a few channels many times as large as the others, with columns of the next matrix that are as
//! many times smaller. Such a column loses its bits to the largest weight of its group, and the channel's neighbours lose theirs
//! when activations are rounded. Where a channel is out of proportion, its gain is divided by a power of two and its column multiplied
//! by it, before anything is quantised: the model is the same to the bit, and each side bears half of the proportion.
//!
//! | a norm | is read by |
//! | --- | --- |
//! | `attn_norm` of a layer | `attn.Wqkv` |
//! | `mlp_norm` of a layer | `mlp.Wi` |

use std::collections::BTreeMap;

use super::Shards;
use super::rows::{Rows, Tensor};
use crate::error::Result;
use crate::weights::ElementType;
use crate::weights::safetensors::Entry;

/// How the names of a norm and of the matrix that reads it end.
const PAIRS: [[&str; 2]; 2] = [["attn_norm.weight", "attn.Wqkv.weight"], ["mlp_norm.weight", "mlp.Wi.weight"]];
/// The largest power of two that is divided or multiplied by, as an exponent: more would be no model's.
const MOST: i32 = 60;
/// The smallest one, so that what is in proportion keeps the values of its checkpoint.
const LEAST: i32 = 2;

/// Returns the name of the tensor that is the other of a pair.
pub(super) fn partner(name: &str) -> Option<String> {
    let ends = PAIRS.iter().flat_map(|[norm, matrix]| [(norm, matrix), (matrix, norm)]);
    ends.into_iter().find_map(|(own, other)| Some(format!("{}{other}", name.strip_suffix(own)?)))
}

/// A tensor of a checkpoint, all of it.
pub(super) struct Whole {
    pub entry: Entry,
    pub bytes: Vec<u8>,
}

/// Tensors that wait for the other of their pair, by name. Files mostly have the two close together.
#[derive(Default)]
pub(super) struct Waiting(BTreeMap<String, Whole>);

impl Waiting {
    /// Takes a tensor; returns it with its partner, the norm first, if that is there.
    pub fn take(&mut self, name: &str, partner: &str, whole: Whole) -> Option<[(String, Whole); 2]> {
        let Some(other) = self.0.remove(partner) else {
            self.0.insert(name.to_string(), whole);
            return None;
        };
        let pair = [(partner.to_string(), other), (name.to_string(), whole)];
        let is_norm = |(_, whole): &(String, Whole)| whole.entry.shape.len() == 1;
        let [first, second] = pair;
        Some(if is_norm(&first) { [first, second] } else { [second, first] })
    }
}

impl Whole {
    /// Passes `work` the values of a few rows after another; a norm is one row.
    fn rows(&self, mut work: impl FnMut(Vec<f32>) -> Result<()>) -> Result<()> {
        // A matrix in blocks has whole ones in each row.
        let rows = if let [rows, _] = self.entry.shape[..] { rows } else { 1 };
        let row = self.bytes.len() / rows.max(1);
        // The type was checked with the header.
        self.bytes.chunks(16 * row.max(1)).try_for_each(|bytes| work(self.entry.widen("", bytes)?))
    }

    /// Writes it as `tensor`, column by column times a factor.
    fn write(&self, factors: &[f32], tensor: &Tensor<'_>, out: &mut dyn Shards) -> Result<()> {
        let mut rows = Rows::default();
        if factors.iter().all(|factor| *factor == 1.0) {
            return rows.push(&self.bytes, tensor, out);
        }
        let values: usize = self.entry.shape.iter().product();
        let entry = Entry { element: Some(ElementType::F32), blocks: None, bytes: values * 4, ..self.entry.clone() };
        let tensor = Tensor { entry: &entry, ..*tensor };
        self.rows(|values| {
            let scaled = values.iter().zip(factors.iter().cycle()).flat_map(|(v, factor)| (v * factor).to_le_bytes());
            rows.push(&scaled.collect::<Vec<u8>>(), &tensor, out)
        })
    }
}

/// Writes a norm and the matrix that reads it, balanced. `tensor` says how a tensor of a name is written.
pub(super) fn write<'a>(
    pair: &'a [(String, Whole); 2],
    tensor: impl Fn(&'a str, &'a Entry) -> Option<Tensor<'a>>,
    out: &mut dyn Shards,
) -> Result<()> {
    let [(_, norm), (_, matrix)] = pair;
    let mut gain = Vec::new();
    norm.rows(|values| {
        gain.extend(values);
        Ok(())
    })?;
    let mut largest = vec![0f32; gain.len()];
    matrix.rows(|values| {
        for row in values.chunks_exact(gain.len()) {
            largest.iter_mut().zip(row).for_each(|(most, v)| *most = most.max(v.abs()));
        }
        Ok(())
    })?;
    let factors = factors(&gain, &largest);
    let inverse: Vec<f32> = factors.iter().map(|factor| 1.0 / factor).collect();
    for ((name, whole), factors) in pair.iter().zip([inverse, factors]) {
        if let Some(tensor) = tensor(name, &whole.entry) {
            whole.write(&factors, &tensor, out)?;
        }
    }
    Ok(())
}

/// Returns a power of two for each channel of a norm, by which its gain is divided and the column that reads it multiplied:
/// about the root of what the gain is to the largest weight of the column, in proportion to the median of that.
fn factors(gain: &[f32], largest: &[f32]) -> Vec<f32> {
    let proportions: Vec<f64> =
        gain.iter().zip(largest).map(|(g, most)| f64::from(g.abs()) / f64::from(*most)).collect();
    let mut known: Vec<f64> = proportions.iter().copied().filter(|p| p.is_finite() && *p > 0.0).collect();
    known.sort_by(f64::total_cmp);
    let Some(median) = known.get(known.len() / 2) else { return vec![1.0; gain.len()] };
    let channels = gain.iter().zip(largest).zip(&proportions);
    let factor = |((gain, largest), proportion): ((&f32, &f32), &f64)| {
        let factor = power(proportion / median);
        // Weights that no model has would not be finite afterwards.
        if (gain / factor).is_finite() && (largest * factor).is_finite() { factor } else { 1.0 }
    };
    channels.map(factor).collect()
}

/// Returns the power of two that is nearest to the root of `square`, or 1 if that is close to it. It is found from the bits,
/// so that every machine finds the same.
fn power(square: f64) -> f32 {
    if !square.is_finite() || square <= 0.0 {
        return 1.0;
    }
    let exponent = ((square.to_bits() >> 52) & 0x7FF) as i32 - 1023;
    let half = (exponent + 1).div_euclid(2).clamp(-MOST, MOST);
    if half.abs() < LEAST { 1.0 } else { f32::from_bits(((127 + half) as u32) << 23) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_the_nearest_to_the_root_and_none_is_small() {
        let of_root = |root: f64| power(root * root);
        assert_eq!([1.0, 2.0, 2.8, 0.5, 0.36].map(of_root), [1.0; 5]);
        assert_eq!([2.9, 4.0, 5.6, 5.7, 50.0].map(of_root), [4.0, 4.0, 4.0, 8.0, 64.0]);
        assert_eq!([0.35, 0.25, 0.02].map(of_root), [0.25, 0.25, 1.0 / 64.0]);
        assert_eq!([0.0, f64::NAN, f64::INFINITY].map(power), [1.0; 3]);
        assert_eq!([1e-300, 1e300].map(power), [2f32.powi(-MOST), 2f32.powi(MOST)]);
    }

    #[test]
    fn a_channel_out_of_proportion_is_halved_between_norm_and_matrix() {
        let (mut gain, mut largest) = (vec![1.0; 9], vec![0.5; 9]);
        (gain[2], largest[2]) = (50.0, 0.01);
        (gain[3], gain[4], largest[5]) = (0.0, f32::NAN, 0.0);
        (gain[6], largest[6]) = (-0.02, 0.5);
        let mut want = vec![1.0; 9];
        (want[2], want[6]) = (64.0, 0.125);
        assert_eq!(factors(&gain, &largest), want);
        assert_eq!(factors(&[0.0; 2], &[1.0; 2]), [1.0; 2]);
        // 2^60 times that is not finite.
        assert_eq!(factors(&[1.0, 1.0, 1e38], &[1e-38, 1e-38, 1e38]), [1.0; 3]);
    }

    #[test]
    fn the_names_of_a_pair_lead_to_each_other() {
        for [norm, matrix] in [
            ["layers.3.attn_norm.weight", "layers.3.attn.Wqkv.weight"],
            ["layers.0.mlp_norm.weight", "layers.0.mlp.Wi.weight"],
        ] {
            assert_eq!([partner(norm), partner(matrix)], [Some(matrix.to_string()), Some(norm.to_string())]);
        }
        assert_eq!(partner("layers.3.attn.Wo.weight").or(partner("final_norm.weight")), None);
    }
}
