//! YAML into serde-derived types, every complaint at its place.
//!
//! ```text
//! bytes ─pieces→ one text per document ─tree→ Node ─de→ T
//!                        └─ Diagnostic: file, line, column, width, what, hint ─┘
//! ```
//!
//! What a scenario has no use for is refused where it stands: anchors, aliases, tags, keys that are
//! not plain text, keys given twice, and more than 64 levels of nesting. One broken document of a
//! stream does not hide the others.

mod access;
mod de;
mod error;
mod faults;
mod flow;
mod pieces;
mod plain;
mod scalar;
mod source;
mod spanned;
#[cfg(test)]
#[allow(clippy::struct_field_names, reason = "tests mirror the scenario format")]
mod tests;
mod tree;
mod wording;
mod written;

pub use de::from_document;
pub use error::name_hint;
pub(crate) use faults::{LeftOut, ReadInPart, read_in_part};
pub(crate) use flow::{flow, injected, ordered};
pub(crate) use pieces::normalise;
pub use pieces::{
    MAX_BYTES, MAX_DOCUMENT_BYTES, MAX_DOCUMENTS, YamlDocument, documents, documents_from_bytes,
};
pub(crate) use plain::plain;
pub use spanned::Spanned;
pub use tree::{MAX_DEPTH, Span, Value, YamlNode};
pub(crate) use written::scenario_text;
