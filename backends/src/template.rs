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
