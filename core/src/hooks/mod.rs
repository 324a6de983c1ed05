//! The hooks, one file each, in chart order: control flow only, to be read beside the picture.

pub mod certificates_changed;
pub mod create_backup;
pub mod list_backups;
pub mod restore;
pub mod s3_credentials_changed;
pub mod update_status;

pub(crate) use certificates_changed::certificates_changed;
pub(crate) use create_backup::create_backup;
pub(crate) use list_backups::list_backups;
pub(crate) use restore::restore;
pub(crate) use s3_credentials_changed::s3_credentials_changed;
pub(crate) use update_status::update_status;
