//! Workflow commands of GitHub, which become annotations of a file.

use pgdrill_core::{Diagnostic, Severity};
use pgdrill_flow::{shown, shown_lines};

use super::{CaseEnd, JudgedCase, judged, refused};
use crate::{judge::Verdict, reason::Reason};

/// A line for each scenario that failed, for each fault of one that was refused, and for each warning. A warning without a
/// file is of none.
#[must_use]
pub fn github(ends: &[CaseEnd], warnings: &[Diagnostic]) -> String {
    let failed = judged(ends).filter_map(failed);
    let refused = refused(ends).flat_map(|(name, refusal)| {
        refusal.faults().map(move |fault| complaint(&format!("refused: {name}"), fault))
    });
    let warnings = warnings.iter().map(|warning| complaint("pgdrill", warning));
    failed.chain(refused).chain(warnings).collect()
}

/// The annotation of a scenario that failed, where the first reason that has a place in its file stands; else where the
/// scenario begins.
fn failed(case: &JudgedCase) -> Option<String> {
    let Verdict::Failed(reasons) = case.verdict() else { return None };
    let written = |reason: &Reason| case.positions.find(&reason.location().path?);
    let line = reasons.iter().find_map(written).map(|span| span.line);
    let place = case.begins().map(|(file, begins)| (file, line.unwrap_or(begins), 0));
    let mut lines = vec![case.plan.title.clone()];
    lines.extend(case.verdict().reasons());
    lines.extend(case.rerun().map(|rerun| format!("run: {rerun}")));
    Some(command("error", place, &format!("failed: {}", case.name), &lines.join("\n")))
}

fn complaint(title: &str, complaint: &Diagnostic) -> String {
    let kind = match complaint.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = complaint.file.as_str();
    let is_file = !file.is_empty() && file != "<stdin>";
    let place = is_file.then_some((file, complaint.line, complaint.column));
    let hint = complaint.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
    command(kind, place, title, &format!("{}{}", complaint.what, hint.unwrap_or_default()))
}

/// One workflow command, with the file, the line and the column that are known.
fn command(kind: &str, place: Option<(&str, usize, usize)>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some((file, line, column)) = place {
        // The runner knows files by their path from the top of the repository.
        let file = file.strip_prefix("./").unwrap_or(file);
        properties.push(format!("file={}", property(&shown(file))));
        let numbers = [("line", line), ("col", column)].into_iter().filter(|(_, it)| *it > 0);
        properties.extend(numbers.map(|(name, number)| format!("{name}={number}")));
    }
    properties.push(format!("title={}", property(&shown(title))));
    format!("::{kind} {}::{}\n", properties.join(","), data(&shown_lines(message.trim_end(), "")))
}

/// A message as GitHub's runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property as GitHub's runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runner_takes_for_its_own_is_escaped() {
        let place = Some(("./a,b:c%.yaml", 3, 0));
        assert_eq!(
            command("error", place, "failed: x", "100 %\nsecond: line, too\r"),
            "::error file=a%2Cb%3Ac%25.yaml,line=3,title=failed%3A x::100 %25%0Asecond: line, too\n"
        );
        assert_eq!(command("warning", None, "t", "m"), "::warning title=t::m\n");
    }

    #[test]
    fn no_text_begins_a_command_of_its_own() {
        let line = command("error", Some(("a\nb", 1, 2)), "t\n::error::", "m\n::warning::x");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
