//! Which hosts entries may reach: the host's list, narrowed by the entry's own.
//!
//! A name is looked at twice: [`Policy::may_resolve`] before anybody asks for its addresses, since the question alone tells
//! something to whoever answers it, and [`Policy::may_connect`] for each address that came back. Where a library does both at
//! once, [`Policy::may_delegate`] is asked before. This crate opens no
//! connections itself.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `class.rs` | [`Class`]: which addresses are public |
//! | `target.rs` | [`Target`]: host and port of a URL |
//! | `pattern.rs` | [`Pattern`], [`List`]: items such as `*.example.com` |
//! | `policy.rs` | [`Policy`], [`Refusal`]: what one entry may reach, and why not |

mod class;
mod pattern;
mod policy;
mod target;

pub use class::Class;
pub use pattern::{List, Pattern, PatternError};
pub use policy::{Policy, Refusal};
pub use target::{Host, Target};
