//! The encoder against the reference implementation (Hugging Face transformers, f32), component by component and state
//! by state: several real mistakes survive a mere cosine.

mod support;

use felsic::embedder::NoHooks;
use felsic::model::DeviceKind;
use felsic::verify::goldens::compare;
use support::{BERT, ROBERTA, TINY, XLM_ROBERTA, changed, devices, edit_json, engine, goldens, model};

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

#[test]
fn berts_reproduce_their_goldens_on_the_cpu() {
    for name in [BERT, ROBERTA, XLM_ROBERTA] {
        holds(name, DeviceKind::Cpu);
    }
}

#[test]
fn the_mean_of_xlm_roberta_reproduces_its_goldens() {
    let folder = changed(XLM_ROBERTA, "1_Pooling/config.json", |config| {
        config["pooling_mode_cls_token"] = false.into();
        config["pooling_mode_mean_tokens"] = true.into();
    });
    let embedder = engine(folder.path(), DeviceKind::Cpu);
    let comparison = pollster::block_on(compare(&embedder, &goldens("tiny-xlmr-mean"), &mut NoHooks));
    let comparison = comparison.expect("all texts embed");
    assert!(comparison.texts >= 45 && comparison.is_within(1e-5), "{comparison:?}");
}

/// The same weights with the mean of all tokens, so that the last layer makes them all, and the tanh form of GELU.
#[test]
fn bert_with_another_pooling_and_activation_reproduces_its_goldens() {
    let folder = changed(BERT, "1_Pooling/config.json", |config| {
        config["pooling_mode_cls_token"] = false.into();
        config["pooling_mode_mean_tokens"] = true.into();
    });
    edit_json(folder.path(), "config.json", |config| config["hidden_act"] = "gelu_new".into());
    let embedder = engine(folder.path(), DeviceKind::Cpu);
    let comparison = pollster::block_on(compare(&embedder, &goldens("tiny-bert-mean"), &mut NoHooks));
    let comparison = comparison.expect("all texts embed");
    assert!(comparison.texts >= 44 && comparison.is_within(1e-5), "{comparison:?}");
}
