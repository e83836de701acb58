//! The modules of a session, and the code of the application that it may require.

use super::{Loaded, wording};
use crate::program::{Linker, Program, granted, unknown};
use crate::runtime::Inner;
use perilune_cell::{Chunk, ImportAlias};
use perilune_modules::{ALIASES, MODULES, SESSION};
use perilune_registry::{Entry, EntryId, Import, LuaEntry, Snapshot};
use perilune_value::{Failure, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the session's own chunk is called: no entry can have this name, and stacks leave its frames out.
const OWN: &str = "<session>:";

/// The id of what a session that takes no entry's place is linked as; nobody sees it.
const ID: (&str, &str) = ("session", "session");

const SOURCE: &str = include_str!("session.lua");

/// Kinds that hold code, as text or precompiled.
const CODE: [&str; 4] = ["function.lua", "library.lua", "module.lua", "process.lua"];

/// What inputs may require.
pub(super) struct Code {
    modules: Vec<String>,
    snapshot: Snapshot,
    /// Entries by the names under which others import them, and by their own.
    names: BTreeMap<String, BTreeSet<EntryId>>,
    /// Chunks that the session begins with.
    first: BTreeSet<String>,
}

/// What an input requires that is not loaded yet.
#[derive(Default)]
pub(super) struct Required {
    /// Dependencies first.
    pub(super) chunks: Vec<Chunk>,
    pub(super) names: Vec<ImportAlias>,
}

/// How the chunk of an input reaches the session's own.
pub(super) fn own_import() -> ImportAlias {
    ImportAlias { alias: "session".to_owned(), id: OWN.to_owned() }
}

impl Code {
    /// The code of a session, and the program that its cells begin with.
    pub(super) fn of(
        inner: &Inner,
        snapshot: Snapshot,
        modules: Option<Vec<String>>,
        entry: Option<&str>,
    ) -> Result<(Self, Program), Failure> {
        let taken = entry.map(|id| find(&snapshot, id)).transpose()?;
        let (id, own) = match &taken {
            Some(entry) => (entry.id().clone(), LuaEntry::decode(entry)?),
            None => {
                let id = EntryId::new(ID.0, ID.1).map_err(|error| Failure::internal(error.to_string()))?;
                let bare = Entry::new(id.clone(), "function.lua").with_field("source", SOURCE);
                (id, LuaEntry::decode(&bare)?)
            }
        };
        let mut modules = match (modules, &taken) {
            (Some(modules), _) => modules,
            (None, Some(_)) => own.modules.clone(),
            (None, None) => all_modules(inner),
        };
        modules.sort();
        modules.dedup();
        check(&modules, inner)?;
        let mut imports = own.imports;
        if let Some(entry) = &taken {
            imports.entry("entry".to_owned()).or_insert_with(|| Import::Entry(entry.id().clone()));
        }
        let mut sources: Vec<Arc<Entry>> = Vec::new();
        for import in imports.values() {
            if let Import::Entry(id) = import {
                add_closure(&snapshot, id, &mut sources);
            }
        }
        let first = sources.iter().map(|source| source.id().to_string()).collect();
        let identity = taken.as_ref().map_or_else(|| SESSION.to_owned(), |entry| entry.id().to_string());
        let session = session_entry(id, &modules, &imports, taken.as_deref());
        let wanted = wanted_modules(&snapshot).chain(modules.iter().map(|name| canonical(name)));
        let program = inner.pools.linker().link_session(
            &snapshot,
            &session,
            sources,
            wanted.collect(),
            OWN,
            identity.into(),
        )?;
        let names = names(&snapshot);
        Ok((Code { modules, snapshot, names, first }, program))
    }

    pub(super) fn modules(&self) -> &[String] {
        &self.modules
    }

    /// What an input requires by literal names, as far as it is not loaded.
    pub(super) fn required(&self, linker: &Linker, text: &str, loaded: &Loaded) -> Result<Required, Failure> {
        let mut required = Required::default();
        for name in wording::required(text) {
            let is_known = loaded.names.iter().any(|known| known.alias == name);
            if is_known || self.modules.iter().any(|module| module == name) {
                continue;
            }
            let Some(id) = self.resolve(name)? else { continue };
            let mut sources = Vec::new();
            add_closure(&self.snapshot, &id, &mut sources);
            for source in sources {
                let id = source.id().to_string();
                let is_there = loaded.ids.contains(&id)
                    || self.first.contains(&id)
                    || required.chunks.iter().any(|chunk| chunk.id == id);
                if !is_there {
                    required.chunks.push(linker.chunk(&self.snapshot, &source)?);
                }
            }
            required.names.push(ImportAlias { alias: name.to_owned(), id: id.to_string() });
        }
        Ok(required)
    }

    /// The entry that a name means; `None` where it means none.
    fn resolve(&self, name: &str) -> Result<Option<EntryId>, Failure> {
        if name.contains(':') {
            return find(&self.snapshot, name).map(|entry| Some(entry.id().clone()));
        }
        let Some(ids) = self.names.get(name) else { return Ok(None) };
        let mut all = ids.iter();
        match (all.next(), all.next()) {
            (Some(id), None) => Ok(Some(id.clone())),
            _ => {
                let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
                let ids = ids.join(" and ");
                Err(Failure::invalid(format!(
                    "`{name}` may mean {ids}: require the one that is meant by its id"
                )))
            }
        }
    }
}

/// The code of an id.
fn find(snapshot: &Snapshot, id: &str) -> Result<Arc<Entry>, Failure> {
    let parsed =
        EntryId::parse(id).map_err(|error| Failure::invalid(format!("no valid id `{id}`: {error}")))?;
    let entry = snapshot.get(&parsed).ok_or_else(|| unknown(&parsed))?;
    if !CODE.contains(&entry.runs_as()) {
        return Err(Failure::invalid(format!("{id} is a {}, which a session cannot load", entry.kind())));
    }
    Ok(entry.clone())
}

/// Adds an entry and what it imports, dependencies first, as far as they are not there.
fn add_closure(snapshot: &Snapshot, id: &EntryId, sources: &mut Vec<Arc<Entry>>) {
    for id in snapshot.closure(id) {
        if let Some(entry) = snapshot.get(&id)
            && !sources.iter().any(|source| source.id() == &id)
        {
            sources.push(entry.clone());
        }
    }
}

/// The entry that a session runs as: with its own source, the modules and imports that were chosen, and the limits of the one whose
/// place it takes.
fn session_entry(
    id: EntryId,
    modules: &[String],
    imports: &BTreeMap<String, Import>,
    taken: Option<&Entry>,
) -> Entry {
    let targets = imports.iter().map(|(alias, import)| {
        let target = match import {
            Import::Entry(id) => id.to_string(),
            Import::Module(name) => name.clone(),
        };
        (alias.as_str(), target)
    });
    let names: Vec<Value> = modules.iter().map(|name| Value::from(name.as_str())).collect();
    let session = Entry::new(id, "function.lua")
        .with_field("source", SOURCE)
        .with_field("modules", names)
        .with_field("imports", Value::from_iter(targets));
    match taken.and_then(|entry| entry.data().get("limits")) {
        Some(limits) => session.with_field("limits", limits.clone()),
        None => session,
    }
}

fn all_modules(inner: &Inner) -> Vec<String> {
    let built_in = MODULES.iter().map(|module| module.name.to_owned());
    built_in.chain(inner.extensions.iter().map(|extension| extension.name().to_owned())).collect()
}

fn check(modules: &[String], inner: &Inner) -> Result<(), Failure> {
    let known = all_modules(inner);
    let is_known = |name: &str| known.iter().any(|known| known == name);
    match modules
        .iter()
        .find(|name| !is_known(canonical(name).as_str()) && !ALWAYS_THERE.contains(&name.as_str()))
    {
        Some(name) => {
            Err(Failure::not_found(format!("there is no module `{name}`; known are {}", known.join(", "))))
        }
        None => Ok(()),
    }
}

/// Modules that may be listed although every chunk has them.
const ALWAYS_THERE: [&str; 5] = ["channel", "errors", "payload", "process", "stream"];

/// A module's own name.
fn canonical(name: &str) -> String {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, own)| own).to_owned()
}

