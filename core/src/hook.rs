//! The hooks, and how a firing can end.

use std::{fmt, str::FromStr};

use pgdrill_flow::words;

use crate::{cause::Cause, ports::PortError, shape::Shape, trace::Trace};

words! {
    /// The six hooks that the core holds, each walking one chart.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Hook {
        /// The S3 relation's data changed, or the relation is gone.
        S3CredentialsChanged = "s3-credentials-changed",
        /// The action create-backup.
        CreateBackup = "create-backup",
        /// The action list-backups.
        ListBackups = "list-backups",
        /// The action restore.
        Restore = "restore",
        /// Juju's periodic event.
        UpdateStatus = "update-status",
        /// Certificates arrived, or the certificates relation is gone.
        CertificatesChanged = "certificates-changed",
    }
    /// The name that charts, scenarios and the command line use.
    name
}

impl Hook {
    /// The chart that the hook walks, in Mermaid, as this project draws it: the published arrows solid,
    /// the amendments dotted.
    #[must_use]
    pub const fn chart(self) -> &'static str {
        match self {
            Self::S3CredentialsChanged => include_str!("../charts/s3_credentials_changed.mmd"),
            Self::CreateBackup => include_str!("../charts/create_backup.mmd"),
            Self::ListBackups => include_str!("../charts/list_backups.mmd"),
            Self::Restore => include_str!("../charts/restore.mmd"),
            Self::UpdateStatus => include_str!("../charts/update_status.mmd"),
            Self::CertificatesChanged => include_str!("../charts/certificates_changed.mmd"),
        }
    }

    /// Whether a person starts it, with parameters, and reads its result.
    #[must_use]
    pub const fn is_action(self) -> bool {
        match self {
            Self::CreateBackup | Self::ListBackups | Self::Restore => true,
            Self::S3CredentialsChanged | Self::UpdateStatus | Self::CertificatesChanged => false,
        }
    }

    /// The parameters that the charm declares for the action, so that Juju lets users give them: those that the hook takes, and
    /// for restore a time, which the charm of today has (its `actions.yaml`) and the hook refuses.
    #[must_use]
    pub const fn declared_parameters(self) -> &'static [&'static str] {
        match self {
            Self::Restore => &["backup-id", "restore-to-time"],
            Self::CreateBackup
            | Self::S3CredentialsChanged
            | Self::ListBackups
            | Self::UpdateStatus
            | Self::CertificatesChanged => self.parameters(),
        }
    }

    /// The parameters that the hook takes; none unless it is an action.
    #[must_use]
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::CreateBackup => &["type"],
            Self::Restore => &["backup-id"],
            Self::S3CredentialsChanged
            | Self::ListBackups
            | Self::UpdateStatus
            | Self::CertificatesChanged => &[],
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Hook {
    type Err = UnknownHook;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|hook| hook.name() == name);
        known.ok_or_else(|| UnknownHook(name.to_owned()))
    }
}

/// No hook bears this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHook(pub String);

impl fmt::Display for UnknownHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown hook `{}`", self.0)
    }
}

impl std::error::Error for UnknownHook {}

/// A port's failure at a shape that has no arrow for failure. In Juju the hook fails, its buffered
/// writes are dropped, and it is fired again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookError {
    /// Where.
    pub shape: Shape,
    /// Why.
    pub cause: PortError,
    /// What prevented the cleanup after the failure; the next firing on the unit repairs it.
    pub cleanup: Option<PortError>,
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hook error at {}: {}", self.shape, self.cause)?;
        match &self.cleanup {
            Some(error) => write!(f, "; cleanup failed too: {error}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for HookError {}

/// How a firing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The hook returned.
    Returned,
    /// The hook asked to be fired again.
    Deferred,
    /// The action failed with this message.
    Failed(String),
    /// The action has its result.
    Finished,
    /// The hook failed.
    Error(HookError),
    /// The process died on its way past this shape: nothing after it was done, no cleanup either.
    Died(Shape),
}

impl Outcome {
    /// The outcome in one word: returned, deferred, failed, finished or error. A death is an error.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Deferred => "deferred",
            Self::Failed(_) => "failed",
            Self::Finished => "finished",
            Self::Error(_) | Self::Died(_) => "error",
        }
    }

    /// The message that goes with it, where there is one.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Returned | Self::Deferred | Self::Finished => None,
            Self::Failed(message) => Some(message.clone()),
            Self::Error(error) => Some(error.to_string()),
            Self::Died(shape) => Some(format!("the process died at {shape}")),
        }
    }

    /// Whether Juju keeps what the hook wrote: it does unless the hook failed. A failed action is a hook
    /// that succeeded.
    #[must_use]
    pub const fn keeps_writes(&self) -> bool {
        match self {
            Self::Returned | Self::Deferred | Self::Failed(_) | Self::Finished => true,
            Self::Error(_) | Self::Died(_) => false,
        }
    }
}

/// One hook, fired once on one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Which hook.
    pub hook: Hook,
    /// How it ended.
    pub outcome: Outcome,
    /// What it visited.
    pub trace: Trace,
    /// Why calls of ports failed of which an answer or an action came, in order, as far as the log has room for them.
    pub causes: Vec<Cause>,
}
