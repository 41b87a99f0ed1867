//! Comparing vectors. NaN counts as infinitely far away.

/// Returns the largest difference between components of two vectors of one length; NaN if there is one, which is within
/// no tolerance.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
}

/// Returns the larger of two numbers; NaN if either is. (`f32::max` would drop it.)
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_forgotten() {
        assert_eq!(largest_difference(&[1.0, 2.0, 3.0], &[1.0, 2.5, 2.75]), 0.5);
        for at in 0..3 {
            let mut vector = [1.0; 3];
            vector[at] = f32::NAN;
            assert!(largest_difference(&vector, &[1.0; 3]).is_nan() && largest_difference(&[0.0; 3], &vector).is_nan());
        }
    }
}
