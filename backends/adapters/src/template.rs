//! How configuration files are rendered.

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Value};

/// Fills a template in. Block tags leave no line behind, and a value that the template names but was not
/// given is an error.
pub(crate) fn render(template: &str, values: Value) -> Result<String, String> {
    let words = |error: minijinja::Error| error.to_string();
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(words)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(template, values).map_err(words)
}

/// The FNV-1a digest: a name for a content, the same on every machine.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
