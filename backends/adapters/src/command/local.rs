//! Commands as processes of this machine.

use std::{
    io,
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use super::{
    Account, Accounts, CommandOutput, CommandRunner, Invocation, RunFailure, bounded::Bounded,
    unless_killed,
};

/// Where programs are looked for unless the environment given says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long an ended command may take to leave: once after each signal, and once for output that a
/// process which it left behind still holds open.
const GRACE: Duration = Duration::from_secs(2);

/// Runs commands as processes of this machine, each in a process group of its own, which is ended as a
/// whole when the time is up.
#[derive(Debug, Clone, Default)]
pub struct LocalRunner {
    accounts: Accounts,
    environment: Vec<(String, String)>,
}

impl LocalRunner {
    /// A runner that knows these users. Commands see an environment of nothing but `PATH`.
    #[must_use]
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, environment: vec![("PATH".into(), PATH.into())] }
    }

    /// This runner with one more variable in the environment of its commands.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn spawn(&self, invocation: &Invocation) -> Result<Child, RunFailure> {
        let not_started = |cause| RunFailure::NotStarted { cause };
        let account = self.accounts.find(invocation.user.as_deref()).map_err(not_started)?;
        let Some((program, arguments)) = invocation.argv.split_first() else {
            return Err(not_started("no program is named".into()));
        };
        let mut command = Command::new(program);
        let stdin = if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Account::Ids { user, group } = account {
            command.uid(user).gid(group);
        }
        command.spawn().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                RunFailure::Missing { program: program.clone() }
            } else {
                not_started(format!("`{program}`: {error}"))
            }
        })
    }
}

#[async_trait]
impl CommandRunner for LocalRunner {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let mut child = self.spawn(invocation)?;
        let (mut stdout, mut stderr) = (Bounded::default(), Bounded::default());
        let (from_stdout, from_stderr) = (child.stdout.take(), child.stderr.take());
        let to_stdin = child.stdin.take();
        let given = invocation.stdin.as_deref().unwrap_or_default();
        let ended = {
            let mut streams = pin!(async {
                tokio::join!(
                    feed(to_stdin, given),
                    drain(from_stdout, &mut stdout),
                    drain(from_stderr, &mut stderr)
                );
            });
            let mut ended = None;
            let work = async {
                tokio::select! {
                    status = child.wait() => { ended = Some(status); }
                    () = &mut streams => {}
                }
                match ended {
                    Some(status) => {
                        // What it left running may hold its output open for ever.
                        let _ = timeout(GRACE, streams).await;
                        status
                    }
                    None => child.wait().await,
                }
            };
            timeout(invocation.timeout, work).await
        };
        let is_ended = if ended.is_ok() { true } else { end(&mut child).await };
        let output =
            |code| CommandOutput { code, stdout: stdout.into_text(), stderr: stderr.into_text() };
        match ended {
            Ok(Ok(status)) => Ok(output(status.code().and_then(unless_killed))),
            Ok(Err(error)) => {
                Err(RunFailure::Lost { cause: error.to_string(), so_far: output(None) })
            }
            Err(_) => {
                let (after, so_far) = (invocation.timeout, output(None));
                Err(RunFailure::TimedOut { after, so_far, is_ended })
            }
        }
    }
}

/// Reads a stream to its end, as far as it goes.
async fn drain(stream: Option<impl AsyncRead + Unpin>, into: &mut Bounded) {
    let Some(mut stream) = stream else { return };
    let mut block = vec![0; 32 << 10];
    while let Ok(read @ 1..) = stream.read(&mut block).await {
        into.push(block.get(..read).unwrap_or_default());
    }
}

/// Writes all of standard input and closes it. A command need not read it.
async fn feed(stream: Option<ChildStdin>, content: &[u8]) {
    if let Some(mut stream) = stream {
        let _ = stream.write_all(content).await;
    }
}