/// The modules of all code that inputs may require.
fn wanted_modules(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let code = snapshot.entries().filter(|entry| CODE.contains(&entry.runs_as()));
    code.filter_map(|entry| LuaEntry::decode(entry).ok())
        .flat_map(|lua| granted(&lua).map(str::to_owned).collect::<Vec<_>>())
}

fn names(snapshot: &Snapshot) -> BTreeMap<String, BTreeSet<EntryId>> {
    let mut names: BTreeMap<String, BTreeSet<EntryId>> = BTreeMap::new();
    for entry in snapshot.entries().filter(|entry| CODE.contains(&entry.runs_as())) {
        let Ok(lua) = LuaEntry::decode(entry) else { continue };
        for (alias, import) in lua.imports {
            if let Import::Entry(id) = import {
                names.entry(alias).or_default().insert(id);
            }
        }
    }
    // An entry's own name, where no alias says something else.
    let libraries =
        snapshot.entries().filter(|entry| matches!(entry.runs_as(), "library.lua" | "module.lua"));
    let mut own: BTreeMap<String, BTreeSet<EntryId>> = BTreeMap::new();
    for entry in libraries {
        own.entry(entry.id().name().to_owned()).or_default().insert(entry.id().clone());
    }
    own.extend(names);
    own
}
