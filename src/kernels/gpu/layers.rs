//! Parts of a layer. What would be longer than a binding may be, of a long text, is made in parts: the rows inside an MLP some at a
//! time, keys and values those of some heads at a time.

use burn::backend::Cube;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::CubeTensor;

use super::bytes::GROUP;
use super::product::{Half, Part, Rows, Ways, X, linear, product};
use super::{empty, longest_binding, see, size, with_bias, with_gate};
use crate::config::Activation;
use crate::kernels::{AttentionShape, Between, FloatLayerKernels, LayerKernels, LayerShape};

/// Returns how many rows of `columns` values fit a binding, of `n`.
fn rows_at_once(columns: usize, n: usize) -> usize {
    (longest_binding() / columns).max(1).min(n)
}

/// Computes an MLP with its residual: `residual + narrow(wide(x))`, where [n, inner] is made in between.
pub(super) fn mlp(mut x: X, wide: Ways, inner: usize, narrow: Ways, residual: &CubeTensor) -> CubeTensor {
    let [n, hidden] = size(residual);
    let out = empty(residual, [n, hidden]);
    let most = rows_at_once(inner, n);
    let middle = Rows::empty(residual, [most, inner], wide.matrix.takes_bytes() && narrow.matrix.takes_bytes());
    let made = Rows::Floats(out.clone());
    for first in (0..n).step_by(most) {
        let rows = most.min(n - first);
        x.product(wide, &middle, inner, Part { rows, of: n, x_first: first, out_first: 0 });
        let part = Part { rows, of: n, x_first: 0, out_first: first };
        product(&middle, Ways { residual: Some(residual), ..narrow }, &made, hidden, part);
    }
    out
}

/// Computes attention of `q` with the keys and values that `make` makes of `n_in` rows, of all heads or of as many as fit a binding; the
/// last tensors are those of [`Kernels::attention`](crate::kernels::Kernels::attention).
fn attend(
    q: &CubeTensor,
    mut make: impl FnMut(Option<Half>) -> CubeTensor,
    n_in: usize,
    [rope, queries, tiles]: [&CubeTensor; 3],
    out: &Rows,
    shape: AttentionShape,
) {
    let AttentionShape { heads, head_size, .. } = shape;
    // Halves of a part consist of quads of columns, too.
    let step = if head_size.is_multiple_of(4) { 1 } else { 2 };
    let most = longest_binding() / (2 * head_size * n_in) / step * step;
    let most = most.max(step).min(heads);
    for first in (0..heads).step_by(most) {
        let count = most.min(heads - first);
        let half = Half { first: first * head_size, count: count * head_size };
        let kv = make((count < heads).then_some(half));
        see([q, &kv, rope, queries, tiles], out, shape, first);
    }
}

/// What the queries, the keys and values, and what was seen are multiplied by.
struct Matrices<'a> {
    query: Ways<'a>,
    key_value: Ways<'a>,
    out: Ways<'a>,
}

/// Computes the attention of a layer with its products and its residual, for the rows of `x` that hold a query: `normed` is x
/// after its norm, if there is one; the last tensors are those of [`Kernels::attention`](crate::kernels::Kernels::attention).
fn attend_with_residual(
    x: &CubeTensor,
    mut normed: X,
    matrices: Matrices,
    tensors: [&CubeTensor; 3],
    shape: AttentionShape,
) -> CubeTensor {
    let [_, queries, _] = tensors;
    let ([n_in, hidden], [n_out, _]) = (size(x), size(queries));
    let q = normed.products(Ways { queries: Some(queries), ..matrices.query });
    let back = Ways { queries: Some(queries), residual: Some(x), ..matrices.out };
    let as_bytes = back.matrix.takes_bytes() && shape.head_size.is_multiple_of(GROUP);
    let seen = Rows::empty(x, [n_out, hidden], as_bytes);
    let make = |half| normed.products(Ways { half, ..matrices.key_value });
    attend(&q, make, n_in, tensors, &seen, shape);
    let made = empty(x, [n_out, hidden]);
    product(&seen, back, &Rows::Floats(made.clone()), hidden, Part::whole(n_out));
    made
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
        attend_with_residual(&x, normed, matrices, [&rope, &queries, &tiles], shape.attention)
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
        attend_with_residual(&x, X::new(&x, None), matrices, [&rope, &queries, &tiles], shape)
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

impl FloatLayerKernels for Cube {
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
    ) -> FloatTensor<Self> {
        let (n_in, columns) = (size(&x)[0], size(&key_value)[0]);
        let out = empty(&q, size(&q));
        let make = |half| {
            let kv = empty(&x, [n_in, Half::columns(half, columns)]);
            linear(&x, &key_value, &kv, Part::whole(n_in), half);
            if is_biased { with_bias(&kv, &bias, None, half) } else { kv }
        };
        attend(&q, make, n_in, [&rope, &queries, &tiles], &Rows::Floats(out.clone()), shape);
        out
    }

    fn mlp_f32(
        x: FloatTensor<Self>,
        wide: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        narrow: FloatTensor<Self>,
        between: Between,
    ) -> FloatTensor<Self> {
        let ([n, _], [columns, _], [hidden, _]) = (size(&x), size(&wide), size(&narrow));
        let out = empty(&x, [n, hidden]);
        let most = rows_at_once(columns, n);
        for first in (0..n).step_by(most) {
            let rows = most.min(n - first);
            let up = empty(&x, [rows, columns]);
            linear(&x, &wide, &up, Part { rows, of: n, x_first: first, out_first: 0 }, None);
            let middle = match between {
                Between::Gate(activation) => with_gate(&up, activation),
                Between::Bias(activation) => with_bias(&up, &bias, Some(activation), None),
            };
            linear(&middle, &narrow, &out, Part { rows, of: n, x_first: 0, out_first: first }, None);
        }
        out
    }
}
