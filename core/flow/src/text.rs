//! Captions and labels: from Mermaid's way of writing them to plain text, and back.

use std::fmt::Write;

use crate::shown::is_unseen;

/// Words between `#` or `&` and `;` that stand for a character.
const ENTITIES: [(&str, char); 6] =
    [("quot", '"'), ("amp", '&'), ("lt", '<'), ("gt", '>'), ("apos", '\''), ("nbsp", '\u{a0}')];

/// The longest text between `#` and `;` that is tried as a character's name.
const LONGEST_ENTITY: usize = 8;

/// The text that is meant by what stands between brackets, bars or dashes: lines trimmed, `\n` and
/// `<br/>` read as newlines, `#quot;` and the like as characters.
pub(crate) fn decode(raw: &str) -> String {
    let mut rest = raw.trim();
    let mut text = String::with_capacity(rest.len());
    loop {
        let (line, after) = split_line(rest);
        decode_entities(line.trim(), &mut text);
        match after {
            Some(after) => {
                text.push('\n');
                rest = after;
            }
            None => return text,
        }
    }
}

/// The text as it stands between double quotes, so that [`decode`] gives it back and Mermaid shows
/// it. Never empty: Mermaid refuses `""`.
pub(crate) fn encode(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            written.push_str("<br/>");
        }
        let inner = line.trim();
        let lead = line.len() - line.trim_start().len();
        for (at, c) in line.char_indices() {
            encode_char(c, at < lead || at >= lead + inner.len(), &mut written);
        }
    }
    if written.is_empty() {
        written.push(' ');
    }
    written
}

/// The text up to the first newline, however written, and what follows it.
fn split_line(text: &str) -> (&str, Option<&str>) {
    for (at, c) in text.char_indices() {
        let here = text.get(at..).unwrap_or_default();
        let after = match c {
            '\n' => here.strip_prefix('\n'),
            '\\' => here.strip_prefix("\\n"),
            '<' => after_break(here),
            _ => None,
        };
        if after.is_some() {
            return (text.get(..at).unwrap_or_default(), after);
        }
    }
    (text, None)
}

/// What follows `<br>`, `<br/>` or `<br />`.
fn after_break(text: &str) -> Option<&str> {
    let name = text.get(..3)?;
    if !name.eq_ignore_ascii_case("<br") {
        return None;
    }
    let rest = text.get(3..)?.trim_start_matches(' ');
    rest.strip_prefix('/').unwrap_or(rest).strip_prefix('>')
}

fn decode_entities(line: &str, text: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find(['#', '&']) {
        text.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if let Some((c, after)) = entity(rest) {
            text.push(c);
            rest = after;
        } else {
            text.extend(rest.chars().take(1));
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    text.push_str(rest);
}

/// The character that `#name;`, `#number;`, `&name;` or `&#number;` stands for, and what follows.
fn entity(text: &str) -> Option<(char, &str)> {
    let name = text.strip_prefix("&#").or_else(|| text.strip_prefix(['#', '&']))?;
    let near = name.bytes().take(LONGEST_ENTITY + 1);
    let end = near.take_while(u8::is_ascii_alphanumeric).count();
    let after = name.get(end..)?.strip_prefix(';')?;
    let name = name.get(..end)?;
    if let Some((_, c)) = ENTITIES.iter().find(|(entity, _)| *entity == name) {
        return Some((*c, after));
    }
    let c = char::from_u32(match name.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => name.parse().ok()?,
    })?;
    Some((c, after))
}

fn encode_char(c: char, at_edge: bool, written: &mut String) {
    match c {
        '"' => written.push_str("#quot;"),
        '<' => written.push_str("#lt;"),
        '>' => written.push_str("#gt;"),
        '&' => written.push_str("#amp;"),
        '#' | '\\' | '`' => encode_number(c, written),
        ' ' if !at_edge => written.push(' '),
        c if c.is_whitespace() || is_unseen(c) => encode_number(c, written),
        c => written.push(c),
    }
}

fn encode_number(c: char, written: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(written, "#{};", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newlines_are_read_however_written() {
        assert_eq!(decode("Has cluster\\n initialised?"), "Has cluster\ninitialised?");
        assert_eq!(decode("a<br>b<br/>c<BR />d\r\n  e"), "a\nb\nc\nd\ne");
        assert_eq!(decode("\n  a\n"), "a");
        assert_eq!(decode("a<brx>b \\m <"), "a<brx>b \\m <");
        assert_eq!(decode("<br/>"), "\n");
    }

    #[test]
    fn entities_are_read_in_both_spellings() {
        assert_eq!(decode("#quot;a#quot; #amp; #35;1 &lt;b&gt; &#65; #x42;"), "\"a\" & #1 <b> A B");
        assert_eq!(decode("#nope; # &; #99999999; a#b &amp"), "#nope; # &; #99999999; a#b &amp");
        assert_eq!(decode("#55296;"), "#55296;");
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in [
            "",
            "a",
            " a ",
            "a\nb",
            "\n",
            "\n\n x\t\n",
            "#quot; &lt; <br/> \\n \"q\" `m`",
            "é\u{a0}\u{0}\r",
            "\u{1b}[2J\u{202e}\u{fffe}",
        ] {
            let written = encode(text);
            assert!(!written.is_empty() && !written.contains('"'), "{written}");
            assert_eq!(decode(&written), text, "{written}");
        }
    }
}
