//! Turn after turn until the method returns.

use crate::limits::Death;
use crate::mailbox::Mailbox;
use crate::{Cell, Event, Status};
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

    /// Adds the events of the next turn: those that are there, and the first that comes where there are none yet. Cancel-safe: what
    /// was taken from the mailbox is in `events`.
    ///
    /// # Errors
    ///
    /// The cell's death when its time is up, or when no event can come any more.
    pub async fn wait(
        &mut self,
        mailbox: Option<&mut Mailbox>,
        events: &mut Vec<Event>,
    ) -> Result<(), Death> {
        self.alive()?;
        self.wait_in_time(mailbox, events).await?;
        if events.is_empty() {
            let death = Death::Trap("the guest waits for something that cannot come".to_owned());
            return Err(self.end(death));
        }
        Ok(())
    }

    /// Whether it waits for nothing but messages: no operation of it is under way, or has an outcome that it did not take.
    pub fn is_idle(&self) -> bool {
        self.store.data().tickets.is_unused()
    }

    async fn drive(
        &mut self,
        method: &str,
        args: &[u8],
        mailbox: Option<&mut Mailbox>,
    ) -> Result<Result<Vec<u8>, Failure>, Death> {
        match self.start(method, args).await? {
            Status::Done(result) => Ok(result),
            // Boxed: most calls never wait, and would carry the room for it through all their callers.
            Status::Waiting => self.take_turns(mailbox).boxed().await,
        }
    }

    async fn take_turns(
        &mut self,
        mut mailbox: Option<&mut Mailbox>,
    ) -> Result<Result<Vec<u8>, Failure>, Death> {
        let mut events = Vec::new();
        loop {
            events.clear();
            self.wait(mailbox.as_deref_mut(), &mut events).await?;
            if let Status::Done(result) = self.turn(&events).await? {
                return Ok(result);
            }
        }
    }

    /// While the guest computes the ticks watch over the deadline, while it waits a timer does.
    async fn wait_in_time(
        &mut self,
        mailbox: Option<&mut Mailbox>,
        events: &mut Vec<Event>,
    ) -> Result<(), Death> {
        let Some(deadline) = self.store.data().deadline else {
            self.wait_for_events(mailbox, events).await;
            return Ok(());
        };
        let waited = tokio::time::timeout_at(deadline.into(), self.wait_for_events(mailbox, events)).await;
        waited.map_err(|_| self.end(self.store.data().too_long()))
    }

    /// Waits for one event unless there is one, and takes those that are there by then. None when none can come any more.
    async fn wait_for_events(&mut self, mut mailbox: Option<&mut Mailbox>, events: &mut Vec<Event>) {
        let tickets = &mut self.store.data_mut().tickets;
        if events.is_empty() {
            match mailbox.as_deref_mut() {
                None if tickets.is_empty() => return,
                None => events.push(Event::Completed(tickets.completed().await)),
                Some(mailbox) => tokio::select! {
                    biased;
                    ticket = tickets.completed() => events.push(Event::Completed(ticket)),
                    message = mailbox.receive() => match message {
                        Some(event) => events.push(event),
                        None if tickets.is_empty() => return,
                        None => events.push(Event::Completed(tickets.completed().await)),
                    },
                },
            }
        }
        if let Some(mailbox) = mailbox {
            while events.len() < EVENTS_PER_TURN
                && let Some(event) = mailbox.receive_now()
            {
                events.push(event);
            }
        }
        while events.len() < EVENTS_PER_TURN
            && let Some(ticket) = tickets.completed_now()
        {
            events.push(Event::Completed(ticket));
        }
    }
}
