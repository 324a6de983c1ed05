//! A unit's workload container, behind Pebble.

use std::sync::Arc;

use crate::pebble::{
    Acted, Exec, ExecInput, Executed, FileWritten, PathRefusal, PebbleContainer, Refusal,
    ServiceSeen,
};
use async_trait::async_trait;
use pgdrill_adapters::data_directory::{AWAIT_END, MOVE_ASIDE, REMOVE_ASIDE, RUNS, STILL_RUNS};
use pgdrill_core::{
    PortErrorKind, Ports,
    ports::{BackupKind, BackupRequest, PortResult, Service, ServiceState, UnitId},
};

use super::{listeners::Listeners, shared::SharedState, texts};
use pgdrill_sim::lock;

const PGBACKREST: &str = "/etc/pgbackrest.conf";
const PATRONI: &str = "/var/lib/postgresql/data/patroni.yml";

/// The container of one unit.
pub(super) struct RehearsedContainer {
    pub(super) shared: Arc<SharedState>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) unit: u32,
}

impl RehearsedContainer {
    fn ports(&self) -> Result<Ports, Refusal> {
        self.shared.ports(self.unit).map_err(|error| (500, error.to_string()))
    }

    fn service(names: &[String]) -> Option<Service> {
        let name = names.first()?;
        Service::ALL.iter().copied().find(|service| service.name() == name)
    }

    /// Whether a service was stopped and what it ran lives on.
    fn is_outlived(&self, service: Service) -> bool {
        service == Service::Database && self.shared.state().outlived.contains(&self.unit)
    }

    /// Whether a server runs on the data, whatever Pebble says of its service.
    async fn has_database(&self, ports: &Ports) -> bool {
        ports.workload.service(Service::Database).await == Ok(ServiceState::Running)
    }

    /// What Pebble and the processes did meanwhile: a server that nothing holds up any more has ended, and a service
    /// in `backoff` was started again.
    async fn catch_up(&self, ports: &Ports) {
        let unit = self.unit;
        if self.is_outlived(Service::Database) && !lock(&self.shared.world).will_not_stop(unit) {
            let _ = ports.workload.stop(Service::Database).await;
            self.shared.state().outlived.remove(&unit);
        }
        for &service in Service::ALL {
            if self.shared.is_in_backoff(unit, service)
                && ports.workload.start(service).await.is_ok()
            {
                self.shared.state().backoff.remove(&(unit, service));
            }
        }
    }

    /// Starts a service; the error of the change. One that does not stay up is started again by and by.
    async fn start(&self, ports: &Ports, service: Service) -> Option<String> {
        let mut attempted = ports.workload.start(service).await.err();
        let mut state = self.shared.state();
        if service == Service::Database {
            state.outlived.remove(&self.unit);
        }
        attempted.take().map(|_| {
            state.backoff.insert((self.unit, service));
            "service start attempt: exited quickly with code 1, will restart".to_owned()
        })
    }

    /// Stops a service; the error of the change. The cluster manager that its server keeps waiting is killed in the end,
    /// and the server, which is in a session of its own, lives on.
    async fn stop(&self, ports: &Ports, service: Service) -> Option<String> {
        let stopped = ports.workload.stop(service).await;
        let mut state = self.shared.state();
        state.backoff.remove(&(self.unit, service));
        if stopped.is_err() && service == Service::Database {
            state.outlived.insert(self.unit);
            return None;
        }
        stopped.err().map(|error| error.cause().to_owned())
    }

