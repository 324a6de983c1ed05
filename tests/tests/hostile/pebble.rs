//! What a supervisor, or whoever has its place, replies.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use pgdrill_adapters::{
    command::{CommandRunner as _, Invocation},
    files::{Access, FileFailure, Files as _},
    pebble::{Pebble, PebbleLimits, PebbleWorkload},
};
use pgdrill_core::{
    Hook, PortError,
    ports::{Service, Workload as _},
};
use pgdrill_dispatch::Dispatched;
use pgdrill_tests::hostile::{Door, Grammar, Opened};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    tools::{Tools, juju, ports_with, sum},
    withstands,
};

/// What is replied, to which request in order.
#[derive(Clone, Default)]
struct Script {
    hostile: Vec<u8>,
    /// The request that gets it; the others get what is right.
    at: usize,
    /// Whether the head is right and the reply is its content; else it is the whole reply.
    is_content: bool,
    seen: usize,
}

/// What a request is rightly replied.
fn right(target: &str) -> String {
    if target.contains("action=read") {
        return FORM.to_owned();
    }
    let reply = if target.starts_with("/v1/changes/") {
        json!({ "type": "sync", "result": { "id": "7", "ready": true, "tasks": [{ "data": { "exit-code": 0 } }] } })
    } else if target.starts_with("/v1/exec") {
        json!({ "type": "async", "change": "7", "result": { "task-id": "70" } })
    } else if target.contains("names=") {
        json!({ "type": "sync", "result": [{ "name": "postgresql", "current": "inactive" }, { "name": "pgbackrest server", "current": "active" }] })
    } else if target.starts_with("/v1/files") {
        json!({ "type": "sync", "result": [{ "path": "/a" }] })
    } else {
        json!({ "type": "async", "change": "7", "result": {} })
    };
    reply.to_string()
}

/// Replies to one connection, and closes it.
fn reply(mut stream: UnixStream, script: &Mutex<Script>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut head = Vec::new();
    let mut block = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut block)? {
            0 => return Ok(()),
            count => head.extend_from_slice(&block[..count]),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let turn = {
        let mut script = script.lock().expect("whole");
        script.seen += 1;
        (script.seen - 1 == script.at).then(|| (script.hostile.clone(), script.is_content))
    };
    if target.contains("/websocket/") && !matches!(turn, Some((_, false))) {
        return stream_of(stream, &text, turn.map(|(hostile, _)| hostile));
    }
    match turn {
        Some((hostile, false)) => stream.write_all(&hostile),
        turn => {
            let content = turn.map_or_else(|| right(&target).into_bytes(), |(hostile, _)| hostile);
            let kind = if target.contains("action=read") {
                "multipart/form-data; boundary=b"
            } else {
                "application/json"
            };
            let length = content.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            )?;
            stream.write_all(&content)
        }
    }
}

/// The stream of a command: what is hostile as a message, or as whatever stands in place of one, and its end.
fn stream_of(mut stream: UnixStream, head: &str, hostile: Option<Vec<u8>>) -> std::io::Result<()> {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    let accept = tungstenite::handshake::derive_accept_key(key.unwrap_or_default().as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    if let Some(hostile) = &hostile
        && hostile.len().is_multiple_of(3)
    {
        return stream.write_all(hostile);
    }
    let role = tungstenite::protocol::Role::Server;
    let mut socket = tungstenite::WebSocket::from_raw_socket(stream, role, None);
    let message = hostile.map(|bytes| match String::from_utf8(bytes) {
        Ok(text) if text.len() % 3 == 1 => Message::Text(text.into()),
        Ok(text) => Message::Binary(text.into_bytes().into()),
        Err(error) => Message::Binary(error.into_bytes().into()),
    });
    for message in message.into_iter().chain([Message::Text(r#"{"command":"end"}"#.into())]) {
        if socket.send(message).is_err() {
            return Ok(());
        }
    }
    // Until the other end has what it wants; the control stream says nothing itself.
    let _ = socket.read();
    Ok(())
}

/// Serves until the process ends.
fn serve(path: &Path) -> Arc<Mutex<Script>> {
    let listener = UnixListener::bind(path).expect("a socket");
    let script = Arc::new(Mutex::new(Script::default()));
    let known = Arc::clone(&script);
    #[expect(clippy::disallowed_methods, reason = "a server must run beside its client")]
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let known = Arc::clone(&known);
            // A client that hangs up is no failure.
            std::thread::spawn(move || reply(stream, &known).unwrap_or_default());
        }
    });
    script
}

/// A file.
const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/a\"\r\n\r\ncontent\r\n--b\r\nContent-Disposition: form-data; name=\"response\"\r\n\r\n{\"type\":\"sync\",\"result\":[{\"path\":\"/a\"}]}\r\n--b--\r\n";

