//! A stream cut into its documents before any of them is parsed.
//!
//! A `---` or `...` at the start of a line ends whatever is open there, block and quoted scalars
//! included, so the cut is made by lines alone, and a document that is broken stays alone with it.

use std::borrow::Cow;
use std::sync::Arc;

use super::tree::{self, YamlNode};
use super::wording::ParserFault;
use pgdrill_core::Diagnostic;

/// The longest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The longest document that is read, in bytes: the parser holds back all tokens of a bracketed
/// collection until it closes, at about 200 bytes of memory for each byte of text.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// The most documents that are read from one file, empty ones included.
pub const MAX_DOCUMENTS: usize = 10_000;

/// One document of a stream, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlDocument {
    text: DocumentText,
    root: YamlNode,
}

impl YamlDocument {
    /// The file as the caller named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.text.file
    }

    /// The line of the file on which the content of this document starts.
    #[must_use]
    pub fn line(&self) -> usize {
        self.root.span.line
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &YamlNode {
        &self.root
    }

    /// An error at a place of this document, with the line that holds it. Line and column are the
    /// file's, as [`Spanned`](super::Spanned) and [`Span`](super::Span) give them.
    #[must_use]
    pub fn diagnostic(
        &self,
        line: usize,
        column: usize,
        width: usize,
        what: impl Into<String>,
        hint: Option<String>,
    ) -> Diagnostic {
        self.text.diagnostic(line, column, width, what.into(), hint)
    }
}

/// Reads every document of a text; those that hold nothing but comments are left out. The complaints
/// stand where the document would.
#[must_use]
pub fn documents(text: &str, file: &str) -> Vec<Result<YamlDocument, Diagnostic>> {
    documents_from_bytes(text.as_bytes(), file)
}

/// As [`documents`], from bytes that may not be UTF-8.
#[must_use]
pub fn documents_from_bytes(bytes: &[u8], file: &str) -> Vec<Result<YamlDocument, Diagnostic>> {
    if bytes.len() > MAX_BYTES {
        let what =
            format!("the file has more than {MAX_BYTES} bytes (4 MiB), the most that are read");
        return vec![Err(Diagnostic::error(file, what).hint("split it into several files"))];
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return vec![Err(Diagnostic::error(file, "the file is UTF-16").hint(SAVE_AS_UTF8))];
    }
    let pieces = split(bytes);
    if pieces.len() > MAX_DOCUMENTS {
        let what =
            format!("the file has {} documents: at most {MAX_DOCUMENTS} are read", pieces.len());
        return vec![Err(Diagnostic::error(file, what).hint("split it into several files"))];
    }
    let file: Arc<str> = Arc::from(file);
    pieces.into_iter().filter_map(|piece| document(&piece, &file)).collect()
}

const BOM: &[u8] = b"\xef\xbb\xbf";
const SAVE_AS_UTF8: &str = "save the file as UTF-8";

/// The text of one document and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DocumentText {
    file: Arc<str>,
    first_line: usize,
    content: String,
}

impl DocumentText {
    fn diagnostic(
        &self,
        line: usize,
        column: usize,
        width: usize,
        what: String,
        hint: Option<String>,
    ) -> Diagnostic {
        let source = line
            .checked_sub(self.first_line)
            .and_then(|index| self.content.split('\n').nth(index))
            .unwrap_or_default();
        let diagnostic = Diagnostic::error(&self.file, what).at(line, column, width, source);
        match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    /// A fault's lines are counted from the start of the piece.
    fn complain(&self, fault: ParserFault) -> Diagnostic {
        let line = fault.line + self.first_line - 1;
        self.diagnostic(line, fault.column, fault.width, fault.what, fault.hint)
    }
}

struct Piece<'t> {
    bytes: &'t [u8],
    first_line: usize,
}

fn document(piece: &Piece<'_>, file: &Arc<str>) -> Option<Result<YamlDocument, Diagnostic>> {
    let length = piece.bytes.len();
    if length > MAX_DOCUMENT_BYTES {
        let what = format!(
            "the document has {length} bytes: at most {MAX_DOCUMENT_BYTES} (1 MiB) are read"
        );
        let diagnostic = Diagnostic::error(file, what).at(piece.first_line, 0, 0, "");
        return Some(Err(diagnostic.hint("split it into several documents")));
    }
    let lossy = String::from_utf8_lossy(piece.bytes);
    let text = DocumentText {
        file: Arc::clone(file),
        first_line: piece.first_line,
        content: normalise(&lossy).into_owned(),
    };
    let root = readable(piece.bytes, &text.content)
        .and_then(|()| tree::build(&text.content, text.first_line));
    match root {
        Ok(Some(root)) => Some(Ok(YamlDocument { text, root })),
        Ok(None) => None,
        Err(fault) => Some(Err(text.complain(fault))),
    }
}

/// What has to hold before the parser may see a text.
fn readable(bytes: &[u8], text: &str) -> Result<(), ParserFault> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let (good, bad) = bytes.split_at(error.valid_up_to());
        let good = String::from_utf8_lossy(good);
        let byte = bad.first().copied().unwrap_or_default();
        let what = format!("byte 0x{byte:02x} is not UTF-8");
        return Err(ParserFault::after(&normalise(&good), what, SAVE_AS_UTF8));
    }
    let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\u{85}');
    if let Some((at, character)) = text.char_indices().find(|&(_, c)| forbidden(c)) {
        let code = u32::from(character);
        let what = format!("the control character U+{code:04X} cannot stand here");
        let hint = format!("in a double-quoted text it is written \\x{code:02X}");
        let before = text.get(..at).unwrap_or_default();
        return Err(ParserFault::after(before, what, &hint));
    }
    Ok(())
}

/// The text as the parser gets it: no byte order mark, and `\n` alone between lines.
pub(crate) fn normalise(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

fn split(bytes: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut first_line = 1;
    let mut piece_start = 0;
    let mut next = 0;
    // Directives belong to the `---` below them, which then does not end the piece.
    let mut only_directives = true;
    let mut cut = |from: usize, to: usize, first_line: usize| {
        if let Some(bytes) = bytes.get(from..to).filter(|piece| !piece.is_empty()) {
            pieces.push(Piece { bytes, first_line });
        }
    };
    for number in 1.. {
        let start = next;
        let Some((line, length)) = bytes.get(start..).and_then(line) else {
            break;
        };
        next = start + length;
        let line = line.strip_prefix(BOM).unwrap_or(line);
        if is_marker(line, b"---") {
            if !only_directives {
                cut(piece_start, start, first_line);
                (piece_start, first_line) = (start, number);
            }
            only_directives = false;
        } else if is_marker(line, b"...") {
            cut(piece_start, next, first_line);
            (piece_start, first_line) = (next, number + 1);
            only_directives = true;
        } else {
            let content = line.trim_ascii_start();
            only_directives &=
                matches!(content.first(), None | Some(b'#')) || line.starts_with(b"%");
        }
    }
    cut(piece_start, bytes.len(), first_line);
    pieces
}

/// The first line without its break, and its length with it; nothing if there is no text left.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    if bytes.is_empty() {
        return None;
    }
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let (content, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    let breaks = match rest {
        [b'\r', b'\n', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    };
    Some((content, content.len() + breaks))
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t')))
}
