//! Runs a body once: no panic, no more memory than is allowed for the input, no more time, an end.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use felsic_fuzz::Target;

use crate::MEMORY;

/// Time that any input may take.
const ANY: Duration = Duration::from_millis(300);
/// Time that it may take for each megabyte.
const MEGABYTE: Duration = Duration::from_secs(1);
/// After this long, a body is taken never to end.
const ENDLESS: Duration = Duration::from_secs(60);
/// Runs whose shortest counts, since other programs lengthen single ones.
const TRIES: u32 = 4;

/// What must not be.
pub enum Finding {
    Panic(String),
    Memory { took: usize, most: usize },
    Time { took: Duration, most: Duration },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Panic(message) => write!(f, "a panic: {message}"),
            Finding::Memory { took, most } => write!(f, "{took} bytes of memory, where {most} are allowed"),
            Finding::Time { took, most } => write!(f, "{took:?}, where {most:?} are allowed"),
        }
    }
}

/// The most that any run of a target took.
#[derive(Default)]
pub struct Most {
    memory: usize,
    /// Of the bound.
    share: f64,
    time: Duration,
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory as f64 / 1e6;
        write!(f, "at most {memory:.1} MB, {:.0} % of what is allowed, and {:?}", self.share * 100.0, self.time)
    }
}

/// Watches over runs.
pub struct Judge {
    began: Instant,
    /// Milliseconds since `began` at which the run under way started; 0 if there is none.
    running: Arc<AtomicU64>,
    panicked: Arc<Mutex<String>>,
}

impl Judge {
    /// Takes over what a panic reports, and starts the watch that ends the process if a body does not end.
    pub fn start() -> Self {
        let (running, panicked) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(String::new())));
        let message = panicked.clone();
        set_hook(Box::new(move |panic| {
            *message.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string().replace('\n', " ");
        }));
        let (began, watched) = (Instant::now(), running.clone());
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                let since = watched.load(Ordering::Relaxed);
                if since > 0 && began.elapsed() > Duration::from_millis(since) + ENDLESS {
                    println!("FOUND: no end within {ENDLESS:?}");
                    // As a signal does: whoever started this process then asks for the case.
                    process::abort();
                }
            }
        });
        Self { began, running, panicked }
    }

    /// Runs a body.
    pub fn run(&self, target: &Target, input: &[u8], most: &mut Most) -> Result<(), Finding> {
        let time = ANY + MEGABYTE.mul_f64(input.len() as f64 / 1e6);
        let bytes = target.memory.most(input.len());
        let (mut took, memory) = self.once(target, input)?;
        for _ in 1..TRIES {
            if took <= time {
                break;
            }
            // From here on only what this program computes counts: others lengthen the rest.
            let start = processor_time();
            let again = self.once(target, input)?.0;
            let computed = start.zip(processor_time()).map(|(start, end)| end.saturating_sub(start));
            took = took.min(again).min(computed.unwrap_or(again));
        }
        most.memory = most.memory.max(memory);
        most.share = most.share.max(memory as f64 / bytes as f64);
        most.time = most.time.max(took);
        if memory > bytes {
            return Err(Finding::Memory { took: memory, most: bytes });
        }
        if took > time {
            return Err(Finding::Time { took, most: time });
        }
        Ok(())
    }

    /// Returns how long it took, and how much more memory there was at most than before.
    fn once(&self, target: &Target, input: &[u8]) -> Result<(Duration, usize), Finding> {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        self.running.store(self.began.elapsed().as_millis().max(1) as u64, Ordering::Relaxed);
        let start = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        let took = start.elapsed();
        self.running.store(0, Ordering::Relaxed);
        let memory = MEMORY.peak_usage().saturating_sub(before);
        match ended {
            Ok(()) => Ok((took, memory)),
            Err(_) => Err(Finding::Panic(self.panicked.lock().unwrap_or_else(PoisonError::into_inner).clone())),
        }
    }
}

/// Returns how long processors have worked for this program, where the system reports it: for all threads, since a body may start one.
fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};

        let time = clock_gettime(ClockId::ProcessCPUTime);
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use felsic_fuzz::{Memory, mutate};

    /// Works for longer than anything may.
    fn busy(_: &[u8]) {
        let start = Instant::now();
        while start.elapsed() < ANY * 4 {
            std::hint::spin_loop();
        }
    }

    /// One judge, since there is one memory: the tests run one after another in it.
    #[test]
    fn panics_memory_and_time_are_found_and_nothing_else() {
        let judge = Judge::start();
        let ended = |run: fn(&[u8])| {
            let memory = Memory { times: 2, plus: 1 << 20 };
            let target = Target { name: "test", seeds: Vec::new, mutate: mutate::bytes, run, memory };
            judge.run(&target, &[7; 100], &mut Most::default())
        };
        assert!(ended(|input| assert_eq!(input.len(), 100)).is_ok());
        let found = ended(|input| panic!("no {}", input.len())).err().map(|finding| finding.to_string());
        assert!(found.is_some_and(|text| text.starts_with("a panic: ") && text.contains("no 100")));
        let memory = ended(|input| drop(std::hint::black_box(vec![input[0]; 4 << 20])));
        assert!(matches!(memory, Err(Finding::Memory { took, most: 1_048_776 }) if took >= 4 << 20));
        let in_thread: fn(&[u8]) = |input| thread::scope(|scope| drop(scope.spawn(|| busy(input))));
        for run in [busy as fn(&[u8]), in_thread] {
            assert!(matches!(ended(run), Err(Finding::Time { took, .. }) if took > ANY));
        }
        assert!(ended(|_| thread::sleep(ANY * 2)).is_ok(), "a thread that waits is not at fault");
    }
}
