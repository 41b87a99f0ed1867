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
#[cfg(test)]
mod counts;
mod shader;

#[cfg(test)]
pub use self::body::tests::{FORCED_ADAPTER, REFUSED};
#[cfg(test)]
pub use self::counts::{dispatches, pipelines};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, SourceKernel};
use burn::backend::{Cube, ExecutionError};
use burn::tensor::{DType, Shape, TensorData};
use cubecl::server::{BufferBinding, CopyDescriptor, KernelArguments, MetadataBindingInfo, ServerError};
use cubecl::{CubeCount, CubeDim};

pub use self::body::{Adapter, MOST_BODIES, Only, bodies, with_body};
use self::body::{Body, Heads};
use self::shader::{Shader, Weights};
use super::{AttentionShape, Kernels, LayerKernels, LayerShape, MlpShape};
use crate::config::Activation;

/// Threads of a workgroup on a graphics processor, and of the small shaders everywhere.
const THREADS: usize = 64;
/// The longest buffer that WebGPU binds without being asked for more, in values.
const LONGEST_BINDING: usize = (128 << 20) / size_of::<f32>();

/// Returns a new tensor [rows, columns] on the device of another, its values still to be made.
fn empty(like: &CubeTensor, [rows, columns]: [usize; 2]) -> CubeTensor {
    let buffer = like.client.empty(rows * columns * size_of::<f32>());
    let shape = Shape::from(vec![rows, columns]);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, DType::F32)
}

/// Returns the kind of adapter that holds a tensor.
fn adapter(tensor: &CubeTensor) -> Adapter {
    #[cfg(test)]
    if let Some(adapter) = self::body::tests::FORCED_ADAPTER.get() {
        return adapter;
    }
    // cubecl states the card behind an adapter, and none behind one that is software.
    match tensor.client.properties().identity.physical {
        Some(_) => Adapter::Gpu,
        None => Adapter::Software,
    }
}

/// Runs a shader over `groups` workgroups: `buffers` in binding order, among them the output, then the parameters.
fn run(shader: Shader, groups: [usize; 2], buffers: Vec<&CubeTensor>, parameters: &[u32]) {
    #[cfg(test)]
    counts::count(shader);
    #[cfg(test)]
    if REFUSED.get().is_some_and(|number| shader == Shader::Product(&body::BODIES[number], Weights::Int8)) {
        return;
    }
    let client = buffers[0].client.clone();
    let pairs = parameters.chunks_exact(2).map(|pair| u64::from(pair[0]) | (u64::from(pair[1]) << 32));
    let buffers = buffers.into_iter().map(binding).collect();
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(shader.threads() as u32))),
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

/// What is done on the way of a product, as bits of `parameters.ways` of `linear_int8.wgsl`.
mod way {
    pub const NORM: u32 = 1;
    pub const X_OF_QUERIES: u32 = 2;
    pub const RESIDUAL_OF_QUERIES: u32 = 4;
    pub const RESIDUAL: u32 = 8;
    pub const SILU: u32 = 16;
    pub const GELU: u32 = 32;
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

    fn bits(&self) -> u32 {
        let norm = if self.norm.is_some() { way::NORM } else { 0 };
        let rows = match (self.queries, self.residual) {
            (None, _) => 0,
            (Some(_), None) => way::X_OF_QUERIES,
            (Some(_), Some(_)) => way::RESIDUAL_OF_QUERIES,
        };
        let residual = if self.residual.is_some() { way::RESIDUAL } else { 0 };
        let gate = match self.gate {
            None => 0,
            Some(Activation::Silu) => way::SILU,
            // Of what has a gate nothing takes the tanh form.
            Some(Activation::Gelu | Activation::GeluTanh) => way::GELU,
        };
        norm | rows | residual | gate
    }
}

/// Makes `rows` rows of `out`, from row `out_first` on, of the rows of `x` from `x_first` on.
fn product(x: &CubeTensor, ways: Ways, out: &CubeTensor, [rows, x_first, out_first]: [usize; 3]) {
    let columns = size(ways.matrix.weight)[1];
    product_by(Body::of(adapter(x), rows, columns), x, ways, out, [rows, x_first, out_first]);
}

/// Does what [`product`] does with a given body.
fn product_by(
    body: &'static Body,
    x: &CubeTensor,
    ways: Ways,
    out: &CubeTensor,
    [rows, x_first, out_first]: [usize; 3],
) {
    let Matrix { weight, scales } = ways.matrix;
    let ([fours, columns], [groups, _], [_, m]) = (size(weight), size(scales), size(out));
    let k = 4 * fours;
    let (gain, eps) = ways.norm.unzip();
    // One pipeline serves every way. WebGPU wants all of its buffers, and no two that overlap.
    let bound = |tensor: Option<&CubeTensor>| tensor.cloned().unwrap_or_else(|| empty(x, [1, 4]));
    let (gain, queries, residual) = (bound(gain), bound(ways.queries), bound(ways.residual));
    let [down, across] = body.tile();
    let numbers = [rows, k, m, k / groups, x_first, out_first].map(|number| number as u32);
    run(
        Shader::Product(body, Weights::Int8),
        [columns.div_ceil(across), rows.div_ceil(down)],
        vec![x, weight, scales, &gain, &queries, &residual, out],
        &[&numbers[..], &[eps.unwrap_or(0.0).to_bits(), ways.bits()]].concat(),
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
        let (out, body) = (empty(&x, [n, m]), Body::of(adapter(&x), n, m));
        let [down, across] = body.tile();
        let shader = Shader::Product(body, Weights::Float);
        let parameters = [n as u32, k as u32, m as u32, 0, 0, 0, 0, 0];
        run(shader, [m.div_ceil(across), n.div_ceil(down)], vec![&x, &weight, &out], &parameters);
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
        let heads = Heads { adapter: adapter(&q), size: shape.head_size };
        let split = heads.split(shape.tile);
        let groups = shape.tile.div_ceil(heads.threads() / split);
        // A window longer than any text means none.
        let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
        let parameters = [width as u32, half, split as u32, groups as u32];
        let buffers = vec![&q, &kv, &rope, &queries, &tiles, &out];
        run(Shader::Attention(heads), [count * groups, shape.heads], buffers, &parameters);
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
        let hidden = size(&x)[1];
        let norm = shape.eps.map(|eps| (&gain, eps));
        let kv = rows_product(&x, Ways { norm, ..Ways::plain(&key_value, &key_value_scales) }, 2 * hidden);
        let of_queries = Ways { norm, queries: Some(&queries), ..Ways::plain(&query, &query_scales) };
        let q = rows_product(&x, of_queries, hidden);
        let seen = Self::attention(q, kv, rope, queries.clone(), tiles, shape.attention);
        let back = Ways { queries: Some(&queries), residual: Some(&x), ..Ways::plain(&out, &out_scales) };
        rows_product(&seen, back, hidden)
    }
}
