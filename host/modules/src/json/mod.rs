//! Module `json`.

mod schema;
mod weight;

pub use schema::{validate, validate_text};

use crate::bindings::{Answer, answer, json as wit};
use perilune_cell::{CellState, Class, Module};
use perilune_value::json;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "json",
    summary: "JSON text, and JSON Schema.",
    classes: &[Class::Deterministic, Class::Encoding],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

impl wit::Host for CellState {
    fn encode(&mut self, value: Vec<u8>) -> Answer<String> {
        answer(json::encode_from_msgpack(&value))
    }

    fn decode(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(json::decode_to_msgpack(&text))
    }

    fn validate(&mut self, schema: Vec<u8>, data: Vec<u8>) -> Answer<()> {
        answer(validate(&schema, &data))
    }

    fn validate_string(&mut self, schema: Vec<u8>, text: Vec<u8>) -> Answer<()> {
        answer(validate_text(&schema, &text))
    }
}
