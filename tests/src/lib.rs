//! The contracts of the ports, for the fakes and for every adapter; and hostile inputs for every door.
//!
//! ```
//! use pgdrill_tests::contract::{CLOCK, REPOSITORY};
//!
//! // Each promise is a sentence, what is given, and a check over any stand.
//! assert!(CLOCK.iter().chain(REPOSITORY).all(|promise| !promise.name.is_empty()));
//! ```

pub mod contract;
pub mod hostile;
pub mod subjects;
