//! Where a GPU's time goes, by kernel body: natively, and off unless asked for.
//!
//! Each dispatch is a profiling window of cubecl's. The adapter's timestamps bound it where there is `timestamp-query`; otherwise
//! the clock does, and the device is waited for on both sides, so that a short dispatch costs more than it would among others.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::OnceLock;

use burn::backend::wgpu::{CubeTensor, wgpu};
use cubecl::client::{Client, ProfileWindow};
use cubecl::profile::{ProfileDuration, TimingMethod};

use super::body::Heads;
use super::product::{LEFT_OUT, LEVELS};
use super::shader::{Shader, Weights};
use super::{Adapter, size};

/// The activations that a GPU multiplies int8 weights by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// f32.
    Floats,
    /// 8 bits, four at a time.
    Bytes,
}

/// The numbers that a kernel body computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32 multiplications and additions.
    Floats,
    /// Products of bytes with sums in i32.
    Bytes,
}

/// What one kernel body took.
#[derive(Clone, Debug)]
pub struct BodyTime {
    /// The body: its kernel, its tile, its numbers.
    pub name: String,
    /// How often it was dispatched.
    pub dispatches: usize,
    /// How long that took, in ms; without the dispatches that `unmeasured` counts.
    pub milliseconds: f64,
    /// The multiplications and additions that the operation takes, whatever the body does besides: 2 for each number of a product,
    /// 4 for each column of each key that a query sees. 0 where reading and writing decide, not arithmetic.
    pub operations: f64,
    /// What they compute with.
    pub arithmetic: Arithmetic,
    /// Dispatches whose timestamps the adapter did not write.
    pub unmeasured: usize,
}

/// What [`stop`] returns.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The kernel bodies, the longest first.
    pub bodies: Vec<BodyTime>,
    /// Whether the adapter's timestamps bound the times, and not the clock.
    pub has_timestamps: bool,
}

/// A dispatch that has been asked for.
struct Dispatch {
    name: String,
    operations: f64,
    arithmetic: Arithmetic,
    duration: Option<ProfileDuration>,
}

thread_local! {
    /// The dispatches since the start; nothing while no profile is taken.
    static DISPATCHES: RefCell<Option<Vec<Dispatch>>> = const { RefCell::new(None) };
    static ACTIVATIONS: Cell<Option<Activations>> = const { Cell::new(None) };
}

/// Name, interface and driver of the adapter that was opened.
static ADAPTER: OnceLock<String> = OnceLock::new();

/// Notes what an adapter calls itself.
pub(super) fn note(info: &wgpu::AdapterInfo) {
    ADAPTER.get_or_init(|| {
        let parts = [&info.name, &format!("{:?}", info.backend), &info.driver, &info.driver_info];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
    });
}

/// Returns what the adapter that was opened calls itself, with its interface and its driver.
pub fn adapter_name() -> Option<&'static str> {
    ADAPTER.get().map(String::as_str)
}

/// Has this thread's int8 weights multiplied by these activations, or by those that suit the adapter: for measurements.
pub fn multiply(activations: Option<Activations>) {
    ACTIVATIONS.set(activations);
}

/// Returns the kind of adapter that one is taken for with the activations that were asked for.
pub(super) fn asked_for(adapter: Adapter) -> Adapter {
    match ACTIVATIONS.get() {
        None => adapter,
        Some(Activations::Floats) => adapter.of_floats(),
        Some(Activations::Bytes) => Adapter::Bytes,
    }
}

/// Starts to measure this thread's dispatches.
pub fn start() {
    DISPATCHES.set(Some(Vec::new()));
}

/// Stops measuring, waits for the device, and returns what each kernel body took since [`start`].
pub fn stop() -> Profile {
    let mut bodies = BTreeMap::<String, BodyTime>::new();
    let mut has_timestamps = false;
    for Dispatch { name, operations, arithmetic, duration } in DISPATCHES.take().unwrap_or_default() {
        let new = BodyTime {
            name: name.clone(),
            dispatches: 0,
            milliseconds: 0.0,
            operations: 0.0,
            arithmetic,
            unmeasured: 0,
        };
        let body = bodies.entry(name).or_insert(new);
        body.dispatches += 1;
        has_timestamps |= duration.as_ref().is_some_and(|duration| duration.timing_method() == TimingMethod::Device);
        match duration.and_then(|duration| cubecl::future::block_on(duration.resolve())) {
            Some(ticks) => {
                body.milliseconds += ticks.duration().as_secs_f64() * 1e3;
                body.operations += operations;
            }
            None => body.unmeasured += 1,
        }
    }
    let mut bodies: Vec<_> = bodies.into_values().collect();
    bodies.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    Profile { bodies, has_timestamps }
}

/// A dispatch that is being asked for.
pub(super) struct Window {
    dispatch: Dispatch,
    window: Option<ProfileWindow>,
}

/// Begins to measure a dispatch, if this thread's are being measured.
pub(super) fn open(shader: Shader, buffers: &[&CubeTensor], parameters: &[u32]) -> Option<Window> {
    if DISPATCHES.with_borrow(Option::is_none) {
        return None;
    }
    let (operations, arithmetic) = work(shader, buffers, parameters);
    let window = buffers[0].client.profile_start().ok();
    Some(Window { dispatch: Dispatch { name: name(shader), operations, arithmetic, duration: None }, window })
}

/// Ends it.
pub(super) fn close(client: &Client, window: Option<Window>) {
    let Some(Window { mut dispatch, window }) = window else { return };
    dispatch.duration = window.and_then(|window| client.profile_end(window).ok());
    DISPATCHES.with_borrow_mut(|dispatches| dispatches.get_or_insert_default().push(dispatch));
}

