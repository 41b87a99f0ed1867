//! What is not a regular file: a pipe would be waited for, and a device read for ever.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use felsic::error::{Code, Error, Result};
use felsic::pack::{PackOptions, inspect, pack};
use felsic::source::{open_checkpoint, open_model};
use serde_json::json;

use crate::support::*;

type Make = fn(&Path);
const MAKERS: [(&str, Make); 3] = [("a pipe", make_pipe), ("a device", make_endless), ("a folder", make_folder)];

fn make_folder(path: &Path) {
    let _ = fs::remove_file(path);
    fs::create_dir(path).expect("a folder");
}

/// Returns the error of something that may hang.
fn error_of<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Error {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work().map(|_| ())));
    receiver.recv_timeout(Duration::from_secs(60)).expect("an end").expect_err("no regular file")
}

fn is_refused(error: &Error, what: &str) {
    assert_eq!(error.code(), Code::Io, "{what}: {error}");
    assert!(error.to_string().contains("is not a regular file"), "{what}: {error}");
}

#[test]
fn a_checkpoint_is_made_of_regular_files() {
    for (maker, make) in MAKERS {
        for file in [
            "config.json",
            "modules.json",
            "1_Pooling/config.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "model.safetensors",
        ] {
            let folder = copy_of("tiny-silu");
            make(&folder.path().join(file));
            let (opened, packed) = (folder.path().to_path_buf(), folder.path().to_path_buf());
            is_refused(&error_of(move || open_checkpoint(&opened)), &format!("{file} is {maker}"));
            let options = PackOptions::default();
            let packed = move || pack(&packed, &packed.join("pack"), &options, &mut |_| ());
            is_refused(&error_of(packed), &format!("{file} is {maker}, packed"));
        }
    }
}

#[test]
fn so_are_the_files_that_an_index_lists_and_the_index() {
    for (maker, make) in MAKERS {
        for irregular in ["model.safetensors.index.json", "a.safetensors"] {
            let folder = copy_of("tiny-silu");
            let at = |file: &str| folder.path().join(file);
            fs::rename(at("model.safetensors"), at("a.safetensors")).expect("renamed");
            let index = json!({ "weight_map": { "final_norm.weight": "a.safetensors" } });
            fs::write(at("model.safetensors.index.json"), index.to_string()).expect("written");
            open_checkpoint(folder.path()).map(|_| ()).expect("the way that the next ones are made is sound");
            make(&at(irregular));
            let opened = folder.path().to_path_buf();
            is_refused(&error_of(move || open_checkpoint(&opened)), &format!("{irregular} is {maker}"));
        }
    }
}

#[test]
fn a_pack_is_made_of_regular_files() {
    let made = tempfile::tempdir().expect("a folder");
    let sound = made.path().join("pack");
    pack(&model("tiny-silu"), &sound, &PackOptions::default(), &mut |_| ()).expect("a pack");
    for (maker, make) in MAKERS {
        for start in ["manifest.json", "tokenizer-", "layers-", "table-"] {
            let folder = tempfile::tempdir().expect("a folder");
            copy(&sound, folder.path());
            make(&folder.path().join(file_of(&in_memory(&sound), start)));
            let (opened, inspected) = (folder.path().to_path_buf(), folder.path().to_path_buf());
            let opened = move || pollster::block_on(open_model(&opened, &mut |_| ()));
            is_refused(&error_of(opened), &format!("{start} is {maker}"));
            let inspected = move || pollster::block_on(inspect::inspect(&inspected, true, &mut |_, _| ()));
            is_refused(&error_of(inspected), &format!("{start} is {maker}, inspected"));
        }
        // What stands where a pack is to be written.
        let folder = tempfile::tempdir().expect("a folder");
        make(&folder.path().join("manifest.json"));
        let out = folder.path().to_path_buf();
        let error = error_of(move || pack(&model("tiny-silu"), &out, &PackOptions::default(), &mut |_| ()));
        assert_eq!(error.code(), Code::InputInvalid, "{maker}: {error}");
    }
}

#[test]
fn links_to_regular_files_are_as_good() {
    // As a Hugging Face cache lays them out.
    fn link(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a fixture") {
            let path = entry.expect("an entry").path();
            let to = to.join(path.file_name().expect("a name"));
            match path.is_dir() {
                true => link(&path, &to),
                false => std::os::unix::fs::symlink(&path, &to).expect("a link"),
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let linked = folder.path().join("tiny-silu");
    link(&model("tiny-silu"), &linked);
    let space = |path: &Path| open_checkpoint(path).expect("a checkpoint").space;
    assert_eq!(space(&linked), space(&model("tiny-silu")));
}
