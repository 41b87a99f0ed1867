//! Standard output and standard error that are closed or full.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use crate::support::*;
use crate::{goldens, path, success};

/// Returns a pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Returns a disk without room.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has one").into()
}

fn run(arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let mut felsic = Command::new(env!("CARGO_BIN_EXE_felsic"));
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, b"\"one\"\n\"two\"\n").expect("room for two lines");
    drop(writer);
    felsic.args(arguments).stdin(reader).stdout(stdout).stderr(stderr).output().expect("the binary")
}

/// Returns a successful call of every command, in a folder of its own.
fn commands() -> (tempfile::TempDir, Vec<Vec<String>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, pack, other) = (model("tiny-silu"), folder.path().join("pack"), folder.path().join("other"));
    let (model, pack, other, goldens) = (path(&model), path(&pack), path(&other), goldens("tiny-silu"));
    success(&["pack", model, pack], "");
    let commands: [&[&str]; 9] = [
        &["inspect", pack, "--check"],
        &["pack", model, other],
        &["verify", "--model", model, "--goldens", &goldens],
        &["verify", "--model", model, "--card", "--tolerance", "2"],
        &["bench", "--model", model, "--tokens", "4", "--batch", "1,2", "--runs", "1"],
        &["embed", "--model", model],
        &["--help"],
        &["--version"],
        &["embed", "--help"],
    ];
    let commands = commands.iter().map(|arguments| arguments.iter().map(|text| text.to_string()).collect());
    (folder, commands.collect())
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn nobody_who_reads_is_no_failure() {
    let (_folder, commands) = commands();
    for arguments in commands {
        let output = run(&borrowed(&arguments), closed(), Stdio::piped());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    // What has been found out counts nevertheless.
    let (model, goldens) = (model("tiny-silu"), goldens("tiny-gelu"));
    let output = run(&["verify", "--model", path(&model), "--goldens", &goldens], closed(), Stdio::piped());
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let (_folder, commands) = commands();
    for arguments in commands {
        let output = run(&borrowed(&arguments), full(), Stdio::piped());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        let wanted = "felsic: cannot write to standard output: No space left on device (os error 28) [io]\n";
        assert_eq!(text, wanted, "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_exit_code_says_what_standard_error_cannot() {
    let (_folder, commands) = commands();
    for stderr in [closed, full] {
        for arguments in &commands {
            let output = run(&borrowed(arguments), Stdio::piped(), stderr());
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
            assert!(!output.stdout.is_empty());
        }
        assert_eq!(run(&["inspect", "/nonexistent"], Stdio::piped(), stderr()).status.code(), Some(1));
        assert_eq!(run(&["--version"], full(), stderr()).status.code(), Some(1));
        for arguments in [&[][..], &["unknown"], &["embed", "--dimensions", "0"]] {
            assert_eq!(run(arguments, Stdio::piped(), stderr()).status.code(), Some(2), "{arguments:?}");
        }
    }
}
