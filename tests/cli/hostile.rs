//! Files that would affect the terminal, take all memory, or keep the command waiting.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::*;
use crate::{failure, path, run, stdout, success};

/// Clears a screen, goes to the next line, turns the reading direction.
const HOSTILE: &str = "\u{1b}[2J\nfelsic: all is well\u{9b}\u{202e}\0";

/// Returns the line of a failure, which is one that can be shown.
fn shown(arguments: &[&str]) -> String {
    let text = failure(&run(arguments, ""));
    let line = text.strip_suffix('\n').expect("one line");
    assert!(line.chars().count() < 2500, "{} characters", line.chars().count());
    assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
    line.to_string()
}

#[test]
fn what_files_say_reaches_the_terminal_as_plain_text() {
    let long = format!("{HOSTILE}{}", "x".repeat(3_500_000));
    for hostile in [HOSTILE, &long] {
        let folder = copy_of("tiny-silu");
        edit_json(folder.path(), "config.json", |config| config["model_type"] = hostile.into());
        shown(&["embed", "--model", path(folder.path())]);
        edit_json(folder.path(), "config.json", |config| {
            config["model_type"] = "modernbert".into();
            config["hidden_activation"] = hostile.into();
        });
        shown(&["pack", path(folder.path()), path(&folder.path().join("pack"))]);

        let packs = tempfile::tempdir().expect("a folder");
        let pack = packs.path().join("pack");
        success(&["pack", path(&model("tiny-silu")), path(&pack)], "");
        let manifest = fs::read(pack.join("manifest.json")).expect("a manifest");
        let refused: [fn(&mut serde_json::Value, &str); 4] = [
            |manifest, hostile| manifest["shards"][0]["file"] = hostile.into(),
            |manifest, hostile| manifest["config"][hostile] = 1.into(),
            |manifest, hostile| manifest["tensors"][hostile] = manifest["tensors"]["final_norm.weight"].clone(),
            |manifest, hostile| manifest["revision"] = hostile.into(),
        ];
        for change in refused {
            fs::write(pack.join("manifest.json"), &manifest).expect("written");
            edit_json(&pack, "manifest.json", |manifest| change(manifest, hostile));
            shown(&["inspect", path(&pack)]);
        }
        let goldens = packs.path().join("goldens.json");
        let one = json!({ "name": hostile, "text": "x", "ids": [1], "embedding": "AAAA" });
        fs::write(&goldens, json!({ "texts": [one] }).to_string()).expect("written");
        shown(&["verify", "--model", path(&model("tiny-silu")), "--goldens", path(&goldens)]);
    }
}

#[test]
fn paths_are_shown_as_plain_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let hostile = folder.path().join("a\u{1b}[2J\nb\u{202e}");
    shown(&["inspect", path(&hostile)]);
    shown(&["embed", "--model", path(&hostile)]);
    copy(&model("tiny-silu"), &hostile);
    let out = folder.path().join("out\n\u{1b}[2J");
    let text = success(&["pack", path(&hostile), path(&out)], "");
    assert!(text.lines().count() == 1 && text.contains("out\\n\\u{1b}[2J: a[2Jb\\u{202e}@"), "{text:?}");
    let text = success(&["inspect", path(&out)], "");
    assert!(text.contains("a[2Jb\\u{202e}@"), "{text:?}");
    success(&["embed", "--model", path(&out)], "\"x\"\n");
}

#[test]
fn what_inspect_prints_of_a_manifest_is_plain_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    success(&["pack", path(&model("tiny-silu")), path(&pack)], "");
    let before = success(&["inspect", path(&pack)], "");
    edit_json(&pack, "manifest.json", |manifest| {
        manifest["name"] = "turned\u{202e}".into();
        manifest["groups"][0]["name"] = "group\u{2028}".into();
        manifest["config"]["prompts"] = json!({ HOSTILE: HOSTILE, "long": "x".repeat(1_000_000) });
    });
    let text = success(&["inspect", path(&pack)], "");
    assert_eq!(text.lines().count(), before.lines().count(), "{text:?}");
    assert!(text.len() < before.len() + 1000 && text.contains("turned\\u{202e}") && text.contains("group\\u{2028}"));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

/// Makes a checkpoint whose vocabulary table has 16 GB, all of them a hole in its file.
fn enormous(folder: &Path) {
    let (rows, hidden, inner) = (1 << 20, 4096, 64);
    edit_json(folder, "config.json", |config| {
        config["vocab_size"] = rows.into();
        config["hidden_size"] = hidden.into();
        config["intermediate_size"] = inner.into();
        config["num_attention_heads"] = 64.into();
        config["num_hidden_layers"] = 1.into();
        config.as_object_mut().expect("an object").remove("layer_types");
    });
    edit_json(folder, "1_Pooling/config.json", |config| config["word_embedding_dimension"] = hidden.into());
    let shapes = [
        ("embeddings.tok_embeddings.weight", vec![rows, hidden]),
        ("embeddings.norm.weight", vec![hidden]),
        ("layers.0.attn.Wqkv.weight", vec![3 * hidden, hidden]),
        ("layers.0.attn.Wo.weight", vec![hidden, hidden]),
        ("layers.0.mlp_norm.weight", vec![hidden]),
        ("layers.0.mlp.Wi.weight", vec![2 * inner, hidden]),
        ("layers.0.mlp.Wo.weight", vec![hidden, inner]),
        ("final_norm.weight", vec![hidden]),
    ];
    let (mut header, mut end) = (json!({}), 0u64);
    for (name, shape) in shapes {
        let start = end;
        end += shape.iter().product::<u64>() * 4;
        header[name] = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
    }
    let header = header.to_string();
    let file = folder.join("model.safetensors");
    let start = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    fs::write(&file, &start).expect("written");
    File::options().write(true).open(&file).and_then(|file| file.set_len(start.len() as u64 + end)).expect("a hole");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_file_says_to_be_large_ends_in_an_error_where_there_is_no_memory_for_it() {
    let folder = copy_of("tiny-silu");
    enormous(folder.path());
    // Of 8 GB of addresses; machines differ in how much more than they have they promise.
    let script =
        format!("ulimit -v 8000000; exec '{}' embed --model '{}'", env!("CARGO_BIN_EXE_felsic"), path(folder.path()));
    let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().expect("a shell");
    let text = failure(&output);
    assert!(text.ends_with("[out-of-memory]\n"), "{text}");
}

#[test]
fn goldens_that_are_no_regular_file_are_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let goldens = folder.path().join("goldens.json");
    for make in [make_pipe, make_endless] {
        make(&goldens);
        let mut child = Command::new(env!("CARGO_BIN_EXE_felsic"))
            .args(["verify", "--model", path(&model("tiny-silu")), "--goldens", path(&goldens)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let start = Instant::now();
        while child.try_wait().expect("a child").is_none() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Nothing, if it has ended.
        let _ = child.kill();
        let output = child.wait_with_output().expect("an end");
        assert!(stdout(&output).is_empty());
        assert!(failure(&output).ends_with("is not a regular file [io]\n"));
    }
}
