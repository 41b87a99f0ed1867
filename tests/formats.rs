//! Formats: configs, weights, packs. What goes in comes out, to the bit or within a stated bound.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use felsic::config::{Activation, EmbedderConfig, LayerKind, ModelConfig, Pooling, TABLE};
use felsic::error::{Code, Result};
use felsic::pack::{Group, PackOptions, WeightFormat, pack};
use felsic::source::{Phase, load_pack, open_checkpoint, read_config};
use felsic::weights::{ElementType, HalfType, Manifest, Matrix, SHARD_BYTES, StoredTensor, Table, Tensors, quantise_rows};
use half::{bf16, f16};
use proptest::prelude::*;
use support::*;

fn f32_options() -> PackOptions {
    PackOptions { weights: WeightFormat::F32, table: WeightFormat::F32, ..PackOptions::default() }
}

// ---------------------------------------------------------------- quantising

/// Values of very different magnitudes, with zeros among them.
fn values(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let value = (-1.0f32..1.0, -30i32..22, any::<bool>());
    prop::collection::vec(value, count).prop_map(|parts| {
        parts.into_iter().map(|(value, power, zero)| if zero { 0.0 } else { value * 2f32.powi(power) }).collect()
    })
}

fn quantised(rows: usize, groups: usize, group: usize) -> impl Strategy<Value = (usize, usize, usize, Vec<f32>)> {
    (Just(rows), Just(groups * group), Just(group), values(rows * groups * group))
}

proptest! {
    #[test]
    fn quantised_values_come_back_within_half_a_scale(
        (rows, cols, group, values) in (1usize..5, 1usize..4, 1usize..40).prop_flat_map(|(r, g, n)| quantised(r, g, n))
    ) {
        let matrix = quantise_rows(&values, rows, cols, group).expect("finite values");
        let Matrix::Int8 { values: ref integers, ref scales, .. } = matrix else { panic!("int8") };
        prop_assert!(integers.iter().all(|integer| *integer != -128));
        prop_assert_eq!(scales.len(), rows * cols / group);
        for (scale, part) in scales.iter().zip(values.chunks(group)) {
            prop_assert_eq!(f16::from_f32(*scale).to_f32(), *scale);
            let largest = part.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            // No coarser than needed, but for what f16 cannot express.
            prop_assert!(*scale <= (largest / 127.0 * 1.001).max(2f32.powi(-24) + largest / 127.0 * 1.001));
        }
        let back = matrix.clone().into_f32();
        for (at, (value, back)) in values.iter().zip(&back).enumerate() {
            prop_assert!((value - back).abs() <= scales[at / group] * 0.500001, "{value} came back as {back}");
        }
    }
}

#[test]
fn what_int8_cannot_hold_is_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9] {
        let error = quantise_rows(&[0.0, bad, 1.0, 2.0], 1, 4, 4).expect_err("not representable");
        assert_eq!(error.code(), Code::WeightsInvalid);
    }
    for (rows, cols, group) in [(1, 4, 0), (1, 4, 3), (2, 4, 4), (usize::MAX, 4, 4)] {
        assert_eq!(quantise_rows(&[1.0; 4], rows, cols, group).expect_err("misfit").code(), Code::InputInvalid);
    }
    let zeros = quantise_rows(&[0.0; 8], 2, 4, 4).expect("zeros");
    assert_eq!(zeros.into_f32(), [0.0; 8]);
}

#[test]
fn a_group_falls_back_to_what_divides_the_width() {
    assert_eq!(Group::Columns(32).of(384), 32);
    assert_eq!(Group::Columns(64).of(96), 32);
    assert_eq!(Group::Columns(32).of(48), 16);
    assert_eq!(Group::Columns(32).of(40), 8);
    assert_eq!(Group::Columns(32).of(42), 42);
    assert_eq!(Group::Row.of(384), 384);
}

// ---------------------------------------------------------------- tensors and the table

fn stored(element: ElementType, shape: &[usize], values: &[f32]) -> StoredTensor {
    let bytes = match element {
        ElementType::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ElementType::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        ElementType::BF16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        ElementType::I8 => values.iter().map(|v| *v as i8 as u8).collect(),
    };
    StoredTensor { element, shape: shape.to_vec(), bytes }
}

