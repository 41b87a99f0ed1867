//! How long the rows of Parquet files take to read. `cargo xtask bench parquet` makes the files and measures another reader beside.
//!
//! Takes a number of runs and files with the columns `text` and `id`; prints a JSON line for each file.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use felsic::bulk::{Fill, InputKind, Records};

fn main() -> Result<(), Box<dyn Error>> {
    // cargo's own `--bench` comes last.
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (runs, files) = given.split_first().ok_or("name a number of runs, and files")?;
    let runs: usize = runs.parse()?;
    for file in files {
        let mut times = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        for _ in 0..runs.max(1) {
            let begun = Instant::now();
            (rows, bytes) = read(Path::new(file))?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!("{}", serde_json::json!({ "rows": rows, "bytes": bytes, "median_ms": times[times.len() / 2] }));
    }
    Ok(())
}

/// Reads a file to its end; returns the number of its rows and the bytes of its texts.
fn read(file: &Path) -> Result<(u64, usize), Box<dyn Error>> {
    let columns = ["text", "id"];
    let mut records = Records::open(file, InputKind::Parquet, &columns)?;
    let mut bytes = 0;
    loop {
        let (window, stopped) = records.window(Fill::Whole);
        if let Some(error) = stopped {
            return Err(error.into());
        }
        if window.is_empty() {
            return Ok((records.reading().done, bytes));
        }
        for record in window {
            bytes += record.text?.len();
        }
    }
}
