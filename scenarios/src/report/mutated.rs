//! What came of mutants, for people.

use std::collections::{BTreeMap, BTreeSet};

use pgdrill_core::{Hook, Shape};
use pgdrill_flow::{counted, shown};

use super::{Painter, table::table};
use crate::{
    law::Law,
    mutate::{
        Case, Difference, End, Judges, Mutant, Mutation, Noticed, Tested, Unmutated, arrow_text,
    },
};

/// All that was tested, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Mutated<'a> {
    /// The cases.
    pub cases: &'a [Case],
    /// What came of each mutant.
    pub tested: &'a [Tested],
    /// The dotted arrows for which there is no mutant.
    pub none: &'a [Unmutated],
    /// Who may notice one.
    pub judges: Judges,
    /// How many histories were tried.
    pub histories: usize,
}

/// How the columns of the table are headed, in the order of [`ENDS`].
const HEAD: [&str; 10] = [
    "chart",
    "mutants",
    "law",
    "then",
    "snapshot",
    "explorer",
    "survived",
    "equivalent",
    "no coverage",
    "",
];
/// The ends of mutants, in the order of the table.
const ENDS: [End; 7] = [
    End::Law,
    End::Then,
    End::Snapshot,
    End::Explorer,
    End::Survived,
    End::Equivalent,
    End::NoCoverage,
];

impl Mutated<'_> {
    fn count(&self, end: End) -> usize {
        self.tested.iter().filter(|tested| tested.end(self.judges) == end).count()
    }

    /// Whether every mutant was noticed to whose place some case gets.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.count(End::Survived) == 0
    }

    /// Whether every mutant was noticed that is not equivalent.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.agrees() && self.count(End::NoCoverage) == 0
    }

    /// How many are not equivalent, how many of these no case breaks a law with, of how many of those no history does, and of
    /// how many of these only the way is another one.
    fn unlawful(&self) -> [usize; 4] {
        let laws = Judges { then: false, snapshots: false };
        let ends: Vec<End> = self.tested.iter().map(|tested| tested.end(laws)).collect();
        let of = |wanted: &[End]| ends.iter().filter(|end| wanted.contains(end)).count();
        let left = of(&[End::Survived, End::NoCoverage]);
        let by_cases = left + of(&[End::Explorer]);
        let ways = self.tested.iter().zip(&ends).filter(|(tested, end)| {
            **end == End::Survived && tested.difference == Difference::Trace
        });
        [self.tested.len() - of(&[End::Equivalent]), by_cases, left, ways.count()]
    }

    /// How many nothing is against but that an action fails, or a unit is Blocked, without a text.
    fn only_silent(&self) -> usize {
        let is_silent = |it: &&Tested| {
            !it.laws.is_empty() && it.laws.iter().all(|(law, _)| *law == Law::Silent)
        };
        self.tested.iter().filter(is_silent).count()
    }
}

