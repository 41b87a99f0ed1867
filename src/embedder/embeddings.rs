//! What comes out: vectors of texts.

use std::ops::Index;

/// The vectors of a call: one for each text, in the order of the texts, all of one width and in one piece of memory.
///
/// Indexing returns a vector: `&embeddings[0]` is a `&[f32]` of unit length. The dot product of two of them is their
/// cosine.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// [texts, dimensions].
    vectors: Vec<f32>,
    dimensions: usize,
    tokens: Vec<usize>,
    truncated: Vec<bool>,
}

/// The result for one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embedding<'a> {
    /// The vector, of unit length.
    pub vector: &'a [f32],
    /// Tokens that the model read, special tokens included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads, so that its end was left out.
    pub truncated: bool,
}

impl Embeddings {
    /// Takes vectors [texts, dimensions] and what is known of each text. `dimensions` is at least 1.
    pub(super) fn new(vectors: Vec<f32>, dimensions: usize, tokens: Vec<usize>, truncated: Vec<bool>) -> Self {
        Self { vectors, dimensions, tokens, truncated }
    }

    /// Returns the number of texts.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns whether there were no texts.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns the number of components of each vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Iterates over the vectors.
    pub fn vectors(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.vectors.chunks_exact(self.dimensions)
    }

    /// Iterates over the vectors, each with what is known of its text.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Embedding<'_>> {
        let known = self.tokens.iter().zip(&self.truncated);
        self.vectors().zip(known).map(|(vector, (tokens, truncated))| Embedding {
            vector,
            tokens: *tokens,
            truncated: *truncated,
        })
    }

    /// Returns all vectors one after another, [texts, dimensions]: the form that matrices and vector indexes take.
    pub fn as_flat(&self) -> &[f32] {
        &self.vectors
    }

    /// Returns what [`Self::as_flat`] returns, without a copy.
    pub fn into_flat(self) -> Vec<f32> {
        self.vectors
    }
}

impl Index<usize> for Embeddings {
    type Output = [f32];

    /// Returns the vector of the text at this position.
    ///
    /// # Panics
    /// Panics if there is no such text, as a slice does.
    fn index(&self, text: usize) -> &[f32] {
        &self.vectors[text * self.dimensions..][..self.dimensions]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embeddings() -> Embeddings {
        Embeddings::new(vec![0.6, 0.8, 1.0, 0.0, 0.0, 1.0], 2, vec![3, 4, 5], vec![false, true, false])
    }

    #[test]
    fn each_text_has_its_row() {
        let made = embeddings();
        assert_eq!((made.len(), made.is_empty(), made.dimensions()), (3, false, 2));
        assert_eq!(made.vectors().collect::<Vec<_>>(), [[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(made.iter().nth(1), Some(Embedding { vector: &[1.0, 0.0], tokens: 4, truncated: true }));
        assert_eq!((made.iter().len(), &made[2]), (3, [0.0, 1.0].as_slice()));
        assert_eq!(made.as_flat(), made.clone().into_flat());
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn a_text_past_the_last_is_no_row() {
        let _ = &embeddings()[3];
    }
}
