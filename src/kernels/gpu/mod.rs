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
mod layers;
mod product;
#[cfg(not(target_family = "wasm"))]
pub mod profile;
mod shader;

#[cfg(test)]
pub use self::adapter::FORCED_ADAPTER;
#[cfg(test)]
pub use self::body::tests::{REFUSED, Refused};
#[cfg(test)]
pub use self::counts::{dispatches, dry, largest_binding, pipelines};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, SourceKernel};
use burn::backend::{Cube, ExecutionError};
use burn::tensor::{DType, Shape, TensorData};
use cubecl::server::{BufferBinding, CopyDescriptor, KernelArguments, MetadataBindingInfo, ServerError};
use cubecl::{CubeCount, CubeDim};

use self::adapter::adapter;
pub use self::adapter::{Adapter, look_at};
use self::body::Heads;
pub use self::body::{MOST_BODIES, Only, bodies, with_body};
use self::layers::mlp;
use self::product::{Half, Part, Rows, Ways, X, bound, linear};
use self::shader::Shader;
use super::{AttentionShape, BiasKernels, Kernels, MlpShape};
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
    counts::count(shader, &buffers);
    #[cfg(test)]
    if counts::is_dry() || REFUSED.get().is_some_and(|refused| shader.is(refused)) {
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
///
/// `kv` has the keys and values of as many heads as it is wide, from `first_head` on.
fn see(given: [&CubeTensor; 5], out: &Rows, shape: AttentionShape, first_head: usize) {
    let [q, kv, _, _, tiles] = given;
    let ([n_out, width], [count, _], kv_width) = (size(q), size(tiles), size(kv)[1] / 2);
    let (adapter, levels) = match out {
        Rows::Bytes(bytes) => (Adapter::Bytes, bytes.levels),
        Rows::Floats(_) => (adapter(q).of_floats(), 0),
    };
    let heads = Heads { adapter, size: shape.head_size };
    let split = heads.split(shape.tile);
    let groups = shape.tile.div_ceil(heads.threads() / split);
    // A window longer than any text means none.
    let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
    let [width, split, rows] = [width, split, n_out].map(|number| number as u32);
    let [levels, kept, first] = [levels, kv_width, first_head].map(|number| number as u32);
    let parameters = [width, half, split, groups as u32, rows, levels, kept, first];
    let buffers = given.into_iter().chain([out.tensor()]).collect();
    run(Shader::Attention(heads), [count * groups, kv_width / shape.head_size], buffers, &parameters);
}

/// Computes a layer norm over the rows of `x`, with a bias if there is one.
fn norm(x: &CubeTensor, gain: &CubeTensor, bias: Option<&CubeTensor>, eps: f32) -> CubeTensor {
    let [n, width] = size(x);
    let (out, biases) = (empty(x, [n, width]), bound(bias, x));
    let parameters = [width as u32, eps.to_bits(), u32::from(bias.is_some()), 0];
    run(Shader::Norm, [n, 1], vec![x, gain, &biases, &out], &parameters);
    out
}

/// Computes what [`Kernels::gate`] describes.
fn with_gate(u: &CubeTensor, activation: Activation) -> CubeTensor {
    let [n, width] = size(u);
    let inner = width / 2;
    let out = empty(u, [n, inner]);
    let gelu = u32::from(activation == Activation::Gelu);
    run(Shader::Gate, [inner.div_ceil(THREADS), n], vec![u, &out], &[inner as u32, gelu, 0, 0]);
    out
}

/// Computes what [`BiasKernels::add_bias`] describes, where `x` may have some columns of each half of those that the bias is for.
fn with_bias(x: &CubeTensor, bias: &CubeTensor, activation: Option<Activation>, half: Option<Half>) -> CubeTensor {
    let ([n, width], all) = (size(x), bias.meta.shape()[0]);
    let out = empty(x, [n, width]);
    let activation = match activation {
        None => 0,
        Some(Activation::Silu) => 1,
        Some(Activation::Gelu) => 2,
        Some(Activation::GeluTanh) => 3,
    };
    let [first, left_out] = Half::parameters(half, all);
    run(Shader::Bias, [width.div_ceil(THREADS), n], vec![x, bias, &out], &[width as u32, activation, first, left_out]);
    out
}

impl Kernels for Cube {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let (n, m) = (size(&x)[0], size(&weight)[0]);
        let out = empty(&x, [n, m]);
        linear(&x, &weight, &out, Part::whole(n), None);
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
        see([&q, &kv, &rope, &queries, &tiles], &Rows::Floats(out.clone()), shape, 0);
        out
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        with_gate(&u, activation)
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

impl BiasKernels for Cube {
    fn add_bias(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Option<Activation>) -> FloatTensor<Self> {
        with_bias(&x, &bias, activation, None)
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
