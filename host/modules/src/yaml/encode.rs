//! Values as YAML in block style.

use super::{MAX_TEXT, scalar};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perilune_value::{Failure, Value};
use std::collections::HashMap;
use std::fmt::Write;

/// A key that is longer as text is marked with `?`: readers look no further for its colon.
const LONG_KEY: usize = 1000;

/// A table as text. Keys that `field_order` names come first, in every map; all others come in byte order.
///
/// # Errors
///
/// Kind `Internal` with the path to what cannot be written, and for a text of more than [`MAX_TEXT`] bytes.
pub fn encode(value: &Value, field_order: &[Vec<u8>]) -> Result<String, Failure> {
    write(value, field_order, MAX_TEXT).map_err(Failure::from)
}

/// As [`encode`], of at most `max` bytes.
pub(super) fn write(value: &Value, field_order: &[Vec<u8>], max: usize) -> Result<String, Refusal> {
    // The first place counts where a name is given twice.
    let order = field_order.iter().enumerate().rev().map(|(place, name)| (name.as_slice(), place)).collect();
    let mut writer = Writer { order, out: String::new(), max };
    match value {
        Value::Map(fields) if !fields.is_empty() => writer.map(fields, 0)?,
        Value::Array(items) if !items.is_empty() => writer.list(items, 0)?,
        other => {
            writer.scalar(other);
            writer.out.push('\n');
        }
    }
    writer.check()?;
    Ok(writer.out)
}

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) struct Refusal {
    reason: Reason,
    /// Steps to the place, the last one first.
    path: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("the text would have more than {0} bytes")]
    Length(usize),
    #[error("mixed key types: a table must have either the keys 1..n or string keys")]
    MixedKeys,
    #[error("sparse array: {0} integer keys, but not exactly 1..{0}")]
    SparseArray(usize),
    #[error("a {0} cannot be a key")]
    Key(&'static str),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal { reason, path: Vec::new() }
    }
}

impl Refusal {
    pub(super) fn is_for_length(&self) -> bool {
        matches!(self.reason, Reason::Length(_))
    }

    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        self.path.push(step());
        self
    }
}

/// Steps of a path that are shown, and characters of each.
const SHOWN: usize = 16;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let shorten = |step: &String| step.chars().take(2 * SHOWN).collect::<String>();
        let path: String = refusal.path.iter().rev().take(SHOWN).map(shorten).collect();
        let place = match path.trim_start_matches('.') {
            "" => "the value".to_owned(),
            path => format!("`{path}`"),
        };
        Failure::internal(format!("cannot encode {place} as YAML: {}", refusal.reason))
    }
}

struct Writer<'a> {
    order: HashMap<&'a [u8], usize>,
    out: String,
    max: usize,
}

