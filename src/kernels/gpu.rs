//! The GPU bodies: felsic's own WGSL through burn's Cube backend on wgpu.
//!
//! The shader text reaches the browser unchanged, so it keeps to plain WebGPU: f32, no subgroups,
//! no optional feature, workgroups of 64. Every buffer is bound as read and write, because tensors may
//! share one buffer and WebGPU refuses a buffer that one dispatch both reads and writes; values that
//! decide a loop with a barrier in it therefore go through `workgroupUniformLoad`.
//!
//! No kernel of burn's own is launched: nothing here, `add` and reading included, calls one of its operations that would. They
//! are written in Rust, and a binary would have to hold the compiler that makes WGSL of them. See `patches/inventory`.
//!
//! On the web a refused shader is only logged and leaves its output as it was; the self-test that
//! every GPU engine runs before use catches that.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, KernelSource, SourceKernel, SourceTemplate};
use burn::backend::{Cube, ExecutionError};
use burn::tensor::{DType, Shape, TensorData};
use cubecl::prelude::KernelId;
use cubecl::server::{BufferBinding, CopyDescriptor, KernelArguments, ServerError};
use cubecl::{CubeCount, CubeDim};

use super::{AttentionShape, Kernels, MlpShape};
use crate::config::Activation;

/// Threads of a workgroup, as in the shaders.
const THREADS: u32 = 64;
/// Rows and columns of the output that one workgroup of `linear.wgsl` makes.
const TILE: usize = 32;

/// One shader: its text and the values of its placeholders.
#[derive(Clone, Debug)]
struct Shader {
    name: &'static str,
    text: &'static str,
    values: Vec<(&'static str, String)>,
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        let template = SourceTemplate::new(self.text);
        self.values.iter().fold(template, |template, (name, value)| template.register(*name, value.clone()))
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info((self.name, self.values.clone()))
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Runs a shader over `groups` workgroups: the inputs in binding order, then the output, then the
/// parameters. Returns the output [rows, columns].
fn run(
    shader: Shader,
    groups: [usize; 2],
    inputs: Vec<CubeTensor>,
    [rows, columns]: [usize; 2],
    parameters: &[u32],
) -> CubeTensor {
    let client = inputs[0].client.clone();
    let device = inputs[0].device.clone();
    let shape = Shape::from(vec![rows, columns]);
    let buffer = client.empty(rows * columns * size_of::<f32>());
    let output = CubeTensor::new_contiguous(client.clone(), device, shape, buffer, DType::F32);
    let parameters = client.create_from_slice(bytemuck::cast_slice(parameters));
    let mut buffers: Vec<_> = inputs.into_iter().map(binding).collect();
    buffers.push(output.handle.clone().binding());
    buffers.push(parameters.binding());
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(THREADS))),
        CubeCount::Static(groups[0] as u32, groups[1] as u32, 1),
        KernelArguments::new().with_buffers(buffers),
    );
    output
}

/// Returns the memory of a tensor, whose values stand there in row order: felsic makes no view of another order.
fn binding(tensor: CubeTensor) -> BufferBinding {
    assert!(tensor.is_contiguous(), "felsic makes no views of tensors on a GPU");
    tensor.handle.binding()
}

/// Returns the rows and columns of a matrix.
fn size(tensor: &CubeTensor) -> [usize; 2] {
    let shape = tensor.meta.shape();
    [shape[0], shape[1]]
}

