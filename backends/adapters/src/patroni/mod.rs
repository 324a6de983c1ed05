//! Patroni, by its REST API and its configuration file.

mod config;
mod member;
mod words;

use std::{pin::pin, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use pgdrill_core::{
    PortError, PortErrorKind,
    ports::{Cluster, ClusterSettings, MemberState, PortResult, UnitId},
};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    command::{CommandRunner, Invocation, RunFailure},
    files::{Access, FileFailure, Files},
    http::{self, NoAnswer},
};

pub use config::NO_ARCHIVE;
pub use member::{Member, PatroniLimits};

const PORT: &str = "cluster";
/// The pause before a member is asked again to look.
const PAUSE: Duration = Duration::from_millis(200);
/// Ends as soon as the server runs as wanted; what it then runs on. A session takes new settings before each command.
const LOOK: &str = include_str!("look.psql");
/// How many looks one session takes, a tenth of a second apart.
const LOOKS: usize = 20;
/// What the server runs on: the mark of its settings, and the archive command that its manager gave it; one
/// that somebody set behind the manager's back hides it.
const SETTINGS: &str =
    "SELECT coalesce(current_setting('pgdrill.settings', true), '') AS mark, coalesce((
    SELECT f.setting FROM pg_file_settings f
    WHERE f.name = 'archive_command' AND f.sourcefile NOT LIKE '%postgresql.auto.conf'
        AND EXISTS (SELECT FROM pg_file_settings o
            WHERE o.name = f.name AND o.sourcefile LIKE '%postgresql.auto.conf')
    ORDER BY f.seqno DESC LIMIT 1), current_setting('archive_command')) AS command";
/// How often a member that has not loaded new settings is asked to look.
const WAKES: u32 = 4;
/// The status of a change that another one came before.
const CONFLICT: u16 = 409;
/// How often a member is sent a setting before a conflict is an answer: more often than members can be in each other's
/// way.
const MOST_SENDS: u32 = 16;
/// The exit code of `psql` when no server takes its connection.
const NO_SERVER: i32 = 2;

/// The cluster manager of one unit.
///
/// New settings bear a mark, which the server itself is asked for: that Patroni agreed to reload says
/// nothing of when it does.
#[derive(Debug)]
pub struct PatroniApi<R, F> {
    runner: R,
    files: F,
    member: Member,
    limits: PatroniLimits,
}

/// `GET /cluster`, as far as it is used.
#[derive(Deserialize)]
struct ClusterAnswer {
    members: Vec<MemberAnswer>,
}

#[derive(Deserialize)]
struct MemberAnswer {
    name: String,
    role: String,
}

/// `GET /patroni`, as far as it is used.
#[derive(Deserialize)]
struct OwnAnswer {
    state: String,
    database_system_identifier: Option<Identifier>,
}

/// Patroni gives it as text. A number is read without a loss, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Identifier {
    Text(String),
    Number(u64),
}

impl<R: CommandRunner, F: Files> PatroniApi<R, F> {
    /// The manager of `member`, whose server is asked by commands of `runner` and whose configuration is
    /// written through `files`.
    pub const fn new(runner: R, files: F, member: Member, limits: PatroniLimits) -> Self {
        Self { runner, files, member, limits }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        unit: UnitId,
        path: &str,
    ) -> Result<PortResult<T>, NoAnswer> {
        let url = self.member.url(unit, path);
        let (status, body) = http::request(Method::GET, &url, None, self.limits.request).await?;
        if status != 200 {
            return Ok(Err(error(
                PortErrorKind::Unreachable,
                operation,
                format!("{url}: status {status}"),
            )));
        }
        Ok(serde_json::from_slice(&body)
            .map_err(|why| error(PortErrorKind::Malformed, operation, format!("{url}: {why}"))))
    }

    async fn state(&self, operation: &'static str) -> PortResult<MemberState> {
        match self.get::<OwnAnswer>(operation, self.member.unit, "patroni").await {
            Ok(own) => words::state(operation, &own?.state),
            Err(why) if self.member.is_down(self.member.unit, &why) => Ok(MemberState::Stopped),
            Err(why) => Err(why.at(PORT, operation)),
        }
    }

