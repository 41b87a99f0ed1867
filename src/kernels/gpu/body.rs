//! Which body of a shader runs: the whole choice, in one place.

use std::cell::Cell;

use super::THREADS;

/// The kinds of adapter that bodies differ for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adapter {
    /// A graphics processor.
    Gpu,
    /// A program on the CPU, as Mesa's lavapipe and Chromium's SwiftShader are. It compiles a shader slowly, most of all for its
    /// workgroup memory, and gains nothing from many threads.
    Software,
}

/// A body of `linear.wgsl`: how its threads, each with 8 x 8 sums, make a tile.
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
    /// Columns of k that lie in workgroup memory at once.
    pub depth: usize,
    /// The fewest rows that it is for.
    rows: usize,
    /// The fewest tiles that it is for: with fewer, most of a GPU would have nothing to do.
    tiles: usize,
}

/// The bodies of `linear.wgsl`; the first for the adapter that a product has rows and tiles enough for makes it.
///
/// | body     | adapter  | tile    | slices of k | columns of k at once | for                                                     |
/// | -------- | -------- | ------- | ----------- | -------------------- | ------------------------------------------------------- |
/// | large    | GPU      | 64 x 64 | 1           | 16                   | more than 32 rows that make 48 such tiles               |
/// | middle   | GPU      | 32 x 32 | 4           | 32                   | more than 16 rows                                       |
/// | few      | GPU      | 16 x 32 | 8           | 64                   | a query: as many tiles as the columns give, short loops |
/// | software | software | 16 x 64 | 1           | 4                    | all                                                     |
#[rustfmt::skip]
pub static BODIES: [Body; 4] = [
    Body { adapter: Adapter::Gpu,      down: 8, across: 8, slices: 1, depth: 16, rows: 33, tiles: 48 },
    Body { adapter: Adapter::Gpu,      down: 4, across: 4, slices: 4, depth: 32, rows: 17, tiles: 0 },
    Body { adapter: Adapter::Gpu,      down: 2, across: 4, slices: 8, depth: 64, rows: 0,  tiles: 0 },
    Body { adapter: Adapter::Software, down: 2, across: 8, slices: 1, depth: 4,  rows: 0,  tiles: 0 },
];

/// The most bodies that `linear.wgsl` has for one adapter.
pub const MOST_BODIES: usize = 3;

thread_local! {
    static WANTED: Cell<Option<usize>> = const { Cell::new(None) };
    /// The kind of adapter that the last product was made by.
    static LAST: Cell<Option<Adapter>> = const { Cell::new(None) };
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

/// Returns how many bodies the adapter has that this thread's last product was made by; 0 before the first.
pub fn bodies() -> usize {
    LAST.get().map_or(0, |adapter| Body::all(adapter).count())
}

impl Body {
    /// Returns the bodies for an adapter.
    pub fn all(adapter: Adapter) -> impl Iterator<Item = &'static Self> {
        BODIES.iter().filter(move |body| body.adapter == adapter)
    }

    /// Chooses the body that makes the product of `rows` rows with a matrix of `columns` columns.
    pub fn of(adapter: Adapter, rows: usize, columns: usize) -> &'static Self {
        LAST.set(Some(adapter));
        let suits = |(number, body): &(usize, &Self)| {
            let [down, across] = body.tile();
            let enough = rows >= body.rows && rows.div_ceil(down) * columns.div_ceil(across) >= body.tiles;
            WANTED.get().map_or(enough, |wanted| wanted.min(Self::all(adapter).count() - 1) == *number)
        };
        Self::all(adapter).enumerate().find(suits).map(|(_, body)| body).unwrap_or(&BODIES[BODIES.len() - 1])
    }

    /// Returns the rows and columns of a tile.
    pub fn tile(&self) -> [usize; 2] {
        [8 * self.down, 8 * self.across]
    }

    /// Returns the threads of a workgroup.
    pub fn threads(&self) -> usize {
        self.down * self.across * self.slices
    }

    /// Returns the quads of workgroup memory that it takes: slices of x and W, before them pieces of the norm, later half of
    /// the slices' sums.
    pub fn memory(&self) -> usize {
        let quads = self.depth * (2 * self.down + 1 + 2 * self.across + 1);
        let pieces = 8 * self.down * self.depth / 4;
        let sums = if self.slices > 1 { 8 * self.threads() } else { 0 };
        quads.max(pieces).max(sums)
    }
}

/// The body of `attention.wgsl` for heads of a size.
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
    /// Returns whether the halves of a head consist of quads.
    pub fn in_quads(self) -> bool {
        self.size.is_multiple_of(8)
    }

    /// Returns the threads of a workgroup.
    pub fn threads(self) -> usize {
        match self.adapter {
            Adapter::Gpu => THREADS,
            Adapter::Software => 16,
        }
    }

    /// Returns how many keys lie in workgroup memory at once.
    pub fn keys(self) -> usize {
        match (self.adapter, self.size) {
            (Adapter::Gpu, 0..=32) => 32,
            (Adapter::Gpu, 33..=64) => 16,
            (Adapter::Gpu, 65..=128) => 8,
            _ => 4,
        }
    }

    /// Returns how many threads share a query of a tile of at most `tile`.
    pub fn split(self, tile: usize) -> usize {
        if tile < self.threads() { self.most_split() } else { 1 }
    }

    fn most_split(self) -> usize {
        if self.adapter == Adapter::Gpu && self.size <= 64 { 4 } else { 1 }
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
        /// The kind of adapter that this thread's is taken for.
        pub static FORCED_ADAPTER: Cell<Option<Adapter>> = const { Cell::new(None) };
        /// The number of the body that does nothing on this thread, as where a browser has refused its shader.
        pub static REFUSED: Cell<Option<usize>> = const { Cell::new(None) };
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
        assert_eq!([software(1), software(4096)], [[16, 64], [16, 64]]);
        let all = |adapter| Body::all(adapter).count();
        assert_eq!([all(Adapter::Gpu), all(Adapter::Software)], [MOST_BODIES, 1]);
        let wanted = |number| with_body(number, || tile(16, 384));
        assert_eq!([wanted(0), wanted(1), wanted(2)], [[64, 64], [32, 32], [16, 32]]);
        assert_eq!(with_body(2, || software(1)), [16, 64]);
        assert_eq!(bodies(), 1);
    }

    #[test]
    fn the_threads_of_a_tile_bring_a_slice_of_x_at_once() {
        for body in &BODIES {
            assert!(2 * body.down * body.depth / 4 <= body.threads());
            assert!(body.adapter == Adapter::Software || body.threads() == THREADS);
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
