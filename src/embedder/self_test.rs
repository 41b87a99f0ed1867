//! Known texts with known vectors, against a device that computes something other than it should.
//!
//! A browser's GPU can refuse a shader, or run it wrongly, without an error; the only sign is the
//! numbers. A pack therefore carries a few texts with the vectors that the CPU made from the same
//! weights.

use super::{EmbedOptions, Embedder, largest_difference};
use crate::error::{Code, Error, Result};
use crate::kernels::simd::Fine;
use crate::weights::SelfTest;
#[cfg(feature = "gpu")]
use crate::{kernels::gpu, model::DeviceKind};

/// Largest allowed difference of a component. Two correct devices differ only by rounding: about 1e-6 with f32 weights,
/// 6e-5 with int8 weights, whose attention the CPU computes in 16 bits. The smallest real mistake (a window off by
/// one) moves components by 1.6e-3 or more. Activations of 8 bits move them by up to 4e-3, so neither the vectors in a pack
/// nor those that are compared with them are made with those alone: see [`Fine`].
const TOLERANCE: f32 = 2e-4;

pub(super) async fn run(embedder: &Embedder, tests: &[SelfTest]) -> Result<()> {
    let plain = EmbedOptions { strip: false, ..EmbedOptions::default() };
    for test in tests {
        if embedder.tokenize(&test.text, &plain)? != test.ids {
            return Err(failed("the tokenizer gives different ids from those in the pack"));
        }
    }
    for batch in batches(tests) {
        run_batch(embedder, batch).await?;
    }
    #[cfg(feature = "gpu")]
    if embedder.layers.device() == DeviceKind::Gpu {
        run_bodies(embedder, tests).await?;
    }
    Ok(())
}

/// Computes all texts with each of the bodies that a GPU chooses from by the length of a batch: any of them may be wrong.
#[cfg(feature = "gpu")]
async fn run_bodies(embedder: &Embedder, tests: &[SelfTest]) -> Result<()> {
    let bodies = gpu::bodies();
    // A single one has made the vectors that were compared already.
    for body in (0..bodies).filter(|_| bodies > 1) {
        let _only = gpu::Only::body(body);
        run_batch(embedder, tests).await?;
    }
    Ok(())
}

/// Returns the texts that are computed together: the shortest alone, since a device may have other kernels for the few rows of a
/// query than for a batch, and all.
fn batches(tests: &[SelfTest]) -> [&[SelfTest]; 2] {
    let shortest = tests.iter().min_by_key(|test| test.ids.len());
    [shortest.map(std::slice::from_ref).unwrap_or_default(), tests]
}

/// Computes texts together, and compares their vectors.
async fn run_batch(embedder: &Embedder, tests: &[SelfTest]) -> Result<()> {
    let ids: Vec<Vec<u32>> = tests.iter().map(|test| test.ids.clone()).collect();
    let _fine = Fine::new();
    let made = embedder.embed_ids(&ids).await.map_err(|error| failed("a vector could not be made").because(error))?;
    for (test, made) in tests.iter().zip(made.vectors()) {
        let off = largest_difference(&test.embedding, made);
        // A difference that is NaN is not within the tolerance either.
        let within = off <= TOLERANCE;
        if test.embedding.len() != made.len() || !within {
            return Err(failed(&format!("a component is off by {off:e}, more than {TOLERANCE:e}")));
        }
    }
    Ok(())
}

fn failed(what: &str) -> Error {
    Error::new(Code::SelfTestFailed, format!("this device does not reproduce the pack's vectors ({what}); use the CPU"))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(feature = "gpu", feature = "native"))]
    use crate::source::{built_in, load_pack};

    #[test]
    fn the_shortest_text_is_computed_alone_and_with_the_others() {
        let test = |length| SelfTest { text: String::new(), ids: vec![1; length], embedding: Vec::new() };
        let tests = [test(30), test(4), test(200)];
        let lengths = batches(&tests).map(|batch| batch.iter().map(|test| test.ids.len()).collect::<Vec<_>>());
        assert_eq!(lengths, [vec![4], vec![30, 4, 200]]);
        assert_eq!(batches(&[]).map(<[SelfTest]>::len), [0, 0]);
    }

    #[cfg(all(feature = "gpu", feature = "native"))]
    #[test]
    fn a_body_that_a_browser_has_refused_fails_the_test_whichever_it_is() {
        if std::env::var_os("FELSIC_SKIP_GPU").is_some() {
            return;
        }
        for adapter in [gpu::Adapter::Gpu, gpu::Adapter::Bytes] {
            gpu::FORCED_ADAPTER.set(Some(adapter));
            let embedder = pollster::block_on(async {
                let parts = load_pack(&built_in(), &mut |_| ()).await?;
                Embedder::new(parts, DeviceKind::Gpu).await
            })
            .expect("the model");
            let passes = |refused| {
                gpu::REFUSED.set(refused);
                pollster::block_on(embedder.self_test()).map_err(|error| error.code())
            };
            assert_eq!(passes(None), Ok(()), "{adapter:?}");
            for refused in gpu::Refused::all(adapter) {
                assert_eq!(passes(Some(refused)), Err(Code::SelfTestFailed), "{adapter:?}, {refused:?}");
            }
            gpu::REFUSED.set(None);
            gpu::FORCED_ADAPTER.set(None);
        }
    }

    #[test]
    fn nan_is_within_no_tolerance() {
        let within = |a: &[f32], b: &[f32]| largest_difference(a, b) <= TOLERANCE;
        assert!(within(&[1.0, 2.0], &[1.0, 2.0001]));
        assert!(!within(&[1.0, 2.0], &[1.0, 2.001]));
        assert!(!within(&[f32::NAN, 2.0], &[1.0, 2.0]) && !within(&[1.0, 2.0], &[1.0, f32::NAN]));
    }
}
