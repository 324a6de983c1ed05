//! The action list-backups.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/list_backups.mmd")]
//! ```

use crate::{
    shape::{Action::*, Attempt::*, Ending::*, Question::*},
    walker::{Stop, Walker},
};

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
