//! What becomes of inputs at a door.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};

use super::Grammar;

/// The most findings that a search keeps: more say no more.
const MOST: usize = 20;
/// The stack of a process, which is what commands and hooks run on.
const STACK: usize = 8 << 20;

/// What became of one input.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// Whether the input was refused.
    pub is_refused: bool,
    /// The exit code, where it is a process that ended, or what a process would have ended with.
    pub code: Option<i32>,
    /// What is put before people: on a terminal, in a status, in Juju's log.
    pub shown: Vec<String>,
    /// What else is wrong, such as a file that was half written.
    pub faults: Vec<String>,
}

impl Opened {
    /// This text is put before people.
    #[must_use]
    pub fn showing(mut self, text: impl Into<String>) -> Self {
        self.shown.push(text.into());
        self
    }

    /// What is wrong with it.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        for text in &self.shown {
            if let Some((at, c)) = text.char_indices().find(|(_, c)| is_obeyed(*c)) {
                let before = text.get(..at).unwrap_or_default().chars().count();
                let around: String =
                    text.chars().skip(before.saturating_sub(40)).take(80).collect();
                return Some(format!("U+{:04X} is shown: {around:?}", u32::from(c)));
            }
        }
        if self.is_refused && self.code == Some(0) {
            return Some("it was refused, and the exit code is 0".to_owned());
        }
        self.faults.first().cloned()
    }
}

/// Whether a terminal, or whoever reads, would obey a character. Told here once more, as this is what is held against the
/// one place that knows it.
fn is_obeyed(c: char) -> bool {
    let obeyed = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{fffe}\u{ffff}";
    c != '\n' && (c.is_control() || obeyed.contains(c))
}

/// What becomes of an input.
pub type Open = Box<dyn FnMut(&[u8]) -> Opened + Send>;

/// A way in.
pub struct Door {
    /// Its name.
    pub name: &'static str,
    /// What comes in.
    pub grammar: Grammar,
    /// What becomes of it.
    pub open: Open,
}

/// How much is searched.
#[derive(Debug, Clone)]
pub struct Search {
    /// The seed of the first input; those of the others follow it.
    pub seed: u64,
    /// How many inputs.
    pub count: u64,
    /// How long one may take. One that takes longer hangs.
    pub limit: Duration,
    /// A file that has the seed of the input that is at the door: all that is left of it where the process is ended with it,
    /// as by a stack that has overflowed.
    pub mark: Option<PathBuf>,
}

/// An input that a door does not withstand.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The door.
    pub door: &'static str,
    /// The input's seed.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// The input.
    pub input: Vec<u8>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { door, seed, what, input } = self;
        let begin = input.get(..400).unwrap_or(input).escape_ascii();
        let length = input.len();
        write!(
            f,
            "{door}: {what}\n  again: PGDRILL_HOSTILE_SEED={seed} PGDRILL_HOSTILE_COUNT=1\n  input ({length} bytes): {begin}"
        )
    }
}

/// What a search saw.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    /// How many inputs were refused.
    pub refused: u64,
    /// How many were taken.
    pub taken: u64,
    /// What a door does not withstand.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { refused, taken, findings } = self;
        write!(f, "{taken} taken, {refused} refused, {} findings", findings.len())?;
        findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

/// Hands a door one input after another. It ends with the first that hangs, as nothing comes through any more.
#[must_use]
pub fn search(door: Door, search: &Search) -> Searched {
    let Door { name, grammar, mut open } = door;
    let (to_door, inputs) = channel::<Vec<u8>>();
    let (from_door, ends) = channel();
    let at_door = move || {
        while let Ok(input) = inputs.recv() {
            let opened = catch_unwind(AssertUnwindSafe(|| open(&input)));
            if from_door.send(opened).is_err() {
                break;
            }
        }
    };
    let mut seen = Searched::default();
    let worker = match std::thread::Builder::new().stack_size(STACK).spawn(at_door) {
        Ok(worker) => worker,
        Err(why) => {
            let what = format!("there is no thread for it: {why}");
            seen.findings.push(Finding { door: name, seed: search.seed, what, input: Vec::new() });
            return seen;
        }
    };
    for seed in (0..search.count).map(|number| search.seed.wrapping_add(number)) {
        if let Some(mark) = &search.mark {
            // Only whoever looks for the end of the process needs it.
            let _ = std::fs::write(mark, seed.to_string());
        }
        let input = grammar.input(seed);
        let finding = |what| Finding { door: name, seed, what, input: input.clone() };
        // A worker that is gone is told by the next line.
        let _ = to_door.send(input.clone());
        let found = match ends.recv_timeout(search.limit) {
            Ok(Ok(opened)) => {
                let count = if opened.is_refused { &mut seen.refused } else { &mut seen.taken };
                *count += 1;
                opened.wrong().map(finding)
            }
            Ok(Err(panic)) => Some(finding(format!("panic: {}", words(&*panic)))),
            Err(RecvTimeoutError::Timeout) => {
                seen.findings.push(finding(format!("it hangs: no end after {:?}", search.limit)));
                return seen;
            }
            Err(RecvTimeoutError::Disconnected) => Some(finding("the thread ended".to_owned())),
        };
        seen.findings.extend(found);
        if seen.findings.len() >= MOST {
            break;
        }
    }
    drop(to_door);
    // It has ended, as nothing is to come; a panic was caught.
    let _ = worker.join();
    seen
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
