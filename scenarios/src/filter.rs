//! Which scenarios a filter expression selects.
//!
//! ```text
//! expression = all ( "|" all )*          all = part ( "&" part )*          part = "!" part | "(" expression ")" | atom
//! atom       = TEXT | "=" NAME | "/" REGEX "/" | "hook(" HOOK ")" | "law(" LAW ")" | "amendment(" AMENDMENT ")"
//! ```

use std::{iter::Peekable, str::CharIndices};

use pgdrill_core::{Amendment, Diagnostic, Hook};
use pgdrill_flow::{Tolerance, did_you_mean, nearest_name, shown};
use regex_lite::Regex;

use crate::{input::Input, law::Law, names::Named, scenario::Scenario, snapshot::goes_by};

/// How deep an expression may be nested.
const MAX_DEPTH: usize = 64;
/// How long a regular expression may be, in bytes: what it takes to look for one grows with the square.
const MAX_PATTERN: usize = 500;

/// Selects scenarios.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Those whose name or title contains this text.
    Text(String),
    /// The one of exactly this name or title.
    Is(String),
    /// Those whose name or title this expression matches.
    Matches(Regex),
    /// Those that fire this hook.
    Fires(Hook),
    /// Those that say that this law is broken, and those that show it.
    Breaks(Law),
    /// Those that switch this amendment off, and those whose snapshot goes by it.
    Amended(Amendment),
    /// Those that it does not select.
    Not(Box<Filter>),
    /// Those that all of them select.
    All(Vec<Filter>),
    /// Those that one of them selects.
    Any(Vec<Filter>),
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// It is not one: what, where, and what to do.
    pub fn parse(text: &str) -> Result<Self, Box<Diagnostic>> {
        let mut reader = Reader { text, left: text.char_indices().peekable() };
        let filter = reader.any(0)?;
        match reader.peek() {
            None => Ok(filter),
            Some((at, found)) => {
                let what = format!("`{}` is not expected here", shown(&found.to_string()));
                let hint = "`&` and `|` stand between two parts; put a text with one of `&|()!\"` in quotes, and write a `/` within a regular expression as `\\/`";
                Err(reader.error(at, &what, hint))
            }
        }
    }

    /// The expression that selects what has exactly this name or title.
    #[must_use]
    pub fn is(name: &str) -> String {
        let has_meaning = |c: char| "&|()!\"\\".contains(c);
        if !name.contains(has_meaning) && name.trim() == name {
            return format!("={name}");
        }
        format!("=\"{}\"", name.replace('\\', r"\\").replace('"', "\\\""))
    }

    /// Whether it selects a scenario. One that can't be read is nobody's to select.
    #[must_use]
    pub fn selects(&self, input: &Input) -> bool {
        let Ok(scenario) = &input.scenario else { return false };
        let names = [input.name.as_str(), scenario.scenario.as_str()];
        match self {
            Self::Text(text) => names.iter().any(|name| name.contains(text.as_str())),
            Self::Is(text) => names.contains(&text.as_str()),
            Self::Matches(regex) => names.iter().any(|name| regex.is_match(name)),
            Self::Fires(hook) => {
                scenario.fire.iter().any(|step| step.hook.is_some_and(|name| name.0 == *hook))
            }
            Self::Breaks(law) => breaks(scenario, *law) || law.is_shown_in(&input.name),
            Self::Amended(amendment) => {
                scenario.without.iter().any(|name| name.0 == *amendment)
                    || shows_amended(input, *amendment)
            }
            Self::Not(filter) => !filter.selects(input),
            Self::All(filters) => filters.iter().all(|filter| filter.selects(input)),
            Self::Any(filters) => filters.iter().any(|filter| filter.selects(input)),
        }
    }
}

fn breaks(scenario: &Scenario, law: Law) -> bool {
    let known = scenario.known.iter().map(|known| known.law.law);
    scenario.then.damage.iter().map(|damage| damage.law).chain(known).any(|it| it == law)
}

fn shows_amended(input: &Input, amendment: Amendment) -> bool {
    matches!(&input.snapshot, Ok(Some(snapshot)) if goes_by(&snapshot.content, amendment.name()))
}

