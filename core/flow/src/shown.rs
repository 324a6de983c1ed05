//! Text from outside, as it may be shown.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character does something to a display and can't be seen there: it moves the cursor, turns the direction
/// of reading, is invisible, or is none at all.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || matches!(
            code,
            0xad | 0x61c
                | 0x180e
                | 0x200b
                | 0x200e..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0xfdd0..=0xfdef
                | 0xfeff
                | 0xfff9..=0xfffb
                | 0xe0000..=0xe007f
        )
        // The last two characters of every plane are none.
        || code & 0xfffe == 0xfffe
}

/// A text from outside, as it may be shown in one line: every character that [`is_unseen`] is escaped, as `\n` or
/// `\u{1b}`. Whatever shows such a text to people shows it in this way.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// A text of several lines, each as [`shown`] has it, with `indent` before every line but the first. A text can so
/// begin no line that is taken for one of its surroundings.
#[must_use]
pub fn shown_lines<'t>(text: &'t str, indent: &str) -> Cow<'t, str> {
    if !text.contains('\n') {
        return shown(text.strip_suffix('\r').unwrap_or(text));
    }
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines: Vec<Cow<'_, str>> = lines.map(shown).collect();
    Cow::Owned(lines.join(&format!("\n{indent}")))
}

/// JSON with every character in its texts escaped that [`is_unseen`]. It means the same.
#[must_use]
pub fn shown_json(json: &str) -> Cow<'_, str> {
    // Outside of texts JSON has no such character but the line break, which is escaped within them.
    let is_wrong = |c: char| is_unseen(c) && c != '\n';
    if !json.contains(is_wrong) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_wrong(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_display_would_obey_is_escaped_and_the_rest_is_itself() {
        for plain in ["", "a b", "é ñ 漢字 🦀", "a\\n", "<&>\"'", "zero\u{200d}width joiner"]
        {
            assert_eq!(shown(plain), plain);
        }
        for (text, expected) in [
            ("\u{1b}[31m", r"\u{1b}[31m"),
            ("a\nb\r\tc", r"a\nb\r\tc"),
            ("\0\u{7f}\u{9b}", r"\u{0}\u{7f}\u{9b}"),
            ("\u{202e}\u{2066}\u{200f}\u{61c}", r"\u{202e}\u{2066}\u{200f}\u{61c}"),
            ("\u{2028}\u{feff}\u{200b}", r"\u{2028}\u{feff}\u{200b}"),
            ("\u{fffe}\u{ffff}\u{10ffff}", r"\u{fffe}\u{ffff}\u{10ffff}"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(shown(text), expected);
            assert!(!shown(text).contains(is_unseen));
        }
    }

    #[test]
    fn json_means_the_same_and_nothing_in_it_is_obeyed() {
        assert!(matches!(shown_json("{\"a\": \"é\"}\n"), Cow::Borrowed(_)));
        let json = shown_json("{\"a\": \"\u{9b}\u{202e}\u{7f}\u{10ffff}\"}\n");
        assert_eq!(json, "{\"a\": \"\\u009b\\u202e\\u007f\\udbff\\udfff\"}\n");
    }

    #[test]
    fn a_line_break_begins_no_line_of_the_surroundings() {
        assert_eq!(shown_lines("a\r\nb\u{1b}\nc\rd", "  "), "a\n  b\\u{1b}\n  c\\rd");
        assert_eq!(shown_lines("a\n", "> "), "a\n> ");
        assert!(matches!(shown_lines("a", ""), Cow::Borrowed("a")));
    }
}