impl Writer<'_> {
    /// Asked once for each value, which bounds the text by the longest string beyond `max`.
    fn check(&self) -> Result<(), Refusal> {
        if self.out.len() > self.max { Err(Reason::Length(self.max).into()) } else { Ok(()) }
    }

    /// The first field stands where the text is now, the others on lines of their own.
    fn map(&mut self, fields: &[(Value, Value)], indent: usize) -> Result<(), Refusal> {
        let mut fields: Vec<(String, &Value)> =
            names(fields)?.into_iter().zip(fields.iter().map(|(_, value)| value)).collect();
        let place = |name: &str| self.order.get(name.as_bytes()).copied().unwrap_or(usize::MAX);
        fields.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
        for (position, (name, value)) in fields.iter().enumerate() {
            if position > 0 {
                self.indent(indent);
            }
            let key = quoted_if_needed(name);
            if key.len() > LONG_KEY {
                self.out.push_str("? ");
                self.out.push_str(&key);
                self.out.push('\n');
                self.indent(indent);
            } else {
                self.out.push_str(&key);
            }
            self.out.push(':');
            self.field(value, indent).map_err(|refusal| refusal.within(|| format!(".{name}")))?;
        }
        Ok(())
    }

    /// What follows a key and its colon.
    fn field(&mut self, value: &Value, indent: usize) -> Result<(), Refusal> {
        self.check()?;
        match value {
            Value::Map(fields) if !fields.is_empty() => {
                self.out.push('\n');
                self.indent(indent + 2);
                self.map(fields, indent + 2)
            }
            Value::Array(items) if !items.is_empty() => {
                self.out.push('\n');
                self.indent(indent + 2);
                self.list(items, indent + 2)
            }
            other => {
                self.out.push(' ');
                self.line(other, indent);
                Ok(())
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) -> Result<(), Refusal> {
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                self.indent(indent);
            }
            self.out.push_str("- ");
            self.item(item, indent).map_err(|refusal| refusal.within(|| format!("[{}]", position + 1)))?;
        }
        Ok(())
    }

    /// What follows the dash of a list.
    fn item(&mut self, item: &Value, indent: usize) -> Result<(), Refusal> {
        self.check()?;
        match item {
            Value::Map(fields) if !fields.is_empty() => self.map(fields, indent + 2),
            Value::Array(items) if !items.is_empty() => self.list(items, indent + 2),
            other => {
                self.line(other, indent);
                Ok(())
            }
        }
    }

    fn line(&mut self, value: &Value, indent: usize) {
        match value.as_str().filter(|text| scalar::is_literal(text)) {
            Some(text) => self.literal(text, indent + 2),
            None => {
                self.scalar(value);
                self.out.push('\n');
            }
        }
    }

    /// Anything that fits on a line.
    fn scalar(&mut self, value: &Value) {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Integer(value) => self.print(value),
            Value::Float(value) if value.is_nan() => self.out.push_str(".nan"),
            Value::Float(value) if value.is_infinite() => {
                self.out.push_str(if *value > 0.0 { ".inf" } else { "-.inf" });
            }
            // With a point or an exponent, so that it stays a float.
            Value::Float(value) => self.print(&format_args!("{value:?}")),
            Value::String(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => self.out.push_str(&quoted_if_needed(text)),
                Err(_) => self.print(&format_args!("!!binary {:?}", STANDARD.encode(bytes))),
            },
            Value::Array(_) => self.out.push_str("[]"),
            Value::Map(_) => self.out.push_str("{}"),
            Value::Error(failure) => self.out.push_str(&quoted_if_needed(&failure.message)),
        }
    }

    /// Lines as they are; the sign after the bar says how many line ends the text has at its end.
    fn literal(&mut self, text: &str, indent: usize) {
        let body = text.trim_end_matches('\n');
        let chomping = match text.len() - body.len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        self.out.push('|');
        self.out.push_str(chomping);
        for line in body.split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
        }
        let ends = (text.len() - body.len()).max(1);
        self.out.extend(std::iter::repeat_n('\n', ends));
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn print(&mut self, value: &dyn std::fmt::Display) {
        write!(self.out, "{value}").expect("invariant: writing to a string does not fail");
    }
}

/// The keys of a map as text.
fn names(fields: &[(Value, Value)]) -> Result<Vec<String>, Refusal> {
    let integers = fields.iter().filter(|(key, _)| matches!(key, Value::Integer(_))).count();
    let strings = fields.iter().filter(|(key, _)| matches!(key, Value::String(_))).count();
    if integers > 0 {
        let refusal = if integers == fields.len() { Reason::SparseArray(integers) } else { Reason::MixedKeys };
        return Err(refusal.into());
    }
    if strings > 0 && strings < fields.len() {
        return Err(Reason::MixedKeys.into());
    }
    let name = |(key, _): &(Value, Value)| match key {
        Value::String(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::Bool(key) => Ok(key.to_string()),
        Value::Float(key) => Ok(key.to_string()),
        other => Err(Reason::Key(other.type_name()).into()),
    };
    fields.iter().map(name).collect()
}

fn quoted_if_needed(text: &str) -> String {
    if scalar::is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') || scalar::is_noncharacter(c) => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("invariant: writing to a string does not fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
