//! `felsic bench`: how long batches take.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Args;
use felsic::embedder::{EmbedOptions, Embedder};
use felsic::error::{Code, Error, Result};
use felsic::kernels::profile;
use felsic::model::DeviceKind;

#[cfg(feature = "gpu")]
use crate::bench_gpu as gpu;
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
    /// Threads that share the texts of a batch.
    #[arg(long, default_value = "1")]
    threads: NonZeroUsize,
    /// Print where the time of a run goes: on the CPU by operation, with one thread; on a GPU by kernel body, in further runs.
    #[arg(long, conflicts_with = "threads")]
    profile: bool,
    #[cfg(feature = "gpu")]
    #[command(flatten)]
    gpu: gpu::GpuArguments,
    /// Print JSON lines instead of a table.
    #[arg(long)]
    json: bool,
}

/// Measures every combination.
pub fn bench(arguments: &BenchArguments, output: &mut Output) -> Result<ExitCode> {
    let start = Instant::now();
    #[cfg(feature = "gpu")]
    arguments.gpu.choose();
    let embedder = pollster::block_on(arguments.model.open())?;
    let info = embedder.info();
    let loaded = milliseconds(start);
    if !arguments.json {
        output.line(format!("{} on {} ({}), loaded in {loaded:.0} ms", info.space, info.device, info.kernel))?;
        #[cfg(feature = "gpu")]
        if let Some(adapter) = gpu::adapter() {
            output.line(format!("adapter: {adapter}"))?;
        }
        output.line(format!(
            "{:>6} {:>6} {:>10} {:>10} {:>10} {:>13} {:>10} {:>10}",
            "batch", "tokens", "median ms", "min ms", "max ms", "processor ms", "tokens/s", "texts/s"
        ))?;
    }
    let ids = ids(&embedder)?;
    for tokens in &arguments.tokens {
        for batch in &arguments.batch {
            if output.is_open() {
                let [tokens, batch] = [*tokens, *batch].map(|number| number as usize);
                let times = measure(&embedder, &ids, [tokens, batch], arguments)?;
                match arguments.json {
                    true => output.line(times.json([tokens, batch]))?,
                    false => output.line(times.row([tokens, batch]))?,
                }
                for line in times.profile.lines(arguments) {
                    output.line(line)?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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

/// Times one combination.
fn measure(embedder: &Embedder, ids: &[u32], [tokens, batch]: [usize; 2], arguments: &BenchArguments) -> Result<Times> {
    // Each text starts elsewhere in the sentence, so that no two are the same.
    let text = |first: usize| ids.iter().copied().cycle().skip(first % ids.len()).take(tokens).collect();
    let texts: Vec<Vec<u32>> = (0..batch).map(text).collect();
    let mut times = Times::default();
    run(embedder, &texts, arguments.threads)?;
    let is_on_cpu = arguments.model.kind() == DeviceKind::Cpu;
    if arguments.profile && is_on_cpu {
        profile::start();
    }
    for _ in 0..arguments.runs {
        let (start, worked) = (Instant::now(), processor());
        run(embedder, &texts, arguments.threads)?;
        times.passed.push(milliseconds(start));
        times.worked.extend(processor().zip(worked).map(|(now, then)| (now - then) * 1e3));
    }
    if arguments.profile && is_on_cpu {
        times.profile = Profile::Operations(profile::stop());
    }
    #[cfg(feature = "gpu")]
    if arguments.profile && !is_on_cpu {
        // Between dispatches that are measured a GPU has pauses, so that such runs say nothing of the others.
        profile::gpu::start();
        let made = (0..arguments.runs).try_for_each(|_| run(embedder, &texts, arguments.threads));
        times.profile = Profile::Bodies(profile::gpu::stop());
        made?;
    }
    times.passed.sort_by(f64::total_cmp);
    times.worked.sort_by(f64::total_cmp);
    Ok(times)
}

/// Embeds texts, each thread an equal part of them.
fn run(embedder: &Embedder, texts: &[Vec<u32>], threads: NonZeroUsize) -> Result<()> {
    let mut parts = texts.chunks(texts.len().div_ceil(threads.get()).max(1));
    let Some(own) = parts.next() else { return Ok(()) };
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| pollster::block_on(embedder.embed_ids(part)))).collect();
        let mut all = vec![pollster::block_on(embedder.embed_ids(own))];
        all.extend(others.into_iter().map(|other| {
            other.join().unwrap_or_else(|_| Err(Error::new(Code::Internal, "a thread that embeds has panicked")))
        }));
        all.into_iter().try_for_each(|made| made.map(drop))
    })
}

/// What the runs of one combination took, in ms, ascending.
#[derive(Default)]
struct Times {
    passed: Vec<f64>,
    /// Of all threads' processors; nothing where the system does not say it.
    worked: Vec<f64>,
    profile: Profile,
}

/// Where the time of all runs went.
#[derive(Default)]
enum Profile {
    #[default]
    None,
    /// On the CPU, in ms.
    Operations(Vec<(&'static str, f64)>),
    /// On a GPU.
    #[cfg(feature = "gpu")]
    Bodies(profile::gpu::Profile),
}

impl Profile {
    /// Returns the lines of a table, of one run.
    fn lines(&self, arguments: &BenchArguments) -> Vec<String> {
        let runs = f64::from(arguments.runs);
        match self {
            _ if arguments.json => Vec::new(),
            Self::None => Vec::new(),
            Self::Operations(operations) => operations
                .iter()
                .map(|(name, milliseconds)| format!("{name:>24} {:>10.2}", milliseconds / runs))
                .collect(),
            #[cfg(feature = "gpu")]
            Self::Bodies(profile) => gpu::lines(profile, &arguments.gpu, runs),
        }
    }

    /// Returns the same as JSON.
    fn json(&self, runs: f64) -> serde_json::Value {
        match self {
            Self::None => serde_json::Value::Null,
            Self::Operations(operations) => {
                let entry = |(name, milliseconds): &(&str, f64)| (name.to_string(), (milliseconds / runs).into());
                serde_json::Value::Object(operations.iter().map(entry).collect())
            }
            #[cfg(feature = "gpu")]
            Self::Bodies(profile) => gpu::json(profile, runs),
        }
    }
}

impl Times {
    /// Returns a row of the table.
    fn row(&self, [tokens, batch]: [usize; 2]) -> String {
        let [median, least, most] = self.passed();
        let worked = median_of(&self.worked).map_or("-".into(), |worked| format!("{worked:.2}"));
        let texts = 1e3 * batch as f64 / median;
        let rate = tokens as f64 * texts;
        format!(
            "{batch:>6} {tokens:>6} {median:>10.2} {least:>10.2} {most:>10.2} {worked:>13} {rate:>10.0} {texts:>10.1}"
        )
    }

    /// Returns the same as JSON.
    fn json(&self, [tokens, batch]: [usize; 2]) -> String {
        let [median, least, most] = self.passed();
        let all = serde_json::json!({
            "batch": batch, "tokens": tokens, "median_ms": median, "min_ms": least, "max_ms": most,
            "processor_ms": median_of(&self.worked), "profile": self.profile.json(self.passed.len() as f64),
        });
        all.to_string()
    }

    /// Returns the median, the least and the most time that a run took.
    fn passed(&self) -> [f64; 3] {
        let end = |time: Option<&f64>| time.copied().unwrap_or(f64::NAN);
        [median_of(&self.passed).unwrap_or(f64::NAN), end(self.passed.first()), end(self.passed.last())]
    }
}

/// Returns the median of ascending times, if there are any.
fn median_of(times: &[f64]) -> Option<f64> {
    Some((times.get((times.len().checked_sub(1)?) / 2)? + times.get(times.len() / 2)?) / 2.0)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Returns the seconds that processors have worked for this program.
fn processor() -> Option<f64> {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};

        let time = clock_gettime(ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    None
}
