//! What a granted interface is.

use crate::CellState;
use wasmtime::component::Linker;

/// What a module's results depend on; a workflow may only use modules with [`Deterministic`](Class::Deterministic) or
/// [`Workflow`](Class::Workflow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same arguments give the same results.
    Deterministic,
    /// Its answers are recorded in a workflow's history.
    Workflow,
    /// Text and binary formats.
    Encoding,
    /// Time.
    Time,
    /// Randomness, or the state of the world.
    Nondeterministic,
    /// Files, terminals, logs.
    Io,
    /// Sockets.
    Network,
    /// Databases and stores.
    Storage,
    /// Other cells.
    Process,
    /// Identities and secrets.
    Security,
}

impl Class {
    /// The word that lists and documentation use.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Deterministic => "deterministic",
            Class::Workflow => "workflow",
            Class::Encoding => "encoding",
            Class::Time => "time",
            Class::Nondeterministic => "nondeterministic",
            Class::Io => "io",
            Class::Network => "network",
            Class::Storage => "storage",
            Class::Process => "process",
            Class::Security => "security",
        }
    }
}

/// One interface of `wit/` and its implementation.
///
/// An interface that is not granted is not linked: a guest that calls it all the same dies with
/// [`Death::NotGranted`](crate::Death::NotGranted), whatever its `require` says.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The name in `modules:` and in `require`; also the interface's name in package `perilune:cell`, with `-` for `_`.
    pub name: &'static str,
    /// One sentence for lists and docs.
    pub summary: &'static str,
    /// What it is, for workflows.
    pub classes: &'static [Class],
    /// Adds the implementation to a linker.
    pub link: fn(&mut Linker<CellState>) -> wasmtime::Result<()>,
}
