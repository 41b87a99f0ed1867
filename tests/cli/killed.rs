//! `felsic pack`: runs that are killed, and several at once.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::*;
use crate::{path, success};

fn pack(checkpoint: &Path, out: &Path, format: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_felsic"))
        .args(["pack", path(checkpoint), path(out), "--weights", format])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_next_run_removes_what_a_killed_one_has_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (checkpoint, out) = (model("tiny-gemma"), folder.path().join("out"));
    let hidden = || names(folder.path()).into_iter().filter(|name| name.starts_with(".out.partial-")).count();
    // One that is faster than the kill leaves a pack and nothing else.
    for _ in 0..50 {
        let mut child = pack(&checkpoint, &out, "int8");
        while hidden() == 0 && child.try_wait().expect("a child").is_none() {}
        child.kill().expect("killed");
        child.wait().expect("an end");
        if hidden() > 0 {
            break;
        }
    }
    assert_eq!(hidden(), 1, "a killed run cannot clean up");
    fs::create_dir_all(folder.path().join(".other.partial-0000000000000000/pack")).expect("a folder");
    success(&["pack", path(&checkpoint), path(&out)], "");
    assert_eq!(names(folder.path()), [".other.partial-0000000000000000", "out"]);
    success(&["inspect", path(&out), "--check"], "");
}

#[test]
fn several_at_once_leave_one_whole_pack() {
    let folder = tempfile::tempdir().expect("a folder");
    let (checkpoint, out) = (model("tiny-silu"), folder.path().join("out"));
    for _ in 0..3 {
        let formats = ["int8", "f32", "int8", "int4"];
        let children: Vec<Child> = formats.iter().map(|format| pack(&checkpoint, &out, format)).collect();
        for child in children {
            let output = child.wait_with_output().expect("an end");
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(names(folder.path()), ["out"]);
        success(&["inspect", path(&out), "--check"], "");
        success(&["embed", "--model", path(&out)], "\"x\"\n");
    }
    // What an earlier run has put there beside the pack of a later one goes with the next.
    success(&["pack", path(&checkpoint), path(&out)], "");
    success(&["inspect", path(&out), "--check"], "");
}
