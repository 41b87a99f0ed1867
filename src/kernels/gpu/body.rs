//! Which body of a shader runs: the whole choice, in one place.

use std::cell::Cell;

use super::{Adapter, THREADS};

/// A body of `linear.wgsl`, for [`Adapter::Bytes`] of `linear_bytes.wgsl` or for [`Adapter::Software`] of `linear_direct.wgsl`: how its
/// threads, each with 8 x 8 or, of bytes, 4 x 8 sums, make a tile.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// The adapters that it is for.
    adapter: Adapter,
    /// Threads along the rows of a tile.
    pub down: usize,
    /// Threads along its columns.
    pub across: usize,
    /// Threads that share a sum, each with its part of k.
    pub slices: usize,
    /// Columns of k that lie in workgroup memory at once; 0 where none do.
    pub depth: usize,
    /// The fewest rows that it is for.
    rows: usize,
    /// The fewest tiles that it is for: with fewer, most of a GPU would have nothing to do.
    tiles: usize,
}

/// The bodies of the products; the first for the adapter that a product has rows and tiles enough for makes it.
///
/// | body        | adapter  | tile    | slices of k | columns of k at once | for                                                     |
/// | ----------- | -------- | ------- | ----------- | -------------------- | ------------------------------------------------------- |
/// | large       | GPU      | 64 x 64 | 1           | 16                   | more than 32 rows that make 48 such tiles               |
/// | middle      | GPU      | 32 x 32 | 4           | 32                   | more than 16 rows                                       |
/// | few         | GPU      | 16 x 32 | 8           | 64                   | a query: as many tiles as the columns give, short loops |
/// | bytes       | bytes    | 32 x 64 | 1           | 64                   | more than 16 rows that make 48 such tiles               |
/// | few, bytes  | bytes    | 8 x 64  | 4           | 128                  | the others                                              |
/// | software    | software | 8 x 64  | 1           | none: all are read   | all                                                     |
#[rustfmt::skip]
pub static BODIES: [Body; 6] = [
    Body { adapter: Adapter::Gpu,      down: 8, across: 8, slices: 1, depth: 16, rows: 33, tiles: 48 },
    Body { adapter: Adapter::Gpu,      down: 4, across: 4, slices: 4, depth: 32, rows: 17, tiles: 0 },
    Body { adapter: Adapter::Gpu,      down: 2, across: 4, slices: 8, depth: 64, rows: 0,  tiles: 0 },
    Body { adapter: Adapter::Bytes,    down: 8, across: 8, slices: 1, depth: 64, rows: 17, tiles: 48 },
    Body { adapter: Adapter::Bytes,    down: 2, across: 8, slices: 4, depth: 128, rows: 0, tiles: 0 },
    Body { adapter: Adapter::Software, down: 1, across: 8, slices: 1, depth: 0,  rows: 0,  tiles: 0 },
];

/// The most bodies that there are for one adapter.
pub const MOST_BODIES: usize = 3;

