//! `perilune:cell/random`: the seed of `math.random`.

use super::wit::random;
use crate::CellState;

impl random::Host for CellState {
    fn seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok(self.host.seed())
    }
}
