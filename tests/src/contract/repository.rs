//! What the backup repository promises: exit codes and words are those that pgBackRest 2.55.1 gave.

mod backup;
mod command;
mod info;

use pgdrill_core::ports::BackupKind;
use pgdrill_sim::{
    ArchiveCommand, BackupGiven, BucketGiven, CaGiven, Change, CredentialsGiven, EndpointGiven,
    Given, LockState, MemberFate, PgbackrestFailureMode, RepositoryGiven, S3Given, S3ServerState,
    ServiceName, ServiceRuns, SetLock, SetMember, SetService, SetWorkload, WorkloadState,
};

use super::{
    promises,
    subject::{pair, ready, related, tls_pair, tls_trio},
};
use backup::{
    backs_up, every_kind, hung_backup, late_wal_arrives, locked_out, outlives_its_caller, resumes,
    retry_after, tells_of_its_lock, terminated,
};
use command::{
    RepositoryCommand, backup, breaks_off, bucketless, check, configuration_is_private,
    configures_without_s3, configures_without_tls, exits_with, keeps_backups,
    lets_in_whom_its_settings_name, loses_its_words, makes_the_stanza, ping, reconfigures,
    refuses_buckets, refuses_paths, s3_commands_exit, s3_commands_hang, stanza_create, unanswered,
    works,
};
use info::{
    another_stanza, empty, failed_is_listed, knows_nothing, not_understood, on_every_unit, reads,
    shows_no_secret, unreadable,
};

