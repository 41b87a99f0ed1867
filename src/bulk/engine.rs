//! Windows of texts on several threads, their vectors in the order of the texts.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::records::{Fill, Place, Reading, Record, Records};
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};

/// Windows that are computed at the same time, so that threads do not wait for the last text of one.
const AHEAD: usize = 2;
/// Most texts that a thread takes at once.
const MOST_TEXTS: usize = 64;
/// Most bytes that a thread takes at once, or one text that is longer: some batches of the CPU device, and one of a GPU.
const MOST_BYTES: usize = 8 << 10;

/// What has become of a text.
#[derive(Debug)]
pub struct Answer {
    /// Where the text is in the input.
    pub place: Place,
    /// Its id, where ids are read and it has one.
    pub id: Option<String>,
    /// The text, if it could be read.
    pub text: Option<String>,
    /// Its vector, or why there is none.
    pub made: Result<Made>,
}

/// A vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The vector, of unit length.
    pub vector: Vec<f32>,
    /// Tokens that the model read.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
}

/// Returns the number of threads to compute with: as many as are wanted, else one for each core.
pub fn threads(wanted: Option<NonZeroUsize>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    wanted.map_or_else(cores, NonZeroUsize::get).min(256)
}

/// Embeds records window by window and calls `take` with each window, in order; it returns whether to go on. `on_progress` is told how
/// much of the input has its vectors.
///
/// Which texts a thread takes at once depends on the window alone: vectors have the same bits for any number of threads.
///
/// # Errors
/// What `take` returns; what the input cannot be read for, after the records before it; those of [`Embedder::embed_with`] that are about no
/// single text; [`Code::Internal`] if a thread panics.
pub fn embed_records(
    records: &mut Records<'_>,
    fill: Fill,
    embedder: &Embedder,
    options: &EmbedOptions,
    threads: usize,
    on_progress: &dyn Fn(Reading),
    take: &mut dyn FnMut(Vec<Answer>) -> Result<bool>,
) -> Result<()> {
    let (tasks, waiting) = channel();
    let (waiting, is_over) = (Mutex::new(waiting), AtomicBool::new(false));
    thread::scope(|scope| {
        let (give, done) = channel();
        for _ in 0..threads {
            let (give, waiting, is_over) = (give.clone(), &waiting, &is_over);
            scope.spawn(move || work(embedder, options, waiting, &give, is_over));
        }
        let mut windows = Windows { tasks, done, open: VecDeque::new(), first: 0 };
        let result = windows.run(records, fill, on_progress, take);
        // Threads finish what they have begun, and leave the rest.
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

/// Texts that a thread takes at once.
struct Task {
    window: usize,
    /// Their positions in the window.
    members: Vec<usize>,
    texts: Vec<String>,
    places: Vec<Place>,
}

/// What a thread returns.
struct Done {
    task: Task,
    /// Of each text, or the reason if all of them failed.
    made: Result<Vec<Result<Made>>>,
}

/// Computes tasks until there are no more.
fn work(
    embedder: &Embedder,
    options: &EmbedOptions,
    waiting: &Mutex<Receiver<Task>>,
    give: &Sender<Done>,
    is_over: &AtomicBool,
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = next else { return };
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let made = catch_unwind(AssertUnwindSafe(|| vectors(embedder, options, &task))).unwrap_or_else(|_| {
            let message = "a thread that embeds has panicked; please report this as a bug of felsic";
            Err(Error::new(Code::Internal, message))
        });
        // Nobody waits for it where another task has failed.
        if give.send(Done { task, made }).is_err() {
            return;
        }
    }
}

/// Returns the vectors of texts, and for those without one the reason.
fn vectors(embedder: &Embedder, options: &EmbedOptions, task: &Task) -> Result<Vec<Result<Made>>> {
    let mut all: Vec<Option<Result<Made>>> = task.texts.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..task.texts.len()).collect();
    loop {
        let texts: Vec<&str> = left.iter().map(|at| task.texts[*at].as_str()).collect();
        match embedder.embed_with(&texts, options) {
            Ok(embeddings) => {
                for (at, made) in left.into_iter().zip(embeddings.iter()) {
                    let vector = made.vector.to_vec();
                    all[at] = Some(Ok(Made { vector, tokens: made.tokens, truncated: made.truncated }));
                }
                let missing = || Error::new(Code::Internal, "a text has no vector");
                return Ok(all.into_iter().map(|made| made.unwrap_or_else(|| Err(missing()))).collect());
            }
            Err(error) => {
                let Some(position) = error.text().filter(|position| *position < left.len()) else { return Err(error) };
                let at = left.remove(position);
                all[at] = Some(Err(error.of_text(position, task.places[at].to_string())));
            }
        }
    }
}

/// The windows that are being computed.
struct Windows {
    tasks: Sender<Task>,
    done: Receiver<Done>,
    open: VecDeque<Window>,
    /// Number of the first open window.
    first: usize,
}

/// A window of which `left` texts are still to come.
struct Window {
    /// What had been read before it, and with it.
    reading: [Reading; 2],
    answers: Vec<Option<Answer>>,
    left: usize,
}

impl Windows {
    fn run(
        &mut self,
        records: &mut Records<'_>,
        fill: Fill,
        on_progress: &dyn Fn(Reading),
        take: &mut dyn FnMut(Vec<Answer>) -> Result<bool>,
    ) -> Result<()> {
        let (mut failure, mut is_over) = (None, false);
        loop {
            let may_wait = |open: &VecDeque<Window>| open.is_empty() || fill == Fill::Whole;
            while !is_over && self.open.len() < AHEAD && (may_wait(&self.open) || records.is_ready()) {
                let before = records.reading();
                let (window, error) = records.window(fill);
                is_over = window.is_empty() || error.is_some();
                failure = error;
                if !window.is_empty() {
                    self.send(window, [before, records.reading()])?;
                }
            }
            if self.open.is_empty() {
                return failure.map_or(Ok(()), Err);
            }
            while let Some(window) = self.open.front()
                && window.left > 0
            {
                on_progress(window.progress());
                self.receive()?;
            }
            let Some(window) = self.open.pop_front() else { continue };
            self.first += 1;
            on_progress(window.reading[1]);
            if !take(window.answers.into_iter().flatten().collect())? {
                return Ok(());
            }
        }
    }

    /// Hands a window to the threads: texts of similar length together.
    fn send(&mut self, records: Vec<Record>, reading: [Reading; 2]) -> Result<()> {
        let number = self.first + self.open.len();
        let mut window = Window { reading, answers: Vec::with_capacity(records.len()), left: 0 };
        let mut texts = Vec::new();
        for Record { place, id, text } in records {
            match text {
                Ok(text) => {
                    texts.push((window.answers.len(), place, text));
                    // Until its text is back; `made` is set then.
                    let made = Err(Error::new(Code::Internal, "a text has no vector"));
                    window.answers.push(Some(Answer { place, id, text: None, made }));
                }
                Err(error) => window.answers.push(Some(Answer { place, id, text: None, made: Err(error) })),
            }
        }
        window.left = texts.len();
        texts.sort_by_key(|(_, _, text)| text.len());
        self.open.push_back(window);
        let mut task: Option<Task> = None;
        let mut bytes = 0;
        for (at, place, text) in texts {
            bytes += text.len();
            if task.as_ref().is_some_and(|task| task.texts.len() == MOST_TEXTS || bytes > MOST_BYTES) {
                self.give(task.take())?;
                bytes = text.len();
            }
            let empty = || Task { window: number, members: Vec::new(), texts: Vec::new(), places: Vec::new() };
            let task = task.get_or_insert_with(empty);
            task.members.push(at);
            task.texts.push(text);
            task.places.push(place);
        }
        self.give(task)
    }

    fn give(&self, task: Option<Task>) -> Result<()> {
        task.map_or(Ok(()), |task| self.tasks.send(task).map_err(|_| gone()))
    }

    /// Waits for the next task that is done.
    fn receive(&mut self) -> Result<()> {
        let Done { task, made } = self.done.recv().map_err(|_| gone())?;
        let made = made?;
        let Some(window) = task.window.checked_sub(self.first).and_then(|at| self.open.get_mut(at)) else {
            return Err(Error::new(Code::Internal, "a thread has returned texts of no window"));
        };
        for ((at, text), made) in task.members.into_iter().zip(task.texts).zip(made) {
            if let Some(Some(answer)) = window.answers.get_mut(at) {
                answer.text = Some(text);
                answer.made = made;
                window.left = window.left.saturating_sub(1);
            }
        }
        Ok(())
    }
}

impl Window {
    /// Returns how much of the input has its vectors, as if the texts of a window were of equal length.
    fn progress(&self) -> Reading {
        let [before, after] = self.reading;
        let (all, done) = (self.answers.len().max(1) as u64, (self.answers.len() - self.left) as u64);
        Reading { done: before.done + (after.done - before.done) * done / all, total: after.total }
    }
}

fn gone() -> Error {
    Error::new(Code::Internal, "the threads that embed have ended; please report this as a bug of felsic")
}
