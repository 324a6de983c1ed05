//! Every word that a scenario file may hold: read from the file's schema, so that the two agree by construction.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value;

mod unwritten;

use self::unwritten::{LACKING, OF_PATHS};
use crate::{
    corpus::corpus,
    law::Law,
    names::Named as _,
    schema::schema_value,
    snapshot::goes_by,
    yaml::{documents_from_bytes, from_document},
};

/// One word of the scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What kind of word it is.
    pub kind: &'static str,
    /// The word.
    pub name: String,
    /// What it means, in one line.
    pub about: String,
    /// How it is written.
    pub form: String,
    /// Its values, if it has a few of its own, each with what it means.
    pub values: Vec<(String, String)>,
    /// A case that comes with pgdrill and shows it, if there is one.
    pub case: Option<String>,
}

/// What kind of word each part of the schema lists: its title, where the part is, and what stands before and after a word of it.
const PARTS: &[(&str, &str, [&str; 2])] = &[
    ("key of a scenario", "", NOTHING),
    ("key of `given`", "/$defs/Given", NOTHING),
    ("key of `given.s3` and `s3-settings`", "/$defs/S3Given", NOTHING),
    ("key of a step under `fire`", "/$defs/FireStep", NOTHING),
    ("moment under `meanwhile`", "/$defs/Meanwhile", NOTHING),
    ("expectation under `then`", "/$defs/Then", NOTHING),
    (CHANGE, "/$defs/Change", ["do: ", ""]),
    ("hook", "/$defs/Hook", ["hook: ", ""]),
    ("outcome", "/$defs/Outcome", ["outcome: ", ""]),
    ("status", "/$defs/StatusName", ["statuses: { 0: ", " }"]),
    ("shape of a chart", "/$defs/Shape", ["at: ", ""]),
    ("call of a port", "/$defs/Call", ["lost: ", ""]),
    ("law", "/$defs/Law", ["damage: [", "]"]),
    ("amendment", "/$defs/Amendment", ["without: [", "]"]),
];

/// The kind of changes.
const CHANGE: &str = "change under `do`";
const NOTHING: [&str; 2] = ["", ""];

/// Parts of the schema that are named in a form instead of being written out.
const NAMED: &[(&str, &str)] = &[
    ("Given", "{ … }"),
    ("S3Given", "{ … }"),
    ("Then", "{ … }"),
    ("FireStep", "STEP"),
    ("Meanwhile", "MOMENT"),
    ("Change", "CHANGE"),
    ("Hook", "HOOK"),
    ("Outcome", "OUTCOME"),
    ("StatusName", "STATUS"),
    ("StatusKind", "STATUS"),
    ("Shape", "SHAPE"),
    ("ChartShape", "HOOK/SHAPE"),
    ("Call", "CALL"),
    ("Law", "LAW"),
    ("Damage", "LAW"),
    ("Amendment", "AMENDMENT"),
    ("KnownDamage", "{ law: LAW, because: TEXT }"),
];

/// Every word, part by part.
#[must_use]
pub fn words() -> Vec<Word> {
    let schema = schema_value();
    let schema = Schema(&schema);
    let shown = Shown::of(&schema);
    let mut words = Vec::new();
    for &(kind, part, [before, after]) in PARTS {
        for member in schema.members(part) {
            let pointer = format!("{part}{}", member.below);
            let case = shown.case(kind, &member.name, &pointer);
            let mut about = one_line(member.node);
            if let Some(law) = Law::from_name(&member.name).filter(|_| kind == "law") {
                let _ = write!(about, " Judged {}.", law.judged_at().name());
            }
            let mut form = schema.member_form(&member);
            if member.value.is_some() && !before.is_empty() {
                form = format!("{{ {form} }}");
            }
            let form = format!("{before}{form}{after}");
            let values = schema.values(&member);
            words.push(Word { kind, name: member.name, about, form, values, case });
        }
    }
    let of_path = |&(name, form, about): &(&str, &str, &str)| Word {
        kind: "word of a path",
        name: name.to_owned(),
        about: about.to_owned(),
        form: form.to_owned(),
        values: Vec::new(),
        case: None,
    };
    words.extend(OF_PATHS.iter().map(of_path));
    words
}

