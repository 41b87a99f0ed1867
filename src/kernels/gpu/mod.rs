//! The GPU bodies: felsic's own WGSL through burn's Cube backend on wgpu.
//!
//! The shader text reaches the browser unchanged, so it keeps to plain WebGPU and its default limits: f32, no subgroups,
//! no optional feature, workgroups of 64, 16 KiB of workgroup memory, eight storage buffers. Every storage buffer is
//! bound as read and write, because tensors may share one buffer and WebGPU refuses a buffer that one dispatch both reads
//! and writes; values that decide a loop with a barrier in it therefore go through `workgroupUniformLoad`, or are
//! parameters: those are uniform buffers, which cubecl keeps and gives to every dispatch with the same numbers.
//!
//! No kernel of burn's own is launched: nothing here, `add` and reading included, calls one of its operations that would. They
//! are written in Rust, and a binary would have to hold the compiler that makes WGSL of them. See `patches/inventory`.
//!
//! On the web a refused shader is only logged and leaves its output as it was; the self-test that
//! every GPU engine runs before use catches that.

mod body;
mod shader;

#[cfg(test)]
pub use self::body::tests::FORCED;

use std::cell::Cell;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, SourceKernel};
use burn::backend::{Cube, ExecutionError};
use burn::tensor::{DType, Shape, TensorData};
use cubecl::server::{BufferBinding, CopyDescriptor, KernelArguments, MetadataBindingInfo, ServerError};
use cubecl::{CubeCount, CubeDim};

use self::body::{Body, Few, Heads};
use self::shader::{End, Product, Rows, Shader, Weights};
use super::{AttentionShape, Kernels, LayerShape, MlpShape, TILE_LENGTHS};
use crate::config::Activation;

/// Threads of a workgroup, as in the shaders.
const THREADS: usize = 64;
/// The longest buffer that WebGPU binds without being asked for more, in values.
const LONGEST_BINDING: usize = (128 << 20) / size_of::<f32>();

thread_local! {
    static DISPATCHES: Cell<usize> = const { Cell::new(0) };
}

/// Returns how many dispatches this thread has asked for so far.
pub fn dispatches() -> usize {
    DISPATCHES.get()
}

/// Returns a new tensor [rows, columns] on the device of another, its values still to be made.
fn empty(like: &CubeTensor, [rows, columns]: [usize; 2]) -> CubeTensor {
    let buffer = like.client.empty(rows * columns * size_of::<f32>());
    let shape = Shape::from(vec![rows, columns]);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, DType::F32)
}

/// Runs a shader over `groups` workgroups: `buffers` in binding order, among them the output, then the parameters.
fn run(shader: Shader, groups: [usize; 2], buffers: Vec<&CubeTensor>, parameters: &[u32]) {
    DISPATCHES.set(DISPATCHES.get() + 1);
    let client = buffers[0].client.clone();
    let pairs = parameters.chunks_exact(2).map(|pair| u64::from(pair[0]) | (u64::from(pair[1]) << 32));
    let buffers = buffers.into_iter().map(binding).collect();
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(THREADS as u32))),
        CubeCount::Static(groups[0] as u32, groups[1] as u32, 1),
        KernelArguments::new().with_buffers(buffers).with_info(MetadataBindingInfo::custom(pairs.collect())),
    );
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

/// An int8 matrix as [`Kernels::linear_int8`] takes it.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    weight: &'a CubeTensor,
    scales: &'a CubeTensor,
}

/// The matrix of a product, and what is done on the way.
#[derive(Clone, Copy)]
struct Ways<'a> {
    matrix: Matrix<'a>,
    /// Gain and epsilon of the norm that the rows of x go through first.
    norm: Option<(&'a CubeTensor, f32)>,
    /// The queries in whose rows x, or else the residual, is read.
    queries: Option<&'a CubeTensor>,
    /// What is added to the sums.
    residual: Option<&'a CubeTensor>,
    gate: Option<Activation>,
}

impl<'a> Ways<'a> {
    fn plain(weight: &'a CubeTensor, scales: &'a CubeTensor) -> Self {
        Self { matrix: Matrix { weight, scales }, norm: None, queries: None, residual: None, gate: None }
    }
}

