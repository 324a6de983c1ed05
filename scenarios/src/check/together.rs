//! Hooks that run at the same time.

use crate::{
    names::Name,
    scenario::{FireStep, OrderedTurn, OverlappingEvent},
};

use super::Checker;

impl Checker<'_> {
    /// Whether a step is one of hooks that run at the same time, which is checked then.
    pub(super) fn together(&mut self, path: &str, step: &FireStep) -> bool {
        let FireStep { together, order, .. } = step;
        if together.is_empty() {
            if !order.is_empty() {
                let hint = "leave it out, or give the hooks that overlap as `together`";
                let place = format!("{path}/order");
                self.refuse_key(&place, "`order` belongs to a step with `together`", hint);
            }
            return false;
        }
        if step.hook.is_some() || step.change.is_some() || step.settle {
            let what = "a step is a `hook`, `together`, a `do` or `settle`, not two of them";
            self.refuse_key(&format!("{path}/together"), what, "make two steps of it");
            self.is_whole = false;
            return true;
        }
        self.stray(path, step);
        for (index, event) in together.iter().enumerate() {
            self.overlapping(&format!("{path}/together/{index}"), event, together, index);
        }
        if let [_] = together.as_slice() {
            let what = "one hook alone overlaps with nothing";
            let hint = "give another unit's hook, too, or make it a step with a `hook`";
            self.refuse_key(&format!("{path}/together"), what, hint);
        }
        if order.is_empty() {
            let what = "`together` needs an `order`";
            let hint = format!(
                "say who goes how far, as `order: [{{ unit: {0}, until: set_maintenance }}, {{ unit: {1} }}]`",
                together.first().map_or(0, |event| event.unit),
                together.get(1).map_or(1, |event| event.unit),
            );
            self.refuse(path, what, hint);
        }
        for (index, turn) in order.iter().enumerate() {
            self.turn(&format!("{path}/order/{index}"), turn, together);
        }
        self.fires.extend(together.iter().map(|event| event.hook.0));
        self.step_then(path, step);
        true
    }

    fn overlapping(
        &mut self,
        path: &str,
        event: &OverlappingEvent,
        all: &[OverlappingEvent],
        index: usize,
    ) {
        let place = format!("{path}/unit");
        self.unit(&place, "the one that fires", event.unit);
        if all.iter().take(index).any(|earlier| earlier.unit == event.unit) {
            let what = format!("Juju runs one hook at a time on unit {}", event.unit);
            self.refuse(&place, what, "give another unit, or a step of its own");
        }
        self.event(path, event.hook.0, &event.params, &event.meanwhile);
        self.event_then(&format!("{path}/then"), event.hook.0, &event.then);
    }

    fn turn(&mut self, path: &str, turn: &OrderedTurn, all: &[OverlappingEvent]) {
        let OrderedTurn { unit, until, during, after } = turn;
        let Some(event) = all.iter().find(|event| event.unit == *unit) else {
            let what = format!("no hook of this step runs on unit {unit}");
            self.refuse(&format!("{path}/unit"), what, "give a unit of `together`");
            return;
        };
        let places = [("until", until), ("during", during), ("after", after)];
        let mut given = places.into_iter().filter_map(|(key, at)| Some((key, at.as_ref()?)));
        let Some((key, Name(at))) = given.next() else { return };
        if let Some((surplus, _)) = given.next() {
            let what = "a turn has one of `until`, `during` and `after`";
            self.refuse_key(&format!("{path}/{surplus}"), what, "give each a turn of its own");
            return;
        }
        if key != "during" || self.lasts(path, *at, "until") {
            self.shape(&format!("{path}/{key}"), event.hook.0, *at);
        }
    }
}
