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
use self::product::{Rows, Ways, X, product};
use self::shader::{Shader, Weights};
use super::{AttentionShape, Kernels, LayerKernels, LayerShape, MlpShape};
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
        let ([n, hidden], inner) = (size(&x), size(&wide)[1] / 2);
        let out = empty(&x, [n, hidden]);
        let wide = Ways { gate: Some(shape.activation), ..Ways::plain(&wide, &wide_scales) };
        let narrow = Ways { residual: Some(&x), ..Ways::plain(&narrow, &narrow_scales) };
        // The rows between the products are the widest of all: of a long text they fit no binding.
        let most = (longest_binding() / inner).max(1).min(n);
        let mut normed = X::new(&x, Some((&gain, shape.eps)));
        let gated = Rows::empty(&x, [most, inner], wide.matrix.takes_bytes() && narrow.matrix.takes_bytes());
        let made = Rows::Floats(out.clone());
        for first in (0..n).step_by(most) {
            let rows = most.min(n - first);
            normed.product(wide, &gated, inner, [rows, first, 0]);
            product(&gated, narrow, &made, hidden, [rows, 0, first]);
        }
        out
    }

    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        let out = empty(&x, [n, width]);
        run(Shader::Norm, [n, 1], vec![&x, &gain, &out], &[width as u32, eps.to_bits(), 0, 0]);
        out
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
        let ([_, hidden], [n_out, _]) = (size(&x), size(&queries));
        let mut normed = X::new(&x, shape.eps.map(|eps| (&gain, eps)));
        let kv = normed.products(Ways::plain(&key_value, &key_value_scales));
        let q = normed.products(Ways { queries: Some(&queries), ..Ways::plain(&query, &query_scales) });
        let back = Ways { queries: Some(&queries), residual: Some(&x), ..Ways::plain(&out, &out_scales) };
        let as_bytes = back.matrix.takes_bytes() && shape.attention.head_size.is_multiple_of(GROUP);
        let seen = Rows::empty(&x, [n_out, hidden], as_bytes);
        see([&q, &kv, &rope, &queries, &tiles], &seen, shape.attention);
        let made = empty(&x, [n_out, hidden]);
        product(&seen, back, &Rows::Floats(made.clone()), hidden, [n_out, 0, 0]);
        made
    }
}
