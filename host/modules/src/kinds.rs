//! Entries that become live things.

use perilune_resource::{ResourceKind, Variables};

/// Every kind, by the crate that opens it. Adding one is one line here.
pub const KINDS: &[&[ResourceKind]] = &[
    crate::security::kinds::KINDS,
    crate::templates::KINDS,
    perilune_environment::KINDS,
    perilune_files::KINDS,
    perilune_http::KINDS,
    perilune_process::KINDS,
    perilune_queue::KINDS,
    perilune_resource::KINDS,
    perilune_sql::KINDS,
    perilune_store::KINDS,
];

/// What `${env:NAME}` in an entry's fields means.
pub const VARIABLES: Variables = perilune_environment::lookup;
