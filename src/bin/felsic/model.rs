//! The options that open a model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use felsic::embedder::Embedder;
use felsic::error::Result;
use felsic::model::DeviceKind;
use felsic::source::{Progress, built_in, load_pack, open_model};

use crate::progress::{Bar, Unit};

/// The model, and where it runs.
#[derive(Args, Debug)]
pub struct ModelArguments {
    /// Folder of a checkpoint or of a pack, or a GGUF file [default: the built-in model, small and English]
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub device: DeviceName,
}

/// A device as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DeviceName {
    Cpu,
    Gpu,
}

impl ModelArguments {
    /// Opens the model. A GPU must first reproduce a pack's self-test.
    pub async fn open(&self) -> Result<Embedder> {
        let bar = Bar::new(Unit::Bytes);
        let mut on_progress = |progress: Progress| {
            bar.set(&format!("loading {}", progress.phase.as_str()), progress.loaded_bytes, progress.total_bytes);
        };
        let parts = match &self.model {
            Some(folder) => open_model(folder, &mut on_progress).await?,
            None => load_pack(&built_in(), &mut on_progress).await?,
        };
        drop(bar);
        Embedder::proven(parts, self.kind()).await
    }

    /// Returns the kind of device.
    pub fn kind(&self) -> DeviceKind {
        match self.device {
            DeviceName::Cpu => DeviceKind::Cpu,
            DeviceName::Gpu => DeviceKind::Gpu,
        }
    }
}
