//! Every body of every kernel against its plain reference body, over random shapes, tails included.
//!
//! The GPU half needs a Vulkan, Metal or DirectX 12 adapter (Mesa's software one is enough); it is left
//! out only where `FELSIC_SKIP_GPU` is set.

#[cfg(all(target_arch = "wasm32", feature = "web"))]
#[path = "tests_web.rs"]
mod web;

use burn::tensor::{DType, Int, Tensor, TensorData};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[cfg(feature = "gpu")]
use super::{AttentionMatrices, BiasedMatrix, LayerShape};
use super::{AttentionShape, Int8Matrix, MlpShape, Precision, TILE_LENGTHS, reference};
use crate::config::Activation;
#[cfg(feature = "gpu")]
use crate::kernels::simd::Fine;
use crate::model::{Device, DeviceKind};

mod bias;
#[cfg(feature = "gpu")]
mod float_layers;

/// Opens the devices of this build.
fn devices() -> Vec<Device> {
    let mut devices = Vec::new();
    if cfg!(feature = "cpu") {
        devices.push(pollster::block_on(Device::open(DeviceKind::Cpu)).expect("the CPU is always there"));
    }
    if cfg!(feature = "gpu") && std::env::var_os("FELSIC_SKIP_GPU").is_none() {
        let gpu = pollster::block_on(Device::open(DeviceKind::Gpu));
        devices.push(gpu.expect("a GPU adapter (apt-get install mesa-vulkan-drivers), or FELSIC_SKIP_GPU=1"));
    }
    devices
}

/// Runs `test` on `cases` random inputs for each device.
fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(&Device, &S::Value)) {
    for device in devices() {
        // Seeds are fixed, so a failure repeats; software GPUs are slow, so they get fewer cases.
        let cases = if device.kind == DeviceKind::Cpu { cases } else { cases / 4 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner =
            TestRunner::new_with_rng(config, proptest::test_runner::TestRng::deterministic_rng(Default::default()));
        let run = runner.run(&strategy, |input| {
            test(&device, &input);
            Ok(())
        });
        if let Err(error) = run {
            panic!("{:?}: {error}", device.kind);
        }
    }
}

/// Makes bell-shaped values, identical for the same seed (SplitMix64).
fn values(seed: u64, count: usize, scale: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (0..count)
        .map(|_| {
            let z = next();
            let lanes: i32 = (0..4).map(|lane| ((z >> (16 * lane)) & 0xFFFF) as i32).sum();
            (lanes - 131_070) as f32 / 37_837.0 * scale
        })
        .collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &device.burn)
}

fn ints<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), (&device.burn, DType::I32))
}

/// Checks that each component is within `tolerance` of the largest wanted value.
fn close(got: Tensor<2>, want: &[f32], tolerance: f32) {
    let got: Vec<f32> = got.into_data().try_into_vec().expect("f32");
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(1e-6f32, |most, v| most.max(v.abs()));
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * largest, "component {at}: {got} instead of {want}");
    }
}

/// Checks every bit.
fn same_bits(got: Tensor<2>, want: &[f32]) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let got: Vec<f32> = got.into_data().try_into_vec().expect("f32");
    assert_eq!(bits(&got), bits(want));
}

#[test]
fn linear_is_the_matrix_product() {
    check(96, (1usize..150, 1usize..90, 1usize..150, body(), any::<u64>()), |device, &(n, k, m, body, seed)| {
        let (x, w) = (values(seed, n * k, 1.0), values(seed ^ 1, m * k, 0.5));
        let got = with_body(body, || super::linear(tensor(&x, [n, k], device), tensor(&w, [m, k], device)));
        close(got, &reference::linear(&x, &w, k), 2e-6);
    });
}

