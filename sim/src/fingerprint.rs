//! What of a world decides its future, as a number.

use crate::world::World;

mod walk;

/// The length of a time in a label, as `20260101-000000`.
const LABEL: usize = 15;
/// The length of a time in words, as `2026-01-01T00:00:00`.
const WORDS: usize = 19;

/// A stream of what is to be fingerprinted. Times count by their order and clusters by when they are first named: what is
/// earlier or another stays so, whatever the clock shows.
#[derive(Debug)]
pub struct Fingerprinter<'t> {
    /// While times are collected; afterwards they are known, in order.
    collects: bool,
    times: &'t mut Vec<i64>,
    systems: Vec<u64>,
    hash: (u64, u64),
}

impl<'t> Fingerprinter<'t> {
    fn new(times: &'t mut Vec<i64>, collects: bool) -> Self {
        Self {
            collects,
            times,
            systems: Vec::new(),
            hash: (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344),
        }
    }

    /// A number, as it is.
    pub fn number(&mut self, number: u64) {
        if self.collects {
            return;
        }
        let (one, other) = self.hash;
        let one = (one.rotate_left(29) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let wide = u128::from(other ^ number ^ 0xa076_1d64_78bd_642f)
            * u128::from(0xe703_7ed1_a0b4_28db_u64 ^ one);
        self.hash = (one, (wide as u64) ^ ((wide >> 64) as u64));
    }

    /// Whether something is so.
    pub fn flag(&mut self, is_so: bool) {
        self.number(u64::from(is_so));
    }

    /// A text without a time in it.
    pub fn plain(&mut self, text: &str) {
        if self.collects {
            return;
        }
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.number(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            self.number(rest.iter().fold(1, |number, byte| (number << 8) | u64::from(*byte)));
        }
    }

    /// A text; each time in it counts by its order among all times.
    pub fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let (mut from, mut at) = (0, 0);
        if !self.collects {
            self.number(0x7465_7874);
        }
        while let Some(rest) = bytes.get(at..) {
            if rest.len() < LABEL {
                break;
            }
            let Some((time, length)) = time(rest) else {
                at += 1;
                continue;
            };
            if self.collects {
                self.times.push(time);
            } else {
                self.bytes(bytes.get(from..at).unwrap_or_default());
                let rank = self.times.binary_search(&time).unwrap_or(usize::MAX);
                self.number(0x7469_6d65);
                self.number(rank as u64);
            }
            at += length;
            from = at;
        }
        if !self.collects {
            self.bytes(bytes.get(from..).unwrap_or_default());
            self.number(text.len() as u64);
        }
    }

    /// A text that may not be there.
    pub fn option(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        text.into_iter().for_each(|text| self.text(text));
    }

    /// A text without a time in it that may not be there.
    pub(crate) fn plain_option(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        text.into_iter().for_each(|text| self.plain(text));
    }

    /// Only the times of a text.
    fn times_of(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= LABEL) {
            match time(rest).filter(|(_, length)| *length == LABEL) {
                None => at += 1,
                Some((time, length)) => {
                    if let (false, Ok(rank)) = (self.collects, self.times.binary_search(&time)) {
                        self.number(rank as u64);
                    }
                    at += length;
                }
            }
        }
    }

    /// The identifier of a cluster.
    pub fn system(&mut self, id: u64) {
        let known = self.systems.iter().position(|known| *known == id);
        let number = known.unwrap_or_else(|| {
            self.systems.push(id);
            self.systems.len() - 1
        });
        self.number(number as u64);
    }
}

/// The time that a text begins with, in seconds, and how long it is there.
fn time(text: &[u8]) -> Option<(i64, usize)> {
    if !text.starts_with(b"20") {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.iter().all(u8::is_ascii_digit).then(|| {
            digits.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'))
        })
    };
    let seconds = |date: (i64, i64, i64), clock: (i64, i64, i64)| {
        days(date) * 86_400 + clock.0 * 3_600 + clock.1 * 60 + clock.2
    };
    if text.get(8) == Some(&b'-') && number(0, 8).is_some() {
        let date = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
        return Some((seconds(date, (number(9, 11)?, number(11, 13)?, number(13, 15)?)), LABEL));
    }
    let is_written = |at: &(usize, u8)| text.get(at.0) == Some(&at.1);
    let separated = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')].iter().all(is_written);
    if !separated || !matches!(text.get(10), Some(b'T' | b' ')) {
        return None;
    }
    let date = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    Some((seconds(date, (number(11, 13)?, number(14, 16)?, number(17, 19)?)), WORDS))
}