/// A table of the charts, every mutant that nobody noticed, and the counts as the last lines.
#[must_use]
pub fn mutated_text(mutated: &Mutated<'_>) -> String {
    let Mutated { tested, none, judges, .. } = *mutated;
    let mut out = per_chart(mutated);
    for one in tested.iter().filter(|one| one.end(judges) == End::Survived) {
        let head = Painter::bad("survived");
        let same = match one.difference {
            Difference::Trace => ", and comes to the same end",
            Difference::None | Difference::World => "",
        };
        out.push_str(&format!("{head}: {}{same}\n", shown(&one.mutant.to_string())));
        out.push_str(&format!("    {}\n", advice(one, mutated)));
    }
    let unreached = tested.iter().filter(|one| one.end(judges) == End::NoCoverage);
    let unreached: Vec<String> = unreached.map(|one| one.mutant.place()).collect();
    if !unreached.is_empty() {
        let head = Painter::bad("no case gets to");
        let places: BTreeSet<String> = unreached.into_iter().collect();
        let places: Vec<String> = places.into_iter().collect();
        out.push_str(&format!("{head}: {}\n", shown(&places.join(", "))));
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Unmutated { hook, arrow, why } in none {
        reasons.entry(why).or_default().push(arrow_text(*hook, *arrow));
    }
    for (why, arrows) in reasons {
        let count = counted(arrows.len(), "dotted arrow");
        out.push_str(&format!("not taken for always: {count}: {why}\n"));
    }
    out + &summary(mutated)
}

fn per_chart(mutated: &Mutated<'_>) -> String {
    let mut rows: BTreeMap<Option<Hook>, Vec<&Tested>> = BTreeMap::new();
    for tested in mutated.tested {
        let is_never = matches!(tested.mutant.mutation, Mutation::Never(_));
        let row = (!is_never).then_some(tested.mutant.hook);
        rows.entry(row).or_default().push(tested);
    }
    let row = |name: &str, tested: &[&Tested]| {
        let count = |end| tested.iter().filter(|it| it.end(mutated.judges) == end).count();
        let mut cells = vec![name.to_owned(), tested.len().to_string()];
        cells.extend(ENDS.iter().map(|end| count(*end).to_string()));
        cells.push(String::new());
        cells
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    for (hook, tested) in rows.iter().filter(|(hook, _)| hook.is_some()) {
        lines.push(row(hook.map_or("", Hook::name), tested));
    }
    if let Some(never) = rows.get(&None) {
        lines.push(row("amendment never", never));
    }
    let all: Vec<&Tested> = mutated.tested.iter().collect();
    lines.push(row("all", &all));
    table(&HEAD, &lines, None)
}

/// What would have the mutant noticed.
fn advice(tested: &Tested, mutated: &Mutated<'_>) -> String {
    let names = tested.covered.iter().filter_map(|case| mutated.cases.get(*case));
    let names: Vec<&str> = names.map(|case| case.name.as_str()).collect();
    let unseen = [(&tested.then, "`then`"), (&tested.snapshot, "a snapshot")];
    let unseen: Vec<String> = unseen
        .into_iter()
        .filter_map(|(noticed, who)| {
            let Noticed { by, what } = noticed.as_ref()?;
            let case = mutated.cases.get(usize::try_from(*by).ok()?)?;
            Some(format!("{who} of {} would notice: {}", case.name, line(what)))
        })
        .collect();
    match (unseen.first(), names.first(), tested.difference) {
        (Some(seen), ..) => shown(seen).into_owned(),
        (None, Some(first), Difference::Trace) => {
            format!("have a snapshot of {} hold the way, or remove what nobody needs", shown(first))
        }
        (None, Some(first), Difference::World | Difference::None) => {
            format!("have a case such as {} say what must be true after it", shown(first))
        }
        (None, None, _) => String::new(),
    }
}

/// The first line of a text.
fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn summary(mutated: &Mutated<'_>) -> String {
    let [others, by_cases, left, ways] = mutated.unlawful();
    let part = |count: usize| format!("{count} ({:.1} %)", percent(count, others));
    let walk = mutated.tested.iter().filter(|tested| tested.walk.is_some()).count();
    let silent = mutated.only_silent();
    let mut out = format!(
        "{} on {}: {others} are not equivalent\n",
        counted(mutated.tested.len(), "mutant"),
        counted(mutated.cases.len(), "case"),
    );
    out.push_str(&format!(
        "the laws alone let {} survive in the cases, and {} in {} histories as well, {ways} of which come to the same end\n",
        part(by_cases),
        part(left),
        mutated.histories,
    ));
    out.push_str(&format!(
        "against {silent} of those that a law notices it is `silent` alone; {walk} leave their chart, which counts against none\n"
    ));
    let end = match mutated.count(End::Survived) {
        0 => Painter::good("none survived"),
        survived => Painter::bad(&format!("{} survived", counted(survived, "mutant"))),
    };
    out + &end + "\n"
}

/// How many of a hundred.
fn percent(count: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { count as f64 * 100.0 / of as f64 }
}

/// Where a mutant is in the chart's file: line and column of its beginning, and of its end, each from one.
pub(super) fn place(mutant: &Mutant) -> ((usize, usize), (usize, usize)) {
    place_of(mutant.hook, mutant.arrow(), mutant.shape())
}

/// Where an arrow is drawn, or else where a shape is named first.
pub(super) fn place_of(
    hook: Hook,
    arrow: Option<usize>,
    shape: Option<Shape>,
) -> ((usize, usize), (usize, usize)) {
    let chart = crate::charts::chart(hook);
    let arrow = chart.and_then(|chart| chart.arrows.get(arrow?));
    let node = chart.and_then(|chart| {
        chart.nodes.iter().find(|it| Some(it.id.as_str()) == shape.map(Shape::id))
    });
    let number = arrow.map(|arrow| arrow.line).or(node.map(|node| node.line)).unwrap_or(1);
    let text = hook.chart().lines().nth(number.saturating_sub(1)).unwrap_or_default();
    let whole = text.len() - text.trim_start().len()..text.trim_end().len();
    let word = node.filter(|_| arrow.is_none()).and_then(|node| {
        let is_end =
            |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let mut found = text.match_indices(node.id.as_str()).map(|(at, id)| at..at + id.len());
        found.find(|it| is_end(&text[it.end..]) && (it.start == 0 || is_end(&text[it.start - 1..])))
    });
    let span = word.unwrap_or(whole);
    let column = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count()) + 1;
    ((number, column(span.start)), (number, column(span.end)))
}
