//! Compiles Lua ahead of its run.

use super::artifact;
use crate::checks::wait;
use crate::surroundings::{Log, Surroundings};
use perilune_cell::{CellSpec, Engine, EngineError, EngineOptions, Guest, Identity, Limits, Pid, Template};
use perilune_modules::{ALWAYS, MODULES};
use perilune_value::Failure;
use std::sync::Arc;
use std::time::Duration;

/// Compiling is bounded in itself; the budget is for sources made to be slow.
const LIMITS: Limits = Limits { memory: 256 << 20, cpu: Duration::from_secs(5), timeout: None };

/// The compiler of the guest, in a cell: sources are not trusted before they run either.
pub struct Compiler {
    template: Arc<Template>,
    surroundings: Arc<Surroundings>,
}

impl Compiler {
    /// Starts a sandbox of its own for it.
    ///
    /// # Errors
    ///
    /// When the engine does not start.
    pub fn new() -> Result<Self, EngineError> {
        // One source at a time.
        let engine = Engine::new(EngineOptions { max_cells: 2, ..EngineOptions::default() })?;
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES)?;
        let surroundings = Surroundings { output: Arc::new(Log), coverage: None };
        Ok(Compiler { template: guest.template([])?, surroundings: Arc::new(surroundings) })
    }

    /// The name of what compiles: bytecode of any other is refused.
    pub fn version() -> &'static str {
        perilune_guest_lua::COMPILER
    }

    /// A file of bytecode for the source of the entry `id`. Equal sources give equal bytes. Positions and names stay for messages, and
    /// nothing else of the text.
    ///
    /// # Errors
    ///
    /// Where the source is not Lua, with its line.
    pub fn compile(&self, id: &str, source: &str) -> Result<Vec<u8>, Failure> {
        let bytecode = wait(async {
            let spec = CellSpec {
                identity: Identity { entry: id.into(), pid: Pid::numbered("compiler".into(), 0) },
                limits: LIMITS,
                host: self.surroundings.clone(),
                context: Arc::new(()),
                extensions: Arc::new([]),
            };
            let mut cell = self.template.instantiate(spec).await?;
            let compiled = cell.compile(id, source.as_bytes()).await;
            compiled.unwrap_or_else(|death| Err(death.into_failure(id)))
        })?;
        Ok(artifact::wrap(&bytecode))
    }
}
