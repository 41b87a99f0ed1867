//! What holds for vectors whatever the model: batching, pooling, dimensions, truncation, formats.

mod support;

use std::fs;
use std::path::Path;

use felsic::embedder::{EmbedOptions, Embedder, Embeddings, Hooks, NoHooks};
use felsic::error::{Code, Error, Result};
use felsic::kernels::simd::Fine;
use felsic::model::DeviceKind;
use felsic::pack::{PackOptions, WeightFormat};
use felsic::verify::goldens::compare;
use felsic::weights::{ElementType, StoredTensor, Tensors, quantise_rows_int4};
use pollster::block_on;
use support::*;

fn plain() -> EmbedOptions {
    EmbedOptions { strip: false, ..EmbedOptions::default() }
}

fn embed<T: AsRef<str>>(embedder: &Embedder, texts: &[T], options: &EmbedOptions) -> Embeddings {
    embedder.embed_with(texts, options).expect("the texts embed")
}

/// Returns the vector of one text.
fn vector(embedder: &Embedder, text: &str) -> Vec<f32> {
    embed(embedder, &[text], &plain()).into_flat()
}

/// Returns golden texts of at most 200 tokens, a mixture of lengths.
fn texts(name: &str) -> Vec<String> {
    goldens(name).texts.into_iter().filter(|golden| golden.ids.len() <= 200).map(|golden| golden.text).collect()
}

fn pack_engine(checkpoint: &Path, format: WeightFormat, device: DeviceKind) -> Embedder {
    let options = PackOptions { weights: format, table: format, ..PackOptions::default() };
    engine_of(load(&packed(checkpoint, &options)).expect("the pack loads"), device)
}

#[test]
fn a_batch_gives_what_single_texts_give_in_the_callers_order() {
    let texts = texts("tiny-gelu");
    for device in devices() {
        let embedder = engine(&model("tiny-gelu"), device);
        let together = embed(&embedder, &texts, &plain());
        for (text, from_batch) in texts.iter().zip(together.iter()) {
            let alone = embed(&embedder, &[text], &plain());
            assert!(difference(&alone[0], from_batch.vector) <= 1e-6, "{text:?} on {device:?}");
            assert_eq!(alone.iter().next().map(|alone| alone.tokens), Some(from_batch.tokens));
        }
    }
}

#[test]
fn no_texts_give_no_vectors_and_an_empty_text_gives_one() {
    let embedder = engine(&model("tiny-silu"), DeviceKind::Cpu);
    assert!(embed::<&str>(&embedder, &[], &plain()).is_empty());
    let empty = embed(&embedder, &["", "  \n"], &EmbedOptions::default());
    assert_eq!(empty[0], empty[1], "white space alone is stripped to nothing");
    assert!(empty.len() == 2 && empty.iter().all(|empty| empty.tokens == 2));
}

#[test]
fn mean_pooling_is_the_mean_of_all_tokens() {
    let mean = changed("tiny-silu", "1_Pooling/config.json", |config| {
        config["pooling_mode_cls_token"] = false.into();
        config["pooling_mode_mean_tokens"] = true.into();
    });
    let text = "A cat sleeps on the warm windowsill.";
    let vectors = devices().into_iter().map(|device| {
        let embedder = engine(mean.path(), device);
        let ids = embedder.tokenize(text, &plain()).expect("no prompt");
        let states = block_on(embedder.hidden_states(&ids)).expect("the states come");
        let got = vector(&embedder, text);
        let want = mean_of_normed(states.last().expect("layers"), got.len());
        assert!(difference(&got, &want) <= 1e-6, "on {device:?}");
        got
    });
    let cls = vector(&engine(&model("tiny-silu"), DeviceKind::Cpu), text);
    for vector in vectors {
        assert!(difference(&vector, &cls) > 1e-2, "mean and CLS differ");
    }
}

/// Applies the final norm (its gain read from the file by its name), the mean over tokens, unit length.
fn mean_of_normed(states: &[f32], hidden: usize) -> Vec<f32> {
    let file = fs::read(model("tiny-silu").join("model.safetensors")).expect("the fixture is there");
    let file = safetensors::SafeTensors::deserialize(&file).expect("safetensors");
    let gain = file.tensor("final_norm.weight").expect("the norm is there");
    assert_eq!(gain.dtype(), safetensors::Dtype::BF16);
    let gain: Vec<f64> =
        gain.data().as_chunks::<2>().0.iter().map(|b| f64::from(half::bf16::from_le_bytes(*b).to_f32())).collect();
    let mut sum = vec![0.0; hidden];
    for row in states.chunks_exact(hidden) {
        let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / hidden as f64;
        let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / hidden as f64;
        for ((sum, v), gain) in sum.iter_mut().zip(row).zip(&gain) {
            *sum += (f64::from(*v) - mean) / (variance + 1e-5).sqrt() * gain;
        }
    }
    let length = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
    sum.iter().map(|v| (v / length) as f32).collect()
}