fn name(shader: Shader) -> String {
    match shader {
        Shader::Product(body, weights) => {
            let numbers = match (weights, body.takes_bytes()) {
                (Weights::Float, _) => "f32",
                (Weights::Int8, false) => "int8 by f32",
                (Weights::Int8, true) => "int8 by bytes",
            };
            let [down, across] = body.tile();
            format!("product, {numbers}, {down} x {across}")
        }
        Shader::Attention(Heads { size, .. }) => format!("attention, heads of {size}"),
        Shader::Round => "norm and rounding".into(),
        Shader::TakeRows => "chosen rows".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Returns the multiplications and additions of a dispatch, and what they compute with.
fn work(shader: Shader, buffers: &[&CubeTensor], parameters: &[u32]) -> (f64, Arithmetic) {
    match shader {
        Shader::Product(body, weights) => {
            let [down, across] = size(buffers[1]);
            // Some columns of the matrix may be left out.
            let left_out = 2 * parameters[LEFT_OUT] as usize;
            let numbers = match weights {
                Weights::Int8 => 4 * down * (across - left_out),
                Weights::Float => (down - left_out) * across,
            };
            // What was rounded away may be multiplied, too.
            let (levels, arithmetic) = match body.takes_bytes() {
                true => (parameters[LEVELS], Arithmetic::Bytes),
                false => (1, Arithmetic::Floats),
            };
            (2.0 * f64::from(parameters[0]) * f64::from(levels) * numbers as f64, arithmetic)
        }
        Shader::Attention(_) => {
            (4.0 * f64::from(parameters[6]) * keys_seen(buffers[3], parameters[1]), Arithmetic::Floats)
        }
        _ => (0.0, Arithmetic::Floats),
    }
}

/// Returns how many keys the queries see, all together.
fn keys_seen(queries: &CubeTensor, half_window: u32) -> f64 {
    let Ok(bytes) = queries.client.read_one(queries.handle.clone()) else { return 0.0 };
    let numbers: Vec<i64> = bytes.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four).into()).collect();
    let half = i64::from(half_window);
    let seen = |query: &[i64]| {
        let [position, first, end] = [query[0], query[1], query[2]];
        (end - first).min(position + half + 1) - (position - half).max(0)
    };
    numbers.chunks_exact(3).map(seen).sum::<i64>() as f64
}

#[cfg(test)]
mod tests {
    use super::super::FORCED_ADAPTER;
    use super::*;
    use crate::kernels::{self, AttentionShape, Precision, TILE_LENGTHS};
    use crate::model::{Device, DeviceKind};

    #[test]
    fn a_profile_has_each_body_with_its_dispatches_and_operations() {
        if std::env::var_os("FELSIC_SKIP_GPU").is_some() {
            return;
        }
        let device = pollster::block_on(Device::open(DeviceKind::Gpu)).expect("an adapter").burn;
        assert!(adapter_name().is_some_and(|name| !name.is_empty()));
        FORCED_ADAPTER.set(Some(Adapter::Gpu));
        let rows = |n: usize, width: usize| kernels::floats(vec![1.0; n * width], [n, width], &device);
        kernels::linear(rows(3, 8), rows(5, 8));
        start();
        kernels::linear(rows(3, 8), rows(5, 8));
        kernels::linear(rows(3, 8), rows(7, 8));
        kernels::layer_norm(rows(3, 8), kernels::floats(vec![1.0; 8], [8], &device), 1e-5);
        // Of the three tokens of a text, the first sees two and the second all.
        let queries = kernels::integers(vec![0, 0, 3, 1, 0, 3], [2, 3], &device);
        let tiles = kernels::integers(vec![0, 2], [1, 2], &device);
        let (heads, head_size, half_window) = (2, 4, Some(1));
        let shape =
            AttentionShape { heads, head_size, half_window, precision: Precision::Float, tile: TILE_LENGTHS[0] };
        kernels::attention(rows(2, 8), rows(3, 16), rows(3, 4), queries, tiles, shape);
        let profile = stop();
        kernels::linear(rows(3, 8), rows(5, 8));
        FORCED_ADAPTER.set(None);
        let mut found: Vec<_> =
            profile.bodies.iter().map(|body| (body.name.as_str(), body.dispatches, body.operations)).collect();
        found.sort_by_key(|(name, ..)| *name);
        let want = [
            ("attention, heads of 4", 1, 4.0 * 8.0 * 5.0),
            ("norm", 1, 0.0),
            ("product, f32, 16 x 32", 2, 2.0 * 3.0 * 8.0 * 12.0),
        ];
        assert_eq!(found, want);
        assert!(profile.bodies.iter().all(|body| body.milliseconds > 0.0 && body.unmeasured == 0), "{profile:?}");
        assert!(stop().bodies.is_empty());
    }

    #[test]
    fn activations_that_are_asked_for_decide_the_bodies() {
        let adapters = [Adapter::Gpu, Adapter::Bytes, Adapter::Software];
        assert_eq!(adapters.map(asked_for), adapters);
        multiply(Some(Activations::Floats));
        assert_eq!(adapters.map(asked_for), [Adapter::Gpu, Adapter::Gpu, Adapter::Software]);
        multiply(Some(Activations::Bytes));
        assert_eq!(adapters.map(asked_for), [Adapter::Bytes; 3]);
        multiply(None);
        assert_eq!(adapters.map(asked_for), adapters);
    }
}
