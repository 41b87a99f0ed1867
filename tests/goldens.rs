//! The encoder against the reference implementation (Hugging Face transformers, f32), component by component and state
//! by state: several real mistakes survive a mere cosine.

mod support;

use std::path::Path;

use felsic::embedder::NoHooks;
use felsic::model::DeviceKind;
use felsic::verify::goldens::{Comparison, compare};
use support::{BERT, ROBERTA, TINY, XLM_ROBERTA, changed, devices, edit_json, engine, goldens, model};

/// The longest texts take minutes on a software GPU and hold nothing that 700 tokens do not.
const LONGEST_ON_GPU: usize = 700;

/// Compares what a checkpoint makes on a device with goldens, except for the longest texts on a GPU.
fn compared(checkpoint: &Path, name: &str, device: DeviceKind) -> Comparison {
    let mut goldens = goldens(name);
    let all = goldens.texts.len();
    if device == DeviceKind::Gpu {
        goldens.texts.retain(|golden| golden.ids.len() <= LONGEST_ON_GPU);
    }
    assert!(goldens.texts.len() >= 42 && all - goldens.texts.len() <= 2, "only the longest texts are left out");
    let embedder = engine(checkpoint, device);
    let comparison = pollster::block_on(compare(&embedder, &goldens, &mut NoHooks)).expect("all texts embed");
    assert!(comparison.is_within(1e-5), "{name} on {device:?}: {comparison:?}");
    comparison
}

fn holds(name: &str, device: DeviceKind) {
    let comparison = compared(&model(name), name, device);
    assert!(comparison.state_difference.is_some(), "the fixture has hidden states");
}

#[test]
fn tiny_models_reproduce_their_goldens_on_every_device() {
    for device in devices() {
        for name in TINY {
            holds(name, device);
        }
    }
}

#[test]
fn berts_reproduce_their_goldens_on_every_device() {
    for device in devices() {
        for name in [BERT, ROBERTA, XLM_ROBERTA] {
            holds(name, device);
        }
    }
}

#[test]
fn the_mean_of_xlm_roberta_reproduces_its_goldens() {
    let folder = changed(XLM_ROBERTA, "1_Pooling/config.json", |config| {
        config["pooling_mode_cls_token"] = false.into();
        config["pooling_mode_mean_tokens"] = true.into();
    });
    for device in devices() {
        compared(folder.path(), "tiny-xlmr-mean", device);
    }
}

/// The same weights with the mean of all tokens, so that the last layer makes them all, and the tanh form of GELU.
#[test]
fn bert_with_another_pooling_and_activation_reproduces_its_goldens() {
    let folder = changed(BERT, "1_Pooling/config.json", |config| {
        config["pooling_mode_cls_token"] = false.into();
        config["pooling_mode_mean_tokens"] = true.into();
    });
    edit_json(folder.path(), "config.json", |config| config["hidden_act"] = "gelu_new".into());
    for device in devices() {
        compared(folder.path(), "tiny-bert-mean", device);
    }
}
