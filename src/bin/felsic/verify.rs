//! `felsic verify`: a model against goldens or against its card.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use felsic::embedder::Embedder;
use felsic::error::{Result, plain};
use felsic::verify::card;
use felsic::verify::goldens::{Comparison, Goldens, compare};

use crate::model::ModelArguments;
use crate::output::Output;
use crate::progress::{Bar, Unit};

/// Default of the largest allowed difference of a component.
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
    /// Lowest allowed mean of the cosines, likewise.
    #[arg(long, conflicts_with = "card", value_parser = not_negative)]
    min_mean_cosine: Option<f32>,
}

fn not_negative(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("expected a number from 0".to_string()),
    }
}

/// Compares, prints, and fails if the model is too far off.
pub fn verify(arguments: &VerifyArguments, output: &mut Output) -> Result<ExitCode> {
    pollster::block_on(async {
        let passed = match &arguments.goldens {
            Some(path) => {
                let goldens = Goldens::read(path)?;
                let embedder = arguments.model.open().await?;
                let comparison = compare(&embedder, &goldens, &mut Bar::new(Unit::Texts)).await?;
                print(&comparison, output)?;
                passes(&comparison, arguments)
            }
            None => {
                let tolerance = arguments.tolerance.unwrap_or(CARD_TOLERANCE);
                verify_card(&arguments.model.open().await?, tolerance, output).await?
            }
        };
        output.line(if passed { "passed" } else { "FAILED" })?;
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn passes(comparison: &Comparison, arguments: &VerifyArguments) -> bool {
    let VerifyArguments { tolerance, min_cosine, min_mean_cosine, .. } = *arguments;
    // Any direction will do for a bound that is not given.
    let is_near = comparison.is_similar(min_cosine.unwrap_or(f32::NEG_INFINITY))
        && min_mean_cosine.is_none_or(|least| comparison.mean_cosine >= least);
    match (min_cosine.or(min_mean_cosine), tolerance) {
        (Some(_), None) => is_near,
        (_, tolerance) => is_near && comparison.is_within(tolerance.unwrap_or(TOLERANCE)),
    }
}

/// Prints a comparison; the names of texts are the file's.
fn print(comparison: &Comparison, output: &mut Output) -> Result<()> {
    output.line(format!("texts                          {}", comparison.texts))?;
    output.line(format!("texts with other token ids     {}", comparison.other_ids.len()))?;
    if !comparison.other_ids.is_empty() {
        let names: Vec<String> = comparison.other_ids.iter().map(|name| plain(name)).collect();
        output.line(format!("                               {}", names.join(", ")))?;
    }
    let worst = plain(&comparison.worst);
    output.line(format!("largest component difference   {:.3e} ({worst})", comparison.difference))?;
    output.line(format!("lowest cosine                  {:.7}", comparison.lowest_cosine))?;
    output.line(format!("mean cosine                    {:.7}", comparison.mean_cosine))?;
    if let Some(difference) = comparison.state_difference {
        output.line(format!("largest state difference       {difference:.3e} of the state's largest value"))?;
    }
    Ok(())
}

async fn verify_card(embedder: &Embedder, tolerance: f32, output: &mut Output) -> Result<bool> {
    let table = card::cosines(embedder).await?;
    output.line("this model                the card")?;
    for (made, printed) in table.iter().zip(&card::COSINES) {
        let row = |cells: &[f32; 3]| cells.map(|cell| format!("{cell:.4}")).join("  ");
        output.line(format!("{:24}  {}", row(made), row(printed)))?;
    }
    let difference = card::difference(&table);
    output.line(format!("largest difference        {difference:.4}"))?;
    Ok(difference <= tolerance)
}
