//! `felsic index`: a small site, and what can be wrong with one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::*;
use crate::{failure, path, run, success};

/// The pages of the site.
const PAGES: usize = 20;
const TOPICS: [&str; 5] = ["branches", "harbour pilots", "sourdough bread", "interest rates", "mountain huts"];

/// A site in one folder and an index in another.
struct Site {
    folder: TempDir,
    out: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let site = Self { out: folder.path().join("out"), folder };
        for page in 0..PAGES {
            let topic = TOPICS[page % TOPICS.len()];
            let text = format!("This is page {page} about {topic}. It says what {topic} are for, {page} times over.");
            match page % 2 {
                0 => site.write(
                    &format!("guide/{page:02}.md"),
                    format!("# About {topic}\n\n{text}\n\n## More\n\nMore on {topic}.\n"),
                ),
                _ => site.write(
                    &format!("{page:02}/index.html"),
                    format!("<!doctype html><title>On {topic}</title><main><h1>On {topic}</h1><p>{text}</p></main>"),
                ),
            }
        }
        site
    }

    fn pages(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let file = self.pages().join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(file, text).expect("written");
    }

    /// Returns the line that a run prints, without the folder; nothing is left out.
    fn index(&self, options: &[&str]) -> String {
        let pages = self.pages();
        let line = success(&[&["index", path(&pages), path(&self.out)], options].concat(), "");
        line.trim_end().strip_prefix(&format!("{}: ", self.out.display())).expect("the folder").to_string()
    }

    fn refused(&self, options: &[&str]) -> String {
        let pages = self.pages();
        failure(&run(&[&["index", path(&pages), path(&self.out)], options].concat(), ""))
    }

    /// Returns every file of the index with its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.out)
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.out.join("index.json")).expect("index.json")).expect("JSON")
    }

    fn documents(&self) -> Vec<Value> {
        let manifest = self.manifest();
        let segments = manifest["segments"].as_array().expect("a list");
        let of =
            |segment: &Value| self.unzipped(&segment["documents"])["documents"].as_array().expect("a list").clone();
        segments.iter().flat_map(of).collect()
    }

    fn unzipped(&self, entry: &Value) -> Value {
        let file = fs::File::open(self.out.join(entry["file"].as_str().expect("a name"))).expect("a file");
        let mut json = String::new();
        GzDecoder::new(file).read_to_string(&mut json).expect("gzip");
        serde_json::from_str(&json).expect("JSON")
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn ends_with_code(text: &str, code: &str) {
    assert!(text.ends_with(&format!("[{code}]\n")), "{code}: {text}");
}

/// Checks every file against `index.json`, and that there is no other.
fn check_files(site: &Site) {
    let (manifest, mut files) = (site.manifest(), site.files());
    files.remove("index.json").expect("index.json");
    let segments = manifest["segments"].as_array().expect("a list");
    let sections = ["documents", "vectors", "fine", "texts"];
    let of_segments = segments.iter().flat_map(|segment| sections.map(|section| (section, segment[section].clone())));
    for (section, entry) in of_segments.chain([("words", manifest["words"].clone())]) {
        if entry.is_null() {
            continue;
        }
        let bytes = files.remove(entry["file"].as_str().expect("a name")).expect("the file");
        let hash = sha256(&bytes);
        assert_eq!(
            (entry["bytes"].as_u64(), entry["sha256"].as_str()),
            (Some(bytes.len() as u64), Some(hash.as_str()))
        );
        assert_eq!(entry["file"], format!("{}.{section}", &hash[..32]));
        if section == "texts" {
            let blocks: Vec<String> = bytes.chunks(16384).map(sha256).collect();
            assert_eq!(entry["blocks"], Value::from(blocks));
        }
    }
    assert!(files.is_empty(), "{:?}", files.keys());
}

#[test]
fn a_site_becomes_an_index_and_the_same_one_every_time() {
    let site = Site::new();
    let line = site.index(&["--base-url", "https://example.org/docs"]);
    check_files(&site);
    let manifest = site.manifest();
    assert_eq!((&manifest["format"], &manifest["version"]), (&"felsic-index".into(), &1.into()));
    assert_eq!(manifest["space"], "felsic-small-english@1/int8-g32/256");
    assert_eq!((manifest["documents"].as_u64(), &manifest["base"]), (Some(20), &"https://example.org/docs/".into()));
    let passages = manifest["passages"].as_u64().expect("a number");
    assert!(line.starts_with(&format!("20 documents, {passages} passages (")), "{line}");
    let calibration = &manifest["calibration"];
    let pairs = (passages * (passages - 1) / 2).min(2000);
    assert_eq!((calibration["dimensions"].as_u64(), calibration["count"].as_u64()), (Some(256), Some(pairs)));
    assert!(calibration["mean"].as_f64().is_some_and(|mean| mean > 0.0 && mean < 1.0), "{calibration}");

    let documents = site.documents();
    let ids: Vec<&str> = documents.iter().map(|document| document["id"].as_str().expect("an id")).collect();
    assert!(ids.is_sorted() && ids.contains(&"01/index.html") && ids.contains(&"guide/18.md"), "{ids:?}");
    let page = &documents[ids.iter().position(|id| *id == "01/index.html").expect("there")];
    assert_eq!((&page["title"], &page["url"]), (&"On harbour pilots".into(), &"https://example.org/docs/01/".into()));
    let words = site.unzipped(&manifest["words"]);
    assert_eq!((words["documentCount"].as_u64(), &words["serializationVersion"]), (Some(passages), &2.into()));
    assert!(words["index"].as_array().expect("a list").iter().any(|term| term[0] == "sourdough"));

    let before = site.files();
    site.index(&["--base-url", "https://example.org/docs", "--threads", "1"]);
    assert_eq!(site.files(), before, "neither time nor threads are in it");
    site.index(&["--base-url", "https://example.org/docs", "--update"]);
    assert_eq!(site.files(), before);
}

#[test]
fn passages_lead_to_the_heading_above_them() {
    let site = Site::new();
    site.write(
        "why.html",
        "<title>Why</title><main><h1 id=top>Why</h1><p>So.</p><h2 id=reasons>Reasons</h2><p>Many.</p></main>",
    );
    site.index(&[]);
    let anchors = |id: &str| -> Vec<Value> {
        let documents = site.documents();
        let document = documents.iter().find(|document| document["id"] == id).expect("a document");
        document["passages"].as_array().expect("a list").iter().map(|passage| passage["anchor"].clone()).collect()
    };
    assert_eq!(anchors("why.html"), [Value::Null, "reasons".into()]);
    assert_eq!(anchors("guide/00.md"), [Value::Null, "more".into()]);
    check_files(&site);
}

/// The texts in an index are those that the vectors were made of, and quantising keeps them near.
#[test]
fn vectors_and_texts_belong_together() {
    let site = Site::new();
    site.index(&["--fine"]);
    check_files(&site);
    let manifest = site.manifest();
    let segment = &manifest["segments"][0];
    let section =
        |name: &str| fs::read(site.out.join(segment[name]["file"].as_str().expect("a name"))).expect("a file");
    let (vectors, fine, texts) = (section("vectors"), section("fine"), section("texts"));
    let (rows, dimensions) = (segment["rows"].as_u64().expect("rows") as usize, 256);
    assert_eq!((vectors.len(), fine.len()), (rows * (4 + dimensions), rows * dimensions));
    let documents = site.documents();
    let passages = documents.iter().flat_map(|document| document["passages"].as_array().expect("a list"));
    let mut lines = String::new();
    for (document, passage) in documents.iter().flat_map(|document| {
        document["passages"].as_array().expect("a list").iter().map(move |passage| (document, passage))
    }) {
        let at = passage["at"].as_u64().expect("a place") as usize;
        let text = &texts[at..][..passage["bytes"].as_u64().expect("a length") as usize];
        let trail = passage["trail"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let line: Vec<&str> = document["title"].as_str().into_iter().chain(trail).collect();
        let input = format!("{}\n{}", line.join(" › "), std::str::from_utf8(text).expect("UTF-8"));
        assert_eq!(sha256(input.as_bytes())[..16], *passage["hash"].as_str().expect("a hash"), "{input:?}");
        lines += &(Value::from(input).to_string() + "\n");
    }
    assert_eq!(passages.count(), rows);
    for (row, made) in crate::lines(&success(&["embed"], &lines)).iter().enumerate() {
        let scale = f32::from_le_bytes(*vectors[row * 4..].first_chunk().expect("a scale"));
        let coarse = &vectors[rows * 4 + row * dimensions..][..dimensions];
        let fine = &fine[row * dimensions..][..dimensions];
        for (at, wanted) in crate::vector(made).into_iter().enumerate() {
            let component = scale * (f32::from(coarse[at].cast_signed()) + f32::from(fine[at].cast_signed()) / 254.0);
            assert!((component - wanted).abs() < scale * 0.005, "row {row}: {component} instead of {wanted}");
        }
    }
}

#[test]
fn an_update_embeds_what_is_new() {
    let site = Site::new();
    let counts = |line: &str| -> Vec<usize> {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).take(4).collect()
    };
    let first = counts(&site.index(&[]));
    let again = counts(&site.index(&["--update"]));
    assert_eq!((&again[..2], again[2], again[3]), (&first[..2], 0, first[1]));
    site.write("guide/new.md", "# A new page\n\nIt is about lighthouses.\n");
    site.write("guide/00.md", "# About branches\n\nThis page is another now.\n");
    fs::remove_file(site.pages().join("guide/02.md")).expect("removed");
    let changed = counts(&site.index(&["--update"]));
    assert_eq!((changed[0], changed[2]), (PAGES, 2), "{changed:?}");
    check_files(&site);
    let updated = site.files();
    let anew = counts(&site.index(&[]));
    assert_eq!(anew[..2], changed[..2]);
    assert_eq!(site.files(), updated, "an update makes what a new run makes");
    // Rows of 8 bits are no rows of 16.
    assert_eq!(counts(&site.index(&["--update", "--fine"]))[2], anew[2]);
    check_files(&site);
}

#[test]
fn an_index_is_replaced_whole_or_not_at_all() {
    let site = Site::new();
    site.index(&[]);
    let before = site.files();
    // The next index cannot be written: a folder is in the place of index.json's new version.
    fs::create_dir(site.out.join("index.json.part")).expect("a folder");
    site.write("guide/new.md", "# A new page\n\nIt is about lighthouses.\n");
    ends_with_code(&site.refused(&[]), "io");
    fs::remove_dir(site.out.join("index.json.part")).expect("removed");
    let after = site.files();
    assert!(after.len() > before.len(), "new files stand beside the old ones");
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "and the old ones are all there");
    // What such a run has left goes with the next one that succeeds.
    fs::write(site.out.join(format!("{}.texts.part", "0".repeat(32))), "half").expect("written");
    site.index(&["--update"]);
    check_files(&site);
}

