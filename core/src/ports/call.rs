//! Every call of every port, by name.

use std::fmt;

use super::{PortError, PortErrorKind};

/// Lists the calls by their ports: the name of a port in errors and in files, and of each call its operation,
/// whether it reads or changes something, and what is true after it.
macro_rules! calls {
    ($($port:literal as $word:literal {
        $($call:ident: $effect:ident $operation:literal, $about:literal;)+
    })+) => {
        /// Which call of which port. What does not wait is none: who the unit is. Nor is the clock, which changes
        /// nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Call {
            $($(#[doc = $about] $call,)+)+
        }

        impl Call {
            /// Every call, port by port.
            pub const ALL: &'static [Self] = &[$($(Self::$call,)+)+];

            /// The port, in the words of a [`PortError`].
            #[must_use]
            pub const fn port(self) -> &'static str {
                match self {
                    $($(Self::$call)|+ => $port,)+
                }
            }

            /// What is asked of the port.
            #[must_use]
            pub const fn operation(self) -> &'static str {
                match self {
                    $($(Self::$call => $operation,)+)+
                }
            }

            /// The port and its operation, in the words of a [`PortError`]'s place: `object store.put`.
            #[must_use]
            pub const fn place(self) -> &'static str {
                match self {
                    $($(Self::$call => concat!($port, ".", $operation),)+)+
                }
            }

            /// The port and its operation as a scenario file writes them, without a space: `object-store.put`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$call => concat!($word, ".", $operation),)+)+
                }
            }

            /// In one sentence, what is true after it, or what it answers.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $($(Self::$call => $about,)+)+
                }
            }

            /// Whether it changes something outside of the process.
            #[must_use]
            pub const fn has_effect(self) -> bool {
                match self {
                    $($(Self::$call => calls!(@ $effect),)+)+
                }
            }
        }
    };
    (@ reads) => { false };
    (@ changes) => { true };
}

calls! {
    "cluster" as "cluster" {
        ClusterPrimary: reads "primary", "The unit that holds the leader's lock of the cluster.";
        ClusterMemberState: reads "member_state", "What this unit's own member does.";
        ClusterSystemIdentifier: reads "system_identifier",
            "The system identifier of the data that this unit serves.";
        ClusterAcceptsConnections: reads "accepts_connections",
            "Whether this unit accepts new client connections.";
        ClusterApply: changes "apply",
            "The cluster manager's settings are written and the running member has loaded them.";
    }
    "repository" as "repository" {
        RepositoryConfigure: changes "configure",
            "The backup tool's settings are in its configuration.";
        RepositoryCreateStanza: changes "create_stanza",
            "The stanza exists and is of this cluster.";
        RepositoryCheck: changes "check", "A WAL segment was archived into the stanza just now.";
        RepositoryBackUp: changes "back_up", "A backup was taken.";
        RepositoryInfo: reads "info", "The inventory of all stanzas.";
        RepositoryPing: reads "ping", "The TLS server of another unit answered.";
    }
    "object store" as "object-store" {
        ObjectStoreEnsureBucket: changes "ensure_bucket", "The bucket exists and can be listed.";
        ObjectStorePut: changes "put", "The object holds what was given.";
        ObjectStoreGet: reads "get", "The object's content.";
    }
    "workload" as "workload" {
        WorkloadIsReachable: reads "is_reachable", "Whether the supervisor answers.";
        WorkloadService: reads "service", "What a service does now.";
        WorkloadStart: changes "start", "The service runs.";
        WorkloadStop: changes "stop", "The service does not run.";
        WorkloadReload: changes "reload", "The running service has taken its new configuration.";
        WorkloadEmptyDataDirectory: changes "empty_data_directory",
            "The data directory holds nothing.";
    }
    "cluster record" as "cluster-record" {
        ClusterRecordRemove: changes "remove", "Nothing of the previous cluster is remembered.";
    }
    "unit" as "unit" {
        UnitIsLeader: reads "is_leader", "Whether this unit leads.";
        UnitStatus: reads "status", "The status that users see now.";
        UnitSetStatus: changes "set_status", "Users see the status from here on.";
        UnitPlannedUnits: reads "planned_units", "How many units the application is to have.";
        UnitPeers: reads "peers", "The other units of the application.";
        UnitData: reads "data", "A databag's value.";
        UnitPeerData: reads "peer_data", "A value of another unit's databag.";
        UnitSetData: changes "set_data", "A databag's value is set once the hook succeeds.";
        UnitS3Relation: reads "s3_relation", "The data of the S3 relation.";
        UnitTlsMaterial: reads "tls_material", "The TLS material that this unit holds.";
        UnitParameter: reads "parameter", "A parameter of the running action.";
        UnitParameters: reads "parameters", "The names of the running action's parameters.";
        UnitSetResult: changes "set_result", "The running action will carry the result.";
        UnitFailAction: changes "fail_action", "The running action will end as failed.";
        UnitDefer: changes "defer", "The event will be fired again, once the hook succeeds.";
    }
}

impl Call {
    /// The call with this place.
    #[must_use]
    pub fn from_place(place: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|call| call.place() == place)
    }

    /// What its caller gets when it was made and its answer never comes. As of a command of which no end is known,
    /// there is no exit code.
    #[must_use]
    pub fn lost(self) -> PortError {
        PortError::new(
            PortErrorKind::TimedOut,
            self.port(),
            self.operation(),
            "the answer was lost",
        )
    }

    /// What nobody gets of it, as the process that made it, or was about to, has died.
    #[must_use]
    pub fn died(self) -> PortError {
        died(self.port(), self.operation())
    }
}

/// What nobody gets any more, as the process has died.
pub(super) fn died(port: &'static str, operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unreachable, port, operation, "the process has died")
}

impl fmt::Display for Call {
    /// The name that files use.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_name_of_one_word_and_is_found_by_its_place() {
        for &call in Call::ALL {
            assert_eq!(call.place(), format!("{}.{}", call.port(), call.operation()));
            assert_eq!(call.name(), call.place().replace(' ', "-"));
            assert!(call.about().ends_with('.'), "{call}");
            assert_eq!(Call::from_place(call.place()), Some(call));
        }
        assert_eq!(Call::from_place("unit.identity"), None);
        assert_eq!(Call::from_place("clock.wait"), None);
        assert_eq!(Call::ALL.len(), 36);
        assert_eq!(Call::ALL.iter().filter(|call| call.has_effect()).count(), 17);
    }

    #[test]
    fn a_lost_answer_names_its_call_and_no_exit() {
        let lost = Call::ObjectStorePut.lost();
        assert_eq!(lost.to_string(), "object store.put timed out: the answer was lost");
        assert_eq!(lost.exit(), None);
    }
}
