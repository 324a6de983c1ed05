//! A container that does what its commands are called, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;

use pgdrill_adapters::{
    data_directory::{AWAIT_END, MOVE_ASIDE, REMOVE_ASIDE, RUNS, STILL_RUNS},
    pebble::{Pebble, PebbleLimits},
};
use pgdrill_stand::pebble::{
    Acted, Exec, ExecInput, Executed, FileWritten, PathRefusal, PebbleContainer, PebbleServer,
    Refusal, ServiceSeen,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    Up,
    Down,
}

pub(super) struct Scripted {
    state: Mutex<Recorded>,
    asked: Mutex<Vec<String>>,
    files: Mutex<BTreeMap<String, FileWritten>>,
    services: Mutex<BTreeMap<String, String>>,
    /// The server that runs whatever its service does.
    server: Mutex<Option<u32>>,
}

pub(super) struct PebbleFixture {
    pub(super) pebble: Pebble,
    pub(super) container: Arc<Scripted>,
    _server: PebbleServer,
    _folder: TempDir,
}

impl PebbleFixture {
    pub(super) fn new() -> Self {
        Self::with(PebbleLimits { grace: Duration::from_secs(1), ..PebbleLimits::default() })
    }

    pub(super) fn with(limits: PebbleLimits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let services = [("postgresql", "active"), ("pgbackrest server", "inactive")];
        let services = services.map(|(name, current)| (name.to_owned(), current.to_owned()));
        let container = Arc::new(Scripted {
            state: Mutex::new(Recorded::Up),
            asked: Mutex::default(),
            files: Mutex::default(),
            services: Mutex::new(BTreeMap::from(services)),
            server: Mutex::default(),
        });
        let socket = folder.path().join("pebble.socket");
        let server = PebbleServer::start(&socket, Arc::clone(&container) as _).expect("it listens");
        let pebble = Pebble::new(socket, limits);
        Self { pebble, container, _server: server, _folder: folder }
    }

    pub(super) fn record(&self) -> String {
        self.container.asked.lock().expect("whole").join("\n")
    }
}

impl Scripted {
    pub(super) fn set(&self, state: Recorded) {
        *self.state.lock().expect("whole") = state;
    }

    fn note(&self, what: String) {
        self.asked.lock().expect("whole").push(what);
    }

    pub(super) fn put(&self, path: &str, content: &[u8]) {
        let file = FileWritten {
            path: path.to_owned(),
            content: content.to_vec(),
            permissions: "600".into(),
            user: None,
        };
        self.files.lock().expect("whole").insert(path.to_owned(), file);
    }

    pub(super) fn has_server(&self, process: Option<u32>) {
        *self.server.lock().expect("whole") = process;
    }

    pub(super) fn forget(&self, name: &str) {
        self.services.lock().expect("whole").remove(name);
    }

    pub(super) fn service(&self, name: &str, current: &str) {
        self.services.lock().expect("whole").insert(name.to_owned(), current.to_owned());
    }
}

fn not_found(path: &str) -> PathRefusal {
    ("not-found", format!("open {path}: no such file or directory"))
}

fn named(program: &str) -> &'static str {
    match program {
        AWAIT_END => "await-end",
        MOVE_ASIDE => "move-aside",
        REMOVE_ASIDE => "remove-aside",
        other => panic!("nobody said what this does: {other}"),
    }
}

fn never_began(name: &str, why: &str) -> Executed {
    Executed::Failed { error: format!("fork/exec /usr/bin/{name}: {why}"), stdout: Vec::new() }
}

fn exited(code: i32, stdout: &[u8], stderr: &[u8]) -> Executed {
    Executed::Exited { code, stdout: stdout.to_vec(), stderr: stderr.to_vec() }
}

#[async_trait]
impl PebbleContainer for Scripted {
    async fn is_up(&self) -> bool {
        *self.state.lock().expect("whole") == Recorded::Up
    }

    async fn services(&self, names: &[String]) -> Vec<ServiceSeen> {
        let known = self.services.lock().expect("whole");
        let found = names.iter().filter_map(|name| known.get_key_value(name));
        found
            .map(|(name, state)| {
                let current = match state.split_once(' ').map_or(state.as_str(), |(word, _)| word) {
                    "terminating" | "broken" | "unstartable" => "inactive",
                    known => known,
                };
                ServiceSeen { name: name.clone(), current: current.to_owned() }
            })
            .collect()
    }

    async fn can_act(&self, action: &str, services: &[String]) -> Result<(), Refusal> {
        self.note(format!("{action} {services:?}"));
        let name = services.first().cloned().unwrap_or_default();
        if self.services.lock().expect("whole").contains_key(&name) {
            return Ok(());
        }
        Err((400, format!("service \"{name}\" does not exist")))
    }

