//! One firing on its way along its chart.

use async_trait::async_trait;

use crate::{
    act,
    amendment::Amendment,
    ask, attempt,
    cause::Cause,
    context::{Context, RefinedAnswer},
    hook::{Firing, HookError, Outcome},
    ports::PortResult,
    shape::{Action, Attempt, Ending, Question, Shape},
    status::StatusName,
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

/// What is told of every shape: the place at which faults are injected.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The firing is about to carry out this shape.
    async fn arrive(&self, shape: Shape) -> Fate;

    /// The firing has carried out this shape.
    async fn leave(&self, shape: Shape) -> Fate;
}

/// Why a firing goes no further along its chart.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A port failed where the chart has no arrow for it.
    Error(HookError),
    /// The process died.
    Died(Shape),
}

/// One firing on its way along its chart.
pub(crate) struct Walker<'a> {
    pub(crate) context: Context<'a>,
    probe: Option<&'a dyn Probe>,
    trace: Trace,
    causes: Vec<Cause>,
}

impl<'a> Walker<'a> {
    /// A firing at `hook_fired`.
    pub(crate) fn new(context: Context<'a>, probe: Option<&'a dyn Probe>) -> Self {
        Self { context, probe, trace: Trace::start(), causes: Vec::new() }
    }

    /// Passes `hook_fired`, and does what the charts draw dotted after it.
    pub(crate) async fn start(&mut self) -> Result<(), Stop> {
        self.arrive(Shape::Start).await?;
        self.leave(Shape::Start).await?;
        self.repair().await
    }

    /// The firing, which ended so.
    pub(crate) fn finish(mut self, walked: Result<(), Stop>) -> Firing {
        let outcome = match walked {
            Ok(()) => self.context.notes.outcome.take().unwrap_or(Outcome::Returned),
            Err(Stop::Error(error)) => Outcome::Error(error),
            Err(Stop::Died(shape)) => Outcome::Died(shape),
        };
        Firing { hook: self.context.hook, outcome, trace: self.trace, causes: self.causes }
    }

    /// Asks a question: its answer, or the error of the port that could not answer.
    pub(crate) async fn ask(&mut self, question: Question) -> Result<bool, Stop> {
        let shape = Shape::Question(question);
        self.arrive(shape).await?;
        let answer = ask::answer(&mut self.context, question).await;
        if answer.is_ok() {
            self.keep_causes(shape);
        }
        let step = Step { shape, answer: None, mark: None };
        match answer {
            Ok(RefinedAnswer { yes, refined }) => {
                self.record(Step { answer: Some(yes), mark: refined.map(Mark::Refined), ..step });
                self.leave(shape).await?;
                Ok(yes)
            }
            Err(cause) => {
                // It is the hook's own error, which is told as such.
                self.context.notes.causes.clear();
                self.record(step);
                Err(Stop::Error(HookError { shape, cause, cleanup: None }))
            }
        }
    }

    /// Makes an attempt: whether it worked.
    pub(crate) async fn attempt(&mut self, attempt: Attempt) -> Result<bool, Stop> {
        self.try_out(attempt, None).await
    }

    async fn try_out(&mut self, attempt: Attempt, mark: Option<Mark>) -> Result<bool, Stop> {
        let shape = Shape::Attempt(attempt);
        self.arrive(shape).await?;
        let RefinedAnswer { yes, refined } = attempt::make(&mut self.context, attempt).await;
        self.keep_causes(shape);
        let mark = mark.or(refined.map(Mark::Refined));
        self.record(Step { shape, answer: Some(yes), mark });
        self.leave(shape).await?;
        Ok(yes)
    }

    /// Does an action of the published chart.
    pub(crate) async fn act(&mut self, action: Action) -> Result<(), Stop> {
        self.carry_out(action, None).await
    }

    /// Does an action that an amendment inserts, if the amendment is in force.
    pub(crate) async fn amend(&mut self, amendment: Amendment, action: Action) -> Result<(), Stop> {
        if self.context.amendments.has(amendment) {
            self.carry_out(action, Some(Mark::Inserted(amendment))).await
        } else {
            Ok(())
        }
    }

