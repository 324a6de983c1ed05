//! What other clients than ours ask of a Pebble, as they write it: `ops` leaves fields null and never ends an input.

use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::container::PebbleFixture;

async fn connect(fixture: &PebbleFixture) -> UnixStream {
    UnixStream::connect(fixture.pebble.socket()).await.expect("it listens")
}

async fn ask(fixture: &PebbleFixture, method: &str, target: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = connect(fixture).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// Begins a command as `ops` does, and dials its sockets: its change, and the sockets, which nobody ends.
async fn begin(
    fixture: &PebbleFixture,
    program: &str,
) -> (String, Vec<WebSocketStream<UnixStream>>) {
    let exec = json!({
        "command": [program], "service-context": null, "environment": {}, "working-dir": null,
        "timeout": null, "user-id": null, "user": null, "group-id": null, "group": null,
        "split-stderr": true,
    });
    let answer = ask(fixture, "POST", "/v1/exec", &exec).await;
    let (change, task) = (&answer["change"], &answer["result"]["task-id"]);
    let (change, task) = (change.as_str().expect("a change"), task.as_str().expect("a task"));
    let mut sockets = Vec::new();
    for name in ["control", "stdio", "stderr"] {
        let url = format!("ws://localhost/v1/tasks/{task}/websocket/{name}");
        let dialled = client_async(url, connect(fixture).await).await;
        sockets.push(dialled.expect("dialled").0);
    }
    (change.to_owned(), sockets)
}

#[tokio::test]
async fn a_command_runs_without_a_time_and_without_an_end_of_its_input() {
    let fixture = PebbleFixture::new();
    let (change, _sockets) = begin(&fixture, "exits-28").await;
    let target = format!("/v1/changes/{change}/wait?timeout=20.000s");
    let ended = ask(&fixture, "GET", &target, &Value::Null).await;
    let expected = json!({
        "id": "1", "kind": "exec", "summary": "exec command \"exits-28\"", "status": "Done",
        "ready": true, "spawn-time": "2024-01-01T00:00:00Z",
        "tasks": [{
            "id": "1", "kind": "exec", "summary": "exec command \"exits-28\"", "status": "Done",
            "progress": { "label": "", "done": 1, "total": 1 },
            "spawn-time": "2024-01-01T00:00:00Z", "data": { "exit-code": 28 },
        }],
    });
    assert_eq!(ended["result"], expected);
}

#[tokio::test]
async fn a_change_that_is_not_ready_in_time_is_an_error_reply() {
    let fixture = PebbleFixture::new();
    let (change, _sockets) = begin(&fixture, "hangs").await;
    for timeout in ["100ms", "0.100s"] {
        let target = format!("/v1/changes/{change}/wait?timeout={timeout}");
        let wait = ask(&fixture, "GET", &target, &Value::Null);
        let answer = tokio::time::timeout(Duration::from_secs(20), wait).await.expect("bounded");
        assert_eq!((&answer["type"], &answer["status-code"]), (&json!("error"), &json!(504)));
        let words = format!("timed out waiting for change after {timeout}");
        assert_eq!(answer["result"]["message"], words);
    }
}
