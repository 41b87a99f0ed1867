//! The GPU bodies: felsic's own WGSL through burn's Cube backend on wgpu.
//!
//! The shader text reaches the browser unchanged, so it keeps to plain WebGPU: f32, no subgroups,
//! no optional feature, workgroups of 64. Every buffer is bound as read and write, because tensors may
//! share one buffer and WebGPU refuses a buffer that one dispatch both reads and writes; values that
//! decide a loop with a barrier in it therefore go through `workgroupUniformLoad`.
//!
//! On the web a refused shader is only logged and leaves its output as it was; the self-test that
//! every GPU engine runs before use catches that.

use burn::backend::Cube;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous};
use burn::tensor::{DType, Shape};
use cubecl::prelude::KernelId;
use cubecl::server::KernelArguments;
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

fn linear() -> Shader {
    let weight = include_str!("../../shaders/weight_f32.wgsl").to_string();
    Shader { name: "linear", text: include_str!("../../shaders/linear.wgsl"), values: vec![("weight", weight)] }
}

fn linear_int8() -> Shader {
    let weight = include_str!("../../shaders/weight_int8.wgsl").to_string();
    Shader { name: "linear_int8", text: include_str!("../../shaders/linear.wgsl"), values: vec![("weight", weight)] }
}

fn norm() -> Shader {
    Shader { name: "norm", text: include_str!("../../shaders/norm.wgsl"), values: Vec::new() }
}

fn attention(head_size: usize) -> Shader {
    let values = vec![("head_size", head_size.to_string())];
    Shader { name: "attention", text: include_str!("../../shaders/attention.wgsl"), values }
}

fn rotation(head_size: usize) -> Shader {
    let values = vec![("head_size", head_size.to_string())];
    Shader { name: "rotate_keys", text: include_str!("../../shaders/rotate_keys.wgsl"), values }
}

fn gate(activation: Activation) -> Shader {
    let act = match activation {
        Activation::Silu => "silu",
        Activation::Gelu => "gelu",
    };
    Shader { name: "gate", text: include_str!("../../shaders/gate.wgsl"), values: vec![("act", act.to_string())] }
}

fn take_rows() -> Shader {
    Shader { name: "take_rows", text: include_str!("../../shaders/take_rows.wgsl"), values: Vec::new() }
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
    let mut buffers: Vec<_> = inputs.into_iter().map(|input| into_contiguous(input).handle.binding()).collect();
    buffers.push(output.handle.clone().binding());
    buffers.push(parameters.binding());
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(THREADS))),
        CubeCount::Static(groups[0] as u32, groups[1] as u32, 1),
        KernelArguments::new().with_buffers(buffers),
    );
    output
}

/// Returns the rows and columns of a matrix.
fn size(tensor: &CubeTensor) -> [usize; 2] {
    let shape = tensor.meta.shape();
    [shape[0], shape[1]]
}

impl Kernels for Cube {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _]) = (size(&x), size(&weight));
        let parameters = [n as u32, k as u32, m as u32, k as u32];
        run(linear(), [m.div_ceil(TILE), n.div_ceil(TILE)], vec![x, weight], [n, m], &parameters)
    }

    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([n, k], [m, _], [_, groups]) = (size(&x), size(&weight), size(&scales));
        let parameters = [n as u32, k as u32, m as u32, (k / groups) as u32];
        run(linear_int8(), [m.div_ceil(TILE), n.div_ceil(TILE)], vec![x, weight, scales], [n, m], &parameters)
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
        Self::float_add(x, Self::linear_int8(gated, narrow, narrow_scales))
    }

    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let [n, width] = size(&x);
        run(norm(), [n, 1], vec![x, gain], [n, width], &[width as u32, eps.to_bits()])
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
        // A window longer than any text means none.
        let half = shape.half_window.map_or(u32::MAX, |half| half as u32);
        let shader = attention(shape.head_size);
        run(shader, [n_out, shape.heads], vec![q, keys, kv, rope, queries], [n_out, width], &[width as u32, half])
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let [n, width] = size(&u);
        let inner = width / 2;
        run(gate(activation), [inner.div_ceil(THREADS as usize), n], vec![u], [n, inner], &[inner as u32])
    }

    fn take_rows(x: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self> {
        let [_, width] = size(&x);
        let count = rows.meta.shape()[0];
        run(take_rows(), [width.div_ceil(THREADS as usize), count], vec![x, rows], [count, width], &[width as u32])
    }

    fn add(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        Cube::float_add(x, y)
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
    run(
        rotation(shape.head_size),
        [(width / 2).div_ceil(THREADS as usize), n_in],
        vec![kv.clone(), rope.clone(), positions],
        [n_in, width],
        &[width as u32],
    )
}

#[cfg(test)]
mod tests {
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::*;

    /// Every instance of every template that a model can ask for.
    fn instances() -> Vec<Shader> {
        let mut shaders = vec![linear(), linear_int8(), norm(), take_rows()];
        shaders.extend([Activation::Silu, Activation::Gelu].map(gate));
        shaders.extend([2, 14, 32, 64, 78, 128].into_iter().flat_map(|head| [attention(head), rotation(head)]));
        shaders
    }

    /// Checks a shader as a browser does: without any optional feature, uniformity of control flow included.
    fn validate(source: &str) -> Result<(), String> {
        let module = naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
        let checked = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
        checked.map(drop).map_err(|error| error.emit_to_string(source))
    }

    #[test]
    fn every_shader_is_valid_webgpu() {
        for shader in instances() {
            let source = shader.source().complete();
            validate(&source).unwrap_or_else(|error| panic!("{}: {error}", shader.name));
        }
    }

    #[test]
    fn validation_refuses_a_barrier_that_some_threads_may_miss() {
        let source = "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
            @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) thread: u32) {
                if (thread < x[0]) { workgroupBarrier(); }
            }";
        assert!(validate(source).is_err_and(|error| error.contains("uniform")));
        assert!(validate("fn main( {").is_err());
    }
}