    async fn pgbackrest(&self, ports: &Ports, arguments: &[&str]) -> PortResult<String> {
        let option = |name: &str| arguments.iter().find_map(|word| word.strip_prefix(name));
        let stanza = option("--stanza=").unwrap_or_default();
        let repository = &ports.repository;
        let nothing = |()| String::new();
        if let Some(kind) = option("--type=") {
            let kinds = BackupKind::ALL.iter().copied();
            let kind = kinds.into_iter().find(|known| known.tool_name() == kind);
            let request = BackupRequest {
                stanza: stanza.into(),
                kind: kind.unwrap_or(BackupKind::Full),
                from_primary: arguments.contains(&"--no-backup-standby"),
            };
            return repository.back_up(&request).await;
        }
        match arguments.last().copied() {
            Some("stanza-create") => repository.create_stanza(stanza).await.map(nothing),
            Some("check") => repository.check(stanza).await.map(nothing),
            Some(host) if arguments.contains(&"server-ping") => {
                let unit = SharedState::unit_of(host).unwrap_or(u32::MAX);
                repository.ping(UnitId(unit)).await.map(nothing)
            }
            _ => repository.info().await,
        }
    }

    async fn run(&self, ports: &Ports, command: &[String]) -> Executed {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["pgbackrest", arguments @ ..] => match self.pgbackrest(ports, arguments).await {
                Ok(stdout) => exited(0, stdout, String::new()),
                Err(error) => {
                    let is_known = error.exit().is_some();
                    let exit = error.exit().cloned().unwrap_or_default();
                    match (error.kind(), exit.code) {
                        (_, Some(code)) => exited(code, exit.stdout, exit.stderr),
                        (PortErrorKind::Unreachable, None) if is_known => {
                            exited(KILLED, exit.stdout, exit.stderr)
                        }
                        (PortErrorKind::TimedOut, None) => Executed::Failed {
                            error: "timed out after 2m0s: context deadline exceeded".into(),
                            stdout: exit.stdout.into_bytes(),
                        },
                        (_, None) => Executed::CutOff { stdout: exit.stdout.into_bytes() },
                    }
                }
            },
            ["psql", ..] => {
                if !lock(&self.shared.world).has_server(self.unit) {
                    return exited(2, String::new(), "psql: error: connection refused\n".into());
                }
                let mark = self.shared.state().marks.get(&self.unit).cloned();
                exited(0, mark.unwrap_or_default() + "\n", String::new())
            }
            ["env", "LC_ALL=C", "sh", "-c", AWAIT_END, ..] => {
                let code = if self.has_database(ports).await { STILL_RUNS } else { 0 };
                exited(code, "process 1\n".into(), String::new())
            }
            ["env", "LC_ALL=C", "sh", "-c", MOVE_ASIDE, ..] => {
                match ports.workload.empty_data_directory().await {
                    Ok(()) => exited(0, String::new(), String::new()),
                    Err(error) if self.has_database(ports).await => {
                        exited(RUNS, String::new(), format!("{}\n", error.cause()))
                    }
                    Err(error) => exited(1, format!("{}\n", error.cause()), String::new()),
                }
            }
            ["env", "LC_ALL=C", "sh", "-c", REMOVE_ASIDE, ..] => {
                exited(0, String::new(), String::new())
            }
            // In place, as charms do it.
            ["find", ..] => {
                if lock(&self.shared.world).delete_data_in_place(self.unit) {
                    return exited(0, String::new(), String::new());
                }
                exited(1, String::new(), "find: cannot delete: Device or resource busy\n".into())
            }
            _ => exited(127, String::new(), "nobody said what this does\n".into()),
        }
    }
}

/// How Pebble tells of a process that SIGKILL ended.
const KILLED: i32 = 137;

fn exited(code: i32, stdout: String, stderr: String) -> Executed {
    Executed::Exited { code, stdout: stdout.into_bytes(), stderr: stderr.into_bytes() }
}

#[async_trait]
impl PebbleContainer for RehearsedContainer {
    async fn is_up(&self) -> bool {
        match self.ports() {
            Ok(ports) => ports.workload.is_reachable().await.unwrap_or(false),
            Err(_) => false,
        }
    }

