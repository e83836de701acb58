//! The host's side of a cell that hibernates.

use crate::{CellSpec, CellState, Handle, Handles, Ticket, Tickets};
use std::time::Instant;

/// What a cell's state is made from again. Nothing is under way and nothing open, so numbers stand for these.
pub(super) struct Suspended {
    pub(super) spec: CellSpec,
    pub(super) deadline: Option<Instant>,
    started: Instant,
    last_ticket: Ticket,
    last_handles: (Handle, Handle),
}

impl Suspended {
    pub(super) fn of(state: &CellState) -> Self {
        Suspended {
            spec: CellSpec {
                identity: state.identity.clone(),
                limits: state.limits,
                host: state.host.clone(),
                context: state.context.clone(),
                extensions: state.extensions.clone(),
            },
            deadline: state.deadline,
            started: state.started,
            last_ticket: state.tickets.last(),
            last_handles: state.handles.given_out(),
        }
    }

    /// Makes a fresh cell's state the one that was.
    pub(super) fn resume(&self, state: &mut CellState) {
        state.deadline = self.deadline;
        state.started = self.started;
        state.tickets = Tickets::following(self.last_ticket);
        state.handles = Handles::following(self.last_handles);
    }
}
