//! Fires one hook once on one unit.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    act,
    amendment::{Amendment, Amendments},
    ask, attempt,
    hook::{Firing, Hook, HookError, Outcome},
    hooks,
    ports::{Databag, PortResult, Ports, RestoreSource, key},
    s3::S3Settings,
    shape::{Action, Attempt, Ending, Question, Shape},
    status::{Status, StatusName},
    texts,
    trace::{Mark, Step, Trace},
};

/// Whether the process lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Live,
    /// It dies here: nothing more of this firing is done.
    Die,
}

/// What is told of every shape: the place at which faults strike and the world changes.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The firing is about to carry out this shape.
    async fn arrive(&self, shape: Shape) -> Fate;

    /// The firing has carried out this shape.
    async fn leave(&self, shape: Shape) -> Fate;
}

/// Fires `hook` once on the unit to which `ports` are bound, and returns how it ended and what it
/// visited. Never fails: a port's failure is part of the outcome.
pub async fn fire(
    ports: &Ports,
    hook: Hook,
    amendments: Amendments,
    probe: Option<&dyn Probe>,
) -> Firing {
    let mut walker =
        Walker { ports, hook, amendments, probe, trace: Trace::start(), notes: Notes::default() };
    let walked = walker.walk().await;
    let outcome = match walked {
        Ok(()) => walker.notes.outcome.take().unwrap_or(Outcome::Returned),
        Err(Stop::Error(error)) => Outcome::Error(error),
        Err(Stop::Died(shape)) => Outcome::Died(shape),
    };
    Firing { hook, outcome, trace: walker.trace }
}

/// Why a firing goes no further along its chart.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A port failed where the chart has no arrow for it.
    Error(HookError),
    /// The process died.
    Died(Shape),
}

/// What a firing has learnt on its way, for the shapes further on.
#[derive(Default)]
pub(crate) struct Notes {
    /// How the firing will end, as far as its endings have said.
    pub(crate) outcome: Option<Outcome>,
    /// The text for the next `fail_action` or `set_blocked`.
    pub(crate) reason: Option<String>,
    /// The S3 settings that this firing uses.
    pub(crate) s3: Option<Arc<S3Settings>>,
    /// The name under which the backup's log is kept, and the log.
    pub(crate) log: Option<BackupLog>,
    /// The answer of list-backups.
    pub(crate) table: Option<String>,
    /// The backup to restore.
    pub(crate) restore: Option<RestoreSource>,
    /// Whether this firing has asked for this unit's connections to be refused.
    pub(crate) has_blocked_connections: bool,
    /// Whether this firing has set Maintenance, and the status before it.
    pub(crate) before_maintenance: Option<Status>,
}

/// The log of a backup.
pub(crate) struct BackupLog {
    pub(crate) label: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One answer, and the amendment that made it finer than the published chart's.
pub(crate) struct Answer {
    pub(crate) yes: bool,
    pub(crate) refined: Option<Amendment>,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        Self { yes, refined: None }
    }
}

/// One firing on its way along its chart.
pub(crate) struct Walker<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) hook: Hook,
    pub(crate) amendments: Amendments,
    probe: Option<&'a dyn Probe>,
    pub(crate) trace: Trace,
    pub(crate) notes: Notes,
}

