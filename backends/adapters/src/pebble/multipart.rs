//! The form in which Pebble takes and gives files.

/// Pebble wants at least 32 characters here; a file that contains this line is not one that the hooks write.
const BOUNDARY: &str = "pgdrill-c81e728d9d4c2f636f067f89cc14862c";

/// One part of a form.
pub struct Part<'a> {
    /// The field's name.
    pub name: &'a str,
    /// The file's name, if it has one.
    pub file: Option<&'a str>,
    /// What is in it.
    pub content: &'a [u8],
}

/// A form of these parts, with its content type; `None` when a content holds the line that parts them.
pub fn write(parts: &[Part<'_>]) -> Option<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for part in parts {
        if find(part.content, BOUNDARY.as_bytes()).is_some() {
            return None;
        }
        let (kind, file) = match part.file {
            None => ("application/json", String::new()),
            Some(file) => ("application/octet-stream", format!("; filename=\"{}\"", quoted(file))),
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\nContent-Type: {kind}\r\n\r\n",
            part.name
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(part.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    Some((format!("multipart/form-data; boundary={BOUNDARY}"), out))
}

fn quoted(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], "")
}

/// One part of a form that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct PartRead {
    /// Its field's name.
    pub name: String,
    /// The name of its file, if it is one.
    pub file: Option<String>,
    /// Its content.
    pub content: Vec<u8>,
}

/// The parts of a form; `None` when it is none.
pub fn read(content_type: &str, body: &[u8]) -> Option<Vec<PartRead>> {
    let boundary =
        content_type.split(';').find_map(|word| word.trim().strip_prefix("boundary="))?;
    let line = format!("\r\n--{}", boundary.trim_matches('"'));
    // The first boundary has no line before it.
    let mut rest = body.strip_prefix(line.trim_start().as_bytes())?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let end = find(rest, line.as_bytes())?;
        let (part, next) = rest.split_at(end);
        let at = find(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(part.get(..at)?).into_owned();
        let disposition = head.lines().find(|line| {
            line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case("content-disposition"))
        })?;
        parts.push(PartRead {
            name: parameter(disposition, "name")?,
            file: parameter(disposition, "filename"),
            content: part.get(at + 4..)?.to_vec(),
        });
        rest = next.get(line.len()..)?;
    }
    Some(parts)
}

fn parameter(disposition: &str, name: &str) -> Option<String> {
    let begin = format!("{name}=\"");
    let words =
        disposition.split("; ").find_map(|word| word.trim().strip_prefix(begin.as_str()))?;
    let words = words.strip_suffix('"')?;
    Some(words.replace("\\\"", "\"").replace("\\\\", "\\"))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let parts = [
            Part { name: "request", file: None, content: b"{}" },
            Part { name: "files", file: Some("/a \"b\""), content: b"\r\n--x\r\n\xff" },
            Part { name: "files", file: Some("/empty"), content: b"" },
        ];
        let (kind, body) = write(&parts).expect("no boundary in it");
        let read = read(&kind, &body).expect("a form");
        assert_eq!(read.len(), 3);
        for (read, part) in read.iter().zip(&parts) {
            assert_eq!((&*read.name, read.file.as_deref()), (part.name, part.file));
            assert_eq!(read.content, part.content);
        }
    }

    #[test]
    fn what_is_no_form_or_cut_off_is_not_read() {
        let (kind, body) =
            write(&[Part { name: "n", file: None, content: b"c" }]).expect("written");
        assert_eq!(read("text/plain", &body), None);
        for end in [0, 10, body.len() / 2, body.len() - 6] {
            assert_eq!(read(&kind, &body[..end]), None, "{end}");
        }
        assert!(write(&[Part { name: "n", file: None, content: BOUNDARY.as_bytes() }]).is_none());
    }
}