struct Reader<'a> {
    text: &'a str,
    left: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    /// The next character that is not a space.
    fn peek(&mut self) -> Option<(usize, char)> {
        while self.left.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        self.left.peek().copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.peek();
        self.left.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn error(&self, at: usize, what: &str, hint: &str) -> Box<Diagnostic> {
        let before = self.text.get(..at).unwrap_or(self.text);
        let column = before.chars().count() + 1;
        Box::new(Diagnostic::error("--filter", what).at(1, column, 1, self.text).hint(hint))
    }

    fn any(&mut self, depth: usize) -> Result<Filter, Box<Diagnostic>> {
        self.joined('|', depth, Self::all, Filter::Any)
    }

    fn all(&mut self, depth: usize) -> Result<Filter, Box<Diagnostic>> {
        self.joined('&', depth, Self::part, Filter::All)
    }

    /// Parts with an operator between two, which many write twice.
    fn joined(
        &mut self,
        operator: char,
        depth: usize,
        part: fn(&mut Self, usize) -> Result<Filter, Box<Diagnostic>>,
        many: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, Box<Diagnostic>> {
        let first = part(self, depth)?;
        if !self.eat(operator) {
            return Ok(first);
        }
        let mut filters = vec![first];
        loop {
            self.eat(operator);
            filters.push(part(self, depth)?);
            if !self.eat(operator) {
                return Ok(many(filters));
            }
        }
    }

    fn part(&mut self, depth: usize) -> Result<Filter, Box<Diagnostic>> {
        let Some((at, first)) = self.peek() else {
            let hint = "write a text, `=name`, `/regex/` or `hook(create-backup)`";
            return Err(self.error(self.text.len(), "something is missing here", hint));
        };
        if depth > MAX_DEPTH {
            return Err(self.error(at, "it is nested too deep", "write it flatter"));
        }
        match first {
            '!' => {
                self.left.next();
                Ok(Filter::Not(Box::new(self.part(depth + 1)?)))
            }
            '(' => {
                self.left.next();
                let filter = self.any(depth + 1)?;
                if self.eat(')') {
                    return Ok(filter);
                }
                Err(self.error(self.text.len(), "`)` is missing", "close what `(` opens"))
            }
            '=' => {
                self.left.next();
                Ok(Filter::Is(self.word(at)?))
            }
            '/' => {
                self.left.next();
                let pattern = self.until('/', at)?;
                if pattern.is_empty() || pattern.len() > MAX_PATTERN {
                    let what = format!("a regular expression has 1 to {MAX_PATTERN} bytes");
                    return Err(self.error(at, &what, "write a shorter one, or a text"));
                }
                let regex = Regex::new(&pattern).map_err(|error| {
                    let what = format!("`{}` is no regular expression: {error}", shown(&pattern));
                    self.error(at, &what, "a text without `/` is taken as it is")
                })?;
                Ok(Filter::Matches(regex))
            }
            _ => self.text_or_call(at),
        }
    }

    fn text_or_call(&mut self, at: usize) -> Result<Filter, Box<Diagnostic>> {
        let is_quoted = self.left.peek().is_some_and(|(_, c)| *c == '"');
        let word = self.word(at)?;
        if is_quoted || !self.eat('(') {
            return Ok(Filter::Text(word));
        }
        let inner = self.peek().map_or(self.text.len(), |(inner, _)| inner);
        let argument = self.until(')', at)?;
        let argument = argument.trim().trim_matches('"');
        match word.as_str() {
            "hook" => self.named(inner, "hook", argument).map(Filter::Fires),
            "law" => self.named(inner, "law", argument).map(Filter::Breaks),
            "amendment" => self.named(inner, "amendment", argument).map(Filter::Amended),
            other => {
                let near = nearest_name(other, ["hook", "law", "amendment"], Tolerance::OneToThree);
                let hint = match near {
                    Some(name) => format!("did you mean `{name}(…)`?"),
                    None => "there are `hook(…)`, `law(…)` and `amendment(…)`; put a text with `(` in quotes".into(),
                };
                Err(self.error(at, &format!("there is no `{}(…)`", shown(other)), &hint))
            }
        }
    }

    fn named<T: Named>(&self, at: usize, kind: &str, name: &str) -> Result<T, Box<Diagnostic>> {
        T::from_name(name).ok_or_else(|| {
            let (names, all) =
                (T::names().iter().copied(), format!("`pgdrill words {kind}` lists them"));
            let hint = did_you_mean(name, names, Tolerance::ThirdOfName, &all);
            self.error(at, &format!("there is no {kind} `{}`", shown(name)), &hint)
        })
    }

    /// A text in quotes, or up to the next character with a meaning, without the spaces around it.
    fn word(&mut self, at: usize) -> Result<String, Box<Diagnostic>> {
        let mut word = String::new();
        if self.eat('"') {
            word = self.until('"', at)?;
            if !word.is_empty() {
                return Ok(word);
            }
        }
        while let Some((_, c)) = self.left.next_if(|(_, c)| !"&|()!\"".contains(*c)) {
            word.push(c);
        }
        let word = word.trim().to_owned();
        if word.is_empty() {
            let hint = "write a text, `=name`, `/regex/` or `hook(create-backup)`";
            return Err(self.error(at, "a text is missing here", hint));
        }
        Ok(word)
    }

    /// What stands before the next such character, which is taken, too. Behind a `\` it is one of the text; in a regular
    /// expression the `\` stays.
    fn until(&mut self, end: char, at: usize) -> Result<String, Box<Diagnostic>> {
        let mut text = String::new();
        let mut is_escaped = false;
        for (_, c) in self.left.by_ref() {
            if c == end && !is_escaped {
                return Ok(text);
            }
            let escapes = end != ')' && c == '\\' && !is_escaped;
            if !escapes || end == '/' {
                text.push(c);
            }
            is_escaped = escapes;
        }
        Err(self.error(at, &format!("`{end}` is missing at the end"), "close it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_corpus;

    fn selected(text: &str) -> Vec<String> {
        let filter = Filter::parse(text).expect("an expression");
        let corpus = read_corpus().into_iter();
        corpus.filter(|input| filter.selects(input)).map(|input| input.name).collect()
    }

    fn refused(text: &str) -> (usize, String, String) {
        let error = Filter::parse(text).expect_err("no expression");
        (error.column, error.what, error.hint.unwrap_or_default())
    }

    #[test]
    fn a_text_is_looked_for_in_names_and_titles() {
        let all = read_corpus().len();
        assert_eq!(selected("restore/without-id"), ["restore/without-id"]);
        assert_eq!(selected("\"restore/without-id\""), ["restore/without-id"]);
        assert!(selected("a replica").len() > 3);
        assert_eq!(selected("=restore/without-i"), [""; 0]);
        assert_eq!(selected("=restore/without-id"), ["restore/without-id"]);
        assert_eq!(selected("!no such text").len(), all);
    }

    #[test]
    fn operators_bind_as_elsewhere_and_parentheses_change_that() {
        let one = "=restore/without-id";
        let other = "=update-status/primary";
        assert_eq!(selected(&format!("{one} | {other} & nothing")), ["restore/without-id"]);
        assert_eq!(selected(&format!("({one} | {other}) & update")), ["update-status/primary"]);
        assert_eq!(selected(&format!("({one} | {other}) & !update")), ["restore/without-id"]);
        assert_eq!(selected(&format!("!!{one}")), ["restore/without-id"]);
        assert_eq!(selected(&format!("{one} || {other} && nothing")), ["restore/without-id"]);
        assert_eq!(selected("hook(\"restore\")"), selected("hook(restore)"));
    }

    #[test]
    fn expressions_hooks_laws_and_amendments_select() {
        assert_eq!(selected("/^restore.without-id$/"), ["restore/without-id"]);
        assert_eq!(selected(r"/^restore\/without-id$/"), ["restore/without-id"]);
        let lists = selected("hook(list-backups) & !hook(create-backup)");
        assert!(lists.iter().any(|name| name.starts_with("list-backups/")), "{lists:?}");
        assert!(lists.len() < selected("hook( list-backups )").len());
        let closed = selected("law(left-closed)");
        assert!(closed.iter().any(|name| name.ends_with("-off")), "{closed:?}");
        let amended = selected("amendment(replica-ends-active)");
        assert!(amended.contains(&"amendments/replica-ends-active-off".to_owned()), "{amended:?}");
        assert!(amended.len() > 1, "{amended:?}");
    }

    #[test]
    fn every_name_and_title_can_be_selected_alone() {
        let corpus = read_corpus();
        for input in &corpus {
            let title = &input.scenario.as_ref().expect("a case").scenario;
            for name in [&input.name, title] {
                let is = Filter::is(name);
                let filter = Filter::parse(&is).expect("an expression");
                let found = corpus.iter().filter(|input| filter.selects(input));
                assert_eq!(found.map(|it| &it.name).collect::<Vec<_>>(), [&input.name], "{is}");
            }
        }
        assert_eq!(Filter::is("a (b)"), "=\"a (b)\"");
        for name in ["say \"b\"", r"a\b", r#"\"&"#, " a ", "ä|b"] {
            let filter = Filter::parse(&Filter::is(name)).expect("an expression");
            assert!(matches!(&filter, Filter::Is(text) if text == name), "{filter:?}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_at_its_place() {
        for (text, at, what, hint) in [
            ("", 1, "something is missing here", "write a text"),
            ("a &", 4, "something is missing here", "write a text"),
            ("ä | ", 5, "something is missing here", "write a text"),
            ("a | & b", 5, "a text is missing here", "write a text"),
            ("\"\"", 1, "a text is missing here", "write a text"),
            ("//", 1, "has 1 to 500 bytes", "a text"),
            (&format!("/{}/", "(a|b)".repeat(101)), 1, "has 1 to 500 bytes", "shorter"),
            ("/restore/without-id/", 10, "`w` is not expected here", r"`\/`"),
            ("a \"b\"", 3, "`\"` is not expected here", "between two parts"),
            ("(a", 3, "`)` is missing", "close"),
            ("a) b", 2, "`)` is not expected here", "quotes"),
            ("\"a", 1, "`\"` is missing at the end", "close"),
            ("/a", 1, "`/` is missing at the end", "close"),
            ("/(/", 1, "`(` is no regular expression", "as it is"),
            ("hok(restore)", 1, "there is no `hok(…)`", "`hook(…)`"),
            ("since(x)", 1, "there is no `since(…)`", "there are"),
            ("hook(restor)", 6, "there is no hook `restor`", "`restore`"),
            ("law(nothing-at-all)", 5, "there is no law", "`pgdrill words law`"),
            (&"!".repeat(100), 66, "nested too deep", "flatter"),
        ] {
            let (found, said, hinted) = refused(text);
            assert_eq!(found, at, "{text}: {said}");
            assert!(said.contains(what), "{text}: {said}");
            assert!(hinted.contains(hint), "{text}: {hinted}");
        }
    }
}