thread_local! {
    static WANTED: Cell<Option<usize>> = const { Cell::new(None) };
    /// The most bodies that the adapter has which one of this thread's products was made by.
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// Has one body make every product of this thread until this is dropped.
#[must_use]
pub struct Only(());

impl Only {
    /// Chooses the body of this number among those of an adapter, or the last of them.
    pub fn body(number: usize) -> Self {
        WANTED.set(Some(number));
        Self(())
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        WANTED.set(None);
    }
}

/// Does some work with every product made by one body, see [`Only`].
pub fn with_body<T>(number: usize, work: impl FnOnce() -> T) -> T {
    let _only = Only::body(number);
    work()
}

/// Returns how many bodies have to be asked for one after another for all to run that may make this thread's products, going by
/// those that were made; 0 before the first.
pub fn bodies() -> usize {
    MOST.get()
}

impl Body {
    /// Returns the bodies for an adapter.
    pub fn all(adapter: Adapter) -> impl Iterator<Item = &'static Self> {
        BODIES.iter().filter(move |body| body.adapter == adapter)
    }

    /// Chooses the body that makes the product of `rows` rows with a matrix of `columns` columns.
    pub fn of(adapter: Adapter, rows: usize, columns: usize) -> &'static Self {
        MOST.set(MOST.get().max(Self::all(adapter).count()));
        let suits = |(number, body): &(usize, &Self)| {
            let [down, across] = body.tile();
            let enough = rows >= body.rows && rows.div_ceil(down) * columns.div_ceil(across) >= body.tiles;
            WANTED.get().map_or(enough, |wanted| wanted.min(Self::all(adapter).count() - 1) == *number)
        };
        Self::all(adapter).enumerate().find(suits).map(|(_, body)| body).unwrap_or(&BODIES[BODIES.len() - 1])
    }

    /// Returns whether it takes activations of 8 bits.
    pub fn takes_bytes(&self) -> bool {
        self.adapter == Adapter::Bytes
    }

    /// Returns whether its threads read x and W where they lie, without workgroup memory.
    pub fn is_direct(&self) -> bool {
        self.depth == 0
    }

    /// Returns the rows and columns of a tile.
    pub fn tile(&self) -> [usize; 2] {
        [if self.takes_bytes() { 4 } else { 8 } * self.down, 8 * self.across]
    }

    /// Returns the threads of a workgroup.
    pub fn threads(&self) -> usize {
        self.down * self.across * self.slices
    }

    /// Returns the quads of workgroup memory that it takes: slices of x and W, before them pieces of the norm, later half of
    /// the slices' sums; of bytes words of x and W, their steps and scales, later all sums.
    pub fn memory(&self) -> usize {
        if self.takes_bytes() {
            let words = self.depth / 4 * (self.down + 1 + 2 * self.across + 1);
            let scales = self.depth / 32 * (self.down + 2 * self.across);
            return (words + scales).max(if self.slices > 1 { 8 * self.threads() } else { 0 });
        }
        let quads = self.depth * (2 * self.down + 1 + 2 * self.across + 1);
        let pieces = 8 * self.down * self.depth / 4;
        let sums = if self.slices > 1 { 8 * self.threads() } else { 0 };
        quads.max(pieces).max(sums)
    }
}

/// The body of `attention.wgsl` for heads of a size. For [`Adapter::Bytes`] it is that of a GPU, and what it sees is rounded to bytes;
/// heads are a multiple of 32 columns wide then.
///
/// | adapter  | threads | heads, columns | keys in workgroup memory | threads that share a query, of few |
/// | -------- | ------- | -------------- | ------------------------ | ---------------------------------- |
/// | GPU      | 64      | up to 32       | 32                       | 4                                  |
/// | GPU      | 64      | up to 64       | 16                       | 4                                  |
/// | GPU      | 64      | up to 128      | 8                        | 1                                  |
/// | GPU      | 64      | more           | 4                        | 1                                  |
/// | software | 16      | all            | 4                        | 1                                  |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heads {
    /// The adapter.
    pub adapter: Adapter,
    /// Columns of a head; even.
    pub size: usize,
}

impl Heads {
    /// Returns whether what it sees is written as bytes.
    pub fn writes_bytes(self) -> bool {
        self.adapter == Adapter::Bytes
    }

    /// Returns whether the halves of a head consist of quads.
    pub fn in_quads(self) -> bool {
        self.size.is_multiple_of(8)
    }

    /// Returns the threads of a workgroup.
    pub fn threads(self) -> usize {
        match self.adapter {
            Adapter::Gpu | Adapter::Bytes => THREADS,
            Adapter::Software => 16,
        }
    }

    /// Returns how many keys lie in workgroup memory at once.
    pub fn keys(self) -> usize {
        match (self.adapter, self.size) {
            (Adapter::Software, _) | (_, 129..) => 4,
            (_, 0..=32) => 32,
            (_, 33..=64) => 16,
            (_, 65..=128) => 8,
        }
    }

    /// Returns how many threads share a query of a tile of at most `tile`.
    pub fn split(self, tile: usize) -> usize {
        if tile < self.threads() { self.most_split() } else { 1 }
    }

    fn most_split(self) -> usize {
        if self.adapter != Adapter::Software && self.size <= 64 { 4 } else { 1 }
    }

    /// Returns the quads of workgroup memory that it takes: keys and values, later the sums of half of the threads.
    pub fn memory(self) -> usize {
        let head = 2 * (self.size / 2).div_ceil(4);
        let sums = if self.most_split() > 1 { (head + 1) * self.threads() / 2 } else { 0 };
        (2 * self.keys() * (head + 1)).max(sums)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    thread_local! {
        /// What does nothing on this thread, as where a browser has refused its shader.
        pub static REFUSED: Cell<Option<Refused>> = const { Cell::new(None) };
    }

    /// A shader of int8 weights.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Refused {
        /// The product of a body, by its number among those of an adapter.
        Product(Adapter, usize),
        /// Activations to bytes.
        Round,
        /// Attention.
        Attention,
    }

