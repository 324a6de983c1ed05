//! Names that people write: the nearest valid one, and the kebab-case one of a heading.

/// A longer word is no misspelling of anything.
const LONGEST_WORD: usize = 80;

/// The candidate that is most probably meant by `word`: the one fewest typing errors away, if they
/// are few. Letter case counts for nothing; the first of several equals wins.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = |text: &str| -> Vec<char> { text.to_lowercase().chars().collect() };
    if word.len() > LONGEST_WORD {
        return None;
    }
    let word = lower(word);
    let allowed = (word.len() / 3).clamp(1, 3);
    let distances = candidates.into_iter().filter_map(|candidate| {
        if candidate.len() > 2 * LONGEST_WORD {
            return None;
        }
        let other = lower(candidate);
        let near = other.len().abs_diff(word.len()) <= allowed;
        let distance = if near { typing_errors(&word, &other) } else { usize::MAX };
        (distance <= allowed).then_some((distance, candidate))
    });
    let best = distances.min_by_key(|(distance, _)| *distance);
    best.map(|(_, candidate)| candidate)
}

/// Letters and digits of `text` in lower case, everything between them read as one dash.
pub(crate) fn kebab(text: &str) -> String {
    let words: Vec<String> = words(text).collect();
    words.join("-")
}

/// The name that a heading gives to a chart: in kebab-case without a leading "On" and a trailing
/// "Hook".
pub(crate) fn heading_name(heading: &str) -> String {
    let words: Vec<String> = words(heading).collect();
    let mut kept = words.as_slice();
    if let [first, more @ ..] = kept
        && first == "on"
        && !more.is_empty()
    {
        kept = more;
    }
    if let [more @ .., last] = kept
        && last == "hook"
        && !more.is_empty()
    {
        kept = more;
    }
    kept.join("-")
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// How many letters to replace, add, drop or swap with their neighbour make one word the other.
fn typing_errors(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut previous_letter = None;
    for (i, letter) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        let mut previous_other = None;
        let mut left = i + 1;
        for (j, against) in other.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = cell(&row, j) + usize::from(letter != against);
            let mut least = replaced.min(cell(&row, j + 1) + 1).min(left + 1);
            if previous_letter == Some(against) && previous_other == Some(letter) && j > 0 {
                least = least.min(cell(&before, j - 1) + 1);
            }
            next.push(least);
            left = least;
            previous_other = Some(against);
        }
        before = std::mem::replace(&mut row, next);
        previous_letter = Some(letter);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_counted() {
        let count = |a: &str, b: &str| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            typing_errors(&chars(a), &chars(b))
        };
        assert_eq!(count("flowchrt", "flowchart"), 1);
        assert_eq!(count("flowcahrt", "flowchart"), 1);
        assert_eq!(count("kitten", "sitting"), 3);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("abc", ""), 3);
    }

    #[test]
    fn the_nearest_name_is_near() {
        let words = ["flowchart", "graph"];
        assert_eq!(nearest("flowchrt", words), Some("flowchart"));
        assert_eq!(nearest("Graph", words), Some("graph"));
        assert_eq!(nearest("gitGraph", words), None);
        assert_eq!(nearest("pie", words), None);
        assert_eq!(nearest("DT", ["LR", "TD"]), Some("TD"));
        assert_eq!(nearest(&"x".repeat(1000), words), None);
    }

    #[test]
    fn a_heading_names_its_chart() {
        assert_eq!(heading_name("On S3 Credentials Changed Hook"), "s3-credentials-changed");
        assert_eq!(heading_name("On Create Backup Hook"), "create-backup");
        assert_eq!(heading_name("`restore` — how"), "restore-how");
        assert_eq!(heading_name("On Hook"), "hook");
        assert_eq!(heading_name("Hook"), "hook");
        assert_eq!(heading_name("!!"), "");
        assert_eq!(kebab("update_status"), "update-status");
    }
}
