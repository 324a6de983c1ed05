//! Files in a container, by commands.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use pgdrill_core::PortErrorKind;

use pgdrill_adapters::{
    command::{CommandOutput, CommandRunner, Invocation, RunFailure},
    files::{Access, FileFailure, Files},
};

/// Replaces the file `$1` through `$2` beside it: `$3` is its mode, `$4` its length and `$5`, if any, its owner.
/// Nobody else may read it before it has both. Half a content is never put in place.
const PUSH: &str = r#"umask 077
trap 'rm -f -- "$2"' EXIT
trap 'exit 1' HUP INT TERM
set -eC
: > "$2"
if [ -n "$5" ]; then chown -- "$5:" "$2"; fi
chmod -- "$3" "$2"
set +C
cat > "$2"
length=$(wc -c < "$2")
if [ "$length" -ne "$4" ]; then
    echo "only $length of $4 bytes arrived" >&2
    exit 3
fi
mv -fT -- "$2" "$1""#;
/// Shows the file `$1`, which may have `$2` bytes. Content that is no text gets through, too.
const READ: &str = r#"[ -e "$1" ] || [ -L "$1" ] || exit 4
length=$(stat -Lc %s -- "$1") || exit 1
if [ "$length" -gt "$2" ]; then
    echo "it has $length bytes, and $2 are read at most" >&2
    exit 1
fi
exec base64 -w 0 -- "$1""#;
/// Removes the file `$1`.
const REMOVE: &str = r#"exec rm -f -- "$1""#;
/// The exit code of a push to which not all content came.
const SHORT: i32 = 3;
/// The exit code of a read of nothing.
const ABSENT: i32 = 4;
/// The largest file that is read: runners keep about this much of an output.
const LARGEST: usize = 2 << 20;
/// How long a container may take for one file.
const LIMIT: Duration = Duration::from_secs(30);

/// Distinguishes two writers of one process.
static WRITERS: AtomicU64 = AtomicU64::new(0);

/// Files in one container, each call one command of `R`. It needs a shell and the usual tools there.
#[derive(Debug, Clone)]
pub struct ContainerFiles<R> {
    runner: R,
    limit: Duration,
}

impl<R: CommandRunner> ContainerFiles<R> {
    /// Files where `runner` runs commands, which must be allowed to give files away.
    pub const fn new(runner: R) -> Self {
        Self { runner, limit: LIMIT }
    }

    /// These files, with another limit for one call.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn run(
        &self,
        program: &str,
        path: &str,
        rest: &[&str],
        stdin: Option<Vec<u8>>,
    ) -> Result<CommandOutput, FileFailure> {
        let fixed = ["env", "LC_ALL=C", "sh", "-c", program, "sh", path];
        let argv = fixed.iter().chain(rest).map(|&word| word.to_owned()).collect();
        let invocation = Invocation { argv, user: None, stdin, timeout: self.limit };
        self.runner.run(&invocation).await.map_err(|failure| {
            let kind = match failure {
                RunFailure::Missing { .. } | RunFailure::NotStarted { .. } => {
                    PortErrorKind::Refused
                }
                RunFailure::TimedOut { .. } => PortErrorKind::TimedOut,
                RunFailure::Lost { .. } => PortErrorKind::Unreachable,
            };
            FileFailure { kind, cause: format!("{path}: {failure}") }
        })
    }
}

#[async_trait]
impl<R: CommandRunner> Files for ContainerFiles<R> {
    async fn push(
        &self,
        path: &str,
        content: &[u8],
        access: Access<'_>,
    ) -> Result<(), FileFailure> {
        let parts = path.rsplit_once('/').filter(|(_, name)| !name.is_empty());
        let Some((folder, name)) = parts else {
            let cause = format!("{path}: it names no file");
            return Err(FileFailure { kind: PortErrorKind::Refused, cause });
        };
        let (process, writer) = (std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed));
        let beside = format!("{folder}/.{name}.{process}.{writer}");
        let (mode, length) = (format!("{:o}", access.mode), content.len().to_string());
        let rest = [&*beside, &mode, &length, access.owner.unwrap_or_default()];
        let output = self.run(PUSH, path, &rest, Some(content.to_vec())).await?;
        done(path, output).map(drop)
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileFailure> {
        let output = self.run(READ, path, &[&LARGEST.to_string()], None).await?;
        if output.code == Some(ABSENT) {
            return Ok(None);
        }
        let text = done(path, output)?.stdout;
        let content = STANDARD.decode(text.trim_end()).map_err(|error| FileFailure {
            kind: PortErrorKind::Malformed,
            cause: format!("{path}: {error}"),
        })?;
        Ok(Some(content))
    }

    async fn remove(&self, path: &str) -> Result<(), FileFailure> {
        let output = self.run(REMOVE, path, &[], None).await?;
        done(path, output).map(drop)
    }
}

/// The output of a command that did what it was asked.
fn done(path: &str, output: CommandOutput) -> Result<CommandOutput, FileFailure> {
    let kind = match output.code {
        Some(0) => return Ok(output),
        None | Some(SHORT) => PortErrorKind::Unreachable,
        Some(_) => kind(&output.stderr),
    };
    let words = output.stderr.lines().next().unwrap_or("the command was killed");
    Err(FileFailure { kind, cause: format!("{path}: {words}") })
}

/// What kind of failure the tools speak of.
fn kind(words: &str) -> PortErrorKind {
    let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if says(&["No such file", "nonexistent", "invalid user", "invalid spec"]) {
        PortErrorKind::NotFound
    } else if says(&["Permission denied", "Operation not permitted"]) {
        PortErrorKind::Denied
    } else {
        PortErrorKind::Refused
    }
}
