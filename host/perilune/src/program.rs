//! An entry with everything it imports, ready to load into a cell.

use perilune_cell::{Chunk, Extension, Guest, ImportAlias, Limits, Template};
use perilune_registry::{EntryId, Import, LimitSpec, LuaEntry, Snapshot};
use perilune_value::{Failure, Kind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a cell is made and loaded from.
pub(crate) struct Program {
    pub(crate) id: EntryId,
    pub(crate) kind: String,
    /// The method that a call without one runs.
    pub(crate) method: Option<String>,
    /// For a module: the methods that may be called; `None` for all.
    pub(crate) surface: Option<Vec<String>>,
    pub(crate) limits: Limits,
    pub(crate) template: Arc<Template>,
    pub(crate) extensions: Arc<[Arc<Extension>]>,
    /// Dependencies first, the entry last.
    pub(crate) chunks: Vec<Chunk>,
}

/// What programs are linked with.
pub(crate) struct Linker {
    pub(crate) guest: Arc<Guest>,
    pub(crate) extensions: Vec<Arc<Extension>>,
    pub(crate) defaults: Limits,
}

/// Kinds whose entries run; the others are only imported or looked up.
pub(crate) const PROCESS: &str = "process.lua";
pub(crate) const MODULE: &str = "module.lua";
const FUNCTION: &str = "function.lua";
const LIBRARY: &str = "library.lua";

impl Linker {
    /// Gathers an entry's imports and links the guest with their modules.
    pub(crate) fn link(&self, snapshot: &Snapshot, id: &EntryId) -> Result<Program, Failure> {
        let entry = snapshot.get(id).ok_or_else(|| unknown(id))?;
        if !matches!(entry.kind(), FUNCTION | PROCESS | MODULE | LIBRARY) {
            return Err(Failure::invalid(format!("{id} is a {}, which holds no code", entry.kind())));
        }
        let lua = LuaEntry::decode(entry)?;
        let mut chunks = Vec::new();
        let mut modules = BTreeSet::new();
        for id in snapshot.closure(id) {
            let entry = snapshot.get(&id).ok_or_else(|| unknown(&id))?;
            let lua = LuaEntry::decode(entry)?;
            modules.extend(granted(&lua).map(str::to_owned));
            chunks.push(chunk(&id, entry.kind(), lua));
        }
        let template = self.guest.template(modules.iter().map(String::as_str)).map_err(|error| {
            Failure::new(Kind::Internal, format!("{id}: the guest cannot be linked: {error}"))
        })?;
        let extensions = self.extensions.iter().filter(|extension| modules.contains(extension.name()));
        Ok(Program {
            id: id.clone(),
            kind: entry.kind().to_owned(),
            method: lua.method,
            surface: lua.methods,
            limits: limits(&self.defaults, &lua.limits, entry.kind()),
            template,
            extensions: extensions.cloned().collect(),
            chunks,
        })
    }
}

pub(crate) fn unknown(id: &EntryId) -> Failure {
    Failure::not_found(format!("no entry {id}"))
}

/// The names of built-in modules that an entry may use.
fn granted(lua: &LuaEntry) -> impl Iterator<Item = &str> {
    let imported = lua.imports.values().filter_map(|import| match import {
        Import::Module(name) => Some(name.as_str()),
        Import::Entry(_) => None,
    });
    lua.modules.iter().map(String::as_str).chain(imported)
}

fn chunk(id: &EntryId, kind: &str, lua: LuaEntry) -> Chunk {
    let imports = lua.imports.into_iter().map(|(alias, import)| match import {
        Import::Entry(id) => ImportAlias { alias, id: id.to_string() },
        Import::Module(name) => ImportAlias { alias, id: name },
    });
    Chunk {
        id: id.to_string(),
        source: lua.source.into_bytes(),
        imports: imports.collect(),
        modules: lua.modules,
        surface: (kind == MODULE).then(|| lua.methods.unwrap_or_default()),
    }
}

/// A process may live for ever unless its entry says otherwise.
fn limits(defaults: &Limits, entry: &LimitSpec, kind: &str) -> Limits {
    let timeout = if kind == PROCESS { None } else { defaults.timeout };
    Limits {
        memory: entry.memory.unwrap_or(defaults.memory),
        cpu: entry.cpu.unwrap_or(defaults.cpu),
        timeout: entry.timeout.or(timeout),
    }
}
