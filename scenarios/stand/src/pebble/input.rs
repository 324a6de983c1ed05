//! What a command is given on standard input.

use futures_util::{FutureExt as _, StreamExt as _, stream::SplitStream};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::execs::ServedSocket;

/// How much a command that reads nothing is given all the same: what a pipe holds.
const PIPE: usize = 64 << 10;

/// A command's standard input, which its caller need not end, and which it need not read.
pub struct ExecInput {
    socket: SplitStream<ServedSocket>,
    has_ended: bool,
}

impl ExecInput {
    pub(super) const fn new(socket: SplitStream<ServedSocket>) -> Self {
        Self { socket, has_ended: false }
    }

    /// All that comes until its end.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        while !self.has_ended {
            let message = self.socket.next().await;
            self.take(message, &mut read);
        }
        read
    }

    /// Takes what fits into the pipe of a command that read nothing. Whether the input has ended.
    pub(super) fn fill_pipe(&mut self) -> bool {
        let mut pipe = Vec::new();
        while !self.has_ended && pipe.len() < PIPE {
            let Some(message) = self.socket.next().now_or_never() else { break };
            self.take(message, &mut pipe);
        }
        self.has_ended
    }

    fn take<E>(&mut self, message: Option<Result<Message, E>>, into: &mut Vec<u8>) {
        match message {
            Some(Ok(Message::Binary(block))) => into.extend_from_slice(&block),
            Some(Ok(Message::Text(text))) => self.has_ended |= is_end(&text),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => self.has_ended = true,
        }
    }
}

/// Text says something of the stream, and `{"command":"end"}` alone is known. It is never input.
fn is_end(text: &str) -> bool {
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| value.get("command").and_then(Value::as_str) == Some("end"))
}
