//! The GPU bodies: felsic's own WGSL through burn's Cube backend on wgpu.
//!
//! The shader text reaches the browser unchanged, so it keeps to plain WebGPU and its default limits: f32, no subgroups,
//! no optional feature of an adapter, workgroups of 64, 16 KiB of workgroup memory, eight storage buffers. Products of bytes need
//! a feature of the language, and run only where it is there (`adapter`). Every storage buffer is
//! bound as read and write, because tensors may share one buffer and WebGPU refuses a buffer that one dispatch both reads
//! and writes; values that decide a loop with a barrier in it therefore go through `workgroupUniformLoad`, or are
//! parameters: those are uniform buffers, which cubecl keeps and gives to every dispatch with the same numbers.
//!
//! No kernel of burn's own is launched: nothing here, `add` and reading included, calls one of its operations that would. They
//! are written in Rust, and a binary would have to hold the compiler that makes WGSL of them. See `patches/inventory`.
//!
//! On the web a refused shader is only logged and leaves its output as it was; the self-test that
//! every GPU engine runs before use catches that.

mod adapter;
mod body;
mod bytes;
#[cfg(test)]
mod counts;
mod product;
#[cfg(not(target_family = "wasm"))]
pub mod profile;
mod shader;

#[cfg(test)]
pub use self::adapter::FORCED_ADAPTER;
#[cfg(test)]
pub use self::body::tests::{REFUSED, Refused};
#[cfg(test)]
pub use self::counts::{dispatches, pipelines};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, SourceKernel};
use burn::backend::{Cube, ExecutionError};
use burn::tensor::{DType, Shape, TensorData};
use cubecl::server::{BufferBinding, CopyDescriptor, KernelArguments, MetadataBindingInfo, ServerError};
use cubecl::{CubeCount, CubeDim};

use self::adapter::adapter;
pub use self::adapter::{Adapter, look_at};
use self::body::{Body, Heads};
pub use self::body::{MOST_BODIES, Only, bodies, with_body};
use self::bytes::GROUP;
use self::product::{Rows, Ways, X, bound, product};
use self::shader::{Shader, Weights};
use super::{AttentionShape, BiasKernels, Kernels, LayerKernels, LayerShape, MlpShape};
use crate::config::Activation;

/// Threads of a workgroup on a graphics processor, and of the small shaders everywhere.
const THREADS: usize = 64;
/// The longest buffer that WebGPU binds without being asked for more, in values.
const LONGEST_BINDING: usize = (128 << 20) / size_of::<f32>();

#[cfg(test)]
thread_local! {
    /// What is taken for the longest buffer on this thread.
    pub static FORCED_BINDING: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

fn longest_binding() -> usize {
    #[cfg(test)]
    if let Some(longest) = FORCED_BINDING.get() {
        return longest;
    }
    LONGEST_BINDING
}

/// Returns a new tensor [rows, columns] on the device of another, its values still to be made.
fn empty(like: &CubeTensor, [rows, columns]: [usize; 2]) -> CubeTensor {
    let buffer = like.client.empty(rows * columns * size_of::<f32>());
    let shape = Shape::from(vec![rows, columns]);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, DType::F32)
}

/// Runs a shader over `groups` workgroups: `buffers` in binding order, among them the output, then the parameters.
fn run(shader: Shader, groups: [usize; 2], buffers: Vec<&CubeTensor>, parameters: &[u32]) {
    #[cfg(test)]
    counts::count(shader);
    #[cfg(test)]
    if REFUSED.get().is_some_and(|refused| shader.is(refused)) {
        return;
    }
    let client = buffers[0].client.clone();
    #[cfg(not(target_family = "wasm"))]
    let window = profile::open(shader, &buffers, parameters);
    let pairs = parameters.chunks_exact(2).map(|pair| u64::from(pair[0]) | (u64::from(pair[1]) << 32));
    let buffers = buffers.into_iter().map(binding).collect();
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(shader.threads() as u32))),
        CubeCount::Static(groups[0] as u32, groups[1] as u32, 1),
        KernelArguments::new().with_buffers(buffers).with_info(MetadataBindingInfo::custom(pairs.collect())),
    );
    #[cfg(not(target_family = "wasm"))]
    profile::close(&client, window);
}

/// Returns the memory of a tensor, whose values stand there in row order: felsic makes no view of another order.
fn binding(tensor: &CubeTensor) -> BufferBinding {
    assert!(tensor.is_contiguous(), "felsic makes no views of tensors on a GPU");
    tensor.handle.clone().binding()
}

