//! Key-value stores with expiry.
//!
//! A [`Store`] is what an entry of kind `store.memory` or `store.sql` becomes. Both keep the same promises:
//!
//! * keys are texts, [`Key`], and lists are in the order of their bytes;
//! * a value is gone, for every reader, from the moment its time to live is over;
//! * a put may depend on the key being absent, or on the value being the one that was read, and is then one step.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `store.rs` | [`Store`] and [`Backend`]: what can be done with a store, whatever keeps its contents |
//! | `key.rs`, `ttl.rs` | [`Key`], and times to live |
//! | `room.rs` | [`Room`]: how much memory a reader has |
//! | `memory/` | kind `store.memory`: `table.rs` the contents, `sweeper.rs` the service that removes what has expired |
//! | `sql/` | kind `store.sql`: `columns.rs` the table it works on, `statements.rs` the texts in each dialect, `content.rs` values as JSON |

mod key;
mod memory;
mod room;
mod sql;
mod store;
mod ttl;

pub use key::Key;
pub use memory::{Limits, memory};
pub use room::Room;
pub use store::{Backend, Condition, Info, Item, Page, Put, Query, Store};
pub use ttl::ttl;

use perilune_resource::ResourceKind;

/// The kinds of entries that are stores.
pub const KINDS: &[ResourceKind] = &[memory::KIND, sql::KIND];

/// Their names, for fields that refer to a store.
pub const NAMES: &[&str] = &["store.memory", "store.sql"];
