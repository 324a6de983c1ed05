//! One firing on its way along its chart.

use async_trait::async_trait;

use crate::{
    act,
    alteration::{Alteration, Postponed},
    amendment::Amendment,
    ask, attempt,
    cause::Cause,
    context::{Context, RefinedAnswer},
    hook::{Firing, HookError, Outcome},
    ports::{Fate, PortError, PortResult},
    shape::{Action, Attempt, Ending, Question, Shape},
    status::StatusName,
    texts,
    trace::{Mark, Step, Trace},
};

/// What is told of every shape: the place at which faults are injected.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The firing is about to carry out this shape.
    async fn arrive(&self, shape: Shape) -> Fate;

    /// The firing has carried out this shape.
    async fn leave(&self, shape: Shape) -> Fate;

    /// Whether the process has died at a call of a port, so that what the call failed with reaches nobody.
    fn fate(&self) -> Fate {
        Fate::Live
    }

    /// The firing goes on without what failed at the shape at which it is.
    fn give_up(&self) {}

    /// What the firing does otherwise than its hook has it. A probe that wraps another hands on what that one has.
    fn alteration(&self) -> Option<&dyn Alteration> {
        None
    }
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
    pub(crate) alteration: Option<&'a dyn Alteration>,
    pub(crate) postponed: Option<Postponed>,
    trace: Trace,
    causes: Vec<Cause>,
}

impl<'a> Walker<'a> {
    /// A firing at `hook_fired`.
    pub(crate) fn new(context: Context<'a>, probe: Option<&'a dyn Probe>) -> Self {
        let alteration = probe.and_then(Probe::alteration);
        let (trace, causes) = (Trace::start(), Vec::new());
        Self { context, probe, alteration, postponed: None, trace, causes }
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
        match ask::answer(&mut self.context, question).await {
            Ok(answer) => self.answered(shape, answer, None).await,
            Err(cause) => {
                // It is the hook's own error, which is told as such.
                self.context.notes.causes.clear();
                self.record(Step { shape, answer: None, mark: None });
                Err(self.failed(shape, cause))
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
        let answer = attempt::make(&mut self.context, attempt).await;
        self.answered(shape, answer, mark).await
    }

    /// Goes on with the answer that a shape gave, if anybody is left to get it.
    async fn answered(
        &mut self,
        shape: Shape,
        answer: RefinedAnswer,
        mark: Option<Mark>,
    ) -> Result<bool, Stop> {
        let RefinedAnswer { yes, refined } = self.altered_answer(shape, answer);
        self.keep_causes(shape);
        let step = Step { shape, answer: None, mark };
        if self.fate() == Fate::Die {
            self.record(step);
            return Err(Stop::Died(shape));
        }
        let mark = mark.or(refined.map(Mark::Refined));
        self.record(Step { answer: Some(yes), mark, ..step });
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
                if let Some(probe) = self.probe {
                    probe.give_up();
                }
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
        let done = match self.alteration {
            None => act::end(&mut self.context, ending).await,
            Some(_) => self.do_altered(shape).await.map(|_| ()),
        };
        self.finish_step(Step { shape, answer: None, mark }, done).await
    }

    async fn carry_out(&mut self, action: Action, mark: Option<Mark>) -> Result<(), Stop> {
        let shape = Shape::Action(action);
        self.arrive(shape).await?;
        let done = match self.alteration {
            None => act::carry_out(&mut self.context, action).await,
            Some(_) => self.do_altered(shape).await,
        };
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
            Err(cause) => Err(self.failed(step.shape, cause)),
        }
    }

    /// Why a firing stops at a shape of which a call failed.
    pub(crate) fn failed(&self, shape: Shape, cause: PortError) -> Stop {
        match self.fate() {
            Fate::Live => Stop::Error(HookError { shape, cause, cleanup: None }),
            Fate::Die => Stop::Died(shape),
        }
    }

    /// What the charts draw dotted after `hook_fired`: a process that died left something behind. One
    /// firing at a time runs on a unit, so whatever is found here has no owner. What can't be read or
    /// undone now is left for the next firing.
    async fn repair(&mut self) -> Result<(), Stop> {
        let interrupted =
            self.interrupted().await.map_err(|cause| self.failed(Shape::Start, cause));
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

    fn fate(&self) -> Fate {
        self.probe.map_or(Fate::Live, Probe::fate)
    }

    fn keep_causes(&mut self, shape: Shape) {
        for error in self.context.notes.causes.drain(..) {
            Cause::new(shape, &error).add_to(&mut self.causes);
        }
    }

    fn record(&mut self, step: Step) {
        self.trace.push(step);
    }

    /// The step that was taken last.
    pub(crate) fn last_step(&self) -> Option<Step> {
        self.trace.steps().last().copied()
    }

    /// Comes to the end of the chart.
    pub(crate) async fn close(&mut self) -> Result<(), Stop> {
        match self.alteration {
            None => Ok(()),
            Some(_) => self.alter_before(None).await,
        }
    }

    async fn arrive(&mut self, shape: Shape) -> Result<(), Stop> {
        if self.alteration.is_some() {
            self.alter_before(Some(shape)).await?;
        }
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
