//! GGUF files taken apart and put together again, for tests that change them. It trusts what it reads.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;

/// The types of values that tests write.
pub const U32: u32 = 4;
pub const I32: u32 = 5;
pub const F32: u32 = 6;
pub const FLAG: u32 = 7;
pub const TEXT: u32 = 8;
pub const LIST: u32 = 9;

/// A file.
#[derive(Clone)]
pub struct Gguf {
    pub version: u32,
    /// Values by key: type and bytes as the file has them. The order is kept.
    pub values: Vec<(String, u32, Vec<u8>)>,
    pub tensors: Vec<Tensor>,
    pub alignment: usize,
}

#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    /// Innermost first, as in the file.
    pub dims: Vec<u64>,
    pub kind: u32,
    pub bytes: Vec<u8>,
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn four(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four"))
    }

    fn eight(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("eight"))
    }

    fn text(&mut self) -> String {
        let length = self.eight() as usize;
        String::from_utf8(self.take(length).to_vec()).expect("UTF-8")
    }

    fn value(&mut self, kind: u32) {
        match kind {
            0 | 1 | 7 => drop(self.take(1)),
            2 | 3 => drop(self.take(2)),
            4..=6 => drop(self.take(4)),
            TEXT => drop(self.text()),
            LIST => {
                let (kind, count) = (self.four(), self.eight());
                (0..count).for_each(|_| self.value(kind));
            }
            _ => drop(self.take(8)),
        }
    }
}

/// Returns the bytes of a string.
pub fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

/// Returns the bytes of a list of strings.
pub fn texts(values: &[&str]) -> Vec<u8> {
    let head = [TEXT.to_le_bytes().to_vec(), (values.len() as u64).to_le_bytes().to_vec()].concat();
    values.iter().fold(head, |all, value| [all, text(value)].concat())
}

impl Gguf {
    /// Takes a file apart; `size` returns the bytes of a tensor by its type and number of values.
    pub fn read(file: &[u8], size: impl Fn(u32, u64) -> usize) -> Self {
        let mut reader = Reader(file);
        assert_eq!(reader.take(4), b"GGUF");
        let version = reader.four();
        let (tensors, values) = (reader.eight(), reader.eight());
        let value = |_| {
            let (key, kind) = (reader.text(), reader.four());
            let before = reader.0;
            reader.value(kind);
            (key, kind, before[..before.len() - reader.0.len()].to_vec())
        };
        let values: Vec<_> = (0..values).map(value).collect();
        let info = |_| {
            let name = reader.text();
            let dims: Vec<u64> = (0..reader.four()).map(|_| reader.eight()).collect();
            (name, dims, reader.four(), reader.eight() as usize)
        };
        let infos: Vec<_> = (0..tensors).map(info).collect();
        let data = (file.len() - reader.0.len()).next_multiple_of(32);
        let tensor = |(name, dims, kind, start): (String, Vec<u64>, u32, usize)| {
            let bytes = file[data + start..][..size(kind, dims.iter().product())].to_vec();
            Tensor { name, dims, kind, bytes }
        };
        Self { version, values, tensors: infos.into_iter().map(tensor).collect(), alignment: 32 }
    }

    /// Puts a file together.
    pub fn write(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.values.len() as u64).to_le_bytes());
        for (key, kind, bytes) in &self.values {
            file.extend(text(key));
            file.extend(kind.to_le_bytes());
            file.extend(bytes);
        }
        let mut start = 0u64;
        for tensor in &self.tensors {
            file.extend(text(&tensor.name));
            file.extend((tensor.dims.len() as u32).to_le_bytes());
            tensor.dims.iter().for_each(|size| file.extend(size.to_le_bytes()));
            file.extend(tensor.kind.to_le_bytes());
            file.extend(start.to_le_bytes());
            start += tensor.bytes.len().next_multiple_of(self.alignment) as u64;
        }
        for tensor in &self.tensors {
            file.resize(file.len().next_multiple_of(self.alignment), 0);
            file.extend(&tensor.bytes);
        }
        file.resize(file.len().next_multiple_of(self.alignment), 0);
        file
    }

    /// Sets a value, in the place of an older one.
    pub fn set(&mut self, key: &str, kind: u32, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        match self.values.iter_mut().find(|(name, ..)| name == key) {
            Some(value) => *value = (key.to_string(), kind, bytes),
            None => self.values.push((key.to_string(), kind, bytes)),
        }
    }

    pub fn remove(&mut self, key: &str) {
        self.values.retain(|(name, ..)| name != key);
    }

    /// Returns the bytes of a value.
    pub fn get(&self, key: &str) -> &[u8] {
        &self.values.iter().find(|(name, ..)| name == key).expect("the key").2
    }

    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).expect("the tensor")
    }

    /// Returns the tensors' bytes by name.
    pub fn by_name(&self) -> BTreeMap<&str, &Tensor> {
        self.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
    }
}

/// Returns the bytes of a tensor of one of the types that the fixtures have.
pub fn size(kind: u32, values: u64) -> usize {
    let (columns, bytes) = match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => panic!("type {kind}"),
    };
    values as usize / columns * bytes
}
