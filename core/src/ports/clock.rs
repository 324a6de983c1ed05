//! The only time a hook may read.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::PortResult;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The calendar date and time of day in UTC, proleptic Gregorian: year, month, day, hour, minute,
    /// second.
    #[must_use]
    pub const fn civil(self) -> (i64, i64, i64, i64, i64, i64) {
        let (days, second) = (self.seconds().div_euclid(86_400), self.seconds().rem_euclid(86_400));
        // Years are counted from 1 March of the year 0, so that a leap day is a year's last.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day, second / 3600, second % 3600 / 60, second % 60)
    }
}

impl Timestamp {
    /// The calendar date and time of day in UTC as digits, with `between` after the year, month, day, hour,
    /// minute and second. Years are shown modulo 10,000. Formatting the numbers one by one would be most of
    /// the cost of a firing in memory.
    #[must_use]
    pub fn spread(self, between: [&str; 6]) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        let year = year.rem_euclid(10_000);
        let mut out = String::with_capacity(28);
        push_pair(&mut out, year / 100);
        for (pair, after) in [year % 100, month, day, hour, minute, second].into_iter().zip(between)
        {
            push_pair(&mut out, pair);
            out.push_str(after);
        }
        out
    }

    /// `20261123-024306`, as the backup tool begins its labels.
    #[must_use]
    pub fn label(self) -> String {
        self.spread(["", "", "-", "", "", ""])
    }

    /// `20261123-024306.117`: what began within the same second is told apart.
    #[must_use]
    pub fn fine_label(self) -> String {
        format!("{}.{:03}", self.label(), self.0.rem_euclid(1000))
    }
}

/// Two digits of a number below 100.
fn push_pair(out: &mut String, pair: i64) {
    let digit = |digit: i64| char::from(b'0' + u8::try_from(digit % 10).unwrap_or(0));
    out.push(digit(pair / 10));
    out.push(digit(pair));
}

impl fmt::Display for Timestamp {
    /// `2026-11-23T02:43:06Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spread(["-", "-", "T", ":", ":", "Z"]))
    }
}

/// Time, as a port: virtual in memory, the system's elsewhere.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now. Never goes back between two calls.
    async fn now(&self) -> Timestamp;

    /// Returns once `pause` has passed on this clock. Virtual clocks move on at once. An error means
    /// that the wait was cut short.
    async fn wait(&self, pause: Duration) -> PortResult<()>;
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_read_as_the_calendar_has_them() {
        // From `date -u -d @SECONDS`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_401_786, "2026-11-23T02:43:06Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp(seconds * 1000).to_string(), text);
        }
    }

    #[test]
    fn a_fine_label_has_the_milliseconds() {
        for (millis, label) in
            [(1_795_401_786_117, "20261123-024306.117"), (-1, "19691231-235959.999")]
        {
            assert_eq!(Timestamp(millis).fine_label(), label);
        }
    }
}
