//! A bounded queue of messages for a running cell, and the switch that ends it.

use crate::{Backlog, Event, Message};
use perilune_value::Failure;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::sync::Notify;

/// Why a mailbox did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// So many messages wait already.
    #[error("{0} messages wait already")]
    Full(usize),
    /// With this message, more than so many bytes would wait.
    #[error("more than {0} bytes of messages would wait")]
    TooLarge(usize),
    /// The cell has ended.
    #[error("it has ended")]
    Closed,
}

/// What comes next for a cell.
#[derive(Debug)]
pub enum Arrival {
    /// A message.
    Event(Event),
    /// Somebody ended the cell.
    Killed(Failure),
    /// Nothing any more: nobody is left who could send.
    Nothing,
}

/// Bytes of a message of the host that always has room.
const SMALL: usize = 4096;

/// Puts messages into a mailbox.
#[derive(Debug)]
pub struct Sender(Arc<Shared>);

/// Takes messages out of a mailbox.
#[derive(Debug)]
pub struct Mailbox(Arc<Shared>);

/// Tells a cell that computes that somebody ended it.
#[derive(Clone, Debug)]
pub(crate) struct KillSwitch(Arc<Shared>);

/// The mailbox as whoever runs inside of its cell sees it: takes messages, and does not close it.
#[derive(Clone, Debug)]
pub struct Inbox(Arc<Shared>);

/// Every call has a mailbox and few receive anything, so an unused one takes no memory but this.
#[derive(Debug)]
struct Shared {
    capacity: usize,
    most_bytes: usize,
    killed: AtomicBool,
    state: Mutex<State>,
    arrived: Notify,
    /// Told when somebody ends the cell, whatever it waits for.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// What the cell has taken and its script has not read.
    backlog: Backlog,
    senders: usize,
    closed: bool,
    killed: Option<Failure>,
}

/// A mailbox for so many messages, and so many bytes of them; those that the script has not read yet count.
pub fn mailbox(capacity: usize, bytes: usize) -> (Sender, Mailbox) {
    let state = Mutex::new(State { senders: 1, ..State::default() });
    let killed = AtomicBool::new(false);
    let (arrived, ended) = (Notify::new(), Notify::new());
    let shared = Arc::new(Shared { capacity, most_bytes: bytes, killed, state, arrived, ended });
    (Sender(shared.clone()), Mailbox(shared))
}

/// Bytes that the host keeps for an event.
fn size(event: &Event) -> usize {
    match event {
        Event::Message(Message { topic, sender, payloads }) => topic.len() + sender.len() + payloads.len(),
        Event::Completed(_) => 0,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Event> {
        let mut state = self.lock();
        let event = state.events.pop_front()?;
        state.bytes -= size(&event);
        Some(event)
    }

    fn killed(&self) -> Option<Failure> {
        if !self.killed.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().killed.clone()
    }

    /// What is there already, or will never be.
    fn arrival(&self) -> Option<Arrival> {
        if let Some(reason) = self.killed() {
            return Some(Arrival::Killed(reason));
        }
        if let Some(event) = self.take() {
            return Some(Arrival::Event(event));
        }
        (self.lock().senders == 0).then_some(Arrival::Nothing)
    }

    /// Waits for what comes next, and once it is there, for this.
    async fn receive<Then: Future<Output = ()>>(&self, then: impl Fn() -> Then) -> Arrival {
        loop {
            let arrived = self.arrived.notified();
            if let Some(arrival) = self.arrival() {
                return arrival;
            }
            arrived.await;
            then().await;
        }
    }
}

async fn at_once() {}

/// Lets all that is ready run first.
async fn after_others() {
    let mut has_given_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_given_way, true) {
            return Poll::Ready(());
        }
        // Not `yield_now`, which also waits for a look at timers and sockets.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Backlog {
    fn default() -> Self {
        Backlog { messages: 0, bytes: 0 }
    }
}

impl State {
    fn put(&mut self, event: Event) {
        self.bytes += size(&event);
        self.events.push_back(event);
    }
}

