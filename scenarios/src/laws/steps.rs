//! The law of what a firing says that it did: each step of its trace was done, once and in its turn.

use pgdrill_core::{
    Action, Amendment, Attempt, Ending, Mark, Outcome, PortErrorKind, Shape, StatusName, Step,
    Trace,
    ports::{Call, MemberState, ServiceState, key},
    texts,
};
use pgdrill_sim::{CallMade, Fired, UnitSeen};

use super::moment::{Moment, is_there};
use crate::{
    law::{Law, Violation},
    reason::FiringRef,
    run::FiredStep,
};

/// The calls by which a step is done, and how many of them there are.
struct Done {
    by: &'static [Call],
    least: usize,
    most: usize,
}

const MANY: usize = usize::MAX;

impl Done {
    const fn once(by: &'static [Call]) -> Option<Self> {
        Some(Self { by, least: 1, most: 1 })
    }

    const fn some(by: &'static [Call]) -> Option<Self> {
        Some(Self { by, least: 1, most: MANY })
    }

    const fn at_most_once(by: &'static [Call]) -> Option<Self> {
        Some(Self { by, least: 0, most: 1 })
    }

    /// How a step is done; `None` for one that changes nothing.
    const fn of(step: &Step) -> Option<Self> {
        match step.shape {
            Shape::Action(action) => Self::of_action(action, step.mark),
            Shape::Ending(Ending::Defer) => Self::once(&[Call::UnitDefer]),
            Shape::Ending(Ending::FailAction | Ending::FailAction2) => {
                Self::once(&[Call::UnitFailAction])
            }
            Shape::Attempt(_)
            | Shape::Start
            | Shape::Question(_)
            | Shape::Ending(Ending::Rtn | Ending::HookError) => None,
        }
    }

    const fn of_action(action: Action, mark: Option<Mark>) -> Option<Self> {
        match action {
            Action::RenderPgbackrestConfig => Self::once(&[Call::RepositoryConfigure]),
            // What it says already is neither set nor written again.
            Action::SetBlocked => match mark {
                Some(Mark::Refined(Amendment::PrimaryMakesTheStanza)) => None,
                Some(_) | None => Self::at_most_once(&[Call::UnitSetStatus]),
            },
            Action::StopPgbackrestTlsServer => Self::once(&[Call::WorkloadStop]),
            Action::StartPgbackrestTlsServer => {
                Self::once(&[Call::WorkloadStart, Call::WorkloadReload])
            }
            Action::BlockNewConnections
            | Action::AllowNewConnections
            | Action::RepairInterruptedBackup
            | Action::ConfigureRestore
            | Action::ClearRestoreFlags => Self::once(&[Call::ClusterApply]),
            Action::SetMaintenance
            | Action::SetActive
            | Action::SetActivePrimary
            | Action::PutStatusBack => Self::once(&[Call::UnitSetStatus]),
            Action::UploadErrorLogsS3 => Self::once(&[Call::ObjectStorePut]),
            Action::FinishAction | Action::ReturnFormattedBackupList => {
                Self::once(&[Call::UnitSetResult])
            }
            Action::StartDatabaseAgain => match mark {
                // Its data may be gone.
                Some(Mark::Refined(Amendment::UnansweredStepIsAskedAgain)) => None,
                Some(_) | None => Self::once(&[Call::WorkloadStart]),
            },
            Action::StartDatabase => Self::once(&[Call::WorkloadStart]),
            // A member that is on its way is left as it is.
            Action::EndInterruptedRestore => Self::at_most_once(&[Call::UnitSetStatus]),
            Action::SettleStanzaRecords => Self::some(&[Call::UnitSetData, Call::UnitSetStatus]),
        }
    }
}

