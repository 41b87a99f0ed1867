//! NumPy's format `.npy`, version 1.0: a header, then the rows of an array.

use crate::error::{Code, Error, Result};

/// Bytes of a header, whatever the shape: there is room for 20 digits of each number, so that it can be written again in its place.
pub(super) const HEADER: usize = 128;

/// Returns the header of an array of f32 [rows, dimensions].
pub(super) fn header(rows: u64, dimensions: usize) -> [u8; HEADER] {
    let mut header = [b' '; HEADER];
    // Magic number, version 1.0, the length of what follows: a literal of Python that ends with a line feed.
    header[..8].copy_from_slice(b"\x93NUMPY\x01\x00");
    header[8..10].copy_from_slice(&((HEADER - 10) as u16).to_le_bytes());
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dimensions}), }}");
    header[10..10 + text.len()].copy_from_slice(text.as_bytes());
    header[HEADER - 1] = b'\n';
    header
}

/// Returns a vector as a row.
pub(super) fn row(vector: &[f32], dimensions: usize) -> Result<Vec<u8>> {
    match vector.len() == dimensions {
        true => Ok(vector.iter().flat_map(|value| value.to_le_bytes()).collect()),
        false => Err(Error::new(Code::Internal, "a vector has another length than those before it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_length_and_says_the_shape() {
        for (rows, dimensions) in [(0, 1), (7, 256), (u64::MAX, usize::MAX)] {
            let header = header(rows, dimensions);
            assert!(
                header.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (")
            );
            let text = String::from_utf8_lossy(&header[10..]).into_owned();
            assert!(text.contains(&format!("({rows}, {dimensions}), }} ")) && text.ends_with(" \n"), "{text:?}");
        }
        assert_eq!(row(&[1.0, -2.0], 2).expect("two"), [0, 0, 128, 63, 0, 0, 0, 192]);
        assert_eq!(row(&[1.0], 2).expect_err("one").code(), Code::Internal);
    }
}
