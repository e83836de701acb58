//! Events of `saphyr-parser` composed into a value.
//!
//! Text may come from anywhere: nesting, values and the bytes that aliases expand to are bounded, and a key that is there twice is
//! refused.

use super::{MAX_TEXT, scalar};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perilune_value::{Failure, Value};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use std::collections::{HashMap, HashSet};

/// Values in one document, its aliases expanded. Each takes some 60 bytes on the host.
const MAX_VALUES: usize = 500_000;
/// Bytes of the scalars in one document, its aliases expanded: an alias bomb has no end.
const MAX_BYTES: usize = MAX_TEXT;

/// The first document of a text.
///
/// # Errors
///
/// Kind `Invalid` for empty text, `Internal` for what is malformed or too much; `line` and `column` in the details.
pub fn decode(text: &[u8]) -> Result<Value, Failure> {
    if text.is_empty() {
        return Err(Failure::invalid("cannot decode YAML: the text is empty"));
    }
    if text.len() > MAX_TEXT {
        let size = text.len();
        return Err(Failure::internal(format!("cannot decode YAML: {size} bytes; {MAX_TEXT} are the most")));
    }
    let text = std::str::from_utf8(text).map_err(|error| {
        Failure::internal(format!("cannot decode YAML: byte {} is not UTF-8", error.valid_up_to() + 1))
    })?;
    let mut composer = Composer {
        anchors: HashMap::new(),
        open: Vec::new(),
        root: Value::Nil,
        values_left: MAX_VALUES,
        bytes_left: MAX_BYTES,
    };
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event.map_err(|error| match error.info() {
            // The parser has a bound of its own, which text in brackets reaches before its first list is known to be one.
            "recursion limit exceeded" => located(error.marker(), &Refusal::TooDeep.to_string()),
            reason => located(error.marker(), reason),
        })?;
        if event == Event::DocumentEnd {
            break;
        }
        composer.event(event).map_err(|reason| located(&span.start, &reason.to_string()))?;
    }
    Ok(composer.root)
}

fn located(at: &Marker, reason: &str) -> Failure {
    let (line, column) = (at.line(), at.col() + 1);
    Failure::internal(format!("cannot decode YAML: {reason} at line {line} column {column}"))
        .with_detail("line", line as i64)
        .with_detail("column", column as i64)
}

/// Why a document has no value.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("nesting over {} levels", Value::MAX_DEPTH)]
    TooDeep,
    #[error("more than {MAX_VALUES} values, or aliases that expand to more than {MAX_BYTES} bytes")]
    TooMuch,
    #[error("an alias stands inside what it refers to")]
    Circular,
    #[error("the key {0:?} is there twice")]
    Duplicate(String),
    #[error("a list or map cannot be a key")]
    Key,
    #[error("`<<` takes a map or a list of maps")]
    Merge,
    #[error("this is no {0}, as its tag says")]
    Tag(String),
}

struct Composer {
    /// Finished values by anchor, and how deep they nest; one that is still open is absent, so that an alias to it makes no cycle.
    anchors: HashMap<usize, (Value, usize)>,
    open: Vec<Open>,
    root: Value,
    values_left: usize,
    bytes_left: usize,
}

/// A list or map whose end has not come.
struct Open {
    anchor: usize,
    /// How deep what it holds nests.
    height: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Map {
        fields: Vec<(Value, Value)>,
        /// The key that waits for its value.
        key: Option<Key>,
        seen: HashSet<Vec<u8>>,
        /// Maps to merge in.
        merges: Vec<Value>,
    },
}

enum Key {
    Name(Vec<u8>),
    Merge,
}

