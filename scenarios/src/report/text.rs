//! The run for a person.

use std::{collections::BTreeMap, time::Duration};

use anstyle::{AnsiColor, Style};
use pgdrill_flow::{counted, shown, shown_lines};

use super::{
    CaseEnd, JudgedCase, counts,
    fit::{name_width, padded},
    judged, not_run, path_text, refused,
};
use crate::{
    charts::PUBLISHED,
    coverage::Coverage,
    judge::Verdict,
    law::{JudgedAt, Law},
    reason::Reason,
    run::Backend,
};

/// How many lines of a path are shown of what fails.
const PATH_LINES: usize = 200;

/// What stands before every line of a reason but its first.
const REASON: &str = "        ";

/// Colours, which the stream that they go to keeps or strips.
#[derive(Debug, Clone, Copy, Default)]
pub struct Painter;

impl Painter {
    const GOOD: Style = AnsiColor::Green.on_default();
    const BAD: Style = AnsiColor::Red.on_default().bold();
    const DULL: Style = AnsiColor::Yellow.on_default();
    const HEAD: Style = Style::new().bold();
    const GONE: Style = AnsiColor::Red.on_default();
    const NEW: Style = AnsiColor::Green.on_default();

    /// What is as it should be.
    pub(super) fn good(text: &str) -> String {
        Self::paint(Self::GOOD, text)
    }

    /// What is not.
    pub(super) fn bad(text: &str) -> String {
        Self::paint(Self::BAD, text)
    }

    fn paint(style: Style, text: &str) -> String {
        format!("{style}{text}{style:#}")
    }

    /// A verdict's word in its colour, padded to the longest.
    fn verdict(name: &str) -> String {
        let style = match name {
            "passed" => Self::GOOD,
            "skipped" => Self::DULL,
            _ => Self::BAD,
        };
        Self::paint(style, &format!("{name:7}"))
    }
}

/// Where the path of what failed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// Below the table, with the reasons.
    Below,
    /// In the table, as every path: not a second time.
    InTable,
}

/// A table of what happened, the reasons of what failed, the coverage, and the counts as the last line.
#[must_use]
pub fn run_text(ends: &[CaseEnd], coverage: Option<&Coverage>) -> String {
    let width = name_width(judged(ends).map(|case| case.name.as_str()), None);
    let lines = judged(ends).map(|case| case_text(case, width));
    lines.collect::<String>() + &end_text(ends, coverage, Paths::Below)
}

/// The line of one scenario in the table of a run, its name padded to so many columns.
#[must_use]
pub fn case_text(case: &JudgedCase, width: usize) -> String {
    let ended = case.run.firings.iter().map(|step| step.fired.firing.outcome.name());
    row_text(case.verdict().name(), &case.name, width, &ended.collect::<Vec<_>>(), case.took)
}

/// The line of one scenario: its verdict, its name, and how each of its firings ended.
pub(crate) fn row_text(
    verdict: &str,
    name: &str,
    width: usize,
    ended: &[&str],
    took: Option<Duration>,
) -> String {
    let (verdict, name) = (Painter::verdict(verdict), padded(&shown(name), width));
    // Up to the next millisecond: nothing takes no time.
    let took = took.map(|took| took.as_micros().div_ceil(1000));
    let took = took.map(|took| format!("  ({}.{:03} s)", took / 1000, took % 1000));
    format!("{verdict}  {name}  {}{}\n", ended.join(", "), took.unwrap_or_default())
}

/// What stands below the table of a run: the reasons of what failed, the coverage, and the counts as the last line.
#[must_use]
pub fn end_text(ends: &[CaseEnd], coverage: Option<&Coverage>, paths: Paths) -> String {
    let mut reasons = String::new();
    for result in judged(ends) {
        push_reasons(&mut reasons, result, paths);
    }
    let first = judged(ends).next();
    let backend = first.map_or_else(|| Backend::Memory.name().to_owned(), JudgedCase::place);
    let (passed, failed, skipped) = counts(ends);
    let end = RunEnd {
        reasons,
        laws: LawCounts::of(ends),
        without_snapshot: judged(ends).filter(|result| result.lacks_snapshot).count(),
        place: backend,
        counts: [passed, failed, skipped, refused(ends).count(), not_run(ends)],
    };
    end.text(coverage)
}

/// What stands below the table of a run, whether of one or of all its parts.
pub(crate) struct RunEnd {
    /// The reasons of what failed.
    pub(crate) reasons: String,
    pub(crate) laws: LawCounts,
    pub(crate) without_snapshot: usize,
    /// Where it ran.
    pub(crate) place: String,
    /// How many passed, failed, were skipped, refused, and not run.
    pub(crate) counts: [usize; 5],
}