/// Makes `rows` rows of `out`, from row `out_first` on, of the rows of `x` from `x_first` on.
fn product(x: &CubeTensor, ways: Ways, out: &CubeTensor, [rows, x_first, out_first]: [usize; 3]) {
    let Matrix { weight, scales } = ways.matrix;
    let ([fours, columns], [groups, _], [_, m]) = (size(weight), size(scales), size(out));
    let (k, body) = (4 * fours, Body::of(rows, columns));
    let gathered = if ways.queries.is_some() { Rows::Queries } else { Rows::Range };
    let (rows_of_x, end) = match (ways.residual, ways.gate) {
        (Some(_), _) => (Rows::Range, End::Residual(gathered)),
        (None, Some(activation)) => (gathered, End::gate(activation)),
        (None, None) => (gathered, End::Plain),
    };
    let shader =
        Shader::Product(Product { body, weights: Weights::Int8, rows: rows_of_x, norm: ways.norm.is_some(), end });
    let gain = ways.norm.map(|(gain, _)| gain);
    let buffers = [Some(x), Some(weight), Some(scales), gain, ways.queries, ways.residual, Some(out)];
    let eps = ways.norm.map_or(0.0, |(_, eps)| eps);
    let numbers = [rows, k, m, k / groups, x_first, out_first].map(|number| number as u32);
    let [down, across] = body.tile();
    run(
        shader,
        [columns.div_ceil(across), rows.div_ceil(down)],
        buffers.into_iter().flatten().collect(),
        &[&numbers[..], &[eps.to_bits(), 0]].concat(),
    );
}

/// Returns the products of all rows of `x`, or of those in which `ways` reads them: [n, `columns`].
fn rows_product(x: &CubeTensor, ways: Ways, columns: usize) -> CubeTensor {
    let rows = ways.queries.map_or(size(x)[0], |queries| size(queries)[0]);
    let out = empty(x, [rows, columns]);
    product(x, ways, &out, [rows, 0, 0]);
    out
}

impl Kernels for Cube {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _]) = (size(&x), size(&weight));
        let (out, body) = (empty(&x, [n, m]), Body::of(n, m));
        let plain = Product { body, weights: Weights::Float, rows: Rows::Range, norm: false, end: End::Plain };
        let [down, across] = body.tile();
        let parameters = [n as u32, k as u32, m as u32, 0, 0, 0, 0, 0];
        run(Shader::Product(plain), [m.div_ceil(across), n.div_ceil(down)], vec![&x, &weight, &out], &parameters);
        out
    }

    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        rows_product(&x, Ways::plain(&weight, &scales), size(&weight)[1])
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
        let wide =
            Ways { norm: Some((&gain, shape.eps)), gate: Some(shape.activation), ..Ways::plain(&wide, &wide_scales) };
        let narrow = Ways { residual: Some(&x), ..Ways::plain(&narrow, &narrow_scales) };
        // The rows between the products are the widest of all: of a long text they fit no binding.
        let most = (LONGEST_BINDING / inner).max(1).min(n);
        let gated = empty(&x, [most, inner]);
        for first in (0..n).step_by(most) {
            let rows = most.min(n - first);
            product(&x, wide, &gated, [rows, first, 0]);
            product(&gated, narrow, &out, [rows, 0, first]);
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
        let ([n_out, width], [count, _]) = (size(&q), size(&tiles));
        let out = empty(&q, [n_out, width]);
        let few = if shape.tile == TILE_LENGTHS[0] { Few::Yes } else { Few::No };
        let shader = Shader::Attention(Heads { size: shape.head_size }, few);
        // A window longer than any text means none.
        let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
        let buffers = vec![&q, &kv, &rope, &queries, &tiles, &out];
        run(shader, [count, shape.heads], buffers, &[width as u32, half, 0, 0]);
        out
    }

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
        let hidden = size(&x)[1];
        let norm = shape.eps.map(|eps| (&gain, eps));
        let kv = rows_product(&x, Ways { norm, ..Ways::plain(&key_value, &key_value_scales) }, 2 * hidden);
        let of_queries = Ways { norm, queries: Some(&queries), ..Ways::plain(&query, &query_scales) };
        let q = rows_product(&x, of_queries, hidden);
        let seen = Self::attention(q, kv, rope, queries.clone(), tiles, shape.attention);
        let back = Ways { queries: Some(&queries), residual: Some(&x), ..Ways::plain(&out, &out_scales) };
        rows_product(&seen, back, hidden)
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let [n, width] = size(&u);
        let inner = width / 2;
        let out = empty(&u, [n, inner]);
        run(Shader::gate(activation), [inner.div_ceil(THREADS), n], vec![&u, &out], &[inner as u32, 0, 0, 0]);
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
