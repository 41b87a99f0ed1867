//! The command line, as its users run it.

#[path = "cli/files.rs"]
mod files;
#[cfg(unix)]
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/index.rs"]
mod index;
#[cfg(unix)]
#[path = "cli/killed.rs"]
mod killed;
#[cfg(unix)]
#[path = "cli/streams.rs"]
mod streams;
mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::*;

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_felsic"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_string();
    // On its own thread: output may fill its pipe before all input is read. A program that stops early
    // breaks this pipe, which is its right.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("the writer");
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Returns the one line of standard error of a run that failed.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert!(text.starts_with("felsic: ") && text.ends_with("]\n") && text.lines().count() == 1, "{text:?}");
    text
}

fn success(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "no bar where standard error is no terminal: {output:?}");
    stdout(&output)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn vector(line: &Value) -> Vec<f32> {
    let values = line["embedding"].as_array().expect("a list");
    values.iter().map(|value| value.as_f64().expect("a number") as f32).collect()
}

/// Compares two runs, which may put texts into different batches and then round differently.
fn assert_alike(a: &Value, b: &Value) {
    let off = vector(a).iter().zip(vector(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off <= 1e-6, "off by {off}");
    assert_eq!(a["tokens"], b["tokens"]);
}

fn norm(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn goldens(name: &str) -> String {
    path(&golden_file(name)).to_string()
}

/// Copies goldens without the texts of thousands of tokens, which take most of the time.
fn short_goldens(name: &str, folder: &Path) -> String {
    let mut value: Value = serde_json::from_slice(&fs::read(goldens(name)).expect("goldens")).expect("JSON");
    let texts = value["texts"].as_array_mut().expect("a list");
    texts.retain(|text| text["ids"].as_array().is_some_and(|ids| ids.len() < 1000));
    assert!(texts.len() >= 43);
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, value.to_string()).expect("written");
    path(&file).to_string()
}

#[test]
fn without_a_model_it_is_the_built_in_one() {
    let made = lines(&success(&["embed"], "\"a small dog\"\n\"a puppy\"\n\"the rate of interest\"\n"));
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let [dog, puppy, rate] = [0, 1, 2].map(|at| vector(&made[at]));
    assert_eq!(dog.len(), 256);
    assert!(cosine(&dog, &puppy) > cosine(&dog, &rate) + 0.2, "it knows what words mean");
}

#[cfg(not(feature = "gpu"))]
#[test]
fn without_the_feature_a_gpu_is_refused_and_the_message_says_how_to_have_it() {
    let text = failure(&run(&["embed", "--device", "gpu"], ""));
    assert!(text.contains("--features gpu") && text.ends_with("[device-unavailable]\n"), "{text}");
}

#[test]
fn bad_usage_ends_with_2() {
    let model = model("tiny-silu");
    let model = path(&model);
    let cases: [&[&str]; 11] = [
        &[],
        &["unknown"],
        &["pack", model],
        &["pack", model, "/tmp/x", "--weights", "int3"],
        &["pack", model, "/tmp/x", "--group", "0"],
        &["embed", "--model", model, "--device", "tpu"],
        &["embed", "--model", model, "--dimensions", "0"],
        &["embed", "--model", model, "--dimensions", "many"],
        &["verify", "--model", model],
        &["verify", "--model", model, "--card", "--goldens", "x"],
        &["verify", "--model", model, "--goldens", "x", "--tolerance", "nan"],
    ];
    for arguments in cases {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["embed", "--help"]] {
        assert!(run(arguments, "").status.success(), "{arguments:?}");
    }
}

#[test]
fn failures_are_one_line_with_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere");
    let (nowhere, empty) = (path(&nowhere), path(folder.path()));
    let model = model("tiny-silu");
    let model = path(&model);
    let cases: [(&[&str], &str); 9] = [
        (&["embed", "--model", nowhere], "not-found"),
        (&["embed", "--model", empty], "not-found"),
        (&["inspect", nowhere], "not-found"),
        (&["inspect", model], "not-found"),
        (&["pack", nowhere, empty], "not-found"),
        (&["pack", model, model], "input-invalid"),
        (&["embed", "--model", model, "--dimensions", "65"], "input-invalid"),
        (&["embed", "--model", model, "--prompt", "poem"], "input-invalid"),
        (&["verify", "--model", model, "--goldens", nowhere], "not-found"),
    ];
    for (arguments, code) in cases {
        let text = failure(&run(arguments, ""));
        assert!(text.ends_with(&format!("[{code}]\n")), "{arguments:?}: {text}");
    }
}

