//! From a seed to an input.

use std::ops::Range;

use fastrand::Rng;

use super::{json, pieces};

/// The longest input, in bytes, so that a thousand take seconds.
const LONGEST: usize = 200_000;

/// What is right for a door, and the words that mean something to it.
#[derive(Debug, Clone)]
pub struct Grammar {
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
}

type Change = fn(&Grammar, &mut Rng, &mut Vec<u8>);

/// Every way to change an input; what stands here twice is twice as frequent.
const CHANGES: &[Change] = &[
    cut_end,
    cut_begin,
    cut_out,
    double,
    repeat_line,
    drop_line,
    swap_lines,
    insert,
    insert,
    insert,
    replace_word,
    replace_word,
    replace_word,
    replace_number,
    replace_quoted,
    replace_quoted,
    replace_quoted,
    swap_words,
    nest,
    long_line,
    flip,
    no_text,
    mark_or_breaks,
    splice,
    json_value,
    json_value,
    json_value,
    json_value,
];

impl Grammar {
    /// Inputs that begin as one of `seeds`, and get `words` put into them.
    #[must_use]
    pub fn new(seeds: impl IntoIterator<Item = Vec<u8>>, words: &'static [&'static str]) -> Self {
        Self { seeds: seeds.into_iter().collect(), words }
    }

    /// The input of this seed.
    #[must_use]
    pub fn input(&self, seed: u64) -> Vec<u8> {
        let mut rng = Rng::with_seed(seed);
        match rng.u8(..40) {
            0 => return self.soup(&mut rng),
            1 => return pieces::text(&mut rng).into_bytes(),
            _ => {}
        }
        let mut input = self.seed(&mut rng);
        for _ in 0..1 + rng.usize(..4) * rng.usize(..2) {
            if let Some(change) = CHANGES.get(rng.usize(..CHANGES.len())) {
                change(self, &mut rng, &mut input);
            }
            input.truncate(LONGEST);
        }
        input
    }

    fn seed(&self, rng: &mut Rng) -> Vec<u8> {
        if self.seeds.is_empty() {
            return Vec::new();
        }
        self.seeds.get(rng.usize(..self.seeds.len())).cloned().unwrap_or_default()
    }

    /// Words and hostile texts in any order.
    fn soup(&self, rng: &mut Rng) -> Vec<u8> {
        let mut soup = String::new();
        for _ in 0..rng.usize(..60) {
            soup.push_str(&self.word(rng));
            soup.push_str(pieces::pick(rng, &["", " ", ": ", "\n", ",", "\n  "]).unwrap_or(""));
        }
        soup.into_bytes()
    }

    /// A word that means something, or a text that should not be there, as it is or in the form of YAML and JSON.
    fn word(&self, rng: &mut Rng) -> String {
        if let Some(word) = pieces::pick(rng, self.words)
            && rng.u8(..3) == 0
        {
            return word.to_owned();
        }
        let text = pieces::text(rng);
        if rng.bool() { text } else { serde_json::Value::from(text).to_string() }
    }
}

/// A place of the input, its end included.
fn place(rng: &mut Rng, input: &[u8]) -> usize {
    rng.usize(..=input.len())
}

/// One of the pieces of the input for which this holds of every byte.
fn run_of(rng: &mut Rng, input: &[u8], belongs: fn(u8) -> bool) -> Option<Range<usize>> {
    let from = place(rng, input);
    let is_in = |at: usize| input.get(at).is_some_and(|byte| belongs(*byte));
    let start = (from..input.len()).find(|at| is_in(*at))?;
    let start = (0..start).rev().take_while(|at| is_in(*at)).last().unwrap_or(start);
    let end = (start..input.len()).find(|at| !is_in(*at)).unwrap_or(input.len());
    Some(start..end)
}

