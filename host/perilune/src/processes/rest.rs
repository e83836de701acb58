//! How a process waits: with its cell at first, and without it after a while.
//!
//! | it has waited | what happens |
//! |---|---|
//! | up to [`GRACE`] | nothing: most answers come within it |
//! | up to the host's `hibernate_after` | it gives its cell up when another one needs the place |
//! | longer | it hibernates |
//!
//! Only what waits for messages alone can do so; with an operation under way it keeps its cell.
//!
//! What is awaited here is what a process takes while it waits, so all that is long or rare is boxed: of 3.7 KiB for the task
//! 2 remain.

use super::life::Body;
use crate::program::{Program, lacked_room};
use futures_util::FutureExt;
use perilune_cell::{Arrival, Cell, Death, Event, Mailbox};
use perilune_process::Activity;
use perilune_value::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{timeout, timeout_at};

/// How long a process keeps its cell whoever needs its place: hibernating and coming back take some 100 µs.
const GRACE: Duration = Duration::from_millis(10);

/// Between two tries to get a place for a cell. Whoever waits in the engine's queue gets one sooner.
const PAUSE: Duration = Duration::from_millis(50);

/// Larger memories stay: comparing and compressing take some milliseconds for each mebibyte, without giving way to others.
const LARGEST: usize = 32 << 20;

impl Body {
    /// Waits for the events of the next turn.
    pub(super) async fn wait(
        &mut self,
        program: &Arc<Program>,
        mut cell: Box<Cell>,
        mailbox: &mut Mailbox,
        events: &mut Vec<Event>,
    ) -> Result<Box<Cell>, Death> {
        self.run.vitals.set_activity(Activity::Waiting);
        let after = self.host.settings().hibernate_after().filter(|_| cell.can_hibernate());
        let Some(after) = after.filter(|_| cell.state().memory_size() <= LARGEST) else {
            cell.wait(Some(mailbox), events).await?;
            return Ok(cell);
        };
        if let Ok(waited) = timeout(after.min(GRACE), cell.wait(Some(mailbox), events)).await {
            return waited.map(|()| cell);
        }
        if after > GRACE {
            let relief = self.relief.clone();
            let waited = tokio::select! {
                biased;
                waited = timeout(after - GRACE, cell.wait(Some(mailbox), events)).boxed() => waited.ok(),
                () = relief.notified() => None,
            };
            if let Some(waited) = waited {
                return waited.map(|()| cell);
            }
        }
        self.hibernate(program, cell, mailbox, events).await
    }

    async fn hibernate(
        &mut self,
        program: &Arc<Program>,
        cell: Box<Cell>,
        mailbox: &mut Mailbox,
        events: &mut Vec<Event>,
    ) -> Result<Box<Cell>, Death> {
        let asleep = match program.hibernate(cell).boxed().await {
            Ok(asleep) => asleep,
            Err(mut cell) => {
                cell.wait(Some(mailbox), events).boxed().await?;
                return Ok(cell);
            }
        };
        self.place.takes(asleep.bytes());
        self.run.vitals.hibernates(asleep.bytes());
        let arrival = match asleep.deadline() {
            None => Some(mailbox.receive().await),
            Some(deadline) => timeout_at(deadline.into(), mailbox.receive()).boxed().await.ok(),
        };
        match arrival {
            Some(Arrival::Event(event)) => events.push(event),
            Some(Arrival::Killed(reason)) => return Err(Death::Killed(reason)),
            // Its time is up: the cell says so.
            Some(Arrival::Nothing) | None => {}
        }
        self.run.vitals.set_activity(Activity::Loading);
        let mut cell = loop {
            match program.revive(&asleep).boxed().await {
                Ok(cell) => break Box::new(cell),
                Err(failure) => self.try_again(mailbox, failure).boxed().await.map_err(Death::Killed)?,
            }
        };
        drop(asleep);
        cell.obey(mailbox);
        self.place.takes(cell.state().memory_size());
        cell.wait(Some(mailbox), events).boxed().await?;
        Ok(cell)
    }

    /// Waits before another try where the host had no room for a cell: a process that was accepted is not lost because others
    /// are there.
    pub(super) async fn try_again(&self, mailbox: &Mailbox, failure: Failure) -> Result<(), Failure> {
        if !lacked_room(&failure) {
            return Err(failure);
        }
        if let Some(reason) = mailbox.killed() {
            return Err(reason);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}
