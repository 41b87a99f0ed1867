//! Which body of a shader runs: the whole choice, in one place.

/// A body of `linear.wgsl`: how its 64 threads, each with 8 x 8 sums, make a tile.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// Threads along the rows of a tile.
    pub down: usize,
    /// Threads along its columns.
    pub across: usize,
    /// Threads that share a sum, each with its part of k.
    pub slices: usize,
    /// Columns of k that lie in workgroup memory at once.
    pub depth: usize,
    /// The fewest rows that it is for.
    rows: usize,
    /// The fewest tiles that it is for: with fewer, most of a GPU would have nothing to do.
    tiles: usize,
}

/// The bodies of `linear.wgsl`; the first that a product has rows and tiles enough for makes it.
///
/// | body    | tile    | slices of k | columns of k at once | for                                                     |
/// | ------- | ------- | ----------- | -------------------- | ------------------------------------------------------- |
/// | large   | 64 x 64 | 1           | 16                   | more than 32 rows that make 48 such tiles               |
/// | middle  | 32 x 32 | 4           | 32                   | more than 16 rows                                       |
/// | few     | 16 x 32 | 8           | 64                   | a query: as many tiles as the columns give, short loops |
#[rustfmt::skip]
pub static BODIES: [Body; 3] = [
    Body { down: 8, across: 8, slices: 1, depth: 16, rows: 33, tiles: 48 },
    Body { down: 4, across: 4, slices: 4, depth: 32, rows: 17, tiles: 0 },
    Body { down: 2, across: 4, slices: 8, depth: 64, rows: 0,  tiles: 0 },
];

impl Body {
    /// Chooses the body that makes the product of `rows` rows with a matrix of `columns` columns.
    pub fn of(rows: usize, columns: usize) -> &'static Self {
        #[cfg(test)]
        if let Some(body) = tests::FORCED.get() {
            return &BODIES[body];
        }
        let suits = |body: &&Self| {
            let [down, across] = body.tile();
            rows >= body.rows && rows.div_ceil(down) * columns.div_ceil(across) >= body.tiles
        };
        BODIES.iter().find(suits).unwrap_or(&BODIES[BODIES.len() - 1])
    }

    /// Returns the rows and columns of a tile.
    pub fn tile(&self) -> [usize; 2] {
        [8 * self.down, 8 * self.across]
    }

    /// Returns the quads of workgroup memory that it takes: slices of x and W, later half of the slices' sums.
    pub fn memory(&self) -> usize {
        let quads = self.depth * (2 * self.down + 1 + 2 * self.across + 1);
        let sums = 16 * self.down * self.across * self.slices / 2;
        quads.max(if self.slices > 1 { sums } else { 0 })
    }
}

/// Whether there are few queries, so that several threads share each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Few {
    No,
    Yes,
}

/// The heads of `attention.wgsl`.
///
/// | heads, columns | keys in workgroup memory | threads that share a query, of few |
/// | -------------- | ------------------------ | ---------------------------------- |
/// | up to 32       | 32                       | 4                                  |
/// | up to 64       | 16                       | 4                                  |
/// | up to 128      | 8                        | 1                                  |
/// | more           | 4                        | 1                                  |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heads {
    /// Columns of a head; even.
    pub size: usize,
}

impl Heads {
    /// Returns whether the halves of a head consist of quads.
    pub fn in_quads(self) -> bool {
        self.size.is_multiple_of(8)
    }

    /// Returns how many keys lie in workgroup memory at once.
    pub fn keys(self) -> usize {
        match self.size {
            0..=32 => 32,
            33..=64 => 16,
            65..=128 => 8,
            _ => 4,
        }
    }

    /// Returns how many threads share a query.
    pub fn split(self, few: Few) -> usize {
        match few {
            Few::Yes if self.size <= 64 => 4,
            _ => 1,
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The body that makes every product of this thread, by its place in the table.
        pub static FORCED: Cell<Option<usize>> = const { Cell::new(None) };
    }

    #[test]
    fn bodies_are_chosen_by_rows_and_tiles() {
        let tile = |rows, columns| Body::of(rows, columns).tile();
        // A query, a sentence, a batch of documents: the queries and the wide matrix of the 97M shape.
        assert_eq!([tile(16, 384), tile(16, 3072)], [[16, 32], [16, 32]]);
        assert_eq!([tile(17, 384), tile(128, 384)], [[32, 32], [32, 32]]);
        assert_eq!([tile(128, 3072), tile(4096, 384)], [[64, 64], [64, 64]]);
        assert_eq!(tile(1, 1), [16, 32]);
    }

    #[test]
    fn every_thread_brings_one_part_of_x() {
        for body in &BODIES {
            assert_eq!(body.down * body.across * body.slices, 64);
            assert_eq!(2 * body.down * body.depth / 4, 64);
        }
    }
}
