//! The hot operations, behind one backend-extension trait.
//!
//! The model calls [`Kernels`]; burn's dispatcher routes a call to the device that holds the
//! tensors. Every operation has a plain [`mod@reference`] body that states the maths, and faster bodies
//! that the same property tests hold against it:
//!
//! | device | bodies | file |
//! | --- | --- | --- |
//! | CPU (burn's Flex) | `simd`: portable Rust on vector registers (SIMD128 on wasm) | `cpu.rs`, `simd/` |
//! | GPU (burn's Cube on wgpu) | `wgsl` | `gpu/`, `shaders/*.wgsl` |
//!
//! Rows are tokens. A batch is *ragged*: the tokens of its sequences stand one after another and
//! nothing is padded, so padding cannot change a vector.

use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, ExecutionError, backend_extension};
use burn::tensor::{Device, Element, Int, Tensor, TensorData};

use crate::config::Activation;

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
mod float_layers;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
pub mod profile;
pub mod reference;
pub mod simd;
#[cfg(test)]
mod tests;

#[cfg(feature = "gpu")]
pub use self::float_layers::{Between, FloatLayerKernels, attention_f32, mlp_f32};

/// The fixed numbers of one attention call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionShape {
    /// Number of heads; `q` is `[n, heads * head_size]`.
    pub heads: usize,
    /// Width of one head; even.
    pub head_size: usize,
    /// `None`: a query sees its whole sequence. `Some(h)`: it sees positions at most `h` away, both
    /// ends included.
    pub half_window: Option<usize>,
    /// The numbers that are multiplied.
    pub precision: Precision,
    /// The most queries that a tile has, see [`Kernels::attention`]: one of [`TILE_LENGTHS`].
    pub tile: usize,
}

/// The numbers in which attention multiplies, on a device that can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32.
    Float,
    /// 16-bit integers with exact sums: twice as fast on a CPU, and much finer than int8 weights.
    Int16,
}

/// The most queries of a tile, where there are few queries and where there are many.
pub const TILE_LENGTHS: [usize; 2] = [16, 64];

/// The fixed numbers of the attention of one layer.
#[cfg(feature = "gpu")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerShape {
    /// Epsilon of the norm before it; `None` where there is none, as in layer 0.
    pub eps: Option<f32>,
    /// The attention itself.
    pub attention: AttentionShape,
}

/// The fixed numbers of one gated MLP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlpShape {
    /// Epsilon of the norm before it.
    pub eps: f32,
    /// Activation of its gate.
    pub activation: Activation,
}

/// Columns of the `queries` argument of [`Kernels::attention`].
pub const QUERY_COLUMNS: usize = 3;

/// The operations that a device must offer to run the model.
///
/// All float tensors are f32 and contiguous in meaning (a body may make them so). Int tensors of rows
/// and positions are i32.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"))]
pub trait Kernels: Backend {
    /// Computes `x · Wᵀ`: `x` [n, k], `weight` [m, k] -> [n, m].
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Computes `x · (scale * W)ᵀ` with int8 weights in groups along k.
    ///
    /// `x` [n, k]; on the CPU `weight` int8 [m, k] and `scales` f32 [m, k / group], both in the order of
    /// [`simd::order`]; on the GPU `weight` as i32 words [k / 4, m], each of four neighbours along k, and `scales`
    /// [k / group, m], with m a multiple of 4 -> [n, m].
    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Computes the whole gated MLP with its norm and its residual: `x + Wo · gate(Wi · norm(x))`.
    ///
    /// `x` [n, h]; `gain` `[h]`; `wide` is `Wi` [2i, h], `narrow` is `Wo` [h, i], each int8 with its scales
    /// as in [`Self::linear_int8`] -> [n, h]. It is one operation so that the CPU can take a few dozen tokens
    /// at a time through all of it while they are in its caches.
    fn mlp_int8(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        wide: IntTensor<Self>,
        wide_scales: FloatTensor<Self>,
        narrow: IntTensor<Self>,
        narrow_scales: FloatTensor<Self>,
        shape: MlpShape,
    ) -> FloatTensor<Self>;

    /// Computes `(x - mean) / sqrt(variance + eps) * gain` over each row: `x` [n, h], `gain` `[h]` -> [n, h].
    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;