/// Whether a change is called so.
pub(crate) fn is_change(name: &str) -> bool {
    let changes = PARTS.iter().filter(|(kind, ..)| *kind == CHANGE);
    let schema = schema_value();
    let members = |part| Schema(&schema).members(part);
    changes.flat_map(|(_, part, _)| members(part)).any(|member| member.name == name)
}

/// What people call a thing that the file calls otherwise: how their word begins, and the file's.
const SYNONYMS: &[(&str, &str)] = &[
    ("failover", "primary-moves-to"),
    ("switchover", "primary-moves-to"),
    ("leadership", "leader"),
    ("certificate", "tls"),
    ("outage", "s3-server"),
    ("crash", "process-dies"),
    ("partition", "cut-off"),
    ("concurrent", "same time"),
    ("parallel", "same time"),
    ("simultaneous", "same time"),
    ("timestamp", "point in time"),
    ("target", "point in time"),
    ("restore-to-time", "point in time"),
];

/// Whether a text in lower case holds what is looked for, or what the file calls it.
fn holds(all: &str, text: &str) -> bool {
    let is_meant = |(said, meant): &(&str, &str)| text.starts_with(said) && all.contains(meant);
    all.contains(text) || SYNONYMS.iter().any(is_meant)
}

/// The words in which each of these texts occurs, in whatever case: in the word, its kind, or what it means. A word that people
/// use for another stands for that one, too.
#[must_use]
pub fn find<'a>(words: &'a [Word], texts: &[String]) -> Vec<&'a Word> {
    let texts = folded(texts);
    let has_all = |word: &&Word| {
        let mut all = format!("{} {} {} {}", word.kind, word.name, word.about, word.form);
        word.values.iter().for_each(|(value, about)| all.push_str(&format!(" {value} {about}")));
        let all = all.to_lowercase();
        texts.iter().all(|text| holds(&all, text))
    };
    words.iter().filter(has_all).collect()
}

/// What the vocabulary lacks and these texts ask for: its name, and what there is instead.
#[must_use]
pub fn lacking(texts: &[String]) -> Vec<(&'static str, &'static str)> {
    let texts = folded(texts);
    let has_all = |(name, about): &&(&str, &str)| {
        let all = format!("{name} {about}").to_lowercase();
        texts.iter().all(|text| holds(&all, text))
    };
    LACKING.iter().filter(has_all).copied().collect()
}

fn folded(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect()
}

/// A member of a part: a key, or one of several alternatives.
struct Member<'a> {
    name: String,
    /// Where it is below its part.
    below: String,
    node: &'a Value,
    /// Whether it stands as `name: value`.
    value: Option<&'a Value>,
}

/// The schema, looked at.
#[derive(Clone, Copy)]
struct Schema<'a>(&'a Value);

impl<'a> Schema<'a> {
    fn at(self, pointer: &str) -> &'a Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// What a node refers to: the name of a part, and the part.
    fn referred(self, node: &Value) -> Option<(&str, &'a Value)> {
        let name = node.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        Some((name, self.at(&format!("/$defs/{name}"))))
    }

    /// The node itself, or the one to which it refers, with its pointer.
    fn follow(self, node: &'a Value, pointer: &str) -> (&'a Value, String) {
        match self.referred(node) {
            Some((name, part)) => (part, format!("/$defs/{name}")),
            None => (node, pointer.to_owned()),
        }
    }

