//! Which rows of a ragged batch belong together.

use burn::tensor::{Int, Tensor};

use super::Stage;
use crate::kernels::{self, QUERY_COLUMNS, TILE_LENGTHS};

/// Sequences whose tokens stand one after another, without padding.
#[derive(Clone, Debug)]
pub struct Batch {
    lengths: Vec<usize>,
}

/// The rows of the batch that one layer reads and makes.
pub(super) struct LayerRows {
    /// i32 [n_out, 3]: see [`crate::kernels::Kernels::attention`].
    pub queries: Tensor<2, Int>,
    /// i32 [t, 2]: see [`crate::kernels::Kernels::attention`].
    pub tiles: Tensor<2, Int>,
    /// The most queries of a tile.
    pub tile: usize,
    /// Rows of the input that are also in the output, i32 [n_out]; `None` when all are.
    pub kept: Option<Tensor<1, Int>>,
}

#[cfg(feature = "gpu")]
impl LayerRows {
    /// Returns the rows of the input that are also in the output.
    pub fn kept_of(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.kept {
            Some(kept) => kernels::take_rows(x, kept.clone()),
            None => x,
        }
    }
}

/// As many queries as make tiles of the greater length worth while: with fewer, a GPU would have little to do at once.
const MANY_QUERIES: usize = 512;

/// Returns how many of `length` tokens are among the first `limit`.
fn leading(length: usize, limit: Option<usize>) -> usize {
    limit.map_or(length, |limit| limit.min(length))
}

impl Batch {
    /// Creates a batch of sequences of these lengths.
    pub fn new(lengths: Vec<usize>) -> Self {
        Self { lengths }
    }

    /// Returns the lengths in tokens.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Returns how many rows the first `limit` tokens of each sequence take.
    pub fn rows(&self, limit: Option<usize>) -> usize {
        self.lengths.iter().map(|length| leading(*length, limit)).sum()
    }

    /// Returns the first `limit` entries of each sequence of `all`, which has one entry for each token.
    pub fn first<T: Copy>(&self, all: &[T], limit: Option<usize>) -> Vec<T> {
        let mut start = 0;
        let mut kept = Vec::with_capacity(self.rows(limit));
        for length in &self.lengths {
            kept.extend_from_slice(&all[start..start + leading(*length, limit)]);
            start += length;
        }
        kept
    }

    /// Makes the index tensors of one stage.
    pub(super) fn layer_rows(&self, stage: Stage, device: &burn::tensor::Device) -> LayerRows {
        let tile = TILE_LENGTHS[usize::from(self.rows(stage.output) >= MANY_QUERIES)];
        let (mut queries, mut tiles, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        for length in &self.lengths {
            let (read, made) = (leading(*length, stage.input), leading(*length, stage.output));
            let start = kept.len();
            for position in 0..made {
                queries.extend([position as i32, first, first + read as i32]);
                kept.push(first + position as i32);
            }
            let mut run = start;
            while run < kept.len() {
                let end = kept.len().min(run + tile);
                tiles.extend([run as i32, end as i32]);
                run = end;
            }
            first += read as i32;
        }
        let (made, count) = (kept.len(), tiles.len() / 2);
        LayerRows {
            queries: kernels::integers(queries, [made, QUERY_COLUMNS], device),
            tile,
            kept: (made < self.rows(stage.input)).then(|| kernels::integers(kept, [made], device)),
            tiles: kernels::integers(tiles, [count, 2], device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_keeps_the_leading_tokens_of_each_sequence() {
        let batch = Batch::new(vec![3, 1, 4]);
        assert_eq!(batch.first(&[1, 2, 3, 4, 5, 6, 7, 8], Some(2)), [1, 2, 4, 5, 6]);
        assert_eq!(batch.rows(Some(2)), 5);
        assert_eq!(batch.rows(None), 8);
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn rows_point_into_the_input_of_the_stage() {
        let device = burn::tensor::Device::flex();
        let rows = Batch::new(vec![3, 1]).layer_rows(Stage { input: None, output: Some(2) }, &device);
        let queries: Vec<i32> = rows.queries.into_data().try_into_vec().expect("i32");
        assert_eq!(queries, [0, 0, 3, 1, 0, 3, 0, 3, 4]);
        let kept: Vec<i32> = rows.kept.expect("fewer rows").into_data().try_into_vec().expect("i32");
        assert_eq!(kept, [0, 1, 3]);
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn tiles_cover_all_queries_and_none_spans_two_sequences() {
        let device = burn::tensor::Device::flex();
        let tiles = |lengths: &[usize], output| {
            let rows = Batch::new(lengths.to_vec()).layer_rows(Stage { input: None, output }, &device);
            let tiles: Vec<i32> = rows.tiles.into_data().try_into_vec().expect("i32");
            (tiles, rows.tile)
        };
        assert_eq!(tiles(&[20, 1, 16], None), (vec![0, 16, 16, 20, 20, 21, 21, 37], 16));
        assert_eq!(tiles(&[20, 30], Some(1)), (vec![0, 1, 1, 2], 16));
        let (long, tile) = tiles(&[500, 40], None);
        assert_eq!((tile, long.len(), &long[14..]), (64, 18, &[448, 500, 500, 540][..]));
    }
}
