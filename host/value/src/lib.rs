//! Values and failures that cross the sandbox boundary.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `value.rs` | [`Value`], the tree that a Lua value becomes on the host |
//! | `failure.rs` | [`Failure`] and its [`Kind`]: what goes wrong, as data |

mod failure;
mod value;

pub use failure::{Failure, Kind};
pub use value::Value;