impl RunEnd {
    pub(crate) fn text(self, coverage: Option<&Coverage>) -> String {
        let Self { reasons: mut out, laws, without_snapshot, place, counts } = self;
        if let Some(coverage) = coverage {
            out.push_str(&coverage_lines(coverage));
        }
        out.push_str(&laws.line());
        if without_snapshot > 0 {
            out.push_str(&format!(
                "{without_snapshot} without a snapshot: `--update` writes one\n"
            ));
        }
        let [passed, failed, skipped, refused, not_run] = counts;
        let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
        let not_run = if not_run > 0 { format!(", {not_run} not run") } else { String::new() };
        let summary = format!(
            "{place}: {passed} passed, {failed} failed, {skipped} skipped{refused}{not_run}"
        );
        let good = failed == 0 && refused.is_empty() && passed > 0;
        out.push_str(&Painter::paint(if good { Painter::GOOD } else { Painter::BAD }, &summary));
        out.push('\n');
        out
    }
}

/// What is said of a scenario that has just ended, for whoever reads the log of a long run. `replaced` is why it ran on
/// a new cluster, if it did.
#[must_use]
pub fn progress_text(case: &JudgedCase, seconds: f64, replaced: Option<&str>) -> String {
    let verdict = case.verdict().name();
    let mut text = format!("{verdict} in {seconds:.1} s: {}\n", shown(&case.name));
    if let Some(why) = replaced {
        text.push_str(&format!("    on a new cluster: {}\n", shown_lines(why, "    ")));
    }
    for reason in case.verdict().reasons() {
        text.push_str(&format!("    {}\n", shown_lines(reason.trim_end(), "    ")));
    }
    text
}

fn push_reasons(out: &mut String, result: &JudgedCase, paths: Paths) {
    let Some((word, style)) = head(result.verdict()) else { return };
    out.push('\n');
    out.push_str(&why_text(&Painter::paint(style, word), result, painted, paths));
}

fn head(verdict: &Verdict) -> Option<(&'static str, Style)> {
    match verdict {
        Verdict::Passed => None,
        Verdict::Failed(_) => Some(("failed:", Painter::BAD)),
        Verdict::Skipped(_) => Some(("skipped:", Painter::DULL)),
    }
}

/// The reasons of a scenario that did not pass, as they stand below the table, without colours.
pub(super) fn reasons_text(case: &JudgedCase) -> String {
    let Some((word, _)) = head(case.verdict()) else { return String::new() };
    format!("\n{}", why_text(word, case, str::to_owned, Paths::Below))
}

/// What is shown of a scenario that failed: the reasons, the path, and the command that runs it alone. Without colours.
#[must_use]
pub fn failure_text(case: &JudgedCase) -> String {
    why_text("failed:", case, str::to_owned, Paths::Below)
}

fn why_text(word: &str, result: &JudgedCase, paint: fn(&str) -> String, paths: Paths) -> String {
    let (title, file) = (shown(&result.plan.title), shown(&result.file));
    let mut out = format!("{word} {title}\n    at: {file}\n");
    let without: Vec<&str> = result.without.iter().map(|off| off.name()).collect();
    if !without.is_empty() {
        out.push_str(&format!("  with: amendments switched off: {}\n", without.join(", ")));
    }
    let is_difference = |index: usize| match result.verdict() {
        Verdict::Failed(reasons) => {
            matches!(reasons.get(index), Some(Reason::SnapshotDiffers { .. }))
        }
        Verdict::Passed | Verdict::Skipped(_) => false,
    };
    for (index, reason) in result.verdict().reasons().iter().enumerate() {
        let shown = shown_lines(reason.strip_suffix('\n').unwrap_or(reason), REASON);
        let shown = if is_difference(index) { paint(&shown) } else { shown.into_owned() };
        out.push_str(&format!("   why: {shown}\n"));
    }
    if let Verdict::Failed(reasons) = result.verdict() {
        let is_only_unkept = reasons.iter().all(|reason| matches!(reason, Reason::NoSnapshot));
        let is_shown = paths == Paths::Below && !is_only_unkept;
        let path = if is_shown { path_text(result, 8, Some(PATH_LINES)) } else { String::new() };
        if !path.is_empty() {
            out.push_str(&format!("  path:\n{path}"));
        }
        if let Some(rerun) = result.rerun() {
            out.push_str(&format!("   run: {}\n", shown(&rerun)));
        }
    }
    out
}

