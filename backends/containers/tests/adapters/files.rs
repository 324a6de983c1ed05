//! Files in a container.

use std::time::Duration;

use async_trait::async_trait;
use pgdrill_adapters::command::{CommandOutput, CommandRunner, Invocation, RunFailure};
use pgdrill_adapters::files::{Access, Files as _};
use pgdrill_containers::{ContainerExec, ContainerFiles};
use pgdrill_core::PortErrorKind as Kind;

use crate::fixture::{Container, TestStage};
use crate::{exec, on_stage, unit};

const PRIVATE: Access<'_> = Access { owner: Some("postgres"), mode: 0o600 };
const PATH: &str = "/etc/pgbackrest/with space.yml";

type Files = ContainerFiles<ContainerExec>;

#[tokio::test(flavor = "multi_thread")]
async fn files_in_a_container_are_replaced_whole() {
    on_stage("files", play).await;
}

async fn play(stage: &TestStage) {
    let container = unit(stage, "unit").await;
    let files = ContainerFiles::new(exec(stage, &container));
    a_file_is_replaced_with_its_access_and_leaves_nothing_beside_it(&files, &container).await;
    any_bytes_come_back_as_they_were(&files).await;
    a_failed_replacement_leaves_the_old_file(&files, &container).await;
    what_is_not_there_is_nothing_to_read_and_gone_already(&files, &container).await;
    a_reader_never_sees_half_a_file(&files, &container).await;
    half_a_content_is_no_content(&files, &exec(stage, &container)).await;
    container.0.pause().await.expect("it can be paused");
    assert_eq!(files.read(PATH).await.expect_err("frozen").kind, Kind::Unreachable);
    assert_eq!(files.push(PATH, b"x", PRIVATE).await.expect_err("frozen").kind, Kind::Unreachable);
    container.0.unpause().await.expect("it can go on");
}

async fn a_file_is_replaced_with_its_access_and_leaves_nothing_beside_it(
    files: &Files,
    container: &Container,
) {
    for (content, mode) in [(&b"the longer one"[..], 0o640), (b"short", 0o600), (b"", 0o644)] {
        files.push(PATH, content, Access { mode, ..PRIVATE }).await.expect("written");
        assert_eq!(files.read(PATH).await.expect("read").as_deref(), Some(content));
        let reported = container.run(&["stat", "-c", "%U:%G %a", PATH]).await.ok();
        assert_eq!(reported, format!("postgres:postgres {mode:o}\n"));
    }
    assert_eq!(
        container.run(&["ls", "-A", "/etc/pgbackrest"]).await.ok(),
        "conf.d\nwith space.yml\n"
    );
    files.push("/etc/own", b"x", Access { owner: None, mode: 0o400 }).await.expect("written");
    assert_eq!(container.run(&["stat", "-c", "%U %a", "/etc/own"]).await.ok(), "root 400\n");
}

async fn any_bytes_come_back_as_they_were(files: &Files) {
    let all: Vec<u8> = (0..1_500_000_u32).map(|n| (n % 251) as u8).collect();
    files.push(PATH, &all, PRIVATE).await.expect("written");
    assert_eq!(files.read(PATH).await.expect("read"), Some(all));
    files.push(PATH, &vec![b'x'; 3 << 20], PRIVATE).await.expect("written");
    let failed = files.read(PATH).await.expect_err("too much to read");
    assert_eq!(failed.kind, Kind::Refused, "{failed:?}");
}

async fn a_failed_replacement_leaves_the_old_file(files: &Files, container: &Container) {
    files.push("/srv/old", b"old", PRIVATE).await.expect("written");
    container.run(&["mkdir", "-p", "/srv/busy/inner"]).await.ok();
    let stranger = Access { owner: Some("mallory"), mode: 0o600 };
    for (path, access, kind) in [
        ("/srv/busy", PRIVATE, Kind::Refused),
        ("/srv/old", stranger, Kind::NotFound),
        ("/srv/no/such/folder", PRIVATE, Kind::NotFound),
        ("/proc/old", PRIVATE, Kind::NotFound),
        ("/srv/", PRIVATE, Kind::Refused),
    ] {
        let failed = files.push(path, b"secret", access).await.expect_err("it can't be");
        println!("{failed:?}");
        assert_eq!(failed.kind, kind, "{failed:?}");
        assert!(failed.cause.starts_with(path) && !failed.cause.contains("secret"), "{failed:?}");
    }
    assert_eq!(files.read("/srv/old").await.expect("read").as_deref(), Some(&b"old"[..]));
    assert_eq!(container.run(&["ls", "-A", "/srv"]).await.ok(), "busy\nold\n");
}

async fn what_is_not_there_is_nothing_to_read_and_gone_already(
    files: &Files,
    container: &Container,
) {
    assert_eq!(files.read("/srv/none").await, Ok(None));
    assert_eq!(files.remove("/srv/none").await, Ok(()));
    assert_eq!(files.remove("/srv/old").await, Ok(()));
    assert_eq!(files.read("/srv/old").await, Ok(None));
    assert_eq!(files.read("/srv/busy").await.expect_err("a folder").kind, Kind::Refused);
    assert_eq!(files.remove("/srv/busy").await.expect_err("a folder").kind, Kind::Refused);
    container.run(&["ln", "-s", "/nowhere", "/srv/dangling"]).await.ok();
    assert_eq!(files.read("/srv/dangling").await.expect_err("broken").kind, Kind::NotFound);
}

async fn a_reader_never_sees_half_a_file(files: &Files, container: &Container) {
    let content = |byte| vec![byte; 400_000];
    files.push(PATH, &content(b'a'), PRIVATE).await.expect("written");
    let script =
        "for _ in $(seq 400); do tr -d ab < \"$1\" | wc -c; wc -c < \"$1\"; done | sort -u";
    let watch = ["sh", "-c", script, "sh", PATH];
    let write = async {
        for byte in [b'b', b'a', b'b', b'a'] {
            files.push(PATH, &content(byte), PRIVATE).await.expect("written");
        }
    };
    let (seen, ()) = futures_util::join!(container.run(&watch), write);
    assert_eq!(seen.ok(), "0\n400000\n");
    // A client that is gone in the midst of a file leaves the old one.
    let before = files.read(PATH).await.expect("read");
    let hasty = files.clone().with_limit(Duration::ZERO);
    let failed = hasty.push(PATH, &content(b'c'), PRIVATE).await.expect_err("no time");
    assert_eq!(failed.kind, Kind::TimedOut);
    assert_eq!(files.read(PATH).await.expect("read"), before);
}

/// Loses the second half of what a command is to read.
struct Lossy(ContainerExec);

#[async_trait]
impl CommandRunner for Lossy {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let mut invocation = invocation.clone();
        if let Some(stdin) = &mut invocation.stdin {
            stdin.truncate(stdin.len() / 2);
        }
        self.0.run(&invocation).await
    }
}

async fn half_a_content_is_no_content(files: &Files, exec: &ContainerExec) {
    let before = files.read(PATH).await.expect("read");
    let lossy = ContainerFiles::new(Lossy(exec.clone()));
    let failed = lossy.push(PATH, b"0123456789", PRIVATE).await.expect_err("half is lost");
    assert_eq!(failed.kind, Kind::Unreachable, "{failed:?}");
    assert!(failed.cause.ends_with("only 5 of 10 bytes arrived"), "{failed:?}");
    assert_eq!(files.read(PATH).await.expect("read"), before);
}
