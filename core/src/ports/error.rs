//! How a port says that something did not work.

use std::fmt;

/// The kinds of failure that callers distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortErrorKind {
    /// Nothing answered at the other end.
    Unreachable,
    /// The other end knows who asks and says no.
    Denied,
    /// What was asked for does not exist.
    NotFound,
    /// The other end answered that it will not, or a command ended with a failing exit code.
    Refused,
    /// No answer within the time allowed; what happened is unknown.
    TimedOut,
    /// An answer came that can't be understood.
    Malformed,
}

impl PortErrorKind {
    /// The kind in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::NotFound => "not found",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for PortErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a command ended, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandExit {
    /// The exit code; `None` when the command never ended or was killed.
    pub code: Option<i32>,
    /// What it wrote to standard output; empty when nothing was captured.
    pub stdout: String,
    /// What it wrote to standard error; empty when nothing was captured.
    pub stderr: String,
}

impl CommandExit {
    /// The first line that reports an error, from `ERROR:` on, without its time and process. It is
    /// looked for in both streams: which one has it depends on the log settings.
    #[must_use]
    pub fn error_line(&self) -> Option<&str> {
        self.error_lines().into_iter().next()
    }

    /// Every line that reports an error, each from `ERROR:` on, and those that go on with it, which are indented.
    #[must_use]
    pub fn error_lines(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for stream in [&self.stdout, &self.stderr] {
            let mut goes_on = false;
            for line in stream.lines() {
                let start = line.find("ERROR:");
                goes_on = start.is_some() || goes_on && line.starts_with([' ', '\t']);
                if goes_on {
                    found.push(line.get(start.unwrap_or(0)..).unwrap_or(line).trim());
                }
            }
        }
        found
    }
}

/// A port's failure: what was tried, and what is known of why it did not work. No credential is ever
/// part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortError(Box<Failure>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: PortErrorKind,
    port: &'static str,
    operation: &'static str,
    cause: String,
    exit: Option<CommandExit>,
}

impl PortError {
    /// A failure of `operation` on `port`, with its cause in words.
    #[must_use]
    pub fn new(
        kind: PortErrorKind,
        port: &'static str,
        operation: &'static str,
        cause: impl Into<String>,
    ) -> Self {
        Self(Box::new(Failure { kind, port, operation, cause: cause.into(), exit: None }))
    }

    /// This failure, with how the command ended.
    #[must_use]
    pub fn with_exit(mut self, exit: CommandExit) -> Self {
        self.0.exit = Some(exit);
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> PortErrorKind {
        self.0.kind
    }

    /// The port and the operation that failed, as `repository.check`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}.{}", self.0.port, self.0.operation)
    }

    /// Why, as far as is known: the command's own error line where it gave one.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.error_line().unwrap_or(&self.0.cause)
    }

    /// How the command ended, when the operation was a command.
    #[must_use]
    pub fn exit(&self) -> Option<&CommandExit> {
        self.0.exit.as_ref()
    }

    /// The line in which the command itself reported an error.
    #[must_use]
    pub fn error_line(&self) -> Option<&str> {
        self.0.exit.as_ref().and_then(CommandExit::error_line)
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}: {}", self.0.port, self.0.operation, self.0.kind, self.cause())
    }
}

impl std::error::Error for PortError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_line_is_found_in_either_stream() {
        let line = "2026-11-23 02:43:00.290 P00  ERROR: [055]: unable to load info file\n  HINT: x";
        let in_stdout =
            CommandExit { stdout: format!("INFO: a\n{line}"), ..CommandExit::default() };
        let in_stderr = CommandExit { stderr: line.to_owned(), ..CommandExit::default() };
        for exit in [in_stdout, in_stderr] {
            assert_eq!(exit.error_line(), Some("ERROR: [055]: unable to load info file"));
        }
        assert_eq!(CommandExit::default().error_line(), None);
    }

    #[test]
    fn the_command_s_own_words_are_the_cause() {
        let error = PortError::new(PortErrorKind::Refused, "repository", "check", "exit code 28");
        assert_eq!(error.to_string(), "repository.check refused: exit code 28");
        let exit = CommandExit {
            code: Some(28),
            stderr: "ERROR: [028]: no match".into(),
            ..CommandExit::default()
        };
        assert_eq!(error.with_exit(exit).cause(), "ERROR: [028]: no match");
    }
}
