use super::*;
use proptest::prelude::*;

/// Returns a vector divided by its length.
pub(crate) fn unit(values: &[f32]) -> Vec<f32> {
    let length = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    values.iter().map(|v| (f64::from(*v) / length) as f32).collect()
}

/// Any vector of unit length: components of very different sizes, some of them zero.
pub(crate) fn any_unit(dimensions: usize) -> impl Strategy<Value = Vec<f32>> {
    let component = prop_oneof![8 => -1.0f32..1.0, 1 => Just(0.0f32), 1 => -1e-4f32..1e-4, 1 => -30.0f32..30.0];
    proptest::collection::vec(component, dimensions)
        .prop_filter("a vector of zeros has no direction", |v| v.iter().any(|v| v.abs() > 1e-3))
        .prop_map(|v| unit(&v))
}

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("none", |error| error.code().as_str())
}

proptest! {
    #[test]
    fn a_vector_comes_back_to_16_bits_and_without_fine_to_8(
        vector in (1usize..70).prop_flat_map(any_unit),
    ) {
        let mut rows = Rows::new(vector.len()).unwrap();
        prop_assert_eq!(rows.add(&vector).unwrap(), 0);
        let scale = rows.scales(0, 1).unwrap()[0];
        let largest = vector.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        prop_assert_eq!(scale, largest / 127.0);
        let coarse = rows.coarse(0, 1).unwrap();
        for ((back, coarse), v) in rows.vector(0).unwrap().iter().zip(&coarse).zip(&vector) {
            // Half a step of `fine`, and the rounding of f32.
            prop_assert!((back - v).abs() <= scale * (0.5 / 254.0 + 2e-5), "{} {}", back, v);
            prop_assert!((f32::from(*coarse) * scale - v).abs() <= scale * 0.50001);
        }
    }

    #[test]
    fn rows_that_are_read_can_be_added_again(
        vectors in (1usize..20).prop_flat_map(|d| proptest::collection::vec(any_unit(d), 1..9)),
        keeps_fine in any::<bool>(),
    ) {
        let dimensions = vectors[0].len();
        let mut rows = Rows::new(dimensions).unwrap();
        rows.add(&vectors.concat()).unwrap();
        let (scales, coarse) = (rows.scales(0, rows.len()).unwrap(), rows.coarse(0, rows.len()).unwrap());
        let fine = rows.fine(0, rows.len()).unwrap().filter(|_| keeps_fine);
        let block = Block::new(dimensions, &scales, &coarse, fine.as_deref()).unwrap();
        let mut again = Rows::new(dimensions).unwrap();
        again.add_rows(&block).unwrap();
        prop_assert_eq!(again.add_rows(&block).unwrap(), vectors.len());
        prop_assert_eq!(again.scales(vectors.len(), vectors.len()).unwrap(), scales);
        prop_assert_eq!(again.coarse(vectors.len(), vectors.len()).unwrap(), coarse);
        prop_assert_eq!(again.fine(0, vectors.len()).unwrap(), fine);
    }
}

#[test]
fn ranges_cross_chunks() {
    let dimensions = 4096;
    let mut rows = Rows::new(dimensions).unwrap();
    let count = 2 * rows.rows_per_chunk + 3;
    let vector = |row: usize| {
        let mut vector = vec![0.0; dimensions];
        vector[row % dimensions] = 1.0;
        vector
    };
    for row in 0..count {
        assert_eq!(rows.add(&vector(row)).unwrap(), row);
    }
    assert_eq!(
        rows.blocks().map(|(first, block)| (first, block.len())).collect::<Vec<_>>(),
        [(0, 256), (256, 256), (512, 3)]
    );
    let coarse = rows.coarse(200, 313).unwrap();
    assert!((0..313).all(|row| coarse[row * dimensions + row + 200] == 127));
    assert_eq!(rows.vector(514).unwrap(), vector(514));
    rows.truncate(256);
    assert_eq!((rows.len(), rows.chunks.len()), (256, 1));
    assert_eq!(rows.add(&vector(0)).unwrap(), 256);
    rows.clear();
    assert!(rows.is_empty() && rows.add(&vector(7)).unwrap() == 0);
}

#[test]
fn what_is_no_unit_vector_is_refused_and_nothing_of_the_call_stays() {
    let mut rows = Rows::new(2).unwrap();
    for bad in [
        &[1.0, 0.0, f32::NAN, 0.0][..],
        &[1.0, 0.0, f32::INFINITY, 0.0],
        &[1.0, 0.0, 0.0, 0.0],
        &[1.0, 0.0, 0.7, 0.7],
        &[1.0, 0.0, f32::MAX, f32::MAX],
        &[1.0, 0.0, 1.0],
    ] {
        assert_eq!((code(rows.add(bad)), rows.len()), ("input-invalid", 0));
    }
    assert!(rows.add(&[1.0, 0.0, 0.7, 0.7]).unwrap_err().to_string().contains("vector 2 has the length 0.9899"));
    assert_eq!([0.0, 1.00005, 12.3, f64::MAX].map(decimal), ["0.0000", "1.0001", "12.3000", "out of all bounds"]);
    for dimensions in [0, MOST_DIMENSIONS + 1, usize::MAX] {
        assert_eq!(code(Rows::new(dimensions)), "input-invalid");
    }
    assert_eq!(rows.add(&[]).unwrap(), 0);
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    let mut rows = Rows::new(2).unwrap();
    let scale = [1.0 / 127.0];
    for scale in [0.0, -0.001, f32::NAN, f32::INFINITY, 0.008, 1e-30] {
        let scales = [1.0 / 127.0, scale];
        let block = Block::new(2, &scales, &[127, 0, 127, 0], None);
        assert_eq!(code(block.and_then(|block| rows.add_rows(&block))), "index-invalid", "{scale}");
    }
    for coarse in [[127, 127], [0, 0], [100, 0], [-128, 0]] {
        let block = Block::new(2, &scale, &coarse, None).unwrap();
        assert_eq!(code(rows.add_rows(&block)), "index-invalid", "{coarse:?}");
    }
    assert_eq!(code(Block::new(2, &scale, &[127], None)), "input-invalid");
    assert_eq!(code(Block::new(2, &scale, &[127, 0], Some(&[0]))), "input-invalid");
    assert_eq!(code(Block::new(0, &[], &[], None)), "input-invalid");
    let with = Block::new(2, &scale, &[127, 0], Some(&[0, 0])).unwrap();
    let without = Block::new(2, &scale, &[127, 0], None).unwrap();
    assert_eq!(code(rows.add_rows(&Block::new(1, &scale, &[127], None).unwrap())), "input-invalid");
    assert_eq!(rows.add_rows(&without).unwrap(), 0);
    assert_eq!(
        (code(rows.add_rows(&with)), code(rows.add(&[1.0, 0.0])), rows.len()),
        ("input-invalid", "input-invalid", 1)
    );
    assert_eq!(rows.fine(0, 1).unwrap(), None);
    rows.clear();
    assert_eq!(rows.add_rows(&with).unwrap(), 0);
    for (from, count) in [(0, 2), (2, 0), (usize::MAX, 1), (1, usize::MAX)] {
        assert_eq!(code(rows.scales(from, count)), "input-invalid");
    }
    assert_eq!(code(rows.vector(1)), "input-invalid");
}
