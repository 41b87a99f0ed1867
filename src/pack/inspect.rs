//! Describing a pack in words.

use std::fmt::Write;
use std::path::Path;

use crate::config::{Architecture, EmbedderConfig, LayerKind, ModelConfig};
use crate::error::{Code, Error, Result, plain};
use crate::source::{FolderSource, read_file, read_manifest};
use crate::weights::Manifest;

/// Reads the manifest in `folder` and describes it; with `check`, also reads every file and compares length
/// and hash.
///
/// # Errors
/// Those of [`read_manifest`] and, with `check`, of [`read_file`].
pub async fn inspect(folder: &Path, check: bool, on_bytes: &mut dyn FnMut(u64, u64)) -> Result<String> {
    if !folder.is_dir() {
        return Err(Error::new(Code::NotFound, format!("{} is not a folder", folder.display())));
    }
    let source = FolderSource::new(folder);
    let (manifest, bytes) = read_manifest(&source).await?;
    let manifest_bytes = bytes.len() as u64;
    if check {
        let (mut done, total) = (0, manifest.total_bytes());
        for entry in manifest.files() {
            read_file(&source, entry, &mut |bytes| on_bytes(done + bytes, total)).await?;
            done += entry.bytes;
        }
    }
    Ok(describe(&manifest, manifest_bytes, check))
}

/// Describes what the tokens of a text see, and how they know where they are.
fn attention(model: &ModelConfig) -> Vec<(&'static str, String)> {
    let global = model.layers.iter().filter(|kind| **kind == LayerKind::Global).count();
    match model.architecture {
        Architecture::ModernBert => vec![
            (
                "attention",
                format!("{global} global layers, the others see {} tokens to each side", model.half_window()),
            ),
            ("rotary bases", format!("global {}, local {}", model.global_rope_theta, model.local_rope_theta)),
        ],
        Architecture::Bert => vec![("attention", format!("{global} global layers, learned positions"))],
    }
}

/// Describes how a vector is made of a text's hidden states.
fn pooling(config: &EmbedderConfig) -> String {
    let layers = config.dense.iter().map(|layer| format!(", then a linear layer to {}", layer.width));
    [config.pooling.as_str().to_string()].into_iter().chain(layers).collect()
}

fn describe(manifest: &Manifest, manifest_bytes: u64, checked: bool) -> String {
    let (config, model) = (&manifest.config, &manifest.config.model);
    let prompts: Vec<String> =
        config.prompts.iter().map(|(name, prompt)| plain(&format!("{name} {prompt:?}"))).collect();
    let mut lines = vec![
        ("model", plain(&manifest.name)),
        ("revision", manifest.revision.as_deref().map_or_else(|| "not known".into(), plain)),
        ("space", plain(&manifest.space)),
        ("format", plain(&manifest.weight_format)),
        (
            "shape",
            format!(
                "hidden {}, layers {}, heads {}, intermediate {}",
                model.hidden_size,
                model.layers.len(),
                model.num_heads,
                model.intermediate_size
            ),
        ),
        ("vocabulary", format!("{} rows", model.vocab_size)),
        ("parameters", thousands(parameters(manifest))),
        ("activation", model.activation.as_str().into()),
    ];
    lines.extend(attention(model));
    lines.extend([
        ("pooling", pooling(config)),
        ("longest text", format!("{} tokens", config.max_tokens)),
        ("prompts", if prompts.is_empty() { "none".into() } else { prompts.join(", ") }),
        ("self-test", format!("{} texts", manifest.self_test.len())),
        ("checkpoint", format!("sha256 {}", manifest.checkpoint.sha256)),
    ]);
    let mut out = String::new();
    for (name, value) in lines {
        line(&mut out, &format!("{name:<13} {value}"));
    }
    line(&mut out, "");
    for entry in manifest.files() {
        line(&mut out, &format!("{:>13}  {}  {}", thousands(entry.bytes), entry.sha256, entry.file));
    }
    line(&mut out, "");
    describe_groups(manifest, &mut out);
    let part = |start: &str| {
        manifest.shards.iter().filter(|shard| shard.file.starts_with(start)).map(|shard| shard.bytes).sum()
    };
    let sizes = [
        ("manifest", manifest_bytes),
        ("tokenizer", manifest.tokenizer.entry.bytes),
        ("layers", part("layers-")),
        ("table", part("table-")),
        ("total", manifest_bytes + manifest.total_bytes()),
    ];
    for (name, bytes) in sizes {
        line(&mut out, &format!("{:>13}  {name}", thousands(bytes)));
    }
    if checked {
        let count = manifest.files().count();
        line(&mut out, &format!("\nall {count} files have the length and the hash of the manifest"));
    }
    out
}

/// Describes the table groups, the smallest parts of the vocabulary table that a page fetches.
fn describe_groups(manifest: &Manifest, out: &mut String) {
    let (blocks, mut end) = (manifest.blocks(), 0);
    for group in &manifest.groups {
        let rows = end..end + group.rows;
        let of_group = blocks.iter().filter(|block| rows.contains(&block.first));
        let bytes = of_group.map(|block| manifest.shards[block.shard].bytes).sum();
        line(
            out,
            &format!("{:>13}  {:>7} rows  {}", thousands(bytes), thousands(group.rows as u64), plain(&group.name)),
        );
        end += group.rows;
    }
    line(out, "");
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn parameters(manifest: &Manifest) -> u64 {
    manifest.config.tensors().iter().map(|(_, shape)| shape.iter().map(|size| *size as u64).product::<u64>()).sum()
}

/// Formats 1234567 as `1 234 567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
