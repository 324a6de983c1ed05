//! The contracts of the ports, for the fakes and for every adapter; hostile inputs for every door; and commands that a text
//! shows.
//!
//! ```
//! use pgdrill_tests::contract::{CLOCK, REPOSITORY};
//!
//! // Each promise is a sentence, what is given, and a check over any stand.
//! assert!(CLOCK.iter().chain(REPOSITORY).all(|promise| !promise.name.is_empty()));
//! ```

pub mod contract;
pub mod hostile;
pub mod shown;
pub mod subjects;
