//! Entries that are WebAssembly components in other languages: `function.wasm` and `process.wasm`.
//!
//! | file | holds |
//! |---|---|
//! | `callee.rs` | an entry with its component and its pool |
//! | `checks.rs` | what the registry cannot check: imports, exports, hashes |
//! | `grants.rs` | variables, directories and hosts that a call brings along |
//! | `calls.rs` | calls |
//! | `life.rs` | how a process lives |
//! | `peers.rs` | what a component does to other runs |

mod callee;
mod calls;
mod checks;
mod grants;
mod life;
mod peers;

pub(crate) use callee::Callee;
pub(crate) use checks::MOUNTING;
pub(crate) use life::Life;

use perilune_cell::EngineOptions;
use perilune_component::{Engine, Options};
use perilune_value::{Failure, Kind};
use std::sync::OnceLock;

pub(crate) const FUNCTION_WASM: &str = "function.wasm";
pub(crate) const PROCESS_WASM: &str = "process.wasm";

/// Instances at one time. Each memory reserves 4 GiB of the 128 TiB of a process, most of which are for cells.
const MOST_INSTANCES: u32 = 1_000;

/// What components run on, made for the first of them.
pub(crate) struct Components {
    options: Options,
    engine: OnceLock<Result<Engine, Failure>>,
}

impl Components {
    /// As many and as patient as the cells of a host.
    pub(crate) fn new(cells: &EngineOptions) -> Self {
        let options = Options {
            max_instances: cells.max_cells.min(MOST_INSTANCES),
            max_wait: cells.max_wait,
            cache: cells.cache.clone(),
        };
        Components { options, engine: OnceLock::new() }
    }

    pub(crate) fn engine(&self) -> Result<&Engine, Failure> {
        let engine = self.engine.get_or_init(|| {
            Engine::new(self.options.clone())
                .map_err(|error| Failure::new(Kind::Unavailable, error.to_string()))
        });
        engine.as_ref().map_err(Clone::clone)
    }
}
