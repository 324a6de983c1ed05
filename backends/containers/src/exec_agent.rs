//! A process that stays in a container and runs commands there, one after the other. An exec of the engine takes a
//! tenth of a second of a processor, mostly the engine's own; an order to one that stays takes a hundredth.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use serde_json::json;
use testcontainers::bollard::{Docker, container::LogOutput};
use tokio::{io::AsyncWriteExt as _, time::timeout};

use super::exec::{Attached, ExecInput, ExecWritten, NoEnd, attach};
use pgdrill_adapters::command::{Bounded, CommandOutput, Invocation, RunFailure, unless_killed};

/// The process. It needs Python, which the cluster manager needs as well.
const PROGRAM: &str = include_str!("exec_agent.py");
/// When a container is looked at in which nothing has begun yet.
const NOTICE: Duration = Duration::from_millis(500);
/// How much longer than a command's own time its end may take: it is asked to, and then killed.
const SLACK: Duration = Duration::from_secs(6);

/// The processes that stay in one container. There are as many as commands were running at a time.
pub(super) struct ExecAgents {
    docker: Docker,
    container: String,
    idle: Mutex<Vec<ExecAgent>>,
}

/// One of them, while nothing runs. It ends when this value is dropped, or when what runs has ended or is out of time.
struct ExecAgent {
    output: ExecWritten,
    input: ExecInput,
    received: Vec<u8>,
    /// What it says of itself, should it fail.
    complaint: String,
}

/// A word of it, with what belongs to it.
type Word = (String, Vec<u8>);

/// It does not answer any more; why, as far as is known.
struct Gone(String);

impl fmt::Debug for ExecAgents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecAgents").field("container", &self.container).finish_non_exhaustive()
    }
}

impl ExecAgents {
    pub(super) fn new(docker: Docker, container: impl Into<String>) -> Self {
        Self { docker, container: container.into(), idle: Mutex::default() }
    }

    /// Runs a command while the path `behind` is there, unless it is empty.
    pub(super) async fn run(
        &self,
        behind: &str,
        invocation: &Invocation,
    ) -> Result<CommandOutput, RunFailure> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let is_new = idle.is_none();
            let mut exec_agent = match idle {
                Some(exec_agent) => exec_agent,
                None => self.hire().await.map_err(|cause| lost(cause, CommandOutput::default()))?,
            };
            let mut seen = AgentProgress::default();
            match self.order(&mut exec_agent, behind, invocation, &mut seen).await {
                Ok(result) => {
                    if !matches!(result, Err(RunFailure::Lost { .. } | RunFailure::TimedOut { .. }))
                    {
                        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(exec_agent);
                    }
                    return result;
                }
                // It ended before it was given this order, with the container perhaps.
                Err(Gone(_)) if !is_new && !seen.is_begun => {}
                Err(Gone(cause)) => return Err(lost(cause, seen.output(None))),
            }
        }
    }

    async fn hire(&self) -> Result<ExecAgent, String> {
        let command = ["python3", "-IS", "-c", PROGRAM].map(str::to_owned);
        let attached = attach(&self.docker, &self.container, command.to_vec(), Some("0"), true);
        let Attached { output, input, .. } =
            attached.await.map_err(|(NoEnd::NotStarted(cause) | NoEnd::Lost(cause))| cause)?;
        Ok(ExecAgent { output, input, received: Vec::new(), complaint: String::new() })
    }

    async fn order(
        &self,
        exec_agent: &mut ExecAgent,
        behind: &str,
        invocation: &Invocation,
        seen: &mut AgentProgress,
    ) -> Result<Result<CommandOutput, RunFailure>, Gone> {
        let Invocation { argv, user, stdin, timeout: limit } = invocation;
        // A timer of nothing would never ring.
        let seconds = limit.as_secs_f64().max(0.001);
        let length = stdin.as_ref().map(Vec::len);
        let order = json!({
            "argv": argv, "user": user, "behind": behind, "seconds": seconds, "stdin": length,
        });
        let line = format!("{order}\n");
        let attended = async {
            exec_agent.give(line.as_bytes()).await?;
            exec_agent.give(stdin.as_deref().unwrap_or_default()).await?;
            let first = match timeout(NOTICE, exec_agent.word()).await {
                Ok(word) => word?,
                Err(_) => {
                    if let Some(why) = self.stands_still().await {
                        return Ok(Err(lost(why, CommandOutput::default())));
                    }
                    exec_agent.word().await?
                }
            };
            let mut next = Some(first);
            loop {
                let (word, data) = match next.take() {
                    Some(word) => word,
                    None => exec_agent.word().await?,
                };
                if let Some(ended) = seen.take(&word, &data, *limit)? {
                    return Ok(ended);
                }
            }
        };
        match timeout(*limit + SLACK, attended).await {
            Ok(ended) => ended,
            Err(_) => {
                let so_far = std::mem::take(seen).output(None);
                Ok(Err(RunFailure::TimedOut { after: *limit, so_far, is_ended: false }))
            }
        }
    }

    /// Why nothing begins in the container, if nothing can.
    async fn stands_still(&self) -> Option<String> {
        let found = match self.docker.inspect_container(&self.container, None).await {
            Ok(found) => found.state.unwrap_or_default(),
            Err(error) => return Some(error.to_string()),
        };
        if found.paused == Some(true) {
            return Some(format!("the container {} is paused", self.container));
        }
        (found.running != Some(true))
            .then(|| format!("container {} is not running", self.container))
    }
}