    /// Computes softmax attention with rotary positions, by sequence.
    ///
    /// * `q` [n_out, heads * d]: queries before rotation.
    /// * `kv` [n_in, 2 * heads * d]: keys (first half of the columns) and values, before rotation.
    /// * `rope` [longest, d]: for each position d/2 cosines, then d/2 sines.
    /// * `queries` i32 [n_out, 3]: position of the query in its sequence; first and one past the last
    ///   row of `kv` that hold its sequence. Queries of a sequence stand together, by ascending position.
    /// * `tiles` i32 [t, 2]: runs of at most `shape.tile` queries, each of one sequence, that cover all of them: the
    ///   first query and one past the last.
    ///
    /// Returns [n_out, heads * d], heads side by side.
    fn attention(
        q: FloatTensor<Self>,
        kv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self>;

    /// Computes `act(u[:, ..i]) * u[:, i..]`: `u` [n, 2i] -> [n, i].
    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Takes rows of `x` by index: `x` [n, h], `rows` i32 `[m]` -> [m, h].
    fn take_rows(x: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self>;

    /// Computes `x + y`, both [n, h] -> [n, h].
    fn add(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Reads the values of `x`, in row order, once its device has made them.
    ///
    /// # Errors
    /// The device's own, if it failed.
    #[cfg(feature = "gpu")]
    fn read(x: FloatTensor<Self>) -> impl Future<Output = Result<TensorData, ExecutionError>> + Send;
}

/// Parts of a layer in one, for a device on which every operation costs a dispatch. The CPU gains nothing by them, and its
/// binaries do without.
#[cfg(feature = "gpu")]
#[backend_extension(Cube)]
pub trait LayerKernels: Kernels {
    /// Computes the attention of a layer with its norm, its products and its residual, for the rows that hold a query:
    /// `x + Wo · attention(Wq · norm(x), Wkv · norm(x))`.
    ///
    /// `x` [n_in, h]; `gain` `[h]`, not read without a norm; `query` is `Wq` [h, h], `key_value` is `Wkv` [2h, h], `out` is `Wo` [h, h],
    /// each int8 with its scales as in [`Kernels::linear_int8`]; `rope`, `queries` and `tiles` as in [`Kernels::attention`]
    /// -> [n_out, h].
    #[allow(
        clippy::too_many_arguments,
        reason = "the tensors of a layer; the macro dispatches tensors, not structures"
    )]
    fn attention_int8(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        query: IntTensor<Self>,
        query_scales: FloatTensor<Self>,
        key_value: IntTensor<Self>,
        key_value_scales: FloatTensor<Self>,
        out: IntTensor<Self>,
        out_scales: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: LayerShape,
    ) -> FloatTensor<Self>;

    /// Computes the attention of a layer of BERT with its products, their biases and its residual, for the rows that hold a
    /// query: `x + Wo · attention(Wq · x + bq, Wkv · x + bkv) + bo`.
    ///
    /// As [`Self::attention_int8`] without a norm; `query_bias` `[h]`, `key_value_bias` `[2h]`, `out_bias` `[h]` -> [n_out, h].
    #[allow(
        clippy::too_many_arguments,
        reason = "the tensors of a layer; the macro dispatches tensors, not structures"
    )]
    fn biased_attention_int8(
        x: FloatTensor<Self>,
        query: IntTensor<Self>,
        query_scales: FloatTensor<Self>,
        query_bias: FloatTensor<Self>,
        key_value: IntTensor<Self>,
        key_value_scales: FloatTensor<Self>,
        key_value_bias: FloatTensor<Self>,
        out: IntTensor<Self>,
        out_scales: FloatTensor<Self>,
        out_bias: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self>;

    /// Computes an MLP without a gate, with its biases and its residual: `x + W2 · act(W1 · x + b1) + b2`.
    ///
    /// `x` [n, h]; `wide` is `W1` [i, h] with `wide_bias` `[i]`, `narrow` is `W2` [h, i] with `narrow_bias` `[h]`, each int8 with its
    /// scales as in [`Kernels::linear_int8`] -> [n, h].
    #[allow(
        clippy::too_many_arguments,
        reason = "the tensors of a layer; the macro dispatches tensors, not structures"
    )]
    fn biased_mlp_int8(
        x: FloatTensor<Self>,
        wide: IntTensor<Self>,
        wide_scales: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        narrow: IntTensor<Self>,
        narrow_scales: FloatTensor<Self>,
        narrow_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

/// What BERT needs besides [`Kernels`].
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"))]
pub trait BiasKernels: Kernels {
    /// Computes `act(x + bias)`, without an activation the sum alone: `x` [n, h], `bias` `[h]` -> [n, h].
    fn add_bias(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Option<Activation>) -> FloatTensor<Self>;

    /// Computes [`Kernels::layer_norm`] and adds a bias to each row: `x` [n, h], `gain` and `bias` `[h]` -> [n, h].
    fn biased_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;
}

/// Makes a tensor of f32 values in row order.
///
/// Burn's own `Tensor` would do the same here as in [`integers`], [`read`] and [`add`], but it can also convert every
/// element type into every other and add quantised tensors. A binary would have to hold all that: a third of felsic's.
pub fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::float_from_data(TensorData::new(values, shape), device.as_dispatch()))
}

