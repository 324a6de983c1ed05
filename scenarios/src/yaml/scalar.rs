//! What a plain scalar means: the core schema of YAML 1.2, without octal and hexadecimal numbers.

/// The meaning of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    /// `~`, `null` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number below zero, or a signed zero.
    Signed(i64),
    /// A whole number from zero on.
    Unsigned(u64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A number that fits neither 64 bits nor a float.
    TooLarge,
    /// Anything else.
    Text,
}

/// Reads a plain scalar.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ => {}
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    match digits {
        ".inf" | ".Inf" | ".INF" if negative => return Plain::Float(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Plain::Float(f64::INFINITY),
        _ => {}
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Text;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return if negative {
            text.parse().map_or(Plain::TooLarge, Plain::Signed)
        } else {
            digits.parse().map_or(Plain::TooLarge, Plain::Unsigned)
        };
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_infinite() => Plain::TooLarge,
        Ok(number) => Plain::Float(number),
        Err(_) => Plain::Text,
    }
}

/// One text for every spelling of a key: `01`, `+1` and `1` are one key.
pub(super) fn canonical(text: &str, quoted: bool) -> String {
    if quoted {
        return text.to_owned();
    }
    match resolve(text) {
        Plain::Bool(value) => value.to_string(),
        Plain::Signed(value) => value.to_string(),
        Plain::Unsigned(value) => value.to_string(),
        Plain::Null | Plain::Float(_) | Plain::TooLarge | Plain::Text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Plain, canonical, resolve};

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, meaning) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("null", Plain::Null),
            ("true", Plain::Bool(true)),
            ("False", Plain::Bool(false)),
            ("yes", Plain::Text),
            ("0", Plain::Unsigned(0)),
            ("007", Plain::Unsigned(7)),
            ("+5", Plain::Unsigned(5)),
            ("-5", Plain::Signed(-5)),
            ("18446744073709551615", Plain::Unsigned(u64::MAX)),
            ("18446744073709551616", Plain::TooLarge),
            ("-9223372036854775808", Plain::Signed(i64::MIN)),
            ("-9223372036854775809", Plain::TooLarge),
            ("1.5", Plain::Float(1.5)),
            (".5", Plain::Float(0.5)),
            ("-2.", Plain::Float(-2.0)),
            ("1e3", Plain::Float(1000.0)),
            ("1e999", Plain::TooLarge),
            ("-.inf", Plain::Float(f64::NEG_INFINITY)),
            ("inf", Plain::Text),
            ("nan", Plain::Text),
            ("0x1f", Plain::Text),
            ("0o17", Plain::Text),
            ("1_000", Plain::Text),
            ("2026-01-02", Plain::Text),
            ("--1", Plain::Text),
            ("+-1", Plain::Text),
            (".", Plain::Text),
            ("-", Plain::Text),
        ] {
            assert_eq!(resolve(text), meaning, "{text:?}");
        }
        assert!(matches!(resolve(".nan"), Plain::Float(n) if n.is_nan()));
    }

    #[test]
    fn one_key_has_one_canonical_spelling() {
        assert_eq!(canonical("01", false), canonical("+1", false));
        assert_eq!(canonical("-0", false), canonical("0", false));
        assert_ne!(canonical("01", true), canonical("1", false));
        assert_eq!(canonical("1", true), canonical("1", false));
    }
}
