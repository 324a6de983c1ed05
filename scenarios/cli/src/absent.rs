//! What this build leaves out.

use pgdrill_core::Diagnostic;

use crate::{commands::Exit, output::complain};

/// Complains that `what` needs a feature that this build lacks, and names the command that has it.
pub(crate) fn absent(what: &str, feature: &str) -> Exit {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let hint = format!("`cargo run --release --features {feature} -- {}` has it", words.join(" "));
    complain(&Diagnostic::error("this build", format!("it has no part for {what}")).hint(hint));
    Exit::NoBackend
}
