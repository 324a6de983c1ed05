//! One report of the parts of a run or of a search.
//!
//! The last line of each part says what it is a part of. Parts that are not of one whole, or not all of it, are refused.

use pgdrill_core::Diagnostic;
use pgdrill_flow::shown;
use serde_json::Value;

use crate::law::Law;

mod runs;
mod searches;

/// How the parts of a whole are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedFormat {
    /// For people, as the whole would be.
    Text,
    /// One JSON object a line, as the whole would be.
    Json,
}

/// What came of all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The report, as the whole would have given it.
    pub shown: String,
    /// Whether a scenario failed, or something was found.
    pub is_failed: bool,
    /// Whether a scenario was refused.
    pub is_wrong: bool,
    /// The laws that were judged in no run, though the whole corpus ran.
    pub unjudged: Vec<Law>,
}

/// The parts of a whole as one report. Each part is a name and the lines that `--format json` printed.
///
/// # Errors
///
/// A part is missing, given twice, cut, or of another whole.
pub fn merge(files: &[(String, String)], format: MergedFormat) -> Result<Merged, Box<Diagnostic>> {
    let parts: Result<Vec<Part<'_>>, _> =
        files.iter().map(|(file, text)| Part::read(file, text)).collect();
    let mut parts = parts?;
    let (first, rest) = parts.split_first().ok_or_else(|| {
        fault(
            "the command line",
            "no part is given",
            "give the files that the parts were written to",
        )
    })?;
    rest.iter().try_for_each(|part| part.is_beside(first))?;
    parts.sort_by_key(|part| part.number);
    for pair in parts.windows(2) {
        if let [one, other] = pair
            && one.number == other.number
        {
            let what = format!("it is part {} of {}, and so is {}", one.number, one.of, one.file);
            return Err(fault(other.file, &what, "give each part once"));
        }
    }
    let of = parts.first().map_or(0, |part| part.of);
    let missing = (1..=of).find(|number| !parts.iter().any(|part| part.number == *number));
    if let Some(number) = missing {
        let what = format!("part {number} of {of} is missing");
        let hint =
            format!("give the file of all {of} parts; `--partition {number}/{of}` writes this one");
        return Err(fault("the command line", &what, &hint));
    }
    match parts.first().map_or("", |part| part.command) {
        "explore" => searches::merged(&parts, format),
        _ => runs::merged(&parts, format),
    }
}

/// What one file holds.
struct Part<'p> {
    file: &'p str,
    /// Its lines but the last.
    lines: Vec<&'p str>,
    /// The last one, which says what it is a part of.
    last: Value,
    command: &'static str,
    number: u64,
    of: u64,
}

impl<'p> Part<'p> {
    fn read(file: &'p str, text: &'p str) -> Result<Self, Box<Diagnostic>> {
        let cut = |what: &str| {
            fault(file, what, "run this part again: its output was not kept to the end")
        };
        let mut lines: Vec<&str> = text.lines().collect();
        let last = lines.pop().ok_or_else(|| cut("the file is empty"))?;
        let last: Value = serde_json::from_str(last)
            .ok()
            .filter(|_| text.ends_with('\n'))
            .ok_or_else(|| cut("its last line is cut, or is no JSON"))?;
        let no_part = || {
            let hint = "a part is what `--partition K/N --format json` prints, to its end";
            fault(file, "its last line does not say what it is a part of", hint)
        };
        let part = last.get("part").ok_or_else(no_part)?;
        let number = |key: &str| part.get(key).and_then(Value::as_u64).ok_or_else(no_part);
        let (own, of) = (number("number")?, number("of")?);
        let command = match part.get("command").and_then(Value::as_str) {
            Some("run") => "run",
            Some("explore") => "explore",
            Some(_) | None => return Err(no_part()),
        };
        let counted = if command == "run" { "lines" } else { "found" };
        let expected = last.get(counted).and_then(Value::as_u64).ok_or_else(no_part)?;
        let whole = Self { file, lines, command, number: own, of, last };
        if whole.lines.len() as u64 != expected {
            let what =
                format!("{} of its lines are there, and there were {expected}", whole.lines.len());
            return Err(cut(&what));
        }
        Ok(whole)
    }

    /// A value of the last line.
    fn value(&self, key: &str) -> &Value {
        self.last.get(key).unwrap_or(&Value::Null)
    }

    fn count(&self, key: &str) -> u64 {
        self.value(key).as_u64().unwrap_or_default()
    }

    fn option(&self, key: &str) -> &Value {
        self.value("part")
            .get("options")
            .and_then(|options| options.get(key))
            .unwrap_or(&Value::Null)
    }

    /// Whether it is a part of the same whole.
    fn is_beside(&self, first: &Part<'_>) -> Result<(), Box<Diagnostic>> {
        let hint = "give parts of one whole, written by one version with the same options";
        let differs = |key: &str, own: &Value, other: &Value| {
            let what = format!(
                "it is of another whole: its `{key}` is {}, that of {} is {}",
                shown(&own.to_string()),
                first.file,
                shown(&other.to_string()),
            );
            Err(fault(self.file, &what, hint))
        };
        let (own, other) = (self.value("part"), first.value("part"));
        for key in ["command", "version", "charts", "of"] {
            if own.get(key) != other.get(key) {
                return differs(
                    key,
                    own.get(key).unwrap_or(&Value::Null),
                    other.get(key).unwrap_or(&Value::Null),
                );
            }
        }
        let options = other.get("options").and_then(Value::as_object).into_iter().flatten();
        for (key, other) in options {
            if self.option(key) != other {
                return differs(key, self.option(key), other);
            }
        }
        let (own, other) = (self.value("seeds"), first.value("seeds"));
        if own == other {
            return Ok(());
        }
        let what = format!("it reached the seeds {own}, and {} the seeds {other}", first.file);
        let hint = "explore each part with the same `--seeds A..B` to its end: `--for` and Ctrl-C end where they come";
        Err(fault(self.file, &what, hint))
    }

    /// Each line as a value, with the line itself.
    fn values(&self) -> Result<Vec<(Value, &'p str)>, Box<Diagnostic>> {
        let read = self.lines.iter().enumerate().map(|(index, line)| {
            let value = serde_json::from_str(line).map_err(|_| {
                let hint = "run this part again: its output was changed";
                let what = format!("line {} is no JSON", index + 1);
                fault(self.file, &what, hint)
            })?;
            Ok((value, *line))
        });
        read.collect()
    }
}

fn fault(file: &str, what: &str, hint: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(file, what).hint(hint.to_owned()))
}