    async fn leader(&self, asked: UnitId) -> PortResult<Option<UnitId>> {
        let answer = self.get::<ClusterAnswer>("primary", asked, "cluster").await;
        let members = answer.map_err(|why| why.at(PORT, "primary"))??.members;
        let leads = |member: &&MemberAnswer| ["leader", "standby_leader"].contains(&&*member.role);
        let Some(leader) = members.iter().find(leads) else { return Ok(None) };
        let unit = self.member.unit_of(&leader.name).ok_or_else(|| {
            let cause = format!("`{}` is no member of this application", leader.name);
            error(PortErrorKind::Malformed, "primary", cause)
        })?;
        Ok(Some(unit))
    }

    /// The mark of the settings on which the server runs, and its archive command; `None`: no server takes
    /// connections.
    async fn running(&self, operation: &'static str) -> PortResult<Option<(String, String)>> {
        self.psql(operation, &["-c", SETTINGS], None).await
    }

    /// What this unit's server runs on, once it is as wanted or a short time has passed. An empty command is any.
    async fn running_soon(
        &self,
        mark: &str,
        command: &str,
    ) -> PortResult<Option<(String, String)>> {
        let (mark, command) = (format!("wanted_mark={mark}"), format!("wanted_command={command}"));
        let look = LOOK.replace("{settings}", &SETTINGS.replace('\n', " "));
        let looks = [&look.repeat(LOOKS), SETTINGS, ";\n"].concat();
        self.psql("apply", &["-v", &mark, "-v", &command], Some(looks.into_bytes())).await
    }

    async fn psql(
        &self,
        operation: &'static str,
        arguments: &[&str],
        stdin: Option<Vec<u8>>,
    ) -> PortResult<Option<(String, String)>> {
        let Member { user, socket, port, .. } = &self.member;
        let port = port.to_string();
        let fixed = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", socket, "-p", &port];
        let whom = ["-U", user, "-d", "postgres"];
        let argv = fixed.iter().chain(&whom).chain(arguments);
        let argv = argv.map(|&word| word.to_owned()).collect();
        let user = Some(user.clone());
        let invocation = Invocation { argv, user, stdin, timeout: self.limits.request };
        match self.runner.run(&invocation).await {
            Ok(output) if output.code == Some(0) => {
                let row = output.stdout.trim_end();
                let (mark, command) = row.split_once('|').unwrap_or((row, ""));
                Ok(Some((mark.to_owned(), command.to_owned())))
            }
            Ok(output) if output.code == Some(NO_SERVER) => Ok(None),
            Ok(output) => {
                let kind = match output.code {
                    Some(_) => PortErrorKind::Refused,
                    None => PortErrorKind::Unreachable,
                };
                let cause = format!("psql: {}", output.stderr.lines().next().unwrap_or_default());
                Err(error(kind, operation, cause).with_exit(output.into()))
            }
            Err(failure) => {
                let kind = match failure {
                    RunFailure::Missing { .. } | RunFailure::NotStarted { .. } => {
                        PortErrorKind::NotFound
                    }
                    RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
                    RunFailure::Lost { .. } => PortErrorKind::Unreachable,
                };
                Err(error(kind, operation, format!("psql: {failure}")))
            }
        }
    }

    /// Where WAL goes is the cluster's and not a member's: whoever is the primary next must archive to the same
    /// place. Any member that answers takes it; without one, the next bootstrap does, from the file.
    async fn archive_by(&self, command: &str) -> PortResult<()> {
        let members = std::iter::once(self.member.unit).chain(self.member.peers.iter().copied());
        self.archive_through(members, command).await
    }

    /// The first of these members that runs is told the archive command of every server; it is done where none runs.
    async fn archive_through(
        &self,
        members: impl Iterator<Item = UnitId> + Send,
        command: &str,
    ) -> PortResult<()> {
        for unit in members {
            let url = self.member.url(unit, "config");
            match send_archive_command(&url, command, self.limits.request).await {
                Ok(200..=299) => return Ok(()),
                Ok(status) => {
                    let kind = match status {
                        401 | 403 => PortErrorKind::Denied,
                        500.. => PortErrorKind::Unreachable,
                        _ => PortErrorKind::Refused,
                    };
                    return Err(error(kind, "apply", format!("{url}: status {status}")));
                }
                Err(why) if self.member.is_down(unit, &why) => {}
                Err(why) => return Err(why.at(PORT, "apply")),
            }
        }
        Ok(())
    }

