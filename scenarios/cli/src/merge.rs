//! `pgdrill merge`.

use std::path::{Path, PathBuf};

use pgdrill_core::Diagnostic;
use pgdrill_scenarios::{MergedFormat, merge as merge_parts, read_file};

use crate::{
    args::RunFormat,
    commands::{Exit, wrong},
    output::print_lines,
    results::complain_of_unjudged,
};

/// The most that is read of a part, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Shows the parts of a run or of a search as one.
pub(crate) fn merge(files: &[PathBuf], format: RunFormat) -> Exit {
    let parts: Result<Vec<_>, Diagnostic> = files.iter().map(|file| read(file)).collect();
    let parts = match parts {
        Ok(parts) => parts,
        Err(complaint) => return wrong(&complaint),
    };
    let merged = match format {
        RunFormat::Text => merge_parts(&parts, MergedFormat::Text),
        RunFormat::Json => merge_parts(&parts, MergedFormat::Json),
    };
    let merged = match merged {
        Ok(merged) => merged,
        Err(complaint) => return wrong(&complaint),
    };
    let printed = print_lines(format, &merged.shown);
    merged.unjudged.iter().copied().for_each(complain_of_unjudged);
    if printed != Exit::Expected {
        printed
    } else if merged.is_wrong {
        Exit::Wrong
    } else if merged.is_failed {
        Exit::Failed
    } else {
        printed
    }
}

/// The name of a part, and what it holds.
fn read(file: &Path) -> Result<(String, String), Diagnostic> {
    let name = file.display().to_string();
    let unreadable = |why: String| {
        let hint = "give the files that the parts were written to";
        Diagnostic::error(&name, why).hint(hint)
    };
    let bytes =
        read_file(file, MAX_BYTES).map_err(|why| unreadable(format!("can't be read: {why}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    Ok((name, text))
}
