//! From an application to a pack, and from a pack to the files that a registry reads.
//!
//! A pack holds the application's own files at their own paths: those with entries, those that entries name by `file://`, and those
//! that an `fs.embed` shows. All else in the folder stays out. Where an entry is kept as bytecode, its file is written anew without
//! the source.
//!
//! This crate knows no wasm: what compiles Lua is a function that it is given.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `open.rs` | from a pack to the files that the registry reads |
//! | `packing.rs` | [`pack`]: from an application to a pack |
//! | `select.rs` | which entries the patterns of `--bytecode` mean |
//! | `precompile.rs` | entries as bytecode, and where it lies |
//! | `document.rs` | files of entries written anew |
//! | `error.rs` | [`PackingError`]: why an application cannot be packed |

mod document;
mod error;
mod open;
mod packing;
mod precompile;
mod select;

pub use error::PackingError;
pub use open::files;
pub use packing::{Application, Compile, Compiler, PackOptions, Progress, pack};
