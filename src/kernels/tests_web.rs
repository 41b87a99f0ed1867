//! The tests as functions of a WebAssembly module, which `tests/kernels/run.mjs` calls.

use wasm_bindgen::prelude::wasm_bindgen;

use super::TESTS;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn error(text: &str);
}

/// Has panics reported. Without a start function of its own the module would run the harness.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

/// Returns whether this build computes exactly here.
#[wasm_bindgen(js_name = isExact)]
pub fn is_exact() -> bool {
    crate::kernels::simd::is_exact()
}

/// Returns the names of all tests.
#[wasm_bindgen]
pub fn names() -> Vec<String> {
    TESTS.iter().map(|(name, _)| name.to_string()).collect()
}

/// Runs a test; it traps if it fails.
#[wasm_bindgen]
pub fn run(number: usize) {
    TESTS[number].1();
}