fn tensors(list: Vec<(&str, StoredTensor)>) -> Tensors {
    let mut tensors = Tensors::default();
    list.into_iter().try_for_each(|(name, tensor)| tensors.insert(name.to_string(), tensor)).expect("tensors that fit");
    tensors
}

#[test]
fn matrices_widen_to_f32_and_int8_stays() {
    let values = [1.0, -2.5, 0.125, 96.0];
    for element in [ElementType::F32, ElementType::F16, ElementType::BF16] {
        let mut one = tensors(vec![("m", stored(element, &[2, 2], &values))]);
        let matrix = one.take_matrix("m", 2, 2).expect("a matrix");
        assert_eq!(matrix, Matrix::F32 { rows: 2, cols: 2, values: values.to_vec() });
        assert_eq!(one.take_matrix("m", 2, 2).expect_err("taken").code(), Code::TensorMissing);
    }
    let scales = stored(ElementType::F16, &[2, 1], &[0.5, 2.0]);
    let mut one = tensors(vec![("m", stored(ElementType::I8, &[2, 2], &[1.0, -127.0, 0.0, 5.0])), ("m.scales", scales)]);
    assert_eq!(one.take_matrix("m", 2, 2).expect("a matrix").into_f32(), [0.5, -63.5, 0.0, 10.0]);
}

#[test]
fn a_tensor_that_does_not_fit_is_refused_with_its_own_code() {
    let int8 = || stored(ElementType::I8, &[2, 4], &[1.0; 8]);
    let scales = |element, shape: &[usize], value| stored(element, shape, &vec![value; shape.iter().product()]);
    let cases = [
        (vec![], Code::TensorMissing),
        (vec![("m", stored(ElementType::F32, &[4, 2], &[1.0; 8]))], Code::TensorShape),
        (vec![("m", int8())], Code::TensorMissing),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 3], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 0], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[8], 1.0))], Code::TensorShape),
        (vec![("m", int8()), ("m.scales", scales(ElementType::BF16, &[2, 1], 1.0))], Code::TensorType),
        (vec![("m", int8()), ("m.scales", scales(ElementType::F16, &[2, 1], f32::INFINITY))], Code::WeightsInvalid),
        (
            vec![("m", stored(ElementType::I8, &[2, 4], &[-128.0; 8])), ("m.scales", scales(ElementType::F32, &[2, 1], 1.0))],
            Code::WeightsInvalid,
        ),
    ];
    for (at, (list, code)) in cases.into_iter().enumerate() {
        let error = tensors(list).take_matrix("m", 2, 4).expect_err("a misfit");
        assert_eq!(error.code(), code, "case {at}: {error}");
    }
    let mut vector = tensors(vec![("v", stored(ElementType::I8, &[4], &[1.0; 4]))]);
    assert_eq!(vector.take_vector("v", 4).expect_err("int8 norms").code(), Code::TensorType);
    let wrong_length = StoredTensor { element: ElementType::F32, shape: vec![3], bytes: vec![0; 11] };
    assert_eq!(Tensors::default().insert("x".into(), wrong_length).expect_err("11 bytes").code(), Code::WeightsInvalid);
    let overflow = StoredTensor { element: ElementType::F32, shape: vec![usize::MAX, 4], bytes: vec![] };
    assert_eq!(Tensors::default().insert("x".into(), overflow).expect_err("overflow").code(), Code::WeightsInvalid);
}

