//! Instants, zones, layouts and durations: what module `time`, the global `os` and duration fields of entries mean.
//!
//! Layouts and duration texts are Go's, so that they read as users know them from YAML and from other tools. Everything is
//! exact integers, every function is total: hostile input gives a [`TimeError`], in bounded time and memory.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `instant.rs` | [`Instant`]: a point in time; rounding |
//! | `calendar.rs` | [`Fields`] and [`Civil`]: dates as written and as shown, the Gregorian calendar |
//! | `zone.rs` | [`Location`], [`Zones`] and [`Zone`]: from names to offsets |
//! | `layout.rs` | the elements of a layout such as `2006-01-02` |
//! | `layout/format.rs`, `layout/parse.rs` | [`fn@format`] and [`parse`]: instants to text and back |
//! | `duration.rs` | [`duration::parse`] and [`duration::format`]: `1h30m` |
//! | `error.rs` | [`TimeError`] |

mod calendar;
pub mod duration;
mod error;
mod instant;
mod layout;
mod zone;

pub use calendar::{Civil, Fields};
pub use error::{MAX_TEXT, TimeError};
pub use instant::Instant;
pub use layout::{format, parse};
pub use zone::{Location, MAX_NAME, MAX_OFFSET, Zone, Zones};
