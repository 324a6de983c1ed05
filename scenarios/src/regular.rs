//! Regular files, and nothing else: a pipe would be waited for, a device has no end.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
///
/// Why it can't be read, in words that stand behind "can't be read: ".
pub(crate) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let in_words = |error: std::io::Error| error.to_string();
    let metadata = fs::metadata(path).map_err(in_words)?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(in_words)?;
    // One byte more says that there is more.
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(in_words)?;
    if content.len() as u64 > limit {
        return Err(format!("it has more than {limit} bytes"));
    }
    Ok(content)
}
