//! Helpers: others that compute batches at the same time as the engine, such as further workers of a page.

use crate::error::Result;

/// What the computation of a batch starts from: all that a helper needs, since it has neither texts nor table.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Number of the batch, returned in [`Done`].
    pub group: usize,
    /// Rows of the vocabulary table with their positions, as [`super::Layers::pooled`] takes them.
    pub rows: Vec<f32>,
    /// Tokens of each sequence.
    pub lengths: Vec<usize>,
}

/// A batch that a helper returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Number of the batch.
    pub group: usize,
    /// What [`super::Layers::pooled`] returned; `None` if the helper is gone and the batch must be computed again.
    pub pooled: Option<Vec<f32>>,
}

/// The helpers of one call.
pub trait Helpers {
    /// Returns the number of helpers.
    fn count(&self) -> usize;

    /// Returns whether one of them should get more work now, while `waiting` batches wait.
    fn has_room(&self, waiting: usize) -> bool;

    /// Hands work out; called after [`Self::has_room`] has returned true.
    fn give(&mut self, work: Work);

    /// Returns what has come back since the last call.
    fn take(&mut self) -> Vec<Done>;

    /// Waits until something has come back.
    ///
    /// # Errors
    /// [`crate::error::Code::Aborted`] to stop here.
    fn wait(&mut self) -> impl Future<Output = Result<()>>;
}

/// No helpers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHelpers;

impl Helpers for NoHelpers {
    fn count(&self) -> usize {
        0
    }

    fn has_room(&self, _: usize) -> bool {
        false
    }

    fn give(&mut self, _: Work) {}

    fn take(&mut self) -> Vec<Done> {
        Vec::new()
    }

    async fn wait(&mut self) -> Result<()> {
        Ok(())
    }
}
