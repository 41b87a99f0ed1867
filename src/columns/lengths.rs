//! Lengths of texts in a page: Parquet's DELTA_BINARY_PACKED, read as the crate reads it, which asks for memory for as many as they say to be.
//!
//! The encoding: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC>.

use super::claims::signed;

/// Values of a block are a multiple of this, and those of each of its parts of [`PART`].
const BLOCK: u64 = 128;
const PART: u64 = 32;
/// Most bytes of a number.
const LONGEST: usize = 10;

/// Calls `take` with each length, and returns what is behind them. `None` for what is not like this, and for more than `most`.
pub(super) fn read(mut bytes: &[u8], most: u32, mut take: impl FnMut(i32)) -> Option<&[u8]> {
    let [block, parts, mut left] = [number(&mut bytes)?, number(&mut bytes)?, number(&mut bytes)?];
    let mut last = signed_number(&mut bytes)?;
    let values = block.checked_div(parts)?;
    let is_even = block.is_multiple_of(BLOCK) && block.is_multiple_of(parts) && values.is_multiple_of(PART);
    if !is_even || left > most.into() {
        return None;
    }
    if left > 0 {
        take(last);
        left -= 1;
    }
    while left > 0 {
        let least = signed_number(&mut bytes)?;
        for width in bytes.split_off(..usize::try_from(parts).ok()?)? {
            if left == 0 {
                break;
            }
            let bits = values.checked_mul((*width).into()).filter(|_| u32::from(*width) <= i32::BITS)?;
            let packed = bytes.split_off(..usize::try_from(bits / 8).ok()?)?;
            let count = left.min(values);
            for at in 0..count {
                last = last.wrapping_add(least).wrapping_add(unpacked(packed, at as usize, (*width).into()));
                take(last);
            }
            left -= count;
        }
    }
    Some(bytes)
}

/// Reads a number: seven bits in each byte, the least first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let end = bytes.iter().take(LONGEST).position(|byte| *byte < 0x80)?;
    let taken = bytes.split_off(..=end)?;
    Some((0..).step_by(7).zip(taken).fold(0, |number, (shift, byte)| number | u64::from(byte & 0x7f) << shift))
}

/// Reads a number with a sign.
fn signed_number(bytes: &mut &[u8]) -> Option<i32> {
    i32::try_from(signed(number(bytes)?)).ok()
}

/// Returns the value at a place, where values have up to 32 bits.
fn unpacked(packed: &[u8], at: usize, width: usize) -> i32 {
    let start = at * width;
    let mut bytes = [0; 8];
    let from = packed.get(start / 8..).unwrap_or_default();
    let length = from.len().min(bytes.len());
    bytes[..length].copy_from_slice(&from[..length]);
    (u64::from_le_bytes(bytes) >> (start % 8) & ((1 << width) - 1)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packs lengths, as Parquet says.
    fn packed(lengths: &[i32], parts: usize) -> Vec<u8> {
        let mut bytes = [number(128), number(parts as u64), number(lengths.len() as u64)].concat();
        bytes.extend(signed(*lengths.first().unwrap_or(&0)));
        let differences: Vec<i32> = lengths.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        for block in differences.chunks(128) {
            let least = *block.iter().min().expect("a block is not empty");
            bytes.extend(signed(least));
            let values: Vec<u32> = block.iter().map(|difference| difference.wrapping_sub(least) as u32).collect();
            let widths: Vec<u32> = values.chunks(128 / parts).map(width).collect();
            bytes.extend((0..parts).map(|part| widths.get(part).map_or(0, |width| *width as u8)));
            for (part, width) in values.chunks(128 / parts).zip(widths) {
                let bits: Vec<bool> = (0..128 / parts)
                    .flat_map(|at| (0..width).map(move |bit| part.get(at).copied().unwrap_or(0) >> bit & 1 == 1))
                    .collect();
                bytes.extend(bits.chunks(8).map(|byte| (0..8).map(|bit| u8::from(byte[bit]) << bit).sum::<u8>()));
            }
        }
        return bytes;

        fn number(mut number: u64) -> Vec<u8> {
            let mut bytes = Vec::new();
            while number >= 0x80 {
                bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
            bytes
        }

        fn signed(value: i32) -> Vec<u8> {
            number(((i64::from(value) << 1) ^ (i64::from(value) >> 63)) as u64)
        }

        fn width(values: &[u32]) -> u32 {
            values.iter().map(|value| u32::BITS - value.leading_zeros()).max().unwrap_or(0)
        }
    }

    proptest! {
        #[test]
        fn lengths_come_back_with_what_is_behind_them(
            lengths in prop_oneof![
                prop::collection::vec(any::<i32>(), 0..400),
                prop::collection::vec(0..100_i32, 0..400),
                (any::<i32>(), 0..400_usize).prop_map(|(same, count)| vec![same; count]),
            ],
            parts in prop::sample::select(vec![1_usize, 2, 4]),
            rest in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let bytes = [packed(&lengths, parts), rest.clone()].concat();
            let count = lengths.len() as u32;
            let mut found = Vec::new();
            prop_assert_eq!(read(&bytes, count, |length| found.push(length)), Some(&rest[..]));
            prop_assert_eq!(found, lengths);
            if count > 0 {
                prop_assert_eq!(read(&bytes, count - 1, |_| ()), None);
            }
        }

        #[test]
        fn whatever_comes_ends(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut count = 0;
            read(&bytes, 5000, |_| count += 1);
            prop_assert!(count <= 5000);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let sound = packed(&[3, 5, 4], 4);
        assert_eq!(read(&sound, 3, |_| ()), Some(&[][..]));
        assert!((0..sound.len()).all(|end| read(&sound[..end], 3, |_| ()).is_none()));
        // Blocks of 100, no parts, three parts, parts of 16, and numbers that do not end.
        for head in [&[100, 1, 0, 0][..], &[128, 1, 0, 0, 0], &[128, 1, 3, 0, 0], &[128, 1, 8, 0, 0], &[0xff; 20]] {
            assert_eq!(read(head, 3, |_| ()), None, "{head:?}");
        }
    }
}
