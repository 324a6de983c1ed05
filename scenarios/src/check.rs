//! Refuses what Juju could not produce, before anything runs.

use std::collections::BTreeMap;

use pgdrill_core::{Diagnostic, Hook, ports::BackupKind};
use pgdrill_sim::{Awaited, Change, MOST_UNITS, Moment};

use crate::{
    names::Name,
    scenario::{FireStep, Meanwhile, Scenario},
    target::Target,
    unexpected::escaped,
    words::is_change,
    yaml::{LeftOut, Span, YamlDocument, documents, from_document, name_hint},
};

mod along;
mod given;
mod meanwhile;
mod place;
mod then;
mod together;

pub(crate) use place::place;

/// Everything in a scenario that could not come about, with its place and the reason.
#[must_use]
pub fn check(document: &YamlDocument, scenario: &Scenario) -> Vec<Diagnostic> {
    check_rest(document, scenario, LeftOut::default())
}

/// As [`check`], of a scenario that was read in part: nothing is said that what was left out may have to do with.
pub(crate) fn check_rest(
    document: &YamlDocument,
    scenario: &Scenario,
    left_out: LeftOut,
) -> Vec<Diagnostic> {
    if !left_out.keeps_indices() {
        return Vec::new();
    }
    let mut checker = Checker::new(document, scenario.given.units);
    (checker.is_whole, checker.left_out) = (left_out.is_nothing(), left_out);
    checker.given(scenario);
    checker.done.has_tls = scenario.given.tls;
    for (index, step) in scenario.fire.iter().enumerate() {
        checker.step(&format!("fire/{index}"), step);
    }
    // A step that is nothing yet may be meant to fire.
    if checker.is_whole && !scenario.fire.iter().any(FireStep::fires) {
        checker.refuse("fire", "nothing fires", "add a step with a `hook`, or `settle: true`");
    }
    checker.end_then(scenario);
    checker.known(scenario);
    checker.impossible
}

/// Reads one change from a text, without knowing how many units there are.
///
/// # Errors
///
/// What is wrong, and where.
pub fn read_change(text: &str, file: &str) -> Result<(YamlDocument, Change), Box<Diagnostic>> {
    let mut documents = documents(text, file);
    if documents.len() != 1 {
        let what = format!("one change was expected, found {}", documents.len());
        let hint = "write it as in a scenario's `do`, as `s3-server: down`; `pgdrill words change` lists every change";
        return Err(Box::new(Diagnostic::error(file, what).hint(hint)));
    }
    let document = documents.remove(0).map_err(Box::new)?;
    let change =
        from_document(&document).map_err(|complaint| Box::new(in_words(complaint, text)))?;
    Ok((document, change))
}

/// A complaint about a change, with advice where the text is a word that leads to the list of changes, or lacks a space.
fn in_words(complaint: Diagnostic, text: &str) -> Diagnostic {
    let all = "`pgdrill words change` lists every change, and how it is written";
    let lacks_space = |(key, value): &(&str, &str)| {
        value.starts_with(|c: char| !c.is_whitespace()) && is_change(key)
    };
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}').trim();
    let advice = match inner.split_once(':').filter(lacks_space) {
        Some((key, value)) => format!("write a space after the colon: `{key}: {value}`; {all}"),
        None => match complaint.hint.as_deref().and_then(|hint| hint.split_once("? ")) {
            Some((question, _)) => format!("{question}? {all}"),
            None => all.to_owned(),
        },
    };
    complaint.hint(advice)
}

/// What keeps a change from coming about among this many units, outside of every firing.
#[must_use]
pub fn check_change(document: &YamlDocument, change: &Change, units: u32) -> Option<Diagnostic> {
    let mut checker = Checker { is_scenario: false, ..Checker::new(document, units) };
    checker.change("", change, None);
    checker.impossible.into_iter().next()
}

