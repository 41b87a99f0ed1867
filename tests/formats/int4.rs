//! Values to int4 and back, and int4 matrices in packs.

use felsic::config::TABLE;
use felsic::error::Code;
use felsic::pack::{Group, PackOptions, WeightFormat};
use felsic::weights::{ElementType, Manifest, Matrix, StoredTensor, Tensors, quantise_rows_int4};
use half::f16;
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

use crate::checkpoint::{all_values, values_of};
use crate::quantise::quantised;
use crate::stored;
use crate::support::*;

fn int4_options() -> PackOptions {
    PackOptions { weights: WeightFormat::Int4, table: WeightFormat::Int4, ..PackOptions::default() }
}

/// Returns the integers of an int4 matrix as the format defines them: the even column below, the odd one above, each
/// plus 8.
fn integers(bytes: &[u8]) -> Vec<i32> {
    let integer = |at: usize| if at.is_multiple_of(2) { bytes[at / 2] % 16 } else { bytes[at / 2] / 16 };
    (0..2 * bytes.len()).map(|at| i32::from(integer(at)) - 8).collect()
}

/// Returns the squared error of a group whose largest value becomes -8.
fn plain_error(values: &[f32]) -> f64 {
    let most = values.iter().fold(0.0f32, |most, value| if value.abs() > most.abs() { *value } else { most });
    let scale = f64::from(f16::from_f32(-most / 8.0).to_f32());
    let back = |value: f64| if scale == 0.0 { 0.0 } else { (value / scale).round().clamp(-8.0, 7.0) * scale };
    values.iter().map(|value| (f64::from(*value) - back(f64::from(*value))).powi(2)).sum()
}

proptest! {
    #[test]
    fn int4_values_are_the_nearest_that_their_scale_has(
        (rows, cols, group, values) in
            (1usize..5, 1usize..4, 1usize..20).prop_flat_map(|(rows, groups, half)| quantised(rows, groups, 2 * half))
    ) {
        // Past 500 thousand there is no scale.
        let values: Vec<f32> = values.into_iter().map(|value| value / 16.0).collect();
        let matrix = quantise_rows_int4(&values, rows, cols, group).expect("finite values");
        let Matrix::Int4 { ref bytes, ref scales, .. } = matrix else { panic!("int4") };
        prop_assert_eq!((bytes.len(), scales.len()), (values.len() / 2, values.len() / group));
        let integers = integers(bytes);
        let back = matrix.clone().into_f32();
        for (at, (value, integer)) in values.iter().zip(&integers).enumerate() {
            let scale = scales.at(at / group);
            prop_assert_eq!(f16::from_f32(scale).to_f32(), scale);
            prop_assert_eq!(back[at], scale * *integer as f32);
            // Half a step, unless the value lies past the last integer of its side.
            let off = (value - back[at]).abs();
            let at_end = if value * scale < 0.0 { *integer == -8 } else { *integer == 7 };
            prop_assert!(scale == 0.0 || at_end || off <= scale.abs() * 0.500001, "{value} came back as {}", back[at]);
        }
        for (values, back) in values.chunks(group).zip(back.chunks(group)) {
            let error: f64 = values.iter().zip(back).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            let squares: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
            // What f32 sums may lose, and squares that no f32 holds.
            prop_assert!(error <= plain_error(values) + 1e-5 * squares + 1e-30, "{error} in {values:?}");
        }
        let whole = matrix.clone().into_int8().expect("memory");
        let Matrix::Int8 { values: ref expanded, .. } = whole else { panic!("int8") };
        prop_assert!(expanded.iter().map(|value| i32::from(*value)).eq(integers.iter().copied()));
        prop_assert_eq!(whole.into_f32(), back, "expanding changes nothing");
    }
}

#[test]
fn int4_halves_stand_where_the_format_says() {
    let values = [-8.0, 7.0, 0.0, 1.0, 4.0, -8.0, 2.0, -1.0];
    let Matrix::Int4 { bytes, scales, .. } = quantise_rows_int4(&values, 1, 8, 4).expect("values") else {
        panic!("int4")
    };
    assert_eq!((scales.at(0), scales.at(1)), (1.0, 1.0), "an error of 0 is not improved");
    // Each plus 8, the odd columns above the even ones.
    assert_eq!(bytes, [0xf0, 0x98, 0x0c, 0x7a]);
}

#[test]
fn what_int4_cannot_hold_is_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e6] {
        let error = quantise_rows_int4(&[0.0, bad, 1.0, 2.0], 1, 4, 4).expect_err("not representable");
        assert_eq!(error.code(), Code::WeightsInvalid);
    }
    for (rows, cols, group) in [(1, 4, 0), (1, 4, 3), (1, 4, 1), (2, 4, 4), (usize::MAX, 4, 4)] {
        assert_eq!(quantise_rows_int4(&[1.0; 4], rows, cols, group).expect_err("misfit").code(), Code::InputInvalid);
    }
    assert_eq!(quantise_rows_int4(&[1.0; 6], 2, 3, 3).expect_err("odd").code(), Code::InputInvalid);
    for zero in [0.0, -0.0, 1e-12] {
        let zeros = quantise_rows_int4(&[zero; 8], 2, 4, 4).expect("zeros");
        assert_eq!(zeros, quantise_rows_int4(&[0.0; 8], 2, 4, 4).expect("zeros"));
        assert_eq!(zeros.into_f32(), [0.0; 8]);
    }
}

