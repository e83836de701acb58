//! Module `events`: the event bus of the host.

use crate::CallContext;
use crate::bindings::{Answer, events as wit};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Reservation, Ticket};
use perilune_queue::{Bus, CHANGES, Event, Pattern, Subscription, announce_changes};
use perilune_resource::in_proportion;
use perilune_value::{Failure, Kind, Packed, Value};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, channel};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "events",
    summary: "Sends events to whoever listens, and listens to those of others.",
    classes: &[Class::Io, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Events that wait for a cell; as many as the channel in Lua holds. Further ones are dropped: senders do not wait.
const WAITING: usize = 64;

/// An event that waits, and its share of the bytes that the host may keep for the cell.
type Waiting = (Arc<Event>, Reservation);

/// What handles of subscriptions stand for.
struct Open {
    _subscription: Subscription,
    events: Mutex<Receiver<Waiting>>,
    /// Of a pattern, says which of the systems that it stands for the call may listen to.
    judge: Option<Box<Judge>>,
}

type Judge = dyn Fn(&str) -> bool + Send + Sync;

impl Open {
    fn admits(&self, event: &Event) -> bool {
        self.judge.as_ref().is_none_or(|judge| judge(&event.system))
    }

    /// Waits for events; takes all that have come.
    async fn next(&self) -> Result<Vec<Waiting>, Failure> {
        let mut events = self.events.lock().await;
        loop {
            let first = events.recv().await.ok_or_else(|| Failure::invalid("this subscription is closed"))?;
            let mut all = vec![first];
            all.extend(std::iter::from_fn(|| events.try_recv().ok()).take(WAITING));
            all.retain(|(event, _)| self.admits(event));
            if !all.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// The bus of the host.
fn bus(context: &CallContext) -> Arc<Bus> {
    context.shared().get_or(|| {
        let bus = Bus::default();
        announce_changes(&bus, context.host.registry.registry());
        bus
    })
}

fn subscribe(state: &CellState, system: &str, kind: Option<&str>) -> wasmtime::Result<Result<Open, Failure>> {
    let context = CallContext::of(state)?;
    let subscribed = || {
        let (system, kind) =
            (Pattern::new(system, "system")?, kind.map(|kind| Pattern::new(kind, "kind")).transpose()?);
        context.check("events.subscribe", system.as_str())?;
        let call = state.context.clone();
        let judge: Option<Box<Judge>> = system.is_open().then(|| {
            Box::new(move |system: &str| {
                let context = call.downcast_ref::<CallContext>();
                context.is_some_and(|context| context.allows("events.subscribe", system, &Value::Map(Vec::new())))
            }) as Box<Judge>
        });
        let (sender, events) = channel::<Waiting>(WAITING);
        let held = state.held.clone();
        let subscription = bus(context).subscribe(system, kind, move |event| {
            if let Ok(place) = sender.try_reserve()
                && let Some(reserved) = held.reserve(event.size())
            {
                place.send((event.clone(), reserved));
            }
        });
        Ok(Open { _subscription: subscription, events: Mutex::new(events), judge })
    };
    Ok(subscribed())
}

/// Whether a cell may send events of a system.
fn may_send(context: &CallContext, system: &str) -> Result<(), Failure> {
    if system == CHANGES {
        let message = format!("events of the system `{CHANGES}` come from the host alone");
        return Err(Failure::new(Kind::PermissionDenied, message));
    }
    context.check("events.send", system)
}

impl wit::Host for CellState {
    fn start_send(
        &mut self,
        system: String,
        kind: String,
        path: String,
        data: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let reserved = self.hold(data.len())?;
        let context = CallContext::of(self)?;
        let bus = may_send(context, &system).map(|()| bus(context));
        self.tickets.start(async move {
            let _reserved = reserved;
            let bus = bus?;
            let data = in_proportion(data.len(), move || Ok(Packed::new(data)?)).await?;
            bus.send(Event::new(&system, &kind, &path, data)?);
            Ok(())
        })
    }

    fn take_send(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_subscribe(&mut self, system: String, kind: Option<String>) -> wasmtime::Result<Ticket> {
        let open = subscribe(self, &system, kind.as_deref())?;
        self.tickets.start(async move { open })
    }

    fn take_subscribe(&mut self, ticket: Ticket) -> Answer<Handle> {
        let open = self.tickets.take::<Open>(ticket)?;
        Ok(open.and_then(|open| self.handles.insert(Arc::new(open))).map_err(failure_to_wit))
    }

    fn start_next(&mut self, of: Handle) -> wasmtime::Result<Ticket> {
        let open = self.handles.get::<Open>(of, "subscription");
        self.tickets.start(async move { open?.next().await })
    }

    fn take_next(&mut self, ticket: Ticket) -> Answer<Vec<wit::Event>> {
        let described = |(event, _): Waiting| wit::Event {
            system: event.system.clone(),
            kind: event.kind.clone(),
            path: event.path.clone(),
            data: event.data.as_bytes().to_vec(),
        };
        let taken = self.tickets.take::<Vec<Waiting>>(ticket)?;
        Ok(taken.map(|events| events.into_iter().map(described).collect()).map_err(failure_to_wit))
    }

    fn close(&mut self, of: Handle) -> wasmtime::Result<bool> {
        Ok(self.handles.remove(of))
    }
}
