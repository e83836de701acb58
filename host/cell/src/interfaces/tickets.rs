//! `perilune:cell/tickets`: giving operations up.

use super::wit::tickets;
use crate::{CellState, Ticket};

impl tickets::Host for CellState {
    fn cancel(&mut self, ticket: Ticket) -> wasmtime::Result<bool> {
        Ok(self.tickets.cancel(ticket))
    }
}
