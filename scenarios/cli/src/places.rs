//! Where scenarios run.

use std::{io::IsTerminal as _, ops::ControlFlow, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use pgdrill_core::Amendment;
#[cfg(any(feature = "containers", feature = "charm"))]
use pgdrill_scenarios::Run;
use pgdrill_scenarios::{Backend, Input, Law, Plan, TimedRun, plan, report::JudgedCase, run_each};

use crate::{
    args::{BackendArg, RunArgs, S3Arg},
    threads::{processors, runtime},
};

/// Where scenarios run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    /// On fakes.
    Memory,
    /// On real containers, with this S3 server.
    Containers(Option<S3Arg>),
    /// Through dispatches, with everything around a unit served to them.
    Stand,
}

impl Where {
    /// Where the user wants them to run.
    pub(crate) fn of(args: &RunArgs) -> Self {
        match args.backend() {
            BackendArg::Memory => Self::Memory,
            BackendArg::Containers => Self::Containers(args.s3),
            BackendArg::Stand => Self::Stand,
        }
    }
}

/// How scenarios run.
pub(crate) struct How<'a> {
    /// The amendments that are switched off.
    pub(crate) off: Vec<Amendment>,
    /// How many run side by side, if the user says so.
    pub(crate) jobs: Option<usize>,
    /// Where they run.
    pub(crate) place: Where,
    /// How long each may take.
    pub(crate) time_limit: Option<Duration>,
    /// Whether it is told how long each took.
    pub(crate) are_timed: bool,
    /// Whether they run by something else than the defaults of the suite.
    pub(crate) ignores_config: bool,
    /// Whether no other scenario is to begin after one that ended like this. `None`: whatever the end, the next begins.
    pub(crate) is_last: Option<&'a (dyn Fn(&JudgedCase) -> bool + Sync)>,
}

impl How<'_> {
    /// All of them in memory, however they end.
    pub(crate) fn in_memory() -> Self {
        let (off, place) = (Vec::new(), Where::Memory);
        let (are_timed, ignores_config) = (false, true);
        Self { off, jobs: None, place, time_limit: None, are_timed, ignores_config, is_last: None }
    }

    fn flow(&self, case: &JudgedCase) -> ControlFlow<()> {
        match self.is_last {
            Some(is_last) if is_last(case) => ControlFlow::Break(()),
            Some(_) | None => ControlFlow::Continue(()),
        }
    }
}

/// What is to run, and how.
struct Planned<'a> {
    inputs: Vec<&'a Input>,
    plans: Vec<Plan>,
    how: &'a How<'a>,
}

/// Runs scenarios side by side and judges each, its snapshot included; `take` gets each as soon as it and those before it
/// are known, and without a case where it was not to begin any more. `None`: they could not be run, and why was said.
pub(crate) fn run_inputs(
    inputs: &[Input],
    how: &How<'_>,
    take: &mut dyn FnMut(&Input, Option<JudgedCase>),
) -> Option<()> {
    let planned = Planned::new(inputs, how);
    match how.place {
        Where::Memory => planned.in_memory(take),
        Where::Containers(s3) => planned.in_containers(s3, take),
        Where::Stand => planned.on_the_stand(take),
    }
}

impl<'a> Planned<'a> {
    fn new(inputs: &'a [Input], how: &'a How<'a>) -> Self {
        let readable = inputs.iter().filter_map(|input| {
            let mut plan = plan(input.scenario.clone().ok()?, &how.off);
            plan.is_examined |= Law::is_shown_by(&input.name);
            plan.time_limit = how.time_limit;
            Some((input, plan))
        });
        let (inputs, plans) = readable.unzip();
        Self { inputs, plans, how }
    }

    /// The run of the plan at this place, judged.
    fn judged(
        &self,
        index: usize,
        timed: TimedRun,
        backend: Backend,
        s3: Option<&'static str>,
    ) -> Option<(&'a Input, JudgedCase)> {
        let (input, plan) = self.inputs.get(index).copied().zip(self.plans.get(index).cloned())?;
        let mut case = JudgedCase::new(input, plan, timed.run, backend, s3);
        case.ignores_config = self.how.ignores_config;
        case.took = self.how.are_timed.then_some(timed.took);
        Some((input, case))
    }

