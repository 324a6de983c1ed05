//! What of a cluster is on its way, by its cause.

use pgdrill_containers::{Agreed, host, postgres::Admission};
use pgdrill_core::ports::{MemberState, ServiceState};

use super::look::UnitLook;

/// What there is to see of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sight {
    /// Its number.
    pub(super) unit: u32,
    pub(super) look: UnitLook,
    /// What its member says.
    pub(super) member: Option<MemberState>,
    /// What its server does with a new client; `None` where that is not known, or none is up.
    pub(super) admission: Option<Admission>,
}

/// What can be on its way while a unit is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnderWay {
    /// A service that is being started or stopped.
    Service,
    /// A command of the backup tool that writes to the repository.
    Backup,
    /// The answer of a member that is reached: whether it runs or not, it gives one at once unless the machine is busy.
    Answer,
    /// A database that was started, and whose manager or server is not up yet.
    Start,
    /// A leader: no member holds the lock yet.
    Election,
    /// The promotion of the member that holds the lock.
    Promotion,
    /// The demotion of a member that does not hold the lock.
    Demotion,
    /// Settings that the server has not loaded yet.
    Settings,
    /// The cluster's archive command, which the server has not loaded yet.
    ArchiveCommand,
}

/// The unit that is the primary, and failing that the first: it says where WAL goes.
pub(super) fn archiver(units: &[Sight]) -> Option<&Sight> {
    units.iter().find(|unit| unit.look.follows == Some(false)).or(units.first())
}

/// The first thing that is on its way. Where the DCS does not answer, or a unit is not reached, nothing comes about that takes
/// both. A restore that the run left under way is what it left: its end is waited for where the run says so.
pub(super) fn under_way(agreed: Option<&Agreed>, units: &[Sight]) -> Option<UnderWay> {
    if units.iter().any(|unit| unit.look.is_service_moving) {
        return Some(UnderWay::Service);
    }
    if units.iter().any(|unit| unit.look.is_tool_writing) {
        return Some(UnderWay::Backup);
    }
    if units.iter().any(|unit| unit.look.is_reached && unit.member.is_none()) {
        return Some(UnderWay::Answer);
    }
    let agreed = agreed?;
    let is_restoring = !agreed.is_made && units.iter().any(|unit| unit.look.restores);
    let managed =
        |unit: &&Sight| unit.look.is_reached && unit.look.database == ServiceState::Running;
    if is_restoring {
        return None;
    }
    let of_units = units.iter().filter(managed).find_map(|unit| of_unit(agreed, unit));
    of_units.or_else(|| {
        let archiver = archiver(units).filter(managed)?;
        let is_agreed = agreed.archive_command.as_ref() == Some(&archiver.look.archive_command);
        let is_up = archiver.look.follows.is_some();
        (is_up && !is_agreed).then_some(UnderWay::ArchiveCommand)
    })
}

