//! Stored tensors by name, taken out one by one.

use std::collections::BTreeMap;

use half::f16;

use super::table::MOST_GROUPS;
use super::{ElementType, HalfType, Matrix, Order, Scales, Table};
use crate::config::TABLE;
use crate::error::{Code, Error, Result};

/// A tensor as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// Type of the elements.
    pub element: ElementType,
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<usize>,
    /// The elements, row-major and little-endian.
    pub bytes: Vec<u8>,
}

impl StoredTensor {
    /// Returns whether the number of bytes is what the shape calls for.
    pub(super) fn is_sound(&self) -> bool {
        self.element.bytes_of(&self.shape) == Some(self.bytes.len())
    }
}

/// Tensors by name, without a `model.` prefix.
///
/// An int8 or int4 matrix `N` is two tensors: `N` [rows, cols] of integers and `N.scales` [rows, groups] of
/// f16 or f32. A pack's vocabulary table is several matrices of whole rows, see [`block_name`].
#[derive(Clone, Debug, Default)]
pub struct Tensors(BTreeMap<String, StoredTensor>);

/// Returns the name of the scales of the int8 or int4 matrix `name`.
pub fn scales_name(name: &str) -> String {
    format!("{name}.scales")
}

/// Returns the name of the block of the vocabulary table that starts at row `first`.
pub fn block_name(first: usize) -> String {
    format!("{TABLE}.rows.{first}")
}

/// Returns the name of the tensor `[vocabulary]` that gives each id the number of its table group.
pub fn groups_name() -> String {
    format!("{TABLE}.groups")
}

impl Tensors {
    /// Adds a tensor.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] if there is already one of that name, or its bytes do not fit its shape.
    pub fn insert(&mut self, name: String, tensor: StoredTensor) -> Result<()> {
        if !tensor.is_sound() {
            let (shape, bytes) = (&tensor.shape, tensor.bytes.len());
            return Err(Error::new(
                Code::WeightsInvalid,
                format!("tensor {name} has shape {shape:?} and {bytes} bytes"),
            ));
        }
        match self.0.contains_key(&name) {
            true => Err(Error::new(Code::WeightsInvalid, format!("duplicate tensor {name}"))),
            false => {
                self.0.insert(name, tensor);
                Ok(())
            }
        }
    }