/// Asks the command and all that it started to end, then makes them. Whether it is gone.
async fn end(child: &mut Child) -> bool {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut is_gone = false;
    for signal in [Signal::TERM, Signal::KILL] {
        if let Some(group) = group {
            // Fails when nothing of the group is left.
            let _ = kill_process_group(group, signal);
        }
        if !is_gone {
            let waited: Result<io::Result<ExitStatus>, _> = timeout(GRACE, child.wait()).await;
            is_gone = matches!(waited, Ok(Ok(_)));
        }
    }
    is_gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner() -> LocalRunner {
        LocalRunner::new(Accounts::default().with("postgres", Account::Own))
    }

    fn shell(script: &str) -> Invocation {
        Invocation {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            user: Some("postgres".into()),
            stdin: None,
            timeout: Duration::from_secs(60),
        }
    }

    #[tokio::test]
    async fn the_exit_code_and_both_streams_are_captured() {
        let output = runner().run(&shell("echo out; echo err >&2; exit 28")).await;
        let expected =
            CommandOutput { code: Some(28), stdout: "out\n".into(), stderr: "err\n".into() };
        assert_eq!(output, Ok(expected));
    }

    #[tokio::test]
    async fn standard_input_arrives_whole_and_need_not_be_read() {
        let stdin = Some(vec![b'x'; 300_000]);
        let counted = Invocation { stdin: stdin.clone(), ..shell("wc -c") };
        let output = runner().run(&counted).await.expect("ran");
        assert_eq!(output.stdout.trim(), "300000");
        let ignored = Invocation { stdin, ..shell("exit 3") };
        assert_eq!(runner().run(&ignored).await.expect("ran").code, Some(3));
    }

    #[tokio::test]
    async fn the_environment_is_what_was_given_and_nothing_else() {
        let output = runner().with_variable("GIVEN", "yes").run(&shell("env")).await;
        let output = output.expect("ran").stdout;
        let mut names: Vec<&str> =
            output.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
        names.sort_unstable();
        assert_eq!(names, ["GIVEN", "PATH"]);
    }

    #[tokio::test]
    async fn a_missing_program_and_an_unknown_user_never_start() {
        let missing = Invocation { argv: vec!["no-such-program".into()], ..shell("") };
        let stranger = Invocation { user: Some("mallory".into()), ..shell("true") };
        let nothing = Invocation { argv: vec![], ..shell("") };
        let found = runner().run(&missing).await;
        assert_eq!(found, Err(RunFailure::Missing { program: "no-such-program".into() }));
        for (invocation, words) in [(stranger, "mallory"), (nothing, "no program")] {
            match runner().run(&invocation).await {
                Err(RunFailure::NotStarted { cause }) => assert!(cause.contains(words), "{cause}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a process that is told to end tells nobody")]
    async fn a_command_that_never_ends_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let script = format!("echo begun; sleep 1000 & echo $! > {}; wait", file.display());
        let hangs = Invocation { timeout: Duration::from_millis(700), ..shell(&script) };
        match runner().run(&hangs).await {
            Err(RunFailure::TimedOut { so_far, is_ended, after }) => {
                assert_eq!((so_far.code, so_far.stdout.as_str()), (None, "begun\n"));
                assert!(is_ended);
                assert_eq!(after, hangs.timeout);
            }
            other => panic!("{other:?}"),
        }
        let child = std::fs::read_to_string(&file).expect("it was started");
        // Each is told to end at once, and ends when it has its turn. One that has ended and that nobody waited for yet has no
        // command line any more.
        let command = format!("/proc/{}/cmdline", child.trim());
        let ends = async {
            while !std::fs::read_to_string(&command).unwrap_or_default().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(60), ends).await.expect("what it started ends");
    }

    #[tokio::test]
    async fn a_command_that_ignores_the_request_to_end_is_killed() {
        let stubborn = Invocation {
            timeout: Duration::from_millis(300),
            ..shell("trap '' TERM; while :; do sleep 1; done")
        };
        let ended = timeout(Duration::from_secs(60), runner().run(&stubborn)).await;
        let ended = ended.expect("within its bound");
        assert!(matches!(ended, Err(RunFailure::TimedOut { is_ended: true, .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn output_that_a_process_left_behind_holds_open_is_not_waited_for() {
        let (runner, leaves) = (runner(), shell("sleep 50 & echo done"));
        let ended = timeout(Duration::from_secs(30), runner.run(&leaves));
        let output = ended.await.expect("within its bound").expect("ran");
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), "done\n"));
    }

    #[tokio::test]
    async fn a_command_that_someone_killed_has_no_code() {
        // By itself, and as a shell tells it of the command that it ran.
        for script in ["kill -9 $$", "sh -c 'kill -9 $$'; exit $?"] {
            let output = runner().run(&shell(script)).await.expect("ran");
            assert_eq!(output.code, None, "{script}");
        }
    }
}
