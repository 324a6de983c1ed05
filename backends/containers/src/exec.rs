//! Commands in a container, by the engine's exec API.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{
    Stream, StreamExt as _,
    future::{Either, select},
};
use testcontainers::bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::exec_agent::ExecAgents;
use pgdrill_adapters::command::{
    Bounded, CommandOutput, CommandRunner, Invocation, RunFailure, unless_killed,
};

/// Goes on if the path that must be there is, says its process on standard error, then becomes the command under a timer within the container: that one
/// ends the command even when nobody is left to ask the engine for it.
const UNDER_A_TIMER: &str = r#"[ -z "$1" ] || [ -e "$1" ] || exit 125
shift
echo $$ >&2
exec timeout -k "$@""#;
/// What the timer says of a command that it could not start, with exit code 126 or 127.
const NO_COMMAND: &str = "timeout: failed to run command ";
/// Ends what is left of a process group. An exec is a group of its own.
const END_GROUP: &str = r#"kill -s KILL -- "-$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -s 0 -- "-$1" 2>/dev/null || exit 0
    sleep 0.1
done
exit 1"#;
/// How long a command that was asked to end may take, until it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long the engine may take to end what is left.
const ENGINE: Duration = Duration::from_secs(4);
/// The pause before the engine is asked again whether a command whose output has ended has ended, too.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs commands in one container, each in a process group of its own, which is ended as a whole when the time
/// is up. One takes three requests of the engine.
///
/// Commands see the environment that the container's image and its start gave it. A container that does not
/// run, stands still or is gone makes a command `Lost`, at once where the engine says so; its time passes first
/// where the container stops under the command. If this future is dropped, the command goes on in the
/// container until it ends or its time is up.
///
/// The engine gives a killed command an exit code like any other's ([`unless_killed`]).
#[derive(Debug, Clone)]
pub struct ContainerExec {
    docker: Docker,
    container: String,
    behind: String,
    exec_agents: Option<Arc<ExecAgents>>,
}

/// Why there is no exit code.
pub(super) enum NoEnd {
    NotStarted(String),
    Lost(String),
}

/// What a command in a container writes.
pub(super) type ExecWritten = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;
/// Its standard input.
pub(super) type ExecInput = Pin<Box<dyn AsyncWrite + Send>>;

/// A command that the engine started in a container.
pub(super) struct Attached {
    id: String,
    pub(super) output: ExecWritten,
    pub(super) input: ExecInput,
}