const SEEDS: &[&str] = &[
    r#"{"type":"sync","status-code":200,"status":"OK","result":[{"name":"postgresql","startup":"enabled","current":"active"}]}"#,
    r#"{"type":"sync","result":[{"name":"postgresql","current":"backoff"},{"name":"pgbackrest server","current":"inactive"}]}"#,
    r#"{"type":"async","status-code":202,"change":"7","result":{"task-id":"70"}}"#,
    r#"{"type":"sync","result":{"id":"7","kind":"exec","status":"Done","tasks":[{"data":{"exit-code":3},"log":[]}],"ready":true}}"#,
    r#"{"type":"sync","result":{"id":"7","err":"cannot perform the following tasks:\n- exec (exit status 1)","tasks":[],"ready":true}}"#,
    r#"{"type":"error","status-code":404,"status":"Not Found","result":{"kind":"not-found","message":"service does not exist"}}"#,
    r#"{"type":"sync","result":[{"path":"/a","error":{"kind":"permission-denied","message":"open /a: permission denied"}}]}"#,
    FORM,
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{\"type\":\"sync\",\"result\":[]}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{\"type\":\"sync\",\"result\":[]}\r\n0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{\"type\":\"error\",\"result\":{\"message\":\"x\"}}",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    r#"{"command":"end"}"#,
];

/// The calls of the adapters, each with how many requests it makes.
const CALLS: [usize; 8] = [1, 5, 1, 1, 1, 2, 2, 6];

/// One call; why it came to nothing, if so.
async fn call(number: usize, pebble: &Pebble, workload: &PebbleWorkload) -> Option<String> {
    let command = Invocation {
        argv: vec!["true".into()],
        user: Some("postgres".into()),
        stdin: Some(b"in".to_vec()),
        timeout: Duration::from_millis(200),
    };
    let access = Access { owner: None, mode: 0o600 };
    let of_file = |failure: FileFailure| failure.cause;
    let of_port = |error: PortError| error.to_string();
    match number {
        0 => pebble.read("/a").await.err().map(of_file),
        1 => pebble.run(&command).await.err().map(|failure| failure.to_string()),
        2 => pebble.push("/a", b"x", access).await.err().map(of_file),
        3 => pebble.remove("/a").await.err().map(of_file),
        4 => workload.service(Service::Database).await.err().map(of_port),
        5 => workload.start(Service::Database).await.err().map(of_port),
        6 => workload.reload(Service::TlsServer).await.err().map(of_port),
        _ => workload.empty_data_directory().await.err().map(of_port),
    }
}

fn pebble_door() -> Door {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("pebble");
    let script = serve(&socket);
    let limits = PebbleLimits {
        request: Duration::from_millis(400),
        service: Duration::from_millis(400),
        grace: Duration::from_millis(200),
    };
    let pebble = Pebble::new(&socket, limits);
    let workload = PebbleWorkload::new(pebble.clone(), "/var/lib/data/pgdata", "postgres");
    let runtime: Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let open = move |bytes: &[u8]| {
        let (mut opened, _) = (Opened::default(), &folder);
        let sum = sum(bytes);
        let is_head = bytes.starts_with(b"HTTP/");
        let set = |at| {
            let hostile = bytes.to_vec();
            *script.lock().expect("whole") = Script { hostile, at, is_content: !is_head, seen: 0 };
        };
        let number = sum % CALLS.len();
        set((sum / 8) % CALLS[number]);
        let why = runtime.block_on(call(number, &pebble, &workload));
        opened.is_refused = why.is_some();
        opened.shown.extend(why.and_then(|why| Dispatched::Failed(why).conclude().err()));
        set((sum / 48) % 3);
        let hook = [Hook::UpdateStatus, Hook::Restore, Hook::CertificatesChanged][(sum / 144) % 3];
        let fired = Tools::new(juju(), None).fired(
            &[hook],
            || ports_with(Arc::new(workload.clone())),
            Some(&runtime),
        );
        opened.shown.extend(fired.shown);
        opened.faults.extend(fired.faults);
        opened
    };
    let words = &[
        "type",
        "sync",
        "error",
        "async",
        "result",
        "change",
        "ready",
        "err",
        "tasks",
        "exit-code",
        "current",
        "active",
        "message",
        "HTTP/1.1 ",
        "\r\n",
        "Content-Length: ",
        "--b",
        "name=\"response\"",
    ];
    let seeds = SEEDS.iter().map(|seed| seed.as_bytes().to_vec());
    Door { name: "pebble", grammar: Grammar::new(seeds, words), open: Box::new(open) }
}

#[test]
fn replies_of_pebble() {
    withstands(pebble_door());
}
