//! Packs: what they hold, how they are written and read.

use std::fs;

use felsic::config::TABLE;
use felsic::error::Code;
use felsic::pack::{Group, PackOptions, pack};
use felsic::source::{Phase, load_pack, open_checkpoint};
use felsic::verify::goldens::Goldens;
use felsic::weights::{ElementType, Manifest, SHARD_BYTES};
use half::f16;

use crate::checkpoint::{all_values, values_of};
use crate::support::*;
use crate::{f32_options, stored};

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
    let groups = manifest(&source)["groups"].as_array().expect("groups").clone();
    let sizes: Vec<u64> = groups.iter().filter_map(|group| group["rows"].as_u64()).collect();
    assert_eq!((blocks, sizes.iter().sum()), (sizes.len(), rows as u64));
    assert!(blocks > 10 && sizes.iter().all(|rows| *rows >= 8192), "{sizes:?}");
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
    let listed: Vec<String> =
        manifest.files().map(|entry| entry.file.clone()).chain(["manifest.json".into()]).collect();
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
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
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
        let goldens = fs::read(golden_file(name)).expect("goldens");
        let goldens = Goldens::from_json(&goldens).expect("goldens");
        for golden in &goldens.texts {
            assert_eq!(compact.encode(&golden.text).expect("ids"), golden.ids, "{name} {}", golden.name);
            assert_eq!(original.encode(&golden.text).expect("ids"), golden.ids, "{name} {}", golden.name);
        }
    }
}
