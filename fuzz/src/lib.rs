//! Fuzz targets: everything that felsic reads of strangers.
//!
//! A target is a body that takes any bytes and panics if felsic does what it must not: panic, contradict itself, answer with a
//! message that cannot be shown. Two programs run the bodies: `felsic-fuzz` on stable Rust, with a seeded mutator, which also
//! measures memory and time; and libFuzzer (`libfuzzer/`, nightly Rust), which looks for inputs that reach new code.
//!
//! `felsic-attack` runs the command line itself on such inputs: see [`attack`].
//!
//! A new target is a file in `targets/` and its line in [`TARGETS`].

pub mod archive;
pub mod attack;
pub mod cases;
pub mod check;
pub mod mutate;
pub mod random;
pub mod seeds;
mod small;
pub mod targets;

use random::Random;

/// Something that reads bytes.
pub struct Target {
    /// Its name on the command line, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Makes sound inputs, beside those in `corpus/`.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Changes an input at random. The inputs are those that parts may be taken of.
    pub mutate: Mutate,
    /// Reads the bytes, and panics for what must not be.
    pub run: fn(&[u8]),
    /// The most memory that reading may take.
    pub memory: Memory,
}

/// Changes an input.
pub type Mutate = fn(&mut Random, Vec<u8>, &[Vec<u8>]) -> Vec<u8>;

/// A bound for memory: so many bytes for each byte of the input, and so many beside.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes for each byte.
    pub times: usize,
    /// Bytes beside.
    pub plus: usize,
}

impl Memory {
    /// Returns the bound for an input of `length` bytes.
    pub fn most(self, length: usize) -> usize {
        self.times.saturating_mul(length).saturating_add(self.plus)
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    targets::config::TARGET,
    targets::cut::TARGET,
    targets::gguf::TARGET,
    targets::index::TARGET,
    targets::json_lines::TARGET,
    targets::manifest::TARGET,
    targets::pack::TARGET,
    targets::parquet::TARGET,
    targets::safetensors::TARGET,
    targets::texts::TARGET,
    targets::tokenizer_bytes::TARGET,
    targets::tokenizer_json::TARGET,
];

/// Returns the target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_there_small_and_accepted() {
        for target in TARGETS {
            let seeds = seeds::all(target);
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            for seed in seeds {
                assert!(seed.len() <= 1 << 20, "a seed of {} has {} bytes", target.name, seed.len());
                (target.run)(&seed);
            }
        }
    }

    #[test]
    fn a_case_is_the_same_every_time_and_cases_differ() {
        for target in TARGETS.iter().filter(|target| target.name != "pack" && target.name != "index") {
            let seeds = seeds::all(target);
            let case = |number| mutate::case(target, &seeds, 3, number);
            assert_eq!(case(5), case(5));
            assert!((0..20).any(|number| case(number) != case(number + 20)), "{}", target.name);
        }
    }
}
