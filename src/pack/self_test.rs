//! The vectors that a device has to reproduce.

use std::path::Path;

use super::texts;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::Result;
use crate::kernels::simd::Fine;
use crate::model::DeviceKind;
use crate::source::{FolderSource, Meter, load_parts};
use crate::weights::{Manifest, SelfTest};

/// Reads the files of `manifest` back from `folder`, every byte checked, and embeds the self-test's texts on
/// the CPU. The vectors come from the pack's own weights, and from activations with more bits than
/// the CPU multiplies otherwise: they test devices, not quantisation.
pub(super) fn make(manifest: &Manifest, folder: &Path) -> Result<Vec<SelfTest>> {
    pollster::block_on(async {
        let parts = load_parts(manifest.clone(), &FolderSource::new(folder), &mut Meter::new(0), &mut |_| ()).await?;
        let embedder = Embedder::new(parts, DeviceKind::Cpu).await?;
        let plain = EmbedOptions { strip: false, ..EmbedOptions::default() };
        let tokenize = |text: &&str| embedder.tokenize(text, &plain);
        let ids = texts::SELF_TEST.iter().map(tokenize).collect::<Result<Vec<_>>>()?;
        let _fine = Fine::new();
        let made = embedder.embed_ids(&ids).await?;
        let tests = texts::SELF_TEST.iter().zip(ids).zip(made.vectors());
        let test = |((text, ids), vector): ((&&str, _), &[f32])| SelfTest {
            text: text.to_string(),
            ids,
            embedding: vector.to_vec(),
        };
        Ok(tests.map(test).collect())
    })
}