proptest! {
    #[test]
    fn gathering_finds_rows_across_blocks(
        heights in prop::collection::vec(1usize..6, 1..6),
        kinds in prop::collection::vec(0u8..4, 6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let cols = 8;
        let rows: usize = heights.iter().sum();
        // Small integers over four, which every format holds exactly.
        let value = |row: usize, col: usize| (row * cols + col) as f32 / 4.0;
        let mut blocks = Vec::new();
        let mut first = 0;
        for (height, kind) in heights.iter().zip(&kinds) {
            let values: Vec<f32> = (first..first + height).flat_map(|r| (0..cols).map(move |c| value(r, c))).collect();
            let half = |element, bytes| Matrix::Half { rows: *height, cols, element, bytes };
            blocks.push(match kind {
                0 => Matrix::F32 { rows: *height, cols, values },
                1 => half(HalfType::F16, stored(ElementType::F16, &[], &values).bytes),
                2 => half(HalfType::BF16, stored(ElementType::BF16, &[], &values).bytes),
                _ => {
                    let rounded = values.iter().map(|v| (v * 4.0 - 120.0).clamp(-127.0, 127.0) as i8).collect();
                    Matrix::Int8 { rows: *height, cols, group: 4, values: rounded, scales: vec![0.25; height * 2] }
                }
            });
            first += height;
        }
        let whole: Vec<f32> = blocks.iter().flat_map(|block| block.clone().into_f32()).collect();
        let table = Table::new(cols, blocks).expect("blocks of one width");
        prop_assert_eq!((table.rows(), table.cols()), (rows, cols));
        let ids: Vec<u32> = picks.iter().map(|pick| pick.index(rows) as u32).collect();
        let mut out = vec![7.0];
        table.gather(&ids, &mut out).expect("ids in range");
        let wanted: Vec<f32> = ids.iter().flat_map(|id| whole[*id as usize * cols..][..cols].to_vec()).collect();
        prop_assert_eq!(&out[1..], &wanted[..]);
        let before = out.clone();
        let past = [ids.clone(), vec![rows as u32]].concat();
        prop_assert_eq!(table.gather(&past, &mut out).expect_err("past the end").code(), Code::InputInvalid);
        prop_assert_eq!(out, before);
    }
}

// ---------------------------------------------------------------- configs

fn config_of(name: &str) -> EmbedderConfig {
    read_config(&model(name)).expect("a fixture's config")
}

#[test]
fn both_generations_of_config_are_read() {
    let layers = vec![LayerKind::Global, LayerKind::Local, LayerKind::Local, LayerKind::Global];
    let expected = ModelConfig {
        vocab_size: 2048,
        hidden_size: 64,
        num_heads: 4,
        intermediate_size: 96,
        activation: Activation::Silu,
        layers,
        local_attention: 16,
        max_positions: 8192,
        global_rope_theta: 150_000.0,
        local_rope_theta: 160_000.0,
        norm_eps: 1e-5,
    };
    let old = config_of("tiny-silu");
    assert_eq!(old.model, expected);
    assert_eq!((old.pooling, old.max_tokens), (Pooling::Cls, 8192));
    assert_eq!(old.prompts, BTreeMap::from([("query".into(), "".into()), ("document".into(), "".into())]));
    let new = ModelConfig {
        activation: Activation::Gelu,
        global_rope_theta: 80_000.0,
        local_rope_theta: 10_000.0,
        ..expected.clone()
    };
    assert_eq!(config_of("tiny-gelu").model, new);
    let both = ModelConfig { activation: Activation::Gelu, vocab_size: 4104, max_positions: 32768, ..expected };
    assert_eq!(config_of("tiny-gemma").model, both);
    assert_eq!((both.head_size(), both.half_window()), (16, 8));
}

fn edited(change: impl FnOnce(&mut serde_json::Value)) -> Result<ModelConfig> {
    let bytes = fs::read(model("tiny-gemma").join("config.json")).expect("a fixture");
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut value);
    ModelConfig::from_json(value.to_string().as_bytes())
}