#[test]
fn int4_tensors_become_matrices_or_are_refused_with_their_own_code() {
    let int4 = |shape: &[usize]| {
        let bytes = vec![0x9a; ElementType::Int4.bytes_of(shape).expect("few")];
        StoredTensor { element: ElementType::Int4, shape: shape.to_vec(), bytes }
    };
    let scales = |groups: usize, value| stored(ElementType::F16, &[2, groups], &vec![value; 2 * groups]);
    let take = |tensor: StoredTensor, scales: Option<StoredTensor>, cols| {
        let mut tensors = Tensors::default();
        tensors.insert("m".into(), tensor).expect("fits");
        if let Some(scales) = scales {
            tensors.insert("m.scales".into(), scales).expect("fits");
        }
        tensors.take_matrix("m", 2, cols)
    };
    let made = take(int4(&[2, 4]), Some(scales(2, 0.5)), 4).expect("a matrix");
    assert!(matches!(made, Matrix::Int8 { group: 2, .. }), "the kernels take whole bytes");
    assert_eq!(made.into_f32(), [1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5]);
    let refused = [
        (take(int4(&[2, 4]), None, 4), Code::TensorMissing),
        (take(int4(&[2, 4]), Some(scales(2, 0.5)), 8), Code::TensorShape),
        (take(int4(&[2, 4]), Some(scales(3, 0.5)), 4), Code::TensorShape),
        (take(int4(&[2, 4]), Some(scales(4, 0.5)), 4), Code::TensorShape),
        (take(int4(&[2, 3]), Some(scales(1, 0.5)), 3), Code::TensorShape),
        (take(int4(&[2, 4]), Some(scales(1, f32::NAN)), 4), Code::WeightsInvalid),
    ];
    for (at, (result, code)) in refused.into_iter().enumerate() {
        assert_eq!(result.expect_err("a misfit").code(), code, "case {at}");
    }
    let mut tensors = Tensors::default();
    tensors.insert("v".into(), int4(&[4])).expect("fits");
    assert_eq!(tensors.take_vector("v", 4).expect_err("an int4 norm").code(), Code::TensorType);
    let long = StoredTensor { bytes: vec![0; 5], ..int4(&[2, 4]) };
    assert_eq!(Tensors::default().insert("x".into(), long).expect_err("5 bytes").code(), Code::WeightsInvalid);
    assert_eq!(ElementType::Int4.bytes_of(&[usize::MAX, 4]), None);
}

#[test]
fn an_int4_pack_holds_what_quantising_gives_in_shards_that_any_tool_reads() {
    let source = packed(&model("tiny-gelu"), &int4_options());
    let manifest = Manifest::from_json(&source.files[Manifest::FILE], "manifest.json").expect("sound");
    assert_eq!(manifest.weight_format, "int4-g32");
    assert!(manifest.space.ends_with("/int4-g32/64"));
    let halves = manifest.tensors.iter().filter(|(_, entry)| entry.element == ElementType::Int4);
    for (name, entry) in halves {
        let [rows, cols] = entry.shape[..] else { panic!("{name} is a matrix") };
        let file = SafeTensors::deserialize(&source.files[&manifest.shards[entry.shard].file]).expect("safetensors");
        let [values, scales] =
            [name.clone(), format!("{name}.scales")].map(|name| file.tensor(&name).expect("it is there"));
        assert_eq!((values.dtype(), values.shape()), (Dtype::U8, &[rows, cols / 2][..]), "{name}");
        assert_eq!((scales.dtype(), scales.shape()), (Dtype::F16, &[rows, cols / 32][..]), "{name}");
    }
    let parts = load(&source).expect("a pack");
    let wanted = values_of(&model("tiny-gelu"));
    let made = all_values(parts.tensors, &parts.config.model);
    for (name, shape) in parts.config.model.tensors() {
        let wanted = match shape[..] {
            [rows, cols] => quantise_rows_int4(&wanted[&name], rows, cols, 32).expect("finite").into_f32(),
            _ => wanted[&name].clone(),
        };
        assert_eq!(wanted, made[&name], "{name}");
    }
}

#[test]
fn an_int4_table_stays_in_half_bytes() {
    let size = |options: &PackOptions| {
        let mut parts = load(&packed(&model("tiny-silu"), options)).expect("a pack");
        let model = parts.config.model;
        (parts.format, parts.tensors.take_table(model.vocab_size, model.hidden_size).expect("a table").bytes())
    };
    let mixed = PackOptions { weights: WeightFormat::Int8, ..int4_options() };
    assert_eq!(size(&mixed), ("int8-g32+table-int4-g32".to_string(), 2048 * (32 + 4)));
    let rows = PackOptions { group: Group::Row, table: WeightFormat::F32, ..int4_options() };
    assert_eq!(size(&rows), ("int4-row+table-f32".to_string(), 2048 * 256));
    let source = packed(&model("tiny-silu"), &mixed);
    assert!(manifest(&source)["tensors"].get(format!("{TABLE}.rows.0")).is_some_and(|entry| entry["type"] == "int4"));
}
