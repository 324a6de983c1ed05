//! `pgdrill.toml`, and `pgdrill watch`.

use crate::session::{FAILING, GOOD, Session};

#[test]
fn a_suite_says_what_runs_and_how() {
    let session = Session::new()
        .file(
            "pgdrill.toml",
            "paths = [\"cases\"]\nfail-fast = true\nrequire-snapshots = true\njunit = \"out/report.xml\"\n\
             html = \"out/page.html\"\n",
        )
        .file("cases/a.yaml", GOOD)
        .file("cases/b.yaml", GOOD)
        .file("other/c.yaml", FAILING)
        .file("out/kept", "")
        .run("run")
        .run("run --require-snapshots=false --fail-fast=false")
        .run("run other --require-snapshots=false")
        .run("run --update")
        .run("check")
        .run("check other")
        .run("check --no-config")
        .run("coverage --chart list-backups")
        .run("coverage --config none.toml")
        .run("check cases --config none.toml");
    assert!(session.read("out/report.xml").contains("cases/a.yaml"));
    assert!(session.read("out/page.html").starts_with("<!DOCTYPE html>"));
    session.holds("suite");
}

#[test]
fn the_nearest_file_counts_and_none_beyond_the_repository() {
    let session = Session::new()
        .file("pgdrill.toml", "paths = [\"cases\"]\n")
        .file("cases/a.yaml", GOOD)
        .file("repo/.git/kept", "")
        .file("repo/deep/kept", "")
        .file("near/deep/kept", "")
        .file("near/pgdrill.toml", "paths = [\"deep/b.yaml\"]\n")
        .file("near/deep/b.yaml", FAILING);
    let ended = |folder: &str, words: &str| {
        let mut command = crate::session::pgdrill();
        command.args(words.split_whitespace()).current_dir(session.folder().join(folder));
        crate::session::Ended::of(crate::session::feed(command, b""))
    };
    let near = ended("near/deep", "run");
    assert!(near.stdout.contains("at: ../deep/b.yaml\n"), "{}", near.stdout);
    let above = ended("cases", "run");
    assert!(above.stdout.starts_with("passed   a  finished\n"), "{}", above.stdout);
    // Beyond the repository nothing is looked for: the cases that come with pgdrill run.
    let embedded = " 0 failed, 0 skipped\n";
    for (folder, words) in [("repo/deep", "run -q"), ("near", "run -q --no-config")] {
        let ended = ended(folder, words);
        assert!(ended.stdout.contains("published charts: "), "{}", ended.stdout);
        assert!(ended.stdout.ends_with(embedded), "{}", ended.stdout);
    }
    let named = ended("repo", "run --config ../near/pgdrill.toml");
    assert!(named.stdout.contains("at: ../near/deep/b.yaml\n"), "{}", named.stdout);
    assert!(named.stdout.contains("run: pgdrill run ../near/deep/b.yaml --no-config\n"));
}

#[test]
fn a_run_is_repeated_as_it_was_where_the_suite_says_otherwise() {
    let session = Session::new()
        .file("pgdrill.toml", "no-amendment = [\"restore-needs-s3\"]\n")
        .file("b.yaml", FAILING);
    let says = |words: &str| {
        let shown = session.ended(words, b"").stdout;
        let line = shown.lines().find_map(|line| line.strip_prefix("   run: "));
        line.unwrap_or_else(|| panic!("{shown}")).to_owned()
    };
    let by_suite = says("run b.yaml");
    assert_eq!(by_suite, "pgdrill run b.yaml --no-amendment restore-needs-s3");
    let other = says("run b.yaml --no-amendment s3-block-is-retryable");
    assert_eq!(other, "pgdrill run b.yaml --no-config --no-amendment s3-block-is-retryable");
    assert_eq!(says("run b.yaml --no-config"), "pgdrill run b.yaml --no-config");
}

#[test]
fn what_is_wrong_in_the_file_of_a_suite_is_said_where_it_stands() {
    let mut session = Session::new().file("a.yaml", GOOD);
    for text in [
        "# a suite\nfail_fast = true\njobs = 2\n",
        "paths = [\"cases\"]\ncolour = \"never\"\nharry = 1\n",
        "jobs = \"many\"\n",
        "jobs = 4096\n",
        "backend = \"standing\"\n",
        "no-amendment = [\"restore-needs-s4\"]\n",
        "timeout = \"ninety\"\n",
        "paths = [\"-\"]\n",
        "paths = \n",
        "jobs = 1\njobs = 2\n",
    ] {
        session = session.file("pgdrill.toml", text).show("pgdrill.toml").run("run a.yaml");
    }
    session
        .run("run a.yaml --config none.toml")
        .run("run --config a --no-config")
        .holds("suite_wrong");
}