    /// A service of state `broken` never stays up, one of state `unstartable` never begins, one of state `slow` takes for ever, and one of state
    /// `terminating N` is told as `inactive` and has stopped once it was asked for `N` times.
    async fn act(&self, action: &str, services: &[String]) -> Acted {
        let name = services.first().cloned().unwrap_or_default();
        let current = self.services.lock().expect("whole").get(&name).cloned().unwrap_or_default();
        let failed = |error: &str| Acted { noted: None, error: Some(error.to_owned()) };
        match (action, current.split_once(' ')) {
            (_, Some((_, left))) => {
                let left = left.parse::<u32>().expect("a count") - 1;
                let state = format!("terminating {left}");
                self.service(&name, if left == 0 { "inactive" } else { &state });
                if action == "start" {
                    return failed("cannot start service while terminating");
                }
                let noted = Some(format!("Service \"{name}\" already stopping."));
                Acted { noted, error: None }
            }
            ("start", None) if current == "broken" => {
                self.service(&name, "backoff");
                failed("service start attempt: exited quickly with code 1, will restart")
            }
            ("start", None) if current == "unstartable" => {
                failed("cannot start service: fork/exec /x: no such file")
            }
            ("stop", None) if current == "unstartable" => Acted::default(),
            (_, None) if current == "slow" => std::future::pending().await,
            (action, None) => {
                self.service(&name, if action == "stop" { "inactive" } else { "active" });
                Acted::default()
            }
        }
    }

    async fn signal(&self, signal: &str, services: &[String]) -> Result<(), Refusal> {
        self.note(format!("{signal} to {services:?}"));
        Ok(())
    }

    async fn exists(&self, path: &str) -> bool {
        self.files.lock().expect("whole").keys().any(|known| known.starts_with(path))
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, PathRefusal> {
        let files = self.files.lock().expect("whole");
        files.get(path).map(|file| file.content.clone()).ok_or_else(|| not_found(path))
    }

    async fn write(&self, file: FileWritten) -> Result<(), PathRefusal> {
        let (path, user) = (file.path.clone(), file.user.clone().unwrap_or_default());
        self.note(format!("write {path} {} {user}", file.permissions));
        if path.starts_with("/denied") {
            return Err(("permission-denied", "permission denied".into()));
        }
        self.files.lock().expect("whole").insert(path, file);
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), PathRefusal> {
        self.note(format!("remove {path}"));
        let gone = self.files.lock().expect("whole").remove(path);
        gone.map(drop).ok_or_else(|| not_found(path))
    }

    async fn begin(&self, exec: &Exec) -> Result<(), Refusal> {
        let user = exec.user.as_deref().unwrap_or("nobody in particular");
        let words =
            exec.command.iter().map(|word| if word.contains('\n') { "PROGRAM" } else { word });
        let command = words.collect::<Vec<_>>().join(" ");
        let folder = exec.working_dir.as_deref().unwrap_or("its home");
        self.note(format!("begin {command} as {user} in {folder} within {}", exec.timeout));
        match exec.command.first().map(String::as_str) {
            Some(name @ "missing") => Err((400, format!("cannot find executable \"{name}\""))),
            _ => Ok(()),
        }
    }

    async fn exec(&self, exec: Exec, input: &mut ExecInput) -> Executed {
        let name = exec.command.first().map_or("", String::as_str);
        let (name, arguments) = match (name, exec.command.get(4..)) {
            // A program of the shell: what it is given.
            ("env", Some([script, _, arguments @ ..])) => (named(script), arguments.join(" ")),
            (name, _) => (name, String::new()),
        };
        let space = if arguments.is_empty() { "" } else { " " };
        self.note(format!("exec {name}{space}{arguments}"));
        let begun = b"begun\n".to_vec();
        // As `fork` says it of a folder that is not there, of the program.
        if exec.user.as_deref() == Some("homeless") && exec.working_dir.is_none() {
            return never_began(name, "no such file or directory");
        }
        match name {
            "exits-28" => exited(28, b"out\n", b"err\n"),
            "counts" => exited(0, input.read_to_end().await.len().to_string().as_bytes(), b""),
            "reads-nothing" => exited(3, b"out\n", b""),
            "forbidden" => never_began(name, "permission denied"),
            "told-at-length" => never_began(name, "argument list too long"),
            "times-out" => Executed::Failed {
                error: "timed out after 1m0s: context deadline exceeded".into(),
                stdout: begun,
            },
            "killed" => exited(137, &begun, b""),
            "cut-off" => Executed::CutOff { stdout: begun },
            "hangs" => std::future::pending().await,
            "writes-3-mib" => {
                let mut out = vec![b'x'; 3 << 20];
                let end = out.len() - 4;
                out[end..].copy_from_slice(b"last");
                exited(0, &out, &vec![b'e'; 1 << 20])
            }
            "trickles" => {
                Executed::Trickled { stdout: vec![b'x'; 2 << 20], pause: Duration::from_millis(10) }
            }
            "await-end" => match *self.server.lock().expect("whole") {
                Some(process) => exited(STILL_RUNS, format!("process {process}\n").as_bytes(), b""),
                None => exited(0, b"", b""),
            },
            "move-aside" if self.server.lock().expect("whole").is_some() => exited(RUNS, b"", b""),
            "move-aside" if arguments.contains("busy") => {
                exited(1, b"mv: cannot move 'x': Device or resource busy\n", b"")
            }
            "move-aside" => {
                self.files.lock().expect("whole").retain(|path, _| !path.starts_with(&arguments));
                exited(0, b"", b"")
            }
            "remove-aside" => exited(0, b"", b""),
            other => panic!("nobody said what `{other}` does"),
        }
    }
}
