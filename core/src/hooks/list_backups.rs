//! The action list-backups.

use crate::{
    fire::{Stop, Walker},
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
};

/// Walks this chart:
/// ```text
#[doc = include_str!("../../charts/list_backups.mmd")]
/// ```
pub(crate) async fn list_backups(walker: &mut Walker<'_>) -> Result<(), Stop> {
    if !walker.ask(IsS3RelationEstablished).await? {
        return walker.end(FailAction).await;
    }
    if walker.ask(HasMissingS3Parameters).await? {
        return walker.end(FailAction).await;
    }
    if !walker.attempt(DoesPgbackrestReturnedBackupsList).await? {
        return walker.end(FailAction).await;
    }
    walker.act(ReturnFormattedBackupList).await
}
