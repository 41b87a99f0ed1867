//! A whole model on a GPU: what it compiles and when, and that every body makes the same vectors.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};

use super::{Batch, Device, DeviceKind, Encoder, Plan};
use crate::config::{Activation, Architecture, LayerKind, ModelConfig};
use crate::kernels::gpu::{self, Adapter, FORCED_ADAPTER, FORCED_BINDING};
use crate::kernels::read;
use crate::kernels::simd::Fine;
use crate::weights::{ElementType, StoredTensor, Tensors, scales_name};

fn config(architecture: Architecture) -> ModelConfig {
    let is_bert = architecture == Architecture::Bert;
    ModelConfig {
        architecture,
        token_types: usize::from(is_bert),
        first_position: 0,
        vocab_size: 10,
        hidden_size: 64,
        num_heads: 2,
        intermediate_size: 96,
        activation: Activation::Silu,
        layers: vec![LayerKind::Global, if is_bert { LayerKind::Global } else { LayerKind::Local }, LayerKind::Global],
        local_attention: 16,
        max_positions: 1024,
        global_rope_theta: 1e4,
        local_rope_theta: 1e4,
        norm_eps: 1e-5,
    }
}

/// Makes numbers between -1 and 1, the same for the same seed.
fn numbers(seed: u32, count: usize) -> impl Iterator<Item = f32> {
    let mix = |value: u32| (value ^ (value >> 15)).wrapping_mul(0x2C1B_3C6D);
    (0..count as u32).map(move |at| (mix(mix(at ^ seed.wrapping_mul(0x9E37_79B9))) >> 8) as f32 / 8_388_608.0 - 1.0)
}

fn vector(values: impl Iterator<Item = f32>, shape: &[usize]) -> StoredTensor {
    StoredTensor {
        element: ElementType::F32,
        shape: shape.to_vec(),
        bytes: values.flat_map(f32::to_le_bytes).collect(),
    }
}

/// Makes the tensors of a model: matrices in int8 with a scale for each 32 values, or in f32.
fn tensors(config: &ModelConfig, int8: bool) -> Tensors {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut tensors = Tensors::default();
    let mut seed = 0;
    let mut put = |name: String, shape: &[usize]| {
        seed += 1;
        let count = shape.iter().product();
        if let ([rows, cols], true) = (shape, int8) {
            let bytes = numbers(seed, count).map(|value| (value * 127.0) as i8 as u8).collect();
            let scale =
                numbers(seed + 1000, rows * cols / 32).map(|value| (value + 2.0) / 127.0 / (*cols as f32).sqrt());
            tensors.insert(scales_name(&name), vector(scale, &[*rows, cols / 32])).expect("new");
            tensors.insert(name, StoredTensor { element: ElementType::I8, shape: shape.to_vec(), bytes }).expect("new");
        } else if let [_, cols] = shape {
            let scale = 2.0 / (*cols as f32).sqrt();
            tensors.insert(name, vector(numbers(seed, count).map(|value| value * scale), shape)).expect("new");
        } else {
            tensors.insert(name, vector(numbers(seed, count).map(|value| 1.0 + value / 4.0), shape)).expect("new");
        }
    };
    if config.architecture == Architecture::Bert {
        put_bert(config, put);
        return tensors;
    }
    put("embeddings.norm.weight".to_string(), &[hidden]);
    put("final_norm.weight".to_string(), &[hidden]);
    for index in 0..config.layers.len() {
        let name = |part: &str| format!("layers.{index}.{part}.weight");
        if index > 0 {
            put(name("attn_norm"), &[hidden]);
        }
        put(name("mlp_norm"), &[hidden]);
        put(name("attn.Wqkv"), &[3 * hidden, hidden]);
        put(name("attn.Wo"), &[hidden, hidden]);
        put(name("mlp.Wi"), &[2 * inner, hidden]);
        put(name("mlp.Wo"), &[hidden, inner]);
    }
    tensors
}

/// Makes the tensors of a BERT.
fn put_bert(config: &ModelConfig, mut put: impl FnMut(String, &[usize])) {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    put("embeddings.position_embeddings.weight".to_string(), &[config.max_positions, hidden]);
    put("embeddings.token_type_embeddings.weight".to_string(), &[config.token_types, hidden]);
    let mut with_bias = |name: String, shape: &[usize]| {
        put(format!("{name}.weight"), shape);
        put(format!("{name}.bias"), &shape[..1]);
    };
    with_bias("embeddings.LayerNorm".to_string(), &[hidden]);
    for index in 0..config.layers.len() {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
            with_bias(name(part), &[hidden, hidden]);
        }
        with_bias(name("attention.output.LayerNorm"), &[hidden]);
        with_bias(name("intermediate.dense"), &[inner, hidden]);
        with_bias(name("output.dense"), &[hidden, inner]);
        with_bias(name("output.LayerNorm"), &[hidden]);
    }
}

