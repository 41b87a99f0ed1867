//! Several files in one input: a fuzzer changes bytes, and what is read may be a folder.
//!
//! For each file: the length of its name in one byte, the name, the length of the file in four, the file. What ends early is
//! taken as far as it goes, so that every input is an archive.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::random::Random;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the bytes of an archive.
pub fn write(files: &Files) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, file) in files {
        bytes.push(name.len() as u8);
        bytes.extend(name.as_bytes());
        bytes.extend((file.len() as u32).to_le_bytes());
        bytes.extend(file);
    }
    bytes
}

/// Returns the files of an archive.
pub fn read(mut bytes: &[u8]) -> Files {
    let mut files = Files::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (name, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let Some((length, rest)) = rest.split_first_chunk() else { break };
        let (file, rest) = rest.split_at(rest.len().min(u32::from_le_bytes(*length) as usize));
        files.insert(String::from_utf8_lossy(name).into_owned(), file.to_vec());
        bytes = rest;
    }
    files
}

/// Changes one or two files of an archive: those whose names end in `.json` as JSON, those that are safetensors as such, others
/// as bytes.
pub fn mutate(random: &mut Random, bytes: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    let mut files = read(&bytes);
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return crate::mutate::bytes(random, bytes, others);
    }
    for _ in 0..=random.below(2) {
        let name = random.pick(&names);
        let Some(file) = files.remove(name) else { continue };
        if random.one_in(40) {
            continue;
        }
        let changed = match name.rsplit('.').next() {
            Some("json") => crate::mutate::json(random, file, &[]),
            Some("safetensors") => crate::mutate::safetensors(random, file, &[]),
            _ => crate::mutate::bytes(random, file, &[]),
        };
        files.insert(name.clone(), changed);
    }
    write(&files)
}

/// Returns a file's SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
