//! Weights of the layers behind the pooling, from a checkpoint.

use super::checkpoint::WEIGHTS_FILE;
use super::tensors::widen;
use super::{ElementType, StoredTensor, Tensors, safetensors};
use crate::config::{DenseConfig, EmbedderConfig, bias_name, dense_folders, weight_name};
use crate::error::{Code, Error, Result};

/// Reads the tensors of a checkpoint's Dense modules in f32, named as packs name them. `read` returns the bytes of a file of
/// the checkpoint, or `None` where there is no such file.
///
/// # Errors
/// [`Code::NotFound`] for a missing file; [`Code::WeightsInvalid`] for one that is malformed, and for values that are not
/// finite; [`Code::TensorMissing`] and its like for others than the settings call for; and whatever `read` returns.
pub fn dense_weights(
    config: &EmbedderConfig,
    mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Tensors> {
    let mut all = Tensors::default();
    if config.dense.is_empty() {
        return Ok(all);
    }
    let mut before = config.model.hidden_size;
    for (number, (folder, layer)) in dense_folders(&mut read)?.iter().zip(&config.dense).enumerate() {
        let file = format!("{folder}/{WEIGHTS_FILE}");
        let bytes = read(&file)?;
        let bytes = bytes.ok_or_else(|| Error::new(Code::NotFound, format!("the checkpoint has no {file}")))?;
        let added = add(&bytes, number, layer, before, &mut all);
        added.map_err(|error| Error::new(error.code(), format!("{file} cannot be used")).because(error))?;
        before = layer.width;
    }
    Ok(all)
}

/// Adds the tensors of one file to `all`.
fn add(file: &[u8], number: usize, layer: &DenseConfig, before: usize, all: &mut Tensors) -> Result<()> {
    let mut tensors = Tensors::default();
    safetensors::read_all(file, &mut tensors)?;
    let mut wanted = vec![("linear.weight", weight_name(number), vec![layer.width, before])];
    if layer.bias {
        wanted.push(("linear.bias", bias_name(number), vec![layer.width]));
    }
    if let Some(name) = tensors.names().find(|name| wanted.iter().all(|(wanted, ..)| wanted != name)) {
        return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} is not one that the settings call for")));
    }
    for (name, packed, shape) in wanted {
        all.insert(packed, in_f32(&tensors, name, shape)?)?;
    }
    Ok(())
}

/// Returns a tensor in f32. Other ways to take one out would bring quantised matrices into the packer's binary.
fn in_f32(tensors: &Tensors, name: &str, shape: Vec<usize>) -> Result<StoredTensor> {
    let missing = || Error::new(Code::TensorMissing, format!("tensor {name} is missing"));
    let tensor = tensors.get(name).ok_or_else(missing)?;
    if tensor.shape != shape {
        let message = format!("tensor {name} has shape {:?}; the settings call for {shape:?}", tensor.shape);
        return Err(Error::new(Code::TensorShape, message));
    }
    if !tensor.element.is_float() {
        let message = format!("tensor {name} has elements of type {:?}, not floats", tensor.element);
        return Err(Error::new(Code::TensorType, message));
    }
    let values = widen(tensor.element, &tensor.bytes)?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} has a value that is not finite")));
    }
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(StoredTensor { element: ElementType::F32, shape, bytes })
}