/// Makes a tensor of integers in row order, of their own type.
pub fn integers<E: Element, const D: usize>(values: Vec<E>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_dispatch(Dispatch::int_from_data(TensorData::new(values, shape), device.as_dispatch()))
}

/// Reads the values of a tensor, in row order, once its device has made them.
///
/// # Errors
/// The device's own, if it failed.
pub async fn read(tensor: Tensor<2>) -> Result<TensorData, ExecutionError> {
    // Burn's own would keep its copying kernels, and their compiler, in the GPU's binary; without a GPU it is the smaller.
    #[cfg(feature = "gpu")]
    return Dispatch::read(tensor.into_dispatch()).await;
    #[cfg(not(feature = "gpu"))]
    Dispatch::float_into_data(tensor.into_dispatch()).await
}

/// Calls [`Kernels::linear`] on tensors.
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::linear(x.into_dispatch(), weight.into_dispatch()))
}

/// Calls [`Kernels::linear_int8`] on tensors.
pub fn linear_int8(x: Tensor<2>, matrix: Int8Matrix) -> Tensor<2> {
    let (weight, scales) = (matrix.weight.into_dispatch(), matrix.scales.into_dispatch());
    Tensor::from_dispatch(Dispatch::linear_int8(x.into_dispatch(), weight, scales))
}

/// An int8 matrix on a device, as [`Kernels::linear_int8`] takes it.
#[derive(Clone, Debug)]
pub struct Int8Matrix {
    /// The integers.
    pub weight: Tensor<2, Int>,
    /// Their scales.
    pub scales: Tensor<2>,
}

/// Calls [`Kernels::mlp_int8`] on tensors.
pub fn mlp_int8(x: Tensor<2>, gain: Tensor<1>, wide: Int8Matrix, narrow: Int8Matrix, shape: MlpShape) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::mlp_int8(
        x.into_dispatch(),
        gain.into_dispatch(),
        wide.weight.into_dispatch(),
        wide.scales.into_dispatch(),
        narrow.weight.into_dispatch(),
        narrow.scales.into_dispatch(),
        shape,
    ))
}

/// Calls [`Kernels::layer_norm`] on tensors.
pub fn layer_norm(x: Tensor<2>, gain: Tensor<1>, eps: f32) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::layer_norm(x.into_dispatch(), gain.into_dispatch(), eps))
}

/// Calls [`Kernels::attention`] on tensors.
pub fn attention(
    q: Tensor<2>,
    kv: Tensor<2>,
    rope: Tensor<2>,
    queries: Tensor<2, Int>,
    tiles: Tensor<2, Int>,
    shape: AttentionShape,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::attention(
        q.into_dispatch(),
        kv.into_dispatch(),
        rope.into_dispatch(),
        queries.into_dispatch(),
        tiles.into_dispatch(),
        shape,
    ))
}

/// The int8 matrices of the attention of a layer.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub struct AttentionMatrices {
    /// Makes queries.
    pub query: Int8Matrix,
    /// Makes keys and values.
    pub key_value: Int8Matrix,
    /// Takes what the queries saw back to the hidden states.
    pub out: Int8Matrix,
}