#[test]
fn updates_need_the_same_model_and_a_whole_index() {
    let site = Site::new();
    site.index(&[]);
    let other = model("tiny-silu");
    let text = site.refused(&["--update", "--model", path(&other)]);
    ends_with_code(&text, "needs-reindex");
    assert!(text.contains("felsic-small-english@1/int8-g32/256") && text.contains("without --update"), "{text}");
    let vectors = site.out.join(site.manifest()["segments"][0]["vectors"]["file"].as_str().expect("a name"));
    let mut bytes = fs::read(&vectors).expect("a file");
    bytes[0] ^= 1;
    fs::write(&vectors, bytes).expect("written");
    ends_with_code(&site.refused(&["--update"]), "index-invalid");
    fs::remove_file(&vectors).expect("removed");
    ends_with_code(&site.refused(&["--update"]), "index-invalid");
    fs::write(site.out.join("index.json"), r#"{"format":"felsic-index","version":1}"#).expect("written");
    ends_with_code(&site.refused(&["--update"]), "index-invalid");
    site.index(&[]);
    check_files(&site);
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let site = Site::new();
    site.write("latin1.html", b"<p>caf\xe9</p>");
    site.write("huge.txt", vec![b'a'; (16 << 20) + 1]);
    site.write("empty.md", "\n\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink(site.pages(), site.pages().join("guide/loop")).expect("a link");
    let output = run(&["index", path(&site.pages()), path(&site.out)], "");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    for wanted in [
        "latin1.html is left out: it is not UTF-8",
        "huge.txt is left out: it has 16777217 bytes",
        "1 files have no text",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    #[cfg(unix)]
    assert!(said.contains("1 symbolic links are not followed"), "{said}");
    assert_eq!(site.documents().len(), PAGES);
}

#[test]
fn globs_choose_files_and_an_index_inside_the_site_is_none_of_it() {
    let mut site = Site::new();
    site.out = site.pages().join("search");
    site.write("script.js", "const answer = 42; // the answer to everything\n");
    site.index(&["--include", "*.js", "--include", "guide/0*", "--exclude", "04.md"]);
    let ids: Vec<String> = site.documents().iter().map(|document| document["id"].to_string()).collect();
    assert_eq!(ids, ["\"guide/00.md\"", "\"guide/02.md\"", "\"guide/06.md\"", "\"guide/08.md\"", "\"script.js\""]);
    assert!(site.index(&["--include", "**"]).starts_with(&format!("{} documents", PAGES + 1)));
}

#[test]
fn what_cannot_be_an_index_is_refused_and_nothing_is_deleted() {
    let site = Site::new();
    let pages = site.pages();
    fs::create_dir(&site.out).expect("a folder");
    fs::write(site.out.join("photo.png"), "x").expect("written");
    ends_with_code(&site.refused(&[]), "input-invalid");
    assert_eq!(site.files().keys().collect::<Vec<_>>(), ["photo.png"]);
    let out = site.folder.path().join("other");
    let nowhere = site.folder.path().join("nowhere");
    let empty = tempfile::tempdir().expect("a folder");
    let checkpoint = model("tiny-silu");
    let cases: [(&[&str], &str); 8] = [
        (&[path(&nowhere), path(&out)], "not-found"),
        (&[path(empty.path()), path(&out)], "not-found"),
        (&[path(&pages), path(&pages)], "input-invalid"),
        (&[path(&pages), path(&out), "--base-url", "javascript:alert(1)"], "input-invalid"),
        (&[path(&pages), path(&out), "--include", "a["], "input-invalid"),
        (&[path(&pages), path(&out), "--tokens", "4"], "input-invalid"),
        (&[path(&pages), path(&out), "--model", path(&nowhere)], "not-found"),
        (&[path(&pages), path(&out), "--model", path(&checkpoint), "--model-url", "/model/"], "input-invalid"),
    ];
    for (arguments, code) in cases {
        let text = failure(&run(&[&["index"], arguments].concat(), ""));
        ends_with_code(&text, code);
        assert!(!out.exists(), "{arguments:?}: nothing is written before everything is checked");
    }
}

/// Writes texts with their vectors as JSON lines, as another program would; `change` changes a line.
fn shard(file: &Path, texts: &[String], options: &[&str], change: impl Fn(&mut Value)) {
    let input: String = texts.iter().map(|text| Value::from(text.as_str()).to_string() + "\n").collect();
    let made = crate::lines(&success(&[&["embed"], options].concat(), &input));
    let lines = texts.iter().zip(&made).enumerate().map(|(at, (text, made))| {
        let mut line = serde_json::json!({ "id": format!("doc-{at}"), "text": text, "embedding": made["embedding"] });
        line["tags"] = vec![if at % 2 == 0 { "even" } else { "odd" }].into();
        change(&mut line);
        line.to_string() + "\n"
    });
    fs::write(file, lines.collect::<String>()).expect("written");
}

#[test]
fn vectors_made_elsewhere_become_an_index_if_they_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("shard.jsonl"), folder.path().join("out"));
    let texts: Vec<String> = (0..70).map(|at| format!("Text {at} is about {}.", TOPICS[at % TOPICS.len()])).collect();
    let import = ["index", path(&file), path(&out), "--vectors"];
    // Vectors of another length are brought to 1.
    shard(&file, &texts, &[], |line| {
        let longer = crate::vector(line).into_iter().map(|value| value * 3.0);
        line["embedding"] = longer.collect::<Vec<f32>>().into();
    });
    let line = success(&import, "");
    assert!(line.contains(": 70 documents, 70 passages (0 embedded, 70 reused)"), "{line}");
    let site = Site { out: out.clone(), folder };
    check_files(&site);
    assert_eq!(
        (&site.documents()[3]["id"], &site.documents()[3]["tags"]),
        (&"doc-3".into(), &Value::from(vec!["odd"]))
    );

    let before = site.files();
    type Damage<'a> = &'a dyn Fn(&mut Value);
    let cases: [(Damage, &str); 6] = [
        (&|line| line["text"] = "something else".into(), "vectors-disagree"),
        (&|line| line["embedding"] = vec![0.5; 3].into(), "vectors-disagree"),
        (&|line| line["embedding"][0] = 1e39.into(), "input-invalid"),
        (&|line| line["id"] = "the same".into(), "input-invalid"),
        (&|line| line["text"] = " ".into(), "input-invalid"),
        (&|line| line["embedding"] = "AAAA".into(), "input-invalid"),
    ];
    for (change, code) in cases {
        shard(&file, &texts, &[], change);
        let text = failure(&run(&import, ""));
        ends_with_code(&text, code);
        assert!(code != "vectors-disagree" || text.contains("felsic-small-english") || text.contains("256"), "{text}");
    }
    assert_eq!(site.files(), before, "nothing is written before all has been checked");
    assert_eq!(run(&[&import[..], &["--update"]].concat(), "").status.code(), Some(2));
}

/// Returns a fixture that tests/reference/parquet.py has made.
fn parquet(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/search", name].iter().collect()
}

#[test]
fn vectors_in_parquet_become_an_index_and_formats_may_be_mixed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (shards, out) = (folder.path().join("shards"), folder.path().join("out"));
    fs::create_dir(&shards).expect("a folder");
    for name in ["vectors-list.parquet", "vectors-fixed.parquet"] {
        fs::copy(parquet(name), shards.join(name)).expect("copied");
    }
    shard(&shards.join("more.jsonl"), &["Text in a line about sourdough.".into()], &[], |_| ());
    let line = success(&["index", path(&shards), path(&out), "--vectors"], "");
    assert!(line.contains(": 11 documents, 11 passages (0 embedded, 11 reused)"), "{line}");
    let site = Site { out, folder };
    check_files(&site);
    let documents = site.documents();
    let ids: Vec<&str> = documents.iter().filter_map(|document| document["id"].as_str()).collect();
    let fixed = (0..5).map(|at| format!("text-{at}"));
    let want: Vec<String> = ["doc-0".into()].into_iter().chain(fixed).chain((0..5).map(|at| at.to_string())).collect();
    assert_eq!(ids, want);
    let [even, odd] = [&documents[6], &documents[7]];
    assert_eq!((&even["title"], &even["url"]), (&"Title 0".into(), &"/pages/0".into()));
    assert_eq!((&even["tags"], &even["meta"]["page"]), (&Value::from(vec!["even", "small"]), &0.into()));
    assert_eq!((&odd["title"], &odd["tags"], &odd["meta"]["page"]), (&Value::Null, &Value::Null, &1.into()));
}