#[test]
fn linear_of_web_assembly_is_the_matrix_product_and_the_same_in_any_batch() {
    let cpu = |(n, k, m, seed): (usize, usize, usize, u64)| {
        let (x, w) = (values(seed, n * k, 1.0), values(seed ^ 1, m * k, 0.5));
        let mut out = vec![0.0; n * m];
        super::simd::linear(&x, &w, k, &mut out);
        (x, w, out)
    };
    check(96, (1usize..24, 1usize..90, 1usize..70, any::<u64>()), |device, &(n, k, m, seed)| {
        let (x, w, got) = cpu((n, k, m, seed));
        close(tensor(&got, [n, m], device), &reference::linear(&x, &w, k), 2e-6);
        for (token, want) in x.chunks(k).zip(got.chunks(m)) {
            let mut alone = vec![0.0; m];
            super::simd::linear(token, &w, k, &mut alone);
            assert_eq!(alone, want, "bits");
        }
    });
    // More rows than a stripe has.
    let (x, w, got) = cpu((7, 1030, 39, 5));
    for (want, got) in reference::linear(&x, &w, 1030).iter().zip(got) {
        assert!((want - got).abs() < 1e-4, "{got} instead of {want}");
    }
}

/// Makes int8 weights: `cols` = `groups` * `group`.
fn int8(seed: u64, rows: usize, cols: usize, group: usize) -> (Vec<i8>, Vec<f32>) {
    let weight = values(seed, rows * cols, 50.0).iter().map(|v| v.round().clamp(-127.0, 127.0) as i8).collect();
    let scales = values(seed ^ 2, rows * (cols / group), 0.01).iter().map(|v| v.abs() + 1e-4).collect();
    (weight, scales)
}

/// Moves an int8 matrix to a device, in the device's order.
fn int8_matrix(weight: &[i8], scales: &[f32], [m, k]: [usize; 2], device: &Device) -> Int8Matrix {
    let (mut weight, mut scales, given) = (weight.to_vec(), scales.to_vec(), scales.len());
    let weight = match device.kind {
        DeviceKind::Cpu => {
            scales = super::simd::order(&mut weight, scales, k, m * k / given);
            Tensor::from_data(TensorData::new(weight, [m, k]), (&device.burn, DType::I8))
        }
        DeviceKind::Gpu => {
            // Column by column: words of four along k, then scales.
            let groups = given / m;
            let byte = |column: usize, at: usize| weight[column * k + at] as u8;
            let word = |column, four: usize| i32::from_le_bytes(std::array::from_fn(|i| byte(column, 4 * four + i)));
            let words = (0..k / 4).flat_map(|four| (0..m).map(move |column| word(column, four)));
            let scales: Vec<f32> = (0..groups * m).map(|i| scales[i % m * groups + i / m]).collect();
            let weight = ints(words.collect(), [k / 4, m], device);
            return Int8Matrix { weight, scales: tensor(&scales, [groups, m], device) };
        }
    };
    Int8Matrix { weight, scales: tensor(&scales, [m, scales.len() / m], device) }
}

/// Any body of the GPU's products, by its place in the table, or the one that the table gives.
fn body() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![Just(None), (0usize..3).prop_map(Some), Just(Some(SOFTWARE))]
}

/// The bodies of products of bytes, and that for software, by their places in the table.
const BYTES: std::ops::Range<usize> = 3..5;
const SOFTWARE: usize = 5;

/// Runs `work` with the GPU's products made by a given body.
fn with_body<T>(body: Option<usize>, work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "gpu")]
    if let Some(number) = body {
        use super::gpu::Adapter;
        let (adapter, number) = match number {
            SOFTWARE => (Adapter::Software, 0),
            number if BYTES.contains(&number) => (Adapter::Bytes, number - BYTES.start),
            number => (Adapter::Gpu, number),
        };
        super::gpu::FORCED_ADAPTER.set(Some(adapter));
        let made = super::gpu::with_body(number, work);
        super::gpu::FORCED_ADAPTER.set(None);
        return made;
    }
    #[cfg(not(feature = "gpu"))]
    let _ = body;
    work()
}

/// Runs `work` with the GPU taken for a graphics processor, or for software.
fn with_adapter<T>(software: bool, work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "gpu")]
    super::gpu::FORCED_ADAPTER.set(Some(if software {
        super::gpu::Adapter::Software
    } else {
        super::gpu::Adapter::Gpu
    }));
    #[cfg(not(feature = "gpu"))]
    let _ = software;
    let made = work();
    #[cfg(feature = "gpu")]
    super::gpu::FORCED_ADAPTER.set(None);
    made
}