    /// Returns once a server runs on this mark and this archive command, any if it is empty, or none runs at all.
    async fn loaded(&self, mark: &str, command: &str) -> PortResult<()> {
        let is_wanted =
            |(has, runs): &(String, String)| has == mark && ["", runs].contains(&command);
        let asking = async {
            loop {
                match self.running_soon(mark, command).await? {
                    Some(row) if is_wanted(&row) => return Ok(()),
                    None if self.state("apply").await? == MemberState::Stopped => return Ok(()),
                    row => {
                        // One that takes connections may have been sent its settings while it started.
                        if row.is_some() {
                            let _ = self.reload().await;
                        }
                        self.pause().await;
                    }
                }
            }
        };
        tokio::time::timeout(self.limits.load, asking).await.unwrap_or_else(|_| {
            let cause = format!("the server has not loaded them within {:?}", self.limits.load);
            Err(error(PortErrorKind::TimedOut, "apply", cause))
        })
    }

    /// Writes these settings to the member's own configuration, for when it starts. Nothing is reloaded, and what the members
    /// agree on stays as it is.
    ///
    /// # Errors
    ///
    /// The settings can't be written as a configuration, or the file can't be pushed.
    pub async fn write(&self, settings: &ClusterSettings) -> PortResult<()> {
        self.render(settings).await.map(drop)
    }

    async fn render(&self, settings: &ClusterSettings) -> PortResult<config::RenderedPatroni> {
        let rendered = config::render(&self.member, settings)
            .map_err(|cause| error(PortErrorKind::Refused, "apply", cause))?;
        let Member { configuration, user, .. } = &self.member;
        let access = Access { owner: Some(user), mode: 0o600 };
        let pushed = self.files.push(configuration, rendered.text.as_bytes(), access).await;
        pushed.map_err(|FileFailure { kind, cause }| error(kind, "apply", cause))?;
        Ok(rendered)
    }

    /// Has this unit's member look a few times. It takes new settings at its next look, up to `loop_wait` seconds later,
    /// and a reload brings no look about; being told of the cluster's settings does, even where it is told of none. What
    /// it was told it may see at the look after (both seen with Patroni 4.0.7). Nothing depends on it, so nobody waits for
    /// its answer: it must undo nothing that is told meanwhile.
    async fn wake(&self) {
        let url = self.member.url(self.member.unit, "config");
        for _ in 0..WAKES {
            let _ = patch(&url, &serde_json::json!({}), self.limits.request).await;
            self.pause().await;
        }
    }

    /// Has this unit's member load its configuration again; the status with which it answers.
    async fn reload(&self) -> Result<u16, NoAnswer> {
        reload(&self.member.url(self.member.unit, "reload"), self.limits.request).await
    }

    #[expect(clippy::disallowed_methods, reason = "Patroni tells nobody what it has done")]
    async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    /// The running member has loaded what was written. The DCS is asked for nothing that is so already: who
    /// takes connections again must not depend on it.
    async fn load(&self, rendered: &config::RenderedPatroni) -> PortResult<()> {
        let config::RenderedPatroni { mark: wanted, archive_command: command, .. } = rendered;
        let mut runs = self.running("apply").await?;
        if runs.is_none() {
            // What its server runs on is not known before it is up.
            self.loaded(wanted, "").await?;
            runs = self.running("apply").await?;
        }
        let archived = match runs {
            None => return Ok(()),
            Some((mark, runs)) if mark == *wanted && runs == *command => return Ok(()),
            Some((_, runs)) if runs == *command => Ok(()),
            Some(_) => self.archive_by(command).await,
        };
        let loaded = self.loaded(wanted, if archived.is_ok() { command } else { "" });
        let loaded = match select(pin!(loaded), pin!(self.wake())).await {
            Either::Left((loaded, _)) => loaded,
            Either::Right((_, loaded)) => loaded.await,
        };
        archived.and(loaded)
    }
}

/// Sends the member behind `url`, its `/config`, the archive command; the status with which it answers.
///
/// # Errors
///
/// It does not answer.
pub async fn send_archive_command(
    url: &str,
    command: &str,
    limit: Duration,
) -> Result<u16, NoAnswer> {
    patch(url, &serde_json::json!({ "archive_command": command }), limit).await
}

