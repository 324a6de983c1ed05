//! Which S3 server is taken when the first choice is no good.

use pgdrill_containers::images::Image;

use crate::engine::{Ended, alone, have_images, pgdrill};

/// A case that needs nothing but a cluster.
const CASE: &str = "list-backups/without-relation";
/// It ends at once when it is told what MinIO is told.
const NO_SERVER: Image = Image::Proxy;

fn run(asked: &[&str]) -> Ended {
    let words = [&["run", "--backend", "containers", "--filter", CASE], asked].concat();
    let image = NO_SERVER.reference().to_string();
    pgdrill(&words).env("PGDRILL_MINIO_IMAGE", image).output().unwrap().into()
}

#[test]
fn a_first_choice_that_does_not_come_up_is_told_and_the_next_is_taken_unless_it_was_asked_for() {
    let _engine = alone();
    have_images();
    let next = run(&[]);
    assert_eq!(next.code, Some(0), "{}{}", next.stdout, next.stderr);
    let told: Vec<&str> = next.stderr.lines().filter(|line| line.starts_with("S3: ")).collect();
    let [told] = told[..] else { panic!("{}", next.stderr) };
    assert!(told.starts_with("S3: radosgw; not minio: "), "{told}");
    assert!(told.contains("has ended before it answered"), "{told}");
    assert!(next.stdout.contains("(S3: radosgw)"), "{}", next.stdout);
    let asked = run(&["--s3", "minio"]);
    assert_eq!(asked.code, Some(4), "{}{}", asked.stdout, asked.stderr);
    assert!(asked.stderr.contains("has ended before it answered"), "{}", asked.stderr);
    assert!(asked.stderr.contains("hint: choose another server"), "{}", asked.stderr);
    assert!(!asked.stderr.contains("radosgw"), "{}", asked.stderr);
}
