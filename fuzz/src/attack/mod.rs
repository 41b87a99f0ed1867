//! The attack on the command line: files of fourteen kinds are changed at random, their hashes made right again, and `felsic` runs on them
//! as its users run it.
//!
//! | module | duty |
//! | --- | --- |
//! | `kinds` | the files, and what is run on them |
//! | `judge` | runs a command with limits, and says what must not be |

pub mod judge;
pub mod kinds;

use std::collections::BTreeMap;
use std::path::Path;

use crate::random::Random;
use judge::{Ended, Judge};
use kinds::{Kind, Sound};

/// How the cases of a kind ended: the number of them by code, or by `vectors` and `done`.
pub type Ends = BTreeMap<String, u64>;

/// The largest difference of a component between vectors of a checkpoint and of its f32 pack.
const ALIKE: f64 = 1e-5;

/// Makes a case in a folder and runs it. Returns how it ended, or what must not be.
pub fn case(
    kind: &Kind,
    sound: &Sound,
    seed: u64,
    number: u64,
    folder: &Path,
    judge: &Judge,
) -> Result<String, String> {
    let mut random = Random::of_case(seed, kind.name, number);
    let mut vectors: Vec<Vec<Vec<f64>>> = Vec::new();
    let mut end = "done".to_string();
    for command in (kind.prepare)(&mut random, sound, folder) {
        match judge.run(&command, folder)? {
            Ended::Code(code) => return Ok(code),
            Ended::Vectors(made) if !made.is_empty() => {
                end = "vectors".into();
                vectors.push(made);
            }
            Ended::Vectors(_) => {}
        }
    }
    // Where a case embeds twice, both are of one model.
    if let [first, others @ ..] = &vectors[..] {
        others.iter().try_for_each(|other| alike(first, other))?;
    }
    Ok(end)
}

fn alike(a: &[Vec<f64>], b: &[Vec<f64>]) -> Result<(), String> {
    let off = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    if a.len() == b.len() && off <= ALIKE {
        return Ok(());
    }
    Err(format!("a checkpoint and its f32 pack differ by {off} ({} and {} vectors)", a.len(), b.len()))
}