#[test]
fn the_newer_fields_win_and_absent_ones_have_defaults() {
    let config = edited(|value| {
        value["global_rope_theta"] = 1.5.into();
        value["local_rope_theta"] = 2.5.into();
        value["global_attn_every_n_layers"] = 1.into();
    });
    let config = config.expect("the new form is complete");
    assert_eq!((config.global_rope_theta, config.local_rope_theta), (150_000.0, 160_000.0));
    assert_eq!(config.layers.iter().filter(|kind| **kind == LayerKind::Local).count(), 2);
    let remove = |value: &mut serde_json::Value, names: &[&str]| {
        let object = value.as_object_mut().expect("an object");
        names.iter().for_each(|name| drop(object.remove(*name)));
    };
    let new = ["layer_types", "rope_parameters"];
    let old = ["global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "local_attention", "norm_eps"];
    let config = edited(|value| remove(value, &[&new[..], &old[..]].concat())).expect("defaults");
    assert_eq!((config.global_rope_theta, config.local_rope_theta), (160_000.0, 10_000.0));
    assert_eq!((config.local_attention, config.norm_eps), (128, 1e-5));
    assert_eq!(config.layers, config_of("tiny-gemma").model.layers);
    let config = edited(|value| {
        remove(value, &new);
        value["local_rope_theta"] = serde_json::Value::Null;
    });
    assert_eq!(config.expect("null is as in global layers").local_rope_theta, 150_000.0);
}

#[test]
fn pooling_length_and_prompts_come_from_their_files() {
    let folder = copy_of("tiny-silu");
    let read = || read_config(folder.path()).expect("a sound checkpoint");
    edit_json(folder.path(), "1_Pooling/config.json", |value| {
        value["pooling_mode_cls_token"] = false.into();
        value["pooling_mode_mean_tokens"] = true.into();
    });
    edit_json(folder.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 100.into());
    edit_json(folder.path(), "config_sentence_transformers.json", |value| value["prompts"]["query"] = "q: ".into());
    edit_json(folder.path(), "1_Pooling/config.json", |value| value["include_prompt"] = true.into());
    let config = read();
    assert_eq!((config.pooling, config.max_tokens), (Pooling::Mean, 100));
    assert_eq!(config.prompts["query"], "q: ");
    edit_json(folder.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 1_000_000.into());
    assert_eq!(read().max_tokens, 8192, "never more than there are positions");
    for file in ["modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"] {
        fs::remove_file(folder.path().join(file)).expect("a file");
    }
    let config = read();
    assert_eq!((config.pooling, config.max_tokens), (Pooling::Cls, 8192), "the documented default");
    assert!(config.prompts.is_empty());
}

// ---------------------------------------------------------------- checkpoints

/// Everything that the encoder needs, as f32.
fn all_values(mut tensors: Tensors, config: &ModelConfig) -> BTreeMap<String, Vec<f32>> {
    let take = |(name, shape): (String, Vec<usize>)| {
        let values = match shape[..] {
            [len] => tensors.take_vector(&name, len).expect("a vector"),
            [rows, cols] if name == TABLE => {
                let table = tensors.take_table(rows, cols).expect("the table");
                let mut out = Vec::new();
                table.gather(&(0..rows as u32).collect::<Vec<_>>(), &mut out).expect("all rows");
                out
            }
            [rows, cols] => tensors.take_matrix(&name, rows, cols).expect("a matrix").into_f32(),
            _ => panic!("{shape:?}"),
        };
        (name, values)
    };
    config.tensors().into_iter().map(take).collect()
}

fn values_of(folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let parts = open_checkpoint(folder).expect("a checkpoint");
    all_values(parts.tensors, &parts.config.model)
}

#[test]
fn a_prefix_a_head_and_several_files_change_nothing() {
    let wanted = values_of(&model("tiny-silu"));
    let folder = copy_of("tiny-silu");
    let single = folder.path().join("model.safetensors");
    let head = stored(ElementType::F32, &[2, 2], &[1.0; 4]);
    let mut tensors: BTreeMap<String, StoredTensor> =
        read_tensors(&single).into_iter().map(|(name, tensor)| (format!("model.{name}"), tensor)).collect();
    tensors.insert("head.dense.weight".into(), head.clone());
    tensors.insert("decoder.bias".into(), head);
    write_tensors(&single, &tensors);
    assert_eq!(values_of(folder.path()), wanted);

    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    let mut map = serde_json::Map::new();
    for (at, (name, tensor)) in tensors.into_iter().enumerate() {
        let (part, file) = if at % 2 == 0 { (&mut first, "a.safetensors") } else { (&mut second, "b.safetensors") };
        map.insert(name.clone(), file.into());
        part.insert(name, tensor);
    }
    fs::remove_file(&single).expect("removed");
    write_tensors(&folder.path().join("a.safetensors"), &first);
    write_tensors(&folder.path().join("b.safetensors"), &second);
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).expect("written");
    assert_eq!(values_of(folder.path()), wanted);
}