impl Composer {
    fn event(&mut self, event: Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.take(1, text.len())?;
                if self.awaits_key() {
                    return self.key(&text, style, tag.as_deref(), anchor);
                }
                let value = scalar(&text, style, tag.as_deref())?;
                self.finish(value, 0, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Content::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => {
                let (fields, merges) = (Vec::new(), Vec::new());
                self.begin(Content::Map { fields, key: None, seen: HashSet::new(), merges }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let (value, height) = self.anchors.get(&anchor).ok_or(Refusal::Circular)?;
                let (copy, height) = (value.clone(), *height);
                self.take_tree(&copy)?;
                if self.open.len() + height > Value::MAX_DEPTH {
                    return Err(Refusal::TooDeep);
                }
                if self.awaits_key() {
                    return self.name(key_text(copy)?);
                }
                self.place(copy, height)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, content: Content, anchor: usize) -> Result<(), Refusal> {
        if self.awaits_key() {
            return Err(Refusal::Key);
        }
        if self.open.len() >= Value::MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        self.take(1, 0)?;
        self.open.push(Open { anchor, height: 1, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        let Some(Open { anchor, height, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::List(items) => Value::Array(items),
            Content::Map { mut fields, mut seen, merges, .. } => {
                merges.into_iter().for_each(|merged| merge(&mut fields, &mut seen, merged));
                // A field that is nil is no field.
                fields.retain(|(_, value)| *value != Value::Nil);
                Value::Map(fields)
            }
        };
        self.finish(value, height, anchor)
    }

    fn finish(&mut self, value: Value, height: usize, anchor: usize) -> Result<(), Refusal> {
        if anchor != 0 {
            self.take_tree(&value)?;
            self.anchors.insert(anchor, (value.clone(), height));
        }
        self.place(value, height)
    }

    /// Puts a value where it belongs: under the key that waits, into the list, or at the root.
    fn place(&mut self, value: Value, height: usize) -> Result<(), Refusal> {
        let Some(open) = self.open.last_mut() else {
            self.root = value;
            return Ok(());
        };
        open.height = open.height.max(height + 1);
        match &mut open.content {
            Content::List(items) => items.push(value),
            Content::Map { fields, key, merges, .. } => match key.take() {
                Some(Key::Name(name)) => fields.push((Value::String(name), value)),
                Some(Key::Merge) => {
                    let maps = if let Value::Array(maps) = &value { maps } else { std::slice::from_ref(&value) };
                    if !maps.iter().all(|map| matches!(map, Value::Map(_))) {
                        return Err(Refusal::Merge);
                    }
                    merges.push(value);
                }
                None => return Err(Refusal::Key),
            },
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, anchor: usize) -> Result<(), Refusal> {
        if style == ScalarStyle::Plain
            && text == "<<"
            && let Some(Open { content: Content::Map { key, .. }, .. }) = self.open.last_mut()
        {
            *key = Some(Key::Merge);
            return Ok(());
        }
        // A date as a key is a name like any other.
        let value = match scalar::core_schema(text) {
            Some(value) if style == ScalarStyle::Plain && tag.is_none() => value,
            _ => Value::from(text),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), 0));
        }
        self.name(key_text(value)?)
    }

    fn name(&mut self, name: Vec<u8>) -> Result<(), Refusal> {
        if let Some(Open { content: Content::Map { key, seen, .. }, .. }) = self.open.last_mut() {
            if !seen.insert(name.clone()) {
                return Err(Refusal::Duplicate(String::from_utf8_lossy(&name).chars().take(64).collect()));
            }
            *key = Some(Key::Name(name));
        }
        Ok(())
    }

    fn take(&mut self, values: usize, bytes: usize) -> Result<(), Refusal> {
        self.values_left = self.values_left.checked_sub(values).ok_or(Refusal::TooMuch)?;
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Refusal::TooMuch)?;
        Ok(())
    }

    /// Takes room for a copy of a value.
    fn take_tree(&mut self, value: &Value) -> Result<(), Refusal> {
        self.take(1, if let Value::String(bytes) = value { bytes.len() } else { 0 })?;
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.take_tree(item)),
            Value::Map(fields) => fields.iter().try_for_each(|(key, value)| {
                self.take_tree(key)?;
                self.take_tree(value)
            }),
            _ => Ok(()),
        }
    }
}

/// Adds the fields of a map, or of each map of a list, that are not there yet.
fn merge(fields: &mut Vec<(Value, Value)>, seen: &mut HashSet<Vec<u8>>, merged: Value) {
    match merged {
        Value::Array(maps) => maps.into_iter().for_each(|map| merge(fields, seen, map)),
        Value::Map(additions) => fields.extend(additions.into_iter().filter(|(key, _)| match key {
            Value::String(name) => seen.insert(name.clone()),
            _ => false,
        })),
        _ => {}
    }
}

fn key_text(key: Value) -> Result<Vec<u8>, Refusal> {
    Ok(match key {
        Value::String(name) => name,
        Value::Nil => b"null".to_vec(),
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Integer(value) => value.to_string().into_bytes(),
        Value::Float(value) => value.to_string().into_bytes(),
        Value::Array(_) | Value::Map(_) | Value::Error(_) => return Err(Refusal::Key),
    })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Refusal> {
    let plain = style == ScalarStyle::Plain;
    let Some(tag) = tag else {
        return Ok(if plain { scalar::resolve(text) } else { Value::from(text) });
    };
    if !tag.is_yaml_core_schema() {
        return Ok(Value::from(text));
    }
    let wrong = || Refusal::Tag(tag.suffix.chars().take(32).collect());
    match (tag.suffix.as_str(), scalar::resolve(text)) {
        ("binary", _) => {
            let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            STANDARD.decode(digits).map(Value::String).map_err(|_| wrong())
        }
        ("null", value @ Value::Nil)
        | ("bool", value @ Value::Bool(_))
        | ("int" | "timestamp", value @ Value::Integer(_))
        | ("float", value @ Value::Float(_)) => Ok(value),
        ("float", Value::Integer(value)) => Ok(Value::Float(value as f64)),
        ("null" | "bool" | "int" | "timestamp" | "float", _) => Err(wrong()),
        _ => Ok(Value::from(text)),
    }
}
