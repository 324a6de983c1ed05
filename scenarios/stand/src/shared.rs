//! What the stand-ins of one rehearsal share: the world, and what is under way.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pgdrill_core::{
    Fate, Hook, Ports, S3Relation, S3Settings, Shape,
    ports::{Answer, Call, PortResult, Service},
};
use pgdrill_sim::{FiringUnit, Injector, Moment, Noted, Shared, View};
use tokio::sync::Notify;

use pgdrill_core::FiringLine;

/// The endpoint by which a world knows its own S3 server.
const WORLD_ENDPOINT: &str = "https://s3.drill";
/// Stands for the bucket that a request names.
const ANY_BUCKET: &str = "any";
/// A port at which nobody listens.
const NOBODY: u16 = 1;

/// What the stand-ins share.
pub(super) struct SharedState {
    pub(super) world: Shared,
    /// The port of S3 and Kubernetes, and of every unit's Patroni.
    pub(super) port: u16,
    /// Says that the dispatch that runs is to be killed.
    pub(super) kill: Notify,
    state: Mutex<RehearsalState>,
    /// What this machine ran short of, so that nothing which was seen since says anything of a scenario.
    shortage: Mutex<Option<String>>,
}

/// What is under way.
#[derive(Default)]
pub(super) struct RehearsalState {
    /// The unit on which a dispatch runs.
    pub(super) unit: u32,
    pub(super) off: Vec<String>,
    /// What is injected into the world while the dispatch runs.
    pub(super) injector: Option<Arc<Injector<FiringUnit>>>,
    /// Whether every port call is reported, and the call before or after which the dispatch is killed.
    pub(super) counts_calls: bool,
    pub(super) kill_at: Option<usize>,
    pub(super) calls: Vec<String>,
    /// The results of the action on each unit.
    pub(super) results: BTreeMap<u32, Vec<(&'static str, String)>>,
    /// The firings so far, each with what was noted of its calls of ports.
    pub(super) reported: Vec<(FiringLine, Noted)>,
    /// What was noted of a firing that is not reported yet.
    noted: Noted,
    /// What each unit's state holds, as its own hook sees it.
    pub(super) deferred: BTreeMap<u32, Vec<Hook>>,
    /// The events that run on units by hand, not by a dispatch.
    pub(super) begun: BTreeMap<u32, Hook>,
    /// Whether the S3 relation is being taken away by this very hook.
    pub(super) is_s3_broken: bool,
    pub(super) tools: Vec<String>,
    /// Files by unit and path, with their permissions.
    pub(super) files: BTreeMap<(u32, String), (Vec<u8>, String)>,
    /// The marks of the settings that each unit's server runs on.
    pub(super) marks: BTreeMap<u32, String>,
    /// The units whose database service was stopped and whose server lives on.
    pub(super) outlived: BTreeSet<u32>,
    /// The services that did not come up and that Pebble will start again.
    pub(super) backoff: BTreeSet<(u32, Service)>,
    /// Every S3 relation that was shown: its place here is part of its region.
    relations: Vec<S3Relation>,
}

impl RehearsalState {
    /// Takes over what outlives a dispatch.
    pub(super) fn take_over(&mut self, ended: &mut Self) {
        self.unit = ended.unit;
        self.files = std::mem::take(&mut ended.files);
        self.marks = std::mem::take(&mut ended.marks);
        self.outlived = std::mem::take(&mut ended.outlived);
        self.backoff = std::mem::take(&mut ended.backoff);
        self.relations = std::mem::take(&mut ended.relations);
    }
}

impl SharedState {
    pub(super) fn new(world: Shared, port: u16) -> Self {
        let (state, shortage) = (Mutex::default(), Mutex::default());
        Self { world, port, kill: Notify::new(), state, shortage }
    }

    /// Keeps what the machine ran short of, if that is what this error says.
    pub(super) fn note(&self, error: &io::Error) {
        if is_shortage(error) {
            let mut shortage = self.shortage.lock().unwrap_or_else(PoisonError::into_inner);
            shortage.get_or_insert_with(|| error.to_string());
        }
    }

