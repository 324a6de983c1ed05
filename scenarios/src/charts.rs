//! The project's own charts, parsed once.

use std::sync::LazyLock;

use pgdrill_core::Hook;
use pgdrill_flow::{Chart, parse};

/// The four hooks whose charts are published; the other two are drawn from published sentences.
pub const PUBLISHED: &[Hook] =
    &[Hook::S3CredentialsChanged, Hook::CreateBackup, Hook::ListBackups, Hook::Restore];

static CHARTS: LazyLock<Vec<(Hook, Chart)>> = LazyLock::new(|| {
    let parsed = Hook::ALL.iter().filter_map(|&hook| {
        let parsed = parse(hook.chart(), hook.name(), hook.name(), 1).ok()?;
        Some((hook, parsed.chart))
    });
    parsed.collect()
});

/// The chart of a hook. `None` never happens: a test parses every chart.
#[must_use]
pub fn chart(hook: Hook) -> Option<&'static Chart> {
    CHARTS.iter().find(|(of, _)| *of == hook).map(|(_, chart)| chart)
}

/// Every chart, in the order of the hooks.
#[must_use]
pub fn all() -> &'static [(Hook, Chart)] {
    &CHARTS
}
