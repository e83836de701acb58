//! From `ns:name` or `ns:name.method` to a program and a method.

use crate::program::{Linker, MODULE, PROCESS, Program, unknown};
use perilune_registry::{EntryId, Snapshot, VersionId};
use perilune_value::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The programs of the current version, linked when first called.
#[derive(Default)]
pub(crate) struct Programs {
    linked: Mutex<Linked>,
}

#[derive(Default)]
struct Linked {
    version: Option<VersionId>,
    programs: HashMap<EntryId, Arc<Program>>,
}

impl Programs {
    /// The program of an entry in a snapshot. Programs of other versions are forgotten; who runs one keeps it.
    pub(crate) fn get(
        &self,
        linker: &Linker,
        snapshot: &Snapshot,
        id: &EntryId,
    ) -> Result<Arc<Program>, Failure> {
        let version = Some(snapshot.version().id);
        {
            let mut linked = self.lock();
            if linked.version != version {
                *linked = Linked { version, programs: HashMap::new() };
            }
            if let Some(program) = linked.programs.get(id) {
                return Ok(program.clone());
            }
        }
        let program = Arc::new(linker.link(snapshot, id)?);
        let mut linked = self.lock();
        if linked.version == version {
            linked.programs.insert(id.clone(), program.clone());
        }
        Ok(program)
    }

    fn lock(&self) -> MutexGuard<'_, Linked> {
        self.linked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Splits a target. An entry of the complete name wins over a method of a shorter one, since names may hold dots.
pub(crate) fn split(snapshot: &Snapshot, target: &str) -> Result<(EntryId, Option<String>), Failure> {
    let id = EntryId::parse(target)
        .map_err(|error| Failure::invalid(format!("`{target}` is no entry id: {error}")))?;
    if snapshot.get(&id).is_some() {
        return Ok((id, None));
    }
    if let Some((name, method)) = target.rsplit_once('.')
        && let Ok(shorter) = EntryId::parse(name)
        && snapshot.get(&shorter).is_some()
    {
        return Ok((shorter, Some(method.to_owned())));
    }
    Err(unknown(&id))
}

/// The method that a call runs.
pub(crate) fn method(program: &Program, named: Option<String>) -> Result<String, Failure> {
    let id = &program.id;
    match (program.kind.as_str(), named) {
        (MODULE, None) => {
            let message = format!("{id} is a module.lua and has no method of its own: call `{id}.<method>`");
            Err(Failure::invalid(message))
        }
        (MODULE, Some(method)) => match &program.surface {
            Some(surface) if !surface.contains(&method) => {
                let message =
                    format!("{id} has no method `{method}`; its `methods` are {}", surface.join(", "));
                Err(Failure::not_found(message))
            }
            _ => Ok(method),
        },
        (kind, Some(method)) => {
            let message =
                format!("{id}.{method}: only a module.lua has methods to call by name, and {id} is a {kind}");
            Err(Failure::not_found(message))
        }
        (PROCESS, None) => Ok(program.method.clone().unwrap_or_else(|| "main".to_owned())),
        (kind, None) => program
            .method
            .clone()
            .ok_or_else(|| Failure::invalid(format!("{id} is a {kind}, which cannot be called: import it"))),
    }
}
