//! Holds what a scenario expects under `then` against what a run showed.

use pgdrill_core::ports::ServiceState;
use pgdrill_sim::{
    BackupGiven, BackupSeen, Observation, ServiceName, ServiceRuns, Shelf, UnitSeen,
};

use crate::{
    plan::{EventInTurns, Plan, PlanStep},
    reason::{FiringRef, Reason},
    run::{FiredStep, Run},
    target::Target,
    then::{Connections, ExpectedPrimary, Presence, Then},
    tokens::{in_tokens, is_expected, with_tokens},
    unexpected::{Difference, StepKind, StepRef, Unexpected},
};

/// What is expected with the steps that were taken, in order, and then what is expected at the end.
pub(crate) fn judge_then(plan: &Plan, run: &Run, reasons: &mut Vec<Reason>) {
    for (&index, then) in &plan.after_steps {
        let (Some(step), Some(seen)) = (plan.steps.get(index), run.after_steps.get(&index)) else {
            continue;
        };
        let firings = firings(run).filter(|(_, fired)| fired.step == index).collect();
        let subject = Subject {
            step: Some(StepRef::new(index, step)),
            events: events(step, &firings),
            firings,
            observation: seen.observation.as_ref(),
            backups: &seen.backups,
        };
        subject.judge(then, reasons);
    }
    judge_overlapping(plan, run, reasons);
    if run.broken.is_some() {
        // What the end would have shown was not decided.
        return;
    }
    let firings: Vec<_> = firings(run).collect();
    let subject = Subject {
        step: None,
        events: vec![(None, firings.last().copied())],
        firings,
        observation: Some(&run.observation),
        backups: &run.observation.backups,
    };
    subject.judge(&plan.then, reasons);
}

/// What is expected of each of several hooks that ran at the same time.
fn judge_overlapping(plan: &Plan, run: &Run, reasons: &mut Vec<Reason>) {
    for (index, step) in plan.steps.iter().enumerate() {
        let PlanStep::Together { events, .. } = step else { continue };
        if run.stopped_at.is_some_and(|stopped| stopped <= index) {
            break;
        }
        let expected = events.iter().enumerate().filter(|(_, it)| !it.then.is_empty());
        for (event, EventInTurns { hook, unit, then, .. }) in expected {
            let (hook, unit) = (*hook, *unit);
            let own = |(_, it): &IndexedFiring<'_>| it.step == index && it.fired.unit == unit;
            let firings: Vec<_> = firings(run).filter(own).collect();
            let kind = StepKind::Overlapping { event, hook, unit };
            let subject = Subject {
                step: Some(StepRef { index, kind }),
                events: vec![(Some(unit), last_on(unit, &firings))],
                firings,
                observation: None,
                backups: &run.observation.backups,
            };
            subject.judge(then, reasons);
        }
    }
}

/// A firing with its index in the run.
type IndexedFiring<'a> = (usize, &'a FiredStep);

fn firings(run: &Run) -> impl Iterator<Item = IndexedFiring<'_>> {
    run.firings.iter().enumerate()
}

/// The last firing on a unit.
fn last_on<'a>(unit: u32, firings: &[IndexedFiring<'a>]) -> Option<IndexedFiring<'a>> {
    firings.iter().rfind(|(_, it)| it.fired.unit == unit).copied()
}

/// The firing of a step's own event on each unit to which it went: the last one there, as deferred events come first.
fn events<'a>(
    step: &PlanStep,
    firings: &Vec<IndexedFiring<'a>>,
) -> Vec<(Option<u32>, Option<IndexedFiring<'a>>)> {
    let PlanStep::Fire { unit, .. } = step else { return Vec::new() };
    match unit {
        Target::Unit(unit) => vec![(Some(*unit), last_on(*unit, firings))],
        Target::All => {
            let mut units: Vec<u32> = firings.iter().map(|(_, it)| it.fired.unit).collect();
            units.dedup();
            if units.is_empty() {
                return vec![(None, None)];
            }
            units.into_iter().map(|unit| (Some(unit), last_on(unit, firings))).collect()
        }
    }
}

/// What a `then` speaks of.
struct Subject<'a> {
    step: Option<StepRef>,
    /// The firings whose end it speaks of, each with its unit.
    events: Vec<(Option<u32>, Option<IndexedFiring<'a>>)>,
    /// Every firing up to there that is its own.
    firings: Vec<IndexedFiring<'a>>,
    observation: Option<&'a Observation>,
    backups: &'a Shelf<BackupSeen>,
}

