//! One vector to one row.

/// The largest magnitude of a coarse and of a fine component.
pub const LARGEST: i8 = 127;

/// Steps of a fine component in one of a coarse component.
pub(super) const FINE_STEPS: f32 = 254.0;

/// Writes the row of a vector; returns its scale. All three have the same length.
///
/// The scale of a vector without a finite, positive largest component is 0, and so are its components: [`super::Rows`]
/// checks vectors before.
pub fn quantise(vector: &[f32], coarse: &mut [i8], fine: &mut [i8]) -> f32 {
    let largest = vector.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    let scale = largest / f32::from(LARGEST);
    if !(scale.is_normal() && scale > 0.0) {
        coarse.fill(0);
        fine.fill(0);
        return 0.0;
    }
    let most = f32::from(LARGEST);
    for ((value, coarse), fine) in vector.iter().zip(coarse).zip(fine) {
        let steps = value / scale;
        let whole = steps.round_ties_even().clamp(-most, most);
        *coarse = whole as i8;
        *fine = ((steps - whole) * FINE_STEPS).round_ties_even().clamp(-most, most) as i8;
    }
    scale
}
