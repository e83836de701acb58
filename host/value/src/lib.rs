//! Values and failures that cross the sandbox boundary.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `value.rs` | [`Value`], the tree that a Lua value becomes on the host |
//! | `failure.rs` | [`Failure`] and its [`Kind`]: what goes wrong, as data |
//! | `msgpack/` | the wire form: [`Value::to_msgpack`], [`Value::from_msgpack`], [`args_to_msgpack`], [`args_from_msgpack`], [`Writer`] |
//! | `json/` | [`json`]: JSON text, to and from a tree or straight to and from the wire form |
//! | `packed.rs` | [`Packed`]: a value as the host keeps it |
//! | `typed/` | [`to_value`] and [`from_value`]: Rust types through serde |
//! | `codes.rs` | [`codes`]: stable codes of problems |
//! | `path.rs` | where in a value something is wrong, in Lua's notation |

mod codes;
mod failure;
pub mod json;
mod msgpack;
mod packed;
mod path;
mod typed;
mod value;

pub use failure::{Failure, Kind};
pub use msgpack::{DecodeError, Writer, args_from_msgpack, args_to_msgpack, check_args};
pub use packed::Packed;
pub use typed::{TypeError, from_value, to_value};
pub use value::Value;
