//! Every body of every kernel against its plain reference body, over random shapes, tails included.
//!
//! The GPU half needs a Vulkan, Metal or DirectX 12 adapter (Mesa's software one is enough); it is left
//! out only where `FELSIC_SKIP_GPU` is set.

use burn::tensor::{DType, Int, Tensor, TensorData};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{AttentionShape, Int8Matrix, MlpShape, Precision, reference};
use crate::config::Activation;
use crate::model::{Device, DeviceKind};

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

#[test]
fn linear_is_the_matrix_product() {
    check(64, (1usize..70, 1usize..90, 1usize..70, any::<u64>()), |device, &(n, k, m, seed)| {
        let (x, w) = (values(seed, n * k, 1.0), values(seed ^ 1, m * k, 0.5));
        let got = super::linear(tensor(&x, [n, k], device), tensor(&w, [m, k], device));
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
            let words = weight.chunks_exact(4).map(|four| i32::from_le_bytes(std::array::from_fn(|i| four[i] as u8)));
            ints(words.collect(), [m, k / 4], device)
        }
    };
    Int8Matrix { weight, scales: tensor(&scales, [m, scales.len() / m], device) }
}

#[test]
fn int8_linear_is_the_product_with_scaled_weights() {
    let group = prop_oneof![Just(4usize), Just(8), Just(12), Just(16), Just(32), Just(64), Just(1040)];
    check(64, (1usize..120, 1usize..5, 1usize..10, group, any::<u64>()), |device, &(n, groups, bands, group, seed)| {
        let (k, m) = (groups * group, 8 * bands);
        let x = values(seed, n * k, 1.0);
        let (weight, scales) = int8(seed ^ 3, m, k, group);
        let got = super::linear_int8(tensor(&x, [n, k], device), int8_matrix(&weight, &scales, [m, k], device));
        // The CPU rounds activations to 16 bits: half a step of the largest value in 32767, in each of k terms.
        close(got, &reference::linear_int8(&x, &weight, &scales, k, group), 1e-4);
    });
}

#[test]
fn int8_mlp_is_norm_product_gate_product_and_residual() {
    let activation = prop_oneof![Just(Activation::Silu), Just(Activation::Gelu)];
    let inputs = (1usize..120, 1usize..10, 1usize..10, activation, any::<u64>());
    check(48, inputs, |device, &(n, hidden, inner, activation, seed)| {
        let (hidden, inner, group) = (8 * hidden, 8 * inner, 8);
        let (x, gain) = (values(seed, n * hidden, 2.0), values(seed ^ 1, hidden, 1.0));
        let (wide, wide_scales) = int8(seed ^ 2, 2 * inner, hidden, group);
        let (narrow, narrow_scales) = int8(seed ^ 3, hidden, inner, group);
        let plain = |weight: &[i8], scales: &[f32]| reference::widen(weight, scales, group);
        let (plain_wide, plain_narrow) = (plain(&wide, &wide_scales), plain(&narrow, &narrow_scales));
        let want = reference::mlp(&x, &gain, &plain_wide, &plain_narrow, 1e-5, activation);
        let got = super::mlp_int8(
            tensor(&x, [n, hidden], device),
            tensor(&gain, [hidden], device),
            int8_matrix(&wide, &wide_scales, [2 * inner, hidden], device),
            int8_matrix(&narrow, &narrow_scales, [hidden, inner], device),
            MlpShape { eps: 1e-5, activation },
        );
        // Activations are rounded twice, and the gate multiplies the error of the first rounding.
        close(got, &want, 3e-4);
    });
}

#[test]
fn int8_linear_keeps_zero_rows_zero_and_passes_nan_on() {
    for device in devices() {
        let (weight, scales) = int8(7, 8, 32, 16);
        let mut x = vec![0.0f32; 3 * 32];
        x[64] = f32::NAN;
        x[65] = f32::INFINITY;
        let matrix = int8_matrix(&weight, &scales, [8, 32], &device);
        let got = super::linear_int8(tensor(&x, [3, 32], &device), matrix);
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

#[test]
fn attention_sees_its_window_of_its_own_sequence() {
    let half_window = prop_oneof![Just(None), (0usize..9).prop_map(Some), Just(Some(64))];
    // Beyond one block of keys, too.
    let lengths = prop_oneof![prop::collection::vec(1usize..90, 1..4), prop::collection::vec(200usize..600, 1..3)];
    let precision = prop_oneof![Just(Precision::Float), Just(Precision::Int16)];
    let heads = (1usize..4, 1usize..40, half_window, precision);
    let inputs = (lengths, heads, 1usize..600, any::<u64>());
    check(96, inputs, |device, &(ref lengths, (heads, half_head, half_window, precision), limit, seed)| {
        let shape = AttentionShape { heads, head_size: 2 * half_head, half_window, precision };
        let (width, longest) = (heads * shape.head_size, *lengths.iter().max().expect("not empty"));
        let (mut queries, mut positions, mut first) = (Vec::new(), Vec::new(), 0);
        for length in lengths {
            positions.extend(0..*length as i32);
            for position in 0..*length.min(&limit) as i32 {
                queries.extend([position, first, first + *length as i32]);
            }
            first += *length as i32;
        }
        let (n_in, n_out) = (positions.len(), queries.len() / 3);
        // Rounding 13-bit queries and keys moves a score by a part of itself: scores as a model has them.
        let rounded = device.kind == DeviceKind::Cpu && precision == Precision::Int16;
        let scale = if rounded { 1.0 } else { 2.0 };
        let (q, kv) = (values(seed, n_out * width, scale), values(seed ^ 1, n_in * 2 * width, scale));
        let rope = values(seed ^ 2, longest * shape.head_size, 0.7);
        let want = reference::attention(&q, &kv, &rope, &queries, shape);
        let got = super::attention(
            tensor(&q, [n_out, width], device),
            tensor(&kv, [n_in, 2 * width], device),
            tensor(&rope, [longest, shape.head_size], device),
            ints(queries, [n_out, 3], device),
            ints(positions, [n_in], device),
            shape,
        );
        close(got, &want, if rounded { 2e-3 } else { 2e-5 });
    });
}
