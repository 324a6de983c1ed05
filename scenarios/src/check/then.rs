//! Refuses what no run could show, or what every run would.

use pgdrill_core::Hook;

use super::{Checker, escaped, is_token};
use crate::{
    names::{ChartShape, Name},
    scenario::{FireStep, Scenario},
    then::{ExpectedPrimary, Then},
};

impl Checker<'_> {
    /// What is expected right after a step, once what the step does is known.
    pub(super) fn step_then(&mut self, path: &str, step: &FireStep) {
        let (path, then) = (format!("{path}/then"), &step.then);
        let key = |key: &str| format!("{path}/{key}");
        if !then.damage.is_empty() {
            let what = "a law is judged of the whole run, so `damage` stands at the end only";
            self.refuse_key(&key("damage"), what, "put it under the scenario's own `then`");
        }
        let of_firing = [
            ("outcome", then.outcome.is_some()),
            ("message", then.message.is_some()),
            ("results", !then.results.is_empty()),
        ];
        let of_firing = of_firing.iter().find(|(_, is_given)| *is_given).map(|(name, _)| *name);
        if let (None, Some(name)) = (&step.hook, of_firing) {
            let what = format!("`{name}` is of a step with a `hook`");
            let hint = if step.together.is_empty() {
                "expect `statuses`, `connections`, `services`, `primary`, `backups` or `objects` here"
            } else {
                "expect it of one of the hooks of `together`"
            };
            self.refuse_key(&key(name), what, hint);
        }
        if let Some(Name(hook)) = &step.hook {
            self.results(&path, *hook, then);
        }
        if step.change.is_some() && !then.not_visited.is_empty() {
            let what = "a `do` fires nothing, so it visits no shape";
            self.refuse_key(&key("not-visited"), what, "put it with a step with a `hook`");
        }
        self.expected(&path, then);
        if step.change.is_none() {
            self.not_visited(&path, then);
        }
    }

    /// What is expected of one of several hooks that run at the same time.
    pub(super) fn event_then(&mut self, path: &str, hook: Hook, then: &Then) {
        if then.is_of_place() || !then.damage.is_empty() {
            let what = "this is of one hook, while others run";
            let hint = "expect `outcome`, `message`, `results` or `not-visited` here, and anything else with the step or at the end";
            self.refuse_key(path, what, hint);
        }
        self.results(path, hook, then);
        self.expected(path, then);
        self.not_visited(path, then);
    }

    /// Refuses results of what has none.
    fn results(&mut self, path: &str, hook: Hook, then: &Then) {
        if !hook.is_action() && !then.results.is_empty() {
            let what = format!("{hook} is no action, so it has no results");
            self.refuse_key(&format!("{path}/results"), what, "leave it out");
        }
    }

    /// What is expected at the end.
    pub(super) fn end_then(&mut self, scenario: &Scenario) {
        let then = &scenario.then;
        self.expected("then", then);
        self.not_visited("then", then);
        for (index, shape) in then.not_visited.iter().enumerate() {
            if scenario.covers.contains(shape) {
                let what = format!("{} stands under `covers`, too", shape.0);
                let hint = "take it out of one of them";
                self.refuse(&format!("then/not-visited/{index}"), what, hint);
            }
        }
        for (index, damage) in then.damage.iter().enumerate() {
            let unit = damage.unit.unwrap_or(0);
            self.unit(&format!("then/damage/{index}"), "the damaged one", unit);
        }
    }

    fn expected(&mut self, path: &str, then: &Then) {
        if let Some(message) = &then.message {
            self.text(&format!("{path}/message"), message);
        }
        for (key, text) in &then.results {
            self.text(&format!("{path}/results/{}", escaped(key)), text);
        }
        for (unit, status) in &then.statuses {
            let path = format!("{path}/statuses/{unit}");
            self.unit(&path, "the one with this status", *unit);
            if let Some(message) = &status.message {
                self.text(&format!("{path}/message"), message);
            }
        }
        for unit in then.connections.keys() {
            let path = format!("{path}/connections/{unit}");
            self.unit(&path, "the one with these connections", *unit);
        }
        for (unit, services) in &then.services {
            let path = format!("{path}/services/{unit}");
            self.unit(&path, "the one with these services", *unit);
            if services.named().next().is_none() {
                let what = "this says nothing of any service";
                self.refuse_key(&path, what, "say whether `database` or `tls-server` runs");
            }
        }
        if let Some(ExpectedPrimary::Unit(unit)) = then.primary {
            self.unit(&format!("{path}/primary"), "the primary", unit);
        }
        for pattern in then.objects.keys() {
            let path = format!("{path}/objects/{}", escaped(pattern));
            if pattern.is_empty() {
                let hint = "give a key, in which `*` stands for any text";
                self.refuse_key(&path, "no object has an empty key", hint);
            }
            self.token(&path, pattern, true);
        }
    }

    /// Refuses shapes of a hook that nothing fires.
    fn not_visited(&mut self, path: &str, then: &Then) {
        for (index, Name(ChartShape { hook, .. })) in then.not_visited.iter().enumerate() {
            if self.is_whole && !self.can_fire(*hook) {
                let what = format!("no step up to here fires {hook}, so none visits its shapes");
                let hint = "leave it out, or add the step that could visit it";
                self.refuse(&format!("{path}/not-visited/{index}"), what, hint);
            }
        }
    }

    /// Whether a step so far can have fired this hook. Only what was fired can be deferred.
    fn can_fire(&self, hook: Hook) -> bool {
        self.fires.contains(&hook) || (self.settles && !hook.is_action())
    }

    fn text(&mut self, path: &str, text: &str) {
        self.token(path, text, false);
    }

    /// Every `${` in a text must begin a token.
    fn token(&mut self, path: &str, text: &str, is_key: bool) {
        let begins = |(at, _)| text.get(at..);
        let is_none = |rest: &&str| {
            let end = rest.find('}').map(|end| end + 1);
            !end.and_then(|end| rest.get(..end)).is_some_and(is_token)
        };
        let Some(rest) = text.match_indices("${").filter_map(begins).find(is_none) else { return };
        let shown: String = rest.chars().take(20).collect();
        let what = format!("`{shown}` begins nothing that stands for something");
        let hint =
            "`${backup-1}` stands for the id of the oldest backup, `${backup-2}` for the next";
        if is_key { self.refuse_key(path, what, hint) } else { self.refuse(path, what, hint) }
    }
}
