//! Certificates arrived, or the certificates relation is gone.
//!
//! The chart that it walks, published arrows solid and amendments dotted:
//! ```text
#![doc = include_str!("../../charts/certificates_changed.mmd")]
//! ```

use super::s3_credentials_changed::bring_tls_server_in_line;
use crate::walker::{Stop, Walker};

pub(crate) async fn certificates_changed(walker: &mut Walker<'_>) -> Result<(), Stop> {
    bring_tls_server_in_line(walker).await
}
