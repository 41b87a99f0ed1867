//! Where an engine computes.

use crate::error::{Code, Error, Result};

/// The kinds of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The CPU: burn's Flex backend with felsic's `simd` kernels.
    Cpu,
    /// The GPU: wgpu (WebGPU in a browser, Vulkan, Metal or DirectX 12 natively) with `wgsl` kernels.
    Gpu,
}

impl DeviceKind {
    /// Returns the name that the JavaScript API and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Gpu => "webgpu",
        }
    }

    /// Returns the name of the kernels that run there.
    pub fn kernel(self) -> &'static str {
        match self {
            DeviceKind::Cpu => crate::kernels::simd::NAME,
            DeviceKind::Gpu => "wgsl",
        }
    }
}

/// A device that has been opened.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its kind.
    pub kind: DeviceKind,
    /// Burn's handle for it.
    pub burn: burn::tensor::Device,
}

impl Device {
    /// Opens a device. A GPU is opened once and then shared.
    ///
    /// # Errors
    /// [`Code::DeviceUnavailable`] where this build or this machine has no such device.
    pub async fn open(kind: DeviceKind) -> Result<Self> {
        let burn = match kind {
            DeviceKind::Cpu => open_cpu()?,
            DeviceKind::Gpu => open_gpu().await?,
        };
        Ok(Self { kind, burn })
    }
}

#[cfg(feature = "cpu")]
fn open_cpu() -> Result<burn::tensor::Device> {
    if !crate::kernels::simd::is_exact() {
        let message =
            "this processor does not multiply bytes exactly, as the relaxed build requires; load the plain build";
        return Err(Error::new(Code::DeviceUnavailable, message));
    }
    Ok(burn::tensor::Device::flex())
}

#[cfg(not(feature = "cpu"))]
fn open_cpu() -> Result<burn::tensor::Device> {
    Err(Error::new(Code::DeviceUnavailable, "this build of felsic has no CPU device; load the CPU build"))
}

#[cfg(feature = "gpu")]
fn no_gpu(error: burn::tensor::wgpu::WgpuInitError) -> Error {
    Error::new(Code::DeviceUnavailable, "no usable GPU here; use the CPU device").because(error.to_string())
}

/// Opens the first GPU and keeps it: burn refuses to open the same one twice.
#[cfg(all(feature = "gpu", not(target_family = "wasm")))]
async fn open_gpu() -> Result<burn::tensor::Device> {
    static OPEN: std::sync::Mutex<Option<burn::tensor::Device>> = std::sync::Mutex::new(None);
    let mut open = OPEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(device) = open.as_ref() {
        return Ok(device.clone());
    }
    let (device, setup) = burn::tensor::Device::wgpu_options().init_with_setup().map_err(no_gpu)?;
    crate::kernels::gpu::look_at(&setup);
    *open = Some(device.clone());
    Ok(device)
}

#[cfg(all(feature = "gpu", target_family = "wasm"))]
async fn open_gpu() -> Result<burn::tensor::Device> {
    thread_local! {
        static OPEN: std::cell::RefCell<Option<burn::tensor::Device>> = const { std::cell::RefCell::new(None) };
    }
    if let Some(device) = OPEN.with_borrow(Clone::clone) {
        return Ok(device);
    }
    let (device, setup) = burn::tensor::Device::wgpu_options().init_with_setup_async().await.map_err(no_gpu)?;
    crate::kernels::gpu::look_at(&setup);
    OPEN.set(Some(device.clone()));
    Ok(device)
}

#[cfg(not(feature = "gpu"))]
async fn open_gpu() -> Result<burn::tensor::Device> {
    let message = match cfg!(target_family = "wasm") {
        true => "this build of felsic has no GPU device; load the GPU build",
        false => {
            "this build of felsic has no GPU device; build it with the feature `gpu`: `cargo install --path . --features gpu` for the command line"
        }
    };
    Err(Error::new(Code::DeviceUnavailable, message))
}