fn load(architecture: Architecture, int8: bool, kind: DeviceKind) -> Encoder {
    load_config(&config(architecture), int8, kind)
}

fn load_config(config: &ModelConfig, int8: bool, kind: DeviceKind) -> Encoder {
    let device = pollster::block_on(Device::open(kind)).expect("a device");
    Encoder::load(config, &mut tensors(config, int8), &device).expect("a model")
}

/// Computes the first hidden state of each sequence, or all of them.
fn states(encoder: &Encoder, lengths: &[usize], leading: Option<usize>) -> Vec<f32> {
    let (batch, plan) = (Batch::new(lengths.to_vec()), Plan::new(encoder.config(), leading));
    let rows = numbers(77, batch.rows(plan.embedded()) * encoder.config().hidden_size).collect();
    let made = encoder.forward(rows, &batch, &plan).expect("sound input");
    pollster::block_on(read(made)).expect("values").try_into_vec().expect("f32")
}

fn is_skipped() -> bool {
    std::env::var_os("FELSIC_SKIP_GPU").is_some()
}

/// Batches for each of the bodies and for tiles of both lengths.
const BATCHES: [&[usize]; 4] = [&[5], &[16, 8], &[40, 30], &[600, 3, 64]];

#[test]
fn nothing_is_compiled_after_a_model_is_loaded() {
    if is_skipped() {
        return;
    }
    // With int8 weights: products, attention and norm; with f32 weights also gate or bias, chosen rows and sums.
    let kinds = [
        (Adapter::Gpu, true, 3 + 2),
        // And activations to bytes.
        (Adapter::Bytes, true, 2 + 3),
        (Adapter::Software, true, 1 + 2),
        (Adapter::Gpu, false, 3 + 5),
        (Adapter::Bytes, false, 3 + 5),
        (Adapter::Software, false, 1 + 5),
    ];
    for (architecture, (adapter, int8, want)) in both(kinds) {
        // A thread has counted nothing yet.
        let count = move || {
            FORCED_ADAPTER.set(Some(adapter));
            let encoder = load(architecture, int8, DeviceKind::Gpu);
            let loaded = gpu::pipelines();
            for (lengths, leading) in BATCHES.iter().flat_map(|lengths| [(lengths, Some(1)), (lengths, None)]) {
                states(&encoder, lengths, leading);
            }
            (loaded, gpu::pipelines())
        };
        let counted = std::thread::spawn(count).join().expect("a count");
        assert_eq!(counted, (want, want), "{architecture:?} on {adapter:?}, int8: {int8}");
    }
}

/// Returns each of `kinds` with both architectures.
fn both<T: Copy, const N: usize>(kinds: [T; N]) -> impl Iterator<Item = (Architecture, T)> {
    let architectures = [Architecture::ModernBert, Architecture::Bert];
    architectures.into_iter().flat_map(move |architecture| kinds.map(|kind| (architecture, kind)))
}

#[test]
fn a_layer_takes_six_dispatches_with_int8_weights_and_eight_with_bytes_and_two_norms_more_in_bert() {
    if is_skipped() {
        return;
    }
    let kinds = [(Adapter::Gpu, 6), (Adapter::Bytes, 8), (Adapter::Software, 6)];
    for (architecture, (adapter, of_layer)) in both(kinds) {
        FORCED_ADAPTER.set(Some(adapter));
        let encoder = load(architecture, true, DeviceKind::Gpu);
        // Three layers and the norms before and after them; BERT has none after them.
        let want = match architecture {
            Architecture::ModernBert => 3 * of_layer + 2,
            Architecture::Bert => 3 * (of_layer + 2) + 1,
        };
        for lengths in BATCHES {
            let before = gpu::dispatches();
            states(&encoder, lengths, Some(1));
            assert_eq!(gpu::dispatches() - before, want);
        }
        FORCED_ADAPTER.set(None);
    }
}