promises! {
    /// The promises of `Repository`.
    REPOSITORY {
        // configure
        "commands use the settings that were configured last": ready => reconfigures(),
        "the configuration is readable by its user alone": ready => configuration_is_private(),
        "without S3 settings only the TLS server is configured":
            || Given { tls: true, ..Given::default() } => configures_without_s3(),
        "without certificates the TLS server is not configured": related => configures_without_tls(),
        "a command without a configuration exits 37":
            related => exits_with(check(0).unconfigured(), vec![], 37, "requires option: pg1-path"),
        "without a configuration the inventory is empty, and tells nothing of the bucket":
            related => knows_nothing(),
        // create_stanza
        "a stanza is made, and is of this cluster": related => makes_the_stanza(),
        "a stanza that exists is left as it is, with its backups": ready => keeps_backups(),
        "stanza-create exits 28 when the stanza is another cluster's":
            theirs => exits_with(stanza_create(0), vec![], 28, "do not match the database"),
        "stanza-create exits 56 on a replica that reaches no primary":
            pair => exits_with(stanza_create(1), vec![], 56, "unable to find primary cluster"),
        "stanza-create exits 56 on a replica when the primary's TLS server is down": tls_pair =>
            exits_with(stanza_create(1), vec![stopped(0)], 56, "unable to find primary cluster"),
        "stanza-create works on a replica through the primary's TLS server":
            tls_pair => works(stanza_create(1), vec![]),
        "stanza-create only warns of a peer whose TLS server is down":
            tls_pair => works(stanza_create(0), vec![stopped(1)]),
        // check
        "check ends well when WAL is archived": ready => works(check(0), vec![]),
        "check works on a replica through the primary's TLS server":
            tls_pair => works(check(1), vec![]),
        "check exits 27 on a replica that reaches no primary":
            pair => exits_with(check(1), vec![], 27, "primary database not found"),
        "check exits 49 on a replica when the primary's TLS server is down":
            tls_pair => exits_with(check(1), vec![stopped(0)], 49, "unable to connect"),
        "check exits 49 on the primary when a peer's TLS server is down":
            tls_pair => exits_with(check(0), vec![stopped(1)], 49, "unable to connect"),
        "check exits 49 on a replica when another replica's TLS server is down":
            tls_trio => exits_with(check(1), vec![stopped(2)], 49, "unable to connect"),
        "check exits 28 when the stanza is another cluster's":
            theirs => exits_with(check(0), vec![], 28, "do not match the database"),
        "check exits 55 without a stanza":
            related => exits_with(check(0).archived(), vec![], 55, "unable to load info file"),
        "check exits 68 when the archive command is not the tool's":
            ready => exits_with(check(0), vec![broken_archive()], 68, "must contain pgbackrest"),
        "check exits 82 when WAL comes too late":
            ready => exits_with(check(0), vec![LATE], 82, "was not archived before"),
        "check ends well once late WAL has come": ready => late_wal_arrives(),
        // back_up
        "a backup is in the inventory, under the label that the tool logged":
            ready => backs_up(0, true),
        "a backup of each kind holds as much as was asked for": ready => every_kind(),
        "a replica takes the backup through the primary's TLS server": tls_pair => backs_up(1, false),
        "backup exits 56 on a replica that reaches no primary":
            pair => exits_with(backup(1, false), vec![], 56, "unable to find primary cluster"),
        "backup exits 56 on a replica when the primary's TLS server is down": tls_pair =>
            exits_with(backup(1, false), vec![stopped(0)], 56, "unable to find primary cluster"),
        "backup of a replica's own files as the primary's exits 56":
            pair => exits_with(backup(1, true), vec![], 56, "unable to find primary cluster"),
        "backup exits 51 when the stanza is another cluster's":
            theirs => exits_with(backup(0, true), vec![], 51, "do not match stanza version"),
        "backup exits 55 without a stanza":
            related => exits_with(backup(0, true).archived(), vec![], 55, "unable to load info file"),
        "backup exits 68 when the archive command is not the tool's": ready =>
            exits_with(backup(0, true), vec![broken_archive()], 68, "must contain pgbackrest"),
        "backup exits 82 when WAL comes too late":
            ready => exits_with(backup(0, true), vec![LATE], 82, "was not archived before"),
        "backup exits 50 while another process holds the lock":
            ready => exits_with(backup(0, true), vec![LOCKED], 50, "unable to acquire lock"),
        "stanza-create exits 50 while another process holds the lock":
            ready => exits_with(stanza_create(0), vec![LOCKED], 50, "unable to acquire lock"),
        "check and the inventory go on while another process holds the lock":
            ready => locked_out(),
        "backup exits 56 on a replica while the lock is held on the primary alone":
            tls_pair => exits_with(backup(1, false), vec![held(0)], 56, "unable to find primary"),
        "stanza-create exits 56 on a replica while the lock is held on the primary alone":
            tls_pair => exits_with(stanza_create(1), vec![held(0)], 56, "unable to find primary"),
        "a backup of the primary breaks off while the lock is held on a replica's host alone":
            tls_pair => breaks_off(backup(0, true), held(1)),
        "a replica's backup breaks off while the lock is held on another replica's host alone":
            tls_trio => breaks_off(backup(1, false), held(2)),
        "backup exits 50 on a replica while the lock is held on its own host":
            tls_pair => exits_with(backup(1, false), vec![held(1)], 50, "unable to acquire lock"),
        "stanza-create works on the primary while the lock is held on a replica's host":
            tls_pair => works(stanza_create(0), vec![held(1)]),
        "the inventory says that the lock is held where it is, and nowhere else":
            tls_pair => tells_of_its_lock(),
        "a backup that is terminated exits 63 without an error of its own, and is not there":
            ready => terminated(),
        "a full backup that was terminated is resumed by the next one, under its label": ready => resumes(),
        "a backup whose caller is gone goes on, and is there afterwards": ready => outlives_its_caller(),
        "a backup of which no end is known may yet succeed": ready => hung_backup(),
        "a backup works again once its cause of failure is gone": ready => retry_after(),
        // every command that reads and writes the repository
        "without its bucket stanza-create exits 39, and every other command 55":
            ready => bucketless(s3(S3Given { bucket: BucketGiven::Absent, ..ok() })),
        "every command exits 32, and so does the inventory, by a path that is none": ready => refuses_paths(),
        "in a bucket of a name that S3 does not allow stanza-create exits 39, and every other command 55":
            ready => refuses_buckets(),
        "every command exits 39 in someone else's bucket": ready =>
            s3_commands_exit(s3(S3Given { bucket: BucketGiven::Forbidden, ..ok() }), 39, "403"),
        "every command exits 39 with a wrong credential": ready => s3_commands_exit(
            s3(S3Given { credentials: CredentialsGiven::Wrong, ..ok() }), 39, "403"),
        "every command exits 39 when the S3 server denies":
            ready => s3_commands_exit(Change::S3Server(S3ServerState::Denies), 39, "403"),
        "every command exits 49 when the S3 server is down": ready =>
            s3_commands_exit(Change::S3Server(S3ServerState::Down), 49, "unable to connect"),
        "every command exits 49 when nobody knows the S3 host": ready => s3_commands_exit(
            s3(S3Given { endpoint: EndpointGiven::Unreachable, ..ok() }), 49, "unable to get address"),
        "every command exits 95 with the certificate of another authority": ready =>
            s3_commands_exit(s3(S3Given { ca: CaGiven::Wrong, ..ok() }), 95, "unable to verify"),
        "every command exits 95 when no public authority signed the certificate": ready =>
            s3_commands_exit(s3(S3Given { ca: CaGiven::Missing, ..ok() }), 95, "unable to verify"),
        "every command fails when the S3 server never answers": ready => s3_commands_hang(),
        // what is known of a command's end
        "a command that never ends has no exit code": ready =>
            unanswered(failure_mode(PgbackrestFailureMode::Hangs), RepositoryCommand::all_but_configure()),
        "a command in a container that stands still has no exit code":
            ready => unanswered(member(0, MemberFate::Frozen), RepositoryCommand::all()),
        "a command in a dead container has no exit code":
            ready => unanswered(member(0, MemberFate::Killed), RepositoryCommand::all()),
        "a command in a workload that does not answer has no exit code": ready => unanswered(
            Change::Workload(SetWorkload { unit: 0, is: WorkloadState::Unreachable }),
            RepositoryCommand::all()),
        "a command whose words were lost keeps its exit code": theirs => loses_its_words(),
        // info
        "an empty repository is an empty inventory": related => empty(),
        "the inventory holds every backup of its stanza, oldest first":
            several => reads(&[BackupKind::Full, BackupKind::Differential, BackupKind::Incremental]),
        "a stanza without backups is listed":
            || Given { backups: vec![], ..ready() } => reads(&[]),
        "a backup with errors is listed as such": failed => failed_is_listed(),
        "stanzas of other clusters are listed": another => another_stanza(),
        "a unit that reaches no primary reads the same inventory": pair => on_every_unit(),
        "the inventory exits 0 and reports within that the bucket is missing": ready =>
            unreadable(s3(S3Given { bucket: BucketGiven::Absent, ..ok() }), "404"),
        "the inventory exits 0 and reports within that the bucket is someone else's": ready =>
            unreadable(s3(S3Given { bucket: BucketGiven::Forbidden, ..ok() }), "403"),
        "the inventory exits 0 and reports within that the credential is wrong": ready =>
            unreadable(s3(S3Given { credentials: CredentialsGiven::Wrong, ..ok() }), "403"),
        "the inventory exits 0 and reports within that the S3 server denies":
            ready => unreadable(Change::S3Server(S3ServerState::Denies), "403"),
        "the inventory exits 0 and reports within that the S3 server is down":
            ready => unreadable(Change::S3Server(S3ServerState::Down), "HostConnectError"),
        "the inventory exits 0 and reports within that the S3 server never answers":
            ready => unreadable(Change::S3Server(S3ServerState::Hangs), "timeout"),
        "the inventory exits 0 and reports within that nobody knows the host": ready => unreadable(
            s3(S3Given { endpoint: EndpointGiven::Unreachable, ..ok() }), "unable to get address"),
        "the inventory exits 0 and reports within that the authority is another":
            ready => unreadable(s3(S3Given { ca: CaGiven::Wrong, ..ok() }), "CryptoError"),
        "the inventory exits 0 and reports within that the authority is not known":
            ready => unreadable(s3(S3Given { ca: CaGiven::Missing, ..ok() }), "CryptoError"),
        "an inventory that is not JSON is malformed":
            ready => not_understood(PgbackrestFailureMode::Garbled),
        "an inventory with a label of unknown form is malformed":
            ready => not_understood(PgbackrestFailureMode::StrangeLabel),
        "neither the inventory nor a backup's log shows a credential":
            ready => shows_no_secret(),
        // ping
        "a TLS server lets in the units that its settings named when it took them, and answers all":
            tls_pair => lets_in_whom_its_settings_name(),
        "the TLS server of a peer answers": tls_pair => works(ping(1, 0), vec![]),
        "ping exits 49 when the peer's TLS server is stopped":
            tls_pair => exits_with(ping(1, 0), vec![stopped(0)], 49, "unable to connect"),
        "ping exits 49 on a unit that reaches nobody": tls_pair =>
            exits_with(ping(1, 0), vec![member(1, MemberFate::CutOff)], 49, "unable to"),
        "ping exits 49 when the peer's container is dead": tls_pair =>
            exits_with(ping(1, 0), vec![member(0, MemberFate::Killed)], 49, "unable to"),
    }
}