/// The days from 1970 to a date.
fn days((year, month, day): (i64, i64, i64)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl World {
    /// A number that two worlds share if nothing that can happen tells them apart: what was does not count. Deadlines
    /// count by their distance from now; times in names and texts by their order, by whether the newest is past, and by how far
    /// into a second it is now; clusters by where they are. `more` adds what somebody remembers of what was.
    #[must_use]
    pub fn fingerprint(&self, more: impl Fn(&mut Fingerprinter<'_>)) -> u128 {
        let mut times = Vec::with_capacity(16);
        let mut collecting = Fingerprinter::new(&mut times, true);
        self.walk(&mut collecting);
        more(&mut collecting);
        times.sort_unstable();
        times.dedup();
        // What comes now can't bear the name of something of an earlier second.
        let newest = times.last().map_or(i64::MAX, |newest| self.now.div_euclid(1000) - newest);
        let mut print = Fingerprinter::new(&mut times, false);
        print.number(newest.clamp(-1, 1).unsigned_abs() + u64::from(newest < 0));
        self.walk(&mut print);
        more(&mut print);
        let (one, other) = print.hash;
        u128::from(one) << 64 | u128::from(other)
    }

    /// Whether a unit is there and refuses new connections.
    #[must_use]
    pub fn refuses_connections(&self, unit: u32) -> bool {
        self.unit(unit).is_some_and(|unit| !unit.accepts_connections)
    }

    /// Forgets the statuses that units have shown but for the present ones.
    pub fn forget_statuses(&mut self) {
        for unit in &mut self.juju.units {
            if unit.history.len() > 1 {
                unit.history = vec![unit.status()].into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pgdrill_core::{Status, StatusName};

    use super::*;
    use crate::{
        BackupGiven, Change, DcsState, Given, S3Given, S3ServerState, SetLock, StanzaGiven,
        change::LockState,
    };

    fn world(backups: &[BackupGiven]) -> World {
        World::new(&Given {
            units: 2,
            s3: Some(S3Given::default()),
            stanza: StanzaGiven::Initialised,
            backups: backups.to_vec(),
            ..Given::default()
        })
    }

    fn print(world: &World) -> u128 {
        world.fingerprint(|_| {})
    }

    #[test]
    fn what_was_and_when_it_was_make_no_difference() {
        let whole = world(&[BackupGiven::Full]);
        let mut later = whole.clone();
        later.advance(Duration::from_secs(300));
        later.juju.units[0].history.push(Status::new(StatusName::Waiting, "x"));
        later.juju.units[0].history.push(whole.juju.units[0].status());
        assert_eq!(print(&later), print(&whole));
        later.forget_statuses();
        assert_eq!(later.juju.units[0].history.len(), 1);
        assert_eq!(print(&later), print(&whole));
        // A restore of the same backup, a year later.
        let (mut one, mut other) = (whole, later);
        for world in [&mut one, &mut other] {
            world.units[0].restored_from = Some("20260101-000000F".into());
        }
        assert_eq!(print(&one), print(&other));
    }

    #[test]
    fn what_decides_something_makes_a_difference() {
        let whole = world(&[BackupGiven::Full, BackupGiven::Full]);
        let mut prints = vec![print(&whole), print(&world(&[BackupGiven::Full]))];
        let unit = 1;
        for change in [
            Change::PrimaryMovesTo(1),
            Change::LeaderMovesTo(1),
            Change::S3Server(S3ServerState::Down),
            Change::Dcs(DcsState::Down),
            Change::Lock(SetLock { unit, is: LockState::Held }),
            Change::ArchiveDelay(3),
            Change::S3Settings(S3Given { path: Some("/other".into()), ..S3Given::default() }),
            Change::ScaleTo(3),
        ] {
            let mut other = whole.clone();
            other.apply(&change);
            prints.push(print(&other));
        }
        for label in whole.backups().iter().map(|backup| backup.label.as_str()) {
            let mut other = whole.clone();
            other.units[0].restored_from = Some(label.into());
            prints.push(print(&other));
        }
        let mut later = whole.clone();
        later.advance(Duration::from_millis(1));
        prints.push(print(&later));
        prints.push(whole.fingerprint(|to| to.flag(true)));
        let count = prints.len();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), count);
    }

    #[test]
    fn times_are_found_in_texts() {
        let of = |text: &str| time(text.as_bytes()).map(|(time, _)| time);
        assert_eq!(of("20260101-000000F"), Some(1_767_225_600));
        assert_eq!(of("2026-01-01T00:00:00Z"), Some(1_767_225_600));
        assert_eq!(of("2024-02-29 23:59:59.000"), Some(1_709_251_199));
        for text in ["2026", "20260101", "2026-01-01", "x20260101-000000", "20260101_000000F"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
