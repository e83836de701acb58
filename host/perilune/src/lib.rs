//! Runs untrusted Lua entries, each in its own WebAssembly sandbox.
//!
//! A [`Runtime`] holds entries (`function.lua`, `library.lua`, `module.lua`, `process.lua`, `function.wasm`…) from a directory or from
//! memory. Each call runs in a cell of its own: a Lua interpreter inside a wasm instance, with a memory cap, a CPU budget,
//! a wall-clock limit, and only the modules that the entry lists.
//!
//! Entries made in memory, and a call from async Rust:
//!
//! ```
//! use perilune::{Entry, EntryId, Runtime, Value};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let hello = Entry::new(EntryId::parse("app:hello")?, "function.lua")
//!     .with_field("source", "return { main = function(name) return 'hello ' .. name end }")
//!     .with_field("method", "main");
//! let runtime = Runtime::builder().entry(hello).build()?;
//! assert_eq!(runtime.call("app:hello", [Value::from("moon")]).await?, Value::from("hello moon"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A directory of entries, Rust types as arguments and result:
//!
//! ```
//! use perilune::Runtime;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let runtime = Runtime::builder().directory("../../examples/orders").build()?;
//! let percent: i64 = runtime.call_typed("shop:tax.rate", ("FR",)).await?;
//! assert_eq!(percent, 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A module of your own, granted to the entry that lists it, and limits:
//!
//! ```
//! use perilune::{Entry, EntryId, Extension, Kind, Limits, Runtime, Value};
//! use std::time::Duration;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let weather = Extension::new("weather")
//!     .slow_function("today", |_args| async { Ok(Value::from("sunny")) });
//! let entry = |name: &str, source: &str| {
//!     Ok::<_, Box<dyn std::error::Error>>(
//!         Entry::new(EntryId::new("app", name)?, "function.lua").with_field("source", source).with_field("method", "main"),
//!     )
//! };
//! let runtime = Runtime::builder()
//!     .module(weather)
//!     .limits(Limits { cpu: Duration::from_millis(50), ..Limits::DEFAULT })
//!     .ceiling(Limits { memory: 128 << 20, ..Limits::CEILING })
//!     .entry(
//!         entry("report", "return function() return require('weather').today() end")?
//!             .with_field("modules", vec![Value::from("weather")]),
//!     )
//!     .entry(entry("spin", "return function() while true do end end")?)
//!     .build()?;
//! assert_eq!(runtime.call("app:report", []).await?, Value::from("sunny"));
//! assert_eq!(runtime.call("app:spin", []).await.unwrap_err().kind, Kind::Timeout);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `builder.rs` | [`RuntimeBuilder`]: every setting of a host |
//! | `runtime.rs` | [`Runtime`]: calls, commands, the registry |
//! | `call.rs` | [`Call`]: one call with its options |
//! | `program.rs` | an entry with everything it imports, and the image that its cells begin with |
//! | `images.rs` | images that were made before this start |
//! | `target.rs` | from `ns:name.method` to an entry and a method |
//! | `pools.rs`, `workers.rs` | the entries of a version, each with its pool; cells as workers |
//! | `functions.rs` | calls, by a worker of the entry's pool |
//! | `cleaner.rs` | the thread that cleans used cells |
//! | `heavy.rs` | threads for calls that compute for long |
//! | `memory.rs` | the memory that the host should take at most |
//! | `processes/` | processes: how they are started and live; commands |
//! | `post.rs` | messages between them and what is no cell, such as the connection of a client |
//! | `bytecode/` | Lua compiled ahead: how it is made, and checked before it is loaded |
//! | `packs.rs` | applications in one file: how they are written, and read |
//! | `checks.rs` | what the registry cannot check: Lua's syntax, the host's ceilings |
//! | `folders.rs` | folders that servers show, which must be there |
//! | `components/` | entries that are WebAssembly components in other languages |
//! | `access.rs`, `system.rs` | modules `registry` and `system` over the host |
//! | `spares.rs` | cells that processes leave to the next ones |
//! | `workflows/` | durable workflows |
//! | `session/` | [`Session`]: Lua that somebody types, input after input |
//! | `reload.rs` | files that are edited while the application runs |
//! | `surroundings.rs` | what live cells find around them |

mod access;
mod builder;
pub mod bytecode;
mod call;
mod checks;
mod cleaner;
mod components;
mod folders;
mod functions;
mod heavy;
mod images;
mod memory;
pub mod packs;
mod pools;
mod post;
mod processes;
mod program;
mod reload;
mod runtime;
mod session;
mod spares;
mod surroundings;
mod system;
mod target;
mod workers;
mod workflows;

pub use builder::{BuildError, RuntimeBuilder, rules};
pub use call::Call;
pub use images::Images;
pub use perilune_cell::{Coverage, EngineOptions, Extension, Identity, Limits, Lines, Machine};
pub use perilune_http::HttpService;
pub use perilune_modules::{Heard, Listener, MODULES};
pub use perilune_pool::{Kind as PoolKind, Stats, WaitStats};
pub use perilune_process::{LONGEST_LINE, Terminal};
pub use perilune_registry::{
    Applied, Baseline, Code, Entry, EntryId, Filter, Import, Kinds, LuaEntry, Operation, Places, Problem,
    Registry, Report, Severity, Snapshot, Version, VersionId,
};
pub use perilune_resource::Allowed;
pub use perilune_security::{Actor, Authority, Decision, Policy, Question, Rule, Scope, Strictness};
pub use perilune_value::{Failure, Kind, Value, from_value, json, to_value};
pub use perilune_workflow as workflow;
pub use pools::PoolStats;
pub use processes::{
    Command, Dead, HostInfo, Letters, MailboxInfo, Overview, ProcessDetails, ProcessInfo, ProcessKind,
    ServiceInfo,
};
pub use reload::{Reloader, places};
pub use runtime::{CallError, Runtime};
pub use session::{Answer, Lost, Session, SessionOptions};
pub use surroundings::Output;
pub use workflows::{Difference, Replayed};

/// The codes of problems that loading entries can find, each with what it stands for; those of checks that hold sources are not
/// among them.
pub fn codes() -> &'static [(Code, &'static str)] {
    Code::ALL
}

/// The pages that show Rust: their blocks are compiled and run as tests of this crate's documentation.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/embedding.md")]
    struct Embedding;
    #[doc = include_str!("../../../README.md")]
    struct Readme;
}

/// A positive or zero duration written as in entries: `500ms`, `1m30s`.
pub fn parse_duration(text: &str) -> Option<std::time::Duration> {
    let nanos = perilune_time::duration::parse(text.as_bytes()).ok()?;
    u64::try_from(nanos).ok().map(std::time::Duration::from_nanos)
}
