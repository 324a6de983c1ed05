//! Changes, and the commands that some of them are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::watch;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::{Exec, ExecInput, Executed, PebbleContainer, answer::Body, changes::ChangeOf};

/// How long the connection of a command that left its input unread stays open. Pebble never closes it.
const LEFT_OPEN: Duration = Duration::from_secs(30);
/// The size of one message of output.
const BLOCK: usize = 16 << 10;

pub(super) type ServedSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Changes by number.
#[derive(Default)]
pub(super) struct Execs(Mutex<ExecsState>);

#[derive(Default)]
struct ExecsState {
    last: usize,
    changes: BTreeMap<String, watch::Sender<Option<Value>>>,
    commands: BTreeMap<String, RunningCommand>,
}

/// A command that waits for its sockets.
struct RunningCommand {
    exec: Exec,
    id: String,
    change: ChangeOf,
    sockets: BTreeMap<String, ServedSocket>,
}

impl Execs {
    fn state(&self) -> MutexGuard<'_, ExecsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> String {
        let mut state = self.state();
        state.last += 1;
        let id = state.last.to_string();
        state.changes.insert(id.clone(), watch::Sender::new(None));
        id
    }

    /// A service that is to start or stop: its change.
    pub(super) fn begin_act(&self, action: &str, service: &str) -> (String, ChangeOf) {
        let verb = if action == "stop" { "Stop" } else { "Start" };
        (self.next(), ChangeOf::new(action, format!("{verb} service \"{service}\"")))
    }

    /// The change is ready.
    pub(super) fn end(&self, id: &str, ready: Value) {
        if let Some(made) = self.state().changes.get(id) {
            made.send_replace(Some(ready));
        }
    }

    /// A command that is to run: its change and its task.
    pub(super) fn begin(&self, exec: Exec) -> (String, String) {
        let id = self.next();
        let program = exec.command.first().map_or("", String::as_str);
        let change = ChangeOf::new("exec", format!("exec command \"{program}\""));
        let command = RunningCommand { exec, id: id.clone(), change, sockets: BTreeMap::new() };
        self.state().commands.insert(id.clone(), command);
        (id.clone(), id)
    }

    /// The change, once it is ready; `None`: there is none of this number.
    pub(super) async fn wait(&self, id: &str) -> Option<Value> {
        let mut seen = self.state().changes.get(id)?.subscribe();
        seen.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Upgrades a request to one of a command's three websockets.
    #[expect(clippy::disallowed_methods, reason = "a command runs beside the requests")]
    pub(super) fn connect(
        self: &Arc<Self>,
        target: &str,
        request: &mut Request<Incoming>,
        container: &Arc<dyn PebbleContainer>,
    ) -> Response<Body> {
        let parts = target.split_once("/websocket/");
        let key = request.headers().get("sec-websocket-key");
        let (Some((task, name)), Some(key)) = (parts, key) else {
            return super::answer::error((404, "there is no such websocket".into()));
        };
        let accept = derive_accept_key(key.as_bytes());
        let (task, name) = (task.to_owned(), name.to_owned());
        let upgrade = hyper::upgrade::on(request);
        let (execs, container) = (Arc::clone(self), Arc::clone(container));
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            if let Some(command) = execs.take_up(&task, name, socket) {
                execs.run(command, &*container).await;
            }
        });
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in
            [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", &accept)]
        {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    /// Keeps a socket; the command, once it has all three.
    fn take_up(&self, task: &str, name: String, socket: ServedSocket) -> Option<RunningCommand> {
        let mut state = self.state();
        let command = state.commands.get_mut(task)?;
        command.sockets.insert(name, socket);
        if command.sockets.len() == 3 { state.commands.remove(task) } else { None }
    }

    /// Runs a command whose sockets are there, input or not: it begins at once.
    async fn run(&self, command: RunningCommand, container: &dyn PebbleContainer) {
        let RunningCommand { exec, id, change, mut sockets } = command;
        let (Some(stdio), Some(mut stderr)) = (sockets.remove("stdio"), sockets.remove("stderr"))
        else {
            return;
        };
        let (mut out, input) = stdio.split();
        let mut input = ExecInput::new(input);
        let (error, code) = match container.exec(exec, &mut input).await {
            Executed::Exited { code, stdout, stderr: errors } => {
                send(&mut out, &stdout, true).await;
                let (mut err, _) = stderr.split();
                send(&mut err, &errors, true).await;
                (None, code)
            }
            Executed::Trickled { stdout, pause } => {
                trickle(&mut out, &stdout, pause).await;
                let (mut err, _) = stderr.split();
                send(&mut err, b"", true).await;
                (None, 0)
            }
            Executed::Failed { error, stdout } => {
                send(&mut out, &stdout, true).await;
                let (mut err, _) = stderr.split();
                send(&mut err, b"", true).await;
                (Some(error), -1)
            }
            Executed::CutOff { stdout } => {
                send(&mut out, &stdout, false).await;
                let _ = stderr.close(None).await;
                return;
            }
        };
        self.end(&id, change.ready(&id, error.as_deref(), Some(code)));
        if !input.fill_pipe() {
            leave_open(out, input);
        }
    }
}

/// Leaves a connection open that nobody reads any more.
#[expect(clippy::disallowed_methods, reason = "it stays open beside everything else")]
fn leave_open(out: SplitSink<ServedSocket, Message>, input: ExecInput) {
    tokio::spawn(async move {
        let _both = (out, input);
        tokio::time::sleep(LEFT_OPEN).await;
    });
}

#[expect(clippy::disallowed_methods, reason = "slowness is what is shown")]
async fn trickle(to: &mut SplitSink<ServedSocket, Message>, output: &[u8], pause: Duration) {
    for block in output.chunks(64 << 10) {
        send(to, block, false).await;
        tokio::time::sleep(pause).await;
    }
    send(to, b"", true).await;
}

/// Sends output, and its end mark if it has one. A client that went away misses it.
async fn send(to: &mut SplitSink<ServedSocket, Message>, output: &[u8], ends: bool) {
    for block in output.chunks(BLOCK) {
        if to.send(Message::Binary(Bytes::copy_from_slice(block))).await.is_err() {
            return;
        }
    }
    if ends {
        let _ = to.send(Message::Text(r#"{"command":"end"}"#.into())).await;
    }
}
