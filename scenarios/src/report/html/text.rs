//! Text in the page: escaping, and an estimate of how wide it will be.
//!
//! The estimate is deliberately generous: it follows DejaVu Sans, the widest of the common
//! system fonts, so that a caption fits its shape whichever font the reader has.

use pgdrill_flow::{is_unseen, shown};

/// Font size of captions, in pixels.
pub(super) const CAPTION: f64 = 13.0;
/// Font size of the text on arrows, in pixels.
pub(super) const LABEL: f64 = 12.0;
/// Distance between two lines, as a multiple of the font size.
pub(super) const LEADING: f64 = 1.3;

/// The text, safe inside an element and inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if is_unseen(c) => safe.push_str(&shown(c.encode_utf8(&mut [0; 4]))),
            c => safe.push(c),
        }
    }
    safe
}

/// The text on one line.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A coordinate: one decimal at most, the same on every machine.
pub(super) fn number(value: f64) -> String {
    let rounded = format!("{value:.1}");
    let short = rounded.strip_suffix(".0").unwrap_or(&rounded);
    if short == "-0" { "0" } else { short }.to_owned()
}

/// About how wide one line of text is at this font size.
pub(super) fn width(line: &str, size: f64) -> f64 {
    line.chars().map(advance).sum::<f64>() * size
}

/// The lines of a text, each no wider than `limit` where a space allows it, and about equally wide:
/// no more lines than needed, then as narrow as that number allows.
pub(super) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    text.lines()
        .flat_map(|line| {
            let mut best = greedy(line, size, limit);
            for step in 1..12 {
                let narrower = greedy(line, size, limit * (1.0 - 0.05 * f64::from(step)));
                if narrower.len() > best.len() {
                    break;
                }
                best = narrower;
            }
            best
        })
        .collect()
}

fn greedy(line: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    for word in line.split_whitespace() {
        if !current.is_empty()
            && width(&current, size) + width(" ", size) + width(word, size) > limit
        {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.29,
        ' ' | '.' | ',' | ':' | ';' | '·' | '!' | '/' | '-' | '(' | ')' | '[' | ']' | 'f' | 't'
        | 'r' => 0.39,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '×' | '…' => 0.96,
        'A'..='Z' => 0.71,
        c if c.is_ascii() => 0.62,
        c if (c as u32) < 0x1100 => 0.68,
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_the_escaping() {
        assert_eq!(escape("<a b='\"&'>"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;");
        assert_eq!(escape("one\ntwo\u{0}\u{202e}"), "one\ntwo\\u{0}\\u{202e}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(3.0), "3");
        assert_eq!(number(-0.04), "0");
        assert_eq!(number(2.25), "2.2");
    }

    #[test]
    fn long_lines_break_at_spaces_into_even_lines() {
        let lines = wrap("Has backup creation succeeded?", CAPTION, 170.0);
        assert_eq!(lines, ["Has backup creation", "succeeded?"]);
        assert_eq!(wrap("a\nb", CAPTION, 170.0), ["a", "b"]);
        assert_eq!(wrap("unbreakable_identifier", CAPTION, 10.0), ["unbreakable_identifier"]);
        assert!(wrap("", CAPTION, 10.0).is_empty());
    }
}
