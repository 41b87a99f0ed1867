//! What BERT needs besides: biases, norms with them, and on a GPU its MLP in one operation.

use super::*;

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Activation::Silu), Just(Activation::Gelu), Just(Activation::GeluTanh)]
}

#[test]
pub fn a_bias_is_added_to_each_row_before_the_activation() {
    let activation = prop_oneof![Just(None), activations().prop_map(Some)];
    check(64, (1usize..10, 1usize..150, activation, any::<u64>()), |device, &(n, width, activation, seed)| {
        let (x, bias) = (values(seed, n * width, 4.0), values(seed ^ 1, width, 2.0));
        let operand = tensor(&x, [n, width], device);
        let got = crate::kernels::add_bias(operand.clone(), tensor(&bias, [width], device), activation);
        close(got, &reference::add_bias(&x, &bias, activation), 1e-6);
        close(operand, &x, 0.0);
    });
}

#[test]
pub fn a_biased_layer_norm_is_a_norm_and_a_bias() {
    check(64, (1usize..20, 1usize..200, any::<u64>()), |device, &(n, width, seed)| {
        let (x, gain, bias) =
            (values(seed, n * width, 3.0), values(seed ^ 1, width, 1.0), values(seed ^ 2, width, 2.0));
        let [gain_there, bias_there] = [&gain, &bias].map(|values| tensor(values, [width], device));
        let got = crate::kernels::biased_layer_norm(tensor(&x, [n, width], device), gain_there, bias_there, 1e-5);
        close(got, &reference::add_bias(&reference::layer_norm(&x, &gain, 1e-5), &bias, None), 1e-5);
    });
}

/// Checks the int8 MLP without a gate against its parts, made by a given body.
#[cfg(feature = "gpu")]
fn check_mlp(device: &Device, [n, hidden, inner]: [usize; 3], activation: Activation, body: Option<usize>, seed: u64) {
    let group = group_of(body, 8);
    let x = values(seed, n * hidden, 2.0);
    let matrix = |seed, [m, k]: [usize; 2]| {
        let (weight, scales) = int8(seed, m, k, group);
        // Sums as a model has them.
        let scales: Vec<f32> = scales.iter().map(|scale| scale / (k as f32).sqrt()).collect();
        let bias = values(seed ^ 9, m, 0.5);
        let there =
            BiasedMatrix { matrix: int8_matrix(&weight, &scales, [m, k], device), bias: tensor(&bias, [m], device) };
        (reference::widen(&weight, &scales, group), bias, there)
    };
    let (wide, wide_bias, wide_there) = matrix(seed ^ 2, [inner, hidden]);
    let (narrow, narrow_bias, narrow_there) = matrix(seed ^ 3, [hidden, inner]);
    let middle = reference::add_bias(&reference::linear(&x, &wide, hidden), &wide_bias, Some(activation));
    let back = reference::add_bias(&reference::linear(&middle, &narrow, inner), &narrow_bias, None);
    let want: Vec<f32> = x.iter().zip(back).map(|(x, back)| x + back).collect();
    let x = tensor(&x, [n, hidden], device);
    let got = with_body(body, || crate::kernels::biased_mlp_int8(x, [wide_there, narrow_there], activation));
    // Bytes, twice, are 16 bits at most.
    close(got, &want, if group == 32 { 2e-4 } else { 2e-5 });
}

#[cfg(feature = "gpu")]
#[test]
pub fn int8_mlp_without_a_gate_is_products_biases_activation_and_residual() {
    let body = prop_oneof![body(), BYTES.prop_map(Some)];
    let inputs = (1usize..150, 1usize..6, 1usize..7, activations(), body, any::<u64>());
    check(96, inputs, |device, &(n, hidden, inner, activation, body, seed)| {
        if device.kind == DeviceKind::Cpu {
            return;
        }
        let _fine = Fine::new();
        let width = group_of(body, 8);
        let most = 40 * width * inner;
        crate::kernels::gpu::FORCED_BINDING.set(seed.is_multiple_of(2).then_some(most));
        check_mlp(device, [n, width * hidden, width * inner], activation, body, seed);
        crate::kernels::gpu::FORCED_BINDING.set(None);
    });
}
