//! Hidden states to one vector for each sequence.

use crate::config::Pooling;
use crate::error::{Code, Error, Result};

/// Pools the hidden states of one sequence, [n, H], to one vector `[H]`.
pub fn pool(states: &[f32], hidden: usize, pooling: Pooling) -> Vec<f32> {
    match pooling {
        Pooling::Cls => states[..hidden].to_vec(),
        Pooling::Mean => {
            let count = (states.len() / hidden) as f64;
            let column = |j: usize| states[j..].iter().step_by(hidden).map(|v| f64::from(*v)).sum::<f64>();
            (0..hidden).map(|j| (column(j) / count) as f32).collect()
        }
    }
}

/// Divides a vector by its length. For fewer components than the model makes it is a Matryoshka cut (Kusupati and
/// others, arXiv 2205.13147).
///
/// # Errors
/// [`Code::WeightsInvalid`] if the vector is zero or not finite: no such vector leaves felsic.
pub fn unit(vector: &mut [f32]) -> Result<()> {
    let length = vector.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(Error::new(
            Code::WeightsInvalid,
            "the model produced a vector that is zero or not finite; its weights are damaged or do not fit its config",
        ));
    }
    for v in vector {
        *v = (f64::from(*v) / length) as f32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cls_takes_the_first_token_and_mean_the_average() {
        let states = [1.0, 2.0, 3.0, 6.0];
        assert_eq!(pool(&states, 2, Pooling::Cls), [1.0, 2.0]);
        assert_eq!(pool(&states, 2, Pooling::Mean), [2.0, 4.0]);
    }

    #[test]
    fn a_cut_vector_is_of_unit_length_again() {
        let mut vector = [3.0, 4.0, 12.0];
        unit(&mut vector[..2]).expect("finite");
        assert_eq!(vector, [0.6, 0.8, 12.0]);
    }

    #[test]
    fn no_vector_comes_of_zeros_or_nan() {
        for mut bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            assert_eq!(unit(&mut bad).expect_err("refused").code(), Code::WeightsInvalid);
        }
    }
}
