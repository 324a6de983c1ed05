//! The file that keeps a transcript as the snapshot of a scenario: a head that says what it is of, and the transcript.

use std::{borrow::Cow, time::Duration};

use similar::TextDiff;

use crate::{
    snapshot::without_facts,
    yaml::{Value, YamlNode, documents, normalise},
};

/// A form of snapshots. A whole corpus changes when it does, so it says why.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotFormat {
    /// What a transcript shows since this format that it did not show before, in a few words.
    pub why: &'static str,
    /// The transcript as the format before would have it; the text itself where that can't be told.
    pub before: fn(&str) -> String,
}

/// Every format, the oldest first; the last one is written. A format's number is its place here, from 1: whoever
/// changes what a transcript shows adds a line.
pub const SNAPSHOT_FORMATS: &[SnapshotFormat] = &[
    SnapshotFormat { why: "the first format", before: str::to_owned },
    SnapshotFormat {
        why: "a transcript shows what objects hold, databags, events that Juju owes, the configured repository and the \
              backup from which data was restored",
        before: without_facts,
    },
];

/// The number of the format of a file that names none.
const FIRST: usize = 1;

/// A snapshot file, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The title of the scenario that it is of; `None` where its head names none.
    pub title: Option<String>,
    /// The number of its format.
    pub format: usize,
    /// The transcript.
    pub content: String,
}

/// What of a snapshot a run of today would write otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outdated {
    /// Nothing.
    No,
    /// The run is the same, and its transcript has another format.
    OnlyFormat,
    /// The run shows something else.
    Run,
}

impl Snapshot {
    /// Reads a snapshot file, in the form that insta keeps: a head between two lines of `---`. As in scenarios, a byte
    /// order mark and the kind of line breaks make no difference.
    ///
    /// # Errors
    ///
    /// Why it can't be read.
    pub fn parse(file: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(file).map_err(|error| not_utf8(file, &error))?;
        let text = normalise(text);
        let Some(rest) = text.strip_prefix("---\n") else {
            let content = text.trim_end().to_owned();
            return Ok(Self { title: None, format: FIRST, content });
        };
        let (head, content) = match (rest.split_once("\n---\n"), rest.strip_suffix("\n---")) {
            (Some(parts), _) => parts,
            (None, Some(head)) => (head, ""),
            (None, None) => return Err("its head has no end, a line of `---`".to_owned()),
        };
        let format = match head_value(head, "format") {
            None => FIRST,
            Some(number) => {
                number.parse().ok().filter(|number| *number >= FIRST).ok_or_else(|| {
                    format!("its format is `{number}`, which is no number from 1 on")
                })?
            }
        };
        let content = content.trim_end().to_owned();
        Ok(Self { title: head_value(head, "description"), format, content })
    }

    /// The file that holds `transcript` as the snapshot of `title`.
    #[must_use]
    pub fn file(title: &str, transcript: &str) -> String {
        Self::file_in(SNAPSHOT_FORMATS, title, transcript)
    }

    /// As [`file`](Self::file), in the last of these formats.
    #[must_use]
    pub fn file_in(formats: &[SnapshotFormat], title: &str, transcript: &str) -> String {
        let title = serde_json::Value::from(title);
        // A head without a format is one of the first, as there were snapshots before there were formats.
        let format = match formats.len() {
            0 | FIRST => String::new(),
            number => format!("format: {number}\n"),
        };
        let transcript = transcript.trim_end();
        format!("---\nsource: pgdrill\ndescription: {title}\n{format}---\n{transcript}\n")
    }

    /// Where a transcript differs from this snapshot, line by line; `None` when it does not.
    #[must_use]
    pub fn difference(&self, transcript: &str) -> Option<String> {
        self.difference_in(SNAPSHOT_FORMATS, transcript)
    }

