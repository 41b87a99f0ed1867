//! What holds for vectors whatever the model: batching, pooling, dimensions, truncation, formats.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{TINY, checkpoint, devices, difference, engine, goldens};
use felsic::embedder::{EmbedOptions, Embedder, Embedding, Hooks, NoHooks};
use felsic::error::{Code, Error, Result};
use felsic::model::DeviceKind;
use felsic::pack::goldens::compare;
use felsic::pack::{PackOptions, WeightFormat, pack};
use felsic::source::{FolderSource, load_pack};
use felsic::weights::safetensors::{read_all, write};
use felsic::weights::{ElementType, Tensors, quantise_rows_int4};
use pollster::block_on;

fn plain() -> EmbedOptions {
    EmbedOptions { strip: false, ..EmbedOptions::default() }
}

fn embed(embedder: &Embedder, texts: &[String], options: &EmbedOptions) -> Vec<Embedding> {
    block_on(embedder.embed(texts, options, &mut NoHooks)).expect("the texts embed")
}

/// Golden texts of at most 200 tokens, a mixture of lengths.
fn texts(name: &str) -> Vec<String> {
    goldens(name).texts.into_iter().filter(|golden| golden.ids.len() <= 200).map(|golden| golden.text).collect()
}

/// A copy of a fixture with one JSON file changed.
fn changed(name: &str, file: &str, change: impl FnOnce(&mut serde_json::Value)) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    copy_folder(&checkpoint(name), copy.path());
    let path = copy.path().join(file);
    let mut value = serde_json::from_slice(&fs::read(&path).expect("the file is there")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("the copy can be written");
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("the copy can be written");
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the copy can be written");
        }
    }
}

fn pack_engine(checkpoint: &Path, format: WeightFormat, device: DeviceKind) -> Embedder {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("pack");
    let options = PackOptions { weights: format, table: format, ..PackOptions::default() };
    pack(checkpoint, &out, &options, &mut |_| ()).expect("the checkpoint packs");
    block_on(async {
        let parts = load_pack(&FolderSource::new(&out), &mut |_| ()).await.expect("the pack loads");
        Embedder::new(parts, device).await.expect("the device is there")
    })
}

#[test]
fn a_batch_gives_what_single_texts_give_in_the_callers_order() {
    let texts = texts("tiny-gelu");
    for device in devices() {
        let embedder = engine(&checkpoint("tiny-gelu"), device);
        let together = embed(&embedder, &texts, &plain());
        for (text, from_batch) in texts.iter().zip(&together) {
            let alone = embed(&embedder, std::slice::from_ref(text), &plain()).remove(0);
            assert!(difference(&alone.vector, &from_batch.vector) <= 1e-6, "{text:?} on {device:?}");
            assert_eq!(alone.tokens, from_batch.tokens);
        }
    }
}

#[test]
fn no_texts_give_no_vectors_and_an_empty_text_gives_one() {
    let embedder = engine(&checkpoint("tiny-silu"), DeviceKind::Cpu);
    assert!(embed(&embedder, &[], &plain()).is_empty());
    let empty = embed(&embedder, &[String::new(), "  \n".into()], &EmbedOptions::default());
    assert_eq!(empty[0], empty[1], "white space alone is stripped to nothing");
    assert_eq!(empty[0].tokens, 2);
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
        let got = embed(&embedder, &[text.into()], &plain()).remove(0).vector;
        let want = mean_of_normed(states.last().expect("layers"), got.len());
        assert!(difference(&got, &want) <= 1e-6, "on {device:?}");
        got
    });
    let cls = embed(&engine(&checkpoint("tiny-silu"), DeviceKind::Cpu), &[text.into()], &plain()).remove(0).vector;
    for vector in vectors {
        assert!(difference(&vector, &cls) > 1e-2, "mean and CLS differ");
    }
}

/// The final norm (its gain read from the file by its name), the mean over tokens, unit length.
fn mean_of_normed(states: &[f32], hidden: usize) -> Vec<f32> {
    let file = fs::read(checkpoint("tiny-silu").join("model.safetensors")).expect("the fixture is there");
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
    let embedder = engine(&checkpoint("tiny-gemma"), DeviceKind::Cpu);
    let text = ["Der Zug ist pünktlich.".to_string()];
    let full = embed(&embedder, &text, &plain()).remove(0).vector;
    let cut = embed(&embedder, &text, &EmbedOptions { dimensions: Some(24), ..plain() }).remove(0).vector;
    let length = full[..24].iter().map(|v| v * v).sum::<f32>().sqrt();
    let want: Vec<f32> = full[..24].iter().map(|v| v / length).collect();
    assert!(difference(&cut, &want) <= 1e-6);
    for dimensions in [0, full.len() + 1] {
        let options = EmbedOptions { dimensions: Some(dimensions), ..plain() };
        let error = block_on(embedder.embed(&text, &options, &mut NoHooks)).expect_err("refused");
        assert_eq!(error.code(), Code::InputInvalid);
    }
}