    impl Refused {
        /// Returns everything that may be refused on an adapter.
        pub fn all(adapter: Adapter) -> Vec<Self> {
            let products = (0..Body::all(adapter).count()).map(|number| Self::Product(adapter, number));
            let round = (adapter == Adapter::Bytes).then_some(Self::Round);
            products.chain(round).chain([Self::Attention]).collect()
        }
    }

    #[test]
    fn bodies_are_chosen_by_adapter_rows_and_tiles() {
        let tile = |rows, columns| Body::of(Adapter::Gpu, rows, columns).tile();
        // A query, a sentence, a batch of documents: the queries and the wide matrix of the 97M shape.
        assert_eq!([tile(16, 384), tile(16, 3072)], [[16, 32], [16, 32]]);
        assert_eq!([tile(17, 384), tile(128, 384)], [[32, 32], [32, 32]]);
        assert_eq!([tile(128, 3072), tile(4096, 384)], [[64, 64], [64, 64]]);
        assert_eq!(tile(1, 1), [16, 32]);
        let software = |rows| Body::of(Adapter::Software, rows, 384).tile();
        assert_eq!([software(1), software(4096)], [[8, 64], [8, 64]]);
        let all = |adapter| Body::all(adapter).count();
        assert_eq!([Adapter::Gpu, Adapter::Bytes, Adapter::Software].map(all), [MOST_BODIES, 2, 1]);
        let bytes = |rows, columns| Body::of(Adapter::Bytes, rows, columns).tile();
        assert_eq!([bytes(16, 3072), bytes(128, 384)], [[8, 64], [8, 64]]);
        assert_eq!([bytes(128, 3072), bytes(4096, 384)], [[32, 64], [32, 64]]);
        let wanted = |number| with_body(number, || tile(16, 384));
        assert_eq!([wanted(0), wanted(1), wanted(2)], [[64, 64], [32, 32], [16, 32]]);
        assert_eq!(with_body(2, || software(1)), [8, 64]);
        assert_eq!(bodies(), MOST_BODIES);
        let alone = std::thread::spawn(|| (bodies(), Body::of(Adapter::Bytes, 1, 4).threads(), bodies()));
        assert_eq!(alone.join().expect("a count"), (0, THREADS, 2));
    }

    /// Returns the rows and columns of the products of a text of 128 tokens with the 97M shape: [keys and values, queries, out, wide, narrow] of
    /// each layer. Of the last two layers only rows that can reach the vector are computed.
    fn products_of_a_text() -> impl Iterator<Item = [usize; 2]> {
        let layer = |[read, made]: [usize; 2]| [[read, 768], [made, 384], [made, 384], [made, 3072], [made, 384]];
        let rows = [[128, 128]; 10].into_iter().chain([[128, 65], [65, 1]]);
        rows.flat_map(layer)
    }

    #[test]
    fn products_of_few_columns_take_the_body_for_few_tiles() {
        // Two of five products of a layer have 768 or 3,072 columns, which make 48 tiles of 128 rows; those of 384 make 24.
        let many = [32, 64];
        let count = products_of_a_text().filter(|[n, m]| Body::of(Adapter::Bytes, *n, *m).tile() == many).count();
        assert_eq!([count, products_of_a_text().count() - count], [22, 38]);
        assert_eq!(Body::of(Adapter::Bytes, 256, 384).tile(), many);
    }

    #[test]
    fn the_threads_of_a_tile_bring_a_slice_of_x_at_once() {
        for body in &BODIES {
            assert!(body.adapter == Adapter::Software || body.threads() == THREADS);
            let most = if body.takes_bytes() { body.down * body.depth / 16 } else { 2 * body.down * body.depth / 4 };
            assert!(most <= body.threads());
            // Groups of bytes, of which a gate's end has one across a tile, and every slice whole ones.
            assert!(!body.takes_bytes() || body.across == 8 && body.depth.is_multiple_of(32 * body.slices));
        }
    }

    #[test]
    fn every_thread_that_shares_a_query_has_a_block_of_keys() {
        for (adapter, size) in
            [Adapter::Gpu, Adapter::Software].into_iter().flat_map(|a| (2..=256).map(move |s| (a, s)))
        {
            let heads = Heads { adapter, size };
            assert!(4 * heads.split(16) <= heads.keys());
        }
    }
}