#[test]
fn int8_linear_is_the_product_with_scaled_weights() {
    let group = prop_oneof![Just(4usize), Just(8), Just(12), Just(16), Just(32), Just(64), Just(1040)];
    let inputs = (1usize..150, 1usize..5, 1usize..20, group, body(), any::<u64>());
    check(96, inputs, |device, &(n, groups, bands, group, body, seed)| {
        let (k, m) = (groups * group, 8 * bands);
        let x = values(seed, n * k, 1.0);
        let (weight, scales) = int8(seed ^ 3, m, k, group);
        let (x_tensor, matrix) = (tensor(&x, [n, k], device), int8_matrix(&weight, &scales, [m, k], device));
        let got = with_body(body, || super::linear_int8(x_tensor, matrix));
        match device.kind {
            DeviceKind::Cpu => same_bits(got, &reference::linear_bytes(&x, &weight, &scales, k, group)),
            DeviceKind::Gpu => close(got, &reference::linear_int8(&x, &weight, &scales, k, group), 1e-4),
        }
    });
}

/// Moves activations away from the middles between two steps of 8 bits, so that every device rounds them alike.
#[cfg(feature = "gpu")]
fn settle(x: &mut [f32]) {
    for group in x.chunks_exact_mut(32) {
        let largest = group.iter().fold(1e-3f32, |most, v| most.max(v.abs()));
        let step = (largest / 127.0).log2().floor().exp2();
        for value in group.iter_mut() {
            let steps = (*value / step).clamp(-126.0, 126.0);
            *value = step * (steps.round() + 0.8 * (steps - steps.round()));
        }
        group[7] = -127.0 * step;
    }
}

#[cfg(feature = "gpu")]
#[test]
fn int8_linear_of_bytes_is_that_of_a_cpu() {
    let inputs = (1usize..150, 1usize..7, 1usize..20, 1usize..3, BYTES, any::<(bool, u64)>());
    check(128, inputs, |device, &(n, groups, bands, factor, body, (is_fine, seed))| {
        if device.kind == DeviceKind::Cpu {
            return;
        }
        let (group, m) = (32 * factor, 8 * bands);
        let k = groups * group;
        let mut x = values(seed, n * k, 1.0);
        settle(&mut x);
        let (weight, scales) = int8(seed ^ 3, m, k, group);
        let (x_tensor, matrix) = (tensor(&x, [n, k], device), int8_matrix(&weight, &scales, [m, k], device));
        let _fine = is_fine.then(Fine::new);
        let got = with_body(Some(body), || super::linear_int8(x_tensor, matrix));
        match is_fine {
            true => close(got, &reference::linear_int8(&x, &weight, &scales, k, group), 5e-5),
            false => close(got, &reference::linear_bytes(&x, &weight, &scales, k, group), 2e-6),
        }
    });
}

#[cfg(feature = "gpu")]
#[test]
fn int8_layers_of_bytes_are_those_of_the_weights() {
    let activation = prop_oneof![Just(Activation::Silu), Just(Activation::Gelu)];
    let shape = (1usize..100, 1usize..5, 1usize..5, activation);
    let attention = (prop::collection::vec(1usize..90, 1..4), prop_oneof![Just(None), Just(Some(7usize))], 1usize..90);
    // Heads of whole groups, and others.
    let heads = (1usize..3, prop_oneof![Just(16usize), Just(32), Just(48), Just(8)], before_and_behind());
    let inputs = (shape, attention, heads, BYTES, any::<u64>());
    check(48, inputs, |device, &(shape, ref attention, (heads, half_head, (eps, has_biases)), body, seed)| {
        if device.kind == DeviceKind::Cpu {
            return;
        }
        let _fine = Fine::new();
        let (n, hidden, inner, activation) = shape;
        super::gpu::FORCED_BINDING.set(seed.is_multiple_of(2).then_some(40 * 32 * inner));
        check_mlp(device, [n, 32 * hidden, 32 * inner], activation, Some(body), seed);
        super::gpu::FORCED_BINDING.set(None);
        let (lengths, half_window, limit) = attention;
        // Two heads of 16 columns, or four, make a group.
        let heads = if half_head == 8 { 2 * heads } else { heads };
        let (body, limit, half_window) = (Some(body), *limit, *half_window);
        check_layer(device, &TestLayer { lengths, limit, heads, half_head, half_window, eps, has_biases, body, seed });
    });
}

