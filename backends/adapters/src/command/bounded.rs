//! Output of any length in memory of a fixed size.

use std::collections::VecDeque;

/// The beginning of a stream: as much as is stored.
const HEAD: usize = 1 << 20;
/// The end of a stream: as much as is stored. Error lines and labels come last.
const TAIL: usize = 63 << 20;

/// The beginning and the end of what was written, and how much was left out in between.
#[derive(Debug, Default)]
pub struct Bounded {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: usize,
}

impl Bounded {
    /// The longest stream, in bytes, of which nothing is left out: 64 MiB. The text of a longer one is longer than that.
    pub const WHOLE: usize = HEAD + TAIL;

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.left_out += excess;
    }

    /// The text. Bytes that are no text are shown as such; a gap says how large it is.
    #[must_use]
    pub fn into_text(self) -> String {
        let Self { head: mut bytes, tail, left_out } = self;
        if left_out > 0 {
            bytes.extend_from_slice(format!("\n[{left_out} bytes left out]\n").as_bytes());
        }
        bytes.extend(tail);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_stays_as_it_is() {
        let mut stream = Bounded::default();
        stream.push("grün ".as_bytes());
        stream.push(b"\xff");
        assert_eq!(stream.into_text(), "grün \u{fffd}");
    }

    #[test]
    fn long_output_keeps_its_beginning_and_its_end() {
        let mut stream = Bounded::default();
        stream.push(b"first");
        let block = vec![b'x'; 64 << 10];
        let blocks = Bounded::WHOLE / block.len() + 36;
        for _ in 0..blocks {
            stream.push(&block);
        }
        stream.push(b"last");
        let left_out = blocks * block.len() + 9 - HEAD - TAIL;
        let text = stream.into_text();
        assert!(text.starts_with("first") && text.ends_with("last"));
        assert!(text.contains(&format!("\n[{left_out} bytes left out]\n")));
        assert!((Bounded::WHOLE + 1..Bounded::WHOLE + 64).contains(&text.len()));
    }
}
