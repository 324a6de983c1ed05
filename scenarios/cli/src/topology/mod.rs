//! Topologies that stay up: started, looked at, fired at, broken, mended, taken down. By its name every command finds out
//! whether one is in memory or in containers.

#[cfg(feature = "containers")]
mod containers;
mod memory;

use std::collections::BTreeMap;

use pgdrill_core::{Diagnostic, Outcome};
use pgdrill_scenarios::{TopologyError, TopologySeen, report};

use crate::{
    args::{StatusFormat, TopologyBackendArg, TopologyCommand},
    commands::{Exit, wrong},
    output::{columns, complain, print, print_fitted},
    threads::runtime,
};

/// What a command that was done says, and whether the hook or action that it fired failed.
struct CommandDone {
    text: String,
    has_failed: bool,
}

impl From<String> for CommandDone {
    fn from(text: String) -> Self {
        Self { text, has_failed: false }
    }
}

/// Carries a command out to its end, on so many threads.
fn end(
    threads: usize,
    print: fn(&str) -> Exit,
    command: impl Future<Output = Result<CommandDone, TopologyError>>,
) -> Exit {
    let Some(runtime) = runtime(threads) else { return Exit::NoBackend };
    match runtime.block_on(command) {
        Ok(done) => {
            let printed = print(&done.text);
            if done.has_failed && printed == Exit::Expected { Exit::Failed } else { printed }
        }
        Err(TopologyError::Wrong(complaint)) => wrong(&complaint),
        Err(TopologyError::Failed(complaint)) => {
            complain(&complaint);
            Exit::NoBackend
        }
    }
}

/// Carries the command out.
pub(crate) fn command(command: &TopologyCommand) -> Exit {
    let name = match command {
        TopologyCommand::Up(args) => {
            return match args.backend.unwrap_or(TopologyBackendArg::DEFAULT) {
                TopologyBackendArg::Memory => memory::up(args),
                TopologyBackendArg::Containers if memory::is_up(&args.name.name) => {
                    end(1, print, async { Err(TopologyError::is_up(&args.name.name)) })
                }
                TopologyBackendArg::Containers => in_containers(command),
            };
        }
        TopologyCommand::Clean { all } => return clean(command, *all),
        TopologyCommand::Fire(args) => &args.name.name,
        TopologyCommand::Status { name, .. }
        | TopologyCommand::Do { name, .. }
        | TopologyCommand::Heal { name }
        | TopologyCommand::Down { name } => &name.name,
    };
    if memory::is_up(name) {
        memory::command(command)
    } else if cfg!(feature = "containers") {
        in_containers(command)
    } else {
        end(1, print, async { Err(TopologyError::not_up(name, &memory::names())) })
    }
}

/// `pgdrill clean`.
fn clean(command: &TopologyCommand, all: bool) -> Exit {
    let removed = if all { memory::clean() } else { Ok(Vec::new()) };
    let removed = match removed {
        Ok(removed) => removed,
        Err(error) => return end(1, print, async { Err(error) }),
    };
    let said = match removed.as_slice() {
        [] => Exit::Expected,
        names => print(&format!("removed from memory: {}\n", names.join(", "))),
    };
    if said != Exit::Expected {
        return said;
    }
    if cfg!(feature = "containers") {
        return in_containers(command);
    }
    if removed.is_empty() { print("nothing was left\n") } else { said }
}

#[cfg(feature = "containers")]
fn in_containers(command: &TopologyCommand) -> Exit {
    containers::command(command)
}

#[cfg(not(feature = "containers"))]
fn in_containers(_: &TopologyCommand) -> Exit {
    crate::absent::absent("topologies in containers", "containers")
}

/// What can be seen of a topology, in this form.
fn status_text(seen: &TopologySeen, format: StatusFormat) -> Result<String, TopologyError> {
    match format {
        StatusFormat::Text => Ok(report::topology_text(seen, columns())),
        StatusFormat::Json => match serde_json::to_string_pretty(seen) {
            Ok(text) => Ok(text + "\n"),
            Err(error) => Err(Box::new(Diagnostic::error("the status", error.to_string())).into()),
        },
    }
}

/// How what is printed in this form is laid out.
fn printer(format: StatusFormat) -> fn(&str) -> Exit {
    match format {
        StatusFormat::Text => print_fitted,
        StatusFormat::Json => print,
    }
}

/// Whether a hook failed, or the action that it was. To Juju a hook whose action failed succeeded; a person or a script
/// that asks for a backup wants to know whether there is one.
fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Returned | Outcome::Deferred | Outcome::Finished => false,
        Outcome::Failed(_) | Outcome::Error(_) | Outcome::Died(_) => true,
    }
}

fn parameters(given: &[(String, String)]) -> Result<BTreeMap<String, String>, TopologyError> {
    let mut parameters = BTreeMap::new();
    for (name, value) in given {
        if parameters.insert(name.clone(), value.clone()).is_some() {
            let what = format!("the parameter `{name}` is given twice");
            return Err(TopologyError::wrong("`--param`", &what, "give it once"));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_failed_is_a_failure() {
        for outcome in [Outcome::Returned, Outcome::Deferred, Outcome::Finished] {
            assert!(!is_failure(&outcome), "{outcome:?}");
        }
        assert!(is_failure(&Outcome::Failed("no stanza".to_owned())));
        assert!(is_failure(&Outcome::Died(pgdrill_core::Shape::Start)));
    }

    #[test]
    fn a_parameter_that_is_given_twice_is_refused() {
        let pair = |value: &str| ("type".to_owned(), value.to_owned());
        assert!(parameters(&[pair("full")]).is_ok());
        assert!(matches!(parameters(&[pair("full"), pair("full")]), Err(TopologyError::Wrong(_))));
    }
}
