//! The hooks, one file each, in chart order: control flow only, to be read beside the picture.

mod certificates_changed;
mod create_backup;
mod list_backups;
mod restore;
mod s3_credentials_changed;
mod update_status;

pub(crate) use certificates_changed::certificates_changed;
pub(crate) use create_backup::create_backup;
pub(crate) use list_backups::list_backups;
pub(crate) use restore::restore;
pub(crate) use s3_credentials_changed::s3_credentials_changed;
pub(crate) use update_status::update_status;
