//! The events that will be fired again. Juju knows no deferral, so they are stored in the unit's state.

use pgdrill_core::{Hook, PortError, PortErrorKind, ports::PortResult};

use super::tools::{HookTools, PORT};
use crate::command::CommandRunner;

/// The key of the unit's state.
const KEY: &str = "pgdrill-deferred";

/// The events that earlier hooks deferred, in order.
pub(super) async fn get<R: CommandRunner>(tools: &HookTools<R>) -> PortResult<Vec<Hook>> {
    let text = tools.run("deferred", &["state-get", KEY], None).await?;
    let names = text.split_whitespace();
    let hooks = names.map(|name| {
        name.parse::<Hook>().map_err(|error| {
            PortError::new(PortErrorKind::Malformed, PORT, "deferred", error.to_string())
        })
    });
    hooks.collect()
}

/// Keeps these events, and no others, once the hook succeeds.
pub(super) async fn set<R: CommandRunner>(tools: &HookTools<R>, hooks: &[Hook]) -> PortResult<()> {
    let done = if hooks.is_empty() {
        tools.run("defer", &["state-delete", KEY], None).await
    } else {
        let names: Vec<&str> = hooks.iter().map(|hook| hook.name()).collect();
        let pair = format!("{KEY}={}", names.join(" "));
        tools.run("defer", &["state-set", &pair], None).await
    };
    done.map(drop)
}
