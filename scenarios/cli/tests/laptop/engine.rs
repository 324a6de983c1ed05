//! The binary, and what stands on the engine.

use std::{
    process::{Child, Command, Output, Stdio},
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    thread,
    time::Duration,
};

use pgdrill_containers::images::{Image, Quiet, ensure};

/// How often it is looked for something before a test gives up, and the pause between two looks.
const LOOKS: u32 = 1200;
const PAUSE: Duration = Duration::from_millis(100);

/// A command that begins clears away what a killed one left: a test that looks at that has the engine to itself.
static ENGINE: RwLock<()> = RwLock::new(());

/// No other test of this program uses the engine meanwhile.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    ENGINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Others use the engine too.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    ENGINE.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn pgdrill(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgdrill"));
    command.args(words).env("NO_COLOR", "1");
    command
}

/// How a command ended, and what it said: standard output, then standard error.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(words: &[&str]) -> Ended {
    pgdrill(words).output().unwrap().into()
}

/// Runs a command that must end with 0; what it printed.
#[track_caller]
pub(crate) fn well(words: &[&str]) -> String {
    let ended = run(words);
    assert_eq!(ended.code, Some(0), "{words:?}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// Every image is on the engine: building one takes longer than anybody here waits for a container.
pub(crate) fn have_images() {
    static HAD: OnceLock<()> = OnceLock::new();
    HAD.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for image in Image::ALL {
            runtime.block_on(ensure(*image, &Quiet)).unwrap();
        }
    });
}

pub(crate) fn begin(words: &[&str]) -> Child {
    pgdrill(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn docker(words: &[&str]) -> Vec<String> {
    let output = Command::new("docker").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every container, network and volume with a label of this value, or whose value begins with it.
pub(crate) fn labelled(label: &str, value: &str) -> Vec<String> {
    let filter = format!("label={label}");
    let format = format!("{{{{.Label \"{label}\"}}}}\t{{{{.ID}}}}");
    let volumes = format!("{{{{.Label \"{label}\"}}}}\t{{{{.Name}}}}");
    let all = [
        docker(&["ps", "-a", "--filter", &filter, "--format", &format]),
        docker(&["network", "ls", "--filter", &filter, "--format", &format]),
        docker(&["volume", "ls", "--filter", &filter, "--format", &volumes]),
    ];
    all.concat().into_iter().filter(|line| line.starts_with(value)).collect()
}

/// What stands on the stage of a topology.
pub(crate) fn of_topology(name: &str) -> Vec<String> {
    labelled("pgdrill.stage", &format!("pgdrill-{name}\t"))
}

/// What a process started.
pub(crate) fn of_process(child: &Child) -> Vec<String> {
    labelled("pgdrill.process", &format!("{}:", child.id()))
}

/// Returns once something is there.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the engine tells nobody; it is asked again")]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("not in time: {what}");
}

/// The process of a command that goes on until something is there.
#[track_caller]
pub(crate) fn begun(words: &[&str], what: &str, is_so: impl Fn(&Child) -> bool) -> Child {
    have_images();
    let mut child = begin(words);
    let mut is_ended = false;
    until(what, || {
        is_ended = child.try_wait().unwrap().is_some();
        is_ended || is_so(&child)
    });
    if is_ended {
        let ended = Ended::from(child.wait_with_output().unwrap());
        panic!("{what}: it ended with {:?}: {}{}", ended.code, ended.stdout, ended.stderr);
    }
    child
}

/// A topology that is down by the end of the test, whatever comes of it.
pub(crate) struct TakenDown(pub(crate) &'static str);

impl Drop for TakenDown {
    fn drop(&mut self) {
        run(&["down", "--name", self.0]);
    }
}
