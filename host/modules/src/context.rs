//! What modules find in their cell: whoever drives it put this there.

use crate::Chain;
use crate::funcs::Functions;
use perilune_cell::CellState;
use perilune_value::Value;
use std::sync::Arc;

/// The services and the context of one call, in [`CellState::context`].
pub struct CallContext {
    /// What module `ctx` reads: a map.
    pub values: Value,
    /// The calls that led to this one.
    pub chain: Chain,
    /// Who carries out calls of other entries.
    pub functions: Arc<dyn Functions>,
    /// Who answers module `registry`.
    pub registry: Arc<dyn crate::registry::RegistryAccess>,
    /// Who answers module `system`.
    pub system: Arc<dyn crate::system::SystemAccess>,
}

impl CallContext {
    /// The context of a cell.
    ///
    /// # Errors
    ///
    /// Traps the cell when its driver gave it none: a defect of the driver.
    pub fn of(state: &CellState) -> wasmtime::Result<&CallContext> {
        state
            .context
            .downcast_ref()
            .ok_or_else(|| wasmtime::Error::msg("this cell was made without a call context"))
    }
}
