//! `felsic bench`: how long batches take.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use felsic::embedder::{EmbedOptions, Embedder};
use felsic::error::{Code, Error, Result};

use crate::model::ModelArguments;
use crate::output::Output;

/// Arguments of `felsic bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Tokens per text; separate several numbers by commas.
    #[arg(long, value_delimiter = ',', default_value = "16,128,512", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tokens: Vec<u32>,
    /// Texts per batch; separate several numbers by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,8", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: Vec<u32>,
    /// Timed runs of each combination, after one to warm up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
}

/// Measures every combination.
pub fn bench(arguments: &BenchArguments, output: &mut Output) -> Result<ExitCode> {
    pollster::block_on(async {
        let start = Instant::now();
        let embedder = arguments.model.open().await?;
        let info = embedder.info();
        let loaded = milliseconds(start);
        output.line(format!("{} on {} ({}), loaded in {loaded:.0} ms", info.space, info.device, info.kernel))?;
        output.line(format!(
            "{:>6} {:>6} {:>10} {:>10} {:>10} {:>10}",
            "batch", "tokens", "median ms", "min ms", "max ms", "tokens/s"
        ))?;
        let ids = ids(&embedder)?;
        for tokens in &arguments.tokens {
            for batch in &arguments.batch {
                if output.is_open() {
                    measure(&embedder, &ids, [*tokens as usize, *batch as usize], arguments.runs, output).await?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Returns ids to fill texts with: those of a sentence that the tokenizer knows.
fn ids(embedder: &Embedder) -> Result<Vec<u32>> {
    let text = "The quick brown fox jumps over the lazy dog; 12 boxing wizards judge its vow.";
    let ids = embedder.tokenize(text, &EmbedOptions::default())?;
    match ids.is_empty() {
        true => Err(Error::new(Code::TokenizerInvalid, "the tokenizer gives no ids for an English sentence")),
        false => Ok(ids),
    }
}

async fn measure(
    embedder: &Embedder,
    ids: &[u32],
    [tokens, batch]: [usize; 2],
    runs: u32,
    output: &mut Output,
) -> Result<()> {
    // Each text starts elsewhere in the sentence, so that no two are the same.
    let text = |first: usize| ids.iter().copied().cycle().skip(first % ids.len()).take(tokens).collect();
    let texts: Vec<Vec<u32>> = (0..batch).map(text).collect();
    let mut times = Vec::new();
    for run in 0..=runs {
        let start = Instant::now();
        embedder.embed_ids(&texts).await?;
        if run > 0 {
            times.push(milliseconds(start));
        }
    }
    times.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (times.first(), times.last()) else { return Ok(()) };
    let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0;
    let rate = 1e3 * (tokens * batch) as f64 / median;
    output.line(format!("{batch:>6} {tokens:>6} {median:>10.2} {least:>10.2} {most:>10.2} {rate:>10.0}"))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