const LATE: Change = Change::ArchiveDelay(3_600);
const LOCKED: Change = failure_mode(PgbackrestFailureMode::Locked);

const fn failure_mode(failure_mode: PgbackrestFailureMode) -> Change {
    Change::Pgbackrest(failure_mode)
}

fn ok() -> S3Given {
    S3Given::default()
}

fn s3(given: S3Given) -> Change {
    Change::S3Settings(given)
}

fn broken_archive() -> Change {
    Change::ArchiveCommand(ArchiveCommand::Broken)
}

/// A process of the tool holds its lock on a unit's host.
fn held(unit: u32) -> Change {
    Change::Lock(SetLock { unit, is: LockState::Held })
}

/// The TLS server of a unit is stopped.
fn stopped(unit: u32) -> Change {
    let (name, is) = (ServiceName::TlsServer, ServiceRuns::Stopped);
    Change::Service(SetService { unit, name, is })
}

fn member(unit: u32, is: MemberFate) -> Change {
    Change::Member(SetMember { unit, is })
}

fn theirs() -> Given {
    Given { repository: RepositoryGiven::AnotherCluster, ..ready() }
}

fn another() -> Given {
    Given {
        repository: RepositoryGiven::AnotherStanza,
        backups: vec![BackupGiven::Full],
        ..related()
    }
}

fn several() -> Given {
    let backups = vec![BackupGiven::Full, BackupGiven::Differential, BackupGiven::Incremental];
    Given { backups, ..ready() }
}

fn failed() -> Given {
    Given { backups: vec![BackupGiven::Full, BackupGiven::Failed], ..ready() }
}