#[test]
fn embedding_keeps_order_and_takes_strings_and_objects() {
    let model = model("tiny-silu");
    let texts: Vec<String> = (0..600).map(|at| format!("text {} {}", at % 7, "word ".repeat(at % 40))).collect();
    let plain: String = texts.iter().map(|text| format!("{}\n", Value::from(text.as_str()))).collect();
    let objects: String =
        texts.iter().map(|text| serde_json::json!({ "id": 1, "text": text }).to_string() + "\n").collect();
    let made = lines(&success(&["embed", "--model", path(&model)], &plain));
    let of_objects = lines(&success(&["embed", "--model", path(&model)], &objects));
    assert_eq!((made.len(), of_objects.len()), (texts.len(), texts.len()));
    made.iter().zip(&of_objects).for_each(|(a, b)| assert_alike(a, b));
    for at in [0, 1, 39, 40, 300, 599] {
        let alone = lines(&success(&["embed", "--model", path(&model)], &Value::from(texts[at].as_str()).to_string()));
        assert_alike(&alone[0], &made[at]);
        assert!((norm(&vector(&made[at])) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn embedding_follows_its_options() {
    let model = copy_of("tiny-gemma");
    edit_json(model.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 64.into());
    let embed = |options: &[&str], text: &str| {
        let arguments = [&["embed", "--model", path(model.path())], options].concat();
        lines(&success(&arguments, &(Value::from(text).to_string() + "\n"))).remove(0)
    };
    assert_eq!(embed(&[], "  a b \n"), embed(&[], "a b"));
    assert_ne!(embed(&["--no-strip"], "  a b \n")["embedding"], embed(&["--no-strip"], "a b")["embedding"]);
    let (full, cut) = (vector(&embed(&[], "a b")), vector(&embed(&["--dimensions", "16"], "a b")));
    assert_eq!(cut.len(), 16);
    let length = norm(&full[..16]);
    assert!(full.iter().zip(&cut).all(|(full, cut)| (full / length - cut).abs() < 1e-6));
    assert_eq!(embed(&["--prompt", "query"], "a b"), embed(&[], "a b"), "this prompt is empty");
    assert!(embed(&[], "a b").get("truncated").is_none());
    let long = embed(&[], &"a b ".repeat(20_000));
    assert_eq!((&long["truncated"], &long["tokens"]), (&Value::from(true), &Value::from(64)));
    assert_eq!(lines(&success(&["embed", "--model", path(model.path())], "")).len(), 0);
    assert_eq!(vector(&embed(&[], "")).len(), 64);
}

#[test]
fn a_bad_line_is_named_after_the_lines_before_it() {
    let model = model("tiny-silu");
    for (bad, what) in [
        ("not json", "is not JSON"),
        ("7", "neither"),
        ("{\"text\": 7}", "\"text\""),
        ("\"\\ud8\"", "is not JSON"),
        ("{}", "\"text\""),
    ] {
        let output = run(&["embed", "--model", path(&model)], &format!("\"one\"\n\"two\"\n{bad}\n\"four\"\n"));
        let text = failure(&output);
        assert!(text.contains("line 3") && text.contains(what) && text.contains("input-invalid"), "{text}");
        assert_eq!(lines(&stdout(&output)).len(), 2, "what came before is not lost");
    }
    let output = run(&["embed", "--model", path(&model)], "\"one\"\n\"open");
    assert!(failure(&output).contains("line 2"));
}

#[test]
fn text_is_taken_as_people_have_it() {
    let model = model("tiny-silu");
    let embed = |input: &str| lines(&success(&["embed", "--model", path(&model)], input));
    let alike = |made: &str, plain: &str| {
        let (made, plain) = (embed(made), embed(plain));
        assert_eq!(made.len(), plain.len());
        made.iter().zip(&plain).for_each(|(made, plain)| assert_alike(made, plain));
    };
    let plain = "\"one\"\n\"two\"\n";
    // Blank lines are skipped, a byte order mark at the start is none of the text, line ends may be those of Windows.
    alike("\u{feff}\"one\"\r\n\n  \t\n\r\n{\"text\": \"two\"}\n\n", plain);
    alike("\u{feff}\n\"one\"\n\"two\"", plain);
    assert!(embed("\u{feff}\n \n").is_empty());
    // A surrogate that stands alone is what JavaScript makes of it where it needs UTF-8; a pair is a character.
    let lone = r#""a \ud83d b \uDE00\ud83d""#.to_string() + "\n" + r#"{"text": "\ud83d\ude00 \\ud83d"}"# + "\n";
    alike(&lone, "\"a \u{fffd} b \u{fffd}\u{fffd}\"\n\"\u{1f600} \\\\ud83d\"\n");
}

#[test]
fn a_line_that_fails_may_be_passed_over() {
    let checkpoint = copy_of("tiny-silu");
    edit_json(checkpoint.path(), "tokenizer.json", |json| json["post_processor"] = Value::Null);
    let input = "\"one\"\n\nnot json\n\"two\"\n\"\"\n7\n\"three\"\n\" \"\n";
    let plain = lines(&success(&["embed", "--model", path(checkpoint.path())], "\"one\"\n\"two\"\n\"three\"\n"));
    let output = run(&["embed", "--model", path(checkpoint.path()), "--keep-going"], input);
    assert_eq!(output.status.code(), Some(1));
    let (made, said) = (lines(&stdout(&output)), String::from_utf8(output.stderr).expect("UTF-8"));
    // The lines that are not blank, each in its place.
    assert_eq!(made.len(), 7);
    for (place, at) in [(0, 0), (2, 1), (5, 2)] {
        assert_alike(&made[place], &plain[at]);
    }
    for (place, line) in [(1, 3), (3, 5), (4, 6), (6, 8)] {
        let error = &made[place]["error"];
        assert_eq!(error["code"], "input-invalid", "{error}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("line {line} ")), "{message}");
        assert!(said.contains(&format!("felsic: {message} [input-invalid]\n")), "{said}");
    }
    assert_eq!(said.lines().count(), 4);
    // Without an error it ends as ever.
    let fine = run(&["embed", "--model", path(checkpoint.path()), "--keep-going"], "\"one\"\n");
    assert!(fine.status.success() && fine.stderr.is_empty());
    // Far behind the first batch, and a line that is too long.
    let many = "\"one\"\n".repeat(600) + "\"\"\n" + &format!("\"{}\"\n", "a".repeat(64 << 20)) + "\"two\"\n";
    let output = run(&["embed", "--model", path(checkpoint.path()), "--keep-going"], &many);
    let made = lines(&stdout(&output));
    assert_eq!((output.status.code(), made.len()), (Some(1), 603));
    assert_eq!(made[601]["error"]["message"], "line 602 is longer than 67108864 bytes");
    assert_alike(&made[602], &plain[1]);
}

/// For a tokenizer without a template: the checkpoint and its pack.
#[test]
fn a_text_without_tokens_is_named_by_its_line_after_the_lines_before_it() {
    let checkpoint = copy_of("tiny-silu");
    edit_json(checkpoint.path(), "tokenizer.json", |json| json["post_processor"] = Value::Null);
    let pack = checkpoint.path().join("pack");
    success(&["pack", path(checkpoint.path()), path(&pack)], "");
    for model in [checkpoint.path(), &pack] {
        let input = "\"one\"\n\"two\"\n\"  \"\n\"four\"\n\"\"\nnot json\n";
        let output = run(&["embed", "--model", path(model)], input);
        let text = failure(&output);
        assert!(text.starts_with("felsic: line 3 has no tokens") && text.ends_with("[input-invalid]\n"), "{text}");
        assert_eq!(lines(&stdout(&output)).len(), 2, "what came before is not lost");
        let first = run(&["embed", "--model", path(model)], "\"\"\n");
        assert!(failure(&first).contains("line 1 has no tokens") && stdout(&first).is_empty());
        // Far behind the first batch of lines.
        let many = "\"one\"\n".repeat(700) + "\"\"\n\"two\"\n";
        let output = run(&["embed", "--model", path(model)], &many);
        assert!(failure(&output).contains("line 701 has no tokens"), "{output:?}");
        assert_eq!(lines(&stdout(&output)).len(), 700);
    }
}

/// The regular expression engine of the `tokenizers` crate panics on the second line.
#[test]
fn a_panic_of_a_dependency_is_a_line_with_a_code() {
    let checkpoint = copy_of("tiny-silu");
    edit_json(checkpoint.path(), "tokenizer.json", |json| {
        let pattern = serde_json::json!({ "Regex": "(?:a|a)*(?:a|a)*(?:a|a)*c" });
        json["pre_tokenizer"]["pretokenizers"][0]["pattern"] = pattern;
    });
    let input = format!("\"one\"\n\"{}\"\n\"three\"\n", "a".repeat(2000) + "bc");
    let output = run(&["embed", "--model", path(checkpoint.path())], &input);
    let text = failure(&output);
    assert!(text.starts_with("felsic: line 2 ") && text.ends_with("[input-invalid]\n"), "{text}");
    assert_eq!(lines(&stdout(&output)).len(), 1);
    edit_json(checkpoint.path(), "tokenizer.json", |json| {
        json["pre_tokenizer"] = serde_json::json!({ "type": "FixedLength", "length": 0 });
    });
    let text = failure(&run(&["embed", "--model", path(checkpoint.path())], "\"one\"\n"));
    assert!(text.ends_with("[tokenizer-invalid]\n"), "{text}");
}

#[test]
fn the_tiny_checkpoints_reproduce_their_goldens() {
    for name in TINY {
        let text = success(&["verify", "--model", path(&model(name)), "--goldens", &goldens(name)], "");
        assert!(text.contains("state difference") && text.ends_with("passed\n"), "{name}: {text}");
    }
}

#[test]
fn packs_reproduce_their_goldens_as_far_as_their_format_can() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in TINY {
        let goldens = short_goldens(name, folder.path());
        let (exact, small) = (folder.path().join(format!("{name}-f32")), folder.path().join(name));
        let checkpoint = model(name);
        success(&["pack", path(&checkpoint), path(&exact), "--weights", "f32", "--table", "f32"], "");
        success(&["verify", "--model", path(&exact), "--goldens", &goldens], "");
        let made = success(&["pack", path(&checkpoint), path(&small), "--name", "renamed"], "");
        assert!(made.contains("renamed@") && made.contains("/int8-g32/64"), "{made}");
        success(&["verify", "--model", path(&small), "--goldens", &goldens, "--min-cosine", "0.999"], "");
        let half = folder.path().join(format!("{name}-int4"));
        success(&["pack", path(&checkpoint), path(&half), "--weights", "int4", "--table", "int4"], "");
        success(&["verify", "--model", path(&half), "--goldens", &goldens, "--min-cosine", "0.85"], "");
        // The mean has a bound of its own.
        let mean =
            |least| run(&["verify", "--model", path(&half), "--goldens", &goldens, "--min-mean-cosine", least], "");
        assert_eq!(["0.9", "0.9999"].map(|least| mean(least).status.code()), [Some(0), Some(1)], "{name}");
        // Int8 is not exact, and the tolerance for f32 must show it.
        let output = run(&["verify", "--model", path(&small), "--goldens", &goldens], "");
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stdout(&output).ends_with("FAILED\n"), "{name}");
    }
}

#[test]
fn goldens_of_another_model_fail() {
    let silu = model("tiny-silu");
    let output = run(&["verify", "--model", path(&silu), "--goldens", &goldens("tiny-gelu")], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("FAILED"), "{output:?}");
    assert!(
        failure(&run(&["verify", "--model", path(&silu), "--goldens", &goldens("granite-97m")], ""))
            .contains("another model")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("goldens.json");
    for text in ["", "[]", "{\"texts\": []}", "{\"texts\": [{\"name\": \"x\"}]}"] {
        fs::write(&file, text).expect("written");
        assert!(
            failure(&run(&["verify", "--model", path(&silu), "--goldens", path(&file)], "")).contains("input-invalid")
        );
    }
}

#[test]
fn the_card_is_for_the_real_weights() {
    let output = run(&["verify", "--model", path(&model("tiny-silu")), "--card"], "");
    assert_eq!(output.status.code(), Some(1), "stand-in weights cannot give the card's cosines");
    let text = stdout(&output);
    assert!(text.contains("0.8869  0.6658  0.7213") && text.ends_with("FAILED\n"), "{text}");
    assert!(run(&["verify", "--model", path(&model("tiny-silu")), "--card", "--tolerance", "2"], "").status.success());
}

#[test]
fn inspecting_describes_and_checks() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    success(&["pack", path(&model("tiny-silu")), path(&pack), "--revision", "r1", "--table", "f32"], "");
    let text = success(&["inspect", path(&pack), "--check"], "");
    for part in [
        "tiny-silu@r1/int8-g32+table-f32/64",
        "hidden 64, layers 4, heads 4",
        "silu",
        "2048 rows",
        "cls",
        "all 3 files",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let mixed = folder.path().join("mixed");
    success(&["pack", path(&model("tiny-silu")), path(&mixed), "--table", "int4"], "");
    let text = success(&["inspect", path(&mixed), "--check"], "");
    assert!(text.lines().any(|line| line.ends_with("2 048 rows  Latin, signs and digits, tier 1")), "{text}");
    assert!(text.contains("int8-g32+table-int4-g32"), "{text}");
    let shard = pack.join(file_of(&in_memory(&pack), "table-"));
    fs::write(&shard, b"short").expect("written");
    assert!(failure(&run(&["inspect", path(&pack), "--check"], "")).contains("file-length"));
    assert!(failure(&run(&["embed", "--model", path(&pack)], "\"x\"\n")).contains("file-length"));
}

#[test]
fn bench_prints_a_row_for_each_combination() {
    let model = model("tiny-silu");
    let text = success(&["bench", "--model", path(&model), "--tokens", "4,8", "--batch", "1,3", "--runs", "2"], "");
    assert_eq!(text.lines().count(), 2 + 4, "{text}");
    let shape = ["bench", "--model", path(&model), "--tokens", "8", "--batch", "3", "--runs", "2"];
    let text = success(&[&shape[..], &["--json", "--threads", "2"]].concat(), "");
    let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON line");
    assert!(line["batch"] == 3 && line["tokens"] == 8 && line["median_ms"].as_f64() > Some(0.0), "{text}");
    assert!(cfg!(not(unix)) || line["processor_ms"].as_f64() > Some(0.0), "{text}");
    let text = success(&[&shape[..], &["--profile"]].concat(), "");
    assert!(text.lines().any(|line| line.trim_start().starts_with("attention ")), "{text}");
    let text = success(&[&shape[..], &["--profile", "--json"]].concat(), "");
    let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON line");
    assert!(line["profile"]["attention"].as_f64() > Some(0.0), "{text}");
}

#[cfg(feature = "gpu")]
#[test]
fn bench_tells_where_the_time_of_a_gpu_goes() {
    if std::env::var_os("FELSIC_SKIP_GPU").is_some() {
        return;
    }
    let model = model("tiny-silu");
    let shape = ["bench", "--model", path(&model), "--device", "gpu", "--tokens", "8", "--batch", "3", "--runs", "2"];
    // What a driver prints is not felsic's.
    let bench = |options: &[&str]| {
        let output = run(&[&shape[..], options].concat(), "");
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    let text = bench(&["--profile", "--peak-tflops", "10"]);
    assert!(text.lines().any(|line| line.starts_with("adapter: ")), "{text}");
    let row = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).expect(name);
    assert!(row("product, f32, ").contains("TFLOP/s"), "{text}");
    assert!(row("attention, heads of ").ends_with('%') && row("all ").contains("100.0 %"), "{text}");
    let text = bench(&["--profile", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON line");
    let bodies = line["profile"]["bodies"].as_array().expect("bodies");
    assert!(bodies.iter().any(|body| body["body"] == "norm" && body["ms"].as_f64() > Some(0.0)), "{text}");
}