#[test]
fn fewer_dimensions_are_the_first_ones_at_unit_length() {
    let embedder = engine(&model("tiny-gemma"), DeviceKind::Cpu);
    let text = ["Der Zug ist pünktlich."];
    let full = vector(&embedder, text[0]);
    let cut = embed(&embedder, &text, &EmbedOptions { dimensions: Some(24), ..plain() }).into_flat();
    let length = full[..24].iter().map(|v| v * v).sum::<f32>().sqrt();
    let want: Vec<f32> = full[..24].iter().map(|v| v / length).collect();
    assert!(difference(&cut, &want) <= 1e-6);
    for dimensions in [0, full.len() + 1] {
        let options = EmbedOptions { dimensions: Some(dimensions), ..plain() };
        let error = embedder.embed_with(&text, &options).expect_err("refused");
        assert_eq!(error.code(), Code::InputInvalid);
    }
}

#[test]
fn a_long_text_is_cut_to_the_limit_with_its_special_tokens() {
    let short = changed("tiny-silu", "sentence_bert_config.json", |config| config["max_seq_length"] = 32.into());
    let golden = goldens("tiny-silu").texts.into_iter().find(|golden| golden.name == "long_300").expect("is there");
    let (limited, free) = (engine(short.path(), DeviceKind::Cpu), engine(&model("tiny-silu"), DeviceKind::Cpu));
    let mut want = golden.ids[..31].to_vec();
    want.push(*golden.ids.last().expect("ids"));
    assert_eq!(limited.tokenize(&golden.text, &plain()).expect("no prompt"), want);
    assert_eq!(limited.count_tokens(&golden.text, &plain()).expect("no prompt"), golden.ids.len());
    let got = embed(&limited, &[&golden.text], &plain());
    assert!(got.iter().all(|got| got.truncated && got.tokens == 32));
    let want = block_on(free.embed_ids(&[want])).expect("ids embed");
    assert!(difference(&got[0], &want[0]) <= 1e-6);
}

#[test]
fn quantised_packs_stay_near_f32_and_every_device_gives_their_vectors() {
    for name in TINY {
        let mut goldens = goldens(name);
        goldens.texts.retain(|golden| golden.ids.len() <= 200);
        for (format, lowest, mean) in [(WeightFormat::Int8, 0.999, 0.9996), (WeightFormat::Int4, 0.85, 0.95)] {
            for device in devices() {
                let embedder = pack_engine(&model(name), format, device);
                block_on(embedder.self_test()).expect("the pack's own vectors come out");
                let comparison = block_on(compare(&embedder, &goldens, &mut NoHooks)).expect("all texts embed");
                assert!(comparison.is_similar(lowest), "{name} {format:?} on {device:?}: {comparison:?}");
                assert!(comparison.mean_cosine >= mean, "{name} {format:?} on {device:?}: {comparison:?}");
            }
        }
    }
}

/// Copies a fixture with other values, in f32, in the tensors that `change` returns some for; it has all of them.
fn copy_with(name: &str, change: impl Fn(&mut Tensors, &str, &StoredTensor) -> Option<Vec<f32>>) -> tempfile::TempDir {
    let copy = copy_of(name);
    let file = copy.path().join("model.safetensors");
    let mut written = read_tensors(&file);
    let mut tensors = Tensors::default();
    for (name, tensor) in &written {
        tensors.insert(name.clone(), tensor.clone()).expect("one of a name");
    }
    for (name, tensor) in &mut written {
        if let Some(values) = change(&mut tensors, name, tensor) {
            tensor.bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            tensor.element = ElementType::F32;
        }
    }
    write_tensors(&file, &written);
    copy
}

