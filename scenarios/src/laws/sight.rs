//! What can be seen of one unit around its firing, at one time.

use pgdrill_core::{Status, ports::key};
use pgdrill_sim::{Facts, Observation, UnitFacts, UnitSeen};

use super::moment::Moment;

/// What can be seen of the unit of a firing at one time.
pub(super) struct Sight<'a> {
    pub(super) moment: &'a Moment<'a>,
    pub(super) seen: &'a Observation,
    pub(super) facts: &'a Facts,
    pub(super) unit: &'a UnitSeen,
    pub(super) own: &'a UnitFacts,
    /// Its status, as whoever looks wants it: what it shows then, or what it showed before the firing set one of its own.
    pub(super) status: Status,
}

impl<'a> Sight<'a> {
    /// What can be seen then; `None` where the unit is not there.
    pub(super) fn new(
        moment: &'a Moment<'a>,
        seen: &'a Observation,
        facts: &'a Facts,
        status: impl Fn(&UnitSeen) -> Status,
    ) -> Option<Self> {
        let unit = moment.unit(seen)?;
        let own = facts.unit(unit.unit)?;
        Some(Self { moment, seen, facts, unit, own, status: status(unit) })
    }

    /// What could be seen before the event.
    pub(super) fn before(moment: &'a Moment<'a>) -> Option<Self> {
        Self::new(moment, &moment.around.before, moment.before, UnitSeen::status)
    }

    /// Whether the unit has recorded that it has TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.own.databag(key::TLS).is_some()
    }

    /// The backup id that was given, blank where none was.
    pub(super) fn backup_id(&self) -> &str {
        self.moment.around.parameters.get("backup-id").map_or("", |id| id.trim())
    }

    /// Whether the event was given a parameter that its hook does not know.
    pub(super) fn was_given_unknown_parameter(&self) -> bool {
        let known = self.moment.at.hook.parameters();
        let mut given = self.moment.around.parameters.keys();
        given.any(|name| !known.contains(&name.as_str()))
    }
}
