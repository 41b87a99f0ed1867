//! Checking engines against vectors from elsewhere: goldens of the reference implementation, and the table that a model's
//! card prints.

pub mod card;
pub mod goldens;
