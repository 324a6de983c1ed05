//! Files that a charm brings, of which no more is read than they can have.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// The longest file that is read, in bytes.
const MOST: u64 = 4 * 1024 * 1024;

/// The text of a file. Of one that is too long, or of a device that has no end, one byte more than the longest is read.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other(format!("it has more than {MOST} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_an_end_is_refused() {
        let why = read_text(Path::new("/dev/zero")).map_err(|why| why.to_string());
        assert_eq!(why, Err("it has more than 4194304 bytes".to_owned()));
    }
}