/// Returns the columns that have a scale together in a test of a body.
fn group_of(body: Option<usize>, otherwise: usize) -> usize {
    if body.is_some_and(|body| BYTES.contains(&body)) { 32 } else { otherwise }
}

/// Checks the int8 MLP of one shape against its parts, made by a given body.
fn check_mlp(device: &Device, [n, hidden, inner]: [usize; 3], activation: Activation, body: Option<usize>, seed: u64) {
    let group = group_of(body, 8);
    let (x, gain) = (values(seed, n * hidden, 2.0), values(seed ^ 1, hidden, 1.0));
    let (wide, wide_scales) = int8(seed ^ 2, 2 * inner, hidden, group);
    let (narrow, narrow_scales) = int8(seed ^ 3, hidden, inner, group);
    let got = with_body(body, || {
        super::mlp_int8(
            tensor(&x, [n, hidden], device),
            tensor(&gain, [hidden], device),
            int8_matrix(&wide, &wide_scales, [2 * inner, hidden], device),
            int8_matrix(&narrow, &narrow_scales, [hidden, inner], device),
            MlpShape { eps: 1e-5, activation },
        )
    });
    if device.kind == DeviceKind::Cpu {
        // Its parts, whose last bits decide how activations are rounded.
        let (mut normed, mut gated) = (vec![0.0; n * hidden], vec![0.0; n * inner]);
        super::simd::layer_norm(&x, &gain, 1e-5, &mut normed);
        let up = reference::linear_bytes(&normed, &wide, &wide_scales, hidden, group);
        super::simd::gate(&up, inner, activation, &mut gated);
        let down = reference::linear_bytes(&gated, &narrow, &narrow_scales, inner, group);
        return same_bits(got, &x.iter().zip(down).map(|(x, down)| x + down).collect::<Vec<_>>());
    }
    let plain = |weight: &[i8], scales: &[f32]| reference::widen(weight, scales, group);
    let (plain_wide, plain_narrow) = (plain(&wide, &wide_scales), plain(&narrow, &narrow_scales));
    close(got, &reference::mlp(&x, &gain, &plain_wide, &plain_narrow, 1e-5, activation), 3e-4);
}

#[test]
fn int8_mlp_is_norm_product_gate_product_and_residual() {
    let activation = prop_oneof![Just(Activation::Silu), Just(Activation::Gelu)];
    let inputs = (1usize..150, 1usize..12, 1usize..12, activation, body(), any::<u64>());
    check(64, inputs, |device, &(n, hidden, inner, activation, body, seed)| {
        check_mlp(device, [n, 8 * hidden, 8 * inner], activation, body, seed);
    });
}

#[test]
fn int8_mlp_makes_more_rows_than_a_gpu_binds_at_once() {
    for device in devices().into_iter().filter(|device| device.kind == DeviceKind::Gpu) {
        check_mlp(&device, [2050, 8, 16_384], Activation::Silu, None, 11);
    }
}

