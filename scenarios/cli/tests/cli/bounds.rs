//! Input without an end, machines with little to give, and output that must harm no input.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use crate::session::{Ended, GOOD, Session, feed, pgdrill};

/// A call in a shell with these limits.
fn limited(session: &Session, limits: &str, words: &str) -> Ended {
    let program = pgdrill();
    let script = format!("{limits}; exec timeout 60 \"$0\" {words}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(program.get_program()).current_dir(session.folder());
    command.env_remove("CI").env_remove("CLICOLOR_FORCE");
    Ended::of(feed(command, b""))
}

#[test]
fn no_more_is_read_of_any_file_than_the_limit() {
    let session = Session::new();
    for name in ["sparse.yaml", "sparse.md", "sparse.log"] {
        let file = File::create(session.folder().join(name)).unwrap();
        file.set_len(20 << 30).unwrap();
    }
    for (words, why) in [
        ("run sparse.yaml", "it has more than 4194304 bytes"),
        ("run /dev/zero", "it is no regular file"),
        ("run - </dev/zero", "the file has more than 4194304 bytes (4 MiB)"),
        ("check - <sparse.yaml", "the file has more than 4194304 bytes (4 MiB)"),
        ("coverage --charts sparse.md", "it has more than 16777216 bytes"),
        ("coverage --charts /dev/zero", "it has more than 16777216 bytes"),
        ("explain sparse.log", "the line has more than 1048576 bytes (1 MiB)"),
        ("explain /dev/zero", "the line has more than 1048576 bytes (1 MiB)"),
        ("explain </dev/zero", "the line has more than 1048576 bytes (1 MiB)"),
    ] {
        let ended = limited(&session, "ulimit -v 1000000", words);
        assert_eq!(ended.code, 2, "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{words}: {}", ended.stderr);
    }
}

#[test]
fn no_more_threads_run_than_there_are_processors() {
    let session = Session::new().file("good.yaml", GOOD);
    let ended = limited(&session, "ulimit -v 1000000", "run --jobs 1024 good.yaml");
    assert_eq!((ended.code, &*ended.stderr), (0, ""), "{}", ended.stdout);
}

#[test]
fn a_log_of_any_length_is_explained_and_a_line_at_a_time() {
    let line = r#"x pgdrill: {"hook":"list-backups","outcome":"returned","trace":"hook_fired"}"#;
    let mut child =
        pgdrill().arg("explain").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut log = child.stdin.take().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
    let expected = ["x", "list-backups: returned", "   hook_fired"];
    log.write_all(format!("noise\n{line}\n").as_bytes()).unwrap();
    for expected in expected {
        assert_eq!(shown.next().unwrap().unwrap(), expected, "while the log goes on");
    }
    // More than standard input was once read of.
    let noise = [b"noise ".repeat(10_000), b"\n".to_vec()].concat();
    for _ in 0..1200 {
        log.write_all(&noise).unwrap();
    }
    log.write_all(line.as_bytes()).unwrap();
    drop(log);
    assert_eq!(shown.next().unwrap().unwrap(), "");
    for expected in expected {
        assert_eq!(shown.next().unwrap().unwrap(), expected, "the newest of a long log");
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn firings_that_cannot_be_read_are_counted_and_told() {
    let good = r#"pgdrill: {"hook":"list-backups","outcome":"returned","trace":"hook_fired"}"#;
    let unknown = good.replace("hook_fired", "hook_fried");
    Session::new()
        .file("some.log", format!("noise\n{good}\n{unknown}\n{}\n", &good[..40]))
        .file("none.log", "pgdrill: another firing runs on unit 0\npgdrill: {\"hook\":\n")
        .run("explain some.log")
        .run("explain none.log")
        .holds("firings_unread");
}

#[test]
fn results_are_shown_as_they_become_known() {
    let documents = 4_000;
    let other = |number: usize| GOOD.replace("backups are", &format!("{number} is")) + "---\n";
    let text: String = (0..documents).map(other).collect();
    let mut child = pgdrill()
        .args(["run", "-", "--jobs", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = shown.next().unwrap().unwrap();
    assert!(first.starts_with("passed   <stdin>#1 "), "{first}");
    let still_runs = child.try_wait().unwrap().is_none();
    assert!(still_runs, "the first result came with the last");
    let rest: Vec<String> = shown.map(Result::unwrap).collect();
    for (number, line) in rest.iter().take(documents - 1).enumerate() {
        let name = format!("passed   <stdin>#{} ", number + 2);
        assert!(line.starts_with(&name), "{name}: {line}");
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_report_overwrites_nothing_that_is_read_and_no_snapshot() {
    let session = Session::new()
        .file("cases/good.yaml", GOOD)
        .file("cases/bad.yaml", "scenario: x\n")
        .file("cases/other.yaml", GOOD.replace("backups", "other backups"))
        .file("cases/stray.snap", "---\nsource: pgdrill\n---\n")
        .file("named", GOOD);
    let folder = session.folder();
    fs::hard_link(folder.join("cases/good.yaml"), folder.join("hard.xml")).unwrap();
    symlink("cases/good.yaml", folder.join("soft.xml")).unwrap();
    for (target, words) in [
        ("cases/bad.yaml", "run cases --junit cases/bad.yaml"),
        ("cases/other.yaml", "run cases --filter nothing --junit cases/other.yaml"),
        ("cases/other.yaml", "run cases --filter listed --junit ./cases/../cases/other.yaml"),
        ("cases/other.yaml", "run cases/good.yaml --junit cases/other.yaml"),
        ("cases/stray.snap", "run cases --junit cases/stray.snap"),
        ("hard.xml", "run cases --junit hard.xml"),
        ("soft.xml", "run cases --junit soft.xml"),
        ("named", "run named --junit named"),
    ] {
        let before = session.read(target);
        let ended = session.ended(words, b"");
        assert_eq!(ended.code, 2, "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains("the report would overwrite"), "{words}: {}", ended.stderr);
        assert_eq!(session.read(target), before, "{words}");
    }
    // One that is to be written, and one that is piped in.
    let ended = session.ended("run cases/good.yaml --update --junit cases/good.snap", b"");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let ended = limited(&session, "true", "run - --junit named <named");
    assert_eq!((ended.code, session.read("named").as_str()), (2, GOOD), "{}", ended.stderr);
}

#[test]
fn a_report_is_replaced_as_a_whole_and_keeps_its_place() {
    let session = Session::new().file("good.yaml", GOOD).file("report.xml", "old");
    symlink("report.xml", session.folder().join("link.xml")).unwrap();
    fs::hard_link(session.folder().join("report.xml"), session.folder().join("copy")).unwrap();
    assert_eq!(session.ended("run good.yaml --junit link.xml", b"").code, 0);
    let link = session.folder().join("link.xml");
    assert!(fs::symlink_metadata(link).unwrap().is_symlink());
    assert!(session.read("report.xml").starts_with("<?xml"));
    assert_eq!(session.read("copy"), "old", "nothing is written over what was there");
    let ended = session.ended("run good.yaml --format json --junit /dev/stdout", b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("<?xml"), "{}", ended.stdout);
}