    fn members(self, part: &str) -> Vec<Member<'a>> {
        let node = self.at(part);
        if let Some(alternatives) = node.get("oneOf").filter(|_| node.get("properties").is_none()) {
            let alternatives = alternatives.as_array().into_iter().flatten().enumerate();
            let member = |(index, node): (usize, &'a Value)| {
                let below = format!("/oneOf/{index}");
                if let Some(name) = node.get("const").and_then(Value::as_str) {
                    return Some(Member { name: name.to_owned(), below, node, value: None });
                }
                let (name, value) = node.get("properties")?.as_object()?.iter().next()?;
                Some(Member { name: name.clone(), below, node, value: Some(value) })
            };
            return alternatives.filter_map(member).collect();
        }
        let properties = node.get("properties").and_then(Value::as_object).into_iter().flatten();
        let member = |(name, node): (&String, &'a Value)| Member {
            name: name.clone(),
            below: format!("/properties/{name}"),
            node,
            value: Some(node),
        };
        properties.map(member).collect()
    }

    fn member_form(self, member: &Member<'_>) -> String {
        match member.value {
            None => member.name.clone(),
            Some(value) => format!("{}: {}", member.name, self.form(value)),
        }
    }

    /// How a value is written.
    fn form(self, node: &Value) -> String {
        if let Some((name, part)) = self.referred(node) {
            let named = NAMED.iter().find(|(part, _)| *part == name);
            return named.map_or_else(|| self.form(part), |(_, form)| (*form).to_owned());
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(alternatives) = node.get(key).and_then(Value::as_array) {
                let is_said = |it: &&Value| it.get("type").and_then(Value::as_str) != Some("null");
                let forms: Vec<String> =
                    alternatives.iter().filter(is_said).map(|it| self.form(it)).collect();
                return forms.join(" | ");
            }
        }
        if let Some(word) = node.get("const") {
            return word.as_str().map_or_else(|| word.to_string(), str::to_owned);
        }
        if let Some(properties) = node.get("properties").and_then(Value::as_object) {
            let keys = properties.iter().map(|(key, value)| format!("{key}: {}", self.form(value)));
            return format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "));
        }
        let types = node.get("type");
        // A text may also be written as a number is, and what may be left out as `null`.
        let one = types.and_then(Value::as_str).or_else(|| types?.get(0)?.as_str());
        match one {
            Some("array") => format!("[ {}, … ]", self.form(node.get("items").unwrap_or(node))),
            Some("integer") => "N".to_owned(),
            Some("boolean") => "true | false".to_owned(),
            Some("object") => {
                let patterns = node.get("patternProperties").and_then(Value::as_object);
                match (patterns.and_then(|it| it.values().next()), node.get("additionalProperties"))
                {
                    (Some(value), _) => format!("{{ UNIT: {}, … }}", self.form(value)),
                    (None, Some(value)) => format!("{{ KEY: {}, … }}", self.form(value)),
                    (None, None) => "{ … }".to_owned(),
                }
            }
            Some(_) | None => "TEXT".to_owned(),
        }
    }

    /// The values that a member may have, where they are words of its own.
    fn values(self, member: &Member<'_>) -> Vec<(String, String)> {
        let mut values = Vec::new();
        if let Some(value) = member.value {
            self.collect_values(value, "", &mut values);
        }
        values
    }

    /// `key` is what stands before a value where several keys have values.
    fn collect_values(self, node: &Value, key: &str, values: &mut Vec<(String, String)>) {
        if let Some((name, part)) = self.referred(node) {
            if NAMED.iter().all(|(part, _)| *part != name) {
                self.collect_values(part, key, values);
            }
            return;
        }
        if let Some(word) = node.get("const").and_then(Value::as_str) {
            values.push((format!("{key}{word}"), one_line(node)));
        }
        for several in ["oneOf", "anyOf"] {
            let alternatives = node.get(several).and_then(Value::as_array).into_iter().flatten();
            alternatives.for_each(|alternative| self.collect_values(alternative, key, values));
        }
        let properties = node.get("properties").and_then(Value::as_object);
        for (name, value) in properties.into_iter().flatten() {
            self.collect_values(value, &format!("{name}: "), values);
        }
        let by_unit = node.get("patternProperties").and_then(Value::as_object);
        by_unit
            .into_iter()
            .flatten()
            .for_each(|(_, value)| self.collect_values(value, key, values));
        for below in ["items", "additionalProperties"] {
            node.get(below).into_iter().for_each(|value| self.collect_values(value, key, values));
        }
    }

    /// Notes every part of the schema that a value makes use of.
    fn visit(self, node: &'a Value, pointer: &str, value: &Value, seen: &mut BTreeSet<String>) {
        let (node, pointer) = self.follow(node, pointer);
        for key in ["oneOf", "anyOf"] {
            let alternatives = node.get(key).and_then(Value::as_array).into_iter().flatten();
            for (index, alternative) in alternatives.enumerate() {
                if self.fits(alternative, value) {
                    let below = format!("{pointer}/{key}/{index}");
                    seen.insert(below.clone());
                    self.visit(alternative, &below, value, seen);
                }
            }
        }
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    let own = node.get("properties").and_then(|it| it.get(key));
                    let others = node.get("patternProperties").and_then(Value::as_object);
                    let other = others.and_then(|it| it.values().next());
                    let other = other.or_else(|| node.get("additionalProperties"));
                    let below = format!("{pointer}/properties/{key}");
                    if own.is_some() {
                        seen.insert(below.clone());
                    }
                    if let Some(node) = own.or(other) {
                        self.visit(node, &below, value, seen);
                    }
                }
            }
            Value::Array(items) => {
                let below = format!("{pointer}/items");
                let node = node.get("items").unwrap_or(&Value::Null);
                items.iter().for_each(|item| self.visit(node, &below, item, seen));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whether a value is written as this alternative is.
    fn fits(self, node: &'a Value, value: &Value) -> bool {
        let (node, _) = self.follow(node, "");
        if let Some(word) = node.get("const") {
            return word == value;
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(alternatives) = node.get(key).and_then(Value::as_array) {
                return alternatives.iter().any(|alternative| self.fits(alternative, value));
            }
        }
        match (node.get("properties").and_then(Value::as_object), value) {
            (Some(properties), Value::Object(entries)) => {
                entries.keys().all(|key| properties.contains_key(key))
            }
            (Some(_), _) => false,
            (None, _) => node.get("type").is_some(),
        }
    }
}

