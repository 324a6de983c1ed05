//! How configuration files are rendered.

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Value};

/// The longest expression or statement, in bytes. The engine goes down a level for every operator, so that a chain of many
/// would overflow the stack (minijinja 3.1.0: one of 160 KB ended the process).
const LONGEST_TAG: usize = 2_000;
/// How deep macros and includes may be in each other.
const DEEPEST: usize = 50;
/// How many steps a template may take; the charm's own takes some hundreds. A loop within a loop could take hours.
const MOST_STEPS: u64 = 1_000_000;

/// Fills a template in. Block tags leave no line behind, and a value that the template names but was not
/// given is an error, as is what would not end or would overflow the stack.
pub(crate) fn render(template: &str, values: Value) -> Result<String, String> {
    if let Some(line) = line_of_long_tag(template) {
        return Err(format!("the tag in line {line} has more than {LONGEST_TAG} bytes"));
    }
    let words = |error: minijinja::Error| error.to_string();
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(words)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_recursion_limit(DEEPEST);
    environment.set_fuel(Some(MOST_STEPS));
    environment.render_str(template, values).map_err(words)
}

/// The line in which the first tag begins that is too long, closed or not.
fn line_of_long_tag(template: &str) -> Option<usize> {
    let first =
        |text: &str, marks: [&str; 2]| marks.iter().filter_map(|mark| text.find(mark)).min();
    let mut from = 0;
    while let Some(open) = template.get(from..).and_then(|rest| first(rest, ["{{", "{%"])) {
        from += open + 2;
        let rest = template.get(from..).unwrap_or_default();
        let length = first(rest, ["}}", "%}"]).unwrap_or(rest.len());
        if length > LONGEST_TAG {
            return Some(template.get(..from).unwrap_or_default().matches('\n').count() + 1);
        }
        from += length;
    }
    None
}

/// The FNV-1a digest: a name for a content, the same on every machine.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<String, String> {
        render(template, minijinja::context! { a => 1 })
    }

    #[test]
    fn a_template_without_an_end_or_a_bottom_is_refused() {
        let long = format!("a\n{{{{ a{} }}}}", " - a".repeat(40_000));
        assert_eq!(rendered(&long), Err("the tag in line 2 has more than 2000 bytes".to_owned()));
        let open = format!("{{{{ a{}", " - a".repeat(40_000));
        assert_eq!(rendered(&open), Err("the tag in line 1 has more than 2000 bytes".to_owned()));
        let most = format!("{{{{ a{} }}}}", "-a".repeat(990));
        assert_eq!(rendered(&most), Ok("-989".to_owned()));
        let inner = "{% for x in range(99999) %}".repeat(3) + "x" + &"{% endfor %}".repeat(3);
        let why = rendered(&inner).expect_err("it would take for ever");
        assert!(why.contains("fuel"), "{why}");
        let endless = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
        let why = rendered(endless).expect_err("it has no bottom");
        assert!(why.contains("recursion"), "{why}");
        assert_eq!(rendered("{% if a %}\n{{ a }}\n{% endif %}\n"), Ok("1\n".to_owned()));
    }
}
