//! Real data directories, in a container whose commands are real processes.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;

use pgdrill_adapters::{
    command::{Account, Accounts, CommandRunner as _, Invocation, LocalRunner},
    data_directory::{self, MOVE_ASIDE},
    notes::Notes,
    pebble::{Pebble, PebbleLimits, PebbleWorkload},
};
use pgdrill_core::{
    PortErrorKind,
    ports::{Service, Workload as _},
};
use pgdrill_stand::pebble::{
    Acted, Exec, ExecInput, Executed, FileWritten, PathRefusal, PebbleContainer, PebbleServer,
    Refusal, ServiceSeen,
};

/// Who owns the data where the tests run as root, who may delete everything.
const NOBODY: u32 = 65534;

/// A container in which nothing is supervised, and whose commands run on this machine.
struct Machine(LocalRunner);

#[async_trait]
impl PebbleContainer for Machine {
    async fn is_up(&self) -> bool {
        true
    }

    async fn services(&self, names: &[String]) -> Vec<ServiceSeen> {
        let seen = |name: &String| ServiceSeen { name: name.clone(), current: "inactive".into() };
        names.iter().map(seen).collect()
    }

    async fn can_act(&self, _action: &str, _services: &[String]) -> Result<(), Refusal> {
        Ok(())
    }

    async fn act(&self, _action: &str, _services: &[String]) -> Acted {
        Acted::default()
    }

    async fn signal(&self, _signal: &str, _services: &[String]) -> Result<(), Refusal> {
        Ok(())
    }

    async fn exists(&self, _path: &str) -> bool {
        true
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, PathRefusal> {
        Err(("not-found", path.to_owned()))
    }

    async fn write(&self, file: FileWritten) -> Result<(), PathRefusal> {
        Err(("permission-denied", file.path))
    }

    async fn remove(&self, path: &str) -> Result<(), PathRefusal> {
        Err(("not-found", path.to_owned()))
    }

    async fn begin(&self, _exec: &Exec) -> Result<(), Refusal> {
        Ok(())
    }

    async fn exec(&self, exec: Exec, _input: &mut ExecInput) -> Executed {
        let Exec { command: argv, user, .. } = exec;
        let timeout = Duration::from_secs(60);
        let output = self.0.run(&Invocation { argv, user, stdin: None, timeout }).await;
        let output = output.expect("it ran");
        let code = output.code.expect("nobody kills it");
        let (stdout, stderr) = (output.stdout.into_bytes(), output.stderr.into_bytes());
        Executed::Exited { code, stdout, stderr }
    }
}

#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

#[async_trait]
impl Notes for Noted {
    async fn note(&self, text: &str) {
        self.0.lock().expect("whole").push(text.to_owned());
    }
}

/// A data directory with something in it, and everything that is needed to empty it.
struct DataFixture {
    workload: PebbleWorkload,
    runner: LocalRunner,
    notes: Arc<Noted>,
    /// The folder in which the data directory lies: a storage of the pod.
    storage: PathBuf,
    data: PathBuf,
    _server: PebbleServer,
    _folder: TempDir,
}

impl DataFixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = folder.path().join("storage");
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let nobody = Account::Ids { user: NOBODY, group: NOBODY };
        let account = if is_root { nobody } else { Account::Own };
        let runner = LocalRunner::new(Accounts::default().with("postgres", account));
        let socket = folder.path().join("pebble.socket");
        let server = PebbleServer::start(&socket, Arc::new(Machine(runner.clone())));
        let server = server.expect("it listens");
        fs::create_dir(&storage).expect("made");
        if is_root {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open");
            chown(&storage, Some(NOBODY), Some(NOBODY)).expect("given away");
        }
        let service = Duration::from_secs(2);
        let limits = PebbleLimits { service, ..PebbleLimits::default() };
        let (data, notes) = (storage.join("pgdata"), Arc::new(Noted::default()));
        let workload = PebbleWorkload::new(
            Pebble::new(socket, limits),
            data.to_str().expect("text"),
            "postgres",
        );
        let workload = workload.noting(Arc::clone(&notes) as _);
        Self { workload, runner, notes, storage, data, _server: server, _folder: folder }
    }

    /// Runs a program of the shell as the data's owner, in the storage.
    async fn shell(&self, program: &str) {
        let script = format!("cd '{}' && {program}", self.storage.display());
        let argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let (user, timeout) = (Some("postgres".to_owned()), Duration::from_secs(60));
        let output = self.runner.run(&Invocation { argv, user, stdin: None, timeout }).await;
        let output = output.expect("it ran");
        assert_eq!(output.code, Some(0), "{script}: {}", output.stderr);
    }

    async fn fill(&self) {
        self.shell("mkdir -p pgdata/base/1 pgdata/.hidden && touch pgdata/base/1/x 'pgdata/a b' pgdata/.dot && ln -s /etc pgdata/link").await;
    }

    /// What is in the storage, and in the data directory.
    fn seen(&self) -> (Vec<String>, usize) {
        let names = |folder: &PathBuf| {
            let entries = fs::read_dir(folder).expect("it is there");
            let name = |entry: std::io::Result<fs::DirEntry>| {
                entry.expect("read").file_name().into_string().expect("text")
            };
            let mut names: Vec<String> = entries.map(name).collect();
            names.sort();
            names
        };
        (names(&self.storage), names(&self.data).len())
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.0.lock().expect("whole"))
    }
}

