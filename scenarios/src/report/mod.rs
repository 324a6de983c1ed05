//! Reports: each a view of how the scenarios ended.

mod case_end;
pub mod coverage;
mod exhausted;
pub(crate) mod explored;
mod fit;
mod github;
pub mod html;
mod json;
mod junit;
mod laws;
mod mutated;
mod part;
mod path;
mod stryker;
mod table;
pub(crate) mod text;
mod topology;
mod unspoken;
mod words;

pub use case_end::{CaseEnd, JudgedCase, counts, judged, not_run, refused};
pub use exhausted::{FoundShortest, exhausted_json, exhausted_text};
pub use explored::{Found, Searched, explored_json, explored_text};
pub use fit::{fitted, name_width, row};
pub use github::github;
pub use json::{json_line, json_lines, refused_lines};
pub use junit::junit;
pub use laws::{known, laws};
pub use mutated::{Mutated, mutated_text};
pub use part::{PartOfRun, part_line, part_text};
pub use path::path_text;
pub use stryker::mutated_json;
pub use text::{
    Painter, Paths, case_text, end_text, failure_text, progress_text, run_text, unjudged_laws,
};
pub use topology::{reach_text, topology_text};
pub use words::{lacking, words};