impl Walker<'_> {
    async fn walk(&mut self) -> Result<(), Stop> {
        self.arrive(Shape::Start).await?;
        self.leave(Shape::Start).await?;
        self.repair().await?;
        match self.hook {
            Hook::S3CredentialsChanged => hooks::s3_credentials_changed(self).await,
            Hook::CreateBackup => hooks::create_backup(self).await,
            Hook::ListBackups => hooks::list_backups(self).await,
            Hook::Restore => hooks::restore(self).await,
            Hook::UpdateStatus => hooks::update_status(self).await,
            Hook::CertificatesChanged => hooks::certificates_changed(self).await,
        }
    }

    /// Asks a question: its answer, or the error of the port that could not tell.
    pub(crate) async fn ask(&mut self, question: Question) -> Result<bool, Stop> {
        let shape = Shape::Question(question);
        self.arrive(shape).await?;
        let answer = ask::answer(self, question).await;
        let step = Step { shape, answer: None, mark: None };
        match answer {
            Ok(Answer { yes, refined }) => {
                self.record(Step { answer: Some(yes), mark: refined.map(Mark::Refined), ..step });
                self.leave(shape).await?;
                Ok(yes)
            }
            Err(cause) => {
                self.record(step);
                Err(Stop::Error(HookError { shape, cause, cleanup: None }))
            }
        }
    }

    /// Makes an attempt: whether it worked.
    pub(crate) async fn attempt(&mut self, attempt: Attempt) -> Result<bool, Stop> {
        let shape = Shape::Attempt(attempt);
        self.arrive(shape).await?;
        let worked = attempt::make(self, attempt).await;
        self.record(Step { shape, answer: Some(worked), mark: None });
        self.leave(shape).await?;
        Ok(worked)
    }

    /// Does an action of the published chart.
    pub(crate) async fn act(&mut self, action: Action) -> Result<(), Stop> {
        self.carry_out(action, None).await
    }

    /// Does an action that an amendment inserts, if the amendment is in force.
    pub(crate) async fn amend(&mut self, amendment: Amendment, action: Action) -> Result<(), Stop> {
        if self.amendments.has(amendment) {
            self.carry_out(action, Some(Mark::Inserted(amendment))).await
        } else {
            Ok(())
        }
    }

    /// Reaches a terminal. The chart may go on from it.
    pub(crate) async fn end(&mut self, ending: Ending) -> Result<(), Stop> {
        let shape = Shape::Ending(ending);
        self.arrive(shape).await?;
        let done = act::end(self, ending).await;
        self.finish_step(Step { shape, answer: None, mark: None }, done).await
    }

    /// What an amendment draws from `hook_error` on: after a hook error, these actions are still done.
    /// The error that led here stays the firing's error; one of the cleanup is told beside it.
    pub(crate) async fn clean_up_after(
        &mut self,
        walked: Result<(), Stop>,
        amendment: Amendment,
        actions: impl Iterator<Item = Action>,
    ) -> Result<(), Stop> {
        let Err(Stop::Error(mut error)) = walked else { return walked };
        let mut actions = actions.peekable();
        if !self.amendments.has(amendment) || actions.peek().is_none() {
            return Err(Stop::Error(error));
        }
        let shape = Shape::Ending(Ending::HookError);
        self.record(Step { shape, answer: None, mark: Some(Mark::Inserted(amendment)) });
        for action in actions {
            match self.amend(amendment, action).await {
                Ok(()) => {}
                Err(Stop::Error(second)) => error.cleanup = Some(second.cause),
                died @ Err(Stop::Died(_)) => return died,
            }
        }
        Err(Stop::Error(error))
    }

    async fn carry_out(&mut self, action: Action, mark: Option<Mark>) -> Result<(), Stop> {
        let shape = Shape::Action(action);
        self.arrive(shape).await?;
        match act::carry_out(self, action).await {
            Ok(refined) => {
                let mark = mark.or(refined.map(Mark::Refined));
                self.finish_step(Step { shape, answer: None, mark }, Ok(())).await
            }
            Err(cause) => self.finish_step(Step { shape, answer: None, mark }, Err(cause)).await,
        }
    }

    async fn finish_step(&mut self, step: Step, done: PortResult<()>) -> Result<(), Stop> {
        self.record(step);
        match done {
            Ok(()) => self.leave(step.shape).await,
            Err(cause) => Err(Stop::Error(HookError { shape: step.shape, cause, cleanup: None })),
        }
    }

    /// What the charts draw dotted after `hook_fired`: a process that died left something behind. One
    /// firing at a time runs on a unit, so whatever is found here has no owner. What can't be read or
    /// undone now is left for the next firing.
    async fn repair(&mut self) -> Result<(), Stop> {
        let Some((amendment, action)) = self.interrupted().await else { return Ok(()) };
        match self.amend(amendment, action).await {
            Ok(()) | Err(Stop::Error(_)) => Ok(()),
            died @ Err(Stop::Died(_)) => died,
        }
    }

    /// What a process that died has left to be done, and the amendment that does it.
    async fn interrupted(&self) -> Option<(Amendment, Action)> {
        let (backup, restore) =
            (Amendment::CleanupSurvivesErrors, Amendment::InterruptedRestoreIsTold);
        let status = self.ports.unit.status().await.ok();
        let maintenance = status.filter(|status| status.name == StatusName::Maintenance);
        let shows = |text| maintenance.as_ref().is_some_and(|status| status.message == text);
        let refuses =
            || async { matches!(self.ports.cluster.accepts_connections().await, Ok(false)) };
        if self.amendments.has(backup) && (shows(texts::CREATING_BACKUP) || refuses().await) {
            return Some((backup, Action::RepairInterruptedBackup));
        }
        // A restore that was started has its flags in the databag once its hook has ended.
        let cut_short = self.amendments.has(restore)
            && shows(texts::RESTORING_BACKUP)
            && matches!(self.is_restoring().await, Ok(false));
        cut_short.then_some((restore, Action::EndInterruptedRestore))
    }

    /// Whether users see Maintenance with this text.
    pub(crate) async fn shows_maintenance(&self, text: &str) -> PortResult<bool> {
        let status = self.ports.unit.status().await?;
        Ok(status.name == StatusName::Maintenance && status.message == text)
    }

    /// Whether the restore flags are in the application databag.
    pub(crate) async fn is_restoring(&self) -> PortResult<bool> {
        let label = self.ports.unit.data(Databag::Application, key::RESTORING_BACKUP).await?;
        Ok(label.is_some())
    }

    fn record(&mut self, step: Step) {
        self.trace.push(step);
    }

    async fn arrive(&self, shape: Shape) -> Result<(), Stop> {
        match self.probe {
            Some(probe) if probe.arrive(shape).await == Fate::Die => Err(Stop::Died(shape)),
            Some(_) | None => Ok(()),
        }
    }

    async fn leave(&self, shape: Shape) -> Result<(), Stop> {
        match self.probe {
            Some(probe) if probe.leave(shape).await == Fate::Die => Err(Stop::Died(shape)),
            Some(_) | None => Ok(()),
        }
    }
}
