//! The folder of a rehearsal: where its sockets and files are. It goes with the rehearsal; what a process that was killed
//! left goes when the next one begins.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process,
    sync::Once,
};

use tempfile::TempDir;

/// With what the name of every such folder begins; the number and the birth of its process follow.
const PREFIX: &str = "pgdrill-stand-";
/// The longest name that a file gets in it.
const LONGEST_NAME: usize = "pebble-00.socket".len();
/// How long the path of a socket may be, in bytes.
const LONGEST_PATH: usize = 107;

/// A new folder, which nobody else can look into. The first of a process also clears what dead processes left.
pub(super) fn new() -> io::Result<TempDir> {
    static CLEARED: Once = Once::new();
    let place = std::env::temp_dir();
    CLEARED.call_once(|| clear(&place));
    in_place(&place)
}

fn in_place(place: &Path) -> io::Result<TempDir> {
    let own = process::id();
    let prefix = format!("{PREFIX}{own}-{}-", birth(own));
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(&prefix).permissions(Permissions::from_mode(0o700));
    let in_words = |why: io::Error| {
        let what = format!("no folder can be made in {}: {why}", place.display());
        io::Error::new(why.kind(), what)
    };
    let folder = builder.tempdir_in(place).map_err(in_words)?;
    let length = folder.path().as_os_str().len() + 1 + LONGEST_NAME;
    if length > LONGEST_PATH {
        let what = format!(
            "{} is too long for the path of a socket, which has at most {LONGEST_PATH} bytes; set TMPDIR to a shorter one",
            place.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, what));
    }
    Ok(folder)
}

/// Removes the folders of this user whose processes are gone. What can't be removed is somebody else's to mend.
fn clear(place: &Path) {
    let Ok(own) = fs::metadata("/proc/self").map(|metadata| metadata.uid()) else { return };
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_left = entry.file_name().to_str().is_some_and(is_dead);
        // A link is none of ours, whatever it is called.
        let is_ours = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own);
        if is_left && is_ours {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a name is that of a folder whose process is gone: nobody has its number and its birth.
fn is_dead(name: &str) -> bool {
    let parts = name.strip_prefix(PREFIX).map(|rest| rest.splitn(3, '-').collect::<Vec<_>>());
    let Some([number, born, _]) = parts.as_deref() else { return false };
    // Where births are not known, nothing is.
    number.parse().is_ok_and(|number: u32| !born.is_empty() && birth(number) != *born)
}

/// When a process began, in the kernel's own measure; empty where there is none, or that is not known.
fn birth(number: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().nth(19).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_its_owners_alone_and_goes_with_the_rehearsal() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = in_place(place.path()).expect("a folder");
        let mode = fs::metadata(folder.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        clear(place.path());
        assert!(folder.path().is_dir(), "its process lives");
        drop(folder);
        assert_eq!(fs::read_dir(place.path()).expect("there").count(), 0);
    }

    #[test]
    fn what_dead_processes_left_is_cleared_and_nothing_else() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        let own = process::id();
        let (dead, another) = (format!("{PREFIX}{own}-1-abc"), format!("{PREFIX}4194999-7-abc"));
        let living = format!("{PREFIX}{own}-{}-abc", birth(own));
        for name in [&*dead, &another, &living, "pgdrill-stand-x", "pgdrill-local.lock", "pgdrillA"]
        {
            fs::create_dir_all(at(name).join("below")).expect("made");
        }
        symlink(at(&living), at(&format!("{PREFIX}{own}-2-abc"))).expect("made");
        clear(place.path());
        assert!(!at(&dead).exists() && !at(&another).exists());
        assert!(at(&living).join("below").is_dir());
        assert_eq!(fs::read_dir(place.path()).expect("there").count(), 5);
    }

    #[test]
    fn a_place_that_is_too_long_for_a_socket_is_refused_with_what_to_do() {
        let place = tempfile::tempdir().expect("a folder");
        let long = place.path().join("x".repeat(100));
        fs::create_dir(&long).expect("made");
        let why = in_place(&long).expect_err("too long").to_string();
        assert!(why.contains("set TMPDIR to a shorter one"), "{why}");
        assert_eq!(fs::read_dir(&long).expect("there").count(), 0, "nothing is left");
        let none = in_place(&place.path().join("nowhere")).expect_err("not there").to_string();
        assert!(none.contains("no folder can be made in"), "{none}");
    }
}