    /// As [`difference`](Self::difference), where the last of these formats is written.
    #[must_use]
    pub fn difference_in(&self, formats: &[SnapshotFormat], transcript: &str) -> Option<String> {
        let found = as_read(transcript);
        if self.content == found {
            return None;
        }
        let diff = by_lines(self.content.as_str(), &found);
        let diff = diff.unified_diff().context_radius(2).header("snapshot", "this run").to_string();
        let Some(why) = self.format_differs(formats) else { return Some(diff) };
        let only = match self.outdated_in(formats, transcript) {
            Outdated::OnlyFormat => "nothing but the format differs\n",
            Outdated::No | Outdated::Run => "",
        };
        Some(format!("{why}\n{only}{diff}"))
    }

    /// What of it a run with this transcript would write otherwise.
    #[must_use]
    pub fn outdated(&self, transcript: &str) -> Outdated {
        self.outdated_in(SNAPSHOT_FORMATS, transcript)
    }

    /// As [`outdated`](Self::outdated), where the last of these formats is written.
    #[must_use]
    pub fn outdated_in(&self, formats: &[SnapshotFormat], transcript: &str) -> Outdated {
        let found = as_read(transcript);
        let is_current = self.format == formats.len();
        if self.content == found {
            return if is_current { Outdated::No } else { Outdated::OnlyFormat };
        }
        let newer = formats.get(self.format..).unwrap_or_default().iter().rev();
        let older = newer.fold(found.into_owned(), |text, format| (format.before)(&text));
        if !is_current && self.content == as_read(&older) {
            Outdated::OnlyFormat
        } else {
            Outdated::Run
        }
    }

    /// Why its format is not the one that is written, if so.
    fn format_differs(&self, formats: &[SnapshotFormat]) -> Option<String> {
        let (own, written) = (self.format, formats.len());
        if own == written {
            return None;
        }
        let newer = formats.get(own..).unwrap_or_default().iter().map(|format| format.why);
        let why = newer.collect::<Vec<_>>().join("; ");
        let why = if own > written { "a newer pgdrill wrote it" } else { why.as_str() };
        Some(format!("the snapshot is of format {own}, this build writes {written}: {why}"))
    }
}

/// A transcript as it comes back from a file.
fn as_read(transcript: &str) -> Cow<'_, str> {
    match normalise(transcript) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
        Cow::Owned(text) => Cow::Owned(text.trim_end().to_owned()),
    }
}

/// The value of a key of a head, which pgdrill writes as JSON and insta as YAML.
fn head_value(head: &str, key: &str) -> Option<String> {
    let written = head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    match written.map(serde_json::from_str) {
        Some(Ok(serde_json::Value::String(text))) => return Some(text),
        Some(Ok(serde_json::Value::Number(number))) => return Some(number.to_string()),
        Some(Ok(_) | Err(_)) | None => {}
    }
    let document = documents(head, "head").into_iter().next()?.ok()?;
    let Value::Mapping(entries) = &document.root().value else { return None };
    let text = |node: &YamlNode| match &node.value {
        Value::Scalar { text, .. } => Some(text.clone()),
        Value::Sequence(_) | Value::Mapping(_) => None,
    };
    let entry = entries.iter().find(|(name, _)| text(name).is_some_and(|name| name == key));
    entry.and_then(|(_, value)| text(value))
}

fn not_utf8(file: &[u8], error: &std::str::Utf8Error) -> String {
    let (good, bad) = file.split_at(error.valid_up_to());
    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    let byte = bad.first().copied().unwrap_or_default();
    format!("byte 0x{byte:02x} in line {line} is not UTF-8")
}

/// How many lines two texts may have for each line to be looked for in the other. The work grows with the square of what
/// differs.
const LINES_COMPARED: usize = 4_000;

