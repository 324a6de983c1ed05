//! The backup tool's commands, and how they may fail.

use futures_util::future::join_all;
use pgdrill_core::{
    PortError, PortErrorKind as Kind, Ports, S3Settings,
    ports::{BackupKind, BackupRequest, PortResult, RepositorySettings, Service, UnitId},
};
use pgdrill_sim::{
    BackupSeen, Change, MemberFate, PgbackrestFailureMode, S3ServerState, SetMember, SetWorkload,
    Shelf, WorkloadState,
};

use crate::contract::{
    PromiseFailure, PromiseResult, Subject, ensure, ensure_eq, exits, fails, never_ended,
    subject::{cluster_settings, own_inventory, repository_settings, s3},
};

/// One command, run on one unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct RepositoryCommand {
    unit: u32,
    what: RepositoryCall,
    is_configured: bool,
    is_archived: bool,
}

#[derive(Debug, Clone, Copy)]
enum RepositoryCall {
    Configure,
    StanzaCreate,
    Check,
    BackUp { from_primary: bool },
    Info,
    Ping(u32),
}

const fn on(unit: u32, what: RepositoryCall) -> RepositoryCommand {
    RepositoryCommand { unit, what, is_configured: true, is_archived: false }
}

pub(super) const fn stanza_create(unit: u32) -> RepositoryCommand {
    on(unit, RepositoryCall::StanzaCreate)
}

pub(super) const fn check(unit: u32) -> RepositoryCommand {
    on(unit, RepositoryCall::Check)
}

pub(super) const fn backup(unit: u32, from_primary: bool) -> RepositoryCommand {
    on(unit, RepositoryCall::BackUp { from_primary })
}

/// A ping from one unit of another.
pub(super) const fn ping(unit: u32, of: u32) -> RepositoryCommand {
    on(unit, RepositoryCall::Ping(of))
}

impl RepositoryCommand {
    /// The commands that need the repository, on the primary.
    pub(super) const fn in_repository() -> [Self; 3] {
        [stanza_create(0), check(0), backup(0, true)]
    }

    /// Everything that is run by the tool on unit 0.
    pub(super) fn all_but_configure() -> Vec<Self> {
        let mut all = Self::in_repository().to_vec();
        all.push(on(0, RepositoryCall::Info));
        all
    }

    /// Every call on unit 0.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Self::all_but_configure();
        all.extend([on(0, RepositoryCall::Configure), ping(0, 0)]);
        all
    }

    /// This call on a unit that was never configured.
    pub(super) const fn unconfigured(mut self) -> Self {
        self.is_configured = false;
        self
    }

    /// This call once WAL is archived into the stanza.
    pub(super) const fn archived(mut self) -> Self {
        self.is_archived = true;
        self
    }

    const fn place(self) -> &'static str {
        match self.what {
            RepositoryCall::Configure => "repository.configure",
            RepositoryCall::StanzaCreate => "repository.create_stanza",
            RepositoryCall::Check => "repository.check",
            RepositoryCall::BackUp { .. } => "repository.back_up",
            RepositoryCall::Info => "repository.info",
            RepositoryCall::Ping(_) => "repository.ping",
        }
    }

    /// Runs it on ports of its unit; what it wrote, if it returns that.
    pub(super) async fn run(self, ports: &Ports) -> Result<PortResult<String>, PromiseFailure> {
        let stanza = ports.unit.identity().shared_stanza();
        let repository = &ports.repository;
        let nothing = |()| String::new();
        Ok(match self.what {
            RepositoryCall::Configure => {
                repository.configure(&repository_settings(ports).await?).await.map(nothing)
            }
            RepositoryCall::StanzaCreate => repository.create_stanza(&stanza).await.map(nothing),
            RepositoryCall::Check => repository.check(&stanza).await.map(nothing),
            RepositoryCall::BackUp { from_primary } => {
                let request = BackupRequest { stanza, kind: BackupKind::Full, from_primary };
                repository.back_up(&request).await
            }
            RepositoryCall::Info => repository.info().await,
            RepositoryCall::Ping(of) => repository.ping(UnitId(of)).await.map(nothing),
        })
    }

    /// Lets the changes happen, configures the unit as its hooks would, and runs the command.
    async fn run_after(
        self,
        subject: &dyn Subject,
        changes: &[Change],
    ) -> Result<PortResult<String>, PromiseFailure> {
        let ports = subject.ports(self.unit)?;
        for change in changes {
            subject.happen(change).await?;
        }
        if self.is_configured {
            ports.repository.configure(&repository_settings(&ports).await?).await?;
        }
        if self.is_archived {
            ports.cluster.apply(&cluster_settings(&ports)).await?;
        }
        self.run(&ports).await
    }
}

