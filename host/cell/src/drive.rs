//! Turn after turn until the method returns.

use crate::limits::Death;
use crate::mailbox::{Arrival, Mailbox};
use crate::{Backlog, Cell, Event, Status};
use futures_util::FutureExt;
use perilune_value::Failure;

/// Events that one turn takes at the most; the rest wait for the next one.
const EVENTS_PER_TURN: usize = 256;

impl Cell {
    /// Starts a method and takes turns until it returns. `args` and the result are MessagePack. Without a mailbox the cell
    /// receives no messages. The wall-clock limit holds from where [`Cell::begin_call`] said, or from when the cell was made.
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
        let outcome = self.drive(method, args, mailbox).await;
        self.store.data_mut().end_call();
        outcome.unwrap_or_else(|death| Err(death.into_failure(&self.identity().entry)))
    }

    async fn drive(
        &mut self,
        method: &str,
        args: &[u8],
        mailbox: Option<&mut Mailbox>,
    ) -> Result<Result<Vec<u8>, Failure>, Death> {
        if let Some(mailbox) = &mailbox {
            self.obey(mailbox);
        }
        match self.start(method, args).await? {
            Status::Done(result) => Ok(result),
            // Boxed: most calls never wait, and would carry the room for it through all their callers.
            Status::Waiting(backlog) => self.take_turns(mailbox, backlog).boxed().await,
        }
    }

    async fn take_turns(
        &mut self,
        mut mailbox: Option<&mut Mailbox>,
        mut backlog: Backlog,
    ) -> Result<Result<Vec<u8>, Failure>, Death> {
        let mut events = Vec::new();
        loop {
            events.clear();
            match mailbox.as_deref_mut() {
                Some(mailbox) => {
                    mailbox.set_backlog(backlog);
                    self.wait(mailbox, &mut events).await?;
                }
                None => self.wait_for_operations(&mut events).await?,
            }
            match self.turn(&events).await? {
                Status::Done(result) => return Ok(result),
                Status::Waiting(left) => backlog = left,
            }
        }
    }

    /// Lets whoever holds a sender of the mailbox end the cell while it computes.
    pub fn obey(&mut self, mailbox: &Mailbox) {
        self.store.data_mut().kill_switch = Some(mailbox.kill_switch());
    }

    /// Waits for the next events of a turn. While the guest computes the ticks watch over the deadline, while it waits a timer does.
    ///
    /// # Errors
    ///
    /// [`Death`] when the cell was ended, its time ran out, or nothing can come any more.
    pub async fn wait(&mut self, mailbox: &mut Mailbox, events: &mut Vec<Event>) -> Result<(), Death> {
        let waited = match self.store.data().deadline {
            None => self.wait_for_events(mailbox, events).await,
            Some(deadline) => {
                let wait = tokio::time::timeout_at(deadline.into(), self.wait_for_events(mailbox, events));
                wait.await.unwrap_or_else(|_| Err(self.store.data().too_long()))
            }
        };
        waited.map_err(|death| self.end(death))
    }

    async fn wait_for_operations(&mut self, events: &mut Vec<Event>) -> Result<(), Death> {
        let deadline = self.store.data().deadline;
        let tickets = &mut self.store.data_mut().tickets;
        if tickets.is_empty() {
            return Err(self.end(nothing_can_come()));
        }
        let completed = match deadline {
            None => Ok(tickets.completed().await),
            Some(deadline) => tokio::time::timeout_at(deadline.into(), tickets.completed()).await,
        };
        match completed {
            Ok(ticket) => events.push(Event::Completed(ticket)),
            Err(_) => return Err(self.end(self.store.data().too_long())),
        }
        self.add_completed(events);
        Ok(())
    }

    /// Waits for one event and takes those that are there by then.
    async fn wait_for_events(&mut self, mailbox: &mut Mailbox, events: &mut Vec<Event>) -> Result<(), Death> {
        let tickets = &mut self.store.data_mut().tickets;
        tokio::select! {
            biased;
            ticket = tickets.completed() => events.push(Event::Completed(ticket)),
            arrival = mailbox.receive() => match arrival {
                Arrival::Event(event) => events.push(event),
                Arrival::Killed(reason) => return Err(Death::Killed(reason)),
                Arrival::Nothing if tickets.is_empty() => return Err(nothing_can_come()),
                Arrival::Nothing => events.push(Event::Completed(tickets.completed().await)),
            },
        }
        while events.len() < EVENTS_PER_TURN
            && let Some(event) = mailbox.receive_now()
        {
            events.push(event);
        }
        self.add_completed(events);
        Ok(())
    }

    fn add_completed(&mut self, events: &mut Vec<Event>) {
        while events.len() < EVENTS_PER_TURN
            && let Some(ticket) = self.store.data_mut().tickets.completed_now()
        {
            events.push(Event::Completed(ticket));
        }
    }
}

fn nothing_can_come() -> Death {
    Death::Trap("the guest waits for something that cannot come".to_owned())
}
