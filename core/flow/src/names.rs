//! Names that people write: the nearest valid one, and the kebab-case one of a heading.

/// The longest word that is compared, in bytes. A longer one is no misspelling of anything.
const LONGEST_WORD: usize = 80;

/// How many typing errors a word may have and still be taken for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerance {
    /// A third of the word, at least one error and at most three. Fits short keywords: `DT` is taken for `TD`.
    OneToThree,
    /// A third of the name, rounded down. Fits long names; one of two letters has no misspelling.
    ThirdOfName,
}

impl Tolerance {
    /// The errors allowed between a word and a name of these many letters.
    fn allowed(self, word: usize, name: usize) -> usize {
        match self {
            Self::OneToThree => (word / 3).clamp(1, 3),
            Self::ThirdOfName => name / 3,
        }
    }
}

/// The name that `word` most probably means: the one with the fewest typing errors, if there are few.
///
/// A typing error replaces, adds or drops one letter, or swaps two neighbours. Case is ignored, and `_` equals
/// `-`. Of several equally near names the first wins.
#[must_use]
pub fn nearest_name<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
    tolerance: Tolerance,
) -> Option<&'a str> {
    let folded = |text: &str| text.to_lowercase().replace('_', "-");
    if word.len() > LONGEST_WORD {
        return None;
    }
    let word = folded(word);
    let length = word.chars().count();
    let comparable = names.into_iter().filter(|name| name.len() <= 2 * LONGEST_WORD);
    let near = comparable.filter_map(|name| {
        let other = folded(name);
        let other_length = other.chars().count();
        let allowed = tolerance.allowed(length, other_length);
        if other_length.abs_diff(length) > allowed {
            return None;
        }
        let errors = strsim::osa_distance(&word, &other);
        (errors <= allowed).then_some((errors, name))
    });
    let nearest = near.min_by_key(|(errors, _)| *errors);
    nearest.map(|(_, name)| name)
}

/// Asks whether `word` means the nearest of these names; other advice where none is near.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
    tolerance: Tolerance,
    otherwise: &str,
) -> String {
    nearest_name(word, names, tolerance)
        .map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}

/// Letters and digits of `text` in lower case, everything between them read as one dash.
pub(crate) fn kebab(text: &str) -> String {
    let words: Vec<String> = words(text).collect();
    words.join("-")
}

/// The name that a heading gives to a chart: in kebab-case without a leading "On" and a trailing
/// "Hook", where its links lead, and the attributes that may end it.
pub(crate) fn heading_name(heading: &str) -> String {
    let words: Vec<String> = words(&without_markup(heading)).collect();
    let mut bare = words.as_slice();
    if let [first, more @ ..] = bare
        && first == "on"
        && !more.is_empty()
    {
        bare = more;
    }
    if let [more @ .., last] = bare
        && last == "hook"
        && !more.is_empty()
    {
        bare = more;
    }
    bare.join("-")
}

/// A heading without what nobody sees of it: `(x.md)` of `[Text](x.md)`, and `{#x}` at its end.
fn without_markup(heading: &str) -> String {
    let attributes = heading.strip_suffix('}').and_then(|text| text.rsplit_once('{'));
    let seen = match attributes {
        Some((text, inner)) if inner.trim_start().starts_with(['#', '.', ':']) => text,
        _ => heading,
    };
    let mut text = String::with_capacity(seen.len());
    let mut rest = seen;
    while let Some((before, link)) = rest.split_once("](") {
        let Some((_, after)) = link.split_once(')') else { break };
        text.push_str(before);
        text.push(' ');
        rest = after;
    }
    text.push_str(rest);
    text
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near_keyword<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
        nearest_name(word, names.iter().copied(), Tolerance::OneToThree)
    }

    fn near_name<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
        nearest_name(word, names.iter().copied(), Tolerance::ThirdOfName)
    }

    #[test]
    fn the_nearest_keyword_is_near() {
        let words = ["flowchart", "graph"];
        assert_eq!(near_keyword("flowchrt", &words), Some("flowchart"));
        assert_eq!(near_keyword("flowcahrt", &words), Some("flowchart"), "a swap is one error");
        assert_eq!(near_keyword("Graph", &words), Some("graph"));
        assert_eq!(near_keyword("gitGraph", &words), None);
        assert_eq!(near_keyword("pie", &words), None);
        assert_eq!(near_keyword("DT", &["LR", "TD"]), Some("TD"));
        assert_eq!(near_keyword(&"x".repeat(1000), &words), None);
    }

    #[test]
    fn the_tolerance_decides_what_is_near() {
        assert_eq!(near_name("DT", &["LR", "TD"]), None, "two letters have no misspelling");
        let long = "create-backup/set_active";
        let typed = "creat-bakup/st_activ";
        assert_eq!(near_name(typed, &[long]), Some(long), "four errors in 24 letters");
        assert_eq!(near_keyword(typed, &[long]), None);
    }

    #[test]
    fn the_nearest_name_ignores_case_and_underscores_and_the_first_equal_wins() {
        assert_eq!(near_name("A_b_c", &["a-b-c"]), Some("a-b-c"));
        assert_eq!(near_name("RUN", &["run"]), Some("run"));
        assert_eq!(near_name("bat", &["cat", "hat"]), Some("cat"));
        assert_eq!(near_name("hat", &["cat", "hat"]), Some("hat"));
    }

    #[test]
    fn a_heading_names_its_chart() {
        assert_eq!(heading_name("On S3 Credentials Changed Hook"), "s3-credentials-changed");
        assert_eq!(heading_name("On Create Backup Hook"), "create-backup");
        assert_eq!(heading_name("`restore` — how"), "restore-how");
        assert_eq!(heading_name("On Hook"), "hook");
        assert_eq!(heading_name("Hook"), "hook");
        assert_eq!(heading_name("!!"), "");
        assert_eq!(heading_name("On `restore` hook {#how-to}"), "restore");
        assert_eq!(heading_name("The [restore](a/b.md) [hook](c)"), "the-restore");
        assert_eq!(heading_name("a {b} [c](d"), "a-b-c-d");
        assert_eq!(kebab("update_status"), "update-status");
    }
}
