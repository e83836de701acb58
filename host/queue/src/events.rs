//! The event bus: passes events on to whoever listens, and keeps none.

use crate::Pattern;
use perilune_value::{Failure, Packed};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The part of the application, or of the host, that it happened in.
    pub system: String,
    /// What happened.
    pub kind: String,
    /// To what.
    pub path: String,
    /// Further facts.
    pub data: Packed,
}

impl Event {
    /// Bytes of an event's data: events tell that something happened, they do not carry it.
    pub const MOST_DATA: usize = 64 << 10;
    const MOST_NAME: usize = 255;
    /// Bytes that an event takes besides names and data.
    const BOOKKEEPING: usize = 200;

    /// An event.
    ///
    /// # Errors
    ///
    /// `Invalid` for a name that is empty, longer than 255 bytes or has a `*`, and for data of more than 64 KiB.
    pub fn new(system: &str, kind: &str, path: &str, data: Packed) -> Result<Self, Failure> {
        for (text, what) in [(system, "system"), (kind, "kind")] {
            name(text, what)?;
            if text.contains('*') {
                return Err(Failure::invalid(format!(
                    "the {what} `{text}` has a `*`, which is for patterns"
                )));
            }
        }
        // An entry's id, as a rule.
        if path.is_empty() || path.len() > 4 * Self::MOST_NAME {
            return Err(Failure::invalid("the path of an event is a text of 1 to 1020 bytes"));
        }
        if data.as_bytes().len() > Self::MOST_DATA {
            let message = format!(
                "the data of an event takes {} bytes; it may take {}: send where to find it",
                data.as_bytes().len(),
                Self::MOST_DATA
            );
            return Err(Failure::invalid(message));
        }
        Ok(Event { system: system.to_owned(), kind: kind.to_owned(), path: path.to_owned(), data })
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        Self::BOOKKEEPING + self.system.len() + self.kind.len() + self.path.len() + self.data.as_bytes().len()
    }
}

/// Checks the name of a system or a kind.
pub(crate) fn name(text: &str, what: &str) -> Result<(), Failure> {
    match text.len() {
        1..=Event::MOST_NAME => Ok(()),
        0 => Err(Failure::invalid(format!("the {what} of an event is empty"))),
        length => Err(Failure::invalid(format!(
            "the {what} of an event has {length} bytes; it may have {}",
            Event::MOST_NAME
        ))),
    }
}

/// Who listens to what. One per host; cheap to clone.
#[derive(Clone, Default)]
pub struct Bus(Arc<RwLock<Listeners>>);

/// Does not keep a bus alive.
pub(crate) struct WeakBus(Weak<RwLock<Listeners>>);

#[derive(Default)]
struct Listeners {
    last: u64,
    by_number: BTreeMap<u64, Listener>,
}

type Deliver = dyn Fn(&Arc<Event>) + Send + Sync;

struct Listener {
    system: Pattern,
    kind: Option<Pattern>,
    deliver: Box<Deliver>,
}

impl Listener {
    fn hears(&self, event: &Event) -> bool {
        self.system.matches(&event.system) && self.kind.as_ref().is_none_or(|kind| kind.matches(&event.kind))
    }
}

impl Bus {
    /// Calls `deliver` with each event that matches until the subscription is dropped. It is called on the sender's thread: it
    /// must neither wait nor use the bus, and it bounds what it keeps.
    pub fn subscribe(
        &self,
        system: Pattern,
        kind: Option<Pattern>,
        deliver: impl Fn(&Arc<Event>) + Send + Sync + 'static,
    ) -> Subscription {
        let mut listeners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        listeners.last += 1;
        let number = listeners.last;
        listeners.by_number.insert(number, Listener { system, kind, deliver: Box::new(deliver) });
        Subscription { bus: self.clone(), number }
    }

    /// Passes an event on to all who listen to it now.
    pub fn send(&self, event: Event) {
        let event = Arc::new(event);
        for listener in self.listeners().by_number.values().filter(|listener| listener.hears(&event)) {
            (listener.deliver)(&event);
        }
    }

    /// Whether anybody listens to a system.
    pub fn has_listener(&self, system: &str) -> bool {
        self.listeners().by_number.values().any(|listener| listener.system.matches(system))
    }

    fn listeners(&self) -> RwLockReadGuard<'_, Listeners> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn downgrade(&self) -> WeakBus {
        WeakBus(Arc::downgrade(&self.0))
    }
}

impl WeakBus {
    pub(crate) fn upgrade(&self) -> Option<Bus> {
        self.0.upgrade().map(Bus)
    }
}

/// Listening, until this is dropped.
pub struct Subscription {
    bus: Bus,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.bus.0.write().unwrap_or_else(PoisonError::into_inner);
        let removed = listeners.by_number.remove(&self.number);
        drop(listeners);
        // What it kept is dropped without anybody waiting for it.
        drop(removed);
    }
}