/// What is on its way on a unit whose manager runs and is reached.
fn of_unit(agreed: &Agreed, unit: &Sight) -> Option<UnderWay> {
    let look = &unit.look;
    let holds_lock = agreed.leader.as_ref().map(|leader| *leader == host(unit.unit));
    let Some(follows) = look.follows else {
        // Without data, and without a leader who has any, it waits for ever.
        let waits_in_vain = agreed.is_made && look.is_data_empty && holds_lock.is_none();
        return (!look.is_kept_down && !waits_in_vain).then_some(UnderWay::Start);
    };
    let is_served = !matches!(unit.admission, None | Some(Admission::Unserved(_)));
    if unit.member != Some(MemberState::Running) || !is_served {
        return Some(UnderWay::Start);
    }
    match holds_lock {
        None => Some(UnderWay::Election),
        Some(true) if follows => Some(UnderWay::Promotion),
        Some(false) if !follows => Some(UnderWay::Demotion),
        Some(_) => look.is_behind.then_some(UnderWay::Settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "pgbackrest --stanza=drill.x archive-push %p";

    fn agreed() -> Agreed {
        Agreed {
            leader: Some("unit-0".into()),
            archive_command: Some(COMMAND.into()),
            is_made: true,
        }
    }

    fn sight(unit: u32, follows: bool) -> Sight {
        let look = UnitLook {
            is_reached: true,
            database: ServiceState::Running,
            follows: Some(follows),
            archive_command: COMMAND.into(),
            ..UnitLook::of_the_dead()
        };
        Sight {
            unit,
            look,
            member: Some(MemberState::Running),
            admission: Some(Admission::Accepted),
        }
    }

    fn pair(change: impl FnOnce(&mut Agreed, &mut Sight, &mut Sight)) -> Option<UnderWay> {
        let (mut agreed, mut first, mut second) = (agreed(), sight(0, false), sight(1, true));
        change(&mut agreed, &mut first, &mut second);
        under_way(Some(&agreed), &[first, second])
    }

    #[test]
    fn what_is_as_it_is_to_be_is_at_rest() {
        assert_eq!(pair(|_, _, _| ()), None);
        assert_eq!(pair(|_, _, second| second.look.database = ServiceState::Stopped), None);
        assert_eq!(
            pair(|_, first, _| first.admission = Some(Admission::Rejected("no".into()))),
            None
        );
        // Who is not reached gives no answer.
        assert_eq!(
            pair(|_, _, second| (second.member, second.look.is_reached) = (None, false)),
            None
        );
        // A replica is not asked where WAL goes.
        assert_eq!(pair(|_, _, second| second.look.archive_command = "/bin/true".into()), None);
    }

    #[test]
    fn a_member_that_is_reached_answers_or_will() {
        let silent = |unit: &mut Sight| unit.member = None;
        assert_eq!(pair(|_, _, second| silent(second)), Some(UnderWay::Answer));
        let stopped = |unit: &mut Sight| {
            unit.look.database = ServiceState::Stopped;
            unit.look.follows = None;
            silent(unit);
        };
        assert_eq!(pair(|_, first, _| stopped(first)), Some(UnderWay::Answer));
    }

    #[test]
    fn a_role_is_on_its_way_until_the_server_has_what_the_lock_says() {
        assert_eq!(pair(|_, first, _| first.look.follows = Some(true)), Some(UnderWay::Promotion));
        assert_eq!(
            pair(|_, _, second| second.look.follows = Some(false)),
            Some(UnderWay::Demotion)
        );
        assert_eq!(pair(|agreed, _, _| agreed.leader = None), Some(UnderWay::Election));
        // Somebody who is no member holds the lock: who led follows.
        let nobody = |agreed: &mut Agreed, first: &mut Sight, _: &mut Sight| {
            agreed.leader = Some("nobody".into());
            first.look.follows = Some(true);
        };
        assert_eq!(pair(nobody), None);
    }

    #[test]
    fn a_database_that_was_started_is_on_its_way_unless_it_waits_in_vain() {
        let down = |sight: &mut Sight| {
            sight.look.follows = None;
            sight.member = Some(MemberState::Stopped);
        };
        assert_eq!(pair(|_, first, _| down(first)), Some(UnderWay::Start));
        assert_eq!(
            pair(|_, _, second| second.member = Some(MemberState::Starting)),
            Some(UnderWay::Start)
        );
        assert_eq!(pair(|_, first, _| first.admission = None), Some(UnderWay::Start));
        let kept_down = |_: &mut Agreed, first: &mut Sight, _: &mut Sight| {
            down(first);
            first.look.is_kept_down = true;
        };
        assert_eq!(pair(kept_down), None);
        let mut alone = sight(0, true);
        down(&mut alone);
        alone.look.is_data_empty = true;
        let leaderless = Agreed { leader: None, ..agreed() };
        assert_eq!(under_way(Some(&leaderless), &[alone.clone()]), None);
        // A restore goes on for as long as it does; a new cluster is made soon.
        let making = Agreed { is_made: false, ..leaderless };
        assert_eq!(under_way(Some(&making), &[alone.clone()]), Some(UnderWay::Start));
        alone.look.restores = true;
        assert_eq!(under_way(Some(&making), &[alone]), None);
    }

    #[test]
    fn settings_and_commands_are_on_their_way_until_they_are_there() {
        assert_eq!(pair(|_, _, second| second.look.is_behind = true), Some(UnderWay::Settings));
        assert_eq!(
            pair(|_, first, _| first.look.archive_command = "/bin/true".into()),
            Some(UnderWay::ArchiveCommand)
        );
        assert_eq!(
            pair(|_, _, second| second.look.is_service_moving = true),
            Some(UnderWay::Service)
        );
        assert_eq!(pair(|_, first, _| first.look.is_tool_writing = true), Some(UnderWay::Backup));
    }

    #[test]
    fn nothing_comes_about_where_a_fault_is_in_the_way() {
        let mut first = sight(0, true);
        assert_eq!(under_way(None, &[first.clone()]), None);
        first.look.is_reached = false;
        assert_eq!(under_way(Some(&agreed()), &[first]), None);
        assert_eq!(under_way(Some(&agreed()), &[]), None);
    }
}
