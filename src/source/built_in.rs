//! The built-in model: a small trained pack that comes with felsic, see `models/`.

use super::MemorySource;

/// Lists names and bytes of files of the built-in model.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../models/felsic-small-english/pack/", $name)).as_slice())),*]
    };
}

/// Returns the pack of the built-in model.
pub fn built_in() -> MemorySource {
    let files = files![
        "manifest.json",
        "tokenizer-f30be7ff8cd0102f.bin",
        "layers-92ebc58b30bcdfac.safetensors",
        "table-2422a346d024c036.safetensors",
        "table-e85a2f50ae49451a.safetensors",
    ];
    MemorySource { files: files.into_iter().map(|(name, bytes)| (name.to_string(), bytes.to_vec())).collect() }
}
