//! Runs `felsic` with limits for memory and time, and judges how it ended.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use felsic::error::escaped;
use serde_json::Value;

/// Kilobytes of addresses that a process may take: libraries, stacks and what threads set aside are some 600 MB of it.
const MEMORY: &str = "2000000";
/// Seconds of the processor that it may take.
const SECONDS: &str = "10";
/// Most characters of the line on standard error.
const LONGEST: usize = 4100;

/// How a command ended that did what it may.
pub enum Ended {
    /// It succeeded, with vectors if it makes any.
    Vectors(Vec<Vec<f64>>),
    /// It refused its input with a code.
    Code(String),
}

/// What a command writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    /// A vector on each line, in JSON.
    Vectors,
    /// Files.
    Files,
    /// A comparison, which fails without a code where something differs.
    Comparison,
}

/// A command: arguments for `felsic`, and what it writes.
pub struct Run {
    /// The arguments.
    pub arguments: Vec<String>,
    /// What it writes.
    pub makes: Makes,
}

/// Runs commands.
pub struct Judge {
    /// The command line's program.
    pub felsic: PathBuf,
}

impl Judge {
    /// Runs a command in a folder; returns how it ended, or what must not be.
    pub fn run(&self, run: &Run, folder: &Path) -> Result<Ended, String> {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v $1; ulimit -t $2; shift 2; exec \"$@\"", "sh", MEMORY, SECONDS]);
        command.arg(&self.felsic).args(&run.arguments).current_dir(folder).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("sh does not start: {error}"))?;
        let ended = judged(&output, run.makes);
        ended.map_err(|what| format!("{what} (felsic {})", run.arguments.join(" ")))
    }
}

/// Judges what a process left.
fn judged(output: &Output, makes: Makes) -> Result<Ended, String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) if makes == Makes::Vectors => vectors(&output.stdout).map(Ended::Vectors),
        Some(0) => Ok(Ended::Vectors(Vec::new())),
        Some(1) if makes == Makes::Comparison && errors.is_empty() => compared(&output.stdout),
        Some(1) => code(&errors).map(Ended::Code),
        _ => Err(format!("it ended with {}: {}", output.status, escaped(&errors))),
    }
}

/// Reads a vector from each line, finite and of unit length.
fn vectors(output: &[u8]) -> Result<Vec<Vec<f64>>, String> {
    let text = str::from_utf8(output).map_err(|_| "its output is not UTF-8".to_string())?;
    let vector = |line: &str| -> Result<Vec<f64>, String> {
        let json: Value = serde_json::from_str(line).map_err(|_| format!("a line is not JSON: {}", escaped(line)))?;
        let values: Option<Vec<f64>> =
            json["embedding"].as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
        let values = values.ok_or_else(|| format!("a line without a vector: {}", escaped(line)))?;
        let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        if (length - 1.0).abs() < 1e-3 { Ok(values) } else { Err(format!("a vector of length {length}")) }
    };
    text.lines().map(vector).collect()
}

/// Checks what a comparison prints.
fn compared(output: &[u8]) -> Result<Ended, String> {
    let text = String::from_utf8_lossy(output);
    if text.is_empty() || text.lines().any(|line| escaped(line) != line) {
        return Err(format!("a comparison that cannot be shown: {:?}", escaped(&text)));
    }
    Ok(Ended::Code("differs".into()))
}

/// Returns the code at the end of the one line that a failure prints, which can be shown.
fn code(errors: &str) -> Result<String, String> {
    let line = errors.strip_suffix('\n').unwrap_or(errors);
    let is_clean = line.starts_with("felsic: ") && escaped(line) == line && line.chars().count() <= LONGEST;
    let code = line.strip_suffix(']').and_then(|line| line.rsplit_once(" [")).map(|(_, code)| code);
    match code {
        Some("internal") => Err(format!("a defect: {line}")),
        Some(code) if is_clean => Ok(code.to_string()),
        _ => Err(format!("not one clean line: {:?}", escaped(errors))),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn ended(code: i32, stdout: &str, stderr: &str) -> Result<Ended, String> {
        let output = Output { status: ExitStatus::from_raw(code), stdout: stdout.into(), stderr: stderr.into() };
        judged(&output, Makes::Vectors)
    }

    #[test]
    fn what_must_not_be_is_found() {
        let failed = 1 << 8;
        assert!(matches!(ended(0, "{\"embedding\":[0.6,0.8]}\n", ""), Ok(Ended::Vectors(made)) if made.len() == 1));
        assert!(
            matches!(ended(failed, "", "felsic: no such file [not-found]\n"), Ok(Ended::Code(code)) if code == "not-found")
        );
        let wrong = [
            (0, "{\"embedding\":[0.6,0.9]}\n", ""),
            (0, "{\"embedding\":[null,1]}\n", ""),
            (0, "[1,0]\n", ""),
            (failed, "", "felsic: one\nfelsic: two [not-found]\n"),
            (failed, "", "felsic: a\u{1b}[2J [not-found]\n"),
            (failed, "", "felsic: it cannot be [internal]\n"),
            (failed, "", "thread 'main' panicked\n"),
            (failed, "", ""),
            (101 << 8, "", "felsic: x [io]\n"),
            (9, "", ""),
        ];
        for (code, stdout, stderr) in wrong {
            assert!(ended(code, stdout, stderr).is_err(), "{code} {stdout:?} {stderr:?}");
        }
    }
}