#[test]
fn the_space_names_model_revision_format_and_width() {
    let own = open_checkpoint(&model("tiny-silu")).expect("a checkpoint");
    let sums = fs::read_to_string(model("tiny-silu").join("SHA256SUMS")).expect("sums");
    let sum = sums.lines().find(|line| line.ends_with("model.safetensors")).expect("the weights' sum");
    assert_eq!(own.space, format!("tiny-silu@{}/f32/64", &sum[..16]));
    let cache = tempfile::tempdir().expect("a folder");
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = cache.path().join("models--owner--some-model/snapshots").join(revision);
    copy(&model("tiny-silu"), &snapshot);
    let cached = open_checkpoint(&snapshot).expect("a checkpoint");
    assert_eq!((cached.name.as_str(), cached.revision.as_deref()), ("some-model", Some(revision)));
    assert_eq!(cached.space, format!("some-model@{revision}/f32/64"));
}

// ---------------------------------------------------------------- packs

#[test]
fn an_f32_pack_holds_the_checkpoint_to_the_bit() {
    for name in TINY {
        let parts = load(&packed(&model(name), &f32_options())).expect("a pack");
        let own = open_checkpoint(&model(name)).expect("a checkpoint");
        assert_eq!((&parts.space, &parts.config), (&own.space, &own.config), "one space for equal weights");
        assert_eq!(all_values(parts.tensors, &parts.config.model), values_of(&model(name)), "{name}");
    }
}

#[test]
fn an_int8_pack_holds_the_checkpoint_within_half_a_scale() {
    for (group, format) in [(Group::Columns(32), "int8-g32"), (Group::Row, "int8-row")] {
        let options = PackOptions { group, ..PackOptions::default() };
        let parts = load(&packed(&model("tiny-gelu"), &options)).expect("a pack");
        assert_eq!(parts.format, format);
        assert!(parts.space.ends_with(&format!("/{format}/64")));
        let wanted = values_of(&model("tiny-gelu"));
        let made = all_values(parts.tensors, &parts.config.model);
        for (name, shape) in parts.config.model.tensors() {
            let (wanted, made) = (&wanted[&name], &made[&name]);
            let [_, cols] = shape[..] else {
                assert_eq!(wanted, made, "{name} is a norm and stays as it is");
                continue;
            };
            for (wanted, made) in wanted.chunks(group.of(cols)).zip(made.chunks(group.of(cols))) {
                let largest = wanted.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                let off = wanted.iter().zip(made).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                // Half a scale, plus what rounding the scale to f16 may add to it.
                assert!(off <= largest / 127.0 * 0.5006 + 1e-7, "{name}: {off} of {largest}");
            }
        }
    }
}

#[test]
fn a_table_of_several_shards_comes_back_whole() {
    let folder = copy_of("tiny-silu");
    let rows = 140_000usize;
    edit_json(folder.path(), "config.json", |value| value["vocab_size"] = rows.into());
    let weights = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&weights);
    let table: Vec<f32> = (0..rows * 64).map(|at| ((at as f32) * 0.37).sin()).collect();
    tensors.insert(TABLE.into(), stored(ElementType::F16, &[rows, 64], &table));
    write_tensors(&weights, &tensors);
    let source = packed(folder.path(), &f32_options());
    let blocks = source.files.keys().filter(|name| name.starts_with("table-")).count();
    assert_eq!(blocks, (rows * 64 * 4).div_ceil(SHARD_BYTES));
    assert!(source.files.values().all(|file| file.len() <= SHARD_BYTES));
    let mut parts = load(&source).expect("a pack");
    let loaded = parts.tensors.take_table(rows, 64).expect("the table");
    let ids: Vec<u32> = (0..rows as u32).collect();
    let mut out = Vec::new();
    loaded.gather(&ids, &mut out).expect("all rows");
    let wanted: Vec<f32> = table.iter().map(|value| f16::from_f32(*value).to_f32()).collect();
    assert!(out == wanted);
}

