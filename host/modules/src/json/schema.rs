//! JSON Schema for code that nobody vouches for.
//!
//! Work on the host is not counted against a cell's CPU budget, so everything here is bounded beforehand: the size of schema
//! and data, the work that the one may do on the other, what regular expressions may take, and the stack.

use super::weight::{self, Weight};
use crate::stack::on_large_stack;
use jsonschema::{PatternOptions, ValidationError, Validator};
use lru::LruCache;
use perilune_value::{Failure, Value, json};
use serde_json::Value as Json;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Bytes of a schema as JSON.
const MAX_SCHEMA: usize = 64 << 10;
/// Values in a schema whose references are expanded.
const MAX_VALUES: u64 = 50_000;
/// Values in a schema times bytes of data. The slowest work found, a thousand alternatives for each of 100,000 numbers, takes half a second.
const MAX_WORK: u64 = 500_000_000;
/// Bytes of data as JSON; parsed, it may take ten times as much.
const MAX_DATA: usize = 8 << 20;
/// Bytes of one compiled regular expression, and of the cache it matches with. An e-mail address takes a tenth of it.
const MAX_REGEX: usize = 256 << 10;
/// Schemas that are kept compiled.
const CACHED: usize = 100;
/// Values in all schemas that are kept compiled: a value takes a few hundred bytes, a regular expression 512 KiB at most.
const CACHED_VALUES: u64 = 200_000;
/// Characters of a message; it may quote the schema.
const MAX_MESSAGE: usize = 500;

/// Checks data against a schema.
///
/// The schema is a table or JSON text, the data a table; both as MessagePack.
///
/// # Errors
///
/// Kind `Invalid` when the data does not match, saying where, and for schemas and data that are no such thing or too large.
pub fn validate(schema: &[u8], data: &[u8]) -> Result<(), Failure> {
    if Value::from_msgpack(&data[..data.len().min(1)]) == Ok(Value::Nil) {
        return Err(Failure::invalid("json.validate: there is no data"));
    }
    if data.len() > MAX_DATA {
        return Err(too_large("data", data.len(), MAX_DATA));
    }
    validate_text(schema, json::encode_from_msgpack(data)?.as_bytes())
}

/// Checks data in JSON text against a schema as [`validate`] takes it.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_text(schema: &[u8], data: &[u8]) -> Result<(), Failure> {
    let schema = schema_text(schema)?;
    if data.len() > MAX_DATA {
        return Err(too_large("data", data.len(), MAX_DATA));
    }
    // Compiling and validating recurse over schema and data both.
    on_large_stack(|| {
        let schema = compiled(schema)?;
        schema.allows(data.len())?;
        let data: Json = serde_json::from_slice(data)
            .map_err(|error| Failure::invalid(format!("the data is not valid JSON: {error}")))?;
        schema.validate(&data)
    })
}

fn schema_text(schema: &[u8]) -> Result<String, Failure> {
    if schema.len() > MAX_SCHEMA {
        return Err(too_large("schema", schema.len(), MAX_SCHEMA));
    }
    match Value::from_msgpack(schema)? {
        Value::Nil => Err(Failure::invalid("json.validate: there is no schema")),
        Value::String(text) => {
            String::from_utf8(text).map_err(|_| Failure::invalid("the schema is not UTF-8"))
        }
        table => json::encode(&table),
    }
}

fn too_large(what: &str, size: usize, limit: usize) -> Failure {
    Failure::invalid(format!("the {what} takes {size} bytes; {limit} is the most that is validated"))
}

/// A schema ready for use, with what it can cost.
struct Schema {
    validator: Validator,
    weight: Weight,
}

impl Schema {
    fn compile(text: &str) -> Result<Self, Failure> {
        let refused =
            |reason: &dyn std::fmt::Display| Failure::invalid(format!("the schema is not usable: {reason}"));
        let schema: Json = serde_json::from_str(text).map_err(|error| refused(&error))?;
        let weight = weight::weigh(&schema).map_err(|error| refused(&error))?;
        if weight.values > MAX_VALUES {
            return Err(refused(&"its references, when expanded, are too many"));
        }
        let patterns = PatternOptions::regex().size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX);
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(&schema)
            .map_err(|error| refused(&described(&error)))?;
        Ok(Schema { validator, weight })
    }

    /// Refuses data of so many bytes where the work would be too much.
    fn allows(&self, size: usize) -> Result<(), Failure> {
        // Each way back into the schema may lead through all of it again.
        let Weight { values, loops, .. } = self.weight;
        let work = values.saturating_mul(loops.max(1)).saturating_mul(size as u64);
        if work <= MAX_WORK {
            return Ok(());
        }
        Err(Failure::invalid(format!(
            "{size} bytes of data are too much work for a schema of {values} values and {loops} references to itself"
        )))
    }

    fn validate(&self, data: &Json) -> Result<(), Failure> {
        if self.validator.is_valid(data) {
            return Ok(());
        }
        // Asking for a place does not remember what was tried: schemas that come back to themselves on several ways
        // could make it try forever.
        if self.weight.loops > 1 {
            return Err(Failure::invalid("the data does not match the schema"));
        }
        match self.validator.validate(data) {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::invalid(described(&error))
                .with_detail("path", shortened(error.instance_path().as_str()))),
        }
    }
}

fn described(error: &ValidationError<'_>) -> String {
    let path = shortened(error.instance_path().as_str());
    let message = shortened(&error.masked().to_string());
    if path.is_empty() { message } else { format!("{path}: {message}") }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Compiled schemas by their text.
struct Cache {
    schemas: LruCache<String, Arc<Schema>>,
    values: u64,
}

/// Shared by all cells: what is in it follows from the text alone.
static CACHE: LazyLock<Mutex<Cache>> =
    LazyLock::new(|| Mutex::new(Cache { schemas: LruCache::unbounded(), values: 0 }));

fn compiled(text: String) -> Result<Arc<Schema>, Failure> {
    let cache = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(schema) = cache().schemas.get(&text) {
        return Ok(schema.clone());
    }
    let schema = Arc::new(Schema::compile(&text)?);
    let mut cache = cache();
    cache.values += schema.weight.values;
    if let Some(replaced) = cache.schemas.put(text, schema.clone()) {
        cache.values -= replaced.weight.values;
    }
    while cache.schemas.len() > CACHED || cache.values > CACHED_VALUES {
        let Some((_, oldest)) = cache.schemas.pop_lru() else { break };
        cache.values -= oldest.weight.values;
    }
    Ok(schema)
}
