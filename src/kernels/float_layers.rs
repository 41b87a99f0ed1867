//! Parts of a layer with f32 weights, for a GPU: what would fit no binding there is made in parts.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::{AttentionShape, Kernels};
use crate::config::Activation;

/// What is between the products of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// A gate, see [`Kernels::gate`].
    Gate(Activation),
    /// A bias and an activation.
    Bias(Activation),
}

/// What a long text needs in parts, since a GPU binds no more than 128 MiB at once. The CPU needs none of it, and its binaries do
/// without.
#[backend_extension(Cube)]
pub trait FloatLayerKernels: Kernels {
    /// Computes [`Kernels::attention`] with keys and values that it makes itself, `kv = x · Wᵀ + bias`.
    ///
    /// `q` [n_out, h]; `x` [n_in, h]; `key_value` is `W` [2h, h]; `bias` `[2h]`, not read unless `is_biased`; `rope`, `queries` and `tiles`
    /// as in [`Kernels::attention`] -> [n_out, h].
    #[allow(
        clippy::too_many_arguments,
        reason = "the tensors of a layer; the macro dispatches tensors, not structures"
    )]
    fn attention_f32(
        q: FloatTensor<Self>,
        x: FloatTensor<Self>,
        key_value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttentionShape,
        is_biased: bool,
    ) -> FloatTensor<Self>;

    /// Computes an MLP without its norm, its residual and its last bias: `narrow · gate(wide · x)`, or
    /// `narrow · act(wide · x + bias)`.
    ///
    /// `x` [n, h]; `wide` [2i, h], or [i, h] without a gate; `bias` `[i]`, not read with a gate; `narrow` [h, i] -> [n, h].
    fn mlp_f32(
        x: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        narrow: FloatTensor<Self>,
        between: Between,
    ) -> FloatTensor<Self>;
}

/// Calls [`FloatLayerKernels::attention_f32`] on tensors, which are on a GPU.
pub fn attention_f32(
    [q, x]: [Tensor<2>; 2],
    key_value: Tensor<2>,
    bias: Option<Tensor<1>>,
    rope: Tensor<2>,
    [queries, tiles]: [Tensor<2, Int>; 2],
    shape: AttentionShape,
) -> Tensor<2> {
    let (is_biased, key_value) = (bias.is_some(), key_value.into_dispatch());
    // What is not read is any tensor.
    let bias = bias.map_or_else(|| key_value.clone(), Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::attention_f32(
        q.into_dispatch(),
        x.into_dispatch(),
        key_value,
        bias,
        rope.into_dispatch(),
        queries.into_dispatch(),
        tiles.into_dispatch(),
        shape,
        is_biased,
    ))
}

/// Calls [`FloatLayerKernels::mlp_f32`] on tensors, which are on a GPU.
pub fn mlp_f32(
    x: Tensor<2>,
    wide: Tensor<2>,
    bias: Option<Tensor<1>>,
    narrow: Tensor<2>,
    between: Between,
) -> Tensor<2> {
    let wide = wide.into_dispatch();
    let bias = bias.map_or_else(|| wide.clone(), Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::mlp_f32(x.into_dispatch(), wide, bias, narrow.into_dispatch(), between))
}
