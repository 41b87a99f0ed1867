//! Values to int8 and back.

use felsic::error::Code;
use felsic::pack::Group;
use felsic::weights::{Matrix, quantise_rows};
use half::f16;
use proptest::prelude::*;

/// Values of very different magnitudes, with zeros among them.
fn values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let value = (-1.0f32..1.0, -30i32..22, any::<bool>());
    prop::collection::vec(value, count).prop_map(|parts| {
        parts.into_iter().map(|(value, power, zero)| if zero { 0.0 } else { value * 2f32.powi(power) }).collect()
    })
}

pub fn quantised(rows: usize, groups: usize, group: usize) -> impl Strategy<Value = (usize, usize, usize, Vec<f32>)> {
    (Just(rows), Just(groups * group), Just(group), values(rows * groups * group))
}

proptest! {
    #[test]
    fn quantised_values_come_back_within_half_a_scale(
        (rows, cols, group, values) in (1usize..5, 1usize..4, 1usize..40).prop_flat_map(|(r, g, n)| quantised(r, g, n))
    ) {
        let matrix = quantise_rows(&values, rows, cols, group).expect("finite values");
        let Matrix::Int8 { values: ref integers, ref scales, .. } = matrix else { panic!("int8") };
        prop_assert!(integers.iter().all(|integer| *integer != -128));
        prop_assert_eq!(scales.len(), rows * cols / group);
        for (scale, part) in (0..scales.len()).map(|at| scales.at(at)).zip(values.chunks(group)) {
            prop_assert_eq!(f16::from_f32(scale).to_f32(), scale);
            let largest = part.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            // No coarser than needed, but for what f16 cannot express.
            prop_assert!(scale <= (largest / 127.0 * 1.001).max(2f32.powi(-24) + largest / 127.0 * 1.001));
        }
        let back = matrix.clone().into_f32();
        for (at, (value, back)) in values.iter().zip(&back).enumerate() {
            prop_assert!((value - back).abs() <= scales.at(at / group) * 0.500001, "{value} came back as {back}");
        }
    }
}

#[test]
fn what_int8_cannot_hold_is_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9] {
        let error = quantise_rows(&[0.0, bad, 1.0, 2.0], 1, 4, 4).expect_err("not representable");
        assert_eq!(error.code(), Code::WeightsInvalid);
    }
    for (rows, cols, group) in [(1, 4, 0), (1, 4, 3), (2, 4, 4), (usize::MAX, 4, 4)] {
        assert_eq!(quantise_rows(&[1.0; 4], rows, cols, group).expect_err("misfit").code(), Code::InputInvalid);
    }
    let zeros = quantise_rows(&[0.0; 8], 2, 4, 4).expect("zeros");
    assert_eq!(zeros.into_f32(), [0.0; 8]);
}

#[test]
fn a_group_falls_back_to_what_divides_the_width() {
    assert_eq!(Group::Columns(32).of(384), 32);
    assert_eq!(Group::Columns(64).of(96), 32);
    assert_eq!(Group::Columns(32).of(48), 16);
    assert_eq!(Group::Columns(32).of(40), 8);
    assert_eq!(Group::Columns(32).of(42), 42);
    assert_eq!(Group::Row.of(384), 384);
}
