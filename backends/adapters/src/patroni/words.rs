//! The words in which Patroni reports the state of a member.

use pgdrill_core::{
    PortErrorKind,
    ports::{MemberState, PortResult},
};

use super::error;

/// What Patroni's words mean.
pub(super) fn state(operation: &'static str, words: &str) -> PortResult<MemberState> {
    // A failed restart is followed by the state before it, in parentheses.
    let plain = words.split_once(" (").map_or(words, |(plain, _)| plain);
    Ok(match plain {
        "running" | "streaming" | "in archive recovery" | "stop failed" => MemberState::Running,
        "starting"
        | "restarting"
        | "initializing new cluster"
        | "running custom bootstrap script"
        | "starting after custom bootstrap"
        | "creating replica" => MemberState::Starting,
        // `unknown` is Patroni's word for a server that should run and does not answer.
        "stopped"
        | "stopping"
        | "crashed"
        | "start failed"
        | "restart failed"
        | "initdb failed"
        | "custom bootstrap failed"
        | "unknown" => MemberState::Stopped,
        other => {
            let cause = format!("the state `{}` is not known", other.escape_default());
            return Err(error(PortErrorKind::Malformed, operation, cause));
        }
    })
}
