//! What differs between two runs or two backends, and the tokens that stand for it.

use std::sync::LazyLock;

use pgdrill_sim::{BackupSeen, Shelf};
use regex_lite::Regex;

/// What stands for values that differ from run to run, beside backups.
const VALUES: &[(&str, &str)] = &[
    (r"\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?", "<label>"),
    // How the log of a backup that failed is named.
    (r"\b\d{8}-\d{6}(\.\d{3})?\b", "<time>"),
    (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "<time>"),
    (r"\b[0-9A-F]{24}\b", "<segment>"),
    (r"\b\d{5,}ms\b|\b\d{4}ms\b", "<time>"),
    (r"\bsystem-id \d{15,20}\b", "system-id <system-id>"),
];
/// What stands for a port's own words about a cause. Users see them only where they are the backup tool's: the others are each
/// technology's own.
const CAUSES: &[(&str, &str)] = &[
    // A connection that is gone from the middle on: which of the tool's processes comes upon it first, whether it used the
    // connection just then or makes it anew, and whether it asks once more on its way out is not the same twice (record 108).
    (
        r"ERROR: \[101\]: (?:raised from local-\d+ protocol: )?TLS error \[\d+:\d+\] unexpected eof while reading",
        "ERROR: <connection lost>",
    ),
    (r"ERROR: \[039\]: client state is '[a-z-]+' but expected 'idle'", "ERROR: <connection lost>"),
    (
        r#"ERROR: \[049\]: (?:raised from local-\d+ protocol: )?unable to connect to 's3\.[^\n"]*"#,
        "ERROR: <connection lost>",
    ),
    // How long an address is decides how much of what follows has room in a status.
    (r#" \((?:\d{1,3}\.){3}\d{1,3}\)'[^"\n]*"#, " (<address>)'…"),
    (r#"([a-z ]+\.[a-z_]+ (?:unreachable|denied|not found|refused|timed out)): [^;\n"]*"#, "$1"),
    (r"with error: (?:[^E\[\n]|E[^R])[^\n]*", "with error: <cause>"),
];

type Patterns = LazyLock<Vec<(Regex, &'static str)>>;
static VALUE_PATTERNS: Patterns = LazyLock::new(|| ready(VALUES));
static CAUSE_PATTERNS: Patterns = LazyLock::new(|| ready(CAUSES));

fn ready(tokens: &[(&str, &'static str)]) -> Vec<(Regex, &'static str)> {
    tokens.iter().filter_map(|(pattern, token)| Some((Regex::new(pattern).ok()?, *token))).collect()
}

/// Labels and times differ between runs and backends: known backups become `<backup-N>`, oldest first, and
/// what is left in their form becomes `<label>` and `<time>`. A port's own words about a cause become `<cause>`,
/// and what the backup tool says of a connection that is gone `<connection lost>`.
pub(crate) fn with_tokens(text: &str, backups: &Shelf<BackupSeen>) -> String {
    replaced(with_values(text, backups), &CAUSE_PATTERNS)
}

/// The code of an error that a line of the backup tool's reports, as `[056]`, or the token in its place.
pub(crate) fn error_code(line: &str) -> Option<String> {
    let error = replaced(line.get(line.find("ERROR: ")?..)?.to_owned(), &CAUSE_PATTERNS);
    let rest = error.strip_prefix("ERROR: ")?;
    let end = rest.find([']', '>'])?;
    rest.get(..=end).filter(|code| code.starts_with(['[', '<'])).map(str::to_owned)
}

/// As [`with_tokens`], with every cause in its port's own words.
pub(crate) fn with_values(text: &str, backups: &Shelf<BackupSeen>) -> String {
    replaced(with_backups(text, backups), &VALUE_PATTERNS)
}

fn replaced(mut text: String, patterns: &[(Regex, &str)]) -> String {
    for (pattern, token) in patterns {
        text = pattern.replace_all(&text, *token).into_owned();
    }
    text
}

/// Whether a text is the expected one: to the letter, or with tokens as in a snapshot in place of what differs between runs.
/// `${backup-N}` stands for the id of the Nth oldest backup. A line break at the end makes no difference.
pub(crate) fn is_expected(expected: &str, found: &str, backups: &Shelf<BackupSeen>) -> bool {
    let (expected, found) = (expected.trim_end_matches('\n'), found.trim_end_matches('\n'));
    expected == found || in_tokens(expected, backups) == with_tokens(found, backups)
}

/// An expected text with the tokens that a snapshot has. What it says to the letter, apart from backups, stays so.
pub(crate) fn in_tokens(expected: &str, backups: &Shelf<BackupSeen>) -> String {
    let mut text = expected.to_owned();
    for (index, backup) in backups.iter().enumerate() {
        text = text.replace(&format!("${{backup-{}}}", index + 1), &backup.id);
    }
    with_backups(&text, backups)
}

fn with_backups(text: &str, backups: &Shelf<BackupSeen>) -> String {
    let mut text = text.to_owned();
    // The label of a differential backup contains its full one's, so the longer ones go first.
    let mut backups: Vec<(usize, _)> = backups.iter().enumerate().collect();
    backups.sort_by_key(|(_, backup)| std::cmp::Reverse(backup.label.len()));
    for (index, backup) in backups {
        let token = format!("<backup-{}>", index + 1);
        // In a table an id has a space after it, and the columns stay where they were.
        let (cell, padded) = (format!("{} ", backup.id), format!("{token:<20} "));
        text = text.replace(&backup.label, &token).replace(&cell, &padded);
        text = text.replace(&backup.id, &token);
    }
    text
}

#[cfg(test)]
mod tests {
    use pgdrill_core::ports::BackupKind;

    use super::*;

    fn backup(label: &str, id: &str) -> BackupSeen {
        let (stanza, label, id) = ("s".to_owned(), label.to_owned(), id.to_owned());
        BackupSeen { stanza, label, id, kind: BackupKind::Full, failed: false }
    }

    #[test]
    fn an_expected_text_may_have_tokens_for_what_differs_between_runs() {
        let backups = Shelf::from(vec![
            backup("20260101-000000F", "2026-01-01T00:00:00Z"),
            backup("20260102-000000F", "2026-01-02T00:00:00Z"),
        ]);
        let found = "2026-01-02T00:00:00Z | full, of 2025-01-01T00:00:00Z\n";
        for (expected, is_right) in [
            ("2026-01-02T00:00:00Z | full, of 2025-01-01T00:00:00Z", true),
            ("<backup-2>           | full, of <time>", true),
            ("${backup-2} | full, of <time>\n", true),
            ("2026-01-02T00:00:00Z | full, of <time>", true),
            ("${backup-1} | full, of <time>", false),
            ("${backup-3} | full, of <time>", false),
            ("<backup-2> | full, of <time>", false),
            // A time that is written is that time.
            ("${backup-2} | full, of 2025-01-01T00:00:01Z", false),
            ("2026-01-03T00:00:00Z | full, of 2025-01-01T00:00:00Z", false),
        ] {
            assert_eq!(is_expected(expected, found, &backups), is_right, "{expected}");
        }
        assert!(is_expected("a/<backup-1>/b", "a/20260101-000000F/b", &backups));
        assert!(is_expected("a/<label>/b", "a/20250101-000000F/b", &backups));
        assert!(!is_expected("a/<label>/b", "a/20260101-000000F/b", &backups));
    }

    /// As seen on real servers, where S3 was gone from the middle of a backup on.
    #[test]
    fn a_connection_that_is_lost_reads_the_same_whoever_comes_upon_it() {
        let none = Shelf::default();
        let said = |text: &str| with_tokens(&format!("with error: ERROR: {text}"), &none);
        for text in [
            "[101]: TLS error [1:167772454] unexpected eof while reading",
            "[101]: raised from local-2 protocol: TLS error [1:167772454] unexpected eof while reading",
            "[039]: client state is 'response' but expected 'idle'",
            "[049]: raised from local-1 protocol: unable to connect to 's3.drill:443 (172.21.0.4)': [111] Connection refused",
            "[049]: unable to connect to 's3.drill:443 (172.21.0.4)': [111] Connection refused",
        ] {
            assert_eq!(said(text), "with error: ERROR: <connection lost>");
        }
        let peer =
            "[049]: unable to connect to 'unit-0:8432 (172.21.0.4)': [111] Connection refused";
        assert!(said(peer).contains("unit-0:8432"), "{}", said(peer));
        // What is written to the letter is asked for to the letter.
        let written =
            "with error: ERROR: [101]: TLS error [1:167772454] unexpected eof while reading";
        let found = "with error: ERROR: [101]: raised from local-2 protocol: TLS error [1:167772454] unexpected eof while reading";
        assert!(is_expected(written, written, &none) && !is_expected(written, found, &none));
    }
}