    /// Returns the names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns all tensors, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &StoredTensor)> {
        self.0.iter()
    }

    /// Returns the tensor of a name.
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.0.get(name)
    }

    /// Adds all tensors of `other`.
    ///
    /// # Errors
    /// Those of [`Self::insert`].
    pub fn append(&mut self, other: Tensors) -> Result<()> {
        other.0.into_iter().try_for_each(|(name, tensor)| self.insert(name, tensor))
    }

    /// Adds the bytes of all tensors to a hash, in the order of their names.
    #[cfg(feature = "packer")]
    pub(crate) fn hash_into(&self, hash: &mut sha2::Sha256) {
        self.0.values().for_each(|tensor| sha2::Digest::update(hash, &tensor.bytes));
    }

    /// Takes a vector of `len` values out.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], [`Code::TensorShape`], [`Code::TensorType`] with the tensor's name;
    /// [`Code::OutOfMemory`].
    pub fn take_vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        let tensor = self.take(name, &[len])?;
        match tensor.element {
            element if !element.is_float() => Err(wrong_type(name, element)),
            element => widen(element, &tensor.bytes),
        }
    }

    /// Takes a matrix out. Half precision widens to f32, int4 to int8, and int8 stays as it is.
    ///
    /// # Errors
    /// Those of [`Self::take_vector`]; [`Code::WeightsInvalid`] for scales that are not finite and for the
    /// integer -128, which no pack has.
    pub fn take_matrix(&mut self, name: &str, rows: usize, cols: usize) -> Result<Matrix> {
        let tensor = self.take(name, &[rows, cols])?;
        match tensor.element {
            ElementType::I8 => self.int8(name, rows, cols, tensor.bytes),
            ElementType::Int4 => self.int4(name, rows, cols, tensor.bytes)?.into_int8(),
            element => Ok(Matrix::F32 { rows, cols, values: widen(element, &tensor.bytes)? }),
        }
    }

    /// Takes the vocabulary table out, from one tensor or from blocks. Half precision stays as it is.
    ///
    /// # Errors
    /// Those of [`Self::take_matrix`] and of [`Self::take_order`].
    pub fn take_table(&mut self, rows: usize, cols: usize) -> Result<Table> {
        if self.0.contains_key(TABLE) {
            let block = self.take_block(TABLE, rows, cols)?;
            return Table::new(cols, vec![block]);
        }
        let order = self.take_order(rows)?;
        let mut blocks = Vec::new();
        let mut first = 0;
        while first < rows {
            let name = block_name(first);
            let count = self.0.get(&name).and_then(|tensor| tensor.shape.first()).copied();
            let count = count.ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {name} is missing")))?;
            if count == 0 || count > rows - first {
                let message = format!("tensor {name} has {count} rows; the vocabulary table has {rows}");
                return Err(Error::new(Code::TensorShape, message));
            }
            blocks.push(self.take_block(&name, count, cols)?);
            first += count;
        }
        Table::new(cols, blocks)?.ordered(order)
    }

    /// Takes out the order in which the vocabulary table is stored, if it differs from the order of ids.
    ///
    /// # Errors
    /// Those of [`Self::take_matrix`]; [`Code::WeightsInvalid`] for table groups that are not numbered from 0.
    pub fn take_order(&mut self, rows: usize) -> Result<Option<Order>> {
        let name = groups_name();
        if !self.0.contains_key(&name) {
            return Ok(None);
        }
        let tensor = self.take(&name, &[rows])?;
        if tensor.element != ElementType::I8 {
            return Err(wrong_type(&name, tensor.element));
        }
        if tensor.bytes.iter().any(|group| usize::from(*group) >= MOST_GROUPS) {
            return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} names a group that does not exist")));
        }
        Order::new(&tensor.bytes).map(Some)
    }

    /// Takes out a block of the vocabulary table, or some rows of one.
    ///
    /// # Errors
    /// Those of [`Self::take_matrix`].
    pub fn take_rows(&mut self, name: &str, rows: usize, cols: usize) -> Result<Matrix> {
        self.take_block(name, rows, cols)
    }

    fn take_block(&mut self, name: &str, rows: usize, cols: usize) -> Result<Matrix> {
        let tensor = self.take(name, &[rows, cols])?;
        let element = match tensor.element {
            ElementType::F16 => HalfType::F16,
            ElementType::BF16 => HalfType::BF16,
            ElementType::I8 => return self.int8(name, rows, cols, tensor.bytes),
            ElementType::Int4 => return self.int4(name, rows, cols, tensor.bytes),
            ElementType::F32 => {
                return Ok(Matrix::F32 { rows, cols, values: widen(tensor.element, &tensor.bytes)? });
            }
        };
        Ok(Matrix::Half { rows, cols, element, bytes: tensor.bytes })
    }

    /// Puts an int8 matrix and its scales together.
    fn int8(&mut self, name: &str, rows: usize, cols: usize, bytes: Vec<u8>) -> Result<Matrix> {
        let (group, scales) = self.scales(name, rows, cols)?;
        if bytes.contains(&0x80) {
            return Err(Error::new(
                Code::WeightsInvalid,
                format!("tensor {name} contains -128, which is not a value of a pack"),
            ));
        }
        // In place: the two types have the same layout, so collecting keeps the allocation.
        let values = bytes.into_iter().map(|byte| byte as i8).collect();
        Ok(Matrix::Int8 { rows, cols, group, values, scales })
    }

    /// Puts an int4 matrix and its scales together. Every byte is two integers that packs may have.
    fn int4(&mut self, name: &str, rows: usize, cols: usize, bytes: Vec<u8>) -> Result<Matrix> {
        let (group, scales) = self.scales(name, rows, cols)?;
        match group.is_multiple_of(2) {
            true => Ok(Matrix::Int4 { rows, cols, group, bytes, scales }),
            false => {
                let message = format!("tensor {name} has groups of {group} int4 values, which do not fill whole bytes");
                Err(Error::new(Code::TensorShape, message))
            }
        }
    }

    /// Takes the scales of the matrix `name` out, with the number of columns that share one.
    fn scales(&mut self, name: &str, rows: usize, cols: usize) -> Result<(usize, Scales)> {
        let scales_name = scales_name(name);
        let scales = self.0.remove(&scales_name);
        let scales =
            scales.ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {scales_name} is missing")))?;
        let groups = match scales.shape[..] {
            [count, groups] if count == rows && groups > 0 && cols.is_multiple_of(groups) => groups,
            _ => return Err(wrong_shape(&scales_name, &scales.shape, &format!("[{rows}, groups of {cols} columns]"))),
        };
        let scales = match scales.element {
            ElementType::F16 => {
                let mut halves = Vec::new();
                halves.try_reserve_exact(scales.bytes.len() / 2)?;
                halves.extend(scales.bytes.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two)));
                Scales::F16(halves)
            }
            ElementType::F32 => Scales::F32(widen(scales.element, &scales.bytes)?),
            other => return Err(wrong_type(&scales_name, other)),
        };
        if (0..scales.len()).any(|index| !scales.at(index).is_finite()) {
            return Err(Error::new(
                Code::WeightsInvalid,
                format!("tensor {scales_name} has a scale that is not finite"),
            ));
        }
        Ok((cols / groups, scales))
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<StoredTensor> {
        match self.0.remove(name) {
            None => Err(Error::new(Code::TensorMissing, format!("tensor {name} is missing"))),
            Some(tensor) if tensor.shape != shape => Err(wrong_shape(name, &tensor.shape, &format!("{shape:?}"))),
            Some(tensor) => Ok(tensor),
        }
    }
}

/// The values of `bytes` as f32; every one is exact.
///
/// # Errors
/// [`Code::OutOfMemory`].
pub(crate) fn widen(element: ElementType, bytes: &[u8]) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    values.try_reserve_exact(bytes.len() / element.bytes_of(&[1]).unwrap_or(1))?;
    element.widen(bytes, &mut values);
    Ok(values)
}

fn wrong_shape(name: &str, found: &[usize], expected: &str) -> Error {
    Error::new(Code::TensorShape, format!("tensor {name} has shape {found:?}; the config calls for {expected}"))
}

fn wrong_type(name: &str, found: ElementType) -> Error {
    Error::new(
        Code::TensorType,
        format!("tensor {name} has elements of type {found:?}, which felsic does not read there"),
    )
}
