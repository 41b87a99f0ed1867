//! Comparing an engine with goldens: outputs of the reference implementation.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::embedder::{EmbedOptions, Embedder, Hooks, larger, largest_difference};
use crate::error::{Code, Error, Result};
use crate::source::{MOST_WHOLE, read_whole};

/// Texts that are embedded in one call.
const TOGETHER: usize = 8;

/// A text and what the reference implementation makes of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Golden {
    /// A short name.
    pub name: String,
    /// The text, which must not be stripped.
    pub text: String,
    /// Its token ids, special tokens included, not truncated.
    pub ids: Vec<u32>,
    /// Base64 of its vector of unit length, little-endian f32.
    embedding: String,
    /// Base64 of the hidden states after the embedding norm and after each layer, before the last norm.
    #[serde(default)]
    hidden: Option<Vec<String>>,
}

impl Golden {
    /// Returns the vector, of unit length.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if it is not base64 of f32.
    pub fn vector(&self) -> Result<Vec<f32>> {
        self.floats(&self.embedding)
    }

    /// Returns the hidden states, each [n, H], where the goldens have them.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if one is not base64 of f32.
    pub fn states(&self) -> Result<Option<Vec<Vec<f32>>>> {
        let decode = |states: &Vec<String>| states.iter().map(|state| self.floats(state)).collect();
        self.hidden.as_ref().map(decode).transpose()
    }

    fn floats(&self, text: &str) -> Result<Vec<f32>> {
        let broken =
            || Error::new(Code::InputInvalid, format!("golden {:?} has floats that are not base64 of f32", self.name));
        let bytes = STANDARD.decode(text).map_err(|error| broken().because(error))?;
        match bytes.as_chunks() {
            (chunks, []) => Ok(chunks.iter().map(|four| f32::from_le_bytes(*four)).collect()),
            _ => Err(broken()),
        }
    }
}

/// A file of goldens.
#[derive(Clone, Debug, Deserialize)]
pub struct Goldens {
    /// The texts.
    pub texts: Vec<Golden>,
}

impl Goldens {
    /// Reads a file in the format of [`Self::from_json`].
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::Io`], also for what is not a regular file; those of [`Self::from_json`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_json(&read_whole(path, MOST_WHOLE)?)
    }

    /// Parses goldens as `tests/reference/make_goldens.py` writes them.
    ///
    /// # Errors
    /// [`Code::InputInvalid`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let goldens: Self = serde_json::from_slice(bytes).map_err(|error| {
            Error::new(Code::InputInvalid, "the goldens are not in the expected format").because(error)
        })?;
        match goldens.texts.is_empty() {
            true => Err(Error::new(Code::InputInvalid, "the goldens have no texts")),
            false => Ok(goldens),
        }
    }
}

/// How an engine's outputs differ from goldens. A comparison with NaN is NaN and passes no tolerance.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Number of texts compared.
    pub texts: usize,
    /// Names of the texts whose token ids differ.
    pub other_ids: Vec<String>,
    /// Largest difference of a component of a vector.
    pub difference: f32,
    /// Name of the text where it occurs.
    pub worst: String,
    /// Lowest cosine.
    pub lowest_cosine: f32,
    /// Mean cosine.
    pub mean_cosine: f32,
    /// Largest difference in a hidden state, divided by that state's largest magnitude; `None` if the
    /// goldens have no hidden states.
    pub state_difference: Option<f32>,
}

impl Comparison {
    /// Returns whether all ids are equal and every component, and every hidden state where there are some, is within
    /// `tolerance`.
    pub fn is_within(&self, tolerance: f32) -> bool {
        self.other_ids.is_empty()
            && self.difference <= tolerance
            && self.state_difference.is_none_or(|difference| difference <= tolerance)
    }

    /// Returns whether all ids are equal and no cosine is lower than `least`.
    pub fn is_similar(&self, least: f32) -> bool {
        self.other_ids.is_empty() && self.lowest_cosine >= least
    }
}

/// Embeds the texts of `goldens`, white space kept, and compares ids, vectors and hidden states.
///
/// # Errors
/// Those of [`Embedder::embed_hooked`]; [`Code::InputInvalid`] for goldens of another width.
pub async fn compare(embedder: &Embedder, goldens: &Goldens, hooks: &mut impl Hooks) -> Result<Comparison> {
    let plain = EmbedOptions { strip: false, ..EmbedOptions::default() };
    let mut result = Comparison {
        texts: goldens.texts.len(),
        other_ids: Vec::new(),
        difference: 0.0,
        worst: String::new(),
        lowest_cosine: 1.0,
        mean_cosine: 0.0,
        state_difference: None,
    };
    for (part, goldens) in goldens.texts.chunks(TOGETHER).enumerate() {
        let texts: Vec<&str> = goldens.iter().map(|golden| golden.text.as_str()).collect();
        let made = embedder.embed_hooked(&texts, &plain, &mut Quiet(hooks)).await?;
        for (golden, vector) in goldens.iter().zip(made.vectors()) {
            if embedder.tokenize(&golden.text, &plain)? != golden.ids {
                result.other_ids.push(golden.name.clone());
            }
            result.add_vector(golden, vector)?;
            if let Some(states) = golden.states()? {
                let made = embedder.hidden_states(&golden.ids).await?;
                let difference = result.state_difference.unwrap_or(0.0);
                result.state_difference = Some(larger(difference, compare_states(golden, &made, &states)?));
            }
        }
        hooks.progress(part * TOGETHER + goldens.len(), result.texts);
        hooks.pause().await?;
    }
    result.mean_cosine /= result.texts as f32;
    Ok(result)
}

impl Comparison {
    fn add_vector(&mut self, golden: &Golden, made: &[f32]) -> Result<()> {
        let wanted = golden.vector()?;
        same_length(golden, made.len(), wanted.len())?;
        let difference = largest_difference(made, &wanted);
        if larger(self.difference, difference).to_bits() != self.difference.to_bits() || self.worst.is_empty() {
            self.worst.clone_from(&golden.name);
        }
        self.difference = larger(self.difference, difference);
        let cosine = cosine(made, &wanted);
        self.lowest_cosine = -larger(-self.lowest_cosine, -cosine);
        self.mean_cosine += cosine;
        Ok(())
    }
}

/// Passes pauses on, but not the progress of a part.
struct Quiet<'a, H>(&'a mut H);

impl<H: Hooks> Hooks for Quiet<'_, H> {
    async fn pause(&mut self) -> Result<()> {
        self.0.pause().await
    }
}

fn compare_states(golden: &Golden, made: &[Vec<f32>], wanted: &[Vec<f32>]) -> Result<f32> {
    same_length(golden, made.len(), wanted.len())?;
    let mut most = 0.0;
    for (made, wanted) in made.iter().zip(wanted) {
        same_length(golden, made.len(), wanted.len())?;
        let largest = wanted.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
        most = larger(most, largest_difference(made, wanted) / largest);
    }
    Ok(most)
}

fn same_length(golden: &Golden, made: usize, wanted: usize) -> Result<()> {
    match made == wanted {
        true => Ok(()),
        false => {
            let message = format!(
                "golden {:?} belongs to another model: it has {wanted} components, and this model gives {made}",
                golden.name
            );
            Err(Error::new(Code::InputInvalid, message))
        }
    }
}

/// Computes a cosine in double precision, so that 1 - cosine keeps its digits.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32
}
