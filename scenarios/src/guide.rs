//! The guide: a page for each topic, which `pgdrill help TOPIC` shows.

use crate::words::{Word, words};

/// A page of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The word by which it is asked for.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// The page, in Markdown.
    pub text: &'static str,
}

macro_rules! topics {
    ($($name:literal: $about:literal,)+) => {
        /// Every topic, in the order in which to read them.
        pub const TOPICS: &[Topic] = &[$(Topic {
            name: $name,
            about: $about,
            text: include_str!(concat!("../doc/", $name, ".md")),
        },)+];
    };
}

topics! {
    "install": "how to get pgdrill, with completions and manual pages",
    "first-scenario": "from an empty file to a case that guards your own bug",
    "faults": "faults and moments, and what each is on every backend",
    "scenario-file": "every word of the scenario file",
    "laws": "what every run is held to, and amendments",
    "exploration": "histories that nobody wrote, and what of a failing one has to stay",
    "containers": "the same scenarios on real servers",
    "ci": "scenarios in your CI",
    "charm": "pgdrill as a charm's own program",
    "exit-codes": "how a command ends",
    "glossary": "what each word means",
}

/// The page `scenario-file`, made from the types that read the file.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# The scenario file\n\nThis page is made from the types that read the file. A scenario file holds YAML documents, and each document is one \
         scenario.\n`pgdrill words TEXT` shows the same, word by word. In a form, words in capitals stand for something: `N` for a \
         number, `TEXT`\nfor a text, `UNIT` for the number of a unit, `CHANGE`, `SHAPE` and others for a word of that list.\n",
    );
    let mut kind = "";
    for word in &words() {
        if word.kind != kind {
            kind = word.kind;
            let (first, rest) = kind.split_at(1);
            out.push_str(&format!("\n## {}{rest}\n\n", first.to_uppercase()));
        }
        push_word(&mut out, word);
    }
    out
}

fn push_word(out: &mut String, word: &Word) {
    out.push_str(&format!("- `{}`: {}\n", word.form, word.about));
    for (value, about) in &word.values {
        out.push_str(&format!("  - `{value}`: {about}\n"));
    }
    if let Some(case) = &word.case {
        out.push_str(&format!("  - case: `{case}`\n"));
    }
}
