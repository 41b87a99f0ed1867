use super::*;
use crate::rows::tests::{any_unit, unit};
use proptest::prelude::*;

/// Computes plainly, in double precision, what a scan finds.
fn plainly(vectors: &[Vec<f32>], query: &[f32], allowed: impl Fn(usize) -> bool) -> Vec<(usize, f64)> {
    let cosine = |v: &Vec<f32>| v.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let mut all: Vec<(usize, f64)> =
        vectors.iter().enumerate().filter(|(row, _)| allowed(*row)).map(|(row, v)| (row, cosine(v))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

fn rows_of(vectors: &[Vec<f32>]) -> Rows {
    let mut rows = Rows::new(vectors[0].len()).unwrap();
    rows.add(&vectors.concat()).unwrap();
    rows
}

fn any_collection() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>)> {
    (1usize..50)
        .prop_flat_map(|dimensions| (any_unit(dimensions), proptest::collection::vec(any_unit(dimensions), 1..60)))
}

proptest! {
    #[test]
    fn the_nearest_allowed_rows_are_found_with_their_cosines_and_the_moments_of_all(
        (query, vectors) in any_collection(),
        bits in proptest::collection::vec(any::<u8>(), 8),
        has_bits in any::<bool>(),
        count in 1usize..70,
    ) {
        let allowed = has_bits.then_some(&bits[..]);
        let is_allowed = |row: usize| allowed.is_none_or(|bits| bits[row / 8] & (1 << (row % 8)) != 0);
        let found = top(&rows_of(&vectors), &query, count, allowed).unwrap();
        let want = plainly(&vectors, &query, is_allowed);
        prop_assert_eq!(found.seen, want.len());
        prop_assert_eq!(found.rows.len(), want.len().min(count));
        prop_assert_eq!(found.scores.len(), found.rows.len());
        for ((row, score), (_, best)) in found.rows.iter().zip(&found.scores).zip(&want) {
            prop_assert!(is_allowed(*row as usize));
            // In the same place stands a row as near as the right one.
            prop_assert!((f64::from(*score) - best).abs() < 3e-5, "{} {}", score, best);
            let cosine = want.iter().find(|(other, _)| *other == *row as usize).unwrap().1;
            prop_assert!((f64::from(*score) - cosine).abs() < 3e-5);
        }
        let unequal = found.scores.windows(2).zip(found.rows.windows(2));
        for (scores, rows) in unequal {
            prop_assert!(scores[0] > scores[1] || scores[0] == scores[1] && rows[0] < rows[1]);
        }
        let n = want.len().max(1) as f64;
        let mean = want.iter().map(|(_, cosine)| cosine).sum::<f64>() / n;
        let deviation = (want.iter().map(|(_, cosine)| (cosine - mean).powi(2)).sum::<f64>() / n).sqrt();
        prop_assert!((found.mean - mean).abs() < 0.01, "{} {}", found.mean, mean);
        prop_assert!((found.deviation - deviation).abs() < 0.01, "{} {}", found.deviation, deviation);
    }

    #[test]
    fn blocks_of_any_size_find_the_same_to_the_bit(
        (query, vectors) in any_collection(),
        sizes in proptest::collection::vec(1usize..20, 60),
        count in 1usize..20,
        bits in proptest::collection::vec(any::<u8>(), 8),
        has_fine in any::<bool>(),
    ) {
        let made = rows_of(&vectors);
        let dimensions = query.len();
        let (scales, coarse) = (made.scales(0, made.len()).unwrap(), made.coarse(0, made.len()).unwrap());
        let fine = made.fine(0, made.len()).unwrap().filter(|_| has_fine);
        let mut rows = Rows::new(dimensions).unwrap();
        let all = Block::new(dimensions, &scales, &coarse, fine.as_deref()).unwrap();
        rows.add_rows(&all).unwrap();
        let mut sweep = Sweep::new(&query, count).unwrap();
        let mut from = 0;
        for size in sizes {
            let size = size.min(rows.len() - from);
            sweep.block(&all.part(from, size), from as u32, Some(&bits)).unwrap();
            from += size;
        }
        prop_assert_eq!(sweep.finish().unwrap(), top(&rows, &query, count, Some(&bits)).unwrap());
    }
}

proptest! {
    #[test]
    fn the_cosines_of_any_rows_are_those_of_a_scan(
        (query, vectors) in any_collection(),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
        has_fine in any::<bool>(),
    ) {
        let made = rows_of(&vectors);
        let (scales, coarse) = (made.scales(0, made.len()).unwrap(), made.coarse(0, made.len()).unwrap());
        let fine = made.fine(0, made.len()).unwrap().filter(|_| has_fine);
        let mut rows = Rows::new(query.len()).unwrap();
        rows.add_rows(&Block::new(query.len(), &scales, &coarse, fine.as_deref()).unwrap()).unwrap();
        let found = top(&rows, &query, vectors.len(), None).unwrap();
        let bits = |cosines: Vec<f32>| cosines.iter().map(|cosine| cosine.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(cosines(&rows, &query, &found.rows).unwrap()), bits(found.scores.clone()));
        // In any order, and more than once.
        let some: Vec<u32> = picks.iter().map(|pick| pick.index(vectors.len()) as u32).collect();
        let of = |row: &u32| found.scores[found.rows.iter().position(|found| found == row).unwrap()];
        prop_assert_eq!(bits(cosines(&rows, &query, &some).unwrap()), bits(some.iter().map(of).collect()));
    }
}

/// Clustered unit vectors: a topic each, and noise around it, from a generator with a fixed seed.
struct Clustered {
    state: u64,
    topics: Vec<Vec<f32>>,
}

impl Clustered {
    fn new(dimensions: usize, topics: usize) -> Self {
        let mut made = Self { state: 7, topics: Vec::new() };
        made.topics = (0..topics).map(|_| unit(&(0..dimensions).map(|_| made.normal()).collect::<Vec<_>>())).collect();
        made
    }

    /// Nearly normal: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        let mut uniform = || {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.state >> 40) as f32 / (1 << 24) as f32
        };
        (0..12).map(|_| uniform()).sum::<f32>() - 6.0
    }

    fn vector(&mut self, at: usize) -> Vec<f32> {
        let topic = self.topics[at % self.topics.len()].clone();
        let noise = 0.9 / (topic.len() as f32).sqrt();
        unit(&topic.iter().map(|v| v + noise * self.normal()).collect::<Vec<_>>())
    }
}