#[cfg(unix)]
mod watching {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Child, Command, Stdio},
        sync::mpsc::{Receiver, channel},
        time::Duration,
    };

    use super::*;
    use crate::session::pgdrill;

    /// How long a line is waited for: as long as a busy machine may need.
    const PATIENCE: Duration = Duration::from_secs(180);

    /// A watch that is under way, and what it prints.
    struct Watch {
        process: Child,
        lines: Receiver<String>,
    }

    impl Watch {
        fn begin(session: &Session, words: &str) -> Self {
            let mut command = pgdrill();
            command.args(words.split_whitespace()).current_dir(session.folder());
            let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
            let (sender, lines) = channel();
            let stdout = BufReader::new(process.stdout.take().unwrap());
            #[expect(
                clippy::disallowed_methods,
                reason = "a line is waited for, and not for ever"
            )]
            std::thread::spawn(move || {
                stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
            });
            Self { process, lines }
        }

        /// What it prints up to a line that begins like this.
        fn until(&self, begin: &str) -> Vec<String> {
            let mut seen: Vec<String> = Vec::new();
            while !seen.last().is_some_and(|line| line.starts_with(begin)) {
                let line = self.lines.recv_timeout(PATIENCE);
                seen.push(line.unwrap_or_else(|_| panic!("no `{begin}` after {seen:?}")));
            }
            seen
        }

        fn end(mut self) -> Option<i32> {
            let id = self.process.id().to_string();
            assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
            self.process.wait().unwrap().code()
        }
    }

    /// No watch outlives its test.
    impl Drop for Watch {
        fn drop(&mut self) {
            drop(self.process.kill());
        }
    }

    /// Puts a whole file into the place of another one, as editors do: half of one is never seen.
    fn replace(session: &Session, name: &str, content: &str) {
        let beside = session.folder().join("new");
        std::fs::write(&beside, content).unwrap();
        std::fs::rename(beside, session.folder().join(name)).unwrap();
    }

    #[test]
    fn what_changes_runs_again_with_what_failed_before_until_somebody_ends_it() {
        let session = Session::new()
            .file("cases/a.yaml", GOOD)
            .file("cases/b.yaml", FAILING)
            .file("cases/c.yaml", GOOD);
        let watch = Watch::begin(&session, "watch cases");
        let first = watch.until("watching 3 files");
        assert!(
            first.iter().any(|line| line == "memory: 2 passed, 1 failed, 0 skipped"),
            "{first:?}"
        );
        // With what failed before, and without what did not change.
        replace(&session, "cases/a.yaml", &format!("# changed\n{GOOD}"));
        let second = watch.until("watching 3 files");
        assert_eq!(second[1], "changed: cases/a.yaml; failed before: cases/b.yaml", "{second:?}");
        assert!(
            second.iter().any(|line| line == "memory: 1 passed, 1 failed, 0 skipped"),
            "{second:?}"
        );
        replace(&session, "cases/b.yaml", &FAILING.replace("outcome: failed", "outcome: finished"));
        let third = watch.until("watching 3 files");
        assert!(
            third.iter().any(|line| line == "memory: 1 passed, 0 failed, 0 skipped"),
            "{third:?}"
        );
        // A snapshot is of its scenario.
        let snapshot =
            "---\nsource: pgdrill\ndescription: backups are listed\n---\nsomething else\n";
        replace(&session, "cases/c.snap", snapshot);
        let fourth = watch.until("watching 3 files");
        assert_eq!(fourth[1], "changed: cases/c.yaml", "{fourth:?}");
        assert_eq!(watch.end(), Some(1));
    }

    #[test]
    fn a_watch_ends_as_its_last_run_did() {
        let session = Session::new().file("a.yaml", GOOD);
        let watch = Watch::begin(&session, "watch a.yaml");
        watch.until("watching 1 file;");
        assert_eq!(watch.end(), Some(0));
    }

    #[test]
    fn what_can_not_change_is_not_watched() {
        Session::new()
            .file("a.yaml", GOOD)
            .run("watch")
            .run("watch a.yaml --update")
            .run("watch -")
            .run("watch nowhere.yaml")
            .holds("watch_refusals");
    }
}