/// What a firing's calls say of its steps.
pub(super) fn of_firing(at: FiringRef, step: &FiredStep, found: &mut Vec<Violation>) {
    let fired = &step.fired;
    let (Some(calls), Some(failures)) = (&fired.calls, &fired.failures) else { return };
    // A unit that is removed meanwhile need not have done what it was about to.
    if !is_there(step) {
        return;
    }
    for (shape, count) in visits(&fired.firing.trace) {
        // What failed there, or was cut off there, need not have been done.
        let is_cut_off = ended_at(&fired.firing.outcome) == Some(shape)
            || failures.iter().any(|failure| failure.at == Some(shape));
        if is_cut_off {
            continue;
        }
        let mut steps = fired.firing.trace.steps().iter().filter(|step| step.shape == shape);
        let Some(done) = steps.next().and_then(Done::of) else { continue };
        let is_of = |made: &&CallMade| made.at == Some(shape) && done.by.contains(&made.call);
        let made = calls.iter().filter(is_of).count();
        if made < done.least.saturating_mul(count) || made > done.most.saturating_mul(count) {
            let (unit, hook) = (at.unit, at.hook);
            let times = match made {
                0 => "not at all".to_owned(),
                _ => format!("{made} times"),
            };
            let what =
                format!("{hook} on unit {unit} says that it did {shape}, and did it {times}");
            found.push(Violation::of(Law::StepUndone, unit, what).by(at, Some(shape)));
        }
    }
    attempts(at, fired, calls, found);
    let mut is_cleanup = false;
    for pair in fired.firing.trace.steps().windows(2) {
        let [before, step] = pair else { continue };
        is_cleanup |= before.shape == Shape::Ending(Ending::HookError);
        if !may_be_inserted(fired, *before, *step, is_cleanup) {
            needless(at, step.shape, found);
        }
    }
}

/// Each shape of a trace, with how often it was visited.
fn visits(trace: &Trace) -> Vec<(Shape, usize)> {
    let mut visits: Vec<(Shape, usize)> = Vec::with_capacity(trace.steps().len());
    for step in trace.steps() {
        match visits.iter_mut().find(|(shape, _)| *shape == step.shape) {
            Some((_, count)) => *count += 1,
            None => visits.push((step.shape, 1)),
        }
    }
    visits
}

/// The shape at which a firing ended early.
const fn ended_at(outcome: &Outcome) -> Option<Shape> {
    match outcome {
        Outcome::Error(error) => Some(error.shape),
        Outcome::Died(shape) => Some(*shape),
        Outcome::Finished | Outcome::Failed(_) | Outcome::Returned | Outcome::Deferred => None,
    }
}

/// The call by which an attempt is made, if it changes something.
const fn essential(attempt: Attempt) -> Option<Call> {
    match attempt {
        Attempt::CouldInitialiseStanza => Some(Call::RepositoryCreateStanza),
        Attempt::IsWalArchivingToS3Working => Some(Call::RepositoryCheck),
        Attempt::WasPossibleUploadMetadataFileTestConnectivityS3
        | Attempt::WereBackupLogsUploadedS3 => Some(Call::ObjectStorePut),
        Attempt::HasBackupCreationSucceeded => Some(Call::RepositoryBackUp),
        Attempt::DoesPgbackrestReturnedBackupsList => None,
        Attempt::HasDatabaseStopped => Some(Call::WorkloadStop),
        Attempt::WasPreviousClusterInfoRemoved => Some(Call::ClusterRecordRemove),
        Attempt::WasDataDirectoryEmptied => Some(Call::WorkloadEmptyDataDirectory),
    }
}

/// An attempt that says that it worked was made, and what it was made by did not fail in the end.
fn attempts(at: FiringRef, fired: &Fired, calls: &[CallMade], found: &mut Vec<Violation>) {
    for step in fired.firing.trace.steps() {
        let (Shape::Attempt(attempt), Some(true)) = (step.shape, step.answer) else { continue };
        let Some(call) = essential(attempt) else { continue };
        let mut calls = calls.iter().rev();
        let last = calls.find(|made| made.at == Some(step.shape) && made.call == call);
        if last.is_none_or(|last| last.has_failed) {
            let (unit, hook) = (at.unit, at.hook);
            let what = format!(
                "{hook} on unit {unit} says that {attempt}, and {} failed or was not made",
                call.place()
            );
            found.push(Violation::of(Law::StepUndone, unit, what).by(at, Some(step.shape)));
        }
    }
}

/// Whether a restore could not tell whether the database stopped.
fn is_stop_unanswered(fired: &Fired) -> bool {
    let stop = Shape::Attempt(Attempt::HasDatabaseStopped);
    let mut causes = fired.firing.causes.iter();
    causes.any(|cause| cause.shape == stop && cause.kind == PortErrorKind::TimedOut)
}

