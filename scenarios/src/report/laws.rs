//! The laws for a person, and the damage that is known.

use std::collections::BTreeMap;

use pgdrill_flow::{counted, shown, shown_lines};

use crate::{
    input::Input,
    law::{JudgedAt, Law},
};

/// Every law: when it is judged, its name, its sentence, and the cases that show it.
#[must_use]
pub fn laws() -> String {
    let width = Law::ALL.iter().map(|law| law.name().len()).max().unwrap_or(0);
    let mut out = String::from("A law is broken when …\n");
    for at in [JudgedAt::Firing, JudgedAt::Moment, JudgedAt::Settled] {
        out.push_str(&format!("\n{}\n", at.name()));
        for law in Law::ALL.iter().filter(|law| law.judged_at() == at) {
            out.push_str(&format!("  {:width$}  {}\n", law.name(), law.sentence()));
            let (breaks, nearly) = law.cases();
            for (word, case) in [("broken in", breaks), ("kept in", nearly)] {
                if !case.is_empty() {
                    out.push_str(&format!("  {:width$}    {word} {case}\n", ""));
                }
            }
        }
    }
    out
}

/// The damage that scenarios know of, by its reason: the laws and where they are broken.
#[must_use]
pub fn known(inputs: &[Input]) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for input in inputs {
        let Ok(scenario) = &input.scenario else { continue };
        for known in &scenario.known {
            count += 1;
            let line = format!("{}: {}", shown(&input.name), known.law);
            by_reason.entry(known.because.trim()).or_default().push(line);
        }
    }
    let mut out = String::new();
    for (reason, lines) in &by_reason {
        out.push_str(&format!("{}\n", shown_lines(reason, "    ")));
        lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        out.push('\n');
    }
    out + &format!("{count} known, for {}\n", counted(by_reason.len(), "reason"))
}