/// Returns the rows and columns of a matrix.
fn size(tensor: &CubeTensor) -> [usize; 2] {
    let shape = tensor.meta.shape();
    [shape[0], shape[1]]
}

/// Computes attention as [`Kernels::attention`] describes it, of `q`, `kv`, `rope`, `queries` and `tiles`.
fn see(given: [&CubeTensor; 5], out: &Rows, shape: AttentionShape) {
    let [q, _, _, _, tiles] = given;
    let ([n_out, width], [count, _]) = (size(q), size(tiles));
    let (adapter, levels) = match out {
        Rows::Bytes(bytes) => (Adapter::Bytes, bytes.levels),
        Rows::Floats(_) => (adapter(q).of_floats(), 0),
    };
    let heads = Heads { adapter, size: shape.head_size };
    let split = heads.split(shape.tile);
    let groups = shape.tile.div_ceil(heads.threads() / split);
    // A window longer than any text means none.
    let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
    let [rows, levels] = [n_out, levels].map(|number| number as u32);
    let parameters = [width as u32, half, split as u32, groups as u32, rows, levels, 0, 0];
    let buffers = given.into_iter().chain([out.tensor()]).collect();
    run(Shader::Attention(heads), [count * groups, shape.heads], buffers, &parameters);
}

/// Computes a layer norm over the rows of `x`, with a bias if there is one.
fn norm(x: &CubeTensor, gain: &CubeTensor, bias: Option<&CubeTensor>, eps: f32) -> CubeTensor {
    let [n, width] = size(x);
    let (out, biases) = (empty(x, [n, width]), bound(bias, x));
    let parameters = [width as u32, eps.to_bits(), u32::from(bias.is_some()), 0];
    run(Shader::Norm, [n, 1], vec![x, gain, &biases, &out], &parameters);
    out
}

/// Computes an MLP with its residual: `residual + narrow(wide(x))`, where [n, inner] is made in between.
fn mlp(mut x: X, wide: Ways, inner: usize, narrow: Ways, residual: &CubeTensor) -> CubeTensor {
    let [n, hidden] = size(residual);
    let out = empty(residual, [n, hidden]);
    // The rows between the products are the widest of all: of a long text they fit no binding.
    let most = (longest_binding() / inner).max(1).min(n);
    let middle = Rows::empty(residual, [most, inner], wide.matrix.takes_bytes() && narrow.matrix.takes_bytes());
    let made = Rows::Floats(out.clone());
    for first in (0..n).step_by(most) {
        let rows = most.min(n - first);
        x.product(wide, &middle, inner, [rows, first, 0]);
        product(&middle, Ways { residual: Some(residual), ..narrow }, &made, hidden, [rows, 0, first]);
    }
    out
}

/// What the queries, the keys and values, and what was seen are multiplied by.
struct Matrices<'a> {
    query: Ways<'a>,
    key_value: Ways<'a>,
    out: Ways<'a>,
}

/// Computes the attention of a layer with its products and its residual, for the rows of `x` that hold a query: `normed` is x
/// after its norm, if there is one; the last tensors are those of [`Kernels::attention`].
fn attend(
    x: &CubeTensor,
    mut normed: X,
    matrices: Matrices,
    [rope, queries, tiles]: [&CubeTensor; 3],
    shape: AttentionShape,
) -> CubeTensor {
    let ([_, hidden], [n_out, _]) = (size(x), size(queries));
    let kv = normed.products(matrices.key_value);
    let q = normed.products(Ways { queries: Some(queries), ..matrices.query });
    let back = Ways { queries: Some(queries), residual: Some(x), ..matrices.out };
    let as_bytes = back.matrix.takes_bytes() && shape.head_size.is_multiple_of(GROUP);
    let seen = Rows::empty(x, [n_out, hidden], as_bytes);
    see([&q, &kv, rope, queries, tiles], &seen, shape);
    let made = empty(x, [n_out, hidden]);
    product(&seen, back, &Rows::Floats(made.clone()), hidden, [n_out, 0, 0]);
    made
}