/// Whether an amendment inserts a step there: what was closed is opened once, a unit is made Active where the chart does not,
/// and an event is deferred by what has just found the cause.
fn may_be_inserted(fired: &Fired, before: Step, step: Step, is_cleanup: bool) -> bool {
    let Some(Mark::Inserted(amendment)) = step.mark else { return true };
    let is_of_cleanup = amendment == Amendment::CleanupSurvivesErrors;
    if step.shape == Shape::Action(Action::AllowNewConnections) {
        let has_blocked = fired.firing.trace.visited(Shape::Action(Action::BlockNewConnections));
        has_blocked && before.shape != step.shape && is_of_cleanup == is_cleanup
    } else if step.shape == Shape::Action(Action::StartDatabaseAgain) {
        is_stop_unanswered(fired)
    } else if step.shape == Shape::Ending(Ending::Defer) {
        before.mark == Some(Mark::Refined(amendment))
    } else if step.shape == Shape::Action(Action::SetActive) {
        is_of_cleanup == is_cleanup && amendment != Amendment::ReopenWhatWasBlocked
    } else {
        true
    }
}

fn needless(at: FiringRef, shape: Shape, found: &mut Vec<Violation>) {
    let (unit, hook) = (at.unit, at.hook);
    let what = format!("{hook} on unit {unit} did {shape}, for which there was no cause");
    found.push(Violation::of(Law::StepUndone, unit, what).by(at, Some(shape)));
}

/// What could be seen around a firing in which nothing happened: what an amendment has it undo was there, and a unit that it
/// says it blocked is Blocked.
pub(super) fn of_moment(moment: &Moment<'_>, found: &mut Vec<Violation>) {
    let firing = &moment.step.fired.firing;
    let units = moment.unit(&moment.around.before).zip(moment.unit(&moment.around.after));
    let (Some((before, after)), 0) = (units, moment.around.happened) else { return };
    for step in firing.trace.steps() {
        if !has_cause(moment, before, step) {
            needless(moment.at, step.shape, found);
        }
    }
    restore_ended(moment, before, found);
    let shape = Shape::Action(Action::SetBlocked);
    let is_said = |step: &Step| step.shape == shape && !matches!(step.mark, Some(Mark::Refined(_)));
    let (unit, status) = (after.unit, after.status());
    // Of a unit that does not lead the leader tells.
    if moment.after.leader == unit
        && firing.trace.steps().iter().any(is_said)
        && ended_at(&firing.outcome).is_none()
        && status.name != StatusName::Blocked
    {
        let what = format!("unit {unit} shows {status} after it was blocked");
        found.push(Violation::of(Law::StepUndone, unit, what).by(moment.at, Some(shape)));
    }
}

/// What a restore whose process died has left is told where it is known: the database does not run, or its member does.
fn restore_ended(moment: &Moment<'_>, before: &UnitSeen, found: &mut Vec<Violation>) {
    let action = Action::EndInterruptedRestore;
    let is_known = |unit: &UnitSeen| match unit.database {
        ServiceState::Stopped => true,
        ServiceState::Running => unit.member == Some(MemberState::Running),
        ServiceState::Unknown => false,
    };
    let shape = Shape::Action(action);
    let is_told = |made: &CallMade| made.at == Some(shape) && made.call == Call::UnitSetStatus;
    let Some(calls) = &moment.step.fired.calls else { return };
    if moment.visited(action)
        && is_known(before)
        && !moment.has_failed(shape)
        && !calls.iter().any(is_told)
    {
        let unit = before.unit;
        let what = format!("unit {unit} was not told what has become of its restore");
        found.push(Violation::of(Law::StepUndone, unit, what).by(moment.at, Some(shape)));
    }
}

/// Whether what a step that an amendment inserts undoes was there before the firing.
fn has_cause(moment: &Moment<'_>, before: &UnitSeen, step: &Step) -> bool {
    let Some(Mark::Inserted(amendment)) = step.mark else { return true };
    let status = before.status();
    let shows = |text| status.name == StatusName::Maintenance && status.message == text;
    if step.shape == Shape::Action(Action::RepairInterruptedBackup) {
        let own = moment.before.unit(before.unit);
        let is_closed = own.is_some_and(|own| !own.manager.accepts_connections);
        shows(texts::CREATING_BACKUP) || !before.accepts_connections || is_closed
    } else if step.shape == Shape::Action(Action::RenderPgbackrestConfig) {
        let own = moment.before.unit(before.unit);
        own.is_some_and(|own| own.databag(key::REPOSITORY).is_none())
    } else if step.shape == Shape::Action(Action::EndInterruptedRestore) {
        shows(texts::RESTORING_BACKUP) || status.message == texts::RESTORE_FAILED
    } else if step.shape == Shape::Action(Action::SetActive) {
        use Amendment::{S3BlockEndsWithLeadership, S3GoneClearsS3Block};
        let ends_block = [S3BlockEndsWithLeadership, S3GoneClearsS3Block].contains(&amendment);
        !ends_block || status.name == StatusName::Blocked
    } else {
        true
    }
}
