//! Why a tree does not fit a type: structured until the place is known, then put into words.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::pieces::YamlDocument;
use super::scalar::{Plain, resolve};
use super::tree::{Span, Value, YamlNode};
use pgdrill_core::Diagnostic;
use pgdrill_flow::{Tolerance, nearest_name};

/// A complaint about a node.
#[derive(Debug)]
pub(super) struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    span: Option<Span>,
    /// What stands at the place, in words.
    found: String,
    /// From the innermost key outwards.
    path: Vec<PathStep>,
    hint: Option<String>,
}

#[derive(Debug)]
enum Kind {
    UnknownKey(String),
    UnknownName(String),
    MissingKey(&'static str),
    Mismatch(String),
    Custom(String),
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// A key that no value has.
    UnknownKey,
    /// A key that a value lacks.
    MissingKey(&'static str),
    /// A value, or a key that is no name.
    Other,
}

#[derive(Debug)]
enum PathStep {
    Key(String),
    Item(usize),
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self(Box::new(Inner {
            kind,
            span: None,
            found: String::from("something else"),
            path: Vec::new(),
            hint: None,
        }))
    }

    /// A value of another kind than `expected`, which is in serde's words.
    pub(super) fn mismatch(expected: &str) -> Self {
        Self::new(Kind::Mismatch(expected_words(expected)))
    }

    /// Says where it is, unless a node further inside has said so.
    pub(super) fn locate(mut self, node: &YamlNode) -> Self {
        if self.0.span.is_none() {
            self.0.span = Some(node.span);
            self.0.found = found_words(node);
            if let (Kind::Mismatch(expected), None) = (&self.0.kind, &self.0.hint) {
                self.0.hint = mismatch_hint(expected, node);
            }
        }
        self
    }

    /// Says under which key it is.
    pub(super) fn under(mut self, key: &YamlNode) -> Self {
        self.0.path.push(PathStep::Key(key_text(key)));
        self
    }

    /// Says in which list item it is.
    pub(super) fn item(mut self, index: usize) -> Self {
        self.0.path.push(PathStep::Item(index));
        self
    }

    /// Says what to do about it.
    pub(super) fn advise(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names what would have been right.
    pub(super) fn advise_one_of(self, names: &[&str]) -> Self {
        if names.is_empty() {
            return self;
        }
        let hint = format!("expected one of: {}", names.join(", "));
        self.advise(hint)
    }

    /// Where it is, if that is known.
    pub(super) fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// What kind of fault it is.
    pub(super) fn kind(&self) -> FaultKind {
        match self.0.kind {
            Kind::UnknownKey(_) => FaultKind::UnknownKey,
            Kind::MissingKey(name) => FaultKind::MissingKey(name),
            Kind::UnknownName(_) | Kind::Mismatch(_) | Kind::Custom(_) => FaultKind::Other,
        }
    }

    /// The complaint as it is shown.
    pub(super) fn into_diagnostic(self, document: &YamlDocument) -> Diagnostic {
        let what = self.to_string();
        let Span { line, column, width } = self.0.span.unwrap_or(document.root().span);
        document.diagnostic(line, column, width, what, self.0.hint)
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                PathStep::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                PathStep::Item(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        path
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        match &self.0.kind {
            Kind::UnknownKey(name) if path.is_empty() => write!(f, "unknown key `{name}`"),
            Kind::UnknownKey(name) => write!(f, "unknown key `{name}` in `{path}`"),
            Kind::MissingKey(name) if path.is_empty() => {
                write!(f, "the document lacks the key `{name}`")
            }
            Kind::MissingKey(name) => write!(f, "`{path}` lacks the key `{name}`"),
            Kind::UnknownName(_) | Kind::Mismatch(_) | Kind::Custom(_) => {
                if !path.is_empty() {
                    write!(f, "`{path}`: ")?;
                }
                match &self.0.kind {
                    Kind::UnknownName(name) => write!(f, "unknown name `{name}`"),
                    Kind::Mismatch(expected) => {
                        write!(f, "expected {expected}, found {}", self.0.found)
                    }
                    Kind::Custom(what) => f.write_str(what),
                    Kind::UnknownKey(_) | Kind::MissingKey(_) => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(Kind::Custom(what.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::mismatch(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::mismatch(&expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::mismatch(&expected.to_string())
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        let error = Self::new(Kind::UnknownKey(shorten(name)));
        match name_hint(name, expected) {
            Some(hint) => error.advise(hint),
            None => error.advise("no key is expected here"),
        }
    }

    fn unknown_variant(name: &str, expected: &'static [&'static str]) -> Self {
        let error = Self::new(Kind::UnknownName(shorten(name)));
        match name_hint(name, expected) {
            Some(hint) => error.advise(hint),
            None => error,
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Kind::MissingKey(name)).advise(format!("add `{name}: …`"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Kind::Custom(format!("the key `{name}` is given twice")))
    }
}

/// A text that fits into a message: its first line, and not too much of that.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split('\n').next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None if line.len() < text.len() => format!("{line}…"),
        None => line.to_owned(),
    }
}

fn key_text(key: &YamlNode) -> String {
    match &key.value {
        Value::Scalar { text, .. } => shorten(text),
        Value::Sequence(_) | Value::Mapping(_) => String::new(),
    }
}

fn found_words(node: &YamlNode) -> String {
    match &node.value {
        Value::Scalar { text, quoted: true } => format!("the text `{}`", shorten(text)),
        Value::Scalar { text, .. } if text.is_empty() => String::from("nothing"),
        Value::Scalar { text, .. } => format!("`{}`", shorten(text)),
        Value::Sequence(items) if items.is_empty() => String::from("an empty list"),
        Value::Sequence(_) => String::from("a list"),
        Value::Mapping(entries) if entries.is_empty() => String::from("an empty mapping"),
        Value::Mapping(_) => String::from("a mapping"),
    }
}

fn expected_words(serde: &str) -> String {
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match serde {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => whole(0, u64::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => whole(i64::MIN.into(), i64::MAX.into()),
        "i128" | "u128" => String::from("a whole number"),
        "f32" | "f64" => String::from(NUMBER),
        "a boolean" => String::from(BOOLEAN),
        "a string" | "string" | "a borrowed string" => String::from(TEXT),
        "a character" => String::from("a single character"),
        "a sequence" => String::from(LIST),
        "a map" => String::from(MAPPING),
        "unit" => String::from("nothing"),
        _ if serde.starts_with("a nonzero ") => String::from("a whole number other than 0"),
        _ if serde.starts_with("unit struct ") => String::from("nothing"),
        _ if serde.starts_with("struct ") => String::from(MAPPING),
        _ if serde.starts_with("enum ") => String::from("a name"),
        _ if serde.starts_with("tuple ") => String::from(LIST),
        _ => serde.to_owned(),
    }
}

const NUMBER: &str = "a number";
const BOOLEAN: &str = "`true` or `false`";
const TEXT: &str = "text";
const LIST: &str = "a list";
const MAPPING: &str = "a mapping";

fn mismatch_hint(expected: &str, node: &YamlNode) -> Option<String> {
    let hint = match &node.value {
        Value::Scalar { text, quoted: true } => {
            let meaning = resolve(text);
            let number = expected == NUMBER || expected.starts_with("a whole number");
            let unquoted = match meaning {
                Plain::Bool(_) => expected == BOOLEAN,
                Plain::Signed(_) | Plain::Unsigned(_) | Plain::Float(_) => number,
                Plain::Null | Plain::TooLarge | Plain::Text => false,
            };
            unquoted.then_some("remove the quotes")
        }
        Value::Scalar { text, .. } => {
            let null = resolve(text) == Plain::Null;
            match expected {
                TEXT if null && !text.is_empty() => Some("quote it if it is meant literally"),
                LIST if null => Some("write `[]` for an empty list"),
                LIST => Some("put it into brackets: `[…]`"),
                MAPPING if null => Some("write `{}` for an empty mapping"),
                _ => None,
            }
        }
        Value::Mapping(_) if expected == LIST => Some("start each item with `- `"),
        Value::Sequence(_) | Value::Mapping(_) => None,
    };
    hint.map(str::to_owned)
}

/// The nearest name, and all of them when a reader can take them in. `None` when there is no name at all.
#[must_use]
pub fn name_hint(name: &str, expected: &[&str]) -> Option<String> {
    const TAKEN_IN: usize = 16;
    let all = match expected {
        [] => return None,
        [only] => format!("expected `{only}`"),
        some if some.len() <= TAKEN_IN => format!("expected one of: {}", some.join(", ")),
        many => format!("`pgdrill words` explains all {} names", many.len()),
    };
    Some(match nearest_name(name, expected.iter().copied(), Tolerance::ThirdOfName) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => match parts_of(name, expected).as_slice() {
            [] => all,
            longer => format!("did you mean one of {}? {all}", longer.join(", ")),
        },
    })
}

/// The names of which `name` is the last part, such as `create-backup/set_active` of `set_active`.
fn parts_of<'n>(name: &str, expected: &[&'n str]) -> Vec<&'n str> {
    let last = |longer: &&&str| longer.rsplit_once('/').is_some_and(|(_, last)| last == name);
    expected.iter().filter(last).copied().collect()
}
