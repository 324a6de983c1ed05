//! Where something is: in the scenario file, in the run, and on the chart.

use std::sync::Arc;

use pgdrill_core::{Diagnostic, Hook, Shape};
use serde_json::{Map, Value};

use crate::{
    check::place,
    reason::FiringRef,
    yaml::{Span, YamlDocument, plain},
};

/// What is known of the place of a reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// The path within the scenario's document, as `then/outcome`.
    pub path: Option<String>,
    /// The number of the firing, from 1.
    pub firing: Option<usize>,
    /// The hook.
    pub hook: Option<Hook>,
    /// The unit.
    pub unit: Option<u32>,
    /// The shape.
    pub shape: Option<Shape>,
}

impl Location {
    /// At this path of the scenario's document.
    #[must_use]
    pub fn written(path: String) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    /// On this unit.
    #[must_use]
    pub fn on_unit(unit: u32) -> Self {
        Self { unit: Some(unit), ..Self::default() }
    }

    /// At this firing, and the step that brought its event.
    #[must_use]
    pub fn at_firing(firing: FiringRef) -> Self {
        Self {
            path: Some(format!("fire/{}", firing.step)),
            firing: Some(firing.number),
            hook: Some(firing.hook),
            unit: Some(firing.unit),
            shape: None,
        }
    }
}

/// The document of a scenario, in which paths can be looked up.
#[derive(Debug, Clone, Default)]
pub struct Positions(Option<Arc<YamlDocument>>);

impl Positions {
    /// The positions within this document.
    #[must_use]
    pub fn of(document: YamlDocument) -> Self {
        Self(Some(Arc::new(document)))
    }

    /// The scenario as a tree of plain values. `None` when it was not read from a document, or is no mapping.
    #[must_use]
    pub fn tree(&self) -> Option<Map<String, Value>> {
        let mut tree = plain(self.0.as_ref()?.root());
        tree.as_object_mut().map(std::mem::take)
    }

    /// The line in which the scenario begins. `None` when it was not read from a document.
    #[must_use]
    pub fn first_line(&self) -> Option<usize> {
        self.0.as_ref().map(|document| document.line())
    }

    /// Where the value at `path` stands; the nearest value above it when it is not written. `None` when the scenario
    /// was not read from a document.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Span> {
        self.0.as_ref().map(|document| place(document.root(), path).value)
    }

    /// An error at the value at `path`, with its line. `None` when the scenario was not read from a document.
    #[must_use]
    pub fn diagnostic(&self, path: &str, what: &str) -> Option<Diagnostic> {
        let document = self.0.as_ref()?;
        let Span { line, column, width } = place(document.root(), path).value;
        Some(document.diagnostic(line, column, width, what, None))
    }
}
