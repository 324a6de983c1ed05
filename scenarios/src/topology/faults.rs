//! The faults that are in force, in the words of whoever caused them.

use pgdrill_sim::Change;
use serde::{Deserialize, Serialize};

/// The faults in force, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultsInForce(Vec<FaultInForce>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FaultInForce {
    /// What it is about: a later change of the same takes its place.
    about: String,
    words: String,
}

impl FaultsInForce {
    /// Notes a change that came about.
    pub fn note(&mut self, change: &Change, words: &str) {
        let about = match (change, change.unit()) {
            (Change::PrimaryMovesTo(_), _) => Change::PrimaryIsLost.name().to_owned(),
            (Change::Service(set), _) => format!("{} {} {:?}", change.name(), set.unit, set.name),
            (_, Some(unit)) => format!("{} {unit}", change.name()),
            (_, None) => change.name().to_owned(),
        };
        self.0.retain(|fault| fault.about != about);
        if change.is_fault() {
            self.0.push(FaultInForce { about, words: words.trim().to_owned() });
        }
    }

    /// None is in force.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Each in the words of whoever caused it.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|fault| fault.words.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::read_change;

    #[test]
    fn a_fault_is_in_force_until_what_it_is_about_is_right_again() {
        let mut faults = FaultsInForce::default();
        for (words, in_force) in [
            ("s3-server: down", &["s3-server: down"][..]),
            ("primary-moves-to: 1", &["s3-server: down"]),
            (
                "member: { unit: 1, is: killed }",
                &["s3-server: down", "member: { unit: 1, is: killed }"],
            ),
            ("s3-server: hangs", &["member: { unit: 1, is: killed }", "s3-server: hangs"]),
            (
                "member: { unit: 0, is: running }",
                &["member: { unit: 1, is: killed }", "s3-server: hangs"],
            ),
            ("member: { unit: 1, is: running }", &["s3-server: hangs"]),
            ("primary-is-lost", &["s3-server: hangs", "primary-is-lost"]),
            ("s3-server: up", &["primary-is-lost"]),
            ("primary-moves-to: 0", &[]),
        ] {
            let (_, change) = read_change(words, "<change>").expect(words);
            faults.note(&change, words);
            assert_eq!(faults.words(), in_force, "{words}");
        }
    }
}
