//! Entries that become live things.

use perilune_resource::{ResourceKind, Variables};

/// Every kind, by the crate that opens it. Adding one is one line here.
pub const KINDS: &[&[ResourceKind]] = &[crate::templates::KINDS];

/// What `${env:NAME}` in an entry's fields means.
pub const VARIABLES: Variables = |resources, name| {
    let allowed = &resources.host().allowed.environment;
    if !allowed.iter().any(|item| item == name) {
        return Ok(None);
    }
    Ok(std::env::var(name).ok())
};
