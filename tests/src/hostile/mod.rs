//! Hostile inputs from seeds, and what every door through which text comes in is held to.
//!
//! [`Grammar::input`] makes an input from a seed: something that is right for a door, and then cut, doubled, nested and
//! filled with what programs stumble over. A [`Door`] says what becomes of an input, and [`search`] hands it many: none may
//! make it panic or hang, nothing that it shows may be obeyed by a terminal, and what it refused may not end as if all
//! were well.
//!
//! ```
//! use pgdrill_tests::hostile::{Grammar, Opened};
//!
//! let grammar = Grammar::new([b"{\"units\": 3}".to_vec()], &["units"]);
//! assert_eq!(grammar.input(7), grammar.input(7), "a seed is an input");
//! let evil = Opened::default().showing("\u{1b}[2J");
//! assert!(evil.wrong().is_some());
//! ```

mod grammar;
mod json;
mod pieces;
mod search;

pub use grammar::Grammar;
pub use search::{Door, Finding, Open, Opened, Search, Searched, search};
