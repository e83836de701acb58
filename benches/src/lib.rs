//! What Perilune costs, each figure beside the floor beneath it or the native baseline.
//!
//! Both sides of a ratio are measured in the same run, turn by turn, so that what else the machine does weighs on both
//! (see `docs/decisions/0009-benchmarks-interleave.md`). `cargo xtask bench` runs it; `docs/benchmarks.md` lists the keys.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `key.rs` | [`Key`]: a figure, its meaning and what it must reach; [`Group`]: keys that are measured together |
//! | `groups/` | one file per group, with the table of its keys at the top |
//! | `select.rs` | which groups a command line asks for |
//! | `series.rs` | [`Series`]: samples and their quantiles; ratios of two |
//! | `run.rs` | [`Run`]: takes the samples of all sides in turns, keeps the results |
//! | `report.rs` | the table and the files |
//! | `machine.rs` | what it was measured on |
//! | `floor.rs` | the guest by bare wasmtime |
//! | `native.rs` | native Lua |
//! | `cells.rs` | cells outside any runtime |
//! | `entries.rs` | entries in a runtime, called as an application would |

pub mod cells;
pub mod entries;
pub mod floor;
pub mod groups;
pub mod key;
pub mod machine;
pub mod native;
pub mod report;
pub mod run;
pub mod select;
pub mod series;

pub use groups::GROUPS;
pub use key::{Group, Key, Reach, Unit};
pub use run::{Effort, Run, Side};
pub use series::{Ratio, Series};
