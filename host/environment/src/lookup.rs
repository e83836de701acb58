//! Variables by name.

use crate::allowlist::Allowlist;
use crate::names::{Names, VARIABLE, only, public_name};
use crate::variable::Variable;
use perilune_registry::{EntryId, quote};
use perilune_resource::{Opening, Resources};
use perilune_value::Failure;
use std::sync::Arc;

/// What a name means: the id of the `env.variable` entry, and what policies know it by: its public name, or the id of one without.
///
/// # Errors
///
/// `Invalid` for an empty name and for one that several entries claim, `NotFound` when there is no such variable.
pub fn find(resources: &Arc<Resources>, name: &str) -> Result<(EntryId, String), Failure> {
    if name.is_empty() {
        return Err(Failure::invalid("the name of the variable is empty"));
    }
    let missing = || Failure::not_found(format!("there is no variable {}", quote(name)));
    if name.contains(':') {
        let snapshot = resources.host().registry.snapshot();
        let entry = EntryId::parse(name).ok().and_then(|id| snapshot.get(&id).cloned());
        let entry = entry.filter(|entry| entry.kind() == VARIABLE).ok_or_else(missing)?;
        let known_as = public_name(&entry).map_or_else(|| entry.id().to_string(), str::to_owned);
        return Ok((entry.id().clone(), known_as));
    }
    let names = Names::current(resources);
    let id = only(name, names.get(name).ok_or_else(missing)?)?;
    Ok((id, name.to_owned()))
}

/// The public names, sorted, with the entries that they mean; those that several entries claim are left out.
pub fn public(resources: &Arc<Resources>) -> Vec<(String, EntryId)> {
    let names = Names::current(resources);
    names.iter().filter_map(|(name, ids)| Some((name.clone(), only(name, ids).ok()?))).collect()
}

/// What `${env:NAME}` stands for in an entry that is being opened: the variable of that public name or id, or else what the host
/// allows of the operating system's environment. The entry is opened anew when the value changes.
///
/// # Errors
///
/// `PermissionDenied` for a name that is no variable and that the host does not allow, `Invalid` for a variable that needs the
/// entry itself, and why its storage cannot be read.
pub fn lookup(opening: &Opening<'_>, name: &str) -> Result<Option<String>, Failure> {
    let id = match name.contains(':') {
        true => name.to_owned(),
        false => match Names::current(opening.resources()).get(name) {
            Some(ids) => only(name, ids)?.to_string(),
            None => return Allowlist::of(opening.shared(), opening.allowed()).read(name),
        },
    };
    let variable = opening.resource::<Variable>(&id)?;
    for stamp in variable.stamps() {
        opening.depends_on_value(&stamp);
    }
    variable.get()
}
