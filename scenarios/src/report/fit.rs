//! Lines that fit a terminal. Nothing of them is lost: what is too long goes on in the next line, under its column.

use pgdrill_flow::shown;
use textwrap::{Options, WordSplitter, core::display_width, wrap};

/// The longest word with a `:` that counts as the label of its line.
const LABEL: usize = 12;

/// A text whose lines are no wider than this many columns, unless one word is. A line that goes on begins under the last
/// column of its row, or under the text behind its label, or further left if a word needs it. A line with the label `run:` stays as it is, so that its command can be
/// copied.
#[must_use]
pub fn fitted(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if display_width(line) <= columns || line.trim_start().starts_with("run: ") {
            out.push_str(line);
        } else {
            let (column, begins) = hang(line, columns);
            let words = line.get(begins..).unwrap_or(line).split(' ');
            let longest = words.map(display_width).max().unwrap_or(0);
            let rest = " ".repeat(column.min(columns.saturating_sub(longest)));
            let options = Options::new(columns)
                .subsequent_indent(&rest)
                .word_splitter(WordSplitter::NoHyphenation)
                .break_words(false);
            out.push_str(&wrap(line, options).join("\n"));
        }
        out.push_str(end);
    }
    out
}

/// Under which column a line goes on that is too long, and at which of its bytes the text begins that may go on there.
fn hang(line: &str, columns: usize) -> (usize, usize) {
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    let most = columns * 2 / 3;
    let gaps = line.rmatch_indices("  ").map(|(at, gap)| at + gap.len());
    let mut columns_of = gaps.filter_map(|at| {
        let column = display_width(line.get(..at)?);
        // Behind a gap that is wider than two spaces, this is its end.
        let is_end = !line.get(at..)?.starts_with(' ');
        (is_end && at > indent && column <= most).then_some((column, at))
    });
    let label = || text.split(' ').next().filter(|word| word.ends_with(':') && word.len() <= LABEL);
    match (columns_of.next(), label()) {
        (Some(column), _) => column,
        (None, Some(label)) => (indent + display_width(label) + 1, indent),
        (None, None) => ((indent + 2).min(most), indent),
    }
}

/// How many columns the first column of a table takes that holds these names: as many as the longest of them, but no more
/// than half of what there is. A longer name stands out of its column.
pub fn name_width<'n>(names: impl Iterator<Item = &'n str>, columns: Option<usize>) -> usize {
    let longest = names.map(|name| display_width(&shown(name))).max().unwrap_or(0);
    columns.map_or(longest, |columns| longest.min(columns / 2))
}

/// A row of a table with two columns, the first so wide.
#[must_use]
pub fn row(name: &str, width: usize, text: &str) -> String {
    format!("{}  {}\n", padded(&shown(name), width), shown(text))
}

/// A text with spaces behind it, so many columns wide.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(display_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// A text of one line, no more than so many columns wide: of a longer one the beginning and a `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = columns.saturating_sub(1);
    for c in text.chars() {
        match room.checked_sub(display_width(c.encode_utf8(&mut [0; 4]))) {
            Some(left) => room = left,
            None => break,
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: &str = "passed   restore/in-place-of-another-cluster  finished, returned, returned, \
                       returned, failed, returned\n";

    #[test]
    fn a_row_goes_on_under_its_last_column() {
        let at_80 = "\
passed   restore/in-place-of-another-cluster  finished, returned, returned,
                                              returned, failed, returned
";
        assert_eq!(fitted(ROW, 80), at_80);
        assert_eq!(fitted(ROW, 120), ROW);
        let at_40 = "\
passed
     restore/in-place-of-another-cluster
     finished, returned, returned,
     returned, failed, returned
";
        assert_eq!(fitted(ROW, 40), at_40);
    }

    #[test]
    fn a_line_goes_on_behind_its_label() {
        let text =
            "   why: the outcome is failed, expected finished\n  a sentence that has no label\n";
        let at_30 = "   why: the outcome is failed,\n        expected finished\n  a sentence that has no label\n";
        assert_eq!(fitted(text, 30), at_30);
        assert_eq!(fitted("one two three", 9), "one two\n  three");
    }

    #[test]
    fn what_is_copied_is_not_torn() {
        for line in
            ["   run: pgdrill run a.yaml --filter '=a b c'\n", "at: a/path/that-is/long.yaml\n"]
        {
            let text = fitted(line, 12);
            assert_eq!(text.split_whitespace().last(), line.split_whitespace().last());
        }
        let run = "   run: pgdrill run a.yaml --filter '=a b c'\n";
        assert_eq!(fitted(run, 20), run);
    }

    #[test]
    fn wide_characters_and_colours_count_as_they_are_seen() {
        assert_eq!(fitted("漢字 漢字 漢字", 9), "漢字 漢字\n  漢字");
        let red = "\u{1b}[31mone two\u{1b}[0m";
        assert_eq!(fitted(red, 7), red);
        assert_eq!(padded("漢字", 6), "漢字  ");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
    }

    #[test]
    fn the_column_of_names_takes_half_a_terminal_at_most() {
        let names = ["a", "a-name-that-is-quite-long"];
        assert_eq!(name_width(names.into_iter(), None), 25);
        assert_eq!(name_width(names.into_iter(), Some(100)), 25);
        assert_eq!(name_width(names.into_iter(), Some(40)), 20);
        assert_eq!(name_width(["漢字"].into_iter(), None), 4);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_wider(text in "[a-z:  ]{0,120}", columns in 20..130_usize) {
            let fits = fitted(&text, columns);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&fits), words(&text));
            for line in fits.lines() {
                let is_word = line.split_whitespace().count() == 1;
                prop_assert!(display_width(line) <= columns || is_word, "{:?}", line);
            }
        }
    }
}
