//! What `felsic bench` tells of a GPU: its kernel bodies, and how near they come to what the device can do.

use clap::{Args, ValueEnum};
use felsic::kernels::profile::gpu::{self, Activations, Arithmetic, BodyTime, Profile};

/// Options of measurements on a GPU.
#[derive(Args, Debug)]
pub struct GpuArguments {
    /// Activations that a GPU multiplies int8 weights by [default: what suits the adapter]
    #[arg(long, value_enum)]
    activations: Option<ActivationsName>,
    /// The GPU's f32 peak in TFLOP/s, as its maker states it: adds the share of it
    #[arg(long, requires = "profile", value_parser = positive)]
    peak_tflops: Option<f64>,
    /// The GPU's f16 peak in TFLOP/s
    #[arg(long, requires = "profile", value_parser = positive)]
    peak_f16_tflops: Option<f64>,
}

/// Activations as the command line names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActivationsName {
    F32,
    Bytes,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 => Ok(number),
        _ => Err("a number above 0 is needed".into()),
    }
}

impl GpuArguments {
    /// Has this thread use the activations that were asked for; a model is loaded afterwards.
    pub fn choose(&self) {
        gpu::multiply(self.activations.map(|name| match name {
            ActivationsName::F32 => Activations::Floats,
            ActivationsName::Bytes => Activations::Bytes,
        }));
    }
}

/// Returns what the adapter calls itself, once one has been opened.
pub fn adapter() -> Option<&'static str> {
    gpu::adapter_name()
}

/// Returns a table of the kernel bodies: one run of `runs`.
pub fn lines(profile: &Profile, arguments: &GpuArguments, runs: f64) -> Vec<String> {
    let clock = match profile.has_timestamps {
        true => "by the adapter's timestamps",
        false => "by the clock, waiting before and after each dispatch: the adapter has no timestamps",
    };
    let peaks = [("of f32 peak", arguments.peak_tflops), ("of f16 peak", arguments.peak_f16_tflops)];
    let titles: String =
        peaks.iter().filter(|(_, peak)| peak.is_some()).map(|(title, _)| format!(" {title:>12}")).collect();
    let all = total(&profile.bodies);
    let mut lines = vec![
        format!("    kernel bodies, {clock}"),
        format!("    {:34} {:>10} {:>10} {:>7} {:>15}{titles}", "body", "dispatches", "ms", "share", "rate"),
    ];
    for body in profile.bodies.iter().chain([&all]) {
        let shares: String = peaks.iter().filter_map(|(_, peak)| *peak).map(|peak| share_of_peak(body, peak)).collect();
        lines.push(format!(
            "    {:34} {:>10.0} {:>10.3} {:>5.1} % {:>15}{shares}",
            body.name,
            body.dispatches as f64 / runs,
            body.milliseconds / runs,
            100.0 * body.milliseconds / all.milliseconds,
            rate(body),
        ));
    }
    if all.unmeasured > 0 {
        lines.push(format!(
            "    {} of {} dispatches have no timestamps and count nowhere",
            all.unmeasured, all.dispatches
        ));
    }
    lines
}

/// Adds all bodies up.
fn total(bodies: &[BodyTime]) -> BodyTime {
    let is_of_bytes = |body: &BodyTime| body.operations > 0.0 && body.arithmetic == Arithmetic::Bytes;
    BodyTime {
        name: "all".into(),
        dispatches: bodies.iter().map(|body| body.dispatches).sum(),
        milliseconds: bodies.iter().map(|body| body.milliseconds).sum(),
        operations: bodies.iter().map(|body| body.operations).sum(),
        arithmetic: if bodies.iter().any(is_of_bytes) { Arithmetic::Bytes } else { Arithmetic::Floats },
        unmeasured: bodies.iter().map(|body| body.unmeasured).sum(),
    }
}

/// Returns the trillions of operations a second.
fn speed(body: &BodyTime) -> f64 {
    body.operations / body.milliseconds / 1e9
}

fn rate(body: &BodyTime) -> String {
    let unit = match body.arithmetic {
        Arithmetic::Floats => "TFLOP/s",
        Arithmetic::Bytes => "TOP/s",
    };
    match body.operations > 0.0 {
        true => format!("{:.3} {unit}", speed(body)),
        false => "-".into(),
    }
}

/// Returns the share of a peak of floating-point arithmetic: products of bytes have none.
fn share_of_peak(body: &BodyTime, peak: f64) -> String {
    match body.operations > 0.0 && body.arithmetic == Arithmetic::Floats {
        true => format!(" {:>10.1} %", 100.0 * speed(body) / peak),
        false => format!(" {:>12}", "-"),
    }
}

/// Returns the same as JSON.
pub fn json(profile: &Profile, runs: f64) -> serde_json::Value {
    let body = |body: &BodyTime| {
        serde_json::json!({
            "body": body.name, "dispatches": body.dispatches as f64 / runs, "ms": body.milliseconds / runs,
            "operations": body.operations / runs, "unmeasured": body.unmeasured,
            "arithmetic": match body.arithmetic { Arithmetic::Floats => "f32", Arithmetic::Bytes => "bytes" },
        })
    };
    serde_json::json!({
        "adapter": adapter(), "timestamps": profile.has_timestamps,
        "bodies": profile.bodies.iter().map(body).collect::<Vec<_>>(),
    })
}
