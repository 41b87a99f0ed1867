//! `felsic verify`: a model against goldens or against its card.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use felsic::embedder::Embedder;
use felsic::error::{Code, Error, Result};
use felsic::pack::card;
use felsic::pack::goldens::{Comparison, Goldens, compare};

use crate::model::ModelArguments;
use crate::progress::{Bar, Unit};

/// Largest allowed difference of a component where nothing else is said.
const TOLERANCE: f32 = 1e-5;
/// Largest allowed difference from a cosine that the card prints with four digits, for f32 weights.
const CARD_TOLERANCE: f32 = 1e-3;

/// Arguments of `felsic verify`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("against").required(true).args(["goldens", "card"]))]
pub struct VerifyArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Compare with this file of goldens; white space is kept.
    #[arg(long)]
    goldens: Option<PathBuf>,
    /// Compare with the table of cosines on the 97M model's card; needs the real weights.
    #[arg(long)]
    card: bool,
    /// Largest allowed difference of a component (and, relative to its largest value, of a hidden state)
    /// [default: 1e-5], or of a cosine of the card [default: 1e-3].
    #[arg(long, value_parser = not_negative)]
    tolerance: Option<f32>,
    /// Lowest allowed cosine, for int8 packs; differences then count only if --tolerance is given too.
    #[arg(long, conflicts_with = "card", value_parser = not_negative)]
    min_cosine: Option<f32>,
}

fn not_negative(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("expected a number from 0".to_string()),
    }
}

/// Compares, prints, and fails if the model is too far off.
pub fn verify(arguments: &VerifyArguments) -> Result<ExitCode> {
    pollster::block_on(async {
        let passed = match &arguments.goldens {
            Some(path) => {
                let goldens = Goldens::from_json(&read(path)?)?;
                let embedder = arguments.model.open().await?;
                let comparison = compare(&embedder, &goldens, &mut Bar::new(Unit::Texts)).await?;
                print(&comparison);
                passes(&comparison, arguments)
            }
            None => verify_card(&arguments.model.open().await?, arguments.tolerance.unwrap_or(CARD_TOLERANCE)).await?,
        };
        println!("{}", if passed { "passed" } else { "FAILED" });
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let code = if error.kind() == ErrorKind::NotFound { Code::NotFound } else { Code::Io };
        Error::new(code, format!("cannot read {}", path.display())).because(error)
    })
}

fn passes(comparison: &Comparison, arguments: &VerifyArguments) -> bool {
    match (arguments.min_cosine, arguments.tolerance) {
        (Some(least), None) => comparison.is_similar(least),
        (Some(least), Some(tolerance)) => comparison.is_similar(least) && comparison.is_within(tolerance),
        (None, tolerance) => comparison.is_within(tolerance.unwrap_or(TOLERANCE)),
    }
}

fn print(comparison: &Comparison) {
    println!("texts                          {}", comparison.texts);
    println!("texts with other token ids     {}", comparison.other_ids.len());
    if !comparison.other_ids.is_empty() {
        println!("                               {}", comparison.other_ids.join(", "));
    }
    println!("largest component difference   {:.3e} ({})", comparison.difference, comparison.worst);
    println!("lowest cosine                  {:.7}", comparison.lowest_cosine);
    println!("mean cosine                    {:.7}", comparison.mean_cosine);
    if let Some(difference) = comparison.state_difference {
        println!("largest state difference       {difference:.3e} of the state's largest value");
    }
}

async fn verify_card(embedder: &Embedder, tolerance: f32) -> Result<bool> {
    let table = card::cosines(embedder).await?;
    println!("this model                the card");
    for (made, printed) in table.iter().zip(&card::COSINES) {
        let row = |cells: &[f32; 3]| cells.map(|cell| format!("{cell:.4}")).join("  ");
        println!("{:24}  {}", row(made), row(printed));
    }
    let difference = card::difference(&table);
    println!("largest difference        {difference:.4}");
    Ok(difference <= tolerance)
}