#[test]
fn the_ten_best_are_those_of_full_precision() {
    let dimensions = 384;
    let mut clustered = Clustered::new(dimensions, 50);
    let vectors: Vec<Vec<f32>> = (0..6000).map(|at| clustered.vector(at)).collect();
    let rows = rows_of(&vectors);
    let coarse = rows.coarse(0, rows.len()).unwrap();
    let scales = rows.scales(0, rows.len()).unwrap();
    let mut without = Rows::new(dimensions).unwrap();
    without.add_rows(&Block::new(dimensions, &scales, &coarse, None).unwrap()).unwrap();
    let recall = |rows: &Rows, clustered: &mut Clustered| {
        let queries = 100;
        let mut hits = 0;
        for at in 0..queries {
            let query = clustered.vector(at);
            let want: Vec<usize> = plainly(&vectors, &query, |_| true).iter().take(10).map(|(row, _)| *row).collect();
            let found = top(rows, &query, 10, None).unwrap();
            hits += found.rows.iter().filter(|row| want.contains(&(**row as usize))).count();
        }
        hits as f64 / (10 * queries) as f64
    };
    let (fine, coarse) = (recall(&rows, &mut clustered), recall(&without, &mut clustered));
    println!("recall of ten best: {fine} with fine components, {coarse} without");
    assert!(fine >= 0.999, "{fine}");
    assert!(coarse >= 0.985, "{coarse}");
}

#[test]
fn equal_rows_come_in_the_order_of_their_numbers() {
    let vectors = vec![unit(&[1.0, 2.0, 3.0]); 700];
    let found = top(&rows_of(&vectors), &vectors[0], 300, None).unwrap();
    assert_eq!(found.rows, (0..300).collect::<Vec<_>>());
    assert!(found.scores.iter().all(|score| *score == found.scores[0] && *score > 0.9999));
    assert!(found.deviation < 1e-6);
}