#[test]
fn a_long_text_is_cut_to_the_limit_with_its_special_tokens() {
    let short = changed("tiny-silu", "sentence_bert_config.json", |config| config["max_seq_length"] = 32.into());
    let golden = goldens("tiny-silu").texts.into_iter().find(|golden| golden.name == "long_300").expect("is there");
    let (limited, free) = (engine(short.path(), DeviceKind::Cpu), engine(&checkpoint("tiny-silu"), DeviceKind::Cpu));
    let mut want = golden.ids[..31].to_vec();
    want.push(*golden.ids.last().expect("ids"));
    assert_eq!(limited.tokenize(&golden.text, &plain()).expect("no prompt"), want);
    assert_eq!(limited.count_tokens(&golden.text, &plain()).expect("no prompt"), golden.ids.len());
    let got = embed(&limited, std::slice::from_ref(&golden.text), &plain()).remove(0);
    assert!(got.truncated && got.tokens == 32);
    let want = block_on(free.embed_ids(&[want])).expect("ids embed").remove(0);
    assert!(difference(&got.vector, &want) <= 1e-6);
}

#[test]
fn quantised_packs_stay_near_f32_and_every_device_gives_their_vectors() {
    for name in TINY {
        let mut goldens = goldens(name);
        goldens.texts.retain(|golden| golden.ids.len() <= 200);
        for (format, lowest, mean) in [(WeightFormat::Int8, 0.999, 0.9997), (WeightFormat::Int4, 0.85, 0.95)] {
            for device in devices() {
                let embedder = pack_engine(&checkpoint(name), format, device);
                block_on(embedder.self_test()).expect("the pack's own vectors come out");
                let comparison = block_on(compare(&embedder, &goldens, &mut NoHooks)).expect("all texts embed");
                assert!(comparison.is_similar(lowest), "{name} {format:?} on {device:?}: {comparison:?}");
                assert!(comparison.mean_cosine >= mean, "{name} {format:?} on {device:?}: {comparison:?}");
            }
        }
    }
}

/// A copy of a fixture whose matrices hold, in f32, what int4 makes of them.
fn expanded(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    copy_folder(&checkpoint(name), copy.path());
    let file = copy.path().join("model.safetensors");
    let mut tensors = Tensors::default();
    read_all(&fs::read(&file).expect("the fixture is there"), &mut tensors).expect("safetensors");
    let mut written = BTreeMap::new();
    for (name, tensor) in tensors.clone().iter() {
        let mut tensor = tensor.clone();
        if let [rows, cols] = tensor.shape[..] {
            let values = tensors.take_matrix(name, rows, cols).expect("a matrix").into_f32();
            let values = quantise_rows_int4(&values, rows, cols, 32).expect("finite").into_f32();
            tensor.bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            tensor.element = ElementType::F32;
        }
        written.insert(name.clone(), tensor);
    }
    fs::write(file, write(&written).expect("tensors that fit")).expect("the copy can be written");
    copy
}

#[test]
fn an_int4_pack_is_the_model_of_its_expanded_weights() {
    for name in TINY {
        let texts = texts(name);
        let wanted = embed(&engine(expanded(name).path(), DeviceKind::Cpu), &texts, &plain());
        for device in devices() {
            let made = embed(&pack_engine(&checkpoint(name), WeightFormat::Int4, device), &texts, &plain());
            for (made, wanted) in made.iter().zip(&wanted) {
                // Activations of 16 bits and attention in integers, as with int8.
                assert!(difference(&made.vector, &wanted.vector) <= 2e-4, "{name} on {device:?}");
            }
        }
    }
}

#[test]
fn ids_and_lengths_that_the_model_does_not_have_are_refused() {
    let embedder = engine(&checkpoint("tiny-silu"), DeviceKind::Cpu);
    for ids in [vec![1, 2048], vec![], vec![1; 8193]] {
        let error = block_on(embedder.embed_ids(&[ids])).expect_err("refused");
        assert_eq!(error.code(), Code::InputInvalid);
    }
}

/// Aborts at its second pause and counts what was done by then.
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
    let embedder = engine(&checkpoint("tiny-silu"), DeviceKind::Cpu);
    let texts: Vec<String> = (0..40).map(|i| format!("text number {i} ").repeat(20)).collect();
    let mut hooks = Impatient { pauses: 0, done: 0 };
    let error = block_on(embedder.embed(&texts, &plain(), &mut hooks)).expect_err("aborted");
    assert_eq!(error.code(), Code::Aborted);
    assert!(hooks.done > 0 && hooks.done < texts.len(), "stopped in between: {}", hooks.done);
}