/// A reason as it is shown, with a difference in it in colour: its head, what is gone, what is new. It is painted once
/// everything in it is escaped, so no text of it can be taken for a colour.
fn painted(reason: &str) -> String {
    let Some((before, difference)) = reason.split_once(&format!("\n{REASON}--- snapshot\n")) else {
        return reason.to_owned();
    };
    let mut out = format!("{before}\n{REASON}{}", Painter::paint(Painter::HEAD, "--- snapshot"));
    let mut is_head = true;
    for line in difference.split('\n') {
        let text = line.strip_prefix(REASON).unwrap_or(line);
        is_head = is_head && !text.starts_with("@@");
        let style = match text.chars().next() {
            Some('+' | '-') if is_head => Painter::HEAD,
            Some('@') => Painter::HEAD,
            Some('+') => Painter::NEW,
            Some('-') => Painter::GONE,
            Some(_) | None => Style::new(),
        };
        out.push_str(&format!("\n{REASON}{}", Painter::paint(style, text)));
    }
    out
}

/// The runs that came to their end.
fn whole_runs(ends: &[CaseEnd]) -> impl Iterator<Item = &JudgedCase> {
    judged(ends).filter(|case| case.run.broken.is_none() && case.run.skipped.is_none())
}

/// The laws that were judged in no run.
#[must_use]
pub fn unjudged_laws(ends: &[CaseEnd]) -> Vec<Law> {
    LawCounts::of(ends).unjudged()
}

/// Over how many of the runs that came to their end each law was judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct LawCounts {
    /// How many runs came to their end.
    pub(crate) runs: usize,
    /// In how many of them each law was judged.
    pub(crate) judged: BTreeMap<Law, usize>,
}

impl LawCounts {
    pub(crate) fn of(ends: &[CaseEnd]) -> Self {
        let mut counts = Self::default();
        for case in whole_runs(ends) {
            counts.runs += 1;
            case.judged.laws.iter().for_each(|law| *counts.judged.entry(*law).or_default() += 1);
        }
        counts
    }

    fn count(&self, law: &Law) -> usize {
        self.judged.get(law).copied().unwrap_or_default()
    }

    /// The laws that were judged in no run.
    pub(crate) fn unjudged(&self) -> Vec<Law> {
        Law::ALL.iter().copied().filter(|law| self.count(law) == 0).collect()
    }

    /// How many laws were judged over how many runs, and what was not judged of all.
    fn line(&self) -> String {
        if self.runs == 0 {
            return String::new();
        }
        let whole = Law::ALL.iter().filter(|law| self.count(law) == self.runs).count();
        let (all, runs) = (Law::ALL.len(), counted(self.runs, "run"));
        let mut line = format!("laws: {whole} of {all} judged over {runs}");
        for at in [JudgedAt::Moment, JudgedAt::Settled] {
            let laws = Law::ALL.iter().filter(|law| law.judged_at() == at);
            let least = laws.clone().map(|law| self.count(law)).min().unwrap_or(self.runs);
            if least < self.runs {
                let (count, name) = (laws.count(), at.name());
                line.push_str(&format!(", {count} ({name}) over {least}: {}", at.why_not()));
            }
        }
        line + "\n"
    }
}

fn coverage_lines(coverage: &Coverage) -> String {
    let published = coverage.only(PUBLISHED);
    let (drawn, walked) = published.arrows();
    let (paths, taken) = published.paths();
    let mut out =
        format!("\npublished charts: {walked} of {drawn} arrows, {taken} of {paths} paths\n");
    let others: Vec<_> = coverage
        .charts
        .iter()
        .filter(|cover| cover.hook.is_none_or(|hook| !PUBLISHED.contains(&hook)))
        .collect();
    for cover in others {
        let ((drawn, walked), (paths, taken)) = (cover.arrow_counts(false), cover.path_counts());
        let name = &cover.chart.name;
        out.push_str(&format!("{name}: {walked} of {drawn} arrows, {taken} of {paths} paths\n"));
    }
    let (drawn, walked) = coverage.amended_arrows();
    out.push_str(&format!("amendments: {walked} of {drawn} arrows\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_painted_line_by_line_and_stays_what_it_was() {
        let reason = "the run differs\n--- snapshot\n+++ this run\n@@ -1,3 +1,3 @@\n same\n---- no head\n++++ no head\n";
        let shown = shown_lines(reason.trim_end(), REASON);
        let painted = painted(&shown);
        for (text, style) in [
            ("--- snapshot", Painter::HEAD),
            ("+++ this run", Painter::HEAD),
            ("@@ -1,3 +1,3 @@", Painter::HEAD),
            ("---- no head", Painter::GONE),
            ("++++ no head", Painter::NEW),
        ] {
            let line = format!("\n        {style}{text}{style:#}");
            assert!(painted.contains(&line), "{text}: {painted:?}");
        }
        assert!(painted.contains("\n         same\n"), "{painted:?}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), shown);
    }
}
