//! Module `registry` over the host's registry.

use perilune_cell::Identity;
use perilune_modules::registry::RegistryAccess;
use perilune_registry::Registry;
use std::sync::Arc;

/// All cells see all entries; whether they may change them is the host's setting.
pub(crate) struct Access {
    registry: Arc<Registry>,
    writable: bool,
}

impl Access {
    pub(crate) fn new(registry: Arc<Registry>, writable: bool) -> Self {
        Access { registry, writable }
    }
}

impl RegistryAccess for Access {
    fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    fn may_change(&self, _cell: &Identity) -> bool {
        self.writable
    }
}
