//! Kind `store.memory`: contents that live as long as the host and the entry.

mod sweeper;
mod table;

use crate::room::take;
use crate::{Backend, Info, Item, Key, Page, Put, Query, Room, Store};
use futures_util::future::{BoxFuture, ready};
use perilune_registry::{Field, Fields, KindSpec, Type};
use perilune_resource::{LIFECYCLE, Opened, Opening, ResourceKind, kind};
use perilune_value::Failure;
use serde::Deserialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use sweeper::Sweeper;
use table::Table;
use tokio::time::Instant;

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "store.memory",
        doc: "A key-value store in the memory of the host; empty again when the host starts or the entry changes",
        fields: Fields::Known(&[
            Field {
                name: "max_size",
                ty: Type::Integer { min: 0, max: 1_000_000 },
                required: false,
                default: "10000, for which 0 stands too",
                doc: "items that it holds; when it is full, new keys are refused",
            },
            Field {
                name: "max_bytes",
                ty: Type::Bytes { min: 1 << 10, max: 64 << 30 },
                required: false,
                default: "64MiB",
                doc: "bytes that its items take, keys and bookkeeping included",
            },
            Field {
                name: "cleanup_interval",
                ty: Type::Duration { max: Duration::from_secs(86_400) },
                required: false,
                default: "5m",
                doc: "how often the memory of expired items is given back while the store runs; nobody sees them before either",
            },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open,
};

#[derive(Deserialize)]
#[serde(default)]
struct Config {
    max_size: usize,
    #[serde(deserialize_with = "kind::bytes")]
    max_bytes: usize,
    #[serde(deserialize_with = "kind::duration")]
    cleanup_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config { max_size: 0, max_bytes: Limits::default().bytes, cleanup_interval: Duration::from_secs(300) }
    }
}

/// What a store in memory may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes that they take.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { items: 10_000, bytes: 64 << 20 }
    }
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let items = if config.max_size == 0 { Limits::default().items } else { config.max_size };
    let limits = Limits { items, bytes: config.max_bytes };
    let memory = Arc::new(Memory::new(limits));
    let sweeper = Sweeper::new(memory.clone(), config.cleanup_interval);
    Ok(Opened { value: Arc::new(Store::new(memory)), service: Some(Arc::new(sweeper)) })
}

/// An empty store in memory that nothing sweeps.
pub fn memory(limits: Limits) -> Store {
    Store::new(Arc::new(Memory::new(limits)))
}

/// A table that takes one operation after the other. None takes long: see `table.rs`.
pub(crate) struct Memory(Mutex<Table>);

impl Memory {
    fn new(limits: Limits) -> Self {
        // Versions of a store that was opened anew must not be taken for those of the one before.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Memory(Mutex::new(Table::new(limits, since.as_nanos())))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn done<T: Send + 'static>(result: Result<T, Failure>) -> BoxFuture<'static, Result<T, Failure>> {
    Box::pin(ready(result))
}

impl Backend for Memory {
    fn get(&self, key: Key, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Option<Item>, Failure>> {
        let item = self.table().get(&key, Instant::now());
        let size = item.as_ref().map_or(0, Item::size);
        done(take(&*room, size).map(|()| item))
    }

    fn has(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>> {
        done(Ok(self.table().get(&key, Instant::now()).is_some()))
    }

    fn put(&self, key: Key, put: Put, _: Arc<dyn Room>) -> BoxFuture<'_, Result<String, Failure>> {
        done(self.table().put(key, put, Instant::now()))
    }

    fn delete(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>> {
        done(Ok(self.table().delete(&key, Instant::now())))
    }

    fn list(&self, query: Query, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Page, Failure>> {
        let page = self.table().list(&query, Instant::now());
        let size = page.items.iter().map(Item::size).sum();
        done(take(&*room, size).map(|()| page))
    }

    fn info(&self) -> Info {
        Info { backend: "memory", consistency: "local", bytes: Some(self.table().bytes()) }
    }
}
