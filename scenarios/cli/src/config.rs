//! `pgdrill.toml`: what `run` and `watch` do, and what `check` and `coverage` read, unless the command line says otherwise.

use std::{
    fmt::Display,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use pgdrill_core::{Amendment, Diagnostic};
use pgdrill_flow::{Tolerance, did_you_mean, place_after, shown};
use pgdrill_scenarios::read_file;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    args::{BackendArg, ColorArg, RunArgs, S3Arg, SuiteArgs, duration},
    output,
};

/// What the file is called.
const NAME: &str = "pgdrill.toml";

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Every key: a long option of `run`, and `paths`.
const KEYS: [&str; 11] = [
    "paths",
    "backend",
    "s3",
    "jobs",
    "timeout",
    "fail-fast",
    "require-snapshots",
    "no-amendment",
    "junit",
    "html",
    "color",
];

/// What a file says.
#[derive(Debug, Default)]
struct Config {
    paths: Vec<PathBuf>,
    backend: Option<BackendArg>,
    s3: Option<S3Arg>,
    jobs: Option<u16>,
    timeout: Option<Duration>,
    fail_fast: Option<bool>,
    require_snapshots: Option<bool>,
    no_amendment: Vec<String>,
    junit: Option<PathBuf>,
    html: Option<PathBuf>,
    color: Option<ColorArg>,
}

/// A value that is wrong, and what to do about it.
struct Wrong {
    what: String,
    hint: String,
}

/// Completes what the command line leaves open: by the file that it names, else by the nearest one.
///
/// # Errors
///
/// The file can't be read, has a key that there is not, or a value that is wrong; the first of these, and where.
pub(crate) fn complete(args: &mut RunArgs, color: Option<ColorArg>) -> Result<(), Box<Diagnostic>> {
    args.ignores_config = args.suite.no_config || args.suite.config.is_some();
    let Some(config) = Config::of(&args.suite)? else { return Ok(()) };
    let is_other = |given: bool, set: bool| given && set;
    args.ignores_config |= is_other(args.backend.is_some(), config.backend.is_some())
        || is_other(args.s3.is_some(), config.s3.is_some())
        || is_other(!args.no_amendment.is_empty(), !config.no_amendment.is_empty());
    // What failed the last time is found wherever it is.
    if args.paths.is_empty() && !args.failed {
        args.paths = config.paths;
    }
    if args.no_amendment.is_empty() {
        args.no_amendment = config.no_amendment;
    }
    args.backend = args.backend.or(config.backend);
    args.s3 = args.s3.or(config.s3);
    args.jobs = args.jobs.or(config.jobs);
    args.timeout = args.timeout.or(config.timeout);
    args.fail_fast = args.fail_fast.or(config.fail_fast);
    args.require_snapshots = args.require_snapshots.or(config.require_snapshots);
    args.junit = args.junit.take().or(config.junit);
    args.html = args.html.take().or(config.html);
    if color.is_none() {
        config.color.into_iter().for_each(output::color);
    }
    Ok(())
}

/// What is read where the command line names no path: the paths of the suite, and none without a suite.
///
/// # Errors
///
/// As of [`complete`].
pub(crate) fn paths(given: &[PathBuf], suite: &SuiteArgs) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let config = Config::of(suite)?;
    if given.is_empty() {
        Ok(config.map(|config| config.paths).unwrap_or_default())
    } else {
        Ok(given.to_vec())
    }
}

/// The file in the current folder or the nearest one above it, as far as one repository goes.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut named = PathBuf::new();
    for folder in here.ancestors() {
        let file = named.join(NAME);
        if file.exists() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
        named.push("..");
    }
    None
}

impl Config {
    /// What the file says that the command line names, else the nearest one; `None` without one.
    fn of(suite: &SuiteArgs) -> Result<Option<Self>, Box<Diagnostic>> {
        let file = match &suite.config {
            Some(file) => Some(file.clone()),
            None if suite.no_config => None,
            None => find(),
        };
        file.map(|file| Self::read(&file)).transpose()
    }

