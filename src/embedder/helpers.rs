//! Others that compute groups at the same time as the engine, such as further workers of a page.

use crate::error::Result;

/// What a group's computation starts from: all that a helper needs, since it has neither texts nor table.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Number of the group, given back in [`Done`].
    pub group: usize,
    /// Rows of the vocabulary table, as [`super::Layers::pooled`] takes them.
    pub rows: Vec<f32>,
    /// Tokens of each sequence.
    pub lengths: Vec<usize>,
}

/// A group that comes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Number of the group.
    pub group: usize,
    /// What [`super::Layers::pooled`] gave; `None` if the helper is gone, and the group to be computed anew.
    pub pooled: Option<Vec<f32>>,
}

/// The helpers of one call.
pub trait Helpers {
    /// How many there are.
    fn count(&self) -> usize;

    /// Whether one of them should get more work now, while `waiting` groups wait.
    fn has_room(&self, waiting: usize) -> bool;

    /// Hands work out; called after [`Self::has_room`] has said yes.
    fn give(&mut self, work: Work);

    /// What has come back since the last call.
    fn take(&mut self) -> Vec<Done>;

    /// Waits until something has come back.
    ///
    /// # Errors
    /// [`crate::error::Code::Aborted`] to stop here.
    fn wait(&mut self) -> impl Future<Output = Result<()>>;
}

/// Nobody helps.
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
