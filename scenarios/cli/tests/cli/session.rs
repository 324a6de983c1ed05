//! One call of `pgdrill`, and its transcript.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use tempfile::TempDir;

/// A scenario that passes.
pub(crate) const GOOD: &str = "\
scenario: backups are listed
given: { s3: { related: true }, stanza: initialised, backups: [full] }
fire:
  - hook: list-backups
";

/// A scenario that fails, as the backup that it expects to fail is taken.
pub(crate) const FAILING: &str = "\
scenario: a backup that is said to fail
given: { s3: { related: true }, stanza: initialised }
fire:
  - hook: create-backup
then: { outcome: failed }
";

/// The document that upstream publishes.
pub(crate) const PUBLISHED: &str = include_str!("../../../../core/tests/fixtures/backups.md");

/// Where no container engine is.
const NO_ENGINE: &str = "unix:///nowhere";

/// A folder of its own, and the calls that were made in it.
pub(crate) struct Session {
    folder: TempDir,
    transcript: String,
    engine: String,
    /// Where it is kept what failed, if anywhere.
    state: Option<TempDir>,
}

/// How a call ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Session {
    pub(crate) fn new() -> Self {
        let engine = NO_ENGINE.to_owned();
        Self {
            folder: tempfile::tempdir().unwrap(),
            transcript: String::new(),
            engine,
            state: None,
        }
    }

    /// This session, with a container engine.
    #[cfg(feature = "containers")]
    pub(crate) fn engine(mut self, address: &str) -> Self {
        address.clone_into(&mut self.engine);
        self
    }

    /// This session, in which it is kept what failed.
    pub(crate) fn remembering(mut self) -> Self {
        self.state = Some(tempfile::tempdir().unwrap());
        self
    }

    /// The folder in which pgdrill keeps what it remembers.
    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.state.as_ref().unwrap().path().join("pgdrill")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file into the folder.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap()
    }

    /// Writes a file of the folder into the transcript.
    pub(crate) fn show(mut self, name: &str) -> Self {
        let content = self.read(name);
        self.transcript += &format!("$ cat {name}\n{content}");
        self
    }

    /// Calls `pgdrill` with these words, which are split at spaces.
    pub(crate) fn run(self, words: &str) -> Self {
        self.call(words, "")
    }

    /// Calls `pgdrill` with this text on standard input, which the transcript shows.
    pub(crate) fn run_with(self, words: &str, stdin: &str) -> Self {
        self.call(words, stdin)
    }

    /// Calls `pgdrill` with these words, each as it is.
    pub(crate) fn run_words(self, words: &[&str]) -> Self {
        let ended = self.ended_words(words, b"");
        let shown: Vec<String> = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        self.write(&shown.join(" "), "", &ended)
    }

    fn call(self, words: &str, stdin: &str) -> Self {
        let ended = self.ended(words, stdin.as_bytes());
        self.write(words, stdin, &ended)
    }

    fn write(mut self, words: &str, stdin: &str, ended: &Ended) -> Self {
        let heredoc = if stdin.is_empty() { String::new() } else { format!(" <<END\n{stdin}END") };
        self.transcript += &format!("$ pgdrill {words}{heredoc}\n");
        let marked = ended
            .stderr
            .lines()
            .map(|line| format!("! {}", without_hash(line)).trim_end().to_owned() + "\n");
        self.transcript += &marked.collect::<String>();
        self.transcript += &ended.stdout;
        self.transcript += &format!("[exit code {}]\n", ended.code);
        self
    }

    /// Calls `pgdrill` outside of the transcript.
    pub(crate) fn ended(&self, words: &str, stdin: &[u8]) -> Ended {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        self.ended_words(&words, stdin)
    }

    fn ended_words(&self, words: &[&str], stdin: &[u8]) -> Ended {
        let mut command = pgdrill();
        command.args(words).current_dir(self.folder());
        command.env("DOCKER_HOST", &self.engine);
        if let Some(state) = &self.state {
            command.env("XDG_STATE_HOME", state.path());
        }
        Ended::of(feed(command, stdin))
    }

    /// Holds the transcript against the file of this name.
    #[track_caller]
    pub(crate) fn holds(self, name: &str) {
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path("../transcripts");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.transcript));
    }
}

/// An image is named by its recipe's hash, which is another one whenever the recipe is.
fn without_hash(line: &str) -> String {
    let Some((before, image)) = line.split_once(", from pgdrill/") else { return line.to_owned() };
    format!("{before}, from pgdrill/{}:HASH", image.split(':').next().unwrap_or_default())
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary, in an environment that says nothing about colours or a CI system and has no container engine.
pub(crate) fn pgdrill() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgdrill"));
    for name in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "TERM",
        "COLUMNS",
        "CI",
        "HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(name);
    }
    command.env("DOCKER_HOST", NO_ENGINE);
    command
}

/// Runs a command to its end with this on its standard input.
pub(crate) fn feed(mut command: Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A command that refuses its input early closes the pipe: that is no failure of the test.
        scope.spawn(move || pipe.write_all(stdin).unwrap_or_default());
        child.wait_with_output().unwrap()
    })
}

/// Calls `pgdrill` in the present folder, with nothing on standard input.
pub(crate) fn ended(words: &str) -> Ended {
    Session::new().ended(words, b"")
}