/// The lines of the input, each with its break.
fn lines(input: &[u8]) -> Vec<Vec<u8>> {
    input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn cut_end(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    input.truncate(place(rng, input));
}

fn cut_begin(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    input.drain(..place(rng, input));
}

fn cut_out(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let from = place(rng, input);
    let to = (from + rng.usize(..40)).min(input.len());
    input.drain(from..to);
}

fn double(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let copy = input.clone();
    for _ in 0..=rng.usize(..3) * rng.usize(..3) {
        input.extend_from_slice(&copy);
    }
}

fn repeat_line(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let mut lines = lines(input);
    if !lines.is_empty() {
        let at = rng.usize(..lines.len());
        let line = lines.get(at).cloned().unwrap_or_default();
        lines.splice(at..at, std::iter::repeat_n(line, rng.usize(1..20)));
        *input = lines.concat();
    }
}

fn drop_line(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let mut lines = lines(input);
    if !lines.is_empty() {
        lines.remove(rng.usize(..lines.len()));
        *input = lines.concat();
    }
}

fn swap_lines(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let mut lines = lines(input);
    if !lines.is_empty() {
        let (one, other) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
        lines.swap(one, other);
        *input = lines.concat();
    }
}

fn insert(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let at = place(rng, input);
    input.splice(at..at, grammar.word(rng).into_bytes());
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

fn replace_word(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    if let Some(found) = run_of(rng, input, is_of_word) {
        input.splice(found, grammar.word(rng).into_bytes());
    }
}

fn replace_number(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    if let Some(found) = run_of(rng, input, |byte| byte.is_ascii_digit()) {
        input.splice(found, grammar.word(rng).into_bytes());
    }
}

/// Replaces what stands behind a colon, up to what ends a value, by a text in the form of YAML and JSON.
fn replace_quoted(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let colons: Vec<usize> = (0..input.len()).filter(|at| input.get(*at) == Some(&b':')).collect();
    let Some(colon) = (!colons.is_empty()).then(|| rng.usize(..colons.len())) else { return };
    let from = colons.get(colon).map_or(0, |at| at + 1);
    let rest = input.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| b",}]\n".contains(byte)).unwrap_or(rest.len());
    let text = serde_json::Value::from(pieces::text(rng));
    input.splice(from..from + length, format!(" {text}").into_bytes());
}

fn swap_words(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let (one, other) = (run_of(rng, input, is_of_word), run_of(rng, input, is_of_word));
    if let (Some(one), Some(other)) = (one, other) {
        let word = input.get(other).unwrap_or_default().to_vec();
        input.splice(one, word);
    }
}

fn nest(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let at = rng.usize(..pieces::NESTS.len());
    let (open, close) = pieces::NESTS.get(at).copied().unwrap_or(("[", "]"));
    let depth = match rng.u8(..3) {
        0 => rng.usize(1..100),
        1 => rng.usize(100..4_000),
        _ => LONGEST / 2 / open.len(),
    };
    let (from, to) = (place(rng, input), place(rng, input));
    let (from, to) = (from.min(to), from.max(to));
    let within = input.get(from..to).unwrap_or_default().to_vec();
    let nested = [open.repeat(depth).into_bytes(), within, close.repeat(depth).into_bytes()];
    input.splice(from..to, nested.concat());
}

fn long_line(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let at = place(rng, input);
    let unit = grammar.word(rng);
    let times = rng.usize(1..LONGEST) / unit.len().max(1);
    input.splice(at..at, unit.repeat(times).into_bytes());
}

#[expect(clippy::ptr_arg, reason = "it is one of `CHANGES`")]
fn flip(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..8) {
        let at = place(rng, input);
        if let Some(byte) = input.get_mut(at) {
            *byte ^= 1 << rng.u8(..8);
        }
    }
}

fn no_text(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let at = place(rng, input);
    let bytes = pieces::pick(rng, pieces::BYTES).unwrap_or_default();
    input.splice(at..at, bytes.iter().copied());
}

/// A byte order mark, or line breaks of another kind.
fn mark_or_breaks(_: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let breaks: &[u8] = match rng.u8(..4) {
        0 => {
            input.splice(0..0, "\u{feff}".bytes());
            return;
        }
        1 => b"\r\n",
        2 => b"\r",
        _ => b"\0",
    };
    *input = input.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(breaks);
}

/// The beginning of one input and the end of another.
fn splice(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let other = grammar.seed(rng);
    input.truncate(place(rng, input));
    input.extend_from_slice(other.get(place(rng, &other)..).unwrap_or_default());
}

/// Changes a value of the JSON that the input is, or that stands in it; of what is none, a word.
fn json_value(grammar: &Grammar, rng: &mut Rng, input: &mut Vec<u8>) {
    let ends = |byte: &u8| b"]}".contains(byte);
    let open = input.iter().position(|byte| b"[{".contains(byte));
    let close = input.iter().rposition(ends).map(|at| at + 1);
    let found = open.zip(close).filter(|(open, close)| open < close);
    let (from, to) = found.unwrap_or((0, input.len()));
    let text = input.get(from..to).and_then(|text| std::str::from_utf8(text).ok());
    match text.and_then(|text| json::mutated(rng, text)) {
        Some(mutated) => drop(input.splice(from..to, mutated.into_bytes())),
        None => replace_word(grammar, rng, input),
    }
}
