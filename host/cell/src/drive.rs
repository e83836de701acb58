//! Turn after turn until the method returns.

use crate::limits::{Death, Limit};
use crate::mailbox::Mailbox;
use crate::{Cell, Event, Status};
use perilune_value::Failure;
use std::time::Instant;

/// Events that one turn takes at the most; the rest wait for the next one.
const EVENTS_PER_TURN: usize = 256;

impl Cell {
    /// Starts a method and takes turns until it returns. `args` and the result are MessagePack. Without a mailbox the cell
    /// receives no messages. The wall-clock limit holds from here, or from where [`Cell::begin_call`] said.
    ///
    /// # Errors
    ///
    /// What the method raised or returned as its error, or the cell's death as a failure that names the entry.
    pub async fn run(
        &mut self,
        method: &str,
        args: &[u8],
        mailbox: Option<&mut Mailbox>,
    ) -> Result<Vec<u8>, Failure> {
        let outcome = self.within_time(async |cell| cell.drive(method, args, mailbox).await).await;
        self.store.data_mut().end_call();
        outcome.unwrap_or_else(|death| Err(death.into_failure(&self.identity().entry)))
    }

    /// Lets the cell work until its wall-clock limit, which ends it.
    pub(crate) async fn within_time<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Death>,
    ) -> Result<T, Death> {
        let state = self.store.data();
        let Some(limit) = state.limits.timeout else { return work(self).await };
        let deadline = state.deadline.or_else(|| Instant::now().checked_add(limit));
        let Some(deadline) = deadline else { return work(self).await };
        match tokio::time::timeout_at(deadline.into(), work(self)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.end(Death::Limit(Limit::Timeout(limit)))),
        }
    }

    async fn drive(
        &mut self,
        method: &str,
        args: &[u8],
        mut mailbox: Option<&mut Mailbox>,
    ) -> Result<Result<Vec<u8>, Failure>, Death> {
        let mut status = self.start(method, args).await?;
        let mut events = Vec::new();
        loop {
            match status {
                Status::Done(result) => return Ok(result),
                Status::Waiting => {
                    events.clear();
                    self.wait_for_events(mailbox.as_deref_mut(), &mut events).await;
                    if events.is_empty() {
                        return Err(Death::Trap("the guest waits for something that cannot come".to_owned()));
                    }
                    status = self.turn(&events).await?;
                }
            }
        }
    }

    /// Waits for one event and takes those that are there by then. None when none can come any more.
    async fn wait_for_events(&mut self, mailbox: Option<&mut Mailbox>, events: &mut Vec<Event>) {
        let tickets = &mut self.store.data_mut().tickets;
        match mailbox {
            None if tickets.is_empty() => return,
            None => events.push(Event::Completed(tickets.completed().await)),
            Some(mailbox) => {
                tokio::select! {
                    biased;
                    ticket = tickets.completed() => events.push(Event::Completed(ticket)),
                    message = mailbox.receive() => match message {
                        Some(event) => events.push(event),
                        None if tickets.is_empty() => return,
                        None => events.push(Event::Completed(tickets.completed().await)),
                    },
                }
                while events.len() < EVENTS_PER_TURN
                    && let Some(event) = mailbox.receive_now()
                {
                    events.push(event);
                }
            }
        }
        while events.len() < EVENTS_PER_TURN
            && let Some(ticket) = tickets.completed_now()
        {
            events.push(Event::Completed(ticket));
        }
    }
}