    /// What the machine ran short of first.
    pub(super) fn shortage(&self) -> Option<String> {
        self.shortage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, RehearsalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a service did not come up and is to be started again.
    pub(super) fn is_in_backoff(&self, unit: u32, service: Service) -> bool {
        self.state().backoff.contains(&(unit, service))
    }

    /// The ports of a unit in the world.
    pub(super) fn ports(&self, unit: u32) -> PortResult<Ports> {
        View::new(&self.world, unit).map(View::ports)
    }

    /// The ports of the unit on which a dispatch runs.
    pub(super) fn own(&self) -> PortResult<Ports> {
        let unit = self.state().unit;
        self.ports(unit)
    }

    /// The host of a unit; `{unit}` stands for any.
    pub(super) const HOSTS: &str = "127.0.1.1{unit}";

    /// The unit of a host.
    pub(super) fn unit_of(host: &str) -> Option<u32> {
        host.strip_prefix("127.0.1.1")?.parse().ok()
    }

    /// The endpoint that stands for a relation's own.
    pub(super) fn endpoint(&self, relation: &S3Relation) -> Option<String> {
        let own = relation.endpoint.as_deref()?;
        let (port, path) = match own.strip_prefix(WORLD_ENDPOINT) {
            Some(path) => (self.port, path),
            None => (NOBODY, ""),
        };
        Some(format!("https://127.0.0.1:{port}{path}"))
    }

    /// A repository's place as the world's databags have it, by the endpoint that stands for its own.
    pub(super) fn place(&self, own: &str) -> String {
        let (endpoint, rest) = split_place(own);
        let relation =
            S3Relation { endpoint: Some(endpoint.to_owned().into()), ..S3Relation::default() };
        self.endpoint(&relation).map_or_else(|| own.to_owned(), |endpoint| endpoint + rest)
    }

    /// The place that stands behind one that a dispatch has written, while this relation is there.
    pub(super) fn own_place(&self, place: &str, relation: Option<&S3Relation>) -> String {
        let (endpoint, rest) = split_place(place);
        let of = |relation: &S3Relation| {
            let is_it = self.endpoint(relation).as_deref() == Some(endpoint);
            relation.endpoint.as_deref().filter(|_| is_it).map(str::to_owned)
        };
        let own = relation.and_then(of).map(|own| own.trim_end_matches('/').to_owned());
        own.map_or_else(|| place.to_owned(), |own| own + rest)
    }

    /// The region that stands for a relation's own. A request is signed for a region, and every other part of it is its
    /// client's to choose, so it names the relation: by its number, behind a dot.
    pub(super) fn region(&self, relation: &S3Relation) -> String {
        // What a request itself says is no part of it.
        let hidden = S3Relation {
            bucket: Some(ANY_BUCKET.into()),
            path: None,
            region: None,
            ..relation.clone()
        };
        let mut state = self.state();
        let known = state.relations.iter().position(|known| *known == hidden);
        let number = known.unwrap_or_else(|| {
            state.relations.push(hidden);
            state.relations.len() - 1
        });
        format!("{}.{number}", relation.region.as_deref().unwrap_or("drill"))
    }

    /// The settings of which a region speaks, as the world knows them: bucket, path and region are for whoever asks to
    /// fill in.
    pub(super) fn settings(&self, region: &str) -> Option<S3Settings> {
        let number: usize = region.rsplit('.').next()?.parse().ok()?;
        let state = self.state();
        S3Settings::from_relation(state.relations.get(number)?).ok()
    }

    /// Injects what is due at a shape; whether the process dies of it.
    pub(super) async fn reach(&self, shape: &str, moment: Moment) -> bool {
        let injector = self.state().injector.clone();
        let Some((injector, shape)) = injector.zip(Shape::from_id(shape)) else { return false };
        injector.reach(shape, moment).await == Fate::Die
    }

    /// Injects what is due before a port call; whether the process dies of it.
    pub(super) async fn before_call(&self, place: &str) -> bool {
        let injector = self.state().injector.clone();
        let Some((injector, call)) = injector.zip(Call::from_place(place)) else { return false };
        injector.before_call(call).await == Fate::Die
    }

    /// Injects what is due after a port call; whether its answer never comes, and whether the process dies of it.
    pub(super) async fn after_call(&self, place: &str) -> (bool, bool) {
        let injector = self.state().injector.clone();
        let Some((injector, call)) = injector.zip(Call::from_place(place)) else {
            return (false, false);
        };
        let answer = injector.after_call(call).await;
        (answer == Answer::Lost, answer == Answer::Died)
    }

    /// Keeps that a port's call was made, and what it failed with, if it did.
    pub(super) fn note_call(&self, at: Option<&str>, place: &str, failure: Option<&str>) {
        let at = at.and_then(Shape::from_id);
        if let Some(call) = Call::from_place(place) {
            self.state().noted.add(at, call, failure);
        }
    }

    /// Keeps the firing that a line of the log reports, if it reports one.
    pub(super) fn report(&self, line: &str) {
        let mut state = self.state();
        if let Some(firing) = FiringLine::read(line) {
            let noted = std::mem::take(&mut state.noted);
            state.reported.push((firing, noted));
        }
    }

    /// Counts a report of a port call; whether the dispatch is to be killed here.
    pub(super) fn count(&self, place: String) -> bool {
        let mut state = self.state();
        state.calls.push(place);
        state.kill_at == Some(state.calls.len())
    }
}

/// Whether the machine, and not what was asked of it, is why something did not work: there are no more processes,
/// threads, descriptors, memory or room.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    // EAGAIN (of a process that was to start), ENOMEM, ENFILE, EMFILE, ENOSPC, ENOBUFS, EDQUOT.
    matches!(error.raw_os_error(), Some(11 | 12 | 23 | 24 | 28 | 105 | 122))
}

/// The endpoint of a repository's place, and its bucket and path behind it.
fn split_place(place: &str) -> (&str, &str) {
    let host = place.find("://").map_or(0, |scheme| scheme + 3);
    let end =
        place.get(host..).and_then(|rest| rest.find('/')).map_or(place.len(), |end| host + end);
    place.split_at(end)
}

#[cfg(test)]
mod tests {
    use pgdrill_sim::Given;

    use super::*;

    #[test]
    fn the_first_shortage_is_kept_and_nothing_else() {
        let shared = SharedState::new(pgdrill_sim::World::new(&Given::default()).shared(), 1);
        shared.note(&io::Error::from_raw_os_error(98));
        shared.note(&io::Error::other("no number"));
        assert_eq!(shared.shortage(), None);
        shared.note(&io::Error::from_raw_os_error(24));
        shared.note(&io::Error::from_raw_os_error(12));
        let first = shared.shortage().unwrap_or_default();
        assert!(first.contains("Too many open files"), "{first}");
    }
}
