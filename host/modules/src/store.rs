//! Module `store`: key-value stores.

use crate::CallContext;
use crate::bindings::{Answer, answer, store as wit};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Held, Module, Reservation, Ticket};
use perilune_resource::in_proportion;
use perilune_store::{Condition, Item, Key, Page, Put, Query, Room, Store, ttl};
use perilune_value::{Failure, Packed, Value};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "store",
    summary: "Keeps values under keys, for a time or for ever.",
    classes: &[Class::Storage, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What handles of stores stand for.
struct Open {
    id: String,
    store: Store,
}

/// What the host may keep for a cell; what is taken is given back when the cell has what was read.
struct CellRoom {
    held: Arc<Held>,
    taken: Mutex<Vec<Reservation>>,
}

impl Room for CellRoom {
    fn take(&self, bytes: usize) -> bool {
        let Some(reservation) = self.held.reserve(bytes) else { return false };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(reservation);
        true
    }

    fn give_back(&self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What was read, and the room that it takes until the cell has taken it.
type Read<T> = (T, Arc<CellRoom>);

fn room(state: &CellState) -> Arc<CellRoom> {
    Arc::new(CellRoom { held: state.held.clone(), taken: Mutex::default() })
}

/// The store of a handle, for an action that is guarded; `attribute` is what policies may ask about besides.
fn guarded(
    state: &CellState,
    handle: Handle,
    action: &str,
    attribute: Option<(&str, &[u8])>,
) -> wasmtime::Result<Result<Store, Failure>> {
    let context = CallContext::of(state)?;
    let found = state.handles.get::<Open>(handle, "store");
    Ok(found.and_then(|open| {
        let meta = Value::from_iter(attribute.map(|(name, value)| (name, Value::from(value))));
        context.check_with(action, &open.id, &meta)?;
        Ok(open.store.clone())
    }))
}

/// As [`guarded`], for an action on a key.
fn keyed(
    state: &CellState,
    handle: Handle,
    action: &str,
    key: &[u8],
) -> wasmtime::Result<Result<(Store, Key), Failure>> {
    let store = guarded(state, handle, action, Some(("key", key)))?;
    Ok(store.and_then(|store| Ok((store, Key::new(key)?))))
}

fn described(item: Item) -> wit::Item {
    wit::Item {
        key: item.key.to_string(),
        value: item.value.as_bytes().to_vec(),
        version: item.version,
    }
}

impl wit::Host for CellState {
    fn open(&mut self, id: String) -> Answer<Handle> {
        let context = CallContext::of(self)?;
        let opened = context.check("store.get", &id).and_then(|()| context.resource::<Store>(&id));
        answer(opened.and_then(|store| self.handles.insert(Arc::new(Open { id, store: (*store).clone() }))))
    }

    fn release(&mut self, of: Handle) -> wasmtime::Result<bool> {
        Ok(self.handles.remove(of))
    }

    fn info(&mut self, of: Handle) -> Answer<wit::Properties> {
        answer(guarded(self, of, "store.info", None)?.map(|store| {
            let info = store.info();
            wit::Properties {
                backend: info.backend.to_owned(),
                consistency: info.consistency.to_owned(),
                bytes: info.bytes.map(|bytes| bytes as u64),
            }
        }))
    }

    fn start_get(&mut self, of: Handle, key: Vec<u8>) -> wasmtime::Result<Ticket> {
        let store = keyed(self, of, "store.key.get", &key)?;
        let room = room(self);
        self.tickets.start::<Read<Item>>(async move {
            let (store, key) = store?;
            Ok((store.within(room.clone()).get(&key).await?, room))
        })
    }

    fn take_get(&mut self, ticket: Ticket) -> Answer<wit::Item> {
        let taken = self.tickets.take::<Read<Item>>(ticket)?;
        Ok(taken.map(|(item, _)| described(item)).map_err(failure_to_wit))
    }

    fn start_has(&mut self, of: Handle, key: Vec<u8>) -> wasmtime::Result<Ticket> {
        let store = keyed(self, of, "store.key.has", &key)?;
        self.tickets.start(async move {
            let (store, key) = store?;
            store.has(&key).await
        })
    }

    fn take_has(&mut self, ticket: Ticket) -> Answer<bool> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_put(
        &mut self,
        of: Handle,
        key: Vec<u8>,
        value: Vec<u8>,
        seconds: f64,
        if_absent: bool,
        if_version: Option<String>,
    ) -> wasmtime::Result<Ticket> {
        let store = keyed(self, of, "store.key.set", &key)?;
        let (reserved, room) = (self.hold(value.len())?, room(self));
        self.tickets.start(async move {
            let _reserved = reserved;
            let (store, key) = store?;
            let ttl = ttl(seconds)?;
            let condition = match (if_absent, if_version) {
                (false, None) => Condition::Always,
                (true, None) => Condition::Absent,
                (false, Some(version)) => Condition::Version(version),
                (true, Some(_)) => {
                    let message = "a put depends on `only_if_absent` or on `if_version`, not on both";
                    return Err(Failure::invalid(message));
                }
            };
            let value = in_proportion(value.len(), move || Ok(Packed::new(value)?)).await?;
            store.within(room).put(&key, Put { value, ttl, condition }).await
        })
    }

    fn take_put(&mut self, ticket: Ticket) -> Answer<String> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_delete(&mut self, of: Handle, key: Vec<u8>) -> wasmtime::Result<Ticket> {
        let store = keyed(self, of, "store.key.delete", &key)?;
        self.tickets.start(async move {
            let (store, key) = store?;
            store.delete(&key).await
        })
    }

    fn take_delete(&mut self, ticket: Ticket) -> Answer<bool> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_list(
        &mut self,
        of: Handle,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: Option<i64>,
    ) -> wasmtime::Result<Ticket> {
        let store = guarded(self, of, "store.key.list", Some(("prefix", &prefix)))?;
        let room = room(self);
        self.tickets.start::<Read<Page>>(async move {
            let query = Query::new(&prefix, after.as_deref(), limit)?;
            Ok((store?.within(room.clone()).list(query).await?, room))
        })
    }

    fn take_list(&mut self, ticket: Ticket) -> Answer<wit::Page> {
        let taken = self.tickets.take::<Read<Page>>(ticket)?;
        let page = |(Page { items, cursor, has_more }, _)| wit::Page {
            items: items.into_iter().map(described).collect(),
            cursor,
            has_more,
        };
        Ok(taken.map(page).map_err(failure_to_wit))
    }
}
