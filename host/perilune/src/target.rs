//! From `ns:name` or `ns:name.method` to an entry and a method.

use crate::program::{CALLABLE, MODULE, PROCESS, Program, unknown};
use crate::workflows::WORKFLOW;
use perilune_registry::{EntryId, Snapshot, source_kind};
use perilune_value::Failure;

/// Whether entries of a kind can be called.
pub(crate) fn is_callable(kind: &str) -> bool {
    CALLABLE.contains(&source_kind(kind))
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

/// The method that a call runs, and whether the entry declares it: any other name may prove to be none.
pub(crate) fn method(program: &Program, named: Option<String>) -> Result<(String, bool), Failure> {
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
            surface => Ok((method, surface.is_some())),
        },
        (kind, Some(method)) => {
            let message =
                format!("{id}.{method}: only a module.lua has methods to call by name, and {id} is a {kind}");
            Err(Failure::not_found(message))
        }
        (PROCESS | WORKFLOW, None) => Ok((program.method.clone().unwrap_or_else(|| "main".to_owned()), true)),
        (kind, None) => {
            program.method.clone().map(|method| (method, true)).ok_or_else(|| {
                Failure::invalid(format!("{id} is a {kind}, which cannot be called: import it"))
            })
        }
    }
}
