//! Module `ctx`: what the caller put into the call's context.

use crate::CallContext;
use crate::bindings::{Answer, answer, ctx as wit};
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Failure, Value};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "ctx",
    summary: "Reads what the caller put into the context of the call.",
    classes: &[Class::Deterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// The value under a key of a context.
///
/// # Errors
///
/// Kind `Invalid` for an empty key, `NotFound` for one that nobody set.
pub fn get<'a>(context: &'a Value, key: &[u8]) -> Result<&'a Value, Failure> {
    if key.is_empty() {
        return Err(Failure::invalid("ctx.get: the key is empty"));
    }
    let fields: &[(Value, Value)] = match context {
        Value::Map(fields) => fields,
        _ => &[],
    };
    // Of equal keys the last was set last.
    let found = fields.iter().rev().find(|(name, _)| matches!(name, Value::String(name) if name == key));
    found.map(|(_, value)| value).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(key).chars().take(64).collect();
        Failure::not_found(format!("ctx.get: nothing is set under {shown:?}"))
    })
}

impl wit::Host for CellState {
    fn get(&mut self, key: Vec<u8>) -> Answer<Vec<u8>> {
        answer(get(&CallContext::of(self)?.values, &key).map(Value::to_msgpack))
    }

    fn all(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(match &CallContext::of(self)?.values {
            Value::Map(fields) if !fields.is_empty() => CallContext::of(self)?.values.to_msgpack(),
            _ => Value::Map(Vec::new()).to_msgpack(),
        })
    }
}
