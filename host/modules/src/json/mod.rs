//! Module `json`.

mod schema;
mod weight;

pub use schema::{validate, validate_text};
