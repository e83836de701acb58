//! Entries: loading, validation, versions, queries.
//!
//! An [`Entry`] is a named piece of configuration or code, `namespace:name`. A [`Baseline`] gathers entries from directories and from
//! memory, [`Rules`] say what is accepted, and a [`Registry`] holds the entries in versions that change while readers go on reading.
//! Everything that is wrong is collected in a [`Report`] and shown at once.
//!
//! This crate knows nothing of Lua beyond the fields of its entries, and nothing of what runs them.
//!
//! ```
//! use perilune_registry::{Baseline, Entry, EntryId, Kinds, Registry, Rules};
//!
//! let mut baseline = Baseline::new();
//! baseline.add(
//!     Entry::new(EntryId::parse("app:hello")?, "function.lua")
//!         .with_field("source", "return { main = function() return 'hello' end }")
//!         .with_field("method", "main"),
//! );
//! let registry = Registry::new(baseline, Rules::new(Kinds::standard()))?;
//! assert_eq!(registry.snapshot().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `id.rs`, `path.rs` | [`EntryId`], and [`FieldPath`]: where in an entry something stands |
//! | `entry.rs`, `origin.rs`, `text.rs` | [`Entry`], and where it was written |
//! | `schema.rs`, `kinds.rs`, `lua.rs`, `component.rs`, `pool.rs`, `units.rs`, `source.rs` | the table of kinds: types of fields, the kinds themselves, their typed form |
//! | `rules.rs`, `together.rs` | [`Rules`] and [`Limits`]; [`Together`], a kind's own check of several entries |
//! | `read/` | from files to entries: `reader.rs` all of it, and again; `walk.rs` the directory, `files.rs` the wall around it, `texts.rs` what was read before, `yaml.rs` and `json.rs` into the tree of `node.rs`, `document.rs` the frame, `sources.rs` `file://` |
//! | `check/` | whether entries are right: `fields.rs` each by itself, `references.rs` all together, over the imports of `closure.rs` and `graph.rs`, `names.rs` what names mean, `together.rs` the checks that kinds bring |
//! | `problem.rs`, `code.rs`, `report.rs`, `suggest.rs` | one thing that is wrong, its code, all of them as text, suggestions |
//! | `registry.rs`, `state.rs`, `history.rs`, `change.rs` | [`Registry`], [`Snapshot`], [`Version`], [`Operation`] |
//! | `reload.rs` | [`Reload`]: files that were edited become the next version |
//! | `filter.rs`, `glob.rs`, `value.rs` | queries, patterns with `*`, and when two values are the same |

mod change;
mod check;
mod code;
mod component;
mod entry;
mod filter;
mod glob;
mod history;
mod id;
mod kinds;
mod lua;
mod origin;
mod path;
mod pool;
mod problem;
mod read;
mod registry;
mod reload;
mod report;
mod rules;
mod schema;
mod source;
mod state;
mod suggest;
mod text;
mod together;
mod units;
mod value;

pub use change::{Operation, build_delta};
pub use code::Code;
pub use component::{ComponentEntry, MAX_COMPONENT_BYTES, Mount};
pub use entry::Entry;
pub use filter::Filter;
pub use glob::Glob;
pub use history::{Version, VersionId};
pub use id::{EntryId, IdError};
pub use kinds::source_kind;
pub use lua::{Import, LimitSpec, LuaCode, LuaEntry};
pub use origin::{Half, Place};
pub use path::{FieldPath, Segment};
pub use pool::{PoolSpec, PoolType};
pub use problem::{Problem, Severity, quote};
pub use read::{Baseline, Files, Ignored, Places, Reader};
pub use registry::{Applied, Registry};
pub use reload::Reload;
pub use report::Report;
pub use rules::{EntryCheck, Limits, Rules};
pub use schema::{Field, Fields, HiddenValues, KindSpec, Kinds, Type};
pub use source::MAX_SOURCE_BYTES;
pub use state::Snapshot;
pub use suggest::{closest, did_you_mean};
pub use text::SourceText;
pub use together::{Everything, Together};
pub use units::{bytes as parse_bytes, duration as parse_duration};
pub use value::same;