/// Checks the attention of a layer with int8 matrices against its parts.
#[cfg(feature = "gpu")]
fn check_layer(device: &Device, layer: &TestLayer) {
    let TestLayer { lengths, limit, heads, half_head, half_window, eps, has_biases, body, seed } = *layer;
    let (group, hidden) = (group_of(body, 4), heads * 2 * half_head);
    let (queries, tiles, tile) = queries_of(lengths, limit, hidden > 16);
    let (n_in, n_out) = (lengths.iter().sum::<usize>(), queries.len() / 3);
    let attention = AttentionShape { heads, head_size: 2 * half_head, half_window, precision: Precision::Float, tile };
    let (x, gain) = (values(seed, n_in * hidden, 2.0), values(seed ^ 1, hidden, 1.0));
    let longest = *lengths.iter().max().expect("not empty");
    let rope = values(seed ^ 2, longest * attention.head_size, 0.7);
    let matrix = |seed, m| {
        let (weight, scales) = int8(seed, m, hidden, group);
        // Scores as a model has them.
        let scales: Vec<f32> = scales.iter().map(|scale| scale / (hidden as f32).sqrt()).collect();
        (reference::widen(&weight, &scales, group), int8_matrix(&weight, &scales, [m, hidden], device))
    };
    let (query, key_value, out) = (matrix(seed ^ 3, hidden), matrix(seed ^ 4, 2 * hidden), matrix(seed ^ 5, hidden));

    let normed = eps.map_or(x.clone(), |eps| reference::layer_norm(&x, &gain, eps));
    let rows = |values: &[f32]| -> Vec<f32> {
        let row = |query: &[i32]| values[(query[0] + query[1]) as usize * hidden..][..hidden].to_vec();
        queries.chunks_exact(3).flat_map(row).collect()
    };
    let biases = [hidden, 2 * hidden, hidden].map(|m| match has_biases {
        true => values(seed ^ (6 + m as u64), m, 0.5),
        false => vec![0.0; m],
    });
    let product = |x: &[f32], weight: &[f32], bias: &[f32]| {
        reference::add_bias(&reference::linear(x, weight, hidden), bias, None)
    };
    let (q, kv) = (product(&rows(&normed), &query.0, &biases[0]), product(&normed, &key_value.0, &biases[1]));
    let seen = reference::attention(&q, &kv, &rope, &queries, attention);
    let back = product(&seen, &out.0, &biases[2]);
    let want: Vec<f32> = rows(&x).iter().zip(back).map(|(x, back)| x + back).collect();

    let (x, rope) = (tensor(&x, [n_in, hidden], device), tensor(&rope, [longest, attention.head_size], device));
    let tiles_count = tiles.len() / 2;
    let (queries, tiles) = (ints(queries.clone(), [n_out, 3], device), ints(tiles, [tiles_count, 2], device));
    // Keys and values of some heads at a time.
    let heads_at_once = 1 + seed as usize / 2 % heads;
    let most = seed.is_multiple_of(2).then_some(2 * n_in * attention.head_size * heads_at_once);
    super::gpu::FORCED_BINDING.set(most);
    let got = with_body(body, || {
        let biased = |matrix, bias: &[f32]| BiasedMatrix { matrix, bias: tensor(bias, [bias.len()], device) };
        if has_biases {
            let [query_bias, key_value_bias, out_bias] = &biases;
            let (query, key_value) = (biased(query.1, query_bias), biased(key_value.1, key_value_bias));
            let matrices = [query, key_value, biased(out.1, out_bias)];
            return super::biased_attention_int8(x, matrices, rope, queries, tiles, attention);
        }
        let matrices = AttentionMatrices { query: query.1, key_value: key_value.1, out: out.1 };
        let shape = LayerShape { eps, attention };
        super::attention_int8(x, tensor(&gain, [hidden], device), matrices, rope, queries, tiles, shape)
    });
    super::gpu::FORCED_BINDING.set(None);
    // Bytes, twice, are 16 bits at most.
    close(got, &want, if group == 32 { 2e-4 } else { 2e-5 });
}

#[cfg(feature = "gpu")]
struct TestLayer<'a> {
    lengths: &'a [usize],
    limit: usize,
    heads: usize,
    half_head: usize,
    half_window: Option<usize>,
    eps: Option<f32>,
    has_biases: bool,
    body: Option<usize>,
    seed: u64,
}

/// A norm before the products of an attention, biases behind them, or neither.
#[cfg(feature = "gpu")]
fn before_and_behind() -> impl Strategy<Value = (Option<f32>, bool)> {
    prop_oneof![Just((None, false)), Just((Some(1e-5f32), false)), Just((None, true))]
}

#[cfg(feature = "gpu")]
#[test]
fn int8_attention_is_norm_products_attention_and_residual() {
    let lengths = prop::collection::vec(1usize..90, 1..4);
    let half_window = prop_oneof![Just(None), (0usize..9).prop_map(Some)];
    // Widths are multiples of 8.
    let heads = (1usize..4, (1usize..6).prop_map(|quads| 4 * quads));
    let limit = prop_oneof![Just(1000usize), 1usize..90];
    let inputs = (lengths, limit, heads, half_window, before_and_behind(), body(), any::<u64>());
    check(
        128,
        inputs,
        |device, &(ref lengths, limit, (heads, half_head), half_window, (eps, has_biases), body, seed)| {
            if device.kind == DeviceKind::Cpu {
                return;
            }
            check_layer(
                device,
                &TestLayer { lengths, limit, heads, half_head, half_window, eps, has_biases, body, seed },
            );
        },
    );
}

