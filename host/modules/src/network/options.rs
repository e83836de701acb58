//! Tables of options from Lua, read field by field.

use perilune_time::duration;
use perilune_value::{Failure, Value};
use std::time::Duration;

/// Bytes of a table of options in MessagePack. Bodies and files cross beside it; the largest thing in it may be a bundle of
/// certificates. Reading it happens on the cell's thread, and takes a millisecond.
const MOST_BYTES: usize = 512 << 10;

/// Pairs of one table of texts, such as headers.
const MOST_PAIRS: usize = 1_000;

/// A table of options. What nobody took is refused at the end: it is a mistake that would otherwise stay unnoticed.
pub(crate) struct Options {
    fields: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

impl Options {
    /// Reads MessagePack that a cell wrote.
    ///
    /// # Errors
    ///
    /// `Invalid`, as all errors here.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.len() > MOST_BYTES {
            let message =
                format!("the options are larger than {MOST_BYTES} bytes, bodies and files not counted");
            return Err(Failure::invalid(message).with_detail("limit", "options"));
        }
        Options::of(Value::from_msgpack(bytes)?)
    }

    /// Reads a table.
    pub(crate) fn of(value: Value) -> Result<Self, Failure> {
        let pairs = match value {
            Value::Map(pairs) => pairs,
            Value::Nil => Vec::new(),
            Value::Array(items) if items.is_empty() => Vec::new(),
            Value::Array(_) => {
                return Err(Failure::invalid("options have names, as in {timeout = 5}; this is a list"));
            }
            other => {
                return Err(Failure::invalid(format!("options are a table, not a {}", other.type_name())));
            }
        };
        let named = pairs.into_iter().map(|(name, value)| match name.as_str() {
            Some(name) => Ok((name.to_owned(), value)),
            None => Err(Failure::invalid(format!(
                "the name of an option is a string, not a {}",
                name.type_name()
            ))),
        });
        Ok(Options { fields: named.collect::<Result<_, _>>()?, known: Vec::new() })
    }

    /// The value of an option.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(at).1).filter(|value| *value != Value::Nil)
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| wrong(name, "a string", &value))
    }

    /// `true` or `false`; false when it is absent.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<bool, Failure> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    /// A whole number in a range, both ends included.
    pub(crate) fn integer(
        &mut self,
        name: &'static str,
        least: u64,
        most: u64,
    ) -> Result<Option<u64>, Failure> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            Failure::invalid(format!("option `{name}` must be an integer from {least} to {most}"))
        })
    }

    /// A duration above zero: a text such as `1m30s`, or a number of `unit`s.
    pub(crate) fn duration(
        &mut self,
        name: &'static str,
        unit: Duration,
    ) -> Result<Option<Duration>, Failure> {
        match self.duration_or_zero(name, unit)? {
            Some(Duration::ZERO) => Err(no_duration(name, unit)),
            read => Ok(read),
        }
    }

    /// As [`Options::duration`]; zero will do.
    pub(crate) fn duration_or_zero(
        &mut self,
        name: &'static str,
        unit: Duration,
    ) -> Result<Option<Duration>, Failure> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let read = match &value {
            Value::String(text) => duration::parse(text)
                .ok()
                .and_then(|nanos| u64::try_from(nanos).ok())
                .map(Duration::from_nanos),
            other => {
                let seconds = other.as_float().map(|units| units * unit.as_secs_f64());
                seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            }
        };
        read.map(Some).ok_or_else(|| no_duration(name, unit))
    }

    /// A table of texts; numbers and truth values are written out. Sorted by name.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let pairs = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Map(pairs)) => pairs,
            Some(Value::Array(items)) if items.is_empty() => return Ok(Vec::new()),
            Some(other) => return Err(wrong(name, "a table of strings", &other)),
        };
        if pairs.len() > MOST_PAIRS {
            return Err(Failure::invalid(format!("option `{name}` has more than {MOST_PAIRS} fields")));
        }
        let read = pairs.into_iter().map(|(key, value)| {
            let Some(key) = key.as_str() else {
                return Err(wrong(name, "a table with strings as keys", &key));
            };
            let text = match value {
                Value::String(bytes) => bytes,
                Value::Integer(number) => number.to_string().into_bytes(),
                Value::Float(number) => number.to_string().into_bytes(),
                Value::Bool(truth) => truth.to_string().into_bytes(),
                other => {
                    let message =
                        format!("option `{name}`: `{key}` must be a string, not a {}", other.type_name());
                    return Err(Failure::invalid(message));
                }
            };
            Ok((key.to_owned(), text))
        });
        let mut texts = read.collect::<Result<Vec<_>, _>>()?;
        texts.sort();
        Ok(texts)
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => {
                self.known.sort_unstable();
                let message = format!("there is no option `{name}`; there are {}", self.known.join(", "));
                Err(Failure::invalid(message))
            }
        }
    }
}

fn no_duration(name: &str, unit: Duration) -> Failure {
    let units = if unit == Duration::from_secs(1) { "seconds" } else { "milliseconds" };
    Failure::invalid(format!(
        "option `{name}` must be a positive number of {units} or a text such as \"1m30s\""
    ))
}

fn wrong(name: &str, expected: &str, found: &Value) -> Failure {
    Failure::invalid(format!("option `{name}` must be {expected}, not a {}", found.type_name()))
}
