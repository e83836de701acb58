//! Queries: which entries a table of criteria selects.

use crate::entry::Entry;
use crate::glob::Glob;
use crate::problem::quote;
use crate::suggest::did_you_mean;
use crate::value::{deeper_than, key_text, same};
use perilune_value::{Failure, Value};
use regex::{Regex, RegexBuilder};

/// Criteria that must all hold.
///
/// | key | holds when |
/// |---|---|
/// | `.kind` `.name` `.ns` `.id`, also without the dot | the entry's own field matches the text, where `*` stands for anything |
/// | `meta.x`, `meta = {x = …}`, or just `x` | the metadata at `x` equals the value; dots descend |
/// | `~x` `*x` `^x` `$x` | the text at `x` matches a regular expression, contains, begins with or ends with the value |
///
/// Where the metadata is a list, one matching element is enough; a list of values asks for each of them. `1` equals `1.0`.
#[derive(Clone, Debug)]
pub struct Filter {
    criteria: Vec<Criterion>,
}

#[derive(Clone, Debug)]
struct Criterion {
    subject: Subject,
    test: Test,
}

#[derive(Clone, Debug)]
enum Subject {
    Id,
    Namespace,
    Name,
    Kind,
    /// A path into the metadata.
    Meta(Vec<String>),
}

#[derive(Clone, Debug)]
enum Test {
    Equals(Value),
    Glob(Glob),
    Regex(Regex),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

/// Criteria in one filter; each may hold a compiled expression.
const MAX_CRITERIA: usize = 64;

/// Bytes that a compiled expression may take: ample for anything written by hand, small against what `(x{1000}){1000}` asks for.
const REGEX_SIZE: usize = 256 << 10;

const FIELDS: [&str; 4] = ["id", "kind", "name", "ns"];

impl Filter {
    /// Reads a table of criteria; an empty one selects everything.
    ///
    /// # Errors
    /// `Invalid` for anything that is not understood.
    pub fn parse(filter: &Value) -> Result<Self, Failure> {
        let pairs = match filter {
            Value::Map(pairs) => pairs.as_slice(),
            Value::Array(items) if items.is_empty() => &[],
            other => {
                let found = if matches!(other, Value::Array(_)) { "a list" } else { other.type_name() };
                return Err(invalid(format!("expected a table of criteria, found {found}")));
            }
        };
        // Comparing values recurses.
        if deeper_than(filter, Value::MAX_DEPTH) {
            return Err(invalid(format!("tables nest deeper than {} levels", Value::MAX_DEPTH)));
        }
        let mut criteria = Vec::new();
        for (key, value) in pairs {
            let key = key.as_str().ok_or_else(|| {
                invalid(format!("{} is no criterion; a key is a string", quote(&key_text(key))))
            })?;
            if key == "meta" {
                nested(&[], value, &mut criteria)?;
            } else {
                criteria.push(Criterion::parse(key, value)?);
            }
        }
        if criteria.len() > MAX_CRITERIA {
            return Err(invalid(format!("there are more than {MAX_CRITERIA} criteria")));
        }
        Ok(Filter { criteria })
    }

    /// Whether an entry meets all criteria.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.criteria.iter().all(|criterion| criterion.holds(entry))
    }
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::invalid(format!("invalid filter: {message}"))
}

/// `meta = {…}`: each leaf is a criterion.
fn nested(path: &[String], value: &Value, criteria: &mut Vec<Criterion>) -> Result<(), Failure> {
    let pairs = match value {
        Value::Map(pairs) => pairs,
        Value::Array(items) if path.is_empty() && items.is_empty() => return Ok(()),
        _ if path.is_empty() => {
            return Err(invalid(format!("`meta` must be a table, found {}", value.type_name())));
        }
        leaf => {
            criteria.push(Criterion { subject: Subject::Meta(path.to_vec()), test: Test::equals(leaf)? });
            return Ok(());
        }
    };
    for (key, value) in pairs {
        let key = key.as_str().ok_or_else(|| invalid("the keys of `meta` must be strings"))?;
        let mut path = path.to_vec();
        path.extend(key.split('.').map(str::to_owned));
        nested(&path, value, criteria)?;
    }
    Ok(())
}