#[cfg(feature = "gpu")]
#[test]
fn a_layer_takes_six_dispatches_on_a_gpu() {
    for device in devices().iter().filter(|device| device.kind == DeviceKind::Gpu) {
        let before = super::gpu::dispatches();
        let layer = TestLayer {
            lengths: &[40, 7],
            limit: 20,
            heads: 2,
            half_head: 4,
            half_window: Some(8),
            eps: Some(1e-5),
            has_biases: false,
            body: None,
            seed: 3,
        };
        check_layer(device, &layer);
        let attention = super::gpu::dispatches() - before;
        check_mlp(device, [27, 16, 24], Activation::Silu, None, 4);
        assert_eq!([attention, super::gpu::dispatches() - before], [4, 6]);
    }
}

#[test]
fn a_rounded_activation_is_half_a_step_off_at_most() {
    // Against the plain product: 127 steps to the largest of a group, and half a step off in each of k terms.
    check(64, (1usize..9, 1usize..9, any::<u64>()), |device, &(n, groups, seed)| {
        let k = groups * 32;
        let mut x = values(seed, n * k, 1.0);
        x.iter_mut().step_by(37).for_each(|outlier| *outlier *= 50.0);
        let (weight, scales) = int8(seed ^ 3, 8, k, 32);
        let got = super::linear_int8(tensor(&x, [n, k], device), int8_matrix(&weight, &scales, [8, k], device));
        let got: Vec<f32> = got.into_data().try_into_vec().expect("f32");
        let want = reference::linear_int8(&x, &weight, &scales, k, 32);
        let plain = reference::widen(&weight, &scales, 32);
        for (at, (got, want)) in got.iter().zip(&want).enumerate() {
            let (token, row) = (&x[at / 8 * k..][..k], &plain[at % 8 * k..][..k]);
            let most = token.chunks(32).zip(row.chunks(32)).map(|(token, row)| {
                let step = token.iter().fold(0.0f32, |most, v| most.max(v.abs())) / 127.0;
                step * 0.501 * row.iter().map(|w| w.abs()).sum::<f32>()
            });
            let most = most.sum::<f32>() + 1e-4;
            assert!((got - want).abs() <= most, "{got} instead of {want}, more than {most} off");
        }
    });
}

#[test]
fn int8_linear_has_the_bits_of_its_reference_for_unusual_values() {
    for device in devices().into_iter().filter(|device| device.kind == DeviceKind::Cpu) {
        let (weight, scales) = int8(7, 16, 96, 32);
        let mut x = values(9, 7 * 96, 1.0);
        // A group of zeros, one below any step, one of huge values, halves of a step, and a negative zero.
        x[..32].fill(0.0);
        x[96..128].fill(1e-38);
        x[96 * 2..][..32].fill(-f32::MAX);
        x[96 * 3..][..4].copy_from_slice(&[127.0, 0.5, -1.5, 2.5]);
        x[96 * 4] = -0.0;
        x[96 * 5..][..32].fill(f32::MIN_POSITIVE);
        let matrix = int8_matrix(&weight, &scales, [16, 96], &device);
        let got = super::linear_int8(tensor(&x, [7, 96], &device), matrix);
        same_bits(got, &reference::linear_bytes(&x, &weight, &scales, 96, 32));
    }
}

