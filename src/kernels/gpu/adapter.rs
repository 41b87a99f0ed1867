//! The kinds of adapter that bodies differ for, and which of them there is.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::wgpu::{CubeTensor, WgpuSetup, wgpu};

/// The kinds of adapter that bodies differ for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adapter {
    /// A graphics processor.
    Gpu,
    /// A graphics processor that multiplies four bytes by four and adds, in one instruction: int8 weights meet activations of 8 bits
    /// there, as on the CPU. Where it cannot, for it takes groups of 32 columns alone, it is a [`Self::Gpu`].
    Bytes,
    /// A program on the CPU, as Mesa's lavapipe and Chromium's SwiftShader are. It compiles a shader slowly, most of all for its
    /// workgroup memory, and gains nothing from many threads.
    Software,
}

impl Adapter {
    /// Returns the kind whose bodies take f32 activations.
    pub fn of_floats(self) -> Self {
        match self {
            Self::Gpu | Self::Bytes => Self::Gpu,
            Self::Software => Self::Software,
        }
    }
}

/// Whether the device that was opened multiplies bytes. It is opened once, and stays.
static MULTIPLIES_BYTES: AtomicBool = AtomicBool::new(false);

/// Notes what a device can do that has been opened.
///
/// WGSL's products of four bytes may also be made of many instructions, and nothing tells whether they are. Vulkan and
/// DirectX 12 have one for them, which the processors of the last years have, too; Metal has none.
pub fn look_at(setup: &WgpuSetup) {
    #[cfg(not(target_family = "wasm"))]
    super::profile::note(&setup.adapter.get_info());
    let language = setup.instance.wgsl_language_features();
    let has_products = language.contains(wgpu::WgslLanguageFeatures::Packed4x8IntegerDotProduct);
    MULTIPLIES_BYTES.store(has_products && !is_metal(setup), Ordering::Relaxed);
}

#[cfg(not(all(feature = "web", target_family = "wasm")))]
fn is_metal(setup: &WgpuSetup) -> bool {
    setup.backend == wgpu::Backend::Metal
}

/// Returns whether the browser stands on Metal, which it does on Apple's systems, and on those alone.
#[cfg(all(feature = "web", target_family = "wasm"))]
fn is_metal(_: &WgpuSetup) -> bool {
    let member = |object: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(object, &name.into());
    let agent = member(&js_sys::global(), "navigator").and_then(|navigator| member(&navigator, "userAgent"));
    // Phones and tablets are "like Mac OS X".
    agent.ok().and_then(|agent| agent.as_string()).is_none_or(|agent| agent.contains("Mac OS X"))
}

#[cfg(test)]
thread_local! {
    /// The kind of adapter that this thread's is taken for.
    pub static FORCED_ADAPTER: std::cell::Cell<Option<Adapter>> = const { std::cell::Cell::new(None) };
}

/// Returns the kind of adapter that holds a tensor.
pub fn adapter(tensor: &CubeTensor) -> Adapter {
    #[cfg(test)]
    if let Some(adapter) = FORCED_ADAPTER.get() {
        return adapter;
    }
    // cubecl states the card behind an adapter, and none behind one that is software.
    let adapter = match (&tensor.client.properties().identity.physical, MULTIPLIES_BYTES.load(Ordering::Relaxed)) {
        (Some(_), true) => Adapter::Bytes,
        (Some(_), false) => Adapter::Gpu,
        (None, _) => Adapter::Software,
    };
    #[cfg(not(target_family = "wasm"))]
    let adapter = super::profile::asked_for(adapter);
    adapter
}
