//! Module `base64`: the standard alphabet, padded.

use crate::bindings::{Answer, answer, base64 as wit};
use base64::Engine;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use perilune_cell::{CellState, Class, Module};
use perilune_value::Failure;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "base64",
    summary: "Base64 text, standard alphabet.",
    classes: &[Class::Deterministic, Class::Encoding],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Other encoders leave the unused bits of the last character as they come.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes as text.
pub fn encode(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// The bytes that a text stands for. Line ends are skipped, as texts in mails and certificates are broken into lines.
///
/// # Errors
///
/// Kind `Invalid` for any other character and for wrong padding.
pub fn decode(mut text: Vec<u8>) -> Result<Vec<u8>, Failure> {
    text.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    LENIENT.decode(text).map_err(|error| Failure::invalid(format!("cannot decode base64: {error}")))
}

impl wit::Host for CellState {
    fn encode(&mut self, data: Vec<u8>) -> wasmtime::Result<String> {
        Ok(encode(&data))
    }

    fn decode(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(decode(text))
    }
}