/// The difference of two texts, line by line. Of longer ones all between their common beginning and end is another.
pub(crate) fn by_lines<'t>(old: &'t str, new: &'t str) -> TextDiff<'t, 't, 't, str> {
    let mut diff = TextDiff::configure();
    if old.lines().count() + new.lines().count() > LINES_COMPARED {
        // Not a wait: without time the search ends before its first step, whatever the machine does.
        diff.timeout(Duration::ZERO);
    }
    diff.diff_lines(old, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_long_texts_share_at_both_ends_is_no_difference() {
        let whole = |between: &[String]| format!("begin\n{}\nend\n", between.join("\n"));
        let lines = |word: &str, count| (0..count).map(|line| format!("{word} {line}")).collect();
        let changed = |old: &[String], new: &[String]| {
            let (old, new) = (whole(old), whole(new));
            let diff = by_lines(&old, &new).unified_diff().context_radius(0).to_string();
            diff.lines().filter(|line| line.starts_with(['+', '-'])).count()
        };
        let (few, many): (Vec<String>, Vec<String>) = (lines("a", 10), lines("b", LINES_COMPARED));
        assert_eq!(changed(&few, &few), 0);
        assert_eq!(changed(&few, &many), few.len() + many.len());
        let mut other = many.clone();
        other[LINES_COMPARED / 2] = "c".to_owned();
        assert_eq!(changed(&many, &other), 2);
        // What is alike between two differences is not looked for.
        other[LINES_COMPARED / 2 + 9] = "d".to_owned();
        assert_eq!(changed(&many, &other), 20);
    }

    #[test]
    fn a_snapshot_file_leads_back_to_its_transcript() {
        for title in
            ["it says \"no\": x", "two\nlines", "a \u{1b}[31m and a \u{80}", "# no comment"]
        {
            let file = Snapshot::file(title, "line 1\n---\nline 2\n");
            let snapshot = Snapshot::parse(file.as_bytes()).expect("readable");
            assert_eq!(snapshot.title.as_deref(), Some(title));
            assert_eq!(
                (snapshot.format, &*snapshot.content),
                (SNAPSHOT_FORMATS.len(), "line 1\n---\nline 2")
            );
            assert_eq!(snapshot.difference("line 1\n---\nline 2\n"), None);
            let difference = snapshot.difference("line 1\nline 2").expect("differs");
            assert!(difference.contains("----") || difference.contains("\n----\n"), "{difference}");
        }
    }

    #[test]
    fn byte_order_marks_and_line_breaks_make_no_difference() {
        let file = Snapshot::file("x", "line 1\nline 2");
        let plain = Snapshot::parse(file.as_bytes()).expect("readable");
        let crlf = file.replace('\n', "\r\n");
        for other in [format!("\u{feff}{file}"), crlf.clone(), format!("\u{feff}{crlf}")] {
            assert_eq!(Snapshot::parse(other.as_bytes()).as_ref(), Ok(&plain), "{other:?}");
        }
        // What a run itself shows may hold a carriage return.
        let odd = Snapshot::parse(Snapshot::file("x", "a\r\nb\rc").as_bytes()).expect("readable");
        assert_eq!(odd.difference("a\r\nb\rc"), None);
    }

    #[test]
    fn heads_that_others_wrote_are_read() {
        let read = |file: &str| Snapshot::parse(file.as_bytes());
        let insta =
            "---\nsource: tests/tests/corpus.rs\ndescription: it is so\ninfo:\n  a: 1\n---\nx\n";
        let snapshot = read(insta).expect("readable");
        assert_eq!((snapshot.title.as_deref(), &*snapshot.content), (Some("it is so"), "x"));
        let bare = read("x\n").expect("readable");
        assert_eq!((bare.title, bare.format, &*bare.content), (None, 1, "x"));
        let empty = read("---\nsource: pgdrill\n---").expect("readable");
        assert_eq!((empty.title, &*empty.content), (None, ""));
    }

    #[test]
    fn what_cannot_be_read_is_no_snapshot() {
        let why = |file: &[u8]| Snapshot::parse(file).expect_err("unreadable");
        assert_eq!(why(b"---\nsource: \x80\n---\n"), "byte 0x80 in line 2 is not UTF-8");
        assert_eq!(why(b"---\nsource: pgdrill\ndescr"), "its head has no end, a line of `---`");
        for format in ["two", "0", "-1", "1.5"] {
            let file = format!("---\nsource: pgdrill\nformat: {format}\n---\nx\n");
            let expected = format!("its format is `{format}`, which is no number from 1 on");
            assert_eq!(why(file.as_bytes()), expected);
        }
    }

    /// What a build shows that also writes which objects there are.
    const TWO: &[SnapshotFormat] = &[
        SnapshotFormat { why: "the first format", before: str::to_owned },
        SnapshotFormat { why: "objects are shown", before: without_objects },
    ];

    fn without_objects(text: &str) -> String {
        text.lines()
            .filter(|line| !line.starts_with("object: "))
            .map(|l| format!("{l}\n"))
            .collect()
    }

    #[test]
    fn a_snapshot_of_another_format_says_so_and_why() {
        let file = Snapshot::file_in(&TWO[..1], "x", "a\nb\n");
        let old = Snapshot::parse(file.as_bytes()).expect("readable");
        let (same, changed) = ("a\nb\nobject: c\n", "a\nd\nobject: c\n");
        let head = "the snapshot is of format 1, this build writes 2: objects are shown\n";
        let difference = old.difference_in(TWO, same).expect("differs");
        let only = format!("{head}nothing but the format differs\n--- snapshot\n");
        assert!(difference.starts_with(&only), "{difference}");
        let difference = old.difference_in(TWO, changed).expect("differs");
        assert!(difference.starts_with(&format!("{head}--- snapshot\n")), "{difference}");
        assert_eq!(old.outdated_in(TWO, same), Outdated::OnlyFormat);
        assert_eq!(old.outdated_in(TWO, "a\nb\n"), Outdated::OnlyFormat);
        assert_eq!(old.outdated_in(TWO, changed), Outdated::Run);
        assert_eq!(old.outdated_in(&TWO[..1], "a\nb"), Outdated::No);
        assert_eq!(old.outdated_in(&TWO[..1], "a"), Outdated::Run);
    }

    #[test]
    fn the_second_format_stands_in_the_head_and_the_first_does_not() {
        let file = Snapshot::file_in(TWO, "x", "a\nobject: c\n");
        assert_eq!(
            file,
            "---\nsource: pgdrill\ndescription: \"x\"\nformat: 2\n---\na\nobject: c\n"
        );
        let new = Snapshot::parse(file.as_bytes()).expect("readable");
        assert_eq!((new.format, new.outdated_in(TWO, "a\nobject: c")), (2, Outdated::No));
        assert_eq!(new.difference_in(TWO, "a\nobject: c"), None);
        let difference = new.difference_in(&TWO[..1], "b").expect("differs");
        let head = "the snapshot is of format 2, this build writes 1: a newer pgdrill wrote it\n";
        assert!(difference.starts_with(head), "{difference}");
        let first = Snapshot::file_in(&TWO[..1], "x", "a");
        assert_eq!(first, "---\nsource: pgdrill\ndescription: \"x\"\n---\na\n");
    }

    #[test]
    fn the_first_format_shows_the_same_run_without_what_the_second_added() {
        let transcript = "1. restore on unit 0: finished\n   restore-status: restore started\nunit 0 (primary): active\n   \
                          owed: update-status\n   databag: tls=enabled\n   repository: /drill\n   bootstraps by a restore\n   \
                          restored from: <backup-1>\nstanza: s\ndatabag: restore-stanza=s\nobject: latest\n   Model: m\nobject: log\n   (empty)\n";
        let before = "1. restore on unit 0: finished\n   restore-status: restore started\nunit 0 (primary): active\n\
                      stanza: s\nobject: latest\nobject: log\n";
        let old = Snapshot::file_in(&SNAPSHOT_FORMATS[..1], "x", before);
        let old = Snapshot::parse(old.as_bytes()).expect("readable");
        assert_eq!(old.outdated(transcript), Outdated::OnlyFormat);
        assert_eq!(old.outdated(&transcript.replace("stanza: s", "stanza: t")), Outdated::Run);
    }
}
