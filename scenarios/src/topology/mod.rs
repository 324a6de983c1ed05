//! Topologies that stay up until somebody takes them down, wherever they are: what can be asked of them, and what can be seen.

mod faults;
mod memory;
mod seen;

use std::{collections::BTreeMap, sync::Arc};

use pgdrill_core::{Diagnostic, Hook, PortError};
use pgdrill_sim::{BackupSeen, Shelf};

use crate::{
    check::bad_parameter,
    run::filled_in,
    testbed::{Cause, Prevented},
};

pub use faults::FaultsInForce;
pub use memory::{MemoryTopology, Unreadable};
pub use seen::{BackupThere, ContainerSeen, TopologySeen, UnitThere, member_name, service_name};

/// Why something was not done to a topology.
#[derive(Debug)]
pub enum TopologyError {
    /// It was asked for wrongly, or of what is not there.
    Wrong(Box<Diagnostic>),
    /// The place where it is failed.
    Failed(Box<Diagnostic>),
}

impl From<Box<Diagnostic>> for TopologyError {
    fn from(complaint: Box<Diagnostic>) -> Self {
        Self::Failed(complaint)
    }
}

impl From<PortError> for TopologyError {
    fn from(error: PortError) -> Self {
        Self::prevented(Prevented::Broken(error.to_string().into()))
    }
}

impl TopologyError {
    /// It was asked for wrongly: here, in this way, and what to do instead.
    #[must_use]
    pub fn wrong(place: &str, what: &str, hint: &str) -> Self {
        Self::Wrong(Box::new(Diagnostic::error(place, what).hint(hint)))
    }

    /// No topology of this name is up, and these are.
    #[must_use]
    pub fn not_up(name: &str, others: &[String]) -> Self {
        let hint = if others.is_empty() {
            "`pgdrill up` brings one up".to_owned()
        } else {
            format!("give `--name` with one that is up: {}", others.join(", "))
        };
        Self::wrong("the command line", &format!("no topology `{name}` is up"), &hint)
    }

    /// A topology of this name is up, and another one was asked for.
    #[must_use]
    pub fn is_up(name: &str) -> Self {
        let hint = "`pgdrill status` shows it, `pgdrill down` takes it down, and `--name` brings another one up beside it";
        Self::wrong("the command line", &format!("`{name}` is up already"), hint)
    }

    /// What the testbed says that it did not do.
    #[must_use]
    pub fn prevented(why: Prevented) -> Self {
        let in_words = |what| Box::new(Diagnostic::error("the topology", what));
        Self::Failed(match why {
            Prevented::Broken(Cause::Complaint(complaint)) => complaint,
            Prevented::Broken(Cause::Text(what)) | Prevented::Unable(what) => in_words(what),
            Prevented::Broken(cause @ Cause::TookLonger(_)) => in_words(cause.to_string()),
        })
    }
}

/// Refuses parameters that Juju would.
///
/// # Errors
///
/// The first that it would refuse.
pub fn check_parameters(
    hook: Hook,
    parameters: &BTreeMap<String, String>,
) -> Result<(), TopologyError> {
    let mut bad = parameters.iter().filter_map(|(name, value)| {
        let bad = bad_parameter(hook, name, value)?;
        Some(TopologyError::wrong(&format!("`--param {name}={value}`"), &bad.what, &bad.hint))
    });
    bad.next().map_or(Ok(()), Err)
}

/// Refuses a unit that is none of the topology's.
///
/// # Errors
///
/// There is no such unit among so many.
pub fn check_unit(name: &str, unit: u32, size: u32) -> Result<(), TopologyError> {
    let last = size.saturating_sub(1);
    if unit <= last {
        return Ok(());
    }
    let hint = match last {
        0 => "there is one unit, number 0".to_owned(),
        last => format!("units are numbered from 0 to {last}"),
    };
    let what = format!("there is no unit {unit} in `{name}`");
    Err(TopologyError::wrong("`--unit`", &what, &hint))
}

/// Parameters with `${backup-N}` replaced by the id of the Nth oldest of these backups.
///
/// # Errors
///
/// There is no such backup.
pub fn fill_in(
    parameters: &BTreeMap<String, String>,
    backups: &Shelf<BackupSeen>,
) -> Result<BTreeMap<String, Arc<str>>, TopologyError> {
    filled_in(parameters, backups).map_err(|error| {
        let what = error.cause().trim_end_matches(" by then");
        TopologyError::wrong("`--param`", what, "`pgdrill status` shows the backups")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_of_a_container_is_reported_as_it_was() {
        // A second line that looks like a place, which a complaint written out would not be told from.
        let complaint = Diagnostic::error("unit-0", "it is dead:\n   at: night").hint("revive it");
        let why = Prevented::Broken(Box::new(complaint.clone()).into());
        let TopologyError::Failed(reported) = TopologyError::prevented(why) else {
            panic!("it failed");
        };
        assert_eq!(*reported, complaint);
        for (why, what) in [
            (Prevented::Broken("it said\n   at: noon".into()), "it said\n   at: noon"),
            (Prevented::Unable("no policy".into()), "no policy"),
        ] {
            let TopologyError::Failed(reported) = TopologyError::prevented(why) else {
                panic!("it failed");
            };
            assert_eq!((&*reported.what, &*reported.file), (what, "the topology"));
        }
    }

    #[test]
    fn a_unit_that_is_not_there_is_refused() {
        assert!(check_unit("local", 1, 2).is_ok());
        for (size, hint) in
            [(1, "there is one unit, number 0"), (2, "units are numbered from 0 to 1")]
        {
            let Err(TopologyError::Wrong(complaint)) = check_unit("local", 2, size) else {
                panic!("it is refused");
            };
            assert_eq!(complaint.hint.as_deref(), Some(hint));
        }
    }
}