#[test]
fn int8_linear_keeps_zero_rows_zero_and_passes_nan_on() {
    let bodies = |device: &Device| if device.kind == DeviceKind::Gpu { 0..SOFTWARE + 1 } else { 0..1 };
    for (device, body) in
        devices().into_iter().flat_map(|device| bodies(&device).map(move |body| (device.clone(), body)))
    {
        let group = group_of(Some(body), 16);
        let (weight, scales) = int8(7, 8, 32, group);
        let mut x = vec![0.0f32; 3 * 32];
        x[64] = f32::NAN;
        x[65] = f32::INFINITY;
        let matrix = int8_matrix(&weight, &scales, [8, 32], &device);
        let got = with_body(Some(body), || super::linear_int8(tensor(&x, [3, 32], &device), matrix));
        let got: Vec<f32> = got.into_data().try_into_vec().expect("f32");
        assert!(got[..16].iter().all(|v| *v == 0.0));
        assert!(got[16..].iter().all(|v| !v.is_finite()), "NaN must not turn into a number");
    }
}

#[test]
fn layer_norm_centres_and_scales_each_row() {
    check(64, (1usize..20, 1usize..200, any::<u64>()), |device, &(n, width, seed)| {
        let (x, gain) = (values(seed, n * width, 3.0), values(seed ^ 1, width, 1.0));
        let got = super::layer_norm(tensor(&x, [n, width], device), tensor(&gain, [width], device), 1e-5);
        close(got, &reference::layer_norm(&x, &gain, 1e-5), 1e-5);
    });
}

#[test]
fn gate_is_activation_times_the_other_half() {
    let activation = prop_oneof![Just(Activation::Silu), Just(Activation::Gelu)];
    check(64, (1usize..10, 1usize..150, activation, any::<u64>()), |device, &(n, inner, activation, seed)| {
        let u = values(seed, n * 2 * inner, 4.0);
        let got = super::gate(tensor(&u, [n, 2 * inner], device), activation);
        close(got, &reference::gate(&u, inner, activation), 1e-6);
    });
}

#[test]
fn take_rows_copies_rows_in_the_order_asked_for() {
    check(32, (1usize..20, 1usize..100, any::<u64>()), |device, &(n, width, seed)| {
        let x = values(seed, n * width, 1.0);
        let rows: Vec<usize> = (0..n).rev().step_by(2).collect();
        let want: Vec<f32> = rows.iter().flat_map(|row| x[row * width..][..width].to_vec()).collect();
        let index = ints(rows.iter().map(|row| *row as i32).collect(), [rows.len()], device);
        close(super::take_rows(tensor(&x, [n, width], device), index), &want, 0.0);
    });
}

#[test]
fn add_adds_and_leaves_its_operands_as_they_are() {
    check(32, (1usize..20, 1usize..100, any::<u64>()), |device, &(n, width, seed)| {
        let (x, y) = (values(seed, n * width, 1.0), values(seed ^ 1, n * width, 1.0));
        let want: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        let (a, b) = (tensor(&x, [n, width], device), tensor(&y, [n, width], device));
        close(super::add(a.clone(), b.clone()), &want, 0.0);
        close(super::add(a.clone(), a.clone()), &x.iter().map(|x| x + x).collect::<Vec<_>>(), 0.0);
        close(a, &x, 0.0);
        close(b, &y, 0.0);
    });
}

/// Returns the queries of the first `limit` tokens of sequences, their tiles, and how long those may be.
fn queries_of(lengths: &[usize], limit: usize, long_tiles: bool) -> (Vec<i32>, Vec<i32>, usize) {
    let tile = TILE_LENGTHS[usize::from(long_tiles)];
    let (mut queries, mut tiles, mut first) = (Vec::new(), Vec::new(), 0);
    for length in lengths {
        let start = queries.len() / 3;
        for position in 0..*length.min(&limit) as i32 {
            queries.extend([position, first, first + *length as i32]);
        }
        let end = queries.len() / 3;
        tiles.extend((start..end).step_by(tile).flat_map(|run| [run as i32, end.min(run + tile) as i32]));
        first += *length as i32;
    }
    (queries, tiles, tile)
}

