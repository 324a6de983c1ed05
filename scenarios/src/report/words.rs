//! The words of the scenario file for a person.

use pgdrill_flow::shown;
use textwrap::{Options, fill};

use crate::words::Word;

/// The words, kind by kind: each as it is written, what it means, its values, and a case that shows it. No line is wider
/// than this many columns, unless one word is.
#[must_use]
pub fn words(words: &[&Word], width: usize) -> String {
    let mut out = String::new();
    let mut kind = "";
    for word in words {
        if word.kind != kind {
            kind = word.kind;
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}{kind}\n"));
        }
        out.push_str(&format!("\n{}\n", wrapped(&word.form, "  ", "    ", width)));
        out.push_str(&format!("{}\n", wrapped(&word.about, "      ", "      ", width)));
        let column = word.values.iter().map(|(value, _)| value.len()).max().unwrap_or(0);
        for (value, about) in &word.values {
            let (first, rest) = (format!("        {value:column$}  "), " ".repeat(10 + column));
            out.push_str(&format!("{}\n", wrapped(about, &first, &rest, width)));
        }
        if let Some(case) = &word.case {
            out.push_str(&format!("      case: {}\n", shown(case)));
        }
    }
    out
}

/// What the vocabulary lacks: each by its name, with what there is instead.
#[must_use]
pub fn lacking(lacking: &[(&str, &str)], width: usize) -> String {
    let mut out = String::from("not in the vocabulary\n");
    for (name, about) in lacking {
        let about = wrapped(about, "      ", "      ", width);
        out.push_str(&format!("\n  {name}\n{about}\n"));
    }
    out
}

fn wrapped(text: &str, first: &str, rest: &str, width: usize) -> String {
    fill(text, Options::new(width).initial_indent(first).subsequent_indent(rest))
}
