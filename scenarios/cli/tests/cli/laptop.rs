//! What the commands for a topology that stays refuse before there is one.

use crate::session::Session;

#[test]
fn without_an_engine_every_command_says_so_and_ends_with_4() {
    Session::new()
        .run("up --units 2 --tls")
        .run("status")
        .run("fire update-status")
        .run("do primary-is-lost")
        .run("heal")
        .run("down")
        .run("clean --all")
        .holds("no_engine");
}

#[test]
fn what_is_asked_for_wrongly_is_reported_without_an_engine() {
    Session::new()
        .run("fire create-bakup")
        .run("fire create-backup --param tpe=full")
        .run("fire create-backup --param type=ful")
        .run("fire create-backup --param full")
        .run("fire restore --param backup-id=a --param backup-id=b")
        .run("do primary-is-lst")
        .run("fault {s3-server:down}")
        .run("up --name Local")
        .run("up --name 0a1b2c3d")
        .run("up --name deadbeef")
        .run("up --units 10")
        .holds("topology_refusals");
}
