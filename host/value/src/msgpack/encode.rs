//! Writing values.

use super::ERROR_EXTENSION;
use crate::packed::check;
use crate::{Failure, Value};
use rmp::{Marker, encode};

impl Value {
    /// The value as MessagePack: strings as `str` where they are UTF-8 and as `bin` elsewhere, error objects as extension type 1.
    ///
    /// # Panics
    ///
    /// When one string or table has more than `u32::MAX` bytes or elements, which is more than a cell's memory can address.
    pub fn to_msgpack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, self);
        out
    }
}

/// The arguments of a call as one MessagePack array.
///
/// # Panics
///
/// As [`Value::to_msgpack`].
pub fn args_to_msgpack(args: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    written(encode::write_array_len(&mut out, length(args.len())));
    for arg in args {
        write(&mut out, arg);
    }
    out
}

/// Writes a message piece by piece, where a tree of values would be built for nothing else.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An array begins: so many values follow.
    pub fn array(&mut self, count: usize) -> &mut Self {
        written(encode::write_array_len(&mut self.0, length(count)));
        self
    }

    /// A map begins: so many names, each with its value, follow.
    pub fn map(&mut self, count: usize) -> &mut Self {
        written(encode::write_map_len(&mut self.0, length(count)));
        self
    }

    /// A name or a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        written(encode::write_str(&mut self.0, text));
        self
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        written(encode::write_sint(&mut self.0, value));
        self
    }

    /// Any value.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        write(&mut self.0, value);
        self
    }

    /// A value that is MessagePack already; nil where it is not.
    pub fn packed(&mut self, bytes: &[u8]) -> &mut Self {
        match check(bytes) {
            Ok(()) => self.0.extend_from_slice(bytes),
            Err(_) => written(encode::write_nil(&mut self.0)),
        }
        self
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What is still to be written, last first. A list instead of recursion: the host may hand in a tree of any depth.
enum Step<'a> {
    Value(&'a Value),
    Name(&'static str),
    /// Fill in the length of the extension whose body starts here.
    EndOfError(usize),
}

fn write(out: &mut Vec<u8>, root: &Value) {
    let mut steps = vec![Step::Value(root)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Value(value) => write_value(out, value, &mut steps),
            Step::Name(name) => written(encode::write_str(out, name)),
            Step::EndOfError(body) => {
                let len = length(out.len() - body).to_be_bytes();
                out[body - 5..body - 1].copy_from_slice(&len);
            }
        }
    }
}

fn write_value<'a>(out: &mut Vec<u8>, value: &'a Value, steps: &mut Vec<Step<'a>>) {
    match value {
        Value::Nil => written(encode::write_nil(out)),
        Value::Bool(value) => written(encode::write_bool(out, *value)),
        Value::Integer(value) => {
            written(encode::write_sint(out, *value));
        }
        Value::Float(value) => written(encode::write_f64(out, *value)),
        Value::String(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if fits(text.len()) => written(encode::write_str(out, text)),
            _ => {
                length(bytes.len());
                written(encode::write_bin(out, bytes));
            }
        },
        Value::Array(items) => {
            written(encode::write_array_len(out, length(items.len())));
            steps.extend(items.iter().rev().map(Step::Value));
        }
        Value::Map(fields) => {
            written(encode::write_map_len(out, length(fields.len())));
            steps.extend(fields.iter().rev().flat_map(|(key, value)| [Step::Value(value), Step::Value(key)]));
        }
        Value::Error(failure) => write_error(out, failure, steps),
    }
}

fn write_error<'a>(out: &mut Vec<u8>, failure: &'a Failure, steps: &mut Vec<Step<'a>>) {
    let Failure { kind, message, retryable, details, stack } = failure;
    // The long header: its length is known only when the details have been written.
    out.extend([Marker::Ext32.to_u8(), 0, 0, 0, 0, ERROR_EXTENSION.to_be_bytes()[0]]);
    steps.push(Step::EndOfError(out.len()));

    let optional = [retryable.is_some(), details.is_some(), stack.is_some()];
    let len = 2 + optional.into_iter().filter(|present| *present).count();
    written(encode::write_map_len(out, length(len)));
    for (name, text) in
        [("kind", Some(kind.as_str())), ("message", Some(message)), ("stack", stack.as_deref())]
    {
        if let Some(text) = text {
            written(encode::write_str(out, name));
            written(encode::write_str(out, text));
        }
    }
    if let Some(retryable) = retryable {
        written(encode::write_str(out, "retryable"));
        written(encode::write_bool(out, *retryable));
    }
    if let Some(details) = details {
        steps.extend([Step::Value(details), Step::Name("details")]);
    }
}

fn fits(len: usize) -> bool {
    u32::try_from(len).is_ok()
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("invariant: callers keep strings and tables within u32::MAX, as documented")
}

fn written<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("invariant: writing to memory does not fail")
}