    fn read(file: &Path) -> Result<Self, Box<Diagnostic>> {
        let name = file.display().to_string();
        let unreadable =
            |why: &dyn Display| Box::new(Diagnostic::error(&name, format!("can't be read: {why}")));
        let bytes = read_file(file, MAX_BYTES).map_err(|why| unreadable(&why))?;
        let text = String::from_utf8(bytes).map_err(|why| unreadable(&why))?;
        let at = |span: Range<usize>, what: String| located(&name, &text, span, what);
        let table = DeTable::parse(&text).map_err(|error| {
            let what = error.message().to_owned();
            error.span().map_or_else(
                || Box::new(Diagnostic::error(&name, what.clone())),
                |span| Box::new(at(span, what.clone())),
            )
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut config = Self::default();
        for (key, value) in entries {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                let what = format!("there is no key `{}`", shown(key.get_ref()));
                let all = format!("expected one of: {}", KEYS.join(", "));
                let hint = did_you_mean(key.get_ref(), KEYS, Tolerance::ThirdOfName, &all);
                return Err(Box::new(at(key.span(), what).hint(hint)));
            }
            config.set(key.get_ref(), value, folder).map_err(|wrong| {
                let what = format!("`{}`: {}", key.get_ref(), wrong.what);
                Box::new(at(value.span(), what).hint(wrong.hint))
            })?;
        }
        Ok(config)
    }

    /// Takes the value of a key. Paths are relative to the folder of the file.
    fn set(&mut self, key: &str, value: &Spanned<DeValue<'_>>, folder: &Path) -> Result<(), Wrong> {
        let value = value.get_ref();
        match key {
            "paths" => {
                let paths = texts(value)?;
                if paths.contains(&"-") {
                    let hint = "give `-` at the command line";
                    return Err(wrong("standard input is no part of a suite", hint));
                }
                self.paths = paths.into_iter().map(|path| folder.join(path)).collect();
            }
            "backend" => self.backend = Some(one_of(value)?),
            "s3" => self.s3 = Some(one_of(value)?),
            "jobs" => self.jobs = Some(jobs(value)?),
            "timeout" => {
                let limit = duration(text(value)?);
                self.timeout =
                    Some(limit.map_err(|why| wrong(&why, "write it as `timeout = \"90s\"`"))?);
            }
            "fail-fast" => self.fail_fast = Some(truth(value)?),
            "require-snapshots" => self.require_snapshots = Some(truth(value)?),
            "no-amendment" => {
                let names = texts(value)?.into_iter().map(amendment);
                self.no_amendment = names.collect::<Result<_, _>>()?;
            }
            "html" => self.html = Some(folder.join(text(value)?)),
            "junit" => self.junit = Some(folder.join(text(value)?)),
            "color" => self.color = Some(one_of(value)?),
            // Every key is one of these.
            _ => {}
        }
        Ok(())
    }
}

fn wrong(what: &str, hint: &str) -> Wrong {
    Wrong { what: what.to_owned(), hint: hint.to_owned() }
}

fn mismatch(value: &DeValue<'_>, expected: &str, example: &str) -> Wrong {
    let what = format!("{expected} is expected, and this is of the type {}", value.type_str());
    wrong(&what, &format!("write it as `{example}`"))
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or_else(|| mismatch(value, "a text", "\"text\""))
}

fn texts<'v>(value: &'v DeValue<'_>) -> Result<Vec<&'v str>, Wrong> {
    let list = value.as_array().ok_or_else(|| mismatch(value, "a list of texts", "[\"text\"]"))?;
    list.iter().map(|item| text(item.get_ref())).collect()
}

fn truth(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| mismatch(value, "true or false", "true"))
}

fn jobs(value: &DeValue<'_>) -> Result<u16, Wrong> {
    let number = value.as_integer().ok_or_else(|| mismatch(value, "a number", "4"))?;
    let read = u16::from_str_radix(number.as_str(), number.radix()).ok();
    let fits = read.filter(|number| (1..=1024).contains(number));
    fits.ok_or_else(|| wrong("a number from 1 to 1024 is expected", "write it as `jobs = 4`"))
}

fn one_of<T: ValueEnum>(value: &DeValue<'_>) -> Result<T, Wrong> {
    let text = text(value)?;
    T::from_str(text, false).map_err(|_| {
        let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        unknown(text, names.iter().map(String::as_str).collect())
    })
}

fn amendment(name: &str) -> Result<String, Wrong> {
    match name.parse::<Amendment>() {
        Ok(amendment) => Ok(amendment.name().to_owned()),
        Err(_) => Err(unknown(name, Amendment::ALL.iter().map(|it| it.name()).collect())),
    }
}

fn unknown(text: &str, names: Vec<&str>) -> Wrong {
    let all = format!("expected one of: {}", names.join(", "));
    let hint = did_you_mean(text, names, Tolerance::ThirdOfName, &all);
    wrong(&format!("there is no `{}`", shown(text)), &hint)
}

/// The complaint about these bytes of a text.
fn located(file: &str, text: &str, span: Range<usize>, what: String) -> Diagnostic {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let (line, column) = place_after(before);
    let source = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let width = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
    Diagnostic::error(file, what).at(line, column, width.chars().count(), source)
}
