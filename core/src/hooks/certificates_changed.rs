//! Certificates arrived, or the certificates relation is gone.

use super::s3_credentials_changed::bring_tls_server_in_line;
use crate::fire::{Stop, Walker};

/// Walks this chart:
/// ```text
#[doc = include_str!("../../charts/certificates_changed.mmd")]
/// ```
pub(crate) async fn certificates_changed(walker: &mut Walker<'_>) -> Result<(), Stop> {
    bring_tls_server_in_line(walker).await
}
