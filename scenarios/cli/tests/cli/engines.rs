//! Engines that answer, and are of no use: each is distinguished, and what to do is said.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    thread,
};

use crate::session::{Ended, Session, feed, pgdrill};

/// What an engine answers: a status and JSON.
type Answer = (u16, &'static str);

const NEW: &str = r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
const RUN: &str = "run --backend containers --s3 radosgw --filter list-backups/without-relation";

/// An engine at a socket in the session's folder. It answers the version, knows every image, has nothing of anybody's,
/// and answers the rest like this, by method and path.
fn engine(version: &'static str, rest: fn(&str, &str) -> Option<Answer>) -> Session {
    let session = Session::new();
    let socket = session.folder().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    #[expect(clippy::disallowed_methods, reason = "an engine runs beside the command")]
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            thread::spawn(move || serve(stream, version, rest));
        }
    });
    session.engine(&format!("unix://{}", socket.display()))
}

fn serve(
    stream: UnixStream,
    version: &str,
    rest: fn(&str, &str) -> Option<Answer>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_lowercase();
        if let Some(reported) = lower.strip_prefix("content-length:") {
            length = reported.trim().parse().unwrap_or(0);
        }
    }
    reader.by_ref().take(length).read_to_end(&mut Vec::new())?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = target.split('?').next().unwrap_or(target);
    let (status, body) = match (method, path) {
        ("GET", path) if path.ends_with("/version") => (200, version),
        _ => rest(method, path).unwrap_or_else(|| usual(method, path)),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    reader.get_mut().write_all([head.as_bytes(), body.as_bytes()].concat().as_slice())
}

fn usual(method: &str, path: &str) -> Answer {
    match method {
        "GET" if path.ends_with("/containers/json") || path.ends_with("/networks") => (200, "[]"),
        "GET" if path.ends_with("/volumes") => (200, r#"{"Volumes":[],"Warnings":[]}"#),
        "GET" if path.contains("/images/") => (200, r#"{"Id":"sha256:0"}"#),
        "POST" if path.ends_with("/networks/create") => (201, r#"{"Id":"n","Warning":""}"#),
        "POST" if path.ends_with("/containers/create") => (201, r#"{"Id":"c","Warnings":[]}"#),
        "DELETE" => (204, ""),
        _ => (404, r#"{"message":"page not found"}"#),
    }
}

#[test]
fn an_engine_of_an_old_api_is_reported_with_the_version_that_is_needed() {
    engine(r#"{"ApiVersion":"1.39","MinAPIVersion":"1.12"}"#, |_, _| None)
        .run(RUN)
        .run("up --name old --units 1")
        .holds("engine_too_old");
}

#[test]
fn an_engine_without_room_is_reported_with_what_takes_it() {
    engine(NEW, |method, path| {
        let no_room = r#"{"message":"write /var/lib/engine/tmp: no space left on device"}"#;
        (method == "POST" && path.ends_with("/containers/create")).then_some((500, no_room))
    })
    .run(RUN)
    .run("up --name full --units 1 --s3 radosgw")
    .holds("engine_without_room");
}

#[test]
fn an_engine_that_makes_no_network_is_reported_with_what_removes_some() {
    engine(NEW, |method, path| {
        let exhausted = r#"{"message":"could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"}"#;
        (method == "POST" && path.ends_with("/networks/create")).then_some((500, exhausted))
    })
    .run(RUN)
    .holds("engine_without_networks");
}

#[test]
fn ports_that_are_always_taken_are_reported_after_a_few_others_were_tried() {
    engine(NEW, |method, path| match method {
        "POST" if path.ends_with("/start") => Some((
            500,
            r#"{"message":"driver failed programming external connectivity: Bind for 127.0.0.1 failed: port is already allocated"}"#,
        )),
        "PUT" if path.ends_with("/archive") => Some((200, "")),
        _ => None,
    })
    .run(RUN)
    .holds("engine_with_ports_taken");
}

#[test]
fn an_endpoint_that_holds_a_secret_is_refused_before_the_engine_is_asked_and_shown_nowhere() {
    for words in ["run --backend containers --s3 external", "up --s3 external"] {
        let mut command = pgdrill();
        command
            .args(words.split(' '))
            .env("PGDRILL_S3_ENDPOINT", "https://canary:canary@s3.example");
        command.env("PGDRILL_S3_ACCESS_KEY", "canary").env("PGDRILL_S3_SECRET_KEY", "canary");
        let ended = Ended::of(feed(command, b""));
        assert_eq!((ended.code, &*ended.stdout), (4, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains("holds a user or a password"), "{words}: {}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{words}: {}", ended.stderr);
    }
}
