//! What entries say about workflows, checked when they are loaded.
//!
//! A workflow's code runs again and again, and must do the same each time: so must the modules that it reaches, through whichever
//! libraries.

use super::machines::WORKFLOW;
use perilune_cell::Class;
use perilune_registry::{
    Code, Entry, EntryId, Everything, FieldPath, Import, LuaEntry, Problem, Snapshot, Together,
};
use perilune_value::{Failure, Kind, Value};
use std::collections::{HashMap, VecDeque};

/// A workflow reaches a module whose answers are not in its history.
const NOT_DETERMINISTIC: Code = Code::new("E406");

/// What a workflow may use: the same anywhere, or answered by the history.
const ALLOWED: [Class; 2] = [Class::Deterministic, Class::Workflow];

/// Modules that every chunk has under a name of its own.
const GLOBAL: &[&str] = &["channel", "errors", "payload", "process"];

pub(super) const TOGETHER: &Together =
    &Together { kinds: &[WORKFLOW, "library.lua", "module.lua", "function.lua", "process.lua"], check };

fn check(all: &Everything<'_>) -> Vec<Problem> {
    all.of_kind(WORKFLOW).filter_map(|workflow| problem(all, workflow)).collect()
}

fn problem<'a>(all: &Everything<'a>, workflow: &'a Entry) -> Option<Problem> {
    let offence = offence(&|id| all.get(id), workflow.id())?;
    let field = match offence.way.get(1) {
        None => offence.field.clone(),
        Some(next) => import_of(workflow, next)?,
    };
    let problem = Problem::in_field(workflow, field, NOT_DETERMINISTIC, offence.message());
    let problem = problem.help("call a function that uses it, as an activity: `funcs.call(id, ...)`");
    Some(match offence.way.last().filter(|last| *last != workflow.id()).and_then(|last| all.get(last)) {
        Some(last) => problem.related_field(last, offence.field, "the module is listed here"),
        None => problem,
    })
}

/// The field through which an entry imports another.
fn import_of(entry: &Entry, target: &EntryId) -> Option<FieldPath> {
    let lua = LuaEntry::decode(entry).ok()?;
    let imports = |import: &Import| matches!(import, Import::Entry(id) if id == target);
    let alias = lua.imports.iter().find(|(_, import)| imports(import)).map(|(alias, _)| alias)?;
    Some(FieldPath::from("imports").key(alias))
}

/// Lets a workflow run only with modules that behave the same when its code runs again, however they are reached.
///
/// # Errors
///
/// `PermissionDenied`, with the way from the entry to the module.
pub(crate) fn check_modules(snapshot: &Snapshot, workflow: &EntryId) -> Result<(), Failure> {
    match offence(&|id| snapshot.get(id).map(AsRef::as_ref), workflow) {
        None => Ok(()),
        Some(offence) => {
            let message = format!("{workflow}: {}; call a function that uses it instead", offence.message());
            Err(Failure::new(Kind::PermissionDenied, message)
                .with_detail("entry", workflow.to_string())
                .with_detail("module", offence.module)
                .with_detail("code", "WF_MODULE"))
        }
    }
}

/// A module that a workflow must not reach.
struct Offence {
    /// From the workflow to the entry that lists it.
    way: Vec<EntryId>,
    /// Where that entry lists it.
    field: FieldPath,
    module: String,
}

impl Offence {
    fn message(&self) -> String {
        let way: Vec<_> = self.way.iter().map(ToString::to_string).collect();
        let module = &self.module;
        format!(
            "a workflow may not use module `{module}`, whose answers are not in its history: {} -> {module}",
            way.join(" -> ")
        )
    }
}

/// The first offence, the shortest way first.
fn offence<'a>(get: &dyn Fn(&EntryId) -> Option<&'a Entry>, workflow: &EntryId) -> Option<Offence> {
    let mut came_from: HashMap<EntryId, Option<EntryId>> = HashMap::from([(workflow.clone(), None)]);
    let mut ahead = VecDeque::from([workflow.clone()]);
    while let Some(id) = ahead.pop_front() {
        let Some(entry) = get(&id) else { continue };
        if let Some((field, module)) = listed(entry).into_iter().find(|(_, module)| !is_allowed(module)) {
            return Some(Offence { way: way(&came_from, &id), field, module });
        }
        let Ok(lua) = LuaEntry::decode(entry) else { continue };
        for import in lua.imports.values() {
            if let Import::Entry(next) = import
                && !came_from.contains_key(next)
            {
                came_from.insert(next.clone(), Some(id.clone()));
                ahead.push_back(next.clone());
            }
        }
    }
    None
}

/// The modules that an entry lists itself, with the fields that do so.
fn listed(entry: &Entry) -> Vec<(FieldPath, String)> {
    let mut listed = Vec::new();
    if let Some(Value::Array(modules)) = entry.data().get("modules") {
        let modules = modules.iter().enumerate();
        listed.extend(
            modules.filter_map(|(at, name)| {
                Some((FieldPath::from("modules").item(at), name.as_str()?.to_owned()))
            }),
        );
    }
    if let Ok(lua) = LuaEntry::decode(entry) {
        listed.extend(lua.imports.iter().filter_map(|(alias, import)| match import {
            Import::Module(name) => Some((FieldPath::from("imports").key(alias), name.clone())),
            Import::Entry(_) => None,
        }));
    }
    listed
}

fn is_allowed(name: &str) -> bool {
    let name = perilune_modules::canonical(name);
    let module = perilune_modules::MODULES.iter().find(|module| module.name == name);
    // Those of the embedding application say nothing about themselves.
    GLOBAL.contains(&name)
        || module.is_some_and(|module| module.classes.iter().any(|class| ALLOWED.contains(class)))
}

/// The entries from the workflow to this one.
fn way(came_from: &HashMap<EntryId, Option<EntryId>>, id: &EntryId) -> Vec<EntryId> {
    let mut way = vec![id.clone()];
    let mut at = id;
    while let Some(Some(before)) = came_from.get(at) {
        way.push(before.clone());
        at = before;
    }
    way.reverse();
    way
}