/// Copies a fixture as the same model with outliers: in three channels, norms have 50 times their gain, and the columns that read them
/// a 50th of their weights.
fn with_outliers(name: &str) -> tempfile::TempDir {
    copy_with(name, |tensors, name, tensor| {
        let norm = name.replace("attn.Wqkv", "attn_norm").replace("mlp.Wi", "mlp_norm");
        let is_norm = norm == name && (name.contains("attn_norm") || name.contains("mlp_norm"));
        if !is_norm && (norm == name || tensors.get(&norm).is_none()) {
            return None;
        }
        let cols = *tensor.shape.last().expect("a dimension");
        let rows = tensor.shape.iter().product::<usize>() / cols;
        let mut values = match is_norm {
            true => tensors.take_vector(name, cols).expect("a norm"),
            false => tensors.take_matrix(name, rows, cols).expect("a matrix").into_f32(),
        };
        for row in values.chunks_exact_mut(cols) {
            for channel in [3, cols / 2, cols - 5] {
                row[channel] *= if is_norm { 50.0 } else { 1.0 / 50.0 };
            }
        }
        Some(values)
    })
}

#[test]
fn outliers_of_norms_cost_an_int8_pack_nothing() {
    for name in TINY {
        let (checkpoint, mut goldens) = (with_outliers(name), goldens(name));
        goldens.texts.retain(|golden| golden.ids.len() <= 200);
        let exact = block_on(compare(&engine(checkpoint.path(), DeviceKind::Cpu), &goldens, &mut NoHooks));
        assert!(exact.expect("all texts embed").difference <= 1e-5, "{name}: the same model in f32");
        let embedder = pack_engine(checkpoint.path(), WeightFormat::Int8, DeviceKind::Cpu);
        let comparison = block_on(compare(&embedder, &goldens, &mut NoHooks)).expect("all texts embed");
        assert!(comparison.is_similar(0.999) && comparison.mean_cosine >= 0.9996, "{name}: {comparison:?}");
    }
}

/// Copies a fixture, with matrices that hold, in f32, what int4 makes of them.
fn expanded(name: &str) -> tempfile::TempDir {
    copy_with(name, |tensors, name, tensor| {
        let [rows, cols] = tensor.shape[..] else { return None };
        let values = tensors.take_matrix(name, rows, cols).expect("a matrix").into_f32();
        Some(quantise_rows_int4(&values, rows, cols, 32).expect("finite").into_f32())
    })
}

#[test]
fn an_int4_pack_is_the_model_of_its_expanded_weights() {
    for name in TINY {
        let texts = texts(name);
        let wanted = embed(&engine(expanded(name).path(), DeviceKind::Cpu), &texts, &plain());
        for device in devices() {
            // 8-bit activations alone move vectors a hundred times as far.
            let _fine = Fine::new();
            let made = embed(&pack_engine(&model(name), WeightFormat::Int4, device), &texts, &plain());
            for (made, wanted) in made.vectors().zip(wanted.vectors()) {
                // Attention in integers, as with int8, and activations rounded twice.
                assert!(difference(made, wanted) <= 2e-4, "{name} on {device:?}");
            }
        }
    }
}

#[test]
fn ids_and_lengths_that_the_model_does_not_have_are_refused() {
    let embedder = engine(&model("tiny-silu"), DeviceKind::Cpu);
    for ids in [vec![1, 2048], vec![], vec![1; 8193]] {
        let error = block_on(embedder.embed_ids(&[ids])).expect_err("refused");
        assert_eq!(error.code(), Code::InputInvalid);
    }
}

/// Hooks that abort at their second pause and count what was done by then.
struct Impatient {
    pauses: usize,
    done: usize,
}

impl Hooks for Impatient {
    fn progress(&mut self, done: usize, _total: usize) {
        self.done = done;
    }

    async fn pause(&mut self) -> Result<()> {
        self.pauses += 1;
        match self.pauses {
            1 => Ok(()),
            _ => Err(Error::new(Code::Aborted, "enough")),
        }
    }
}

#[test]
fn a_hook_can_abort_between_batches() {
    let embedder = engine(&model("tiny-silu"), DeviceKind::Cpu);
    let texts: Vec<String> = (0..40).map(|i| format!("text number {i} ").repeat(20)).collect();
    let mut hooks = Impatient { pauses: 0, done: 0 };
    let error = block_on(embedder.embed_hooked(&texts, &plain(), &mut hooks)).expect_err("aborted");
    assert_eq!(error.code(), Code::Aborted);
    assert!(hooks.done > 0 && hooks.done < texts.len(), "stopped in between: {}", hooks.done);
}
