//! Reports: each a view of how the scenarios ended.

mod case_end;
pub mod coverage;
pub mod html;
mod json;
mod junit;
mod laws;
mod text;

pub use case_end::{CaseEnd, JudgedCase, counts, judged, refused};
pub use json::json_lines;
pub use junit::junit;
pub use laws::{known, laws};
pub use text::{Painter, progress_text, run_text, unjudged_laws};