/// A parameter that Juju would refuse.
pub struct BadParameter {
    /// Whether its name is at fault, and not its value.
    is_name: bool,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// What stands for N in a value that is `${backup-N}`.
pub(crate) fn backup_number(value: &str) -> Option<&str> {
    value.strip_prefix("${backup-").and_then(|rest| rest.strip_suffix('}'))
}

/// Whether a value is what a run replaces: `${backup-N}`, N counting from 1.
fn is_token(value: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    backup_number(value)
        .is_some_and(|text| is_number(text) && text.parse().is_ok_and(|number: usize| number > 0))
}

/// How the name of a parameter begins that no action knows and that is no slip: Juju lets such parameters through, unless the
/// charm's `actions.yaml` forbids additional properties.
const FOREIGN: &str = "x-";

/// What is wrong with a parameter of a hook.
pub fn bad_parameter(hook: Hook, name: &str, value: &str) -> Option<BadParameter> {
    let is_foreign = hook.is_action() && name.starts_with(FOREIGN);
    if !hook.declared_parameters().contains(&name) && !is_foreign {
        let what = format!("{hook} takes no parameter `{name}`");
        let hint = name_hint(name, hook.parameters());
        let hint = hint.unwrap_or_else(|| "it takes none".to_owned());
        return Some(BadParameter { is_name: true, what, hint });
    }
    if value.contains('$') && !is_token(value) {
        let what = format!("the `$` in `{value}` begins nothing that stands for something");
        let hint = "`${backup-1}`, alone, stands for the id of the oldest backup, `${backup-2}` for the next";
        return Some(BadParameter { is_name: false, what, hint: hint.to_owned() });
    }
    let kinds: Vec<&str> = BackupKind::ALL.iter().map(|kind| kind.name()).collect();
    (name == "type" && !kinds.contains(&value)).then(|| {
        let what = format!("Juju refuses the backup type `{value}`");
        BadParameter { is_name: false, what, hint: name_hint(value, &kinds).unwrap_or_default() }
    })
}

struct Checker<'a> {
    document: &'a YamlDocument,
    units: u32,
    /// Whether a scenario is checked, and not one change to what is there.
    is_scenario: bool,
    /// The hooks that the steps so far fire.
    fires: Vec<Hook>,
    /// Whether one of the steps so far is `settle`.
    settles: bool,
    done: along::DoneSoFar,
    /// Whether every step is known, and everything that says how many units there are.
    is_whole: bool,
    left_out: LeftOut,
    impossible: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn new(document: &'a YamlDocument, units: u32) -> Self {
        let (is_whole, left_out, impossible) = (true, LeftOut::default(), Vec::new());
        Self {
            document,
            units,
            is_scenario: true,
            fires: Vec::new(),
            settles: false,
            done: along::DoneSoFar::default(),
            is_whole,
            left_out,
            impossible,
        }
    }

    /// Notes a complaint; `path` is the place of the value, as `fire/0/unit`.
    fn refuse(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.refuse_at(path, place(self.document.root(), path).value, what.into(), hint.into());
    }

    /// As [`refuse`](Self::refuse), when the key is at fault and not its value.
    fn refuse_key(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.refuse_at(path, place(self.document.root(), path).key, what.into(), hint.into());
    }

    fn refuse_at(&mut self, path: &str, span: Span, what: String, hint: String) {
        if !self.left_out.touches(path) {
            let Span { line, column, width } = span;
            self.impossible.push(self.document.diagnostic(line, column, width, what, Some(hint)));
        }
    }

    fn unit(&mut self, path: &str, role: &str, unit: u32) {
        let units = if self.is_whole { self.units } else { MOST_UNITS };
        if unit >= units {
            let hint = match units.saturating_sub(1) {
                0 if self.is_scenario => {
                    "there is one unit, number 0; `units` in `given` makes more".to_owned()
                }
                0 => "there is one unit, number 0; `scale-to` makes more".to_owned(),
                last => format!("units are numbered from 0 to {last}"),
            };
            let what = format!("{role} is unit {unit}, and there is no such unit");
            self.refuse(path, what, hint);
        }
    }

    fn step(&mut self, path: &str, step: &FireStep) {
        if step.settle && (step.hook.is_some() || step.change.is_some()) {
            let hint = "make two steps of it";
            let place = format!("{path}/settle");
            self.refuse_key(&place, "a step is a `hook`, a `do` or `settle`", hint);
        }
        if self.together(path, step) {
            return;
        }
        match (&step.hook, &step.change) {
            (Some(Name(hook)), None) => self.hook(path, *hook, step),
            (None, Some(change)) => {
                self.stray(path, step);
                self.change(&format!("{path}/do"), change, None);
            }
            (Some(_), Some(_)) => {
                let hint = "make two steps of it, or strike while the hook runs with `meanwhile`";
                self.refuse(&format!("{path}/do"), "a step is a `hook` or a `do`, not both", hint);
                self.is_whole = false;
            }
            (None, None) if step.settle => self.stray(path, step),
            (None, None) => {
                self.refuse(
                    path,
                    "a step needs a `hook`, `together`, a `do` or `settle: true`",
                    "add one of them",
                );
                self.is_whole = false;
            }
        }
        self.fires.extend(step.hook.map(|hook| hook.0));
        self.settles |= step.settle;
        self.step_then(path, step);
    }

