//! Long runs: embeds by the hundred thousand, and loads under faults. CI runs both for seconds, among the other tests.

use crate::process::{command, run};
use crate::{project, setup, web};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub struct Soak {
    /// Embeds with one worker, and again with four; a hundredth as many embedders come and go
    #[arg(long, default_value_t = 100_000)]
    embeds: u64,
    /// What texts, aborts and times depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Embeds for long in Node, in Chromium and, where there is one, in Firefox, from the package as it is published.
pub fn soak(options: &Soak) -> Result<()> {
    web::package()?;
    let chromium = setup::chromium()?;
    let firefox = setup::firefox().ok();
    for (tests, file) in [
        ("tests/package", "soak.test.mjs"),
        ("tests/browser", "soak.test.mjs"),
        ("tests/browser", "soak-firefox.test.mjs"),
    ] {
        let mut test = command("node", ["--test", file]);
        test.current_dir(project::path(tests)).env("CHROMIUM_PATH", &chromium);
        test.envs(firefox.as_ref().map(|path| ("FIREFOX_PATH", path)));
        test.env("FELSIC_SOAK", options.embeds.to_string());
        run(test.env("FELSIC_SEED", options.seed.to_string()))?;
    }
    Ok(())
}

#[derive(Args)]
pub struct Faults {
    /// Loads
    #[arg(long, default_value_t = 10_000)]
    loads: u64,
    /// What goes wrong depends on this
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs this round of the seed alone
    #[arg(long)]
    round: Option<u64>,
}

/// Loads packs in Chromium while the server, the storage and the workers fail at random.
pub fn faults(options: &Faults) -> Result<()> {
    web::package()?;
    let mut test = command("node", ["--test", "store-random.test.mjs"]);
    test.current_dir(project::path("tests/browser")).env("CHROMIUM_PATH", setup::chromium()?);
    test.env("FELSIC_FAULTS", options.loads.to_string()).env("FELSIC_SEED", options.seed.to_string());
    run(test.envs(options.round.map(|round| ("FELSIC_ROUND", round.to_string()))))
}