#[test]
fn a_collection_s_export_becomes_an_index_with_documents_of_several_passages() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("export.jsonl"), folder.path().join("out"));
    let passages =
        [("a", 0, "Flour and water ferment."), ("a", 20, "The loaf bakes."), ("b", 0, "A pilot guides ships.")];
    let headed = |id: &str, text: &str| format!("Title of {id} › Part\n{text}");
    let inputs: String =
        passages.iter().map(|(id, _, text)| Value::from(headed(id, text)).to_string() + "\n").collect();
    let made = crate::lines(&success(&["embed"], &inputs));
    let lines = |change: &dyn Fn(usize, &mut Value)| {
        let line = |(at, ((id, start, text), made)): (usize, (&(&str, i32, &str), &Value))| {
            let mut line = serde_json::json!({
                "id": id, "title": format!("Title of {id}"), "kind": "markdown", "start": start, "end": start + 30,
                "trail": ["Part"], "anchor": "part", "text": text, "vector": made["embedding"], "space": "any",
            });
            change(at, &mut line);
            line.to_string() + "\n"
        };
        fs::write(&file, passages.iter().zip(&made).enumerate().map(line).collect::<String>()).expect("written");
    };
    let import = ["index", path(&file), path(&out), "--vectors"];
    lines(&|_, _| ());
    let line = success(&import, "");
    assert!(line.contains(": 2 documents, 3 passages (0 embedded, 3 reused)"), "{line}");
    let site = Site { out: out.clone(), folder };
    check_files(&site);
    let documents = site.documents();
    let [first, second] = [&documents[0]["passages"][0], &documents[0]["passages"][1]];
    assert_eq!(
        (&documents[0]["kind"], &first["trail"][0], &first["anchor"]),
        (&"markdown".into(), &"Part".into(), &"part".into())
    );
    assert_eq!((&second["start"], &second["end"]), (&20.into(), &50.into()));
    assert_eq!(sha256(headed("a", "The loaf bakes.").as_bytes())[..16], *second["hash"].as_str().expect("a hash"));
    type Damage<'a> = &'a dyn Fn(usize, &mut Value);
    let cases: [(Damage, &str); 5] = [
        (&|_, line| line["title"] = "Another".into(), "vectors-disagree"),
        (&|at, line| line["start"] = (if at == 1 { -1 } else { 0 }).into(), "input-invalid"),
        (
            &|at, line| {
                if at == 0 {
                    line["start"] = 25.into()
                }
            },
            "input-invalid",
        ),
        (
            &|at, line| {
                if at == 1 {
                    line["start"] = Value::Null
                }
            },
            "input-invalid",
        ),
        (&|_, line| line["kind"] = "pdf".into(), "input-invalid"),
    ];
    for (change, code) in cases {
        lines(change);
        ends_with_code(&failure(&run(&import, "")), code);
    }
}

#[test]
fn damaged_parquet_ends_in_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("shard.parquet"), folder.path().join("out"));
    let import = ["index", path(&file), path(&out), "--vectors"];
    let zstd = failure(&run(&["index", path(&parquet("vectors-zstd.parquet")), path(&out), "--vectors"], ""));
    ends_with_code(&zstd, "input-invalid");
    assert!(zstd.contains("snappy"), "{zstd}");
    for name in ["vectors-list.parquet", "vectors-fixed.parquet"] {
        let sound = fs::read(parquet(name)).expect("a fixture");
        for length in [0, 3, 12, 500, sound.len() - 1] {
            fs::write(&file, &sound[..length]).expect("written");
            ends_with_code(&failure(&run(&import, "")), "input-invalid");
        }
    }
    assert!(!out.exists());
}
