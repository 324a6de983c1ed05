//! A topology in memory. It stays up as a journal of what was done to it, which every command takes up again from its
//! beginning: the fakes are deterministic, so it comes out the same.

use std::collections::BTreeMap;

use pgdrill_core::{
    Amendments, Diagnostic, Hook,
    ports::{MemberState, ServiceState},
};
use pgdrill_sim::{
    Change, Event, Fired, Given, Impossible, Observation, S3Given, Shared, StanzaGiven, UnitSeen,
    View, World, dispatch, lock,
};
use serde::{Deserialize, Serialize};

use super::{
    BackupThere, FaultsInForce, TopologyError, TopologySeen, UnitThere, check_parameters,
    check_unit, fill_in, member_name, service_name,
};
use crate::{
    check::{check_change, read_change},
    digest::{digest, digest_of_charts},
};

/// The form of a journal.
const FORM: u32 = 1;

/// A topology of fakes, and everything that was done to it.
pub struct MemoryTopology {
    name: String,
    world: Shared,
    faults: FaultsInForce,
    journal: Journal,
}

/// What outlives a command. It holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Journal {
    form: u32,
    /// The version of pgdrill that wrote it.
    version: String,
    /// The digest of the charts that its hooks walk.
    charts: String,
    units: u32,
    tls: bool,
    /// In order.
    done: Vec<Done>,
    /// The digest of what there was after all of it.
    left: String,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Done {
    /// A hook was fired.
    Fire { hook: String, unit: u32, parameters: BTreeMap<String, String> },
    /// A change came about, in the words in which it was asked for.
    Do(String),
    /// Every fault was undone.
    Heal,
}

/// Why a journal can't be taken up, in words that go on from what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no journal.
    Broken(String),
    /// Another pgdrill wrote it, whose fakes, hooks or charts are not these.
    Foreign(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(why) => write!(f, "can't be read: {why}"),
            Self::Foreign(why) => write!(f, "is another pgdrill's: {why}"),
        }
    }
}

impl MemoryTopology {
    /// Brings one up, as the hooks themselves would have left it: with an S3 relation and a stanza.
    #[must_use]
    pub fn raise(name: &str, units: u32, tls: bool) -> Self {
        let given = Given {
            units,
            tls,
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            ..Given::default()
        };
        let journal = Journal {
            form: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            charts: digest_of_charts(),
            units,
            tls,
            done: Vec::new(),
            left: String::new(),
        };
        let world = World::new(&given).shared();
        Self { name: name.to_owned(), world, faults: FaultsInForce::default(), journal }
    }

    /// Takes up what a journal tells.
    ///
    /// # Errors
    ///
    /// It is no journal, or it does not lead here to where it led the pgdrill that wrote it.
    pub async fn again(name: &str, journal: &[u8]) -> Result<Self, Unreadable> {
        let broken = |why: String| Unreadable::Broken(why);
        // Of another form nothing else is known.
        let form: Form = serde_json::from_slice(journal).map_err(|why| broken(why.to_string()))?;
        if form.form != FORM {
            return Err(Unreadable::Foreign(format!("it is of form {}", form.form)));
        }
        let kept: Journal =
            serde_json::from_slice(journal).map_err(|why| broken(why.to_string()))?;
        if !(1..=pgdrill_sim::MOST_UNITS).contains(&kept.units) {
            return Err(broken(format!("it has {} units", kept.units)));
        }
        let mut topology = Self::raise(name, kept.units, kept.tls);
        let own = &topology.journal;
        if kept.version != own.version {
            let why = format!("version {} wrote it, this is {}", kept.version, own.version);
            return Err(Unreadable::Foreign(why));
        }
        if kept.charts != own.charts {
            return Err(Unreadable::Foreign("its charts are not the same".to_owned()));
        }
        for (number, done) in (1..).zip(kept.done) {
            let again = topology.redo(done).await;
            again.map_err(|why| broken(format!("its entry {number} is impossible: {why}")))?;
        }
        if kept.left != topology.left() {
            return Err(Unreadable::Foreign("it leads to something else here".to_owned()));
        }
        Ok(topology)
    }

    async fn redo(&mut self, done: Done) -> Result<(), String> {
        let in_words = |error| match error {
            TopologyError::Wrong(complaint) | TopologyError::Failed(complaint) => {
                complaint.what.clone()
            }
        };
        match done {
            Done::Fire { hook, unit, parameters } => {
                let hook: Hook = hook.parse().map_err(|_| format!("no hook is `{hook}`"))?;
                self.fire(hook, unit, &parameters).await.map(drop).map_err(in_words)
            }
            Done::Do(words) => self.happen(&words).map_err(in_words),
            Done::Heal => {
                self.heal();
                Ok(())
            }
        }
    }