/// What a part of the schema means, on one line.
fn one_line(node: &Value) -> String {
    let about = node.get("description").and_then(Value::as_str).unwrap_or_default();
    about.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A case, and the words that it shows.
struct Case {
    name: String,
    /// The parts of the schema that its file makes use of.
    parts: BTreeSet<String>,
    transcript: String,
}

impl Case {
    /// Whether a firing got to this shape.
    fn visits(&self, shape: &str) -> bool {
        let is_of_shape = |line: &str| {
            let rest = line.strip_prefix("   ").and_then(|line| line.strip_prefix(shape));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
        };
        self.transcript.lines().any(is_of_shape)
    }
}

/// Which words each case shows.
struct Shown {
    /// The cases, the shortest first.
    cases: Vec<Case>,
}

impl Shown {
    fn of(schema: &Schema<'_>) -> Self {
        let mut cases: Vec<(usize, Case)> = Vec::new();
        for (name, content, snapshot) in corpus().files {
            let mut documents = documents_from_bytes(&content, &name).into_iter().flatten();
            // In a file of several a case is known by its number, too.
            let (Some(document), None) = (documents.next(), documents.next()) else { continue };
            let Ok(value) = from_document::<Value>(&document) else { continue };
            let mut parts = BTreeSet::new();
            schema.visit(schema.0, "", &value, &mut parts);
            let name = name.trim_end_matches(".yaml").to_owned();
            let transcript = String::from_utf8_lossy(&snapshot.unwrap_or_default()).into_owned();
            cases.push((content.len(), Case { name, parts, transcript }));
        }
        // Those of one length stay in the order of their names.
        cases.sort_by_key(|(length, _)| *length);
        Self { cases: cases.into_iter().map(|(_, case)| case).collect() }
    }

    /// The shortest case that shows a word.
    fn case(&self, kind: &str, name: &str, pointer: &str) -> Option<String> {
        let in_file = |case: &&Case| case.parts.contains(pointer);
        let first = match kind {
            "law" => {
                let (breaks, _) = Law::from_name(name)?.cases();
                return Some(breaks.to_owned()).filter(|case| !case.is_empty());
            }
            "amendment" => {
                // A case may switch off another, too, so that its own damage shows.
                let own = format!("amendments/{name}-off");
                let amended = || self.cases.iter().find(|case| goes_by(&case.transcript, name));
                let of_file = || self.cases.iter().find(in_file);
                self.cases.iter().find(|case| case.name == own).or_else(of_file).or_else(amended)
            }
            "shape of a chart" => self.cases.iter().find(|case| case.visits(name)),
            _ => self.cases.iter().find(in_file),
        };
        first.map(|case| case.name.clone())
    }
}
