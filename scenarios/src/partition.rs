//! A part of a run or of a search, so that several machines can share one.

use std::{fmt, str::FromStr};

/// One of several parts into which work is divided, counted from 1. Together the parts are the whole, and no two of them have
/// anything in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    number: u64,
    of: u64,
}

impl Partition {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Part `number` of `of`; `None` where there is no such part.
    #[must_use]
    pub const fn new(number: u64, of: u64) -> Option<Self> {
        if number == 0 || number > of { None } else { Some(Self { number, of }) }
    }

    /// Which part it is, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many parts there are.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of
    }

    /// Whether the piece of work with this index, from 0, is in it.
    #[must_use]
    pub const fn has(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }

    /// The index, among all pieces of work, of this one among its own. `None`: there are not so many.
    #[must_use]
    pub fn index(self, own: u64) -> Option<u64> {
        own.checked_mul(self.of)?.checked_add(self.number - 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Partition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, of) = text.split_once('/').ok_or("a part is written `K/N`, as `1/4`")?;
        let whole = |text: &str| text.parse().map_err(|_| "K and N are whole numbers, as in `1/4`");
        let most = "K is 1 to N, so that `1/4` to `4/4` are the parts of four";
        Self::new(whole(number)?, whole(of)?).ok_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_of_work_is_in_one_part() {
        for of in 1..7 {
            let parts: Vec<_> = (1..=of).filter_map(|number| Partition::new(number, of)).collect();
            for index in 0..40 {
                let holders = parts.iter().filter(|part| part.has(index));
                assert_eq!(holders.count(), 1, "{index} of {of}");
            }
            for part in parts {
                let own: Vec<u64> = (0..5).filter_map(|own| part.index(own)).collect();
                let of_all: Vec<u64> = (0..5 * of).filter(|index| part.has(*index)).collect();
                assert_eq!(own, of_all);
                assert_eq!(part.to_string().parse(), Ok(part));
            }
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "1", "0/4", "5/4", "1/0", "a/4", "1/-1", "1/4/2"] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