impl Sender {
    /// Puts a message at the end. Never waits.
    ///
    /// # Errors
    ///
    /// [`Refused`], and then nothing was put.
    pub fn deliver(&self, event: Event) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.events.len() + state.backlog.messages as usize >= self.0.capacity {
            return Err(Refused::Full(self.0.capacity));
        }
        let bytes = state.bytes.saturating_add(state.backlog.bytes as usize).saturating_add(size(&event));
        if bytes > self.0.most_bytes {
            return Err(Refused::TooLarge(self.0.most_bytes));
        }
        state.put(event);
        drop(state);
        self.0.arrived.notify_one();
        Ok(())
    }

    /// As [`Sender::deliver`], where so many more messages may wait: what asks a cell to end must reach one that is busy.
    ///
    /// # Errors
    ///
    /// As [`Sender::deliver`].
    pub fn urge(&self, event: Event, more: usize) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let most = self.0.capacity.saturating_add(more);
        if state.events.len() + state.backlog.messages as usize >= most {
            return Err(Refused::Full(most));
        }
        state.put(event);
        drop(state);
        self.0.arrived.notify_one();
        Ok(())
    }

    /// Puts a message of the host at the end, however many wait: there are as many as the cell has relations.
    ///
    /// # Errors
    ///
    /// [`Refused::Closed`]; [`Refused::TooLarge`] for a large one that there is no room for.
    pub fn notify(&self, event: Event) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let size = size(&event);
        if size > SMALL && state.bytes.saturating_add(size) > self.0.most_bytes {
            return Err(Refused::TooLarge(self.0.most_bytes));
        }
        state.put(event);
        drop(state);
        self.0.arrived.notify_one();
        Ok(())
    }

    /// Puts a message of the host in the place of an older one with these payloads, if that was not taken yet, or else at the end.
    /// Without a new one the older one is only removed.
    pub fn replace(&self, older: Option<&[u8]>, newer: Option<Event>) {
        let mut state = self.0.lock();
        if state.closed {
            return;
        }
        let is_older = |event: &Event| match event {
            Event::Message(message) => older == Some(&message.payloads[..]),
            Event::Completed(_) => false,
        };
        if let Some(at) = older.and_then(|_| state.events.iter().position(is_older))
            && let Some(removed) = state.events.remove(at)
        {
            state.bytes -= size(&removed);
        }
        let Some(event) = newer else { return };
        state.put(event);
        drop(state);
        self.0.arrived.notify_one();
    }

    /// Ends the cell: within a tick where it computes, at once where it waits. The first reason counts. False when it has ended
    /// or been ended before.
    pub fn kill(&self, reason: Failure) -> bool {
        let mut state = self.0.lock();
        if state.closed || state.killed.is_some() {
            return false;
        }
        state.killed = Some(reason);
        drop(state);
        self.0.killed.store(true, Ordering::Relaxed);
        self.0.arrived.notify_one();
        self.0.ended.notify_waiters();
        true
    }

    /// Messages that may wait, and their bytes.
    pub fn capacity(&self) -> (usize, usize) {
        (self.0.capacity, self.0.most_bytes)
    }

    /// Messages that wait, and their bytes; those that the script has not read yet among them.
    pub fn waiting(&self) -> (usize, usize) {
        let state = self.0.lock();
        let Backlog { messages, bytes } = state.backlog;
        (state.events.len() + messages as usize, state.bytes + bytes as usize)
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Sender(self.0.clone())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        let was_last = state.senders == 0;
        drop(state);
        if was_last {
            self.0.arrived.notify_one();
        }
    }
}

impl Mailbox {
    /// Waits for what comes next. Cancel-safe.
    pub async fn receive(&mut self) -> Arrival {
        self.0.receive(at_once).await
    }

    /// As [`Mailbox::receive`], and where that has to wait, all that is ready runs before what comes is taken: it is often the first of
    /// many messages, and a turn takes all of them. Whoever waits for something else as well may hear of that first, though it came later.
    pub(crate) async fn receive_after_others(&mut self) -> Arrival {
        self.0.receive(after_others).await
    }

    /// Why somebody ended the cell.
    pub fn killed(&self) -> Option<Failure> {
        self.0.killed()
    }

    /// A message that is there already.
    pub fn receive_now(&mut self) -> Option<Event> {
        self.0.take()
    }

    /// Puts events at the front, as if they had never been taken.
    pub fn put_back(&mut self, events: impl DoubleEndedIterator<Item = Event>) {
        let mut state = self.0.lock();
        for event in events.rev() {
            state.bytes += size(&event);
            state.events.push_front(event);
        }
    }

    /// Says how much the cell has taken that its script has not read.
    pub fn set_backlog(&mut self, backlog: Backlog) {
        self.0.lock().backlog = backlog;
    }

    /// How much the cell has taken that its script has not read, as it said after its last turn.
    pub fn backlog(&self) -> Backlog {
        self.0.lock().backlog
    }

    /// Takes nothing any more, and gives what nobody will read.
    pub fn close(&mut self) -> Vec<Message> {
        let mut state = self.0.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.events);
        drop(state);
        let message = |event| match event {
            Event::Message(message) => Some(message),
            Event::Completed(_) => None,
        };
        left.into_iter().filter_map(message).collect()
    }

    /// For code in the cell, which may take messages.
    pub fn inbox(&self) -> Inbox {
        Inbox(self.0.clone())
    }

    pub(crate) fn kill_switch(&self) -> KillSwitch {
        KillSwitch(self.0.clone())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.close();
    }
}

impl KillSwitch {
    /// Why somebody ended the cell.
    pub(crate) fn killed(&self) -> Option<Failure> {
        self.0.killed()
    }
}

impl Inbox {
    /// Waits for what comes next. Cancel-safe.
    pub async fn receive(&self) -> Arrival {
        self.0.receive(at_once).await
    }

    /// Why somebody ended the cell.
    pub fn killed(&self) -> Option<Failure> {
        self.0.killed()
    }

    /// Waits until somebody ends the cell.
    pub async fn ended(&self) -> Failure {
        loop {
            let ended = self.0.ended.notified();
            if let Some(reason) = self.killed() {
                return reason;
            }
            ended.await;
        }
    }
}