/// Has the engine start a command in a container.
pub(super) async fn attach(
    docker: &Docker,
    container: &str,
    argv: Vec<String>,
    user: Option<&str>,
    has_stdin: bool,
) -> Result<Attached, NoEnd> {
    let options = CreateExecOptions {
        cmd: Some(argv),
        user: user.map(str::to_owned),
        attach_stdin: Some(has_stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        working_dir: Some("/".to_owned()),
        ..CreateExecOptions::default()
    };
    let id = docker.create_exec(container, options).await.map_err(no_end)?.id;
    let options = StartExecOptions { output_capacity: Some(64 << 10), ..Default::default() };
    match docker.start_exec(&id, Some(options)).await.map_err(no_end)? {
        StartExecResults::Attached { output, input } => Ok(Attached { id, output, input }),
        StartExecResults::Detached => {
            Err(NoEnd::Lost("the engine attached nothing to the command".into()))
        }
    }
}

impl ContainerExec {
    /// A runner for the container with this name or id.
    pub fn new(docker: Docker, container: impl Into<String>) -> Self {
        Self { docker, container: container.into(), behind: String::new(), exec_agents: None }
    }

    /// This runner, by processes that stay in the container as long as this runner and its clones: a command takes a
    /// tenth of the time. The container needs Python, and gives a killed command no exit code.
    #[must_use]
    pub fn attended(mut self) -> Self {
        let exec_agents = ExecAgents::new(self.docker.clone(), self.container.clone());
        self.exec_agents = Some(Arc::new(exec_agents));
        self
    }

    /// This runner, for commands that go through a server within the container: while this path is not
    /// there, it does not answer, and a command is `Lost`.
    #[must_use]
    pub fn behind(mut self, path: impl Into<String>) -> Self {
        self.behind = path.into();
        self
    }

    /// The container's name or id.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The exit code, and meanwhile what is seen.
    async fn exec(
        &self,
        argv: Vec<String>,
        user: Option<&str>,
        stdin: Option<&[u8]>,
        seen: &mut CommandProgress,
    ) -> Result<i64, NoEnd> {
        let attached = attach(&self.docker, &self.container, argv, user, stdin.is_some());
        let Attached { id, output, input } = attached.await?;
        let drained = pin!(drain(output, seen));
        match select(drained, pin!(feed(input, stdin))).await {
            Either::Left((drained, _)) => drained?,
            Either::Right((_input, drained)) => drained.await?,
        }
        self.code(&id).await
    }

    /// The engine may say for a moment that a command runs whose output has ended.
    #[expect(clippy::disallowed_methods, reason = "the engine tells nobody when an exec has ended")]
    async fn code(&self, id: &str) -> Result<i64, NoEnd> {
        loop {
            let state = self.docker.inspect_exec(id).await;
            let state = state.map_err(|error| NoEnd::Lost(error.to_string()))?;
            match (state.running, state.exit_code) {
                (Some(true), _) => tokio::time::sleep(PAUSE).await,
                (_, Some(code)) => return Ok(code),
                (_, None) => {
                    return Err(NoEnd::Lost("the engine does not know how it ended".into()));
                }
            }
        }
    }

    /// Ends what is left of a command. Whether nothing is.
    async fn end(&self, process: Option<u32>) -> bool {
        let Some(process) = process else { return false };
        let process = process.to_string();
        let argv = ["/bin/sh", "-c", END_GROUP, "sh", &process].map(str::to_owned).to_vec();
        let mut unseen = CommandProgress::default();
        let ended = timeout(ENGINE, self.exec(argv, Some("0"), None, &mut unseen)).await;
        matches!(ended, Ok(Ok(0)))
    }
}

#[async_trait]
impl CommandRunner for ContainerExec {
    async fn run(&self, invocation: &Invocation) -> Result<CommandOutput, RunFailure> {
        let Invocation { argv, user, stdin, timeout: limit } = invocation;
        if argv.is_empty() {
            return Err(RunFailure::NotStarted { cause: "no program is named".into() });
        }
        if let Some(exec_agents) = &self.exec_agents {
            return exec_agents.run(&self.behind, invocation).await;
        }
        // A timer of nothing would never ring.
        let seconds = format!("{:.3}", limit.as_secs_f64().max(0.001));
        let grace = GRACE.as_secs().to_string();
        let wrapped = ["/bin/sh", "-c", UNDER_A_TIMER, "sh", &self.behind, &grace, "--", &seconds];
        let wrapped = wrapped.into_iter().chain(argv.iter().map(String::as_str));
        let wrapped = wrapped.map(str::to_owned).collect();
        let mut seen = CommandProgress::default();
        let ended = {
            let mut work = pin!(self.exec(wrapped, user.as_deref(), stdin.as_deref(), &mut seen));
            let ended = timeout(*limit, &mut work).await;
            if ended.is_err() {
                // The timer within began later, and rings now.
                let _ = timeout(2 * GRACE, &mut work).await;
            }
            ended
        };
        match ended {
            Ok(Ok(code)) => seen.ended(code),
            Ok(Err(NoEnd::NotStarted(cause))) => Err(RunFailure::NotStarted { cause }),
            Ok(Err(NoEnd::Lost(cause))) => {
                Err(RunFailure::Lost { cause, so_far: seen.output(None) })
            }
            Err(_) => {
                let is_ended = self.end(seen.process).await;
                let so_far = seen.output(None);
                Err(RunFailure::TimedOut { after: *limit, so_far, is_ended })
            }
        }
    }
}

/// What is known of a command.
#[derive(Default)]
struct CommandProgress {
    /// The process of the timer, and so the command's group.
    process: Option<u32>,
    /// The line that names it, as far as it came.
    line: Vec<u8>,
    stdout: Bounded,
    stderr: Bounded,
}

impl CommandProgress {
    fn error(&mut self, mut bytes: &[u8]) {
        if self.process.is_none() {
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                return;
            };
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            self.process = String::from_utf8_lossy(&self.line).parse().ok();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.stderr.push(bytes);
    }

    fn output(self, code: Option<i32>) -> CommandOutput {
        CommandOutput { code, stdout: self.stdout.into_text(), stderr: self.stderr.into_text() }
    }

    /// What an exit code of the timer means.
    fn ended(self, code: i64) -> Result<CommandOutput, RunFailure> {
        let is_started = self.process.is_some();
        let output = self.output(i32::try_from(code).ok().and_then(unless_killed));
        if !matches!(code, 126 | 127) {
            if is_started {
                return Ok(output);
            }
            let cause = match code {
                125 => "the server that runs commands there does not answer".to_owned(),
                _ => "the container stopped as the command was started".to_owned(),
            };
            return Err(RunFailure::Lost { cause, so_far: CommandOutput { code: None, ..output } });
        }
        // The engine itself speaks on the command's standard output.
        let words =
            if is_started { output.stderr.strip_prefix(NO_COMMAND) } else { Some(&*output.stdout) };
        match words {
            Some(words) => Err(RunFailure::NotStarted { cause: words.trim().to_owned() }),
            None => Ok(output),
        }
    }
}

/// Reads what the command writes to its end.
async fn drain(mut output: ExecWritten, seen: &mut CommandProgress) -> Result<(), NoEnd> {
    while let Some(frame) = output.next().await {
        match frame {
            Ok(LogOutput::StdErr { message }) => seen.error(&message),
            Ok(LogOutput::StdOut { message } | LogOutput::Console { message }) => {
                seen.stdout.push(&message);
            }
            Ok(LogOutput::StdIn { .. }) => {}
            Err(error) => return Err(NoEnd::Lost(error.to_string())),
        }
    }
    Ok(())
}

/// Writes all of standard input and closes it. A command need not read it. What is returned keeps the connection.
async fn feed(mut input: ExecInput, content: Option<&[u8]>) -> ExecInput {
    if let Some(content) = content
        && input.write_all(content).await.is_ok()
    {
        let _ = input.shutdown().await;
    }
    input
}

/// What an engine means that answers with an error.
fn no_end(error: Error) -> NoEnd {
    const NEVER: [&str; 3] =
        ["unable to find user", "executable file not found", "no matching entries"];
    let Error::DockerResponseServerError { message: cause, .. } = error else {
        return NoEnd::Lost(error.to_string());
    };
    if NEVER.iter().any(|words| cause.contains(words)) {
        NoEnd::NotStarted(cause)
    } else {
        NoEnd::Lost(cause)
    }
}