/// Calls [`LayerKernels::attention_int8`] on tensors, which are on a GPU.
#[cfg(feature = "gpu")]
pub fn attention_int8(
    x: Tensor<2>,
    gain: Tensor<1>,
    matrices: AttentionMatrices,
    rope: Tensor<2>,
    queries: Tensor<2, Int>,
    tiles: Tensor<2, Int>,
    shape: LayerShape,
) -> Tensor<2> {
    let AttentionMatrices { query, key_value, out } = matrices;
    Tensor::from_dispatch(Dispatch::attention_int8(
        x.into_dispatch(),
        gain.into_dispatch(),
        query.weight.into_dispatch(),
        query.scales.into_dispatch(),
        key_value.weight.into_dispatch(),
        key_value.scales.into_dispatch(),
        out.weight.into_dispatch(),
        out.scales.into_dispatch(),
        rope.into_dispatch(),
        queries.into_dispatch(),
        tiles.into_dispatch(),
        shape,
    ))
}

/// An int8 matrix with the bias of its results.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub struct BiasedMatrix {
    /// The matrix, [m, k].
    pub matrix: Int8Matrix,
    /// Its bias, `[m]`.
    pub bias: Tensor<1>,
}

/// Calls [`LayerKernels::biased_attention_int8`] on tensors, which are on a GPU: the matrices make queries, keys and values, and take
/// what the queries saw back to the hidden states.
#[cfg(feature = "gpu")]
pub fn biased_attention_int8(
    x: Tensor<2>,
    [query, key_value, out]: [BiasedMatrix; 3],
    rope: Tensor<2>,
    queries: Tensor<2, Int>,
    tiles: Tensor<2, Int>,
    shape: AttentionShape,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::biased_attention_int8(
        x.into_dispatch(),
        query.matrix.weight.into_dispatch(),
        query.matrix.scales.into_dispatch(),
        query.bias.into_dispatch(),
        key_value.matrix.weight.into_dispatch(),
        key_value.matrix.scales.into_dispatch(),
        key_value.bias.into_dispatch(),
        out.matrix.weight.into_dispatch(),
        out.matrix.scales.into_dispatch(),
        out.bias.into_dispatch(),
        rope.into_dispatch(),
        queries.into_dispatch(),
        tiles.into_dispatch(),
        shape,
    ))
}

/// Calls [`LayerKernels::biased_mlp_int8`] on tensors, which are on a GPU.
#[cfg(feature = "gpu")]
pub fn biased_mlp_int8(x: Tensor<2>, [wide, narrow]: [BiasedMatrix; 2], activation: Activation) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::biased_mlp_int8(
        x.into_dispatch(),
        wide.matrix.weight.into_dispatch(),
        wide.matrix.scales.into_dispatch(),
        wide.bias.into_dispatch(),
        narrow.matrix.weight.into_dispatch(),
        narrow.matrix.scales.into_dispatch(),
        narrow.bias.into_dispatch(),
        activation,
    ))
}

/// Calls [`BiasKernels::biased_layer_norm`] on tensors.
pub fn biased_layer_norm(x: Tensor<2>, gain: Tensor<1>, bias: Tensor<1>, eps: f32) -> Tensor<2> {
    let (gain, bias) = (gain.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::biased_layer_norm(x.into_dispatch(), gain, bias, eps))
}

/// Calls [`BiasKernels::add_bias`] on tensors.
pub fn add_bias(x: Tensor<2>, bias: Tensor<1>, activation: Option<Activation>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::add_bias(x.into_dispatch(), bias.into_dispatch(), activation))
}

/// Calls [`Kernels::gate`] on tensors.
pub fn gate(u: Tensor<2>, activation: Activation) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::gate(u.into_dispatch(), activation))
}

/// Calls [`Kernels::take_rows`] on tensors.
pub fn take_rows(x: Tensor<2>, rows: Tensor<1, Int>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::take_rows(x.into_dispatch(), rows.into_dispatch()))
}

/// Calls [`Kernels::add`] on tensors.
pub fn add(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::add(x.into_dispatch(), y.into_dispatch()))
}