impl Subject<'_> {
    fn judge(&self, then: &Then, reasons: &mut Vec<Reason>) {
        let mut found = Vec::new();
        if then.is_of_firing() {
            for (unit, event) in &self.events {
                match event {
                    Some(event) => self.firing(then, *event, &mut found),
                    None => found.push(Difference::NothingFired { unit: *unit }),
                }
            }
        }
        if let Some(observation) = self.observation {
            self.units(then, observation, &mut found);
            self.storage(then, observation, &mut found);
        }
        self.visits(then, &mut found);
        let step = self.step;
        let reason = |difference| Reason::Unexpected(Box::new(Unexpected { step, difference }));
        reasons.extend(found.into_iter().map(reason));
    }

    fn firing(&self, then: &Then, (index, step): IndexedFiring<'_>, out: &mut Vec<Difference>) {
        let firing = FiringRef::new(index, step);
        let outcome = &step.fired.firing.outcome;
        let message = outcome.message().unwrap_or_default();
        if let Some(expected) = then.outcome
            && expected.0.name() != outcome.name()
        {
            let (expected, found) = (expected.0, outcome.name());
            let message = message.to_string();
            out.push(Difference::Outcome { firing, expected, found, message });
        }
        if let Some(expected) = &then.message
            && !is_expected(expected, &message, self.backups)
        {
            let (expected, found) = self.texts(expected, &message);
            out.push(Difference::Message { firing, expected, found });
        }
        let results = &step.fired.results;
        for (key, expected) in &then.results {
            // A result that is set again replaces the earlier one.
            let found = results.iter().rfind(|(other, _)| other == key).map(|(_, text)| text);
            if found.is_some_and(|found| is_expected(expected, found, self.backups)) {
                continue;
            }
            let (expected, text) = self.texts(expected, found.map_or("", String::as_str));
            let (key, found) = (key.clone(), found.map(|_| text));
            let keys = results.iter().map(|(key, _)| *key).collect();
            out.push(Difference::Result { firing, key, expected, found, keys });
        }
    }

    fn units(&self, then: &Then, seen: &Observation, out: &mut Vec<Difference>) {
        let unit = |number: u32| seen.units.iter().find(|seen| seen.unit == number);
        for (&number, expected) in &then.statuses {
            let found = unit(number).map(|seen| seen.status());
            let is_right = found.as_ref().is_some_and(|found| {
                let message = expected.message.as_deref();
                found.name == expected.name
                    && message.is_none_or(|it| is_expected(it, &found.message, self.backups))
            });
            if !is_right {
                let expected = expected.clone();
                out.push(Difference::Status { unit: number, expected, found });
            }
        }
        for (&number, &expected) in &then.connections {
            let found = unit(number).map(|seen| Connections::of(seen.accepts_connections));
            if found != Some(expected) {
                out.push(Difference::Connections { unit: number, expected, found });
            }
        }
        for (&number, expected) in &then.services {
            for (service, expected) in expected.named() {
                let found = unit(number).map(|seen| runs(seen, service));
                if found != Some(expected) {
                    out.push(Difference::Service { unit: number, service, expected, found });
                }
            }
        }
        let found = ExpectedPrimary::from(seen.primary);
        if let Some(expected) = then.primary.filter(|expected| *expected != found) {
            out.push(Difference::Primary { expected, found });
        }
    }

    fn storage(&self, then: &Then, seen: &Observation, out: &mut Vec<Difference>) {
        if let Some(expected) = &then.backups {
            let found: Vec<BackupGiven> = seen.backups.iter().map(in_a_word).collect();
            if *expected != found {
                out.push(Difference::Backups { expected: expected.clone(), found });
            }
        }
        for (pattern, &expected) in &then.objects {
            let with_tokens = |key: &String| with_tokens(key, self.backups);
            let own = in_tokens(pattern, self.backups);
            let is_one =
                |key: &&String| is_key_of(pattern, key) || is_key_of(&own, &with_tokens(key));
            let mut matching = seen.objects.iter().filter(is_one).peekable();
            let found = match (expected, matching.peek()) {
                (Presence::Present, None) => seen.objects.iter().map(with_tokens).collect(),
                (Presence::Absent, Some(_)) => matching.map(with_tokens).collect(),
                (Presence::Present, Some(_)) | (Presence::Absent, None) => continue,
            };
            let pattern = pattern.clone();
            out.push(Difference::Objects { pattern, expected, found });
        }
    }

    fn visits(&self, then: &Then, out: &mut Vec<Difference>) {
        for (index, shape) in then.not_visited.iter().enumerate() {
            let visits = |(_, step): &&IndexedFiring<'_>| {
                let firing = &step.fired.firing;
                firing.hook == shape.0.hook && firing.trace.visited(shape.0.shape)
            };
            if let Some((number, step)) = self.firings.iter().find(visits) {
                let firing = FiringRef::new(*number, step);
                out.push(Difference::Visit { shape: shape.0, firing, index });
            }
        }
    }

    /// An expected and a found text, both as a snapshot would have them.
    fn texts(&self, expected: &str, found: &str) -> (String, String) {
        (in_tokens(expected, self.backups), with_tokens(found, self.backups))
    }
}

/// What a service of a unit was seen to do.
const fn runs(seen: &UnitSeen, service: ServiceName) -> ServiceRuns {
    let state = match service {
        ServiceName::Database => seen.database,
        ServiceName::TlsServer => seen.tls_server,
    };
    match state {
        ServiceState::Running => ServiceRuns::Running,
        ServiceState::Stopped => ServiceRuns::Stopped,
        ServiceState::Unknown => ServiceRuns::Unknown,
    }
}

/// A backup as a scenario writes it.
fn in_a_word(backup: &BackupSeen) -> BackupGiven {
    if backup.failed { BackupGiven::Failed } else { backup.kind.into() }
}

/// Whether a key, or the end of it after a `/`, is a pattern's.
fn is_key_of(pattern: &str, key: &str) -> bool {
    fits(pattern, key) || fits(&format!("*/{pattern}"), key)
}

/// Whether a text is a pattern's, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_a_pattern_stands_for_any_text() {
        for (pattern, text, does_fit) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("b", "a/b", false),
            ("*/b", "a/c/b", true),
            ("a/*", "a/", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("a/*/c*e", "a/b/c/d/e", true),
            ("a/*/x*e", "a/b/c/d/e", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "xabab", true),
        ] {
            assert_eq!(fits(pattern, text), does_fit, "{pattern} {text}");
        }
    }

    #[test]
    fn a_key_may_be_given_by_its_end() {
        for (pattern, key, does_fit) in [
            ("latest", "drill/backup/latest", true),
            ("latest", "latest", true),
            ("backup/latest", "drill/backup/latest", true),
            ("test", "drill/backup/latest", false),
            ("backup", "drill/backup/latest", false),
            ("backup/*", "drill/backup/latest", true),
        ] {
            assert_eq!(is_key_of(pattern, key), does_fit, "{pattern} {key}");
        }
    }
}
