//! `perilune:cell/log`: Lua's `print`.

use super::wit::log;
use crate::CellState;

impl log::Host for CellState {
    fn print(&mut self, text: Vec<u8>, location: String) -> wasmtime::Result<()> {
        self.host.print_in(&*self.context, &self.identity, &text, &location);
        Ok(())
    }
}