    /// Does an action that an amendment inserts where the chart goes on whether it can be done or not.
    pub(crate) async fn amend_if_possible(
        &mut self,
        amendment: Amendment,
        action: Action,
    ) -> Result<(), Stop> {
        match self.amend(amendment, action).await {
            Err(Stop::Error(HookError { shape, cause, .. })) => {
                Cause::new(shape, &cause).add_to(&mut self.causes);
                Ok(())
            }
            Ok(()) => Ok(()),
            died @ Err(Stop::Died(_)) => died,
        }
    }

    /// Makes an attempt that an amendment inserts: whether it worked. Only what the amendment has led to calls this.
    pub(crate) async fn amend_attempt(
        &mut self,
        amendment: Amendment,
        attempt: Attempt,
    ) -> Result<bool, Stop> {
        self.try_out(attempt, Some(Mark::Inserted(amendment))).await
    }

    /// Reaches a terminal. The chart may go on from it.
    pub(crate) async fn end(&mut self, ending: Ending) -> Result<(), Stop> {
        self.reach(ending, None).await
    }

    /// Passes a terminal that an amendment inserts, if the amendment is in force.
    pub(crate) async fn amend_end(
        &mut self,
        amendment: Amendment,
        ending: Ending,
    ) -> Result<(), Stop> {
        if self.context.amendments.has(amendment) {
            self.reach(ending, Some(Mark::Inserted(amendment))).await
        } else {
            Ok(())
        }
    }

    /// What an amendment draws from `hook_error` on: after a hook error, these actions are still done.
    /// The error that led here stays the firing's error; one of the cleanup is reported beside it.
    pub(crate) async fn clean_up_after(
        &mut self,
        walked: Result<(), Stop>,
        amendment: Amendment,
        actions: impl Iterator<Item = Action>,
    ) -> Result<(), Stop> {
        let Err(Stop::Error(mut error)) = walked else { return walked };
        let mut actions = actions.peekable();
        if !self.context.amendments.has(amendment) || actions.peek().is_none() {
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

    async fn reach(&mut self, ending: Ending, mark: Option<Mark>) -> Result<(), Stop> {
        let shape = Shape::Ending(ending);
        self.arrive(shape).await?;
        let done = act::end(&mut self.context, ending).await;
        self.finish_step(Step { shape, answer: None, mark }, done).await
    }

    async fn carry_out(&mut self, action: Action, mark: Option<Mark>) -> Result<(), Stop> {
        let shape = Shape::Action(action);
        self.arrive(shape).await?;
        let done = act::carry_out(&mut self.context, action).await;
        self.keep_causes(shape);
        match done {
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
        let interrupted = self
            .interrupted()
            .await
            .map_err(|cause| Stop::Error(HookError { shape: Shape::Start, cause, cleanup: None }));
        let (amendment, action) = match interrupted? {
            Some(interrupted) => interrupted,
            None if self.context.is_stanza_unsettled().await => {
                (Amendment::PrimaryMakesTheStanza, Action::SettleStanzaRecords)
            }
            None => return Ok(()),
        };
        self.amend_if_possible(amendment, action).await
    }

    /// What a process that died has left to be done, and the amendment that does it. Whoever can't read the status does not
    /// know whether there is anything, and may go no further: it would set another status over the one that tells.
    async fn interrupted(&self) -> PortResult<Option<(Amendment, Action)>> {
        let (backup, restore) =
            (Amendment::CleanupSurvivesErrors, Amendment::InterruptedRestoreIsTold);
        let (backup_repaired, restore_told) =
            (self.context.amendments.has(backup), self.context.amendments.has(restore));
        if !backup_repaired && !restore_told {
            return Ok(None);
        }
        let status = self.context.ports.unit.status().await?;
        let is_maintenance = status.name == StatusName::Maintenance;
        let shows = |text| is_maintenance && status.message == text;
        let refuses = || async {
            matches!(self.context.ports.cluster.accepts_connections().await, Ok(false))
        };
        if backup_repaired && (shows(texts::CREATING_BACKUP) || refuses().await) {
            return Ok(Some((backup, Action::RepairInterruptedBackup)));
        }
        // A restore that was started has its flags in the databag once its hook has ended.
        let cut_short = restore_told
            && shows(texts::RESTORING_BACKUP)
            && matches!(self.context.is_restoring().await, Ok(false));
        Ok(cut_short.then_some((restore, Action::EndInterruptedRestore)))
    }

    fn keep_causes(&mut self, shape: Shape) {
        for error in self.context.notes.causes.drain(..) {
            Cause::new(shape, &error).add_to(&mut self.causes);
        }
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
