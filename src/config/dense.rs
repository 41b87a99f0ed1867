//! Linear layers behind the pooling: sentence-transformers' module `Dense`.
//!
//! The mathematics is that of sentence-transformers' `base/modules/dense.py` (6.2): `act(W x + b)`.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::{MOST_HIDDEN, Tensor, invalid, unsupported, within};
use crate::error::Result;

/// A linear layer that makes a vector of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseConfig {
    /// Components of the vector that it makes.
    pub width: usize,
    /// Whether it adds a vector.
    pub bias: bool,
    /// What is done to each component.
    pub activation: DenseActivation,
}

/// The activation behind a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DenseActivation {
    /// None.
    Identity,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(t, 0)`.
    Relu,
    /// `1 / (1 + exp(-t))`.
    Sigmoid,
}

/// Most layers of this kind; the models that have any have one or two.
const MOST_LAYERS: usize = 8;

impl DenseConfig {
    /// Reads the module's `config.json`; `width` is that of the vector before it.
    pub(super) fn read(fields: &Fields, width: usize) -> Result<Self> {
        let given = fields.needed_count("in_features")?;
        if given != width {
            return Err(invalid(format!("{} is {given}; expected {width}", fields.path("in_features"))));
        }
        fields.refuse_flag("use_residual", "felsic adds nothing to the layer's own result")?;
        for name in ["module_input_name", "module_output_name"] {
            if fields.text(name)?.is_some_and(|given| given != "sentence_embedding") {
                let name = fields.path(name);
                return Err(unsupported(format!("{name} is not \"sentence_embedding\", which felsic passes on")));
            }
        }
        Ok(Self {
            width: fields.needed_count("out_features")?,
            bias: fields.get("bias").is_none() || fields.flag("bias")?,
            activation: activation(fields)?,
        })
    }
}

fn activation(fields: &Fields) -> Result<DenseActivation> {
    const NAME: &str = "activation_function";
    let given = match fields.is_null(NAME) {
        true => return Err(unsupported(format!("{} is null; name torch.nn.Identity instead", fields.path(NAME)))),
        false => fields.text(NAME)?.unwrap_or("torch.nn.modules.activation.Tanh"),
    };
    let own = given.strip_prefix("torch.nn.").and_then(|name| name.rsplit('.').next());
    match own {
        Some("Identity") => Ok(DenseActivation::Identity),
        Some("Tanh") => Ok(DenseActivation::Tanh),
        Some("ReLU") => Ok(DenseActivation::Relu),
        Some("Sigmoid") => Ok(DenseActivation::Sigmoid),
        _ => Err(unsupported(format!(
            "{} is {given:?}; felsic computes torch's Identity, Tanh, ReLU and Sigmoid",
            fields.path(NAME)
        ))),
    }
}

/// Checks the sizes.
pub(super) fn check(layers: &[DenseConfig]) -> Result<()> {
    within("the number of Dense modules", layers.len(), 0, MOST_LAYERS)?;
    layers.iter().try_for_each(|layer| within("out_features", layer.width, 1, MOST_HIDDEN))
}

/// Returns the tensors of all layers with their shapes, as packs name them; `width` is that of the vector before them.
pub(super) fn tensors(layers: &[DenseConfig], mut width: usize) -> Vec<Tensor> {
    let mut all = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        all.push((weight_name(number), vec![layer.width, width]));
        if layer.bias {
            all.push((bias_name(number), vec![layer.width]));
        }
        width = layer.width;
    }
    all
}

/// Returns the name of a layer's matrix in packs.
pub(crate) fn weight_name(number: usize) -> String {
    format!("dense.{number}.weight")
}

/// Returns the name of the vector that a layer adds.
pub(crate) fn bias_name(number: usize) -> String {
    format!("dense.{number}.bias")
}
