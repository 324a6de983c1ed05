//! Where WAL goes is the cluster's, and stays so while a member is set up about which nothing was decided.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use super::{EngineResult, Topology, complaint};
use pgdrill_adapters::{
    http,
    patroni::{self, NO_ARCHIVE},
};

/// How long a member may take to answer.
const ANSWER: Duration = Duration::from_secs(6);
/// After how many looks a server that still keeps WAL was configured while it started, and its member must reload.
const LOOKS: u32 = 20;

impl Topology {
    /// WAL is archived nowhere. A server does not stop before what it could not archive is: with the bucket gone, a
    /// role change or a stop takes many seconds.
    pub(super) async fn archive_nowhere(&self) -> EngineResult<()> {
        self.archive_by(Some(NO_ARCHIVE.to_owned())).await
    }

    /// Returns once no server keeps WAL, which is a while after it is asked. Until then a server that is asked to keep
    /// it where it did before seems to have taken that already, and a member that is asked reports what was.
    pub(super) async fn archives_nowhere(&self) -> EngineResult<()> {
        let mut looks = 0_u32;
        self.until("no server keeps WAL", || {
            looks += 1;
            let is_long = looks.is_multiple_of(LOOKS);
            async move {
                let units = self.units();
                let keep = join_all(units.iter().map(|unit| async move {
                    let shown = unit.sql("SHOW archive_command").await.ok()?;
                    let keeps = shown.trim() != NO_ARCHIVE;
                    if keeps && is_long {
                        let _ = patroni::reload(&unit.api_url("reload"), ANSWER).await;
                    }
                    Some(keeps)
                }));
                keep.await.into_iter().all(|keeps| keeps == Some(false))
            }
        })
        .await
    }

    /// The archive command that the members agree on; `None` when no member answers.
    pub(super) async fn archive_command(&self) -> Option<String> {
        for unit in self.units() {
            let url = unit.api_url("config");
            let Ok((200, body)) = http::request(Method::GET, &url, None, ANSWER).await else {
                continue;
            };
            let answer: Value = serde_json::from_slice(&body).ok()?;
            let command = answer.pointer("/postgresql/parameters/archive_command")?;
            return command.as_str().map(str::to_owned);
        }
        None
    }

    /// The members agree on this archive command again.
    pub(super) async fn archive_by(&self, command: Option<String>) -> EngineResult<()> {
        let Some(command) = command else { return Ok(()) };
        for unit in self.units() {
            let url = unit.api_url("config");
            if patroni::send_archive_command(&url, &command, ANSWER)
                .await
                .is_ok_and(|status| status == 200)
            {
                return Ok(());
            }
        }
        Err(complaint(self.stage().name(), "no member takes the archive command"))
    }
}