    /// Refuses what only a step with a `hook` has.
    fn stray(&mut self, path: &str, step: &FireStep) {
        let stray = [
            ("unit", step.unit.is_some()),
            ("params", !step.params.is_empty()),
            ("meanwhile", !step.meanwhile.is_empty()),
        ];
        if let Some((key, _)) = stray.iter().find(|(_, given)| *given) {
            let what = format!("`{key}` belongs to a step with a `hook`");
            self.refuse_key(&format!("{path}/{key}"), what, "leave it out");
        }
    }

    fn hook(&mut self, path: &str, hook: Hook, step: &FireStep) {
        match step.unit.unwrap_or_default() {
            Target::Unit(unit) => self.unit(&format!("{path}/unit"), "the one that fires", unit),
            Target::All if !step.meanwhile.is_empty() => {
                let what = "`meanwhile` is of one firing, and `unit: all` fires on each unit";
                let hint = "give the unit on which it happens a step of its own";
                self.refuse_key(&format!("{path}/meanwhile"), what, hint);
            }
            Target::All => {}
        }
        self.event(path, hook, &step.params, &step.meanwhile);
    }

    /// What an event carries, and what happens within it.
    fn event(
        &mut self,
        path: &str,
        hook: Hook,
        params: &BTreeMap<String, String>,
        meanwhile: &[Meanwhile],
    ) {
        for (name, value) in params {
            let place = format!("{path}/params/{name}");
            match bad_parameter(hook, name, value) {
                Some(BadParameter { is_name: true, what, hint }) => {
                    self.refuse_key(&place, what, hint);
                }
                Some(BadParameter { is_name: false, what, hint }) => {
                    self.refuse(&place, what, hint);
                }
                None => {}
            }
        }
        for (index, meanwhile) in meanwhile.iter().enumerate() {
            self.meanwhile(&format!("{path}/meanwhile/{index}"), hook, meanwhile);
        }
    }

    /// `moment`: where it strikes a hook that runs; between two firings it is none.
    fn change(&mut self, path: &str, change: &Change, moment: Option<Moment>) {
        self.along(path, change);
        match change {
            Change::ScaleTo(0) => {
                self.refuse(path, "an application of no units fires no hook", "scale to 1 or more");
                self.is_whole = false;
            }
            Change::ScaleTo(count) if *count > MOST_UNITS => {
                let what = format!("{count} units can't be rehearsed");
                self.refuse(path, what, format!("scale to 1 to {MOST_UNITS}"));
                self.is_whole = false;
            }
            Change::ScaleTo(count) => self.units = *count,
            Change::ProcessDies if moment.is_none() => {
                let hint = "strike with it while a hook runs, under `meanwhile`";
                self.refuse(path, "between two firings no process runs that could die", hint);
            }
            Change::BackupIsKilled if moment != Some(Moment::During) => {
                let hint = "strike with it in the middle of one, under `meanwhile`: `during: has_backup_creation_succeeded`";
                self.refuse(path, "only a backup that runs can be killed", hint);
            }
            Change::Await(Awaited::RestoreBegun)
                if self.is_scenario
                    && self.is_whole
                    && moment.is_none()
                    && !self.fires.contains(&Hook::Restore) =>
            {
                let what = "no restore was asked for that could have begun";
                self.refuse(path, what, "fire `restore` first");
            }
            Change::S3Settings(s3) => self.s3(path, s3),
            Change::PrimaryMovesTo(_)
            | Change::PrimaryIsLost
            | Change::LeaderMovesTo(_)
            | Change::S3Server(_)
            | Change::RefuseKeysWith(_)
            | Change::S3Relation(_)
            | Change::Member(_)
            | Change::Dcs(_)
            | Change::ServiceWillNotStop(_)
            | Change::Service(_)
            | Change::DataDirectory(_)
            | Change::ArchiveCommand(_)
            | Change::ArchiveDelay(_)
            | Change::Pgbackrest(_)
            | Change::Lock(_)
            | Change::Tls(_)
            | Change::ClusterInitialises
            | Change::Workload(_)
            | Change::ProcessDies
            | Change::BackupIsKilled
            | Change::Await(_) => {}
        }
        if let Some(unit) = change.unit() {
            let place = format!("{path}/{}/unit", change.name());
            self.unit(&place, "the one that this happens to", unit);
        }
    }

    fn known(&mut self, scenario: &Scenario) {
        for (index, known) in scenario.known.iter().enumerate() {
            let unit = known.law.unit.unwrap_or(0);
            self.unit(&format!("known/{index}/law"), "the damaged one", unit);
            if known.because.trim().is_empty() {
                let hint = "say what goes wrong, and why it is still there";
                self.refuse(&format!("known/{index}/because"), "known damage has a reason", hint);
            }
        }
    }
}
