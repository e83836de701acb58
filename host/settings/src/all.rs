//! Every setting.
//!
//! A new one is a paragraph here: its doc line, its name among [`Settings`], its Rust type, its key, and what else differs from
//! [`Definition::EMPTY`].

use crate::choices::{Color, LogFormat, Strict};
use crate::definition::{Commands, Definition, Type};
use crate::resolve::Resolved;
use crate::value::Typed;
use std::path::PathBuf;
use std::time::Duration;

/// A time that nobody means to be longer.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a memory of 32 bits can address.
const MOST_MEMORY: u64 = 1 << 32;

const MILLISECOND: Duration = Duration::from_millis(1);

macro_rules! settings {
    ($(#[doc = $doc:literal] $field:ident: $value:ty = $key:literal { $($set:tt)* })*) => {
        /// All of them, in the order in which they are shown.
        pub const ALL: &[Definition] =
            &[$(Definition { key: $key, doc: $doc.trim_ascii(), $($set)* ..Definition::EMPTY }),*];

        /// Their values.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $(#[doc = $doc] pub $field: $value,)*
        }

        impl Settings {
            pub(crate) fn of(resolved: &Resolved) -> Self {
                Settings { $($field: Typed::of(resolved.value($key)),)* }
            }
        }
    };
}

settings! {
    /// Hosts for HTTP and WebSocket clients: `api.example.com`, `*.example.com`, `localhost:8080`, `*` for every public one
    allow_net: Vec<String> = "allow.net" {
        ty: Type::Texts { named: "HOST" },
        otherwise: "none",
        reason: "what nobody names, no entry reaches",
        operator: true,
        common: true,
    }
    /// Environment variables: `DATABASE_URL`, `SHOP_*`
    allow_env: Vec<String> = "allow.env" {
        ty: Type::Texts { named: "NAME" },
        otherwise: "none",
        reason: "the environment of a host is full of secrets",
        operator: true,
        common: true,
    }
    /// Directories outside of the application
    allow_dir: Vec<PathBuf> = "allow.dir" {
        ty: Type::Folders,
        otherwise: "none",
        reason: "an application sees its own folder and no other",
        operator: true,
        common: true,
    }
    /// When calls without an actor and policies may do nothing that is guarded: `auto` once the application has a policy
    strict: Strict = "strict" {
        ty: Type::Word(Strict::WORDS),
        default: Some("auto"),
        reason: "who writes policies wants them to hold, who writes none is not in their way",
        operator: true,
        common: true,
    }
    /// Folder that relative paths of entries begin at where the application is a pack
    data: Option<PathBuf> = "data" {
        ty: Type::Folder,
        otherwise: "none",
        reason: "a pack has no folder of its own, and may be anybody's: what it may write is for the operator to say",
        operator: true,
    }
    /// Keys of which one must have signed the application, a pack: `ed25519:…`, or files with that text
    require_signature: Vec<String> = "require_signature" {
        ty: Type::Texts { named: "PUBKEY" },
        otherwise: "none; directories and unsigned packs run as well",
        reason: "who has written an application runs it from its directory",
        operator: true,
    }
    /// Memory of a cell whose entry does not say
    limits_memory: u64 = "limits.memory" {
        ty: Type::Bytes { least: 1 << 20, most: MOST_MEMORY },
        default: Some("64MiB"),
        reason: "an idle cell takes 0.3 MiB; this leaves room for real data without letting one entry fill the host",
    }
    /// CPU time of one turn of a cell whose entry does not say
    limits_cpu: Duration = "limits.cpu" {
        ty: Type::Duration { least: MILLISECOND, most: DAY },
        default: Some("1s"),
        reason: "a turn of more than a second is a loop more often than work",
    }
    /// Wall-clock time of one call whose entry does not say
    limits_timeout: Duration = "limits.timeout" {
        ty: Type::Duration { least: MILLISECOND, most: DAY },
        default: Some("30s"),
        reason: "callers seldom wait for longer",
    }
    /// Memory that no entry may exceed
    ceiling_memory: u64 = "ceiling.memory" {
        ty: Type::Bytes { least: 1 << 20, most: MOST_MEMORY },
        default: Some("1GiB"),
        reason: "a few such cells fit into a usual machine",
        operator: true,
    }
    /// CPU time of one turn that no entry may exceed
    ceiling_cpu: Duration = "ceiling.cpu" {
        ty: Type::Duration { least: MILLISECOND, most: DAY },
        default: Some("1m"),
        reason: "what computes for longer belongs into a process that takes turns",
        operator: true,
    }
    /// Wall-clock time of one call that no entry may exceed
    ceiling_timeout: Duration = "ceiling.timeout" {
        ty: Type::Duration { least: MILLISECOND, most: DAY },
        default: Some("1h"),
        reason: "what takes longer belongs into a process or a workflow",
        operator: true,
    }
    /// Cells that may exist at the same time; address space for them is reserved when the program starts
    cells_max: Option<u32> = "cells.max" {
        ty: Type::Integer { least: 1, most: 100_000 },
        otherwise: "as many as the machine holds, 1000 at most",
        reason: "room for one takes 8 µs to set up, so ten thousand would be felt at each command",
    }
    /// Callers that may wait for a cell; more are refused at once
    cells_max_waiting: u32 = "cells.max_waiting" {
        ty: Type::Integer { least: 0, most: 1_000_000 },
        default: Some("10000"),
        reason: "a bound, so that an overload is refused instead of filling memory",
    }
    /// How long a caller waits for a cell
    cells_max_wait: Duration = "cells.max_wait" {
        ty: Type::Duration { least: MILLISECOND, most: DAY },
        default: Some("30s"),
        reason: "as long as a call may take",
    }
    /// Whether cells compute the same on every machine: limits of CPU time count instructions, every NaN has the same bits
    cells_deterministic: bool = "cells.deterministic" {
        ty: Type::Bool,
        default: Some("false"),
        reason: "such cells compute more slowly",
    }
    /// Processes that may run at the same time in all of an application's hosts together
    processes_max: Option<u32> = "processes.max" {
        ty: Type::Integer { least: 1, most: 10_000_000 },
        otherwise: "no limit but `max_processes` of each `process.host`",
        reason: "each host has a limit of its own, 100000 where its entry does not say",
    }
    /// Threads that carry calls
    threads: Option<u32> = "threads" {
        ty: Type::Integer { least: 1, most: 1024 },
        otherwise: "one per core",
        reason: "no call waits inside of a cell, so more threads than cores do nothing",
        commands: Commands::All,
    }
    /// Whether entries that list module `registry` may change entries
    registry_writable: bool = "registry.writable" {
        ty: Type::Bool,
        default: Some("true"),
        reason: "listing the module is the permission",
    }
    /// Whether `perilune run` answers `perilune ps` and its like
    control_socket: bool = "control.socket" {
        ty: Type::Bool,
        default: Some("true"),
        reason: "only the user who runs the application can reach it",
        commands: Commands::Only(&["run"]),
    }
    /// Folder of the socket on which `perilune run` answers; both sides must name the same
    control_dir: Option<PathBuf> = "control.dir" {
        ty: Type::Folder,
        otherwise: "`perilune` in `$XDG_RUNTIME_DIR`, or else `perilune-UID` in the folder for temporary files",
        reason: "nobody else can enter it",
        commands: Commands::Only(&["run", "ps", "inspect", "send", "cancel", "terminate", "workflow"]),
        operator: true,
    }
    /// Where the compiled sandbox is kept
    cache_dir: Option<PathBuf> = "cache.dir" {
        ty: Type::Folder,
        otherwise: "`perilune` in the user's cache folder",
        reason: "no start waits for the compiler; who can write there runs code as you do, so an application cannot name it",
        operator: true,
    }
    /// Which log records are shown: a level, or levels for parts of the program
    log_level: String = "log.level" {
        ty: Type::Text { named: "FILTER" },
        default: Some("warn,perilune::service=info,perilune::logger=info"),
        reason: "warnings of the host, which services run, and what entries write to their logger",
        commands: Commands::All,
        also: Some("RUST_LOG"),
    }
    /// How log records are written
    log_format: LogFormat = "log.format" {
        ty: Type::Word(LogFormat::WORDS),
        default: Some("text"),
        reason: "people read them more often than programs",
        commands: Commands::All,
    }
    /// Whether texts have colours
    color: Color = "color" {
        ty: Type::Word(Color::WORDS),
        default: Some("auto"),
        reason: "files and pipes want none",
        commands: Commands::All,
        common: true,
    }
}

/// The setting with this key.
pub fn find(key: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.key == key)
}
