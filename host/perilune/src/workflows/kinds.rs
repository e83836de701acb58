//! The kinds of workflow hosts, and what belongs to them.

use super::places;
use crate::runtime::Inner;
use perilune_registry::{Field, Type};
use perilune_resource::ResourceKind;
use std::sync::{OnceLock, Weak};

/// Every kind.
pub(crate) const KINDS: &[ResourceKind] =
    &[places::embedded::KIND, places::client::KIND, places::server::KIND];

/// Those that run workflows.
pub(super) const HOSTS: [&str; 2] = [places::embedded::KIND.spec.name, places::server::KIND.spec.name];

/// A base for `..`.
pub(super) const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// The runtime that kinds are opened in.
#[derive(Default)]
pub(crate) struct Home(OnceLock<Weak<Inner>>);

impl Home {
    pub(crate) fn is(&self, inner: Weak<Inner>) {
        // It is set once, where the host is made.
        let _ = self.0.set(inner);
    }

    pub(super) fn get(&self) -> Weak<Inner> {
        self.0.get().cloned().unwrap_or_default()
    }
}
