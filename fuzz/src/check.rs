//! What holds for every answer of felsic.

use felsic::error::{Code, Error, escaped};

/// Most characters of a message with all its causes: eight of 400, and what joins them.
const LONGEST: usize = 4000;

/// Checks an error: one line that can be shown, with a code that is not that of a defect.
///
/// # Panics
/// If it is otherwise.
pub fn error(error: &Error) {
    let text = error.to_string();
    assert!(error.code() != Code::Internal, "a defect: {text}");
    assert!(!text.is_empty() && text.chars().count() <= LONGEST, "a message of {} characters", text.chars().count());
    assert_eq!(escaped(&text), text, "a message that cannot be shown");
}

/// Checks the error, if there is one, and returns what there is otherwise.
///
/// # Panics
/// As [`error`]; and if the code is not one of `codes`.
pub fn result<T>(result: Result<T, Error>, codes: &[Code]) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            error(&found);
            assert!(codes.contains(&found.code()), "{} is not a code for this: {found}", found.code());
            None
        }
    }
}

/// Checks that a vector is finite and has unit length.
///
/// # Panics
/// If it is otherwise.
pub fn unit(vector: &[f32]) {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    assert!((length - 1.0).abs() < 1e-3, "a vector of length {length}");
}
