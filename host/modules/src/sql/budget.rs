//! A result counts as what the host keeps for the cell, from its first row until the cell takes it.

use perilune_cell::{Held, Reservation};
use perilune_sql::Budget;
use std::sync::{Arc, Mutex, PoisonError};

/// Reserves what a result takes; all of it is given back with the last clone.
#[derive(Clone)]
pub(super) struct HeldBudget {
    held: Arc<Held>,
    reserved: Arc<Mutex<Vec<Reservation>>>,
}

impl HeldBudget {
    pub(super) fn new(held: Arc<Held>) -> Self {
        HeldBudget { held, reserved: Arc::default() }
    }
}

impl Budget for HeldBudget {
    fn take(&mut self, bytes: usize) -> bool {
        let Some(reservation) = self.held.reserve(bytes) else { return false };
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner).push(reservation);
        true
    }
}
