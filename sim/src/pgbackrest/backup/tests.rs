use pgdrill_core::{inventory::Inventory, ports::BackupKind};

use super::*;
use crate::{
    Awaited, Change, Given, S3Given, StanzaGiven,
    midway::Midway,
    pgbackrest::{create_stanza, info},
};

/// A cluster whose unit 0 is the primary, with a stanza and these backups.
fn ready(backups: &[crate::BackupGiven]) -> World {
    let (s3, stanza) = (Some(S3Given::default()), StanzaGiven::Initialised);
    let backups = backups.to_vec();
    World::new(&Given { units: 2, tls: true, s3, stanza, backups, ..Given::default() })
}

fn back_up(world: &mut World, unit: u32, kind: BackupKind) -> CommandEnd {
    let from_primary = world.primary == Some(unit);
    let request = BackupRequest { stanza: world.stanza(), kind, from_primary };
    match begin_backup(world, unit, &request) {
        Ok(begun) => end_backup(world, &begun, &request),
        Err(answer) => answer,
    }
}

fn back_up_and(world: &mut World, unit: u32, kind: BackupKind, change: Change) -> CommandEnd {
    let armed = Midway::Armed { changes: vec![change], is_held: false };
    world.midway.insert(unit, armed);
    back_up(world, unit, kind)
}

/// What a backup wrote that was taken, once no lock is held.
fn taken(world: &mut World, kind: BackupKind) -> String {
    world.apply(&Change::Await(Awaited::LockFree));
    let answer = back_up(world, 1, kind);
    let CommandEnd::Done(lines) = answer else { panic!("{answer:?}") };
    lines
}

fn labels(world: &mut World) -> Vec<String> {
    let CommandEnd::Done(json) = info(world, 1) else { panic!("no inventory") };
    let read = Inventory::parse(&json, &world.stanza()).expect("an inventory");
    read.stanzas.iter().flat_map(|it| &it.backups).map(|it| it.label.clone()).collect()
}

fn label_in(lines: &str) -> &str {
    let line = lines.lines().find_map(|line| line.split_once("new backup label = "));
    line.expect(lines).1
}

/// As records 104c, 104e and 105a have it, and as was seen of the primary's lock.
#[test]
fn what_a_killed_backup_leaves_holds_the_lock_on_its_own_host_for_a_while() {
    let mut world = ready(&[]);
    let killed = back_up_and(&mut world, 1, BackupKind::Full, Change::BackupIsKilled);
    assert_eq!(killed, CommandEnd::Killed);
    let stanza = world.stanza();
    let is_locked_out = |answer: CommandEnd| matches!(answer, CommandEnd::Failed(50, _));
    assert!(is_locked_out(back_up(&mut world, 1, BackupKind::Full)));
    assert!(is_locked_out(create_stanza(&mut world, 1, &stanza)));
    assert_eq!(create_stanza(&mut world, 0, &stanza), CommandEnd::Done(String::new()));
    assert!(
        matches!(info(&mut world, 1), CommandEnd::Done(json) if json.contains("\"held\":true"))
    );
    assert!(
        matches!(info(&mut world, 0), CommandEnd::Done(json) if !json.contains("\"held\":true"))
    );
    let before = world.now;
    taken(&mut world, BackupKind::Full);
    assert!(world.now - before > 20_000, "{} ms later", world.now - before);
}

/// As records 104b and 104d have it, and 106c of its times.
#[test]
fn a_full_backup_takes_over_the_label_of_one_that_died() {
    let mut world = ready(&[]);
    let began = world.now;
    back_up_and(&mut world, 1, BackupKind::Full, Change::BackupIsKilled);
    assert!(labels(&mut world).is_empty(), "what died is never listed");
    let lines = taken(&mut world, BackupKind::Full);
    let label = pgdrill_core::ports::Timestamp(began).label() + "F";
    assert_eq!(label_in(&lines), label);
    let words = format!(
        "WARN: resumable backup {label} of same type exists -- invalid files will be removed then the backup will resume\n"
    );
    assert!(lines.contains(&words), "{lines}");
    assert_eq!(labels(&mut world), [label.as_str()]);
    let CommandEnd::Done(json) = info(&mut world, 1) else { panic!("no inventory") };
    let start = json.split("\"timestamp\":{\"start\":").nth(1).expect("its times");
    let start: i64 = start.split(',').next().and_then(|it| it.parse().ok()).expect("a time");
    assert!(start * 1000 > began + 20_000, "its times are those of the second run");
    let lines = taken(&mut world, BackupKind::Full);
    assert!(!lines.contains("resumable") && label_in(&lines) > label.as_str(), "{lines}");
}

/// Each way in which a backup dies while it copies (records 103 to 119), and again while it resumes.
#[test]
fn whatever_a_backup_dies_of_is_resumed() {
    for change in [
        Change::BackupIsKilled,
        Change::PrimaryMovesTo(1),
        Change::S3Server(crate::S3ServerState::Down),
        Change::S3Server(crate::S3ServerState::Hangs),
        Change::Pgbackrest(PgbackrestFailureMode::Terminated),
    ] {
        let mut world = ready(&[]);
        let began = world.now;
        for _ in 0..2 {
            let died = if matches!(change, Change::Pgbackrest(_)) {
                world.apply(&change);
                back_up(&mut world, 1, BackupKind::Full)
            } else {
                back_up_and(&mut world, 1, BackupKind::Full, change.clone())
            };
            assert!(!matches!(died, CommandEnd::Done(_) | CommandEnd::Failed(50, _)), "{died:?}");
            world.undo_faults();
            world.apply(&Change::PrimaryMovesTo(0));
            world.apply(&Change::Await(Awaited::LockFree));
        }
        let label = pgdrill_core::ports::Timestamp(began).label() + "F";
        assert_eq!(label_in(&taken(&mut world, BackupKind::Full)), label, "{change:?}");
    }
}

/// As records 118 to 118c have it.
#[test]
fn a_backup_that_is_not_full_neither_resumes_nor_is_resumed() {
    for kind in [BackupKind::Differential, BackupKind::Incremental] {
        let mut world = ready(&[crate::BackupGiven::Full]);
        world.advance(Duration::from_secs(10));
        back_up_and(&mut world, 1, BackupKind::Full, Change::BackupIsKilled);
        let lines = taken(&mut world, kind);
        assert!(
            lines.contains("F' cannot be resumed: resume only valid for full backup\n"),
            "{lines}"
        );
        assert!(!taken(&mut world, BackupKind::Full).contains("resumable"));
        back_up_and(&mut world, 1, BackupKind::Full, Change::BackupIsKilled);
        world.apply(&Change::Await(Awaited::LockFree));
        back_up_and(&mut world, 1, kind, Change::BackupIsKilled);
        assert!(!taken(&mut world, BackupKind::Full).contains("resum"), "{kind:?}");
    }
}

/// It would have become a full one (record 120).
#[test]
fn a_first_backup_that_died_is_resumed_whatever_was_asked_for() {
    let mut world = ready(&[]);
    back_up_and(&mut world, 1, BackupKind::Incremental, Change::BackupIsKilled);
    assert!(taken(&mut world, BackupKind::Differential).contains("WARN: resumable backup "));
}
