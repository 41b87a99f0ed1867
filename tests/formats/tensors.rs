//! Stored tensors and the vocabulary table.

use felsic::error::Code;
use felsic::weights::{ElementType, HalfType, Matrix, Scales, StoredTensor, Table, Tensors, quantise_rows_int4};
use half::f16;
use proptest::prelude::*;

use crate::stored;

fn tensors(list: Vec<(&str, StoredTensor)>) -> Tensors {
    let mut tensors = Tensors::default();
    list.into_iter().try_for_each(|(name, tensor)| tensors.insert(name.to_string(), tensor)).expect("tensors that fit");
    tensors
}

#[test]
fn matrices_widen_to_f32_and_int8_stays() {
    let values = [1.0, -2.5, 0.125, 96.0];
    for element in [ElementType::F32, ElementType::F16, ElementType::BF16] {
        let mut one = tensors(vec![("m", stored(element, &[2, 2], &values))]);
        let matrix = one.take_matrix("m", 2, 2).expect("a matrix");
        assert_eq!(matrix, Matrix::F32 { rows: 2, cols: 2, values: values.to_vec() });
        assert_eq!(one.take_matrix("m", 2, 2).expect_err("taken").code(), Code::TensorMissing);
    }
    let scales = stored(ElementType::F16, &[2, 1], &[0.5, 2.0]);
    let mut one =
        tensors(vec![("m", stored(ElementType::I8, &[2, 2], &[1.0, -127.0, 0.0, 5.0])), ("m.scales", scales)]);
    assert_eq!(one.take_matrix("m", 2, 2).expect("a matrix").into_f32(), [0.5, -63.5, 0.0, 10.0]);
}

#[test]
fn a_tensor_that_does_not_fit_is_refused_with_its_own_code() {
    let int8 = || stored(ElementType::I8, &[2, 4], &[1.0; 8]);
    let scales = |element, shape: &[usize], value| stored(element, shape, &vec![value; shape.iter().product()]);
    let cases = [
        (vec![], Code::TensorMissing),
        (vec![("m", stored(ElementType::F32, &[4, 2], &[1.0; 8]))], Code::TensorShape),
        (vec![("m", int8())], Code::TensorMissing),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 3], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 0], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[8], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::BF16, &[2, 1], 1.0))], Code::TensorType),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 1], f32::INFINITY))], Code::WeightsInvalid),
        (
            vec![
                ("m", stored(ElementType::I8, &[2, 4], &[-128.0; 8])),
                ("m.scales", scales(ElementType::F32, &[2, 1], 1.0)),
            ],
            Code::WeightsInvalid,
        ),
    ];
    for (at, (list, code)) in cases.into_iter().enumerate() {
        let error = tensors(list).take_matrix("m", 2, 4).expect_err("a misfit");
        assert_eq!(error.code(), code, "case {at}: {error}");
    }
    let mut vector = tensors(vec![("v", stored(ElementType::I8, &[4], &[1.0; 4]))]);
    assert_eq!(vector.take_vector("v", 4).expect_err("int8 norms").code(), Code::TensorType);
    let wrong_length = StoredTensor { element: ElementType::F32, shape: vec![3], bytes: vec![0; 11] };
    assert_eq!(Tensors::default().insert("x".into(), wrong_length).expect_err("11 bytes").code(), Code::WeightsInvalid);
    let overflow = StoredTensor { element: ElementType::F32, shape: vec![usize::MAX, 4], bytes: vec![] };
    assert_eq!(Tensors::default().insert("x".into(), overflow).expect_err("overflow").code(), Code::WeightsInvalid);
}

proptest! {
    #[test]
    fn gathering_finds_rows_across_blocks(
        heights in prop::collection::vec(1usize..6, 1..6),
        kinds in prop::collection::vec(0u8..5, 6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let cols = 8;
        let rows: usize = heights.iter().sum();
        // Small integers over four; that int4 holds few of them is no matter, as blocks are compared with themselves.
        let value = |row: usize, col: usize| (row * cols + col) as f32 / 4.0;
        let mut blocks = Vec::new();
        let mut first = 0;
        for (height, kind) in heights.iter().zip(&kinds) {
            let values: Vec<f32> = (first..first + height).flat_map(|r| (0..cols).map(move |c| value(r, c))).collect();
            let half = |element, bytes| Matrix::Half { rows: *height, cols, element, bytes };
            blocks.push(match kind {
                0 => Matrix::F32 { rows: *height, cols, values },
                1 => half(HalfType::F16, stored(ElementType::F16, &[], &values).bytes),
                2 => half(HalfType::BF16, stored(ElementType::BF16, &[], &values).bytes),
                3 => quantise_rows_int4(&values, *height, cols, 4).expect("small values"),
                _ => {
                    let rounded = values.iter().map(|v| (v * 4.0 - 120.0).clamp(-127.0, 127.0) as i8).collect();
                    Matrix::Int8 { rows: *height, cols, group: 4, values: rounded, scales: Scales::F16(vec![f16::from_f32(0.25); height * 2]) }
                }
            });
            first += height;
        }
        let whole: Vec<f32> = blocks.iter().flat_map(|block| block.clone().into_f32()).collect();
        let table = Table::new(cols, blocks).expect("blocks of one width");
        prop_assert_eq!((table.rows(), table.cols()), (rows, cols));
        let ids: Vec<u32> = picks.iter().map(|pick| pick.index(rows) as u32).collect();
        let mut out = vec![7.0];
        table.gather(&ids, &mut out).expect("ids in range");
        let wanted: Vec<f32> = ids.iter().flat_map(|id| whole[*id as usize * cols..][..cols].to_vec()).collect();
        prop_assert_eq!(&out[1..], &wanted[..]);
        let before = out.clone();
        let past = [ids.clone(), vec![rows as u32]].concat();
        prop_assert_eq!(table.gather(&past, &mut out).expect_err("past the end").code(), Code::InputInvalid);
        prop_assert_eq!(out, before);
    }
}
