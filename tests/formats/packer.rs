//! Packs from weights that arrive in pieces, over whatever line.

use std::fs;

use felsic::error::{Code, Result};
use felsic::pack::{PackOptions, Packer, Shards, pack};
use felsic::source::read_config;
use felsic::tokenizer::compact;
use sha2::{Digest, Sha256};

use crate::support::*;

/// Shards in memory; a byte that is written twice is an error.
pub struct InMemory(Vec<Vec<Option<u8>>>);

impl InMemory {
    pub fn of(packer: &Packer) -> Self {
        Self(packer.lengths().iter().map(|length| vec![None; *length as usize]).collect())
    }

    /// Returns the hash of each shard, all of whose bytes must have been written.
    pub fn hashes(&self) -> Vec<String> {
        let hash = |shard: &Vec<Option<u8>>| {
            let bytes: Vec<u8> = shard.iter().map(|byte| byte.expect("every byte is written")).collect();
            format!("{:x}", Sha256::digest(&bytes))
        };
        self.0.iter().map(hash).collect()
    }
}

impl Shards for InMemory {
    fn write(&mut self, shard: usize, offset: u64, bytes: &[u8]) -> Result<()> {
        let places = &mut self.0[shard][offset as usize..][..bytes.len()];
        for (place, byte) in places.iter_mut().zip(bytes) {
            assert!(place.replace(*byte).is_none(), "a byte of shard {shard} is written twice");
        }
        Ok(())
    }
}

/// Returns hashes of the shards made from these files, in pieces of `piece` bytes, with or without their lengths.
fn hashes(name: &str, files: &[Vec<u8>], piece: usize, with_length: bool) -> Result<Vec<String>> {
    let json = fs::read(model(name).join("tokenizer.json")).expect("a file");
    let options = PackOptions { name: Some(name.to_string()), ..PackOptions::default() };
    let mut packer = Packer::new(read_config(&model(name))?, &compact::compile(&json)?, options)?;
    let mut shards = InMemory::of(&packer);
    packer.begin(&mut shards)?;
    for (at, file) in files.iter().enumerate() {
        packer.begin_file(with_length.then_some(file.len() as u64), at + 1 == files.len());
        file.chunks(piece).try_for_each(|piece| packer.push(piece, &mut shards))?;
        packer.end_file()?;
    }
    let hashes = shards.hashes();
    packer.manifest(&hashes, Vec::new())?;
    Ok(hashes)
}

fn weights(name: &str) -> Vec<u8> {
    fs::read(model(name).join("model.safetensors")).expect("weights")
}

/// Splits the tensors into two files, those of the first in the reverse order of their names.
fn split(name: &str) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let tensors = read_tensors(&model(name).join("model.safetensors"));
    let part = |wanted: usize| {
        let path = folder.path().join(format!("{wanted}.safetensors"));
        let some = tensors.iter().enumerate().filter(|(at, _)| at % 2 == wanted);
        write_tensors(&path, &some.map(|(_, (name, tensor))| (name.clone(), tensor.clone())).collect());
        fs::read(path).expect("weights")
    };
    vec![part(1), part(0)]
}

#[test]
fn pieces_and_files_of_any_size_give_the_same_pack() {
    for name in TINY {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest =
            pack(&model(name), &folder.path().join("pack"), &PackOptions::default(), &mut |_| ()).expect("a pack");
        let wanted: Vec<String> = manifest.shards.into_iter().map(|entry| entry.sha256).collect();
        let whole = [weights(name)];
        for (piece, with_length) in [(1, true), (7, false), (4096, true), (100_003, false), (usize::MAX, true)] {
            assert_eq!(hashes(name, &whole, piece, with_length).expect("a pack"), wanted, "{name}, pieces of {piece}");
        }
        assert_eq!(hashes(name, &split(name), 10_007, true).expect("a pack"), wanted, "{name}, two files");
    }
}

#[test]
fn weights_that_are_cut_or_incomplete_are_refused() {
    let whole = weights("tiny-silu");
    for end in [0, 5, 8, 1000, 20_000, whole.len() - 1] {
        for with_length in [false, true] {
            let cut = [whole[..end].to_vec()];
            let error = hashes("tiny-silu", &cut, 4096, with_length).expect_err("cut");
            assert_eq!(error.code(), Code::WeightsInvalid, "cut at {end}");
        }
    }
    let longer = [[whole.as_slice(), &[0]].concat()];
    assert_eq!(hashes("tiny-silu", &longer, 4096, false).expect_err("longer").code(), Code::WeightsInvalid);
    let half = split("tiny-silu").remove(0);
    assert_eq!(hashes("tiny-silu", &[half], 4096, true).expect_err("half of it").code(), Code::TensorMissing);
}

/// In a page the weights are pieces of a response, and its length may be unknown.
#[test]
fn a_git_lfs_pointer_is_called_one_as_its_first_pieces_come() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n".to_vec();
    for (piece, with_length) in [(1, true), (1, false), (1000, true), (1000, false)] {
        let error = hashes("tiny-silu", std::slice::from_ref(&pointer), piece, with_length).expect_err("no weights");
        assert_eq!(error.code(), Code::WeightsInvalid);
        assert!(error.to_string().contains("git-lfs pointer"), "{error}");
    }
}
