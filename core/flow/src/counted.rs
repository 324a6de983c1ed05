//! So many of a thing, in words.

/// A count and what is counted, in the plural unless it is one: `1 file`, `2 files`.
#[must_use]
pub fn counted(count: usize, name: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "unit")), ["0 units", "1 unit", "2 units"]);
    }
}