    /// The journal as it is to be kept.
    ///
    /// # Errors
    ///
    /// What JSON can't hold.
    pub fn journal(&self) -> Result<String, serde_json::Error> {
        let journal = Journal { left: self.left(), ..self.journal.clone() };
        Ok(serde_json::to_string_pretty(&journal)? + "\n")
    }

    /// How many units there are.
    #[must_use]
    pub fn size(&self) -> u32 {
        u32::try_from(lock(&self.world).observe().units.len()).unwrap_or(u32::MAX)
    }

    /// Fires a hook on a unit.
    ///
    /// # Errors
    ///
    /// There is no such unit, or the parameters are none of the hook's.
    pub async fn fire(
        &mut self,
        hook: Hook,
        unit: u32,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<Fired>, TopologyError> {
        check_parameters(hook, parameters)?;
        check_unit(&self.name, unit, self.size())?;
        let filled = fill_in(parameters, &lock(&self.world).backups())?;
        let ports = View::new(&self.world, unit)?.ports();
        let event = Event { hook, unit, parameters: filled };
        let all = Amendments::all();
        let fired = dispatch(&self.world, &ports, &event, all, None).await?;
        let (hook, parameters) = (hook.name().to_owned(), parameters.clone());
        self.journal.done.push(Done::Fire { hook, unit, parameters });
        Ok(fired)
    }

    /// A change comes about, in the words of a scenario's `do`.
    ///
    /// # Errors
    ///
    /// The words are none of a change's, or it is impossible among so many units.
    pub fn happen(&mut self, words: &str) -> Result<(), TopologyError> {
        let (document, change): (_, Change) =
            read_change(words, "<change>").map_err(TopologyError::Wrong)?;
        if let Some(complaint) = check_change(&document, &change, self.size()) {
            return Err(TopologyError::Wrong(Box::new(complaint)));
        }
        let refused = |why: Impossible| {
            let complaint = Diagnostic::error("<change>", why.to_string());
            TopologyError::Wrong(Box::new(
                complaint.hint("`pgdrill status` shows how each member is"),
            ))
        };
        lock(&self.world).happen(&change).map_err(refused)?;
        self.faults.note(&change, words);
        self.journal.done.push(Done::Do(words.to_owned()));
        Ok(())
    }

    /// Every fault is undone. Roles, the number of units and what Juju knows stay as they are.
    pub fn heal(&mut self) {
        lock(&self.world).undo_faults();
        self.faults.clear();
        self.journal.done.push(Done::Heal);
    }

    /// What can be seen of it.
    #[must_use]
    pub fn seen(&self) -> TopologySeen {
        let world = lock(&self.world);
        let (seen, leader) = (world.observe(), world.leader());
        TopologySeen {
            name: self.name.clone(),
            backend: "memory",
            tls: world.has_tls(),
            units: seen.units.iter().map(|unit| there(unit, &seen, leader)).collect(),
            containers: Vec::new(),
            s3: "memory".to_owned(),
            endpoint: world.s3_values().endpoint.to_string(),
            endpoint_here: None,
            bucket: world.s3_values().bucket.to_string(),
            backups: seen.backups.iter().map(BackupThere::from).collect(),
            stanza: seen.stanza,
            archives_into: seen.archives_into,
            restoring: seen.restoring,
            backups_unknown: None,
            faults: self.faults.words(),
        }
    }

    /// The digest of everything that can be seen, and of the faults in force.
    fn left(&self) -> String {
        digest(format!("{:?} {:?}", lock(&self.world).observe(), self.faults).as_bytes())
    }
}

/// What every journal says of itself, whatever else its form has.
#[derive(Deserialize)]
struct Form {
    form: u32,
}

fn there(unit: &UnitSeen, seen: &Observation, leader: u32) -> UnitThere {
    let status = unit.status();
    UnitThere {
        unit: unit.unit,
        leads: unit.unit == leader,
        container: None,
        // Only a server that runs says what it is.
        role: match (unit.member, seen.primary == Some(unit.unit)) {
            (Some(MemberState::Running), true) => "primary",
            (Some(MemberState::Running), false) => "replica",
            (Some(MemberState::Starting | MemberState::Stopped) | None, _) => "unknown",
        },
        status: status.name.name(),
        message: status.message.into_owned(),
        member: member_name(unit.member),
        postgresql: service_name(unit.database),
        pgbackrest_server: service_name(match unit.member {
            Some(_) => unit.tls_server,
            None => ServiceState::Unknown,
        }),
        accepts_connections: Some(unit.accepts_connections),
        data_empty: Some(unit.is_data_empty),
        deferred: unit.deferred.iter().map(|hook| hook.name()).collect(),
        database_port: None,
        api_port: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::topology_text;
    use futures_util::FutureExt as _;

    fn again(journal: &str) -> Result<MemoryTopology, Unreadable> {
        MemoryTopology::again("local", journal.as_bytes()).now_or_never().expect("no fake waits")
    }

    fn fire(
        topology: &mut MemoryTopology,
        hook: Hook,
        unit: u32,
        parameters: &[(&str, &str)],
    ) -> Vec<Fired> {
        let parameters = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let fired = topology.fire(hook, unit, &parameters.collect()).now_or_never();
        fired.expect("no fake waits").expect("fires")
    }

    /// One to which something of every kind was done.
    fn used() -> MemoryTopology {
        let mut topology = MemoryTopology::raise("local", 2, true);
        fire(&mut topology, Hook::CreateBackup, 1, &[("type", "full")]);
        topology.happen("s3-server: down").expect("possible");
        fire(&mut topology, Hook::CreateBackup, 1, &[("type", "full")]);
        topology.heal();
        topology.happen("scale-to: 1").expect("possible");
        fire(&mut topology, Hook::Restore, 0, &[("backup-id", "${backup-1}")]);
        topology.happen("dcs: down").expect("possible");
        topology
    }

    #[test]
    fn what_was_done_is_taken_up_again_after_every_step() {
        let topology = used();
        let journal = topology.journal().expect("JSON");
        let taken_up = again(&journal).expect("readable");
        assert_eq!(taken_up.seen(), topology.seen());
        assert_eq!(taken_up.journal().expect("JSON"), journal);
        let text = topology_text(&topology.seen(), None);
        assert!(text.contains("fault: dcs: down\n") && text.contains("restoring 2"), "{text}");
        assert!(!text.contains("s3-server"), "{text}");
        assert_eq!((topology.size(), topology.seen().backups.len()), (1, 1));
    }

    #[test]
    fn what_another_pgdrill_wrote_is_not_taken_up() {
        let journal = used().journal().expect("JSON");
        let own = digest_of_charts();
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        for (from, to, why) in [
            ("\"form\": 1", "\"form\": 2", "is another pgdrill's: it is of form 2"),
            (&version, "\"version\": \"0.0.1\"", "is another pgdrill's: version 0.0.1 wrote it"),
            (&own, "0", "is another pgdrill's: its charts are not the same"),
            ("dcs: down", "dcs: up", "is another pgdrill's: it leads to something else"),
            ("scale-to: 1", "scale-to: 0", "can't be read: its entry 5 is impossible"),
            ("\"units\": 2", "\"units\": 99", "can't be read: it has 99 units"),
            ("\"heal\"", "\"hale\"", "can't be read: unknown variant `hale`"),
        ] {
            assert!(journal.contains(from), "{from}: {journal}");
            let found = again(&journal.replace(from, to)).err().map(|why| why.to_string());
            assert!(found.as_deref().is_some_and(|found| found.starts_with(why)), "{found:?}");
        }
        let half = journal.get(..journal.len() / 2).unwrap_or_default();
        assert!(matches!(again(half), Err(Unreadable::Broken(_))));
    }

    #[test]
    fn what_is_refused_is_not_done() {
        let mut topology = used();
        let before = topology.journal().expect("JSON");
        assert!(topology.happen("primary-moves-to: 1").is_err());
        assert!(topology.happen("nothing").is_err());
        for (hook, unit, name, value) in [
            (Hook::CreateBackup, 1, "type", "full"),
            (Hook::CreateBackup, 0, "kind", "full"),
            (Hook::Restore, 0, "backup-id", "${backup-9}"),
        ] {
            let parameters = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            let fired = topology.fire(hook, unit, &parameters).now_or_never();
            assert!(matches!(fired, Some(Err(TopologyError::Wrong(_)))), "{name}={value}");
        }
        assert_eq!(topology.journal().expect("JSON"), before);
    }
}