#[test]
fn packing_is_deterministic_and_replaces_only_packs() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pack");
    let checkpoint = model("tiny-silu");
    let run = |options: &PackOptions| pack(&checkpoint, &out, options, &mut |_| ());
    run(&PackOptions::default()).expect("a pack");
    let first = in_memory(&out).files;
    run(&PackOptions::default()).expect("the same pack");
    assert_eq!(in_memory(&out).files, first);

    let manifest = run(&f32_options()).expect("another pack");
    let listed: Vec<String> = manifest.files().map(|entry| entry.file.clone()).chain(["manifest.json".into()]).collect();
    let present = in_memory(&out).files;
    assert_eq!(present.len(), listed.len(), "nothing of the older pack stays");
    assert!(listed.iter().all(|file| present.contains_key(file)));

    let foreign = folder.path().join("letters");
    fs::create_dir(&foreign).expect("a folder");
    fs::write(foreign.join("manifest.json"), "{\"format\": \"something else\"}").expect("written");
    let error = pack(&checkpoint, &foreign, &PackOptions::default(), &mut |_| ()).expect_err("not a pack");
    assert_eq!(error.code(), Code::InputInvalid);
    let broken = copy_of("tiny-silu");
    fs::write(broken.path().join("tokenizer.json"), "{}").expect("written");
    pack(broken.path(), &out, &PackOptions::default(), &mut |_| ()).expect_err("no tokenizer");
    assert_eq!(in_memory(&out).files, present, "a failure leaves the older pack alone");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left.len(), 2, "no temporary folder stays: {left:?}");
}

#[test]
fn progress_is_monotonic_and_ends_at_the_total() {
    let source = packed(&model("tiny-gemma"), &PackOptions::default());
    let mut seen = Vec::new();
    pollster::block_on(load_pack(&source, &mut |progress| seen.push(progress))).map(|_| ()).expect("a pack");
    let total: u64 = source.files.values().map(|file| file.len() as u64).sum();
    assert!(seen.iter().all(|progress| progress.total_bytes == total));
    assert!(seen.is_sorted_by_key(|progress| progress.loaded_bytes));
    assert_eq!(seen.last().map(|progress| progress.loaded_bytes), Some(total));
    let phases: Vec<Phase> = seen.iter().map(|progress| progress.phase).collect();
    let at = |phase| phases.iter().position(|seen| *seen == phase);
    assert!(at(Phase::Manifest) < at(Phase::Tokenizer) && at(Phase::Tokenizer) < at(Phase::Weights));

    let mut steps = Vec::new();
    let folder = tempfile::tempdir().expect("a folder");
    pack(&model("tiny-silu"), &folder.path().join("p"), &f32_options(), &mut |step| steps.push(step)).expect("a pack");
    assert!(steps.is_sorted_by_key(|step| step.done_bytes));
    assert!(steps.iter().all(|step| step.done_bytes <= step.total_bytes));
}

#[test]
fn a_manifest_survives_writing_and_reading() {
    let source = packed(&model("tiny-gemma"), &PackOptions::default());
    let bytes = &source.files[Manifest::FILE];
    let manifest = Manifest::from_json(bytes, "manifest.json").expect("sound");
    assert_eq!(&manifest.to_json().expect("JSON"), bytes);
    assert!(manifest.self_test.iter().all(|test| !test.ids.is_empty() && test.embedding.len() == 64));
    assert!(manifest.self_test.iter().any(|test| test.ids.len() > manifest.config.model.half_window()));
    assert!(manifest.files().all(|entry| entry.file.contains(&entry.sha256[..16])));
}

#[test]
fn the_compact_tokenizer_of_a_pack_equals_the_checkpoints() {
    for name in TINY {
        let compact = load(&packed(&model(name), &f32_options())).expect("a pack").tokenizer;
        let original = open_checkpoint(&model(name)).expect("a checkpoint").tokenizer;
        let goldens = fs::read(fixtures().join(format!("goldens/{name}.json"))).expect("goldens");
        let goldens = felsic::pack::goldens::Goldens::from_json(&goldens).expect("goldens");
        for golden in &goldens.texts {
            assert_eq!(compact.encode(&golden.text).expect("ids"), golden.ids, "{name} {}", golden.name);
            assert_eq!(original.encode(&golden.text).expect("ids"), golden.ids, "{name} {}", golden.name);
        }
    }
}