impl Criterion {
    fn parse(key: &str, value: &Value) -> Result<Self, Failure> {
        let (operator, name) = match key.chars().next() {
            Some(c @ ('~' | '*' | '^' | '$')) => (Some(c), &key[1..]),
            _ => (None, key),
        };
        let subject = Subject::parse(key, name)?;
        let text = || {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                invalid(format!("the criterion {} takes a string, found {}", quote(key), value.type_name()))
            })
        };
        let test = match operator {
            Some('~') => Test::regex(key, &text()?)?,
            Some('*') => Test::Contains(text()?),
            Some('^') => Test::StartsWith(text()?),
            Some('$') => Test::EndsWith(text()?),
            _ if matches!(subject, Subject::Meta(_)) => Test::equals(value)?,
            _ => Test::Glob(Glob::new(&text()?)),
        };
        Ok(Criterion { subject, test })
    }

    fn holds(&self, entry: &Entry) -> bool {
        match &self.subject {
            Subject::Id => self.test.text(&entry.id.to_string()),
            Subject::Namespace => self.test.text(entry.id.namespace()),
            Subject::Name => self.test.text(entry.id.name()),
            Subject::Kind => self.test.text(&entry.kind),
            Subject::Meta(path) => descend(&entry.meta, path).is_some_and(|value| self.test.value(value)),
        }
    }
}

/// The value at a path. A key that holds dots itself is found too: `a.b` is `{a = {b = …}}` or `{["a.b"] = …}`.
fn descend<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    if path.len() > 1
        && let Some(found) = value.get(&path.join("."))
    {
        return Some(found);
    }
    path.iter().try_fold(value, |value, key| value.get(key))
}

impl Subject {
    fn parse(key: &str, name: &str) -> Result<Self, Failure> {
        let unknown = |help: String| Err(invalid(format!("{} is no criterion; {help}", quote(key))));
        let meta = |path: &str| {
            if path.split('.').any(str::is_empty) {
                return unknown("a name is missing beside a dot".to_owned());
            }
            Ok(Subject::Meta(path.split('.').map(str::to_owned).collect()))
        };
        match name.strip_prefix('.').unwrap_or(name) {
            "id" => Ok(Subject::Id),
            "ns" => Ok(Subject::Namespace),
            "name" => Ok(Subject::Name),
            "kind" => Ok(Subject::Kind),
            field if name.starts_with('.') => {
                let close = did_you_mean(field, FIELDS)
                    .unwrap_or_else(|| "known are `.id`, `.kind`, `.name` and `.ns`".to_owned());
                unknown(close)
            }
            "data" => unknown("only fields of the entry and its metadata can be searched".to_owned()),
            field if field.starts_with("data.") => {
                unknown("only fields of the entry and its metadata can be searched".to_owned())
            }
            "" | "meta" => unknown("a name is missing".to_owned()),
            field => meta(field.strip_prefix("meta.").unwrap_or(field)),
        }
    }
}

impl Test {
    fn equals(value: &Value) -> Result<Self, Failure> {
        match value {
            Value::Nil | Value::Error(_) => {
                Err(invalid(format!("nothing can equal a value of type {}", value.type_name())))
            }
            _ => Ok(Test::Equals(value.clone())),
        }
    }

    fn regex(key: &str, pattern: &str) -> Result<Self, Failure> {
        let built = RegexBuilder::new(pattern).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build();
        built.map(Test::Regex).map_err(|error| {
            let reason = match error {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                // The last line says what is wrong, those above draw it.
                other => other
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
            };
            invalid(format!(
                "the regular expression {} of {} is not valid: {reason}",
                quote(pattern),
                quote(key)
            ))
        })
    }

    fn value(&self, found: &Value) -> bool {
        match (self, found) {
            (Test::Equals(wanted), _) => equals(wanted, found),
            (_, Value::Array(items)) => {
                items.iter().any(|item| item.as_str().is_some_and(|text| self.text(text)))
            }
            _ => found.as_str().is_some_and(|text| self.text(text)),
        }
    }

    fn text(&self, text: &str) -> bool {
        match self {
            Test::Equals(wanted) => wanted.as_str() == Some(text),
            Test::Glob(glob) => glob.matches(text),
            Test::Regex(regex) => regex.is_match(text),
            Test::Contains(part) => text.contains(part),
            Test::StartsWith(start) => text.starts_with(start),
            Test::EndsWith(end) => text.ends_with(end),
        }
    }
}

fn equals(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        // A list of values asks for each of them, whether one or a list of them is there.
        (Value::Array(all), Value::Array(_)) if !all.is_empty() => all.iter().all(|one| equals(one, found)),
        (Value::Array(all), _) if !all.is_empty() => all.iter().all(|one| same(one, found)),
        // A table of values asks for each of its keys.
        (Value::Map(all), Value::Map(_)) if !all.is_empty() => all.iter().all(|(key, one)| {
            key.as_str().and_then(|key| found.get(key)).is_some_and(|found| equals(one, found))
        }),
        (_, Value::Array(items)) => same(wanted, found) || items.iter().any(|item| same(wanted, item)),
        _ => same(wanted, found),
    }
}
