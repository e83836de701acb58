//! `${env:NAME}` in the fields of entries.
//!
//! | text | becomes |
//! |---|---|
//! | `${env:NAME}` | the variable; an error without one |
//! | `${env:NAME\|text}` | the variable, or the text without one, in which placeholders are replaced too |
//! | `${NAME\|text}` | the same, for a name of capitals, digits and `_` |
//! | `$${` | `${` as it stands |
//! | any other `${` | itself: fields hold templates of other languages too |
//!
//! Braces in a default come in pairs. What a variable holds is not looked into for placeholders.

use perilune_registry::FieldPath;
use perilune_value::{Failure, Kind, Value};
use std::cell::Cell;
use std::collections::HashMap;

/// Placeholders of one entry. Each asks somebody, perhaps a file.
const MOST: usize = 256;
/// Bytes that placeholders of one entry become. Entries may be made by code that nobody vouches for.
const MOST_BYTES: usize = 1 << 20;
/// Defaults within defaults.
const DEEPEST: usize = 8;

/// What answers for a name: the value, or none.
pub(crate) type Lookup<'a> = dyn Fn(&str) -> Result<Option<String>, Failure> + 'a;

/// Replaces the placeholders in all strings of an entry's data.
pub(crate) fn resolve(data: &Value, lookup: &Lookup<'_>) -> Result<Value, Failure> {
    let resolver = Resolver { lookup, placeholders: Cell::new(MOST), bytes: Cell::new(MOST_BYTES) };
    resolver.value(data, &FieldPath::default())
}

struct Resolver<'a> {
    lookup: &'a Lookup<'a>,
    /// How many more there may be.
    placeholders: Cell<usize>,
    bytes: Cell<usize>,
}

/// A placeholder, taken apart.
struct Placeholder<'a> {
    name: &'a str,
    default: Option<&'a str>,
    /// Of all that stands between the braces.
    length: usize,
}

impl Resolver<'_> {
    fn value(&self, value: &Value, path: &FieldPath) -> Result<Value, Failure> {
        Ok(match value {
            Value::String(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if text.contains("${") => {
                    let named = |failure: Failure| Failure {
                        message: format!("field `{path}`: {}", failure.message),
                        ..failure.with_detail("field", path.to_string())
                    };
                    Value::from(self.text(text, 0).map_err(named)?)
                }
                _ => value.clone(),
            },
            Value::Array(items) => {
                let numbered = items.iter().enumerate();
                Value::Array(
                    numbered.map(|(at, item)| self.value(item, &path.item(at))).collect::<Result<_, _>>()?,
                )
            }
            Value::Map(fields) => {
                let below = |key: &Value| path.key(key.as_str().unwrap_or("?"));
                let field =
                    |(key, value): &(Value, Value)| Ok((key.clone(), self.value(value, &below(key))?));
                Value::Map(fields.iter().map(field).collect::<Result<_, Failure>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str, depth: usize) -> Result<String, Failure> {
        let closed = closed(text);
        let mut out = String::new();
        let mut at = 0;
        while let Some(opened) = text[at..].find("${").map(|found| at + found) {
            let before = &text[at..opened];
            at = opened + 2;
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                continue;
            }
            out.push_str(before);
            match read(&text[at..], closed.get(&(opened + 1)).map(|end| end - at))? {
                Some(placeholder) => {
                    out.push_str(&self.replaced(&placeholder, depth)?);
                    at += placeholder.length + 1;
                }
                None => out.push_str("${"),
            }
        }
        out.push_str(&text[at..]);
        Ok(out)
    }

    fn replaced(&self, placeholder: &Placeholder<'_>, depth: usize) -> Result<String, Failure> {
        let name = placeholder.name;
        let too_much = |what: String| Failure::invalid(format!("{what} in one entry"));
        match self.placeholders.get().checked_sub(1) {
            Some(left) => self.placeholders.set(left),
            None => return Err(too_much(format!("more than {MOST} placeholders"))),
        }
        let value = match ((self.lookup)(name), placeholder.default) {
            (Ok(Some(value)), _) => value,
            (Ok(None), Some(default)) => self.default(default, depth)?,
            // What may not be read counts as not set where the entry can do without it.
            (Err(failure), Some(default)) if failure.kind == Kind::PermissionDenied => {
                self.default(default, depth)?
            }
            (Err(failure), _) => return Err(failure.with_detail("variable", name)),
            (Ok(None), None) => {
                let message = format!(
                    "the variable {name} is not set; set it, or write what holds without it: `${{env:{name}|…}}`"
                );
                return Err(Failure::invalid(message).with_detail("variable", name));
            }
        };
        match self.bytes.get().checked_sub(value.len()) {
            Some(left) => self.bytes.set(left),
            None => {
                return Err(too_much(format!("placeholders that stand for more than {MOST_BYTES} bytes")));
            }
        }
        Ok(value)
    }

    fn default(&self, text: &str, depth: usize) -> Result<String, Failure> {
        if depth == DEEPEST {
            return Err(Failure::invalid(format!("defaults nest deeper than {DEEPEST} levels")));
        }
        self.text(text, depth + 1)
    }
}

/// Takes the placeholder apart whose text begins behind `${` and has this length; none for what is of another language.
fn read(text: &str, length: Option<usize>) -> Result<Option<Placeholder<'_>>, Failure> {
    let is_named = text.starts_with("env:");
    let Some(length) = length else {
        if is_named {
            return Err(Failure::invalid(format!(
                "{} lacks its `}}`",
                perilune_registry::quote(&format!("${{{text}"))
            )));
        }
        return Ok(None);
    };
    let inside = text[..length].strip_prefix("env:").unwrap_or(&text[..length]).trim_start_matches(' ');
    // Looks no further than the name: what follows may be long, and hold many more.
    let of_name = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let (name, rest) = inside.split_at(inside.find(|c| !of_name(c)).unwrap_or(inside.len()));
    let rest = rest.trim_start_matches(' ');
    let default = rest.strip_prefix('|');
    let is_well_formed = !name.is_empty() && (rest.is_empty() || default.is_some());
    let is_capitals = !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    match is_named {
        true if !is_well_formed => {
            let shown = perilune_registry::quote(&format!("${{{}}}", &text[..length]));
            Err(Failure::invalid(format!("{shown} names no variable")))
        }
        false if !is_well_formed || default.is_none() || !is_capitals => Ok(None),
        _ => Ok(Some(Placeholder { name, default, length })),
    }
}

/// Where each `{` behind a `$` is closed, if it is. Found for a whole text at once: each one by itself would take a look at all
/// that follows.
fn closed(text: &str) -> HashMap<usize, usize> {
    let mut open = Vec::new();
    let mut closed = HashMap::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => {
                if let Some(start) = open.pop().filter(|start| text[..*start].ends_with('$')) {
                    closed.insert(start, at);
                }
            }
            _ => {}
        }
    }
    closed
}