impl Kernels for Cube {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _]) = (size(&x), size(&weight));
        let (out, body) = (empty(&x, [n, m]), Body::of(adapter(&x).of_floats(), n, m));
        let [down, across] = body.tile();
        let shader = Shader::Product(body, Weights::Float);
        let parameters = [n as u32, k as u32, m as u32, 0, 0, 0, 0, 0];
        run(shader, [m.div_ceil(across), n.div_ceil(down)], vec![&x, &weight, &out], &parameters);
        out
    }

    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        X::new(&x, None).products(Ways::plain(&weight, &scales))
    }

    fn mlp_int8(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        wide: IntTensor<Self>,
        wide_scales: FloatTensor<Self>,
        narrow: IntTensor<Self>,
        narrow_scales: FloatTensor<Self>,
        shape: MlpShape,
    ) -> FloatTensor<Self> {
        let inner = size(&wide)[1] / 2;
        let wide = Ways { activation: Some(shape.activation), is_gated: true, ..Ways::plain(&wide, &wide_scales) };
        let narrow = Ways::plain(&narrow, &narrow_scales);
        mlp(X::new(&x, Some((&gain, shape.eps))), wide, inner, narrow, &x)
    }

    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        norm(&x, &gain, None, eps)
    }

    fn attention(
        q: FloatTensor<Self>,
        kv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let out = empty(&q, size(&q));
        see([&q, &kv, &rope, &queries, &tiles], &Rows::Floats(out.clone()), shape);
        out
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let [n, width] = size(&u);
        let inner = width / 2;
        let out = empty(&u, [n, inner]);
        let gelu = u32::from(activation == Activation::Gelu);
        run(Shader::Gate, [inner.div_ceil(THREADS), n], vec![&u, &out], &[inner as u32, gelu, 0, 0]);
        out
    }

    fn take_rows(x: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self> {
        let ([_, width], count) = (size(&x), rows.meta.shape()[0]);
        let out = empty(&x, [count, width]);
        run(Shader::TakeRows, [width.div_ceil(THREADS), count], vec![&x, &rows, &out], &[width as u32, 0, 0, 0]);
        out
    }

    fn add(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        let out = empty(&x, [n, width]);
        run(Shader::Add, [width.div_ceil(THREADS), n], vec![&x, &y, &out], &[width as u32, 0, 0, 0]);
        out
    }

    async fn read(x: FloatTensor<Self>) -> Result<TensorData, ExecutionError> {
        let failed = |error: ServerError| match error.is_device_poisoned() {
            true => ExecutionError::device_poisoned(error.to_string()),
            false => ExecutionError::with_context(error.to_string()),
        };
        let (client, dtype) = (x.client.clone(), x.dtype);
        let (shape, strides) = (x.meta.shape().clone(), x.meta.strides().clone());
        let source = CopyDescriptor::new(binding(&x), shape.clone(), strides, dtype.size());
        let bytes = client.read_one_tensor_async(source).await.map_err(failed)?;
        Ok(TensorData::from_bytes(bytes, shape, dtype))
    }
}

impl LayerKernels for Cube {
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
    ) -> FloatTensor<Self> {
        let normed = X::new(&x, shape.eps.map(|eps| (&gain, eps)));
        let matrices = Matrices {
            query: Ways::plain(&query, &query_scales),
            key_value: Ways::plain(&key_value, &key_value_scales),
            out: Ways::plain(&out, &out_scales),
        };
        attend(&x, normed, matrices, [&rope, &queries, &tiles], shape.attention)
    }

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
    ) -> FloatTensor<Self> {
        let matrices = Matrices {
            query: Ways { bias: Some(&query_bias), ..Ways::plain(&query, &query_scales) },
            key_value: Ways { bias: Some(&key_value_bias), ..Ways::plain(&key_value, &key_value_scales) },
            out: Ways { bias: Some(&out_bias), ..Ways::plain(&out, &out_scales) },
        };
        attend(&x, X::new(&x, None), matrices, [&rope, &queries, &tiles], shape)
    }

    fn biased_mlp_int8(
        x: FloatTensor<Self>,
        wide: IntTensor<Self>,
        wide_scales: FloatTensor<Self>,
        wide_bias: FloatTensor<Self>,
        narrow: IntTensor<Self>,
        narrow_scales: FloatTensor<Self>,
        narrow_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let inner = size(&wide)[1];
        let bias = Some(&wide_bias);
        let wide = Ways { bias, activation: Some(activation), ..Ways::plain(&wide, &wide_scales) };
        let narrow = Ways { bias: Some(&narrow_bias), ..Ways::plain(&narrow, &narrow_scales) };
        mlp(X::new(&x, None), wide, inner, narrow, &x)
    }
}

impl BiasKernels for Cube {
    fn add_bias(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Option<Activation>) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        let out = empty(&x, [n, width]);
        let activation = match activation {
            None => 0,
            Some(Activation::Silu) => 1,
            Some(Activation::Gelu) => 2,
            Some(Activation::GeluTanh) => 3,
        };
        run(Shader::Bias, [width.div_ceil(THREADS), n], vec![&x, &bias, &out], &[width as u32, activation, 0, 0]);
        out
    }

    fn biased_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        norm(&x, &gain, Some(&bias), eps)
    }
}
