use pgdrill_core::PortErrorKind;

use super::container::{PebbleFixture, Recorded};
use pgdrill_adapters::files::{Access, Files as _};

const PRIVATE: Access<'_> = Access { owner: Some("postgres"), mode: 0o600 };

#[tokio::test]
async fn a_file_arrives_with_its_access_and_is_read_again() {
    let fixture = PebbleFixture::new();
    let content = b"first\r\n--line\n\xff\0last".to_vec();
    fixture.pebble.push("/etc/pgbackrest.conf", &content, PRIVATE).await.expect("written");
    let open = Access { owner: None, mode: 0o644 };
    fixture.pebble.push("/etc/odd \"name\"", b"", open).await.expect("written");
    assert_eq!(fixture.pebble.read("/etc/pgbackrest.conf").await, Ok(Some(content)));
    assert_eq!(fixture.pebble.read("/etc/odd \"name\"").await, Ok(Some(Vec::new())));
    insta::assert_snapshot!(fixture.record(), @r#"
    write /etc/pgbackrest.conf 600 postgres
    write /etc/odd "name" 644 
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_nothing_to_read_and_gone_already() {
    let fixture = PebbleFixture::new();
    assert_eq!(fixture.pebble.read("/none").await, Ok(None));
    assert_eq!(fixture.pebble.remove("/none").await, Ok(()));
    fixture.pebble.push("/some", b"x", PRIVATE).await.expect("written");
    assert_eq!(fixture.pebble.remove("/some").await, Ok(()));
    assert_eq!(fixture.pebble.read("/some").await, Ok(None));
}

#[tokio::test]
async fn a_refusal_and_a_silence_are_distinguished() {
    let fixture = PebbleFixture::new();
    let denied = fixture.pebble.push("/denied/a", b"x", PRIVATE).await.expect_err("denied");
    assert_eq!(denied.kind, PortErrorKind::Denied);
    assert_eq!(denied.cause, "/denied/a: permission denied");
    fixture.container.set(Recorded::Down);
    let silent = fixture.pebble.push("/a", b"x", PRIVATE).await.expect_err("silent");
    assert_eq!(silent.kind, PortErrorKind::Unreachable);
    assert_eq!(
        fixture.pebble.read("/a").await.expect_err("silent").kind,
        PortErrorKind::Unreachable
    );
}

#[tokio::test]
async fn a_file_that_is_too_large_is_told_as_such() {
    let fixture = PebbleFixture::new();
    fixture.container.put("/large", &vec![b'x'; 17 << 20]);
    let failure = fixture.pebble.read("/large").await.expect_err("too large");
    assert_eq!(failure.kind, PortErrorKind::Refused);
    assert_eq!(failure.cause, "/large: it has more than 16777216 bytes, and no more are read");
}
