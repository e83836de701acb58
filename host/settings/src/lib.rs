//! Settings of the command line: one definition each for flag, variable and file.
//!
//! A [`Definition`] says what a setting is called, what it may be and what holds without it. Everything else is made from it: the
//! flag `--limits-cpu`, the variable `PERILUNE_LIMITS_CPU`, the key `limits.cpu` in `perilune.yaml`, help, completion, checks and
//! the page `docs/settings.md`. A flag wins over a variable, a variable over the file, the file over the default.
//!
//! ```
//! use perilune_settings::{Sources, resolve};
//! use std::time::Duration;
//!
//! let sources = Sources { variables: vec![("PERILUNE_LIMITS_CPU".into(), "200ms".into())], ..Sources::default() };
//! let settings = resolve(&sources)?.settings();
//! assert_eq!(settings.limits_cpu, Duration::from_millis(200));
//! # Ok::<(), perilune_settings::Problems>(())
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `all.rs` | [`ALL`]: every setting, and [`Settings`], their values with Rust's types |
//! | `choices.rs` | settings that are one of a few words |
//! | `definition.rs` | [`Definition`] and [`Type`]: what a setting is |
//! | `value.rs` | [`Value`]: from a text to a value within its bounds, and back |
//! | `resolve.rs` | [`resolve`]: all sources together, the strongest first |
//! | `flags.rs`, `variables.rs`, `file/` | one source each |
//! | `together.rs` | what settings say about each other |
//! | `problem.rs`, `code.rs` | [`Problems`]: what is wrong and where it was said; codes |
//! | `page.rs` | the page of documentation |

mod all;
mod choices;
mod code;
mod definition;
mod file;
mod flags;
mod page;
mod problem;
mod resolve;
mod suggest;
mod together;
mod value;
mod variables;

pub use all::{ALL, Settings, find};
pub use choices::{Color, LogFormat, Strict};
pub use code::Code;
pub use definition::{Commands, Definition, Type, Word};
pub use file::FILE;
pub use flags::{CONFIG_FLAG, Flags, fit};
pub use page::page;
pub use problem::{Place, Problem, Problems};
pub use resolve::{From, Resolved, Setting, Sources, resolve};
pub use value::Value;
pub use variables::CONFIG_VARIABLE;
