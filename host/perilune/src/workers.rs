//! Cells as the workers of a pool.

use crate::program::Program;
use perilune_cell::Cell;
use perilune_pool::{Kind, Settings, Supply};
use perilune_registry::{PoolSpec, PoolType};
use perilune_value::Failure;
use std::sync::Arc;

/// Makes the cells of one entry, and makes used ones clean.
pub(crate) struct Workers {
    pub(crate) program: Arc<Program>,
}

impl Supply for Workers {
    /// Boxed, because a worker is handed from place to place at each call.
    type Worker = Box<Cell>;

    async fn create(&self) -> Result<Box<Cell>, Failure> {
        let mut cell = self.program.cell().await?;
        if self.keeps_state() {
            self.program.finish_loading(&mut cell).await?;
        }
        Ok(Box::new(cell))
    }

    async fn spare(&self) -> Option<Box<Cell>> {
        if self.program.has_room() { self.create().await.ok() } else { None }
    }

    async fn reset(&self, mut used: Box<Cell>) -> Option<Box<Cell>> {
        if self.program.is_crowded() {
            return None;
        }
        let image = self.program.loaded()?;
        if used.reset(image) {
            // Somebody may have begun to wait for its place in the meantime.
            return (!self.program.is_crowded()).then_some(used);
        }
        // Its place must be free before another cell can take it.
        drop(used);
        self.spare().await
    }
}

impl Workers {
    fn keeps_state(&self) -> bool {
        self.program.pool.kind == PoolType::Inline
    }
}

/// What the entry says about its pool.
pub(crate) fn settings(name: &str, spec: &PoolSpec) -> Settings {
    let kind = match spec.kind {
        PoolType::Inline => Kind::Inline,
        PoolType::Lazy => Kind::Lazy,
        PoolType::Static => Kind::Static,
        PoolType::Adaptive => Kind::Adaptive,
    };
    let mut settings = Settings::new(name, kind);
    settings.size = spec.size.unwrap_or(match kind {
        // Calls that compute can use all cores at once; growth beyond is for calls that wait.
        Kind::Adaptive => cores().min(spec.max_size),
        _ => settings.size,
    });
    settings.max_size = spec.max_size;
    settings.buffer = spec.buffer;
    settings.warm_start = spec.warm_start;
    settings.idle_timeout = spec.idle_timeout.or(settings.idle_timeout);
    settings
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}