impl ExecAgent {
    async fn give(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let given = async {
            self.input.write_all(bytes).await?;
            self.input.flush().await
        };
        given.await.map_err(|error| Gone(error.to_string()))
    }

    async fn word(&mut self) -> Result<Word, Gone> {
        loop {
            if let Some(word) = first_word(&mut self.received)? {
                return Ok(word);
            }
            match self.output.next().await {
                Some(Ok(LogOutput::StdOut { message } | LogOutput::Console { message })) => {
                    self.received.extend_from_slice(&message);
                }
                Some(Ok(LogOutput::StdErr { message })) => {
                    self.complaint.push_str(&String::from_utf8_lossy(&message));
                }
                Some(Ok(LogOutput::StdIn { .. })) => {}
                Some(Err(error)) => return Err(Gone(error.to_string())),
                None => {
                    let last = self.complaint.lines().last();
                    let why = last.unwrap_or("the container stopped under the command");
                    return Err(Gone(why.to_owned()));
                }
            }
        }
    }
}

/// Takes the first word off what was received, if it is there whole.
fn first_word(received: &mut Vec<u8>) -> Result<Option<Word>, Gone> {
    let Some(end) = received.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let line = String::from_utf8_lossy(received.get(..end).unwrap_or_default()).into_owned();
    let parts = line.split_once(' ').and_then(|(word, length)| Some((word, length.parse().ok()?)));
    let Some((word, length)): Option<(&str, usize)> = parts else {
        return Err(Gone(format!("`{}` is no answer", line.escape_default())));
    };
    let whole = end + 1 + length;
    if received.len() < whole {
        return Ok(None);
    }
    let data = received.get(end + 1..whole).unwrap_or_default().to_vec();
    received.drain(..whole);
    Ok(Some((word.to_owned(), data)))
}

/// What is known of a command.
#[derive(Default)]
struct AgentProgress {
    is_begun: bool,
    stdout: Bounded,
    stderr: Bounded,
}

impl AgentProgress {
    fn output(self, code: Option<i32>) -> CommandOutput {
        CommandOutput { code, stdout: self.stdout.into_text(), stderr: self.stderr.into_text() }
    }

    /// How the command ended, if this is what the word says.
    fn take(
        &mut self,
        word: &str,
        data: &[u8],
        limit: Duration,
    ) -> Result<Option<Result<CommandOutput, RunFailure>>, Gone> {
        let text = String::from_utf8_lossy(data).into_owned();
        Ok(Some(match word {
            "begun" | "out" | "err" => {
                self.is_begun = true;
                match word {
                    "out" => self.stdout.push(data),
                    "err" => self.stderr.push(data),
                    _ => {}
                }
                return Ok(None);
            }
            "refused" => Err(RunFailure::NotStarted { cause: text }),
            "lost" => Err(lost(text, CommandOutput::default())),
            "ended" => Ok(std::mem::take(self).output(text.parse().ok().and_then(unless_killed))),
            "killed" => Ok(std::mem::take(self).output(None)),
            "late" => {
                let so_far = std::mem::take(self).output(None);
                Err(RunFailure::TimedOut { after: limit, so_far, is_ended: text == "ended" })
            }
            _ => return Err(Gone(format!("`{}` is no answer", word.escape_default()))),
        }))
    }
}

fn lost(cause: String, so_far: CommandOutput) -> RunFailure {
    RunFailure::Lost { cause, so_far }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_off_as_they_come_whole() {
        let mut received = b"begun 0\nout 5\na\nb\nc".to_vec();
        let mut next = |more: &[u8]| {
            received.extend_from_slice(more);
            first_word(&mut received).map_err(|Gone(why)| why)
        };
        assert_eq!(next(b""), Ok(Some(("begun".to_owned(), Vec::new()))));
        assert_eq!(next(b""), Ok(Some(("out".to_owned(), b"a\nb\nc".to_vec()))));
        assert_eq!(next(b"err 3\nx"), Ok(None));
        assert_eq!(next(b"yz"), Ok(Some(("err".to_owned(), b"xyz".to_vec()))));
        for no_word in ["Traceback\n", "out x\n", "out -1\n", "\n"] {
            assert!(first_word(&mut no_word.as_bytes().to_vec()).is_err(), "{no_word:?}");
        }
    }
}
