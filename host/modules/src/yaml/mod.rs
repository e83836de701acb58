//! Module `yaml`: YAML 1.2.
//!
//! | YAML | Lua |
//! |---|---|
//! | core schema: null, booleans, integers (decimal, `0x`, `0o`), floats | nil, booleans, integers, floats; an integer beyond 64 bits is a float |
//! | timestamp without quotes | integer, Unix seconds |
//! | `!!binary` | string of these bytes |
//! | list, map | table; keys that are no strings become strings |
//! | anchors, aliases, merge key `<<` | what they stand for |
//! | other tags | ignored; a scalar with one is a string |
//!
//! In the other direction everything is written so that it reads back as the same value; strings that a reader could take for something
//! else get quotes. Tables that JSON cannot hold are refused here too, for the same reasons.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `decode.rs` | events of the parser composed into a value, within a budget |
//! | `encode.rs` | values as block style |
//! | `scalar.rs` | what a scalar without quotes means, and which strings need quotes |

mod decode;
mod encode;
mod scalar;

pub use decode::decode;
pub use encode::encode;

use crate::bindings::{Answer, answer, yaml as wit};
use crate::compute::{self, QUICK};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_value::{Failure, Value};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "yaml",
    summary: "YAML text.",
    classes: &[Class::Deterministic, Class::Encoding],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of a text, read or written. Longer ones are data, for which YAML is the wrong format.
pub const MAX_TEXT: usize = 16 << 20;

/// As [`encode()`], of a value as MessagePack; `None` when that is too much to do at once.
pub(crate) fn encode_small(value: &[u8], field_order: &[Vec<u8>]) -> Result<Option<Vec<u8>>, Failure> {
    if value.len() > QUICK {
        return Ok(None);
    }
    match encode::write(&Value::from_msgpack(value)?, field_order, QUICK) {
        Ok(text) => Ok(Some(text.into_bytes())),
        Err(refusal) if refusal.is_for_length() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// As [`encode()`], of a value as MessagePack.
pub(crate) fn encode_large(value: &[u8], field_order: &[Vec<u8>]) -> Result<Vec<u8>, Failure> {
    encode(&Value::from_msgpack(value)?, field_order).map(String::into_bytes)
}

/// As [`decode()`], as MessagePack and of no more text than is read at once.
pub(crate) fn decode_small(text: &[u8]) -> Result<Vec<u8>, Failure> {
    if text.len() > QUICK {
        return Err(Failure::invalid(format!("{} bytes of YAML are more than are read at once", text.len())));
    }
    decode_large(text)
}

/// As [`decode()`], as MessagePack.
pub(crate) fn decode_large(text: &[u8]) -> Result<Vec<u8>, Failure> {
    decode(text).map(|value| value.to_msgpack())
}

impl wit::Host for CellState {
    fn encode(&mut self, value: Vec<u8>, field_order: Vec<Vec<u8>>) -> Answer<Option<Vec<u8>>> {
        answer(encode_small(&value, &field_order))
    }

    fn start_encode_large(
        &mut self,
        value: Vec<u8>,
        field_order: Vec<Vec<u8>>,
    ) -> wasmtime::Result<Ticket> {
        let bytes = value.len() + field_order.iter().map(Vec::len).sum::<usize>();
        compute::start_bytes(self, bytes, move |_| encode_large(&value, &field_order))
    }

    fn take_encode_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(compute::take_bytes(self, ticket)?.map_err(failure_to_wit))
    }

    fn decode(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(decode_small(&text))
    }

    fn start_decode_large(&mut self, text: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start_bytes(self, text.len(), move |_| decode_large(&text))
    }

    fn take_decode_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(compute::take_bytes(self, ticket)?.map_err(failure_to_wit))
    }
}
