//! Finds mistakes in an application without running it.
//!
//! [`check`] looks at all entries and gives a [`Report`](perilune_registry::Report) as loading does, of errors and warnings. What
//! modules and globals there are, it knows from [`perilune_api`] alone.
//!
//! ```
//! use perilune_lint::{Options, check};
//! use perilune_registry::{Entry, EntryId};
//! use std::sync::Arc;
//!
//! let entry = Entry::new(EntryId::parse("app:hello")?, "function.lua")
//!     .with_field("source", "return { main = function(name) return string.fromat('hello %s', name) end }")
//!     .with_field("method", "main");
//! let report = check(&[Arc::new(entry)], &Options::default())?;
//! assert_eq!(report.problems()[0].code().as_str(), "L131");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `rule.rs` | the table of rules, and docs/lint.md made from it and `intro.md` |
//! | `check.rs` | all rules over all entries |
//! | `bounds.rs` | what is not parsed because it nests too deep or is too long |
//! | `source.rs`, `lower.rs`, `scope.rs`, `tree.rs` | from a text to a tree with names resolved |
//! | `walk.rs` | through a tree in order |
//! | `globals.rs`, `types.rs` | what global names and values are |
//! | `rules/` | the rules: `names.rs`, `locals.rs`, `requires.rs`, `calls.rs`, `flow.rs`, `tables.rs`, `comparisons.rs`, `exports.rs`, `entries.rs` |
//! | `subject.rs`, `everything.rs` | an entry and where findings about it go; all entries together |
//! | `allow.rs` | comments that silence findings |
//! | `document.rs` | findings as data |

mod allow;
mod bounds;
mod check;
mod document;
mod everything;
mod globals;
mod lower;
mod rule;
mod rules;
mod scope;
mod source;
mod subject;
mod tree;
mod types;
mod walk;

pub use check::{Options, check, is_syntax};
pub use document::{Document, Finding, Position};
pub use rule::{RULES, Rule, markdown};
