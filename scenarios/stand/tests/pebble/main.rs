//! Our client of Pebble against our stand-in for it.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod container;
mod data;
mod files;
mod protocol;
mod services;

use std::time::Duration;

use pgdrill_adapters::{
    command::{CommandOutput, CommandRunner as _, Invocation, RunFailure},
    pebble::{Pebble, PebbleLimits},
};

use container::{PebbleFixture, Recorded};

fn invocation(program: &str) -> Invocation {
    Invocation {
        argv: vec![program.to_owned(), "--flag".to_owned()],
        user: Some("postgres".into()),
        stdin: None,
        timeout: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn a_command_that_ends_by_itself_keeps_its_code_and_both_streams() {
    let fixture = PebbleFixture::new();
    let output = fixture.pebble.run(&invocation("exits-28")).await;
    let expected = CommandOutput { code: Some(28), stdout: "out\n".into(), stderr: "err\n".into() };
    assert_eq!(output, Ok(expected));
    insta::assert_snapshot!(fixture.record(), @r"
    begin exits-28 --flag as postgres in / within 60000ms
    exec exits-28
    ");
}

#[tokio::test]
async fn standard_input_arrives_whole() {
    let fixture = PebbleFixture::new();
    let given = Invocation { stdin: Some(vec![b'x'; 300_000]), ..invocation("counts") };
    assert_eq!(fixture.pebble.run(&given).await.expect("ran").stdout, "300000");
}

#[tokio::test]
async fn a_command_that_ends_with_its_input_unread_is_not_waited_for() {
    let fixture = PebbleFixture::new();
    // More than the pipe and the buffers of two sockets take.
    let given = Invocation { stdin: Some(vec![b'x'; 8 << 20]), ..invocation("reads-nothing") };
    let run = tokio::time::timeout(Duration::from_secs(20), fixture.pebble.run(&given));
    let output = run.await.expect("it has ended").expect("its end is known");
    assert_eq!((output.code, &*output.stdout), (Some(3), "out\n"));
}

#[tokio::test]
async fn a_command_that_pebble_could_not_begin_never_began() {
    let fixture = PebbleFixture::new();
    for (program, why) in
        [("forbidden", "permission denied"), ("told-at-length", "argument list too long")]
    {
        match fixture.pebble.run(&invocation(program)).await {
            Err(RunFailure::NotStarted { cause }) => {
                assert_eq!(cause, format!("fork/exec /usr/bin/{program}: {why}"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_user_needs_no_home() {
    let fixture = PebbleFixture::new();
    let homeless = Invocation { user: Some("homeless".into()), ..invocation("exits-28") };
    assert_eq!(fixture.pebble.run(&homeless).await.expect("ran").code, Some(28));
}

#[tokio::test]
async fn a_missing_program_never_started() {
    let fixture = PebbleFixture::new();
    match fixture.pebble.run(&invocation("missing")).await {
        Err(RunFailure::NotStarted { cause }) => {
            assert_eq!(cause, "cannot find executable \"missing\"");
        }
        other => panic!("{other:?}"),
    }
    insta::assert_snapshot!(fixture.record(), @"begin missing --flag as postgres in / within 60000ms");
}

#[tokio::test]
async fn a_command_whose_time_was_up_has_no_code_and_is_no_success() {
    let fixture = PebbleFixture::new();
    match fixture.pebble.run(&invocation("times-out")).await {
        Err(RunFailure::TimedOut { after, so_far, is_ended: true }) => {
            assert_eq!(after, Duration::from_secs(60));
            assert_eq!((so_far.code, &*so_far.stdout), (None, "begun\n"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_that_someone_killed_has_no_code() {
    let fixture = PebbleFixture::new();
    let output = fixture.pebble.run(&invocation("killed")).await.expect("its end is known");
    assert_eq!((output.code, &*output.stdout), (None, "begun\n"));
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_the_end_unknown() {
    let fixture = PebbleFixture::new();
    match fixture.pebble.run(&invocation("cut-off")).await {
        Err(RunFailure::Lost { so_far, .. }) => {
            assert_eq!((so_far.code, &*so_far.stdout), (None, "begun\n"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_that_pebble_does_not_end_is_given_up() {
    let fixture = PebbleFixture::new();
    let hangs = Invocation { timeout: Duration::from_millis(200), ..invocation("hangs") };
    let given_up = tokio::time::timeout(Duration::from_secs(20), fixture.pebble.run(&hangs)).await;
    match given_up.expect("it is bounded") {
        Err(RunFailure::TimedOut { is_ended: false, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stream_of_megabytes_arrives_whole_slow_or_not() {
    let fixture = PebbleFixture::new();
    let output = fixture.pebble.run(&invocation("trickles")).await.expect("ran");
    assert_eq!((output.code, output.stdout.len()), (Some(0), 2 << 20));
    let output = fixture.pebble.run(&invocation("writes-3-mib")).await.expect("ran");
    assert_eq!(
        (output.code, output.stdout.len(), output.stderr.len()),
        (Some(0), 3 << 20, 1 << 20)
    );
    assert!(output.stdout.ends_with("last"));
}

#[tokio::test]
async fn nobody_at_the_socket_is_no_missing_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let pebble = Pebble::new(folder.path().join("none.socket"), PebbleLimits::default());
    match pebble.run(&invocation("exits-28")).await {
        Err(RunFailure::Lost { cause, so_far }) => {
            assert!(cause.starts_with("Pebble does not answer: "), "{cause}");
            assert_eq!(so_far, CommandOutput::default());
        }
        other => panic!("{other:?}"),
    }
    let fixture = PebbleFixture::new();
    fixture.container.set(Recorded::Down);
    assert!(matches!(
        fixture.pebble.run(&invocation("exits-28")).await,
        Err(RunFailure::Lost { .. })
    ));
}
