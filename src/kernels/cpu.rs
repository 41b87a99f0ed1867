//! The CPU bodies, on burn's Flex: shapes and memory here, the arithmetic in [`super::simd`].

#[cfg(feature = "gpu")]
use burn::backend::ExecutionError;
use burn::backend::flex::{Flex, FlexTensor, Layout};
#[cfg(any(feature = "gpu", not(target_family = "wasm")))]
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
#[cfg(feature = "gpu")]
use burn::tensor::TensorData;
use burn::tensor::{Bytes, DType, Shape};

use super::profile::{Operation, time};
use super::{AttentionShape, BiasKernels, Kernels, MlpShape, simd};
use crate::config::Activation;

/// Returns the rows and columns of a matrix.
fn size(tensor: &FlexTensor) -> [usize; 2] {
    let shape = tensor.layout().shape();
    [shape[0], shape[1]]
}

/// Makes a matrix from its values in row order.
fn matrix(values: Vec<f32>, [rows, columns]: [usize; 2]) -> FlexTensor {
    debug_assert_eq!(values.len(), rows * columns);
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(vec![rows, columns])), DType::F32)
}

/// Returns the elements in row order. `tensor` is contiguous: [`contiguous`] made it so.
fn elements<E: burn::tensor::Element + bytemuck::Pod>(tensor: &FlexTensor) -> &[E] {
    tensor.as_slice().expect("a contiguous tensor of the element type that the trait names")
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// Views int8 weights and their scales, both contiguous and in the kernels' order.
fn weights<'a>(values: &'a FlexTensor, scales: &'a FlexTensor) -> simd::Weights<'a> {
    let ([_, k], [_, groups]) = (size(values), size(scales));
    simd::Weights::new(elements(values), elements(scales), k, k / groups)
}

/// Flex's matrix product (the gemm crate), which reads a transposed view in place.
#[cfg(not(target_family = "wasm"))]
fn float_product(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
    Flex::float_matmul(x, weight.transpose(0, 1))
}

/// felsic's own, which gives a token the same bits in any batch.
#[cfg(target_family = "wasm")]
fn float_product(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
    let (x, weight) = (contiguous(x), contiguous(weight));
    let ([n, k], [m, _]) = (size(&x), size(&weight));
    let mut out = vec![0.0; n * m];
    simd::linear(elements(&x), elements(&weight), k, &mut out);
    matrix(out, [n, m])
}

impl Kernels for Flex {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        time(Operation::F32Product, || float_product(x, weight))
    }

    fn linear_int8(x: FloatTensor<Self>, weight: IntTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, weight, scales) = (contiguous(x), contiguous(weight), contiguous(scales));
        let ([n, _], [m, _]) = (size(&x), size(&weight));
        let mut out = vec![0.0; n * m];
        simd::linear_int8(elements(&x), weights(&weight, &scales), &mut out);
        matrix(out, [n, m])
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
        let (x, gain) = (contiguous(x), contiguous(gain));
        let (wide, wide_scales) = (contiguous(wide), contiguous(wide_scales));
        let (narrow, narrow_scales) = (contiguous(narrow), contiguous(narrow_scales));
        let mlp = simd::Mlp {
            gain: elements(&gain),
            eps: shape.eps,
            wide: weights(&wide, &wide_scales),
            narrow: weights(&narrow, &narrow_scales),
            activation: shape.activation,
        };
        let mut out = vec![0.0; elements::<f32>(&x).len()];
        simd::mlp_int8(elements(&x), &mlp, &mut out);
        matrix(out, size(&x))
    }

    fn layer_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let (x, gain) = (contiguous(x), contiguous(gain));
        let mut out = vec![0.0; elements::<f32>(&x).len()];
        time(Operation::Norm, || simd::layer_norm(elements(&x), elements(&gain), eps, &mut out));
        matrix(out, size(&x))
    }

    fn attention(
        q: FloatTensor<Self>,
        kv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        queries: IntTensor<Self>,
        _tiles: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let (q, kv, rope, queries) = (contiguous(q), contiguous(kv), contiguous(rope), contiguous(queries));
        let mut out = vec![0.0; elements::<f32>(&q).len()];
        time(Operation::Attention, || {
            simd::attention(elements(&q), elements(&kv), elements(&rope), elements(&queries), shape, &mut out);
        });
        matrix(out, size(&q))
    }

    fn gate(u: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let u = contiguous(u);
        let [n, width] = size(&u);
        let mut out = vec![0.0; n * width / 2];
        time(Operation::Gate, || simd::gate(elements(&u), width / 2, activation, &mut out));
        matrix(out, [n, width / 2])
    }

    fn take_rows(x: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self> {
        let (x, rows) = (contiguous(x), contiguous(rows));
        let [_, width] = size(&x);
        let (values, rows) = (elements::<f32>(&x), elements::<i32>(&rows));
        let out = rows.iter().flat_map(|row| &values[*row as usize * width..][..width]).copied().collect();
        matrix(out, [rows.len(), width])
    }

    fn add(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        // Into the memory of `y`, which is what a layer has just made.
        let (x, mut y) = (contiguous(x), contiguous(y));
        let (values, start) = (elements::<f32>(&x), y.layout().start_offset());
        for (sum, value) in y.storage_mut::<f32>()[start..].iter_mut().zip(values) {
            *sum += value;
        }
        y
    }

    #[cfg(feature = "gpu")]
    async fn read(x: FloatTensor<Self>) -> Result<TensorData, ExecutionError> {
        Flex::float_into_data(x).await
    }
}

impl BiasKernels for Flex {
    fn add_bias(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Option<Activation>) -> FloatTensor<Self> {
        // Into the memory of `x`, which is what a product or a norm has just made.
        let (mut x, bias) = (contiguous(x), contiguous(bias));
        let ([n, width], start) = (size(&x), x.layout().start_offset());
        let operation = activation.map_or(Operation::Norm, |_| Operation::Gate);
        time(operation, || {
            simd::add_bias(&mut x.storage_mut::<f32>()[start..][..n * width], elements(&bias), activation);
        });
        x
    }

    fn biased_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        Self::add_bias(Self::layer_norm(x, gain, eps), bias, None)
    }
}
