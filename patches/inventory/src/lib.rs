//! Takes the place of the crate `inventory`, and registers nothing.
//!
//! cubecl compiles kernels that are written in Rust with `pliron`, which on WebAssembly registers each operation, type and
//! cast of its language when the module starts. What is registered is reachable, so the linker keeps all of it: most of the
//! thirteen megabytes that felsic's GPU binary had, while felsic launches nothing but its own WGSL, which is never compiled that way.
//! Here the same macros make nothing, and the linker drops what nothing else calls.
//!
//! `[patch.crates-io]` in felsic's `Cargo.toml` puts it there. Only `pliron` asks for `inventory`, and only on WebAssembly.
//! A kernel of burn's own that was launched there would find no operation to compile it with, and fail.

#![no_std]

/// Makes a list of the type, which stays empty.
#[macro_export]
macro_rules! collect {
    ($type:ty) => {
        impl $crate::Collect for $type {}
    };
}

/// Adds nothing to the list of the value's type.
#[macro_export]
macro_rules! submit {
    ($($value:tt)*) => {};
}

/// A type that has a list.
pub trait Collect: Sync + Sized + 'static {}

/// Returns what is in the list of the type: nothing.
pub fn iter<T: Collect>() -> core::iter::Empty<&'static T> {
    core::iter::empty()
}

#[cfg(test)]
mod tests {
    struct Registered;

    crate::collect!(Registered);
    crate::submit! { Registered }

    #[test]
    fn nothing_is_registered() {
        assert!(crate::iter::<Registered>().next().is_none());
    }
}