pub(super) async fn backups(subject: &dyn Subject) -> Result<Shelf<BackupSeen>, PromiseFailure> {
    Ok(subject.observe().await?.backups)
}

/// After the changes the command ends well.
pub(super) async fn works(
    subject: &dyn Subject,
    command: RepositoryCommand,
    changes: Vec<Change>,
) -> PromiseResult {
    command.run_after(subject, &changes).await??;
    Ok(())
}

/// After the changes the command exits with this code, these words, and no backup more or less.
pub(super) async fn exits_with(
    subject: &dyn Subject,
    command: RepositoryCommand,
    changes: Vec<Change>,
    code: i32,
    words: &str,
) -> PromiseResult {
    let before = backups(subject).await?;
    exits(command.run_after(subject, &changes).await?, command.place(), code, words)?;
    ensure_eq!("the backups afterwards", backups(subject).await?, before);
    Ok(())
}

/// After the change a backup says that it ends with 101, and nothing of it is there. The real tool may outlive its last line
/// until nobody waits for it any more.
pub(super) async fn breaks_off(
    subject: &dyn Subject,
    command: RepositoryCommand,
    change: Change,
) -> PromiseResult {
    let before = backups(subject).await?;
    let ended = command.run_after(subject, &[change]).await?;
    let error = fails(ended, command.place(), &[Kind::Refused, Kind::TimedOut])?;
    let told = "ERROR: [101]: TLS error [1:167772454] unexpected eof while reading";
    ensure_eq!("its cause", error.cause(), told);
    ensure_eq!("the backups afterwards", backups(subject).await?, before);
    Ok(())
}

/// Only stanza-create says in its error line what is wrong with the repository. The others read a file there
/// first: their error line is that they could not, and why stands beneath.
fn exits_for_its_info(
    command: RepositoryCommand,
    ended: PortResult<String>,
    code: i32,
    words: &str,
) -> PromiseResult {
    if matches!(command.what, RepositoryCall::StanzaCreate) {
        return exits(ended, command.place(), code, words);
    }
    let exit = ended.as_ref().err().and_then(PortError::exit).cloned().unwrap_or_default();
    exits(ended, command.place(), code, "unable to load info file")?;
    let reported = [&exit.stdout, &exit.stderr].iter().any(|stream| stream.contains(words));
    ensure!(reported, "{} does not tell of `{words}`: {exit:?}", command.place());
    Ok(())
}

/// Configures unit 0 for these S3 settings.
async fn configure_for(ports: &Ports, s3: S3Settings) -> PromiseResult {
    let settings = RepositorySettings { s3: Some(s3), ..repository_settings(ports).await? };
    Ok(ports.repository.configure(&settings).await?)
}

/// What stands in its file is refused before anything is done.
pub(super) async fn refuses_paths(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let s3 = s3(&ports).await?;
    for (path, words) in [
        ("//drill", "'//drill' cannot contain // for 'repo1-path' option"),
        ("/drill//two", "'/drill//two' cannot contain // for 'repo1-path' option"),
        ("drill", "'drill' must begin with / for 'repo1-path' option"),
    ] {
        configure_for(&ports, S3Settings { path: path.into(), ..s3.clone() }).await?;
        for command in RepositoryCommand::all_but_configure() {
            exits(command.run(&ports).await?, command.place(), 32, words)?;
        }
    }
    // These are refused by nobody.
    for path in ["/drill3/", "/dr ill", "/drill-é", "/"] {
        configure_for(&ports, S3Settings { path: path.into(), ..s3.clone() }).await?;
        stanza_create(0).run(&ports).await??;
    }
    Ok(())
}