fn only(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

#[tokio::test]
async fn an_emptied_data_directory_is_there_private_and_its_owners() {
    let fixture = DataFixture::new();
    fixture.workload.empty_data_directory().await.expect("an absent one counts");
    fixture.fill().await;
    fixture.shell("chmod 0750 pgdata").await;
    for _ in 0..2 {
        fixture.workload.empty_data_directory().await.expect("emptied");
        assert_eq!(fixture.seen(), (only("pgdata"), 0));
        fixture.shell("[ \"$(stat -c %a:%u pgdata)\" = \"700:$(id -u)\" ]").await;
    }
    assert!(fs::exists("/etc/passwd").expect("seen"), "a link is not followed");
    assert_eq!(fixture.noted(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_deleted_is_in_nobodys_way_and_is_told() {
    let fixture = DataFixture::new();
    fixture.fill().await;
    fixture.shell("chmod 0500 pgdata/base").await;
    fixture.workload.empty_data_directory().await.expect("emptied");
    assert_eq!(fixture.seen(), (["pgdata", "pgdata.emptied"].map(str::to_owned).to_vec(), 0));
    let aside = fixture.storage.join("pgdata.emptied/base/1");
    let data = fixture.data.display();
    let words = format!(
        "{data}: its old content stays beside it: rm: cannot remove '{}': Permission denied",
        aside.display()
    );
    assert_eq!(fixture.noted(), [words]);
    // Once more, and then it can be.
    fixture.fill().await;
    fixture.shell("chmod 0500 pgdata/base").await;
    fixture.workload.empty_data_directory().await.expect("emptied");
    let names = ["pgdata", "pgdata.emptied", "pgdata.emptied.1"].map(str::to_owned).to_vec();
    assert_eq!(fixture.seen(), (names, 0));
    fixture.shell("chmod 0700 pgdata.emptied*/base").await;
    fixture.workload.empty_data_directory().await.expect("emptied");
    assert_eq!(fixture.seen(), (only("pgdata"), 0));
}

#[tokio::test]
async fn what_cannot_be_moved_loses_nothing() {
    let fixture = DataFixture::new();
    fixture.fill().await;
    let full = fixture.seen();
    fixture.shell("chmod 0500 .").await;
    let error = fixture.workload.empty_data_directory().await.expect_err("it can't be moved");
    assert_eq!(error.kind(), PortErrorKind::Refused);
    assert!(error.cause().ends_with("Permission denied"), "{error}");
    assert_eq!(fixture.seen(), full);
    fixture.shell("chmod 0700 .").await;
    fixture.workload.empty_data_directory().await.expect("emptied");
    assert_eq!(fixture.seen(), (only("pgdata"), 0));
}

#[tokio::test]
async fn what_cannot_be_made_again_is_put_back() {
    let fixture = DataFixture::new();
    fixture.fill().await;
    let full = fixture.seen();
    // A machine on which folders can't be made just now.
    fixture.shell("mkdir bin && printf '#!/bin/sh\\necho full >&2; exit 1\\n' > bin/mkdir && chmod +x bin/mkdir").await;
    let program = format!("PATH={}/bin:$PATH; {MOVE_ASIDE}", fixture.storage.display());
    let argv = data_directory::argv(&program, &[fixture.data.to_str().expect("text")]);
    let (user, timeout) = (Some("postgres".to_owned()), Duration::from_secs(60));
    let output = fixture.runner.run(&Invocation { argv, user, stdin: None, timeout }).await;
    let output = output.expect("it ran");
    assert_eq!((output.code, output.stdout.trim()), (Some(1), "full"));
    fixture.shell("rm -r bin").await;
    assert_eq!(fixture.seen(), full);
}

#[tokio::test]
async fn an_emptying_that_broke_off_is_finished_by_the_next() {
    let fixture = DataFixture::new();
    // After the move, and after the directory was made again.
    for broke_off in
        ["mv pgdata pgdata.emptied", "mv pgdata pgdata.emptied && mkdir -m 0700 pgdata"]
    {
        fixture.fill().await;
        fixture.shell(broke_off).await;
        fixture.workload.empty_data_directory().await.expect("emptied");
        assert_eq!(fixture.seen(), (only("pgdata"), 0), "{broke_off}");
        fixture.shell("[ \"$(stat -c %a pgdata)\" = 700 ]").await;
    }
}

/// Leaves something behind that is called like a server and runs in the data directory; its number is in a file.
fn server(command: &str, pid_file: &str) -> String {
    let leave = format!("{command} 1000 > /dev/null 2>&1 & echo $! > {pid_file}");
    let begun = "while [ \"$(cat /proc/$!/comm)\" != postgres ]; do sleep 0.05; done";
    format!("cp \"$(command -v sleep)\" postgres && cd pgdata && {{ {leave}; {begun}; }}")
}

#[tokio::test]
async fn a_server_on_the_data_is_found_whether_its_pid_file_is_there_or_not() {
    let fixture = DataFixture::new();
    fixture.fill().await;
    let full = fixture.seen().1;
    fixture.shell(&server("../postgres", "../pid")).await;
    for pid_file in ["true", "cp pid pgdata/postmaster.pid"] {
        fixture.shell(pid_file).await;
        let error = fixture.workload.empty_data_directory().await.expect_err("it runs");
        let expected = (PortErrorKind::Refused, "the database is running");
        assert_eq!((error.kind(), error.cause()), expected, "{pid_file}");
    }
    assert_eq!(fixture.seen().1, full + 1);
    // Without the pid file nobody may end it.
    fixture.shell("rm pgdata/postmaster.pid").await;
    let error = fixture.workload.stop(Service::Database).await.expect_err("it runs on");
    assert_eq!(error.kind(), PortErrorKind::TimedOut);
    let words = "the service was stopped, and its server still runs after 2s (process ";
    assert!(error.cause().starts_with(words), "{error}");
    fixture.shell("kill $(cat pid) && while kill -0 $(cat pid) 2>/dev/null && [ \"$(cut -d' ' -f3 /proc/$(cat pid)/stat)\" != Z ]; do sleep 0.1; done").await;
    fixture.workload.stop(Service::Database).await.expect("it has ended");
    // A number that was given to another process says nothing.
    fixture.shell("echo 1 > pgdata/postmaster.pid").await;
    fixture.workload.empty_data_directory().await.expect("emptied");
}

#[tokio::test]
async fn a_server_that_its_manager_left_is_asked_to_end() {
    let fixture = DataFixture::new();
    fixture.fill().await;
    // A shell has what it leaves behind ignore the signal, and `env` undoes that.
    let program = server("env --default-signal=INT ../postgres", "postmaster.pid");
    fixture.shell(&program).await;
    fixture.workload.stop(Service::Database).await.expect("it was asked");
    fixture.workload.empty_data_directory().await.expect("emptied");
    assert_eq!(fixture.seen().1, 0);
}