#[test]
fn nothing_allowed_is_nothing_found() {
    let rows = rows_of(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
    let none = Found { rows: vec![], scores: vec![], mean: 0.0, deviation: 0.0, seen: 0 };
    assert_eq!(top(&rows, &[1.0, 0.0], 3, Some(&[0])).unwrap(), none);
    assert_eq!(top(&Rows::new(2).unwrap(), &[1.0, 0.0], 3, None).unwrap(), none);
    assert_eq!(top(&rows, &[1.0, 0.0], usize::MAX, Some(&[0b10])).unwrap().rows, [1]);
}

#[test]
fn bad_input_ends_in_an_error() {
    let rows = rows_of(&vec![vec![1.0, 0.0]; 9]);
    let code = |result: Result<Found>| result.unwrap_err().code().as_str();
    for query in [&[][..], &[1.0], &[1.0, 0.0, 0.0], &[f32::NAN, 1.0], &[0.0, 0.0], &[3.0, 0.0], &[f32::MAX, f32::MAX]]
    {
        assert_eq!(code(top(&rows, query, 1, None)), "input-invalid", "{query:?}");
    }
    assert_eq!(code(top(&rows, &[1.0, 0.0], 0, None)), "input-invalid");
    for (query, numbers) in
        [(&[1.0][..], &[0][..]), (&[0.0, 0.0], &[0]), (&[1.0, 0.0], &[0, 9]), (&[1.0, 0.0], &[u32::MAX])]
    {
        assert_eq!(
            cosines(&rows, query, numbers).unwrap_err().code().as_str(),
            "input-invalid",
            "{query:?} {numbers:?}"
        );
    }
    assert_eq!(code(top(&rows, &[1.0, 0.0], 1, Some(&[255]))), "input-invalid");
    assert_eq!(Sweep::new(&[0.1; 5000], 1).err().unwrap().code().as_str(), "input-invalid");
    assert_eq!(Sweep::new(&[], 1).err().unwrap().code().as_str(), "input-invalid");
}

#[test]
fn a_damaged_row_is_never_a_hit() {
    let scale = [1.0 / 127.0];
    let block = |coarse: &'static [i8]| Block::new(2, &scale, coarse, None).unwrap();
    let sweep = || Sweep::new(&[1.0, 0.0], 1).unwrap();
    assert!(sweep().block(&block(&[127, 0]), 0, None).is_ok());
    for coarse in [&[127, 127][..], &[10, 0], &[0, 0]] {
        let error = sweep().block(&Block::new(2, &scale, coarse, None).unwrap(), 0, None).unwrap_err();
        assert_eq!(error.code(), Code::IndexInvalid, "{error}");
    }
    let sound = block(&[127, 0]);
    assert_eq!(sweep().block(&sound, u32::MAX, None).unwrap_err().code(), Code::InputInvalid);
    assert_eq!(sweep().block(&sound, 8, Some(&[255])).unwrap_err().code(), Code::InputInvalid);
    let other = Block::new(1, &scale, &[127], None).unwrap();
    assert_eq!(sweep().block(&other, 0, None).unwrap_err().code(), Code::InputInvalid);
}

/// The same numbers in Rust and in JavaScript: `tests/browser/search-scan.test.mjs` has this generator too.
struct Seeded(u32);

impl Seeded {
    fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        let mut component = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let values: Vec<f32> = (0..dimensions).map(|_| component()).collect();
        let squares = values.iter().fold(0.0, |sum, v| sum + f64::from(*v) * f64::from(*v));
        values.iter().map(|v| (f64::from(*v) / f64::sqrt(squares)) as f32).collect()
    }
}

#[test]
fn webassembly_is_held_to_what_native_code_finds() {
    let mut lines = Vec::new();
    for (dimensions, count) in [(384, 3000usize), (100, 500), (16, 500), (3, 70)] {
        let mut seeded = Seeded(dimensions as u32);
        let vectors: Vec<Vec<f32>> = (0..count).map(|_| seeded.vector(dimensions)).collect();
        let query = seeded.vector(dimensions);
        let allowed: Vec<u8> = (0..count.div_ceil(8)).map(|at| (at * 151 % 256) as u8).collect();
        let found = top(&rows_of(&vectors), &query, 20, Some(&allowed)).unwrap();
        let scores: Vec<u32> = found.scores.iter().map(|score| score.to_bits()).collect();
        let Found { rows, mean, deviation, seen, .. } = &found;
        lines.push(format!(
            "{{\"dimensions\":{dimensions},\"count\":{count},\"rows\":{rows:?},\"scores\":{scores:?},\"mean\":{mean:?},\
             \"deviation\":{deviation:?},\"seen\":{seen}}}\n"
        ));
    }
    assert_eq!(lines.concat(), include_str!("../../../tests/fixtures/search/scan.jsonl"));
}
