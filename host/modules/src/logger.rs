//! Module `logger`: records of a cell in the host's log.
//!
//! Cells write them freely, so a record's size is bounded and control characters are escaped: a cell can neither flood the
//! log with one record nor forge lines or move a terminal's cursor.

use crate::durable;
use crate::bindings::logger as wit;
use crate::{CallContext, Heard};
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Value, json};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "logger",
    summary: "Structured records in the log.",
    classes: &[Class::Io, Class::Workflow],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of a message: a stack trace fits.
const MAX_MESSAGE: usize = 8 << 10;
/// Fields of a record.
const MAX_FIELDS: usize = 32;
/// Bytes of an entry id with a line number.
const MAX_LOCATION: usize = 600;
/// Bytes of a field's name and of a logger's.
const MAX_NAME: usize = 64;
/// Bytes of a field's value as JSON: a small table fits.
const MAX_VALUE: usize = 1 << 10;
/// Bytes of all fields as MessagePack; larger ones are not looked at.
const MAX_FIELD_BYTES: usize = 256 << 10;

/// Text on one line, cut after so many bytes.
fn line(text: &[u8], max: usize) -> String {
    let mut line = String::new();
    for c in String::from_utf8_lossy(&text[..text.len().min(max)]).chars() {
        if c.is_control() && c != '\t' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    if text.len() > max {
        line.push('…');
    }
    line
}

/// The message as it is logged.
pub fn message(text: &[u8]) -> String {
    line(text, MAX_MESSAGE)
}

/// Fields, a MessagePack map, as `key=value` pairs in the order of their names; values as JSON.
pub fn fields(bytes: &[u8]) -> String {
    if bytes.len() > MAX_FIELD_BYTES {
        return format!("(fields of {} bytes left out)", bytes.len());
    }
    let Ok(Value::Map(mut fields)) = Value::from_msgpack(bytes) else { return String::new() };
    fields.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
    let left_out = fields.len().saturating_sub(MAX_FIELDS);
    let mut shown: Vec<String> = fields
        .iter()
        .take(MAX_FIELDS)
        .map(|(key, value)| {
            let key = match key {
                Value::String(key) => line(key, MAX_NAME),
                other => json::encode(other).unwrap_or_default(),
            };
            let value = json::encode(value).unwrap_or_else(|failure| failure.message);
            format!("{key}={}", line(value.as_bytes(), MAX_VALUE))
        })
        .collect();
    if left_out > 0 {
        shown.push(format!("({left_out} more fields)"));
    }
    shown.join(" ")
}

fn level_name(level: wit::Level) -> &'static str {
    match level {
        wit::Level::Debug => "debug",
        wit::Level::Info => "info",
        wit::Level::Warn => "warn",
        wit::Level::Error => "error",
    }
}

impl wit::Host for CellState {
    fn write(
        &mut self,
        level: wit::Level,
        name: Vec<u8>,
        message: Vec<u8>,
        fields: Vec<u8>,
        location: String,
    ) -> wasmtime::Result<()> {
        if durable::is_replaying(self) {
            return Ok(());
        }
        if let Some(listener) = CallContext::of(self)?.chain.listener() {
            let (message, fields) = (self::message(&message), self::fields(&fields));
            let text = if fields.is_empty() { message } else { format!("{message} {fields}") };
            listener.hear(&Heard {
                entry: &self.identity.entry,
                location: &line(location.as_bytes(), MAX_LOCATION),
                level: Some(level_name(level)),
                text: &text,
            });
            return Ok(());
        }
        // The level of an event is part of its static description, so each takes an event of its own.
        macro_rules! write {
            ($event:ident) => {
                tracing::$event!(
                    target: "perilune::logger",
                    entry = &*self.identity.entry,
                    pid = %self.identity.pid,
                    location = line(location.as_bytes(), MAX_LOCATION),
                    logger = line(&name, MAX_NAME),
                    fields = self::fields(&fields),
                    "{}",
                    self::message(&message)
                )
            };
        }
        match level {
            wit::Level::Debug => write!(debug),
            wit::Level::Info => write!(info),
            wit::Level::Warn => write!(warn),
            wit::Level::Error => write!(error),
        }
        Ok(())
    }
}
