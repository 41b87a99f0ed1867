//! Parts of layers with f32 weights on a GPU, in one part and in several.

use super::*;
use crate::kernels::gpu::FORCED_BINDING;
use crate::kernels::{self, Between};

/// Runs `make` with bindings of any length and of `most` values at most, and checks that both make `want`, with the same bits.
fn check_parts(most: usize, want: &[f32], tolerance: f32, make: impl Fn() -> Tensor<2>) {
    let whole = make();
    FORCED_BINDING.set(Some(most));
    let parts = make();
    FORCED_BINDING.set(None);
    same_bits(parts, &whole.clone().into_data().try_into_vec::<f32>().expect("f32"));
    close(whole, want, tolerance);
}

#[test]
fn an_mlp_is_its_products_with_a_gate_or_a_bias_between() {
    let between = prop_oneof![
        Just(Between::Gate(Activation::Silu)),
        Just(Between::Gate(Activation::Gelu)),
        Just(Between::Bias(Activation::GeluTanh)),
    ];
    let inputs = (1usize..150, 1usize..40, 1usize..40, between, body(), 1usize..60, any::<u64>());
    check(96, inputs, |device, &(n, hidden, inner, between, body, rows, seed)| {
        if device.kind == DeviceKind::Cpu {
            return;
        }
        let up = if matches!(between, Between::Gate(_)) { 2 * inner } else { inner };
        let (x, bias) = (values(seed, n * hidden, 2.0), values(seed ^ 1, inner, 0.5));
        let (wide, narrow) = (values(seed ^ 2, up * hidden, 0.3), values(seed ^ 3, hidden * inner, 0.3));
        let made = reference::linear(&x, &wide, hidden);
        let middle = match between {
            Between::Gate(activation) => reference::gate(&made, inner, activation),
            Between::Bias(activation) => reference::add_bias(&made, &bias, Some(activation)),
        };
        check_parts(up * rows, &reference::linear(&middle, &narrow, inner), 5e-6, || {
            let there = |values: &[f32], shape| tensor(values, shape, device);
            let bias = matches!(between, Between::Bias(_)).then(|| tensor(&bias, [inner], device));
            let (wide, narrow) = (there(&wide, [up, hidden]), there(&narrow, [hidden, inner]));
            with_body(body, || kernels::mlp_f32(there(&x, [n, hidden]), wide, bias, narrow, between))
        });
    });
}

#[test]
fn attention_makes_its_keys_and_values_of_some_heads_at_a_time() {
    let lengths = prop::collection::vec(1usize..90, 1..4);
    let half_window = prop_oneof![Just(None), (0usize..9).prop_map(Some)];
    let heads = (1usize..6, prop_oneof![1usize..20, Just(16usize)], 1usize..6);
    let inputs = (lengths, 1usize..90, heads, half_window, any::<bool>(), body(), any::<u64>());
    check(
        96,
        inputs,
        |device, &(ref lengths, limit, (heads, half_head, at_once), half_window, is_biased, body, seed)| {
            if device.kind == DeviceKind::Cpu {
                return;
            }
            let (queries, tiles, tile) = queries_of(lengths, limit, seed.is_multiple_of(3));
            let shape =
                AttentionShape { heads, head_size: 2 * half_head, half_window, precision: Precision::Float, tile };
            let (hidden, longest) = (heads * shape.head_size, *lengths.iter().max().expect("not empty"));
            let (n_in, n_out, count) = (lengths.iter().sum::<usize>(), queries.len() / 3, tiles.len() / 2);
            let (q, x) = (values(seed, n_out * hidden, 2.0), values(seed ^ 1, n_in * hidden, 2.0));
            let weight = values(seed ^ 2, 2 * hidden * hidden, 1.0 / (hidden as f32).sqrt());
            let bias = if is_biased { values(seed ^ 3, 2 * hidden, 0.5) } else { vec![0.0; 2 * hidden] };
            let rope = values(seed ^ 4, longest * shape.head_size, 0.7);
            let kv = reference::add_bias(&reference::linear(&x, &weight, hidden), &bias, None);
            let want = reference::attention(&q, &kv, &rope, &queries, shape);
            check_parts(2 * n_in * shape.head_size * at_once, &want, 3e-5, || {
                let there = |values: &[f32], shape| tensor(values, shape, device);
                let bias = is_biased.then(|| tensor(&bias, [2 * hidden], device));
                let indices = [ints(queries.clone(), [n_out, 3], device), ints(tiles.clone(), [count, 2], device)];
                let (weight, rope) = (there(&weight, [2 * hidden, hidden]), there(&rope, [longest, shape.head_size]));
                let rows = [there(&q, [n_out, hidden]), there(&x, [n_in, hidden])];
                with_body(body, || kernels::attention_f32(rows, weight, bias, rope, indices, shape))
            });
        },
    );
}
