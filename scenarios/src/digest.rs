//! Digests, which tell whether something is the same elsewhere.

use pgdrill_core::Hook;
use sha2::{Digest as _, Sha256};

/// The digest of the charts that hooks walk here.
pub(crate) fn digest_of_charts() -> String {
    let charts: Vec<&str> = Hook::ALL.iter().map(|hook| hook.chart()).collect();
    digest(charts.concat().as_bytes())
}

/// The digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    shown(Sha256::digest(bytes).as_slice())
}

/// The digest of a list of texts: where one ends counts, too.
#[must_use]
pub fn digest_of_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    shown(hasher.finalize().as_slice())
}

/// As much of a digest as tells two things apart.
fn shown(digest: &[u8]) -> String {
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
