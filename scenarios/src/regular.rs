//! Files, read up to a bound.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

/// The content of a file of at most `limit` bytes. Of one that has more, or of a device that has no end, no more than
/// the byte after them is read.
///
/// # Errors
///
/// Why it can't be read, in words that stand behind "can't be read: ".
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let in_words = |error: std::io::Error| error.to_string();
    let mut content = Vec::new();
    let file = File::open(path).map_err(in_words)?;
    // One byte more says that there is more.
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(in_words)?;
    if content.len() as u64 > limit {
        return Err(format!("it has more than {limit} bytes"));
    }
    Ok(content)
}

/// As [`read_file`], of a regular file and nothing else: a pipe would be waited for.
pub(crate) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    read_file(path, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_the_byte_after_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let sparse = folder.path().join("sparse");
        File::create(&sparse).and_then(|file| file.set_len(20 << 30)).expect("a sparse file");
        let more = Err("it has more than 9 bytes".to_owned());
        assert_eq!(read_file(&sparse, 9), more);
        assert_eq!(read_regular(&sparse, 9), more);
        assert_eq!(read_file(Path::new("/dev/zero"), 9), more);
        assert_eq!(
            read_regular(Path::new("/dev/zero"), 9),
            Err("it is no regular file".to_owned())
        );
        fs::write(&sparse, "123456789").expect("written");
        assert_eq!(read_regular(&sparse, 9).as_deref(), Ok(&b"123456789"[..]));
    }
}
