//! What the steps so far have made of the world, as far as it keeps a later change from coming about.

use std::collections::BTreeMap;

use pgdrill_sim::{
    Change, DcsState, MemberFate, ServiceName, ServiceRuns, SetMember, SetService, TlsState,
};

use super::Checker;

/// What was done to the world so far.
#[derive(Default)]
pub(super) struct DoneSoFar {
    /// The units that can't lead the cluster, and why.
    fates: BTreeMap<u32, &'static str>,
    /// The units whose database is kept from running.
    stopped: BTreeMap<u32, &'static str>,
    is_dcs_down: bool,
    pub(super) has_tls: bool,
}

impl DoneSoFar {
    fn take_up(&mut self, change: &Change) {
        if let Change::Member(SetMember { unit, is }) = change {
            let why = match is {
                MemberFate::Running => None,
                MemberFate::Frozen => Some("is frozen"),
                MemberFate::Killed => Some("is dead"),
                MemberFate::CutOff => Some("reaches nobody"),
                MemberFate::ServerDown => Some("has no database server that runs"),
            };
            set(&mut self.fates, *unit, why);
        }
        if let Change::Service(SetService { unit, name: ServiceName::Database, is }) = change {
            let is_stopped = *is != ServiceRuns::Running;
            set(&mut self.stopped, *unit, is_stopped.then_some("has its database stopped"));
        }
        if let Change::Dcs(state) = change {
            self.is_dcs_down = *state == DcsState::Down;
        }
        if let Change::Tls(state) = change {
            self.has_tls = *state == TlsState::On;
        }
        // Who joins is a new one.
        if let Change::ScaleTo(count) = change {
            self.fates.retain(|unit, _| unit < count);
            self.stopped.retain(|unit, _| unit < count);
        }
    }
}

fn set(of: &mut BTreeMap<u32, &'static str>, unit: u32, why: Option<&'static str>) {
    match why {
        Some(why) => drop(of.insert(unit, why)),
        None => drop(of.remove(&unit)),
    }
}

impl Checker<'_> {
    /// Refuses a change that what was done before keeps from coming about, and takes it up.
    pub(super) fn along(&mut self, path: &str, change: &Change) {
        if self.is_scenario && self.is_whole {
            if let Change::PrimaryMovesTo(unit) = change {
                self.move_of_primary(&format!("{path}/{}", change.name()), *unit);
            }
            if let Change::Service(set) = change
                && set.name == ServiceName::TlsServer
                && set.is == ServiceRuns::Running
                && !self.done.has_tls
            {
                let hint = "give `tls: true`, or make it so by `do: { tls: on }`";
                let what = "TLS servers run only with TLS";
                self.refuse(&format!("{path}/service/name"), what, hint);
            }
        }
        self.done.take_up(change);
    }

    fn move_of_primary(&mut self, path: &str, unit: u32) {
        if self.done.is_dcs_down {
            let what = "no member can become the primary while the DCS is down";
            self.refuse(path, what, "have it move first, or bring the DCS up before");
            return;
        }
        let why = self.done.fates.get(&unit).or_else(|| self.done.stopped.get(&unit));
        if let Some(why) = why {
            let what = format!("unit {unit} can't become the primary: it {why}");
            self.refuse(path, what, "have it move first, or bring the unit up before");
        }
    }
}