/// Tells the member behind `url` these parameters of every server. The members change one document of the DCS, and a
/// member whose change another's came before takes none of it: it is sent it again.
async fn patch(url: &str, parameters: &Value, limit: Duration) -> Result<u16, NoAnswer> {
    let body = serde_json::json!({ "postgresql": { "parameters": parameters } }).to_string();
    let mut sent = 0;
    loop {
        let body = Some(body.clone().into_bytes());
        let (status, _) = http::request(Method::PATCH, url, body, limit).await?;
        sent += 1;
        if status != CONFLICT || sent == MOST_SENDS {
            return Ok(status);
        }
    }
}

/// Has the member behind `url`, its `/reload`, load its configuration again and give its server all of it, what is set
/// for the whole cluster too; the status with which it answers, before it does so. What it is sent of the cluster's
/// settings while its server starts it does not write before that, though it agreed (seen with Patroni 4.0.7).
///
/// # Errors
///
/// It does not answer.
pub async fn reload(url: &str, limit: Duration) -> Result<u16, NoAnswer> {
    http::request(Method::POST, url, None, limit).await.map(|(status, _)| status)
}

#[async_trait]
impl<R: CommandRunner, F: Files> Cluster for PatroniApi<R, F> {
    async fn primary(&self) -> PortResult<Option<UnitId>> {
        let mut first = match self.leader(self.member.unit).await {
            Ok(leader) => return Ok(leader),
            Err(first) => first,
        };
        for &peer in &self.member.peers {
            match self.leader(peer).await {
                Ok(leader) => return Ok(leader),
                // An answer that can't be understood says more than silence does.
                Err(next) if next.kind() == PortErrorKind::Malformed => first = next,
                Err(_) => {}
            }
        }
        Err(first)
    }

    async fn member_state(&self) -> PortResult<MemberState> {
        self.state("member_state").await
    }

    async fn system_identifier(&self) -> PortResult<u64> {
        const OPERATION: &str = "system_identifier";
        let answer = self.get::<OwnAnswer>(OPERATION, self.member.unit, "patroni").await;
        let own = answer.map_err(|why| why.at(PORT, OPERATION))??;
        // Patroni remembers the identifier of a server that does not run, too.
        if own.state != "running" {
            let cause = format!("the database server does not answer: it is `{}`", own.state);
            return Err(error(PortErrorKind::Unreachable, OPERATION, cause));
        }
        let id = match own.database_system_identifier {
            Some(Identifier::Number(id)) => Some(id),
            Some(Identifier::Text(text)) => text.parse().ok(),
            None => None,
        };
        id.ok_or_else(|| {
            error(PortErrorKind::Malformed, OPERATION, "it is not a number of 64 bits")
        })
    }

    async fn accepts_connections(&self) -> PortResult<bool> {
        const OPERATION: &str = "accepts_connections";
        if let Some((mark, _)) = self.running(OPERATION).await? {
            return Ok(!mark.starts_with("off:"));
        }
        let failed = |FileFailure { kind, cause }| error(kind, OPERATION, cause);
        let path = &self.member.configuration;
        let file = self.files.read(path).await.map_err(failed)?.ok_or_else(|| {
            error(PortErrorKind::NotFound, OPERATION, format!("{path} was never written"))
        })?;
        Ok(!String::from_utf8_lossy(&file).contains("pgdrill.settings: \"off:"))
    }

    async fn apply(&self, settings: &ClusterSettings) -> PortResult<()> {
        let rendered = self.render(settings).await?;
        let unit = &self.member.unit;
        match self.reload().await {
            Ok(200..=299) => self.load(&rendered).await,
            Ok(status) => {
                let denied = [401, 403].contains(&status);
                let kind = if denied { PortErrorKind::Denied } else { PortErrorKind::Refused };
                let url = self.member.url(*unit, "reload");
                Err(error(kind, "apply", format!("{url}: status {status}")))
            }
            // A member that does not run loads them when it starts. It is not asked for anything else: one that is about to end
            // may take a request and answer no more.
            Err(why) if self.member.is_down(*unit, &why) => {
                let peers = self.member.peers.iter().copied();
                self.archive_through(peers, &rendered.archive_command).await
            }
            Err(why) => Err(why.at(PORT, "apply")),
        }
    }
}

fn error(kind: PortErrorKind, operation: &'static str, cause: impl Into<String>) -> PortError {
    PortError::new(kind, PORT, operation, cause)
}

#[cfg(test)]
mod tests;