    fn in_memory(&self, take: &mut dyn FnMut(&Input, Option<JudgedCase>)) -> Option<()> {
        let jobs = self.how.jobs.unwrap_or_else(processors);
        let runtime = runtime(jobs)?;
        let progress = progress(self.plans.len());
        let mut begun = 0;
        let taken = |timed| {
            let index = begun;
            begun += 1;
            let Some((input, case)) = self.judged(index, timed, Backend::Memory, None) else {
                return ControlFlow::Continue(());
            };
            let flow = self.how.flow(&case);
            progress.suspend(|| take(input, Some(case)));
            progress.inc(1);
            flow
        };
        runtime.block_on(run_each(self.plans.clone(), jobs, taken));
        progress.finish_and_clear();
        self.inputs.iter().skip(begun).for_each(|input| take(input, None));
        Some(())
    }

    #[cfg(feature = "containers")]
    fn in_containers(
        &self,
        s3: Option<S3Arg>,
        take: &mut dyn FnMut(&Input, Option<JudgedCase>),
    ) -> Option<()> {
        use pgdrill_container_backend::{RunEnded, default_workers};

        let done = |ended: &RunEnded<'_>| {
            let Some(case) = self.judged_early(ended.index, ended.run, Backend::Containers) else {
                return (String::new(), ControlFlow::Continue(()));
            };
            let said =
                pgdrill_scenarios::report::progress_text(&case, ended.seconds, ended.replaced);
            (said, self.how.flow(&case))
        };
        let workers = self.how.jobs.unwrap_or_else(default_workers);
        let (runs, s3) = crate::containers::run_plans(&self.plans, workers, s3, &done)?;
        for (index, (timed, input)) in runs.into_iter().zip(&self.inputs).enumerate() {
            let judge = |timed| self.judged(index, timed, Backend::Containers, Some(s3));
            take(input, timed.and_then(judge).map(|(_, case)| case));
        }
        Some(())
    }

    #[cfg(not(feature = "containers"))]
    fn in_containers(
        &self,
        _: Option<S3Arg>,
        _: &mut dyn FnMut(&Input, Option<JudgedCase>),
    ) -> Option<()> {
        crate::absent::absent("the backend `containers`", "containers");
        None
    }

    #[cfg(feature = "charm")]
    fn on_the_stand(&self, take: &mut dyn FnMut(&Input, Option<JudgedCase>)) -> Option<()> {
        let done = |index: usize, run: &Run| {
            // What is judged early is judged twice.
            let asks = self.how.is_last.is_some();
            let case = asks.then(|| self.judged_early(index, run, Backend::Stand)).flatten();
            case.map_or(ControlFlow::Continue(()), |case| self.how.flow(&case))
        };
        let jobs = self.how.jobs.unwrap_or_else(processors);
        let runs = crate::stand::run_plans(&self.plans, jobs, &done)?;
        let begun = runs.len();
        for (index, timed) in runs.into_iter().enumerate() {
            if let Some((input, case)) = self.judged(index, timed, Backend::Stand, None) {
                take(input, Some(case));
            }
        }
        self.inputs.iter().skip(begun).for_each(|input| take(input, None));
        Some(())
    }

    #[cfg(not(feature = "charm"))]
    fn on_the_stand(&self, _: &mut dyn FnMut(&Input, Option<JudgedCase>)) -> Option<()> {
        crate::absent::absent("the backend `stand`", "charm");
        None
    }

    /// The run of the plan at this place, judged before all of them are known.
    #[cfg(any(feature = "containers", feature = "charm"))]
    fn judged_early(&self, index: usize, run: &Run, backend: Backend) -> Option<JudgedCase> {
        let timed = TimedRun { run: run.clone(), took: Duration::ZERO };
        self.judged(index, timed, backend, None).map(|(_, case)| case)
    }
}

/// A bar on standard error, where that is a terminal; it is gone when the run is.
pub(crate) fn progress(length: usize) -> ProgressBar {
    on_a_terminal(ProgressBar::new(length as u64), "{bar:30} {pos}/{len} scenarios")
}

/// A line on standard error that says how far a search has come, where that is a terminal; it is gone when the search is.
pub(crate) fn counting() -> ProgressBar {
    on_a_terminal(ProgressBar::new_spinner(), "{spinner} {msg}")
}

fn on_a_terminal(bar: ProgressBar, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
