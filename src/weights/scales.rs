//! The scales of an int8 matrix.

use half::f16;

/// Scales in the type in which they were stored: those of a vocabulary table are many, and stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Scales {
    /// Half precision.
    F16(Vec<f16>),
    /// Single precision.
    F32(Vec<f32>),
}

impl Scales {
    /// Returns the number of scales.
    pub fn len(&self) -> usize {
        match self {
            Scales::F16(scales) => scales.len(),
            Scales::F32(scales) => scales.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the scale at `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(&self, index: usize) -> f32 {
        match self {
            Scales::F16(scales) => scales[index].to_f32(),
            Scales::F32(scales) => scales[index],
        }
    }

    /// Returns all of them as f32; every value is exact.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Scales::F16(scales) => scales.into_iter().map(f16::to_f32).collect(),
            Scales::F32(scales) => scales,
        }
    }

    /// Returns all of them as little-endian f16, as a pack stores them.
    #[cfg(feature = "packer")]
    pub(crate) fn to_f16_bytes(&self) -> Vec<u8> {
        match self {
            Scales::F16(scales) => scales.iter().flat_map(|scale| scale.to_le_bytes()).collect(),
            Scales::F32(scales) => scales.iter().flat_map(|scale| f16::from_f32(*scale).to_le_bytes()).collect(),
        }
    }

    /// Leaves the scales before `at` here and returns the rest.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn split_off(&mut self, at: usize) -> Self {
        match self {
            Scales::F16(scales) => Scales::F16(scales.split_off(at)),
            Scales::F32(scales) => Scales::F32(scales.split_off(at)),
        }
    }

    /// Puts more of them at the end; all become f32 if one or the other are.
    pub fn extend(&mut self, more: Scales) {
        match (&mut *self, more) {
            (Scales::F16(scales), Scales::F16(more)) => scales.extend(more),
            (Scales::F32(scales), more) => scales.extend(more.into_f32()),
            (Scales::F16(_), more) => {
                let scales = std::mem::replace(self, Scales::F32(Vec::new())).into_f32();
                *self = Scales::F32([scales, more.into_f32()].concat());
            }
        }
    }

    /// Returns the bytes that they take in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Scales::F16(scales) => 2 * scales.len(),
            Scales::F32(scales) => 4 * scales.len(),
        }
    }
}
