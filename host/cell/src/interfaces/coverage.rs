//! `perilune:cell/coverage`: which lines run.

use super::wit::coverage;
use crate::CellState;

impl coverage::Host for CellState {
    fn is_wanted(&mut self) -> wasmtime::Result<bool> {
        Ok(self.host.coverage().is_some())
    }

    fn watch(&mut self, entry: String, lines: Vec<u8>) -> wasmtime::Result<u32> {
        Ok(self.host.coverage().map_or(u32::MAX, |coverage| coverage.watch(&entry, &lines)))
    }

    fn reached(&mut self, watched: u32, line: u32) -> wasmtime::Result<()> {
        if let Some(coverage) = self.host.coverage() {
            coverage.reached(watched, line);
        }
        Ok(())
    }
}
