//! Turn after turn until the method returns.

use crate::limits::Death;
use crate::mailbox::{Arrival, Mailbox};
use crate::{Backlog, Cell, Event, Status, Tickets};
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

    /// As [`Cell::run`], for calls that go on with what those before them left: what a call opened stays open. What it left under way is
    /// given up all the same.
    ///
    /// # Errors
    ///
    /// As [`Cell::run`].
    pub async fn run_on(
        &mut self,
        method: &str,
        args: &[u8],
        mailbox: Option<&mut Mailbox>,
    ) -> Result<Vec<u8>, Failure> {
        let outcome = self.drive(method, args, mailbox).await;
        self.store.data_mut().pause_call();
        outcome.unwrap_or_else(|death| Err(death.into_failure(&self.identity().entry)))
    }

    /// Adds the events of the next turn: those that are there, and the first that comes where there are none yet. Cancel-safe: what
    /// was taken from the mailbox is in `events`.
    ///
    /// # Errors
    ///
    /// The cell's death when its time is up, when somebody ended it, or when no event can come any more.
    pub async fn wait(
        &mut self,
        mailbox: Option<&mut Mailbox>,
        events: &mut Vec<Event>,
    ) -> Result<(), Death> {
        self.alive()?;
        // While the guest computes the ticks watch over the deadline, while it waits a timer does.
        let waited = match self.store.data().deadline {
            None => self.wait_for_events(mailbox, events).await,
            Some(deadline) => {
                let wait = tokio::time::timeout_at(deadline.into(), self.wait_for_events(mailbox, events));
                wait.await.unwrap_or_else(|_| Err(self.store.data().too_long()))
            }
        };
        waited.map_err(|death| self.end(death))
    }

    /// The next completion of an operation, as far as that takes nothing from outside: one that is there already, or one that the host
    /// computes. `None` when there is neither.
    pub async fn next_completion(&mut self) -> Option<Event> {
        self.store.data_mut().tickets.completed_here().await.map(Event::Completed)
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
            if let Some(mailbox) = mailbox.as_deref_mut() {
                mailbox.set_backlog(backlog);
            }
            let ended = match self.wait(mailbox.as_deref_mut(), &mut events).await {
                Ok(()) => self.turn(&events).await,
                Err(death) => Err(death),
            };
            match ended {
                Err(death) => {
                    // Nobody knows what of its last turn the script has read: in doubt it has not.
                    if let Some(mailbox) = mailbox {
                        mailbox.put_back(events.into_iter());
                    }
                    return Err(death);
                }
                Ok(Status::Done(result)) => {
                    // It has said itself what it did not read.
                    if let Some(mailbox) = mailbox {
                        mailbox.set_backlog(Backlog::default());
                    }
                    return Ok(result);
                }
                Ok(Status::Waiting(left)) => backlog = left,
            }
        }
    }

    /// Lets whoever holds a sender of the mailbox end the cell while it computes.
    pub fn obey(&mut self, mailbox: &Mailbox) {
        self.store.data_mut().kill_switch = Some(mailbox.kill_switch());
    }

    /// Waits for one event unless there is one, and takes those that are there by then.
    async fn wait_for_events(
        &mut self,
        mut mailbox: Option<&mut Mailbox>,
        events: &mut Vec<Event>,
    ) -> Result<(), Death> {
        let tickets = &mut self.store.data_mut().tickets;
        if events.is_empty() {
            events.push(next_event(tickets, mailbox.as_deref_mut()).await?);
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
        Ok(())
    }
}

async fn next_event(tickets: &mut Tickets, mailbox: Option<&mut Mailbox>) -> Result<Event, Death> {
    let Some(mailbox) = mailbox else {
        return match tickets.is_empty() {
            true => Err(nothing_can_come()),
            false => Ok(Event::Completed(tickets.completed().await)),
        };
    };
    tokio::select! {
        biased;
        ticket = tickets.completed() => Ok(Event::Completed(ticket)),
        arrival = mailbox.receive_after_others() => match arrival {
            Arrival::Event(event) => Ok(event),
            Arrival::Killed(reason) => Err(Death::Killed(reason)),
            Arrival::Nothing if tickets.is_empty() => Err(nothing_can_come()),
            Arrival::Nothing => Ok(Event::Completed(tickets.completed().await)),
        },
    }
}

fn nothing_can_come() -> Death {
    Death::Trap("the guest waits for something that cannot come".to_owned())
}
