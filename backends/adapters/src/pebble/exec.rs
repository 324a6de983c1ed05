//! Commands in the container.

use std::pin::pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    future::{Either, select},
};
use hyper::Method;
use pgdrill_core::PortErrorKind;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{Pebble, PebbleChange, PebbleFailure, failure::change_words};
use crate::command::{
    Bounded, CommandOutput, CommandRunner, Invocation, RunFailure, unless_killed,
};

/// What ends a stream, in both directions.
const END: &str = r#"{"command":"end"}"#;
/// How much of standard input goes into one message.
const BLOCK: usize = 32 << 10;
/// How Pebble marks a command that it ended because its time was up.
const TIMED_OUT: &str = "timed out";
/// How it begins to say that a command was never begun: it could not fork or run it, could not enter its folder, or
/// nobody dialled the streams (`doExec` of its `cmdstate`).
const NEVER_BEGAN: [&str; 3] = ["fork/exec ", "chdir ", "exec "];

type CommandSocket = WebSocketStream<UnixStream>;

/// Where a command's streams are.
struct Streams {
    /// Pebble kills the command when this one goes away while it runs: it is held to the end.
    _control: CommandSocket,
    stdio: CommandSocket,
    stderr: CommandSocket,
}

#[async_trait]
impl CommandRunner for Pebble {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let (change, task) = self.begin(invocation).await?;
        let (mut stdout, mut stderr) = (Bounded::default(), Bounded::default());
        let limit = invocation.timeout + self.limits.grace;
        let work = self.follow(&change, &task, invocation, &mut stdout, &mut stderr);
        let ended = tokio::time::timeout(limit, work).await;
        let output =
            |code| CommandOutput { code, stdout: stdout.into_text(), stderr: stderr.into_text() };
        match ended {
            Err(_) => {
                let so_far = output(None);
                Err(RunFailure::TimedOut { after: limit, so_far, is_ended: false })
            }
            Ok(Err(PebbleFailure { kind: PortErrorKind::TimedOut, .. })) => {
                let so_far = output(None);
                Err(RunFailure::TimedOut { after: limit, so_far, is_ended: false })
            }
            Ok(Err(failure)) => {
                Err(RunFailure::Lost { cause: failure.cause, so_far: output(None) })
            }
            Ok(Ok(change)) => match change.err.as_deref().map(change_words) {
                Some(words) if words.contains(TIMED_OUT) => {
                    let (after, so_far) = (invocation.timeout, output(None));
                    Err(RunFailure::TimedOut { after, so_far, is_ended: true })
                }
                Some(words) if NEVER_BEGAN.iter().any(|begin| words.starts_with(begin)) => {
                    Err(RunFailure::NotStarted { cause: words })
                }
                Some(cause) if !cause.is_empty() => {
                    Err(RunFailure::Lost { cause, so_far: output(None) })
                }
                Some(_) | None => {
                    match change.tasks.iter().find_map(|task| task.data.as_ref()?.exit_code) {
                        Some(code) => Ok(output(unless_killed(code))),
                        None => {
                            let cause = "Pebble tells no exit code".to_owned();
                            Err(RunFailure::Lost { cause, so_far: output(None) })
                        }
                    }
                }
            },
        }
    }
}

impl Pebble {
    /// Has the command begun: its change and its task.
    async fn begin(&self, invocation: &Invocation) -> Result<(String, String), RunFailure> {
        let mut body = json!({
            "command": invocation.argv,
            "timeout": format!("{}ms", invocation.timeout.as_millis()),
            "split-stderr": true,
            // Without, it runs in its user's home, which need not be there.
            "working-dir": "/",
        });
        if let (Some(user), Some(body)) = (&invocation.user, body.as_object_mut()) {
            body.insert("user".into(), user.as_str().into());
            body.insert("group".into(), user.as_str().into());
        }
        let lost = |cause| RunFailure::Lost { cause, so_far: CommandOutput::default() };
        let asked = self.ask(Method::POST, "/v1/exec", Some(&body), self.limits.request).await;
        match asked {
            Ok(reply) => {
                let task = reply.result.get("task-id").and_then(Value::as_str).map(str::to_owned);
                reply.change.zip(task).ok_or_else(|| lost("Pebble names no task".to_owned()))
            }
            Err(PebbleFailure { cause, is_reply: true, .. }) => {
                Err(RunFailure::NotStarted { cause })
            }
            Err(failure) => Err(lost(failure.cause)),
        }
    }

    /// Feeds the command and reads it to its end.
    async fn follow(
        &self,
        change: &str,
        task: &str,
        invocation: &Invocation,
        stdout: &mut Bounded,
        stderr: &mut Bounded,
    ) -> Result<PebbleChange, PebbleFailure> {
        let Streams { _control, stdio, stderr: error_stream } = self.dial(task).await?;
        let (mut to, mut from) = stdio.split();
        let feed = async {
            for block in invocation.stdin.as_deref().unwrap_or_default().chunks(BLOCK) {
                to.send(Message::Binary(Bytes::copy_from_slice(block))).await?;
            }
            to.send(Message::Text(END.into())).await
        };
        let mut error_stream = error_stream;
        let output =
            async { tokio::join!(drain(&mut from, stdout), drain(&mut error_stream, stderr)) };
        // A command need not read its input. Pebble then reads no more of it and closes nothing, so that what does not
        // fit into the buffers could be sent for ever: only the output must be whole.
        let (out, err) = match select(pin!(output), pin!(feed)).await {
            Either::Left((ended, _)) => ended,
            Either::Right((_, output)) => output.await,
        };
        out.and(err)?;
        self.ready(change, invocation.timeout + self.limits.grace).await
    }

    /// Dials the three sockets, in the order in which Pebble waits for them.
    async fn dial(&self, task: &str) -> Result<Streams, PebbleFailure> {
        let control = self.dial_one(task, "control").await?;
        let stdio = self.dial_one(task, "stdio").await?;
        let stderr = self.dial_one(task, "stderr").await?;
        Ok(Streams { _control: control, stdio, stderr })
    }

    async fn dial_one(&self, task: &str, name: &str) -> Result<CommandSocket, PebbleFailure> {
        let stream = self.connect().await?;
        let url = format!("ws://localhost/v1/tasks/{}/websocket/{name}", super::escaped(task));
        match tokio::time::timeout(self.limits.request, client_async(url, stream)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(error)) => Err(PebbleFailure::silent(format!("websocket {name}: {error}"))),
            Err(_) => Err(PebbleFailure::late(self.limits.request)),
        }
    }
}

/// Reads a stream up to its end mark. One that ends without it has lost something.
async fn drain<S>(stream: &mut S, into: &mut Bounded) -> Result<(), PebbleFailure>
where
    S: futures_util::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    while let Some(message) = stream.next().await {
        match message {
            Ok(Message::Binary(block)) => into.push(&block),
            Ok(Message::Text(text)) if is_end(&text) => return Ok(()),
            // Programs that write text may come as text.
            Ok(Message::Text(text)) => into.push(text.as_bytes()),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(_)) => break,
            Err(error) => return Err(PebbleFailure::silent(format!("a stream broke: {error}"))),
        }
    }
    Err(PebbleFailure::silent("a stream ended before the command did"))
}

fn is_end(text: &str) -> bool {
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| value.get("command").and_then(Value::as_str) == Some("end"))
}
