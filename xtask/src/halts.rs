//! Halts tests and browsers for a moment, again and again, as a machine does that is busy with something else: a test that takes a pause for
//! a result, or a page that takes a late answer for a slow one, shows itself within one run.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// Milliseconds for which processes are halted, and those between two halts.
const HALT: Range<u64> = 50..600;
const PAUSE: Range<u64> = 300..1700;
/// What is halted, by the beginnings of their programs' names.
const PROGRAMS: [&str; 3] = ["node", "chrom", "firefox"];

/// Halts processes until it is dropped.
pub struct Halts {
    /// Ends the thread when it is dropped.
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<u64>>,
}

impl Halts {
    /// Begins to halt what this program has started and will start.
    ///
    /// # Errors
    ///
    /// Fails where `/proc` does not list processes; on Linux it does.
    pub fn begin(seed: u64) -> Result<Self> {
        processes()?;
        let (ends, ended) = channel();
        let thread = spawn(move || {
            let (mut random, mut count) = (Random(seed), 0);
            let waits = |milliseconds| {
                ended.recv_timeout(Duration::from_millis(milliseconds)) == Err(RecvTimeoutError::Timeout)
            };
            while waits(random.within(PAUSE)) {
                let chosen = random.some(victims());
                count += u64::from(!chosen.is_empty());
                for process in &chosen {
                    signal(*process, Signal::Halt);
                }
                waits(random.within(HALT));
                for process in chosen {
                    signal(process, Signal::GoOn);
                }
            }
            count
        });
        Ok(Self { ends: Some(ends), thread: Some(thread) })
    }
}

impl Drop for Halts {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(Ok(count)) = self.thread.take().map(JoinHandle::join) {
            println!("Tests and browsers were halted {count} times.");
        }
    }
}

/// Numbers that look random (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Returns one to three of them, or all.
    fn some(&mut self, mut from: Vec<i32>) -> Vec<i32> {
        let count = [1, 1, 2, 3, usize::MAX][self.within(0..5) as usize];
        while from.len() > count {
            let at = self.within(0..from.len() as u64) as usize;
            from.swap_remove(at);
        }
        from
    }
}

/// A process: which one has started it, and the name of its program.
struct Process {
    parent: i32,
    program: String,
}

/// Returns all processes by their numbers.
fn processes() -> Result<HashMap<i32, Process>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").context("processes are halted only where /proc lists them, as on Linux")? {
        let entry = entry?;
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may have ended meanwhile.
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let Some(parent) = parent_of(&read("stat")) else { continue };
        let line = read("cmdline");
        let path = line.split(['\0', ' ']).next().unwrap_or_default();
        all.insert(number, Process { parent, program: path.rsplit('/').next().unwrap_or_default().to_string() });
    }
    Ok(all)
}

/// Returns the parent in the line of `/proc/N/stat`: the second field after the name, which may have anything in it.
fn parent_of(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Returns what may be halted now.
fn victims() -> Vec<i32> {
    let all = processes().unwrap_or_default();
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let is_own = |mut number: i32| {
        while let Some(process) = all.get(&number).filter(|_| number != own) {
            number = process.parent;
        }
        number == own
    };
    let is_named = |process: &Process| PROGRAMS.iter().any(|name| process.program.starts_with(name));
    let mut found: Vec<i32> = all
        .iter()
        .filter(|(number, process)| is_named(process) && is_own(**number))
        .map(|(number, _)| *number)
        .collect();
    found.sort_unstable();
    found
}

#[derive(Clone, Copy)]
enum Signal {
    Halt,
    GoOn,
}

/// Sends a signal; a process that has ended does not get it.
#[cfg(unix)]
fn signal(process: i32, signal: Signal) {
    use rustix::process::{Pid, Signal as Unix, kill_process};
    let kind = match signal {
        Signal::Halt => Unix::STOP,
        Signal::GoOn => Unix::CONT,
    };
    if let Some(process) = Pid::from_raw(process) {
        let _ = kill_process(process, kind);
    }
}

#[cfg(not(unix))]
fn signal(_: i32, _: Signal) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_hide_the_parent() {
        assert_eq!(parent_of("17 (a) R (b) S 4 17 17 0"), Some(4));
        assert_eq!(parent_of("17 (a) S"), None);
        assert_eq!(parent_of(""), None);
    }

    #[test]
    fn some_are_one_to_three_or_all() {
        let mut random = Random(1);
        let mut counts: Vec<_> = (0..200).map(|_| random.some((0..9).collect()).len()).collect();
        counts.sort_unstable();
        counts.dedup();
        assert_eq!(counts, [1, 2, 3, 9]);
        assert!(random.some(Vec::new()).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_program_has_started_is_halted_and_goes_on() {
        use std::process::Command;
        use std::time::Instant;

        let mut child = Command::new("sleep").arg("60").spawn().expect("a child");
        let number = i32::try_from(child.id()).expect("a number");
        let state = || fs::read_to_string(format!("/proc/{number}/stat")).expect("there");
        let becomes = |mark: &str| {
            let begin = Instant::now();
            while !state().contains(mark) && begin.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(state().contains(mark), "{}", state());
        };
        assert!(processes().expect("listed")[&number].parent > 0);
        assert!(!victims().contains(&number), "only tests and browsers are halted");
        signal(number, Signal::Halt);
        becomes(") T ");
        signal(number, Signal::GoOn);
        becomes(") S ");
        child.kill().expect("ended");
        child.wait().expect("ended");
    }
}
