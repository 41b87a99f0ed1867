//! The encoder against the reference implementation (Hugging Face transformers, f32), component by component and state
//! by state: several real mistakes survive a mere cosine.

mod support;

use felsic::embedder::NoHooks;
use felsic::model::DeviceKind;
use felsic::verify::goldens::compare;
use support::{TINY, devices, engine, goldens, model};

/// The longest texts take minutes on a software GPU and hold nothing that 700 tokens do not.
const LONGEST_ON_GPU: usize = 700;

fn holds(name: &str, device: DeviceKind) {
    let mut goldens = goldens(name);
    let all = goldens.texts.len();
    if device == DeviceKind::Gpu {
        goldens.texts.retain(|golden| golden.ids.len() <= LONGEST_ON_GPU);
    }
    assert!(all - goldens.texts.len() <= 2, "only the longest texts are left out");
    let embedder = engine(&model(name), device);
    let comparison = pollster::block_on(compare(&embedder, &goldens, &mut NoHooks)).expect("all texts embed");
    assert!(comparison.state_difference.is_some(), "the fixture has hidden states");
    assert!(comparison.is_within(1e-5), "{name} on {device:?}: {comparison:?}");
}

#[test]
fn tiny_models_reproduce_their_goldens_on_every_device() {
    for device in devices() {
        for name in TINY {
            holds(name, device);
        }
    }
}
