//! How much work a JSON Schema can cause, estimated before it is used.
//!
//! References make a small schema large: each of sixty definitions that refers twice to the next one doubles the work.
//! The estimate expands them, without recursion into what is being expanded, and counts every JSON value on the way.

use serde_json::Value as Json;
use std::collections::HashMap;

/// What a schema, its references expanded, amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// JSON values, regular expressions counted as [`PATTERN`].
    pub(super) values: u64,
    /// The longest way from the root to a value.
    pub(super) depth: u64,
    /// References back to something that is being expanded.
    pub(super) loops: u64,
}

/// What a regular expression counts: matching it costs about as much as that many comparisons.
const PATTERN: u64 = 1000;

/// Expanding stops this deep: each level takes a stack frame here and several where the schema is compiled.
pub(super) const MAX_DEPTH: u64 = 256;

/// Keywords whose effect depends on more than the document's structure, so that no estimate would hold.
const UNSUPPORTED: [&str; 6] =
    ["$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveAnchor", "$recursiveRef"];

/// Why a schema is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("`{0}` is not supported; refer to `#/$defs/…`")]
    Unsupported(&'static str),
    #[error("`$ref` is {0:?}; only `#` and `#/…`, places in the schema itself, are supported")]
    Reference(String),
    #[error("it nests, its references followed, deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

pub(super) fn weigh(schema: &Json) -> Result<Weight, Refusal> {
    Weigher { root: schema, known: HashMap::new() }.value(schema, 1)
}

struct Weigher<'a> {
    root: &'a Json,
    /// By address, of objects; `None` while it is being expanded.
    known: HashMap<*const Json, Option<Weight>>,
}

impl<'a> Weigher<'a> {
    fn value(&mut self, value: &'a Json, depth: u64) -> Result<Weight, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        let mut weight = Weight { values: 1, depth: 1, loops: 0 };
        match value {
            Json::Array(items) => {
                for item in items {
                    weight.add(self.value(item, depth + 1)?);
                }
            }
            Json::Object(fields) => match self.known.get(&std::ptr::from_ref(value)) {
                Some(Some(known)) if depth + known.depth > MAX_DEPTH => return Err(Refusal::TooDeep),
                Some(Some(known)) => weight = *known,
                Some(None) => weight.loops = 1,
                None => {
                    self.known.insert(value, None);
                    for (name, field) in fields {
                        weight.add(self.field(name, field, depth + 1)?);
                    }
                    self.known.insert(value, Some(weight));
                }
            },
            _ => {}
        }
        Ok(weight)
    }

    fn field(&mut self, name: &str, field: &'a Json, depth: u64) -> Result<Weight, Refusal> {
        match (name, field) {
            // The root's own name changes nothing.
            ("$id", Json::String(_)) if depth == 2 => Ok(Weight::default()),
            ("$ref", Json::String(reference)) => match self.target(reference)? {
                Some(target) => self.value(target, depth),
                // The compiler says what is missing.
                None => Ok(Weight::default()),
            },
            ("pattern", Json::String(_)) => Ok(Weight { values: PATTERN, depth: 1, loops: 0 }),
            ("patternProperties", Json::Object(patterns)) => {
                let mut weight = self.value(field, depth)?;
                weight.values += PATTERN * patterns.len() as u64;
                Ok(weight)
            }
            // A property may have any name: there the value is a schema and no string.
            (_, Json::String(_) | Json::Bool(_)) => {
                match UNSUPPORTED.into_iter().find(|known| *known == name) {
                    Some(known) => Err(Refusal::Unsupported(known)),
                    None => self.value(field, depth),
                }
            }
            _ => self.value(field, depth),
        }
    }

    fn target(&self, reference: &str) -> Result<Option<&'a Json>, Refusal> {
        match reference.strip_prefix('#') {
            // A percent sign would be decoded before the pointer is followed.
            Some(pointer) if (pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%') => {
                Ok(self.root.pointer(pointer))
            }
            _ => Err(Refusal::Reference(reference.chars().take(64).collect())),
        }
    }
}

impl Weight {
    fn add(&mut self, part: Weight) {
        self.values = self.values.saturating_add(part.values);
        self.depth = self.depth.max(part.depth + 1);
        self.loops = self.loops.saturating_add(part.loops);
    }
}
