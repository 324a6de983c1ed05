//! A topology that stays up in memory, from one command to the next.

use std::fs::{self, File};

use crate::session::Session;

/// A session in which one is up.
fn up() -> Session {
    let session = Session::new().remembering();
    let ended = session.ended("up --backend memory --units 2 --tls", b"");
    assert_eq!((ended.code, &*ended.stderr), (0, ""), "{}", ended.stdout);
    session
}

/// What a call says on standard error, which must end so.
#[track_caller]
fn refused(session: &Session, words: &str, code: i32) -> String {
    let ended = session.ended(words, b"");
    assert_eq!((ended.code, &*ended.stdout), (code, ""), "{words}: {}", ended.stderr);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{words}: {}", ended.stderr);
    ended.stderr
}

#[test]
fn what_is_done_to_it_is_there_at_the_next_command() {
    Session::new()
        .remembering()
        .run("up --backend memory --units 2 --tls")
        .run("status")
        .run_words(&["do", "s3-server: down"])
        .run("fire create-backup --unit 1 --param type=full")
        .run("status")
        .run("heal")
        .run("fire create-backup --unit 1 --param type=full")
        .run_words(&["do", "scale-to: 1"])
        .run("fire restore --param backup-id=${backup-1}")
        .run("status")
        .run("down")
        .holds("topology_in_memory");
}

#[test]
fn what_is_asked_for_wrongly_is_refused_and_changes_nothing() {
    up().run("up --backend memory")
        .run("up --backend memory --name other --s3 minio")
        .run("fire create-backup --unit 2")
        .run("fire create-backup --unit 1 --param kind=full")
        .run("fire restore --param backup-id=${backup-1}")
        .run_words(&["do", "primary-moves-to: 5"])
        .run_words(&["do", "s3-sever: down"])
        .run("status")
        .holds("topology_in_memory_refusals");
}

#[test]
fn each_name_is_a_topology_of_its_own() {
    let session = up();
    let other = session.ended("up --backend memory --name other", b"");
    assert!(other.stdout.contains("  pgdrill down --name other\n"), "{}", other.stdout);
    assert_eq!(session.ended("fire list-backups --name other", b"").code, 0);
    let journal = |name: &str| {
        fs::read_to_string(session.state().join(format!("topology-{name}.json"))).unwrap()
    };
    assert!(journal("other").contains("list-backups"));
    assert!(!journal("local").contains("list-backups"));
    let json = session.ended("status --format json", b"").stdout;
    assert!(json.contains("\"backend\": \"memory\"") && !json.contains("-port"), "{json}");
    assert_eq!(session.ended("down --name other", b"").code, 0);
    assert_eq!(session.ended("status", b"").code, 0);
}

#[cfg(not(feature = "containers"))]
#[test]
fn what_is_not_up_is_told_with_what_is() {
    let session = up();
    let told = refused(&session, "status --name other", 2);
    assert!(told.contains("no topology `other` is up"), "{told}");
    assert!(told.contains("give `--name` with one that is up: local"), "{told}");
    let ended = session.ended("clean", b"");
    assert_eq!((ended.code, &*ended.stdout), (0, "nothing was left\n"));
    let ended = session.ended("clean --all", b"");
    assert_eq!((ended.code, &*ended.stdout), (0, "removed from memory: local\n"));
    let told = refused(&session, "down", 2);
    assert!(told.contains("`pgdrill up` brings one up"), "{told}");
}

#[test]
fn a_journal_that_cannot_be_taken_up_is_one_complaint_and_goes_with_down() {
    let session = up();
    let journal = session.state().join("topology-local.json");
    let whole = fs::read_to_string(&journal).unwrap();
    let version = whole.replace(env!("CARGO_PKG_VERSION"), "0.0.1");
    for (text, why) in [
        (whole.replace('}', ""), "what is kept of `local` can't be read: "),
        ("\u{1b}[2J".to_owned(), "what is kept of `local` can't be read: "),
        (String::new(), "what is kept of `local` can't be read: "),
        (version, "what is kept of `local` is another pgdrill's: version 0.0.1 wrote it, this is"),
    ] {
        fs::write(&journal, text).unwrap();
        for words in ["status", "heal", "fire list-backups"] {
            let told = refused(&session, words, 4);
            assert!(told.contains(why), "{words}: {told}");
            assert!(told.contains("hint: `pgdrill down --name local` removes it"), "{told}");
        }
    }
    let ended = session.ended("down", b"");
    assert_eq!((ended.code, &*ended.stdout), (0, "removed `local` from memory\n"));
    assert!(!journal.exists());
}

#[test]
fn one_command_at_a_time_works_on_it() {
    let session = up();
    let lock = File::open(session.state().join("topology-local.lock")).unwrap();
    lock.lock().unwrap();
    for words in ["heal", "fire list-backups", "down"] {
        let told = refused(&session, words, 4);
        assert!(told.contains("another command works on `local`"), "{told}");
    }
    assert_eq!(session.ended("status", b"").code, 0, "a look needs no lock");
    drop(lock);
    assert_eq!(session.ended("heal", b"").code, 0);
}

#[test]
fn without_a_folder_to_keep_it_in_none_comes_up() {
    let told = refused(&Session::new(), "up --backend memory", 4);
    assert!(told.contains("set HOME or XDG_STATE_HOME"), "{told}");
}
