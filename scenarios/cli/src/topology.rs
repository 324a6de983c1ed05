//! Topologies that stay up: started, looked at, fired at, broken, mended, taken down.

use std::collections::BTreeMap;

use pgdrill_container_backend::{
    FreeName, PersistedTopology, TopologyError, Wanted, check_parameters, clean as clean_up,
    down as take_down, reach_text, topology_text,
};
use pgdrill_containers::{Cleared, Profile};
use pgdrill_core::{Diagnostic, Hook, Outcome};
use pgdrill_flow::shown;
use pgdrill_scenarios::{check_change, firings, read_change};

use crate::{
    args::{FireArgs, S3Arg, StatusFormat, TopologyCommand, UpArgs},
    commands::Exit,
    containers::{StderrProgress, profile},
    output::{complain, print, say},
    signals::asked_to_end,
    threads::{processors, runtime},
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

/// Carries a command out to its end.
fn end(command: impl Future<Output = Result<CommandDone, TopologyError>>) -> Exit {
    let Some(runtime) = runtime(processors()) else { return Exit::NoBackend };
    match runtime.block_on(command) {
        Ok(done) => {
            let printed = print(&done.text);
            if done.has_failed && printed == Exit::Expected { Exit::Failed } else { printed }
        }
        Err(TopologyError::Wrong(complaint)) => {
            complain(&complaint);
            Exit::Wrong
        }
        Err(TopologyError::Failed(complaint)) => {
            complain(&complaint);
            Exit::NoBackend
        }
    }
}

fn ended(signal: &str, what: &str) -> TopologyError {
    let what = format!("ended by {signal}; {what}");
    TopologyError::Failed(Box::new(Diagnostic::error("the command", what)))
}

/// Carries the command out.
pub(crate) fn command(command: &TopologyCommand) -> Exit {
    match command {
        TopologyCommand::Up(args) => up(args),
        TopologyCommand::Status { name, format } => status(&name.name, *format),
        TopologyCommand::Fire(args) => fire(args),
        TopologyCommand::Do { change: words, name } => change(&name.name, words),
        TopologyCommand::Heal { name } => heal(&name.name),
        TopologyCommand::Down { name } => down(&name.name),
        TopologyCommand::Clean { all } => clean(*all),
    }
}

/// `pgdrill up`.
fn up(args: &UpArgs) -> Exit {
    end(async {
        if args.s3 == Some(S3Arg::External) {
            Profile::External.check_given()?;
        }
        let free = tokio::select! {
            free = FreeName::wait_for(&args.name.name, &say) => free?,
            signal = asked_to_end() => return Err(ended(signal, "nothing was begun")),
        };
        let raising = async {
            let s3 = args.s3.map(profile);
            let wanted = Wanted { units: args.units, tls: args.tls, s3 };
            free.raise(&wanted, &StderrProgress, &say).await
        };
        let persisted = tokio::select! {
            persisted = raising => persisted?,
            signal = asked_to_end() => {
                free.take_down().await?;
                return Err(ended(signal, "what was begun is removed"));
            }
        };
        let text = reach_text(&persisted.seen().await);
        free.release();
        Ok(text.into())
    })
}

/// `pgdrill status`.
fn status(name: &str, format: StatusFormat) -> Exit {
    end(async {
        let seen = PersistedTopology::look(name).await?.seen().await;
        let text = match format {
            StatusFormat::Text => topology_text(&seen),
            StatusFormat::Json => {
                let text = serde_json::to_string_pretty(&seen).map_err(|error| {
                    Box::new(Diagnostic::error("the status", error.to_string()))
                })?;
                text + "\n"
            }
        };
        Ok(text.into())
    })
}

/// `pgdrill fire`.
fn fire(args: &FireArgs) -> Exit {
    let Ok(hook) = args.hook.parse::<Hook>() else { return Exit::Wrong };
    end(async {
        let parameters = parameters(&args.param)?;
        check_parameters(hook, &parameters)?;
        let persisted = PersistedTopology::find(&args.name.name, &say).await?;
        let fired = tokio::select! {
            fired = persisted.fire(hook, args.unit, &parameters) => fired,
            signal = asked_to_end() => {
                let what = format!("ended by {signal}; {hook} on unit {} died where it was", args.unit);
                say(&Diagnostic::error("the command", what).to_string());
                persisted.save().await?;
                return Ok(CommandDone { text: String::new(), has_failed: true });
            }
        };
        persisted.save().await?;
        let fired = fired?;
        let has_failed = fired.iter().any(|fired| is_failure(&fired.firing.outcome));
        Ok(CommandDone { text: firings(&fired), has_failed })
    })
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
            let complaint = Diagnostic::error("`--param`", what).hint("give it once");
            return Err(TopologyError::Wrong(Box::new(complaint)));
        }
    }
    Ok(parameters)
}

/// `pgdrill do`.
fn change(name: &str, words: &str) -> Exit {
    end(async {
        let (document, change) = read_change(words, "<change>").map_err(TopologyError::Wrong)?;
        let persisted = PersistedTopology::find(name, &say).await?;
        if let Some(complaint) = check_change(&document, &change, persisted.size()) {
            return Err(TopologyError::Wrong(Box::new(complaint)));
        }
        let happened = tokio::select! {
            happened = persisted.happen(&change, words, &StderrProgress) => happened,
            signal = asked_to_end() => Err(ended(signal, "the change may have come about or not")),
        };
        persisted.save().await?;
        happened?;
        Ok(format!("done: {}\n", shown(words.trim())).into())
    })
}

/// `pgdrill heal`.
fn heal(name: &str) -> Exit {
    end(async {
        let persisted = PersistedTopology::find(name, &say).await?;
        let healed = tokio::select! {
            healed = persisted.heal() => healed,
            signal = asked_to_end() => Err(ended(signal, "some faults may still be there")),
        };
        persisted.save().await?;
        healed?;
        Ok("every fault is undone\n".to_owned().into())
    })
}

/// `pgdrill down`.
fn down(name: &str) -> Exit {
    end(async { Ok(removed(&take_down(name, &say).await?).into()) })
}

/// `pgdrill clean`.
fn clean(all: bool) -> Exit {
    end(async { Ok(removed(&clean_up(all).await?).into()) })
}

fn removed(cleared: &Cleared) -> String {
    if cleared.is_nothing() {
        return "nothing was left\n".to_owned();
    }
    let counted = |count: usize, what: &str| {
        let ending = if count == 1 { "" } else { "s" };
        format!("{count} {what}{ending}")
    };
    let (containers, networks) = (cleared.containers, cleared.networks);
    let what = [counted(containers, "container"), counted(networks, "network")].join(" and ");
    format!("removed {what}: {}\n", shown(&cleared.stages.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_counted_and_named() {
        let cleared = Cleared { stages: vec!["pgdrill-a".into()], containers: 2, networks: 1 };
        assert_eq!(removed(&cleared), "removed 2 containers and 1 network: pgdrill-a\n");
        assert_eq!(removed(&Cleared::default()), "nothing was left\n");
    }

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
