//! The other side of the protocol: a Pebble whose container is whatever a [`PebbleContainer`] says that it is. Tests
//! and rehearsals run against it; it speaks the real protocol over a real Unix socket, websockets included.

mod answer;
mod changes;
mod execs;
mod input;

use std::{io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

use answer::{Body, answer};
use execs::Execs;

pub use input::ExecInput;

/// A service as the supervisor reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSeen {
    /// Its name.
    pub name: String,
    /// `active`, `inactive`, `backoff` or `error`.
    pub current: String,
}

/// A command that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The user as whom it runs.
    pub user: Option<String>,
    /// The folder in which it runs; `None`: the user's home.
    pub working_dir: Option<String>,
    /// The time that it has, as it was given; empty: any.
    pub timeout: String,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed {
    /// By itself, with this code, or by a signal.
    Exited {
        /// The exit code; 128 and the signal's number, where someone killed it.
        code: i32,
        /// Standard output.
        stdout: Vec<u8>,
        /// Standard error.
        stderr: Vec<u8>,
    },
    /// By itself with code 0, after output that came block by block with pauses.
    Trickled {
        /// Standard output.
        stdout: Vec<u8>,
        /// The pause after each block of 64 KiB.
        pause: Duration,
    },
    /// Its change has this error: its time was up, or it never began.
    Failed {
        /// The error, as `timed out after 30s: context deadline exceeded`, or as `fork/exec /bin/x: permission denied`.
        error: String,
        /// Standard output until then.
        stdout: Vec<u8>,
    },
    /// The connections are cut after this output, and no end is ever reported.
    CutOff {
        /// Standard output until then.
        stdout: Vec<u8>,
    },
}

/// What became of services that were to start or stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acted {
    /// What the task of the change noted, as `Service "x" already stopping.`
    pub noted: Option<String>,
    /// The error of the change, if it has one.
    pub error: Option<String>,
}

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWritten {
    /// Its path.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Its permissions, as three octal digits.
    pub permissions: String,
    /// Its owner.
    pub user: Option<String>,
}

/// An error reply: its status and message.
pub type Refusal = (u16, String);
/// A path's error: its kind, as `not-found`, and its message.
pub type PathRefusal = (&'static str, String);

/// What stands behind a Pebble.
#[async_trait]
pub trait PebbleContainer: Send + Sync + 'static {
    /// Whether the supervisor answers at all. While it does not, connections are closed without a word.
    async fn is_up(&self) -> bool;

    /// The services of these names that there are.
    async fn services(&self, names: &[String]) -> Vec<ServiceSeen>;

    /// Whether services can be asked to start or stop: `Err` before any change.
    async fn can_act(&self, action: &str, services: &[String]) -> Result<(), Refusal>;

    /// Starts or stops services that can be asked to, while its caller waits for the change.
    async fn act(&self, action: &str, services: &[String]) -> Acted;

    /// Sends a signal to services.
    async fn signal(&self, signal: &str, services: &[String]) -> Result<(), Refusal>;

    /// Whether there is a folder or file here.
    async fn exists(&self, path: &str) -> bool;

    /// Reads a file.
    async fn read(&self, path: &str) -> Result<Vec<u8>, PathRefusal>;

    /// Writes a file.
    async fn write(&self, file: FileWritten) -> Result<(), PathRefusal>;

    /// Removes a file.
    async fn remove(&self, path: &str) -> Result<(), PathRefusal>;

    /// Whether a command can be begun; its standard input is not there yet.
    async fn begin(&self, exec: &Exec) -> Result<(), Refusal>;

    /// Runs a command that could be begun. It reads its standard input or does not.
    async fn exec(&self, exec: Exec, input: &mut ExecInput) -> Executed;
}

/// A Pebble that listens as long as this value lives.
pub struct PebbleServer {
    task: JoinHandle<()>,
}

impl Drop for PebbleServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PebbleServer {
    /// Listens at `socket` for the container.
    ///
    /// # Errors
    ///
    /// When the socket can't be made.
    pub fn start(socket: &Path, container: Arc<dyn PebbleContainer>) -> io::Result<Self> {
        Self::start_noting(socket, container, |_| ())
    }

    /// As [`start`](Self::start); why no more connections can be taken, should that happen, is handed to `note`.
    ///
    /// # Errors
    ///
    /// When the socket can't be made.
    #[expect(clippy::disallowed_methods, reason = "a server must run beside its client")]
    pub fn start_noting(
        socket: &Path,
        container: Arc<dyn PebbleContainer>,
        note: impl Fn(&io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let execs = Arc::new(Execs::default());
        let task = tokio::spawn(async move {
            // Ends with this task, and all that it serves with it.
            let mut connections = JoinSet::new();
            loop {
                let stream = match listener.accept().await {
                    Ok((stream, _)) => stream,
                    Err(error) => return note(&error),
                };
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(stream, Arc::clone(&container), Arc::clone(&execs)));
            }
        });
        Ok(Self { task })
    }
}

async fn serve(stream: UnixStream, container: Arc<dyn PebbleContainer>, execs: Arc<Execs>) {
    if !container.is_up().await {
        return;
    }
    let service = service_fn(|request: Request<Incoming>| {
        let (container, execs) = (Arc::clone(&container), Arc::clone(&execs));
        async move { Ok::<Response<Body>, hyper::Error>(answer(request, container, execs).await) }
    });
    // A client that goes away is no failure of the server's.
    let _ =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}
