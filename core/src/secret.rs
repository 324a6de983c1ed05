//! Text that must never be seen.

use std::{borrow::Cow, fmt};

/// A credential. It prints as `***` wherever it is formatted; [`Secret::expose`] is the one way to its
/// text, for the adapters that must hand it to its server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Secret(Cow<'static, str>);

impl Secret {
    /// Takes a credential into custody.
    #[must_use]
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    pub(crate) const fn text(&self) -> &Cow<'static, str> {
        &self.0
    }

    /// The credential itself. Never format, log or store what this returns.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_form_of_printing_shows_a_secret() {
        let secret = Secret::new("hunter2");
        let shown = format!("{secret} {secret:?} {secret:#?} {:?}", Some(&secret));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret.expose(), "hunter2");
    }
}
