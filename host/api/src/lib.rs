//! What Lua sees, as data: modules, globals and the objects that they hand out.
//!
//! The files in `api/` describe it, one a module, and are the only place that does: from them come the definitions for editors,
//! the documentation of modules, and what checks of scripts know. A test compares them with what is really there.
//!
//! ```
//! let api = perilune_api::Api::built_in();
//! let get = api.module("registry").and_then(|module| module.function("get")).expect("it is described");
//! assert!(get.fails && !get.yields);
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `model.rs` | [`Description`] and its parts |
//! | `read.rs` | from YAML to an [`Api`] without contradictions |
//! | `types.rs` | the names in a type |
//! | `luals.rs` | definitions for the Lua language server |
//! | `markdown.rs` | pages for people |

pub mod luals;
pub mod markdown;
mod model;
mod read;
mod types;

pub use model::{
    Class, Constant, Description, Field, Function, Parameter, Permission, Result, Scalar, Subject,
};
pub use read::{Api, ApiError};