/// The tool makes no bucket. It looks into any, and finds none.
pub(super) async fn refuses_buckets(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let s3 = s3(&ports).await?;
    for bucket in ["Drill_Backups", "a/b", "a b"] {
        configure_for(&ports, S3Settings { bucket: bucket.into(), ..s3.clone() }).await?;
        let made = stanza_create(0).run(&ports).await?;
        exits(made, stanza_create(0).place(), 39, "HTTP request failed with 404 (Not Found):")?;
        for command in [check(0), backup(0, true)] {
            let ended = command.run(&ports).await?;
            exits_for_its_info(command, ended, 55, "unable to open missing file")?;
        }
    }
    Ok(())
}

/// Without their bucket the others can't distinguish that from a stanza that was never made.
pub(super) async fn bucketless(subject: &dyn Subject, gone: Change) -> PromiseResult {
    let gone = [gone];
    let made = stanza_create(0).run_after(subject, &gone).await?;
    exits(made, stanza_create(0).place(), 39, "404")?;
    for command in [check(0), backup(0, true)] {
        let ended = command.run_after(subject, &gone).await?;
        exits_for_its_info(command, ended, 55, "unable to open missing file")?;
    }
    Ok(())
}

/// After a change of the S3 server or its settings, every command exits alike.
pub(super) async fn s3_commands_exit(
    subject: &dyn Subject,
    change: Change,
    code: i32,
    words: &str,
) -> PromiseResult {
    for command in RepositoryCommand::in_repository() {
        let changes = std::slice::from_ref(&change);
        exits_for_its_info(command, command.run_after(subject, changes).await?, code, words)?;
    }
    Ok(())
}

/// Whether the tool gives up first or whoever waits for it, every command fails.
pub(super) async fn s3_commands_hang(subject: &dyn Subject) -> PromiseResult {
    let hangs = [Change::S3Server(S3ServerState::Hangs)];
    for command in RepositoryCommand::in_repository() {
        let ended = command.run_after(subject, &hangs).await?;
        fails(ended, command.place(), &[Kind::Refused, Kind::TimedOut])?;
    }
    Ok(())
}

/// After the change none of the commands is known to have ended; once all is well again they work, on a
/// configuration that is whole.
pub(super) async fn unanswered(
    subject: &dyn Subject,
    change: Change,
    commands: Vec<RepositoryCommand>,
) -> PromiseResult {
    let ports = subject.ports(0)?;
    subject.happen(&change).await?;
    let ports = &ports;
    // Each waits for a bound of its own: side by side they wait for one.
    let ends = join_all(commands.iter().map(|command| command.run(ports))).await;
    for (command, end) in commands.iter().zip(ends) {
        never_ended(end?, command.place())?;
    }
    subject.happen(&Change::Member(SetMember { unit: 0, is: MemberFate::Running })).await?;
    let back = SetWorkload { unit: 0, is: WorkloadState::Reachable };
    subject.happen(&Change::Workload(back)).await?;
    subject.happen(&Change::Pgbackrest(PgbackrestFailureMode::Well)).await?;
    let inventory = own_inventory(ports).await?;
    ensure_eq!("the stanzas afterwards", inventory.stanzas.len(), 1);
    Ok(())
}

/// Nothing that the command wrote is captured: its code is.
pub(super) async fn loses_its_words(subject: &dyn Subject) -> PromiseResult {
    let silent = [Change::Pgbackrest(PgbackrestFailureMode::Silent)];
    let ended = check(0).run_after(subject, &silent).await?;
    let error = fails(ended, "repository.check", &[Kind::Refused])?;
    let exit = error.exit().cloned().unwrap_or_default();
    ensure_eq!("the exit code", exit.code, Some(28));
    ensure_eq!("what it wrote", (exit.stdout.as_str(), exit.stderr.as_str()), ("", ""));
    Ok(())
}

