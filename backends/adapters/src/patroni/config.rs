//! The member's configuration file.

use minijinja::context;
use pgdrill_core::ports::ClusterSettings;

use super::Member;
use crate::template;

const TEMPLATE: &str = include_str!("patroni.yml.jinja");
/// What archives nothing and says that all is well, so that WAL does not pile up.
pub const NO_ARCHIVE: &str = "/bin/true";

/// A configuration, and what the server says once it runs on it.
pub(super) struct RenderedPatroni {
    pub(super) text: String,
    pub(super) mark: String,
    pub(super) archive_command: String,
}

/// The configuration of a member; or why there can be none.
pub(super) fn render(
    member: &Member,
    settings: &ClusterSettings,
) -> Result<RenderedPatroni, String> {
    let archive_command = archive_command(settings)?;
    let restore = restore_command(member, settings)?;
    let filled_in = |accepts_connections, mark: &str| {
        fill_in(member, accepts_connections, &archive_command, restore.as_deref(), mark)
    };
    let accepts_connections = settings.accepts_connections;
    let without = filled_in(accepts_connections, "")?;
    let connections = if accepts_connections { "on" } else { "off" };
    let mark = format!("{connections}:{:016x}", template::digest(&without));
    let text = filled_in(accepts_connections, &mark)?;
    if member.template.is_some() {
        let does_close = filled_in(!accepts_connections, "")? != without;
        if let Some(missing) = missing(&text, &mark, does_close, restore.as_deref()) {
            return Err(format!("the template of {} {missing}", member.configuration));
        }
    }
    Ok(RenderedPatroni { text, mark, archive_command })
}

/// What a template that is not this crate's own fails to do.
fn missing(
    text: &str,
    mark: &str,
    does_close: bool,
    restore: Option<&str>,
) -> Option<&'static str> {
    if !text.contains(&format!("pgdrill.settings: \"{mark}\"")) {
        return Some("has no parameter `pgdrill.settings: {{ mark | tojson }}`");
    }
    if !does_close {
        return Some("does not close connections: it is the same for any `accepts_connections`");
    }
    let restores = match restore {
        None => !text.contains("method: pgbackrest"),
        Some(command) => text.contains(command),
    };
    (!restores).then_some("does not bootstrap by `restore`, and only while that is given")
}

/// What the database does with a finished WAL segment.
fn archive_command(settings: &ClusterSettings) -> Result<String, String> {
    Ok(match settings.archive_stanza.as_deref() {
        None => NO_ARCHIVE.to_owned(),
        Some(stanza) => format!("pgbackrest --stanza={} archive-push %p", word(stanza)?),
    })
}

/// What restores the data directory, if it is to be restored.
fn restore_command(member: &Member, settings: &ClusterSettings) -> Result<Option<String>, String> {
    let Some(source) = &settings.restore else { return Ok(None) };
    Ok(Some(format!(
        "pgbackrest --stanza={} --pg1-path={} --set={} --type=immediate --target-action=promote restore",
        word(&source.stanza)?,
        word(&member.data)?,
        word(&source.label)?
    )))
}

fn fill_in(
    member: &Member,
    accepts_connections: bool,
    archive_command: &str,
    restore: Option<&str>,
    mark: &str,
) -> Result<String, String> {
    let values = context! {
        mark, archive_command, restore, accepts_connections,
        scope => &member.scope,
        name => member.name(member.unit),
        host => member.host(member.unit),
        api_port => member.api_port,
        etcd => member.etcd.join(","),
        user => &member.user,
        programs => &member.programs,
        data => &member.data,
        socket => &member.socket,
        port => member.port,
        parameters => &member.parameters,
        superuser_password => member.superuser_password.expose(),
        replication_password => member.replication_password.expose(),
        rewind_password => member.rewind_password.expose(),
    };
    template::render(member.template.as_deref().unwrap_or(TEMPLATE), values)
}

/// A text that is one word to every shell.
fn word(text: &str) -> Result<&str, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
        return Err(format!("`{}` can't be part of a command", text.escape_default()));
    }
    Ok(text)
}