#[test]
fn attention_sees_its_window_of_its_own_sequence() {
    let half_window = prop_oneof![Just(None), (0usize..9).prop_map(Some), Just(Some(64))];
    // Beyond one block of keys, too.
    let lengths = prop_oneof![prop::collection::vec(1usize..90, 1..4), prop::collection::vec(200usize..600, 1..3)];
    let precision = prop_oneof![Just(Precision::Float), Just(Precision::Int16)];
    // Heads of which a GPU has 32, 16, 8 and 4 keys at once.
    let half_head = prop_oneof![1usize..40, Just(16usize), Just(32), Just(48), Just(70)];
    let heads = (1usize..4, half_head, half_window, precision);
    let inputs = (lengths, heads, 1usize..600, any::<[bool; 2]>(), any::<u64>());
    check(
        128,
        inputs,
        |device, &(ref lengths, (heads, half_head, half_window, precision), limit, [long_tiles, software], seed)| {
            let (queries, tiles, tile) = queries_of(lengths, limit, long_tiles);
            let shape = AttentionShape { heads, head_size: 2 * half_head, half_window, precision, tile };
            let (width, longest) = (heads * shape.head_size, *lengths.iter().max().expect("not empty"));
            let (n_in, n_out, tiles_count) = (lengths.iter().sum::<usize>(), queries.len() / 3, tiles.len() / 2);
            // Rounding 13-bit queries and keys moves a score by a part of itself: scores as a model has them.
            let rounded = device.kind == DeviceKind::Cpu && precision == Precision::Int16;
            let scale = if rounded { 1.0 } else { 2.0 };
            let (q, kv) = (values(seed, n_out * width, scale), values(seed ^ 1, n_in * 2 * width, scale));
            let rope = values(seed ^ 2, longest * shape.head_size, 0.7);
            let want = reference::attention(&q, &kv, &rope, &queries, shape);
            let got = with_adapter(software, || {
                super::attention(
                    tensor(&q, [n_out, width], device),
                    tensor(&kv, [n_in, 2 * width], device),
                    tensor(&rope, [longest, shape.head_size], device),
                    ints(queries, [n_out, 3], device),
                    ints(tiles, [tiles_count, 2], device),
                    shape,
                )
            });
            close(got, &want, if rounded { 2e-3 } else { 2e-5 });
        },
    );
}

/// Returns tests with their names.
macro_rules! named {
    ($($test:path),* $(,)?) => { &[$((stringify!($test), $test as fn())),*] };
}

/// The tests of every build, for WebAssembly, where the harness has no arguments and no output.
const TESTS: &[(&str, fn())] = named![
    linear_is_the_matrix_product,
    linear_of_web_assembly_is_the_matrix_product_and_the_same_in_any_batch,
    int8_linear_is_the_product_with_scaled_weights,
    int8_mlp_is_norm_product_gate_product_and_residual,
    int8_mlp_makes_more_rows_than_a_gpu_binds_at_once,
    a_rounded_activation_is_half_a_step_off_at_most,
    int8_linear_has_the_bits_of_its_reference_for_unusual_values,
    int8_linear_keeps_zero_rows_zero_and_passes_nan_on,
    layer_norm_centres_and_scales_each_row,
    gate_is_activation_times_the_other_half,
    take_rows_copies_rows_in_the_order_asked_for,
    add_adds_and_leaves_its_operands_as_they_are,
    attention_sees_its_window_of_its_own_sequence,
    bias::a_bias_is_added_to_each_row_before_the_activation,
    bias::a_biased_layer_norm_is_a_norm_and_a_bias,
];

/// Returns the names of a file's tests of every build, in their order, behind the path of its module.
fn tests_of_all_builds(source: &str, module: &str) -> Vec<String> {
    let parts: Vec<&str> = source.split("\n#[test]\n").collect();
    let of_all_builds = parts.windows(2).filter(|pair| !pair[0].ends_with("#[cfg(feature = \"gpu\")]"));
    let name = |test: &str| Some(test.trim_start_matches("pub ").strip_prefix("fn ")?.split('(').next()?.to_string());
    of_all_builds.filter_map(|pair| Some(module.to_string() + &name(pair[1])?)).collect()
}

#[test]
fn all_tests_run_as_web_assembly_too() {
    let mut written = tests_of_all_builds(include_str!("tests.rs"), "");
    assert_eq!(written.pop().as_deref(), Some("all_tests_run_as_web_assembly_too"));
    written.extend(tests_of_all_builds(include_str!("tests/bias.rs"), "bias::"));
    assert_eq!(TESTS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), written);
}