    async fn services(&self, names: &[String]) -> Vec<ServiceSeen> {
        let (Some(service), Ok(ports)) = (Self::service(names), self.ports()) else {
            return Vec::new();
        };
        self.catch_up(&ports).await;
        let current = match ports.workload.service(service).await {
            Ok(ServiceState::Running) if self.is_outlived(service) => "inactive",
            Ok(ServiceState::Running) => "active",
            Ok(ServiceState::Stopped) if self.shared.is_in_backoff(self.unit, service) => "backoff",
            Ok(ServiceState::Stopped) => "inactive",
            Ok(ServiceState::Unknown) | Err(_) => return Vec::new(),
        };
        vec![ServiceSeen { name: service.name().to_owned(), current: current.to_owned() }]
    }

    async fn can_act(&self, action: &str, services: &[String]) -> Result<(), Refusal> {
        let name = services.first().cloned().unwrap_or_default();
        let unknown = || (400, format!("service \"{name}\" does not exist"));
        let (service, ports) = (Self::service(services).ok_or_else(unknown)?, self.ports()?);
        match (action, ports.workload.service(service).await) {
            (_, Ok(ServiceState::Unknown) | Err(_)) => Err(unknown()),
            ("start" | "stop", Ok(_)) => Ok(()),
            (other, Ok(_)) => Err((400, format!("invalid action \"{other}\""))),
        }
    }

    async fn act(&self, action: &str, services: &[String]) -> Acted {
        let (Some(service), Ok(ports)) = (Self::service(services), self.ports()) else {
            return Acted::default();
        };
        self.catch_up(&ports).await;
        let error = match action {
            "start" => self.start(&ports, service).await,
            _ => self.stop(&ports, service).await,
        };
        self.listeners.follow(&self.shared).await;
        Acted { error, ..Acted::default() }
    }

    async fn signal(&self, _signal: &str, services: &[String]) -> Result<(), Refusal> {
        let service = Self::service(services).ok_or((500, "no such service".to_owned()))?;
        let done = self.ports()?.workload.reload(service).await;
        done.map_err(|error| (500, error.cause().to_owned()))
    }

    async fn exists(&self, _path: &str) -> bool {
        true
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, PathRefusal> {
        let state = self.shared.state();
        let file = state.files.get(&(self.unit, path.to_owned()));
        let missing = || ("not-found", format!("open {path}: no such file or directory"));
        file.map(|(content, _)| content.clone()).ok_or_else(missing)
    }

    async fn write(&self, file: FileWritten) -> Result<(), PathRefusal> {
        let refused = |why: String| ("generic-file-error", why);
        let text = String::from_utf8_lossy(&file.content).into_owned();
        let ports = self.ports().map_err(|(_, why)| refused(why))?;
        if file.path == PGBACKREST {
            let settings = texts::repository(&self.shared, &text).map_err(refused)?;
            let done = ports.repository.configure(&settings).await;
            done.map_err(|error| refused(error.to_string()))?;
        }
        if file.path == PATRONI {
            let (settings, mark) = texts::cluster(&text).map_err(refused)?;
            let done = ports.cluster.apply(&settings).await;
            done.map_err(|error| refused(error.to_string()))?;
            self.shared.state().marks.insert(self.unit, mark);
        }
        let stored = (file.content, file.permissions);
        self.shared.state().files.insert((self.unit, file.path), stored);
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), PathRefusal> {
        let gone = self.shared.state().files.remove(&(self.unit, path.to_owned()));
        gone.map(drop).ok_or_else(|| ("not-found", format!("remove {path}")))
    }

    async fn begin(&self, exec: &Exec) -> Result<(), Refusal> {
        match exec.command.first().map(String::as_str) {
            Some("pgbackrest" | "psql" | "find" | "env") => Ok(()),
            Some(other) => Err((400, format!("cannot find executable \"{other}\""))),
            None => Err((400, "must specify command".into())),
        }
    }

    async fn exec(&self, exec: Exec, input: &mut ExecInput) -> Executed {
        if exec.command.first().is_some_and(|program| program == "psql") {
            input.read_to_end().await;
        }
        let Ok(ports) = self.ports() else { return Executed::CutOff { stdout: Vec::new() } };
        let executed = self.run(&ports, &exec.command).await;
        self.listeners.follow(&self.shared).await;
        executed
    }
}
