//! Topologies that stay up in containers.

use pgdrill_container_backend::{
    FreeName, PersistedTopology, Wanted, clean as clean_up, down as take_down,
};
use pgdrill_containers::{Cleared, Profile};
use pgdrill_core::{Diagnostic, Hook};
use pgdrill_flow::{counted, shown};
use pgdrill_scenarios::{
    TopologyError, check_change, check_parameters, firings, read_change, report,
};

use super::{CommandDone, end, is_failure, parameters, printer, status_text};
use crate::{
    args::{FireArgs, S3Arg, StatusFormat, TopologyCommand, UpArgs},
    commands::Exit,
    containers::{StderrProgress, profile},
    output::{print, say},
    signals::asked_to_end,
    threads::processors,
};

fn ended(signal: &str, what: &str) -> TopologyError {
    let what = format!("ended by {signal}; {what}");
    TopologyError::Failed(Box::new(Diagnostic::error("the command", what)))
}

/// Carries the command out.
pub(super) fn command(command: &TopologyCommand) -> Exit {
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
    end(processors(), print, async {
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
        let text = report::reach_text(&persisted.seen().await);
        free.release();
        Ok(text.into())
    })
}

/// `pgdrill status`.
fn status(name: &str, format: StatusFormat) -> Exit {
    end(processors(), printer(format), async {
        let seen = PersistedTopology::look(name).await?.seen().await;
        Ok(status_text(&seen, format)?.into())
    })
}

/// `pgdrill fire`.
fn fire(args: &FireArgs) -> Exit {
    let Ok(hook) = args.hook.parse::<Hook>() else { return Exit::Wrong };
    end(processors(), print, async {
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

/// `pgdrill do`.
fn change(name: &str, words: &str) -> Exit {
    end(processors(), print, async {
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
    end(processors(), print, async {
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
    end(processors(), print, async { Ok(removed(&take_down(name, &say).await?).into()) })
}

/// `pgdrill clean`.
fn clean(all: bool) -> Exit {
    end(processors(), print, async { Ok(removed(&clean_up(all).await?).into()) })
}

fn removed(cleared: &Cleared) -> String {
    if cleared.is_nothing() {
        return "nothing was left\n".to_owned();
    }
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
}
