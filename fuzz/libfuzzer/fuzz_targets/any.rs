//! Runs a target under libFuzzer: FELSIC_FUZZ_TARGET names it.
#![no_main]

use std::sync::LazyLock;

use felsic_fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FELSIC_FUZZ_TARGET").expect("FELSIC_FUZZ_TARGET names a target");
    target(&name).expect("a target has that name")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.run)(input));