pub(super) async fn makes_the_stanza(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    stanza_create(0).run_after(subject, &[]).await??;
    let inventory = own_inventory(&ports).await?;
    let [stanza] = inventory.stanzas.as_slice() else {
        return Err(PromiseFailure::Broken(format!("the inventory is {inventory:?}")));
    };
    ensure_eq!("its name", stanza.name, ports.unit.identity().stanza());
    let id = ports.cluster.system_identifier().await?;
    ensure_eq!("its cluster", stanza.system_ids, [id]);
    ensure_eq!("its backups", stanza.backups, []);
    Ok(())
}

pub(super) async fn keeps_backups(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let before = own_inventory(&ports).await?;
    ensure!(!before.stanzas.iter().all(|stanza| stanza.backups.is_empty()), "no backup is there");
    for _ in 0..2 {
        stanza_create(0).run_after(subject, &[]).await??;
        let after = own_inventory(&ports).await?;
        ensure_eq!("the inventory", after, before);
    }
    Ok(())
}

/// The number of stanzas that the tool finds with these settings.
async fn stanzas(ports: &Ports, settings: &RepositorySettings) -> Result<usize, PromiseFailure> {
    ports.repository.configure(settings).await?;
    Ok(own_inventory(ports).await?.stanzas.len())
}

pub(super) async fn reconfigures(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let settings = repository_settings(&ports).await?;
    let mut elsewhere = settings.clone();
    elsewhere.s3 = settings.s3.clone().map(|s3| S3Settings { path: "/elsewhere".into(), ..s3 });
    ensure_eq!("the stanzas here", stanzas(&ports, &settings).await?, 1);
    ensure_eq!("the stanzas elsewhere", stanzas(&ports, &elsewhere).await?, 0);
    ensure_eq!("the stanzas here again", stanzas(&ports, &settings).await?, 1);
    Ok(())
}

pub(super) async fn configuration_is_private(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ports.repository.configure(&repository_settings(&ports).await?).await?;
    let mode = subject.configuration_mode(0).await?;
    ensure!(mode & 0o077 == 0, "its permissions are {mode:o}");
    Ok(())
}

pub(super) async fn configures_without_s3(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    let stanza = ports.unit.identity().shared_stanza();
    let settings = RepositorySettings { s3: None, stanza: stanza.clone(), tls_peers: vec![] };
    ports.repository.configure(&settings).await?;
    ports.workload.start(Service::TlsServer).await?;
    fails(ports.repository.check(&stanza).await, "repository.check", &[Kind::Refused])?;
    Ok(())
}

pub(super) async fn configures_without_tls(subject: &dyn Subject) -> PromiseResult {
    let ports = subject.ports(0)?;
    ports.repository.configure(&repository_settings(&ports).await?).await?;
    let started = ports.workload.start(Service::TlsServer).await;
    fails(started, "workload.start", &[Kind::Refused])?;
    Ok(())
}

/// Settings that name a unit let it in once the TLS server has taken them, and not before.
pub(super) async fn lets_in_whom_its_settings_name(subject: &dyn Subject) -> PromiseResult {
    let (primary, replica) = (subject.ports(0)?, subject.ports(1)?);
    let whole = repository_settings(&primary).await?;
    let alone = RepositorySettings { tls_peers: vec![], ..whole.clone() };
    let refused = |ended| exits(ended, "repository.create_stanza", 56, "unable to find primary");
    primary.repository.configure(&alone).await?;
    primary.workload.reload(Service::TlsServer).await?;
    refused(stanza_create(1).run_after(subject, &[]).await?)?;
    replica.repository.ping(UnitId(0)).await?;
    primary.repository.configure(&whole).await?;
    refused(stanza_create(1).run_after(subject, &[]).await?)?;
    primary.workload.reload(Service::TlsServer).await?;
    stanza_create(1).run_after(subject, &[]).await??;
    Ok(())
}