/// Returns the largest difference of two devices' states.
fn largest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
fn a_model_gives_the_same_vectors_on_every_adapter() {
    if is_skipped() {
        return;
    }
    for (architecture, int8) in both([true, false]) {
        let [cpu, gpu] = [DeviceKind::Cpu, DeviceKind::Gpu].map(|kind| load(architecture, int8, kind));
        // The CPU rounds the activations that int8 weights are multiplied by, here twice.
        let _fine = Fine::new();
        let tolerance = if int8 { 1e-2 } else { 1e-4 };
        // Long tiles are the same to both.
        let batches = if architecture == Architecture::Bert { &BATCHES[..3] } else { &BATCHES[..] };
        for (lengths, leading) in batches.iter().flat_map(|lengths| [(lengths, Some(1)), (lengths, None)]) {
            let want = states(&cpu, lengths, leading);
            for adapter in [Adapter::Gpu, Adapter::Bytes, Adapter::Software] {
                FORCED_ADAPTER.set(Some(adapter));
                let got = states(&gpu, lengths, leading);
                FORCED_ADAPTER.set(None);
                let largest = largest(&want, &got);
                assert!(largest < tolerance, "{architecture:?}, {lengths:?} on {adapter:?}: {largest:e}");
            }
        }
    }
}

/// The longest text and the widest hidden states of the family, and how wide a BERT of that width is inside.
const LONGEST: usize = 32_768;

fn widest(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        hidden_size: 768,
        num_heads: 12,
        intermediate_size: if architecture == Architecture::Bert { 3072 } else { 1152 },
        layers: config(architecture).layers[..2].to_vec(),
        local_attention: 128,
        max_positions: LONGEST,
        ..config(architecture)
    }
}

/// Returns how many bytes the largest binding has where the longest text is computed; nothing is.
fn largest_of_longest(encoder: &Encoder, leading: Option<usize>) -> u64 {
    let (batch, plan) = (Batch::new(vec![LONGEST]), Plan::new(encoder.config(), leading));
    let rows = vec![0.0; LONGEST * encoder.config().hidden_size];
    let (done, largest) = gpu::largest_binding(|| gpu::dry(|| encoder.forward(rows, &batch, &plan).map(drop)));
    done.expect("sound input");
    largest
}

#[test]
fn nothing_of_the_longest_text_exceeds_the_default_binding() {
    if is_skipped() {
        return;
    }
    const MOST: u64 = 128 << 20;
    let adapters = [Adapter::Gpu, Adapter::Bytes, Adapter::Software];
    for (architecture, int8) in both([true, false]) {
        let encoder = load_config(&widest(architecture), int8, DeviceKind::Gpu);
        for (adapter, leading) in adapters.into_iter().flat_map(|adapter| [(adapter, Some(1)), (adapter, None)]) {
            FORCED_ADAPTER.set(Some(adapter));
            let largest = largest_of_longest(&encoder, leading);
            FORCED_BINDING.set(Some(usize::MAX));
            let in_one = largest_of_longest(&encoder, leading);
            FORCED_BINDING.set(None);
            FORCED_ADAPTER.set(None);
            let are_parts_needed = largest <= MOST && in_one > MOST;
            assert!(are_parts_needed, "{architecture:?} on {adapter:?}, int8: {int8}: {largest}, {in_one} bytes");
        }
    }
}

#[test]
fn a_model_in_parts_gives_the_bits_of_the_whole() {
    if is_skipped() {
        return;
    }
    let kinds: Vec<_> = both([true, false]).map(|(kind, int8)| load(kind, int8, DeviceKind::Gpu)).collect();
    let adapter = prop_oneof![Just(Adapter::Gpu), Just(Adapter::Bytes), Just(Adapter::Software)];
    let lengths = prop::collection::vec(1usize..200, 1..4);
    let inputs = (0..kinds.len(), adapter, lengths, prop_oneof![Just(None), Just(Some(1usize))], 0usize..32);
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(Default::default()));
    let run = runner.run(&inputs, |(kind, adapter, lengths, leading, more)| {
        let encoder = &kinds[kind];
        // Room for the hidden states of each layer, which is that for keys and values of one of two heads.
        let most = (encoder.config().hidden_size + more) * lengths.iter().sum::<usize>();
        let bits = || {
            let before = gpu::dispatches();
            let (made, largest) = gpu::largest_binding(|| states(encoder, &lengths, leading));
            let bits: Vec<u32> = made.iter().map(|value| value.to_bits()).collect();
            (bits, gpu::dispatches() - before, largest as usize / size_of::<f32>())
        };
        FORCED_ADAPTER.set(Some(adapter));
        let (whole, dispatches, _) = bits();
        FORCED_BINDING.set(Some(most));
        let (parts, more_dispatches, largest) = bits();
        FORCED_BINDING.set(None);
        FORCED_ADAPTER.set(None);
        prop_assert_eq!(whole, parts);
        prop_assert!(more_dispatches > dispatches);
        // What does not grow with a text: the largest matrix, and the tables of positions.
        let fixed = encoder.config().max_positions * encoder.config().head_size();
        prop_assert!(largest <= most.max(fixed), "{} values", largest);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}
