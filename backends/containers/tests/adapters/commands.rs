//! Commands in a container.

use std::time::{Duration, Instant};

use pgdrill_adapters::command::{
    Bounded, CommandOutput, CommandRunner as _, Invocation, RunFailure,
};
use pgdrill_containers::ContainerExec;

use crate::fixture::{Container, TestStage};
use crate::{LONG, exec, on_stage, shell, unit};

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_in_a_container_as_they_do_here() {
    on_stage("commands", async |stage: &TestStage| {
        let container = unit(stage, "unit").await;
        play(stage, &container, exec(stage, &container)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_by_processes_that_stay_as_they_do_without() {
    on_stage("attended", async |stage: &TestStage| {
        let container = unit(stage, "unit").await;
        play(stage, &container, exec(stage, &container).attended()).await;
    })
    .await;
}

async fn play(stage: &TestStage, container: &Container, exec: ContainerExec) {
    the_exit_code_and_both_streams_are_captured(&exec).await;
    it_runs_as_the_user_in_the_container_s_own_environment(&exec).await;
    standard_input_arrives_whole_and_need_not_be_read(&exec).await;
    what_can_t_be_run_was_not_started(&exec).await;
    a_killed_command_has_no_code(&exec).await;
    megabytes_keep_their_beginning_and_end(&exec).await;
    what_never_ends_is_ended_with_all_that_it_started(&exec, container).await;
    what_ignores_the_request_to_end_is_killed(&exec, container).await;
    output_that_is_held_open_is_not_waited_for(&exec).await;
    a_dropped_command_ends_at_its_time(&exec, container).await;
    it_is_quick(&exec).await;
    a_container_that_stands_still_is_lost(&exec, container).await;
    a_dead_container_is_lost(&exec, container, stage).await;
}

async fn ran(exec: &ContainerExec, invocation: &Invocation) -> CommandOutput {
    exec.run(invocation).await.unwrap_or_else(|failure| panic!("{invocation:?}: {failure}"))
}

async fn the_exit_code_and_both_streams_are_captured(exec: &ContainerExec) {
    for code in [28, 1, 124, 125, 126, 127] {
        let output = ran(exec, &shell(&format!("echo out; echo err >&2; exit {code}"))).await;
        let expected =
            CommandOutput { code: Some(code), stdout: "out\n".into(), stderr: "err\n".into() };
        assert_eq!(output, expected);
    }
    let words = ["printf", "%s|", "two words", "--", "$HOME", "-k", ""].map(str::to_owned);
    let output = ran(exec, &Invocation { argv: words.to_vec(), ..shell("") }).await;
    assert_eq!(output.stdout, "two words|--|$HOME|-k||");
}

async fn it_runs_as_the_user_in_the_container_s_own_environment(exec: &ContainerExec) {
    let script = "id -un; pwd; echo $PGDATA; env | sed 's/=.*//' | sort | tr '\n' ' '; ls -l /proc/self/fd/0";
    let postgres = Invocation { user: Some("postgres".into()), ..shell(script) };
    let reported = ran(exec, &postgres).await.stdout;
    let lines: Vec<&str> = reported.lines().collect();
    assert_eq!(lines[..3], ["postgres", "/", "/var/lib/postgresql/data/pgdata"], "{reported}");
    let names = "HOME HOSTNAME LANG PATH PGDATA PGHOST PWD SVDIR ";
    assert!(lines[3].starts_with(names), "{reported}");
    assert!(reported.contains("/dev/null"), "nothing to read: {reported}");
    assert_eq!(ran(exec, &shell("id -un")).await.stdout, "root\n");
}

async fn standard_input_arrives_whole_and_need_not_be_read(exec: &ContainerExec) {
    let stdin = Some(vec![b'x'; 3_000_000]);
    let counted = Invocation { stdin: stdin.clone(), ..shell("wc -c") };
    assert_eq!(ran(exec, &counted).await.stdout.trim(), "3000000");
    let ignored = Invocation { stdin, ..shell("exit 3") };
    assert_eq!(ran(exec, &ignored).await.code, Some(3));
    let empty = Invocation { stdin: Some(Vec::new()), ..shell("wc -c") };
    assert_eq!(ran(exec, &empty).await.stdout.trim(), "0");
}

async fn what_can_t_be_run_was_not_started(exec: &ContainerExec) {
    let missing = Invocation { argv: vec!["no-such-program".into()], ..shell("") };
    let denied = Invocation { argv: vec!["/etc/passwd".into()], ..shell("") };
    let stranger = Invocation { user: Some("mallory".into()), ..shell("true") };
    let nothing = Invocation { argv: vec![], ..shell("") };
    for (invocation, words) in [
        (missing, "no-such-program"),
        (denied, "Permission denied"),
        (stranger, "mallory"),
        (nothing, "no program"),
    ] {
        match exec.run(&invocation).await {
            Err(RunFailure::NotStarted { cause }) => assert!(cause.contains(words), "{cause}"),
            other => panic!("{other:?}"),
        }
    }
}

async fn a_killed_command_has_no_code(exec: &ContainerExec) {
    for signal in ["KILL", "TERM", "SEGV"] {
        let output = ran(exec, &shell(&format!("echo begun; kill -{signal} $$"))).await;
        assert_eq!((output.code, &*output.stdout), (None, "begun\n"), "{signal}");
    }
}

async fn megabytes_keep_their_beginning_and_end(exec: &ContainerExec) {
    let script = format!(
        "echo first; head -c {} /dev/zero | tr '\\0' x; echo last",
        Bounded::WHOLE + 1_000_000
    );
    let output = ran(exec, &shell(&script)).await;
    assert!(output.stdout.starts_with("first\nxxx") && output.stdout.ends_with("xxxlast\n"));
    assert!(output.stdout.contains(" bytes left out]"));
    assert!(output.stdout.len() < Bounded::WHOLE + 100, "{}", output.stdout.len());
}

/// The processes in the container that show this text in their command line.
async fn processes(container: &Container, text: &str) -> String {
    let found = container.run(&["pgrep", "-a", "-f", text]).await.stdout;
    found.lines().filter(|line| !line.contains("pgrep")).collect()
}

async fn what_never_ends_is_ended_with_all_that_it_started(
    exec: &ContainerExec,
    container: &Container,
) {
    // The command itself ends when it is asked to; what it started ignores that.
    let script = "echo begun; (trap '' TERM; sleep 1234) & sleep 1235; echo never";
    let hangs = Invocation { timeout: Duration::from_millis(700), ..shell(script) };
    let begin = Instant::now();
    match exec.run(&hangs).await {
        Err(RunFailure::TimedOut { so_far, is_ended, after }) => {
            assert_eq!((so_far.code, &*so_far.stdout), (None, "begun\n"));
            assert!(is_ended);
            assert_eq!(after, hangs.timeout);
        }
        other => panic!("{other:?}"),
    }
    println!("ended after {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(processes(container, "sleep 123").await, "");
}

async fn what_ignores_the_request_to_end_is_killed(exec: &ContainerExec, container: &Container) {
    let script = "trap '' TERM; while :; do sleep 0.77; done";
    let stubborn = Invocation {
        user: Some("postgres".into()),
        timeout: Duration::from_millis(300),
        ..shell(script)
    };
    let begin = Instant::now();
    let ended = exec.run(&stubborn).await;
    assert!(matches!(ended, Err(RunFailure::TimedOut { is_ended: true, .. })), "{ended:?}");
    println!("killed after {:?}", begin.elapsed());
    assert_eq!(processes(container, "0.77").await, "");
}

async fn output_that_is_held_open_is_not_waited_for(exec: &ContainerExec) {
    let begin = Instant::now();
    let output = ran(exec, &shell("sleep 50 & echo done")).await;
    assert_eq!((output.code, &*output.stdout), (Some(0), "done\n"));
    println!("not waited for after {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(20));
    ran(exec, &shell("pkill -x sleep")).await;
}

async fn a_dropped_command_ends_at_its_time(exec: &ContainerExec, container: &Container) {
    let sleeps = Invocation { timeout: Duration::from_secs(3), ..shell("sleep 1236; true") };
    let dropped = tokio::time::timeout(Duration::from_secs(1), exec.run(&sleeps)).await;
    assert!(dropped.is_err());
    assert!(processes(container, "1236").await.contains("1236"), "it goes on");
    let gone = || async { processes(container, "1236").await.is_empty() };
    crate::fixture::until(Duration::from_secs(15), "its time is up", gone).await;
}

async fn it_is_quick(exec: &ContainerExec) {
    let begin = Instant::now();
    for _ in 0..10 {
        ran(exec, &shell("true")).await;
    }
    println!("a command takes {:?}", begin.elapsed() / 10);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

async fn a_container_that_stands_still_is_lost(exec: &ContainerExec, container: &Container) {
    let short = Invocation { timeout: Duration::from_secs(2), ..shell("echo begun; sleep 1237") };
    let pause = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        container.0.pause().await.expect("it can be paused");
    };
    let begin = Instant::now();
    let (ended, ()) = futures_util::join!(exec.run(&short), pause);
    match ended {
        Err(RunFailure::TimedOut { is_ended, so_far, .. }) => {
            assert_eq!((is_ended, &*so_far.stdout), (false, "begun\n"));
        }
        other => panic!("{other:?}"),
    }
    println!("frozen under the command: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(15));
    let begin = Instant::now();
    match exec.run(&shell("true")).await {
        Err(RunFailure::Lost { cause, .. }) => assert!(cause.contains("paused"), "{cause}"),
        other => panic!("{other:?}"),
    }
    println!("frozen before the command: {:?}", begin.elapsed());
    container.0.unpause().await.expect("it can go on");
    ran(exec, &shell("true")).await;
    let gone = || async { processes(container, "1237").await.is_empty() };
    crate::fixture::until(LONG, "its time was up while it stood still", gone).await;
}

async fn a_dead_container_is_lost(exec: &ContainerExec, container: &Container, stage: &TestStage) {
    let kill = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let killed = stage.docker.kill_container(container.0.id(), None).await;
        killed.expect("it can be killed");
    };
    let begin = Instant::now();
    let sleeps = shell("echo begun; sleep 1238");
    let (ended, ()) = futures_util::join!(exec.run(&sleeps), kill);
    println!("killed under the command: {:?} {ended:?}", begin.elapsed());
    match ended {
        Ok(output) => assert_eq!((output.code, &*output.stdout), (None, "begun\n")),
        Err(RunFailure::Lost { so_far, .. }) => assert_eq!(so_far.stdout, "begun\n"),
        other => panic!("{other:?}"),
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
    match exec.run(&shell("true")).await {
        Err(RunFailure::Lost { cause, .. }) => assert!(cause.contains("not running"), "{cause}"),
        other => panic!("{other:?}"),
    }
    let nobody = ContainerExec::new(stage.docker.clone(), "pgdrill-nobody");
    match nobody.run(&shell("true")).await {
        Err(RunFailure::Lost { cause, .. }) => assert!(cause.contains("No such"), "{cause}"),
        other => panic!("{other:?}"),
    }
}
