//! `felsic embed` from files into files: formats, threads, and runs that are interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::*;
use crate::{failure, lines, path, run, success, vector};

/// Texts of which windows, of 512, are made several.
const TEXTS: usize = 1300;

struct Place {
    folder: tempfile::TempDir,
    model: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), model: path(&model("tiny-silu")).to_string() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes texts of mixed lengths, each a line of JSON; `bad` is the place of one that is none.
    fn input(&self, name: &str, bad: Option<usize>) -> PathBuf {
        let line = |at: usize| match bad == Some(at) {
            true => "7\n".to_string(),
            false => json!({ "id": at, "text": format!("text {at}{}", " word".repeat(at % 9)) }).to_string() + "\n",
        };
        let file = self.at(name);
        fs::write(&file, (0..TEXTS).map(line).collect::<String>()).expect("written");
        file
    }

    fn arguments<'a>(&'a self, input: &'a Path, out: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
        [&["embed", path(input), path(out), "--model", &self.model], options].concat()
    }

    /// Returns the bytes of a file that a run makes.
    fn made(&self, input: &Path, out: &str, options: &[&str]) -> Vec<u8> {
        let out = self.at(out);
        success(&self.arguments(input, &out, options), "");
        fs::read(out).expect("a file")
    }

    /// Returns how a run fails.
    fn refused(&self, input: &Path, out: &str, options: &[&str]) -> String {
        failure(&run(&self.arguments(input, &self.at(out), options), ""))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

/// Returns the rows of a NumPy array.
fn rows(npy: &[u8]) -> Vec<Vec<f32>> {
    let header = String::from_utf8_lossy(&npy[10..128]).into_owned();
    let (rows, width) = header.split_once('(').and_then(|(_, rest)| rest.split_once(',')).expect("a shape");
    let width: usize = width.split(')').next().expect("an end").trim().parse().expect("a number");
    assert_eq!(rows.parse::<usize>().expect("a number") * width * 4, npy.len() - 128, "{header}");
    let values: Vec<f32> = npy[128..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    values.chunks(width).map(<[f32]>::to_vec).collect()
}

#[test]
fn every_format_has_the_same_vectors_for_any_number_of_threads() {
    let place = Place::new();
    let input = place.input("texts.jsonl", None);
    let npy = place.made(&input, "1.npy", &["--threads", "1"]);
    for threads in ["2", "5"] {
        assert!(place.made(&input, &format!("{threads}.npy"), &["--threads", threads]) == npy, "{threads} threads");
    }
    let made = rows(&npy);
    let json = lines(&String::from_utf8(place.made(&input, "out.jsonl", &["--with-text"])).expect("UTF-8"));
    assert_eq!((made.len(), json.len()), (TEXTS, TEXTS));
    assert!(made.iter().zip(&json).all(|(row, line)| *row == vector(line)));
    assert_eq!((&json[7]["id"], &json[7]["text"]), (&"7".into(), &"text 7 word word word word word word word".into()));
    // Its texts are those of the input, and its vectors those that the model makes of them.
    place.made(&input, "out.parquet", &["--with-text"]);
    assert!(place.made(&place.at("out.parquet"), "again.npy", &["--column", "text"]) == npy);
    let (shards, index) = (place.at("out.parquet"), place.at("index"));
    success(&["index", "--vectors", path(&shards), path(&index), "--model", &place.model], "");
    // From standard input, which is a file here.
    let mut felsic = Command::new(env!("CARGO_BIN_EXE_felsic"));
    let output =
        felsic.args(["embed", "--model", &place.model]).stdin(fs::File::open(&input).expect("a file")).output();
    let output = String::from_utf8(output.expect("the binary").stdout).expect("UTF-8");
    assert!(lines(&output).iter().zip(&made).all(|(line, row)| vector(line) == *row));
    assert!(!place.names().iter().any(|name| name.contains(".part") || name.contains(".journal")));
}

#[test]
fn a_run_that_was_interrupted_goes_on_to_the_same_file() {
    let place = Place::new();
    let input = place.input("texts.jsonl", None);
    let broken = place.input("broken.jsonl", Some(1200));
    for format in ["npy", "jsonl", "parquet"] {
        let (whole, out) = (format!("whole.{format}"), format!("out.{format}"));
        let want = place.made(&input, &whole, &[]);
        let text = place.refused(&broken, &out, &[]);
        assert!(text.contains("line 1201 is neither"), "{text}");
        assert!(!place.at(&out).exists(), "what is not whole has not its name");
        let part = place.at(&format!("{out}.part"));
        if format == "npy" {
            assert_eq!(rows(&fs::read(&part).expect("a partial file")).len(), 1024, "its header is right at any time");
        }
        assert!(place.refused(&input, &out, &[]).contains("go on with --resume"), "nothing is thrown away");
        // As a run leaves it that is killed while it writes, or a disk that loses what came last.
        let torn = [fs::read(&part).expect("a file"), b"half".to_vec()].concat();
        fs::write(&part, torn).expect("written");
        let journal = place.at(&format!("{out}.journal"));
        let torn = fs::read_to_string(&journal).expect("a file") + "{\"texts\":1,";
        fs::write(&journal, torn).expect("written");
        let arguments = place.at(&out);
        let said = success(&place.arguments(&input, &arguments, &["--resume", "--threads", "2"]), "");
        assert!(said.contains("1300 texts (1024 from an earlier run)"), "{said}");
        assert!(fs::read(place.at(&out)).expect("a file") == want, "{format}");
        assert!(!part.exists() && !journal.exists());
        assert!(place.refused(&input, &out, &["--resume"]).contains("exists"));
    }
}

#[test]
fn damage_is_computed_again_and_nothing_is_mixed() {
    let place = Place::new();
    let input = place.input("texts.jsonl", None);
    let broken = place.input("broken.jsonl", Some(1200));
    let want = place.made(&input, "whole.npy", &[]);
    place.refused(&broken, "out.npy", &[]);
    let (part, journal) = (place.at("out.npy.part"), place.at("out.npy.journal"));
    let (sound, sound_journal) = (fs::read(&part).expect("a file"), fs::read(&journal).expect("a file"));
    // Another model, another prompt, other options, another input.
    let other = path(&model("tiny-gelu")).to_string();
    let out = place.at("out.npy");
    let refused = |arguments: &[&str]| failure(&run(arguments, ""));
    let text = refused(&["embed", path(&input), path(&out), "--model", &other, "--resume"]);
    assert!(text.ends_with("[vectors-disagree]\n"), "{text}");
    for (options, what) in [
        (&["--dimensions", "16"][..], "dimensions"),
        (&["--no-strip"], "--no-strip"),
        (&["--format", "jsonl"], "the format"),
    ] {
        let text = place.refused(&input, "out.npy", &[options, &["--resume"]].concat());
        assert!(text.contains(what) && text.ends_with("[input-invalid]\n"), "{text}");
    }
    let changed = place.at("changed.jsonl");
    fs::write(&changed, fs::read_to_string(&input).expect("a file").replacen("text 600", "text six", 1))
        .expect("written");
    let text = place.refused(&changed, "out.npy", &["--resume"]);
    assert!(text.contains("513 to 1024 differ"), "{text}");
    // A model of the same name that makes other vectors.
    let head = String::from_utf8(sound_journal.clone()).expect("UTF-8");
    let (first, rest) = head.split_once('\n').expect("lines");
    let mut value: Value = serde_json::from_str(first).expect("JSON");
    value["probe"][0] = json!(value["probe"][0].as_f64().expect("a number") + 0.01);
    fs::write(&journal, format!("{value}\n{rest}")).expect("written");
    assert!(place.refused(&input, "out.npy", &["--resume"]).ends_with("[vectors-disagree]\n"));
    for bad in ["", "{}\n", "{\"version\":1}\n", "[[[[\n"] {
        fs::write(&journal, bad).expect("written");
        assert!(place.refused(&input, "out.npy", &["--resume"]).contains("no journal"), "{bad:?}");
    }
    // A flipped bit in the second window: the first stays.
    fs::write(&journal, &sound_journal).expect("written");
    let mut damaged = sound.clone();
    let at = damaged.len() - 5;
    damaged[at] ^= 1;
    fs::write(&part, damaged).expect("written");
    let said = success(&place.arguments(&input, &out, &["--resume"]), "");
    assert!(said.contains("(512 from an earlier run)"), "{said}");
    assert!(fs::read(&out).expect("a file") == want);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_what_can_be_resumed() {
    let place = Place::new();
    let input = place.input("texts.jsonl", None);
    let want = place.made(&input, "whole.npy", &[]);
    let out = place.at("out.npy");
    for texts in [1, 2] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_felsic"))
            .args(place.arguments(&input, &out, &["--resume", "--threads", "1"]))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary");
        let journal = || fs::read_to_string(place.at("out.npy.journal")).unwrap_or_default().lines().count();
        while journal() <= texts && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().expect("killed");
        child.wait().expect("an end");
    }
    if !out.exists() {
        success(&place.arguments(&input, &out, &["--resume"]), "");
    }
    assert!(fs::read(&out).expect("a file") == want);
}

#[test]
fn plain_lines_are_texts_as_they_stand_and_failures_have_a_place() {
    let place = Place::new();
    let text = place.at("texts.txt");
    fs::write(&text, b"\xef\xbb\xbfone\r\n\n\"two\"\n\xff\nfive").expect("written");
    assert!(place.refused(&text, "out.npy", &[]).contains("line 4 is not UTF-8"));
    assert_eq!(place.names(), ["texts.txt"], "of nothing, nothing remains");
    let output = run(&place.arguments(&text, &place.at("out.jsonl"), &["--keep-going", "--with-text"]), "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let made = lines(&fs::read_to_string(place.at("out.jsonl")).expect("a file"));
    let texts: Vec<&Value> = made.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, [&json!("one"), &json!(""), &json!("\"two\""), &Value::Null, &json!("five")]);
    assert_eq!(made[3]["error"]["code"], "input-invalid");
    // In Parquet a row without a vector says why, and is one of the texts.
    let output = run(&place.arguments(&text, &place.at("out.parquet"), &["--keep-going", "--with-text"]), "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let parquet = place.at("out.parquet");
    let output = run(&["embed", path(&parquet), "--column", "error", "--keep-going", "--model", &place.model], "");
    let made = lines(&crate::stdout(&output));
    assert!(made.len() == 5 && made[3]["error"].is_null() && made[0]["error"]["code"] == "input-invalid", "{made:?}");
    let said = place.refused(&parquet, "none.npy", &["--column", "body"]);
    assert!(said.contains("has no column \"body\""), "{said}");
    assert!(place.refused(&parquet, "none.npy", &["--column", "text"]).contains("row 4 has no text"));
    fs::write(place.at("bad.parquet"), "PAR1 not a table PAR1").expect("written");
    assert!(place.refused(&place.at("bad.parquet"), "none2.npy", &[]).ends_with("[input-invalid]\n"));
    let empty = place.at("empty.jsonl");
    fs::write(&empty, "").expect("written");
    assert!(rows(&place.made(&empty, "empty.npy", &[])).is_empty());
    place.made(&empty, "empty.parquet", &["--with-text"]);
    assert!(rows(&place.made(&place.at("empty.parquet"), "empty2.npy", &[])).is_empty());
    for arguments in [
        &["embed", "--resume"][..],
        &["embed", "--format", "npy"],
        &["embed", "--input-format", "parquet"],
        &["embed", "-", "x.npy", "--keep-going"],
        &["embed", "-", "x.npy", "--with-text"],
        &["embed", "--threads", "0"],
    ] {
        assert_eq!(run(arguments, "").status.code(), Some(2), "{arguments:?}");
    }
}
