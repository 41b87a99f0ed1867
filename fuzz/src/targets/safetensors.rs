//! safetensors files and the headers of shards, whole and in pieces.

use std::collections::BTreeMap;

use felsic::error::Code;
use felsic::weights::{ElementType, StoredTensor, Tensors, safetensors};

use crate::{Memory, Target, check, mutate};

/// See the module.
pub const TARGET: Target = Target {
    name: "safetensors",
    seeds,
    mutate: mutate::safetensors,
    run,
    memory: Memory { times: 16, plus: 2 << 20 },
};

fn seeds() -> Vec<Vec<u8>> {
    let tensor = |element, shape: &[usize], bytes: usize| StoredTensor {
        element,
        shape: shape.to_vec(),
        bytes: (0..bytes).map(|at| at as u8).collect(),
    };
    let all: BTreeMap<String, StoredTensor> = [
        ("a", tensor(ElementType::F32, &[2, 3], 24)),
        ("b.weight", tensor(ElementType::F16, &[4], 8)),
        ("b.scales", tensor(ElementType::BF16, &[1, 2], 4)),
        ("c", tensor(ElementType::I8, &[7], 7)),
    ]
    .into_iter()
    .map(|(name, tensor)| (name.to_string(), tensor))
    .collect();
    let one = all.iter().take(1).map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    [all, one, BTreeMap::new()].iter().map(|tensors| safetensors::write(tensors).expect("they fit")).collect()
}

fn run(bytes: &[u8]) {
    let codes = [Code::WeightsInvalid, Code::TensorType];
    let mut whole = Tensors::default();
    let read = check::result(safetensors::read_all(bytes, &mut whole), &codes).is_some();
    let mut reader = safetensors::Reader::new(bytes.len() as u64);
    bytes.chunks(1 + bytes.len() % 13).for_each(|piece| reader.push(piece));
    let pieces = check::result(reader.finish(), &codes);
    assert_eq!(pieces.is_some(), read, "in pieces and whole");
    let Some(pieces) = pieces else { return };
    let list = |tensors: &Tensors| -> BTreeMap<String, StoredTensor> {
        tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
    };
    let (whole, pieces) = (list(&whole), list(&pieces));
    assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    if let Ok(written) = safetensors::write(&whole) {
        let mut again = Tensors::default();
        safetensors::read_all(&written, &mut again).expect("what was written is read");
        assert_eq!(format!("{:?}", list(&again)), format!("{whole:?}"));
    }
}