impl Kernels for Cube {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _]) = (size(&x), size(&weight));
        let shader = Shader {
            name: "linear",
            text: include_str!("../../shaders/linear.wgsl"),
            values: vec![("weight", include_str!("../../shaders/weight_f32.wgsl").to_string())],
        };
        let parameters = [n as u32, k as u32, m as u32, k as u32];
        run(shader, [m.div_ceil(TILE), n.div_ceil(TILE)], vec![x, weight], [n, m], &parameters)
    }

    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _], [_, groups]) = (size(&x), size(&weight), size(&scales));
        let shader = Shader {
            name: "linear_int8",
            text: include_str!("../../shaders/linear.wgsl"),
            values: vec![("weight", include_str!("../../shaders/weight_int8.wgsl").to_string())],
        };
        let parameters = [n as u32, k as u32, m as u32, (k / groups) as u32];
        run(shader, [m.div_ceil(TILE), n.div_ceil(TILE)], vec![x, weight, scales], [n, m], &parameters)
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
        let normed = Self::layer_norm(x.clone(), gain, shape.eps);
        let gated = Self::gate(Self::linear_int8(normed, wide, wide_scales), shape.activation);
        Self::add(x, Self::linear_int8(gated, narrow, narrow_scales))
    }

    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        let shader = Shader { name: "norm", text: include_str!("../../shaders/norm.wgsl"), values: Vec::new() };
        run(shader, [n, 1], vec![x, gain], [n, width], &[width as u32, eps.to_bits()])
    }

    fn attention(
        q: FloatTensor<Self>,
        kv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        positions: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let ([n_out, width], [n_in, _]) = (size(&q), size(&kv));
        let keys = rotate_keys(&kv, &rope, positions, shape, n_in);
        let shader = Shader {
            name: "attention",
            text: include_str!("../../shaders/attention.wgsl"),
            values: vec![("head_size", shape.head_size.to_string())],
        };
        // A window longer than any text means none.
        let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
        run(shader, [n_out, shape.heads], vec![q, keys, kv, rope, queries], [n_out, width], &[width as u32, half])
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let [n, width] = size(&u);
        let inner = width / 2;
        let act = match activation {
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
        };
        let shader = Shader {
            name: "gate",
            text: include_str!("../../shaders/gate.wgsl"),
            values: vec![("act", act.to_string())],
        };
        run(shader, [inner.div_ceil(THREADS as usize), n], vec![u], [n, inner], &[inner as u32])
    }

    fn take_rows(x: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self> {
        let [_, width] = size(&x);
        let count = rows.meta.shape()[0];
        let shader =
            Shader { name: "take_rows", text: include_str!("../../shaders/take_rows.wgsl"), values: Vec::new() };
        run(shader, [width.div_ceil(THREADS as usize), count], vec![x, rows], [count, width], &[width as u32])
    }

    fn add(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        let shader = Shader { name: "add", text: include_str!("../../shaders/add.wgsl"), values: Vec::new() };
        run(shader, [width.div_ceil(THREADS as usize), n], vec![x, y], [n, width], &[width as u32])
    }

    async fn read(x: FloatTensor<Self>) -> Result<TensorData, ExecutionError> {
        let failed = |error: ServerError| match error.is_device_poisoned() {
            true => ExecutionError::device_poisoned(error.to_string()),
            false => ExecutionError::with_context(error.to_string()),
        };
        let (client, dtype) = (x.client.clone(), x.dtype);
        let (shape, strides) = (x.meta.shape().clone(), x.meta.strides().clone());
        let source = CopyDescriptor::new(binding(x), shape.clone(), strides, dtype.size());
        let bytes = client.read_one_tensor_async(source).await.map_err(failed)?;
        Ok(TensorData::from_bytes(bytes, shape, dtype))
    }
}

/// Returns the key half of `kv`, turned to its positions: [n_in, heads * d].
fn rotate_keys(
    kv: &CubeTensor,
    rope: &CubeTensor,
    positions: CubeTensor,
    shape: AttentionShape,
    n_in: usize,
) -> CubeTensor {
    let width = shape.heads * shape.head_size;
    let shader = Shader {
        name: "rotate_keys",
        text: include_str!("../../shaders/rotate_keys.wgsl"),
        values: vec![("head_size", shape.head_size.to_string())],
    };
    run(
        shader,
        [(width / 2).div_ceil(THREADS as usize), n_in],
        vec![kv.clone(), rope.clone(), positions],
        [n_in, width],
        &[width as u32],
    )
}
