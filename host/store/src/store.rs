//! What can be done with a store.

use crate::key::text;
use crate::room::AnyRoom;
use crate::{Key, Room};
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Kind, Packed};
use std::sync::Arc;
use std::time::Duration;

/// A value under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Packed,
    /// Tells this value from those before and after it under the same key; means nothing else.
    pub version: String,
}

impl Item {
    /// Bytes that it takes in a reader's hands.
    pub(crate) fn size(&self) -> usize {
        self.key.as_str().len() + self.value.as_bytes().len() + self.version.len()
    }
}

/// A value to be put under a key.
#[derive(Clone, Debug)]
pub struct Put {
    /// The value.
    pub value: Packed,
    /// For how long; for ever without it.
    pub ttl: Option<Duration>,
    /// When it may be put.
    pub condition: Condition,
}

impl Put {
    /// Puts a value for ever, whatever was there before.
    pub fn new(value: Packed) -> Self {
        Put { value, ttl: None, condition: Condition::Always }
    }
}

/// What a put depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// Nothing is there.
    Absent,
    /// The value of this version is there.
    Version(String),
}

/// Which part of a store is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(crate) prefix: String,
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

impl Query {
    /// Items of a list that nobody said anything about.
    const DEFAULT: usize = 100;
    /// Items of any list: lists are read in pages.
    const MOST: usize = 1_000;

    /// The first `limit` items whose keys begin with `prefix` and come after the key `after`.
    ///
    /// # Errors
    ///
    /// `Invalid` for texts that cannot be part of a key, and for a limit that is not 1 to 1000.
    pub fn new(prefix: &[u8], after: Option<&[u8]>, limit: Option<i64>) -> Result<Self, Failure> {
        let limit = match limit {
            None => Self::DEFAULT,
            Some(limit) => {
                usize::try_from(limit).ok().filter(|limit| (1..=Self::MOST).contains(limit)).ok_or_else(
                    || Failure::invalid(format!("a limit is a number from 1 to {}, not {limit}", Self::MOST)),
                )?
            }
        };
        let after = after.map(|after| text(after, "key in `after`").map(str::to_owned)).transpose()?;
        Ok(Query { prefix: text(prefix, "prefix")?.to_owned(), after, limit })
    }
}

/// Part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The items, by key. There may be fewer than were asked for, and none at all, although more follow.
    pub items: Vec<Item>,
    /// The key up to which this page reaches, for [`Query::new`]; none where nothing was found.
    pub cursor: Option<String>,
    /// Whether items follow.
    pub has_more: bool,
}

/// Bytes of keys and values in a page, the last item's perhaps aside: one page must fit a cell.
pub(crate) const PAGE_BYTES: usize = 4 << 20;

/// What is known of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// What keeps the contents: `memory` or `sql`.
    pub backend: &'static str,
    /// What readers see of what writers did: `local` or `linearizable`.
    pub consistency: &'static str,
    /// Bytes that the contents take, where that is known.
    pub bytes: Option<usize>,
}

/// What keeps the contents of a store. Each operation is one step for all others.
pub trait Backend: Send + Sync {
    /// The live item of a key.
    fn get(&self, key: Key, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Option<Item>, Failure>>;

    /// Whether a key has a live item.
    fn has(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>>;

    /// Puts a value; gives the version that it got. `AlreadyExists` or `Conflict` when the condition does not hold.
    fn put(&self, key: Key, put: Put, room: Arc<dyn Room>) -> BoxFuture<'_, Result<String, Failure>>;

    /// Removes an item. False when no live one was there.
    fn delete(&self, key: Key) -> BoxFuture<'_, Result<bool, Failure>>;

    /// Lists live items in the order of their keys' bytes, as many as a cell can hold.
    fn list(&self, query: Query, room: Arc<dyn Room>) -> BoxFuture<'_, Result<Page, Failure>>;

    /// What is known of it.
    fn info(&self) -> Info;
}

/// What an entry of kind `store.memory` or `store.sql` becomes. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    room: Arc<dyn Room>,
}

impl Store {
    /// A store with this backend.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Store { backend, room: Arc::new(AnyRoom) }
    }

    /// The same store for a reader who has only so much memory.
    #[must_use]
    pub fn within(&self, room: Arc<dyn Room>) -> Self {
        Store { backend: self.backend.clone(), room }
    }

    /// The live item of a key.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none, `RateLimited` when there is no room for it, and what the backend fails with.
    pub async fn get(&self, key: &Key) -> Result<Item, Failure> {
        let found = self.backend.get(key.clone(), self.room.clone()).await?;
        found.ok_or_else(|| Failure::not_found(format!("nothing is stored under `{key}`")))
    }

    /// Whether a key has a live item.
    ///
    /// # Errors
    ///
    /// What the backend fails with.
    pub async fn has(&self, key: &Key) -> Result<bool, Failure> {
        self.backend.has(key.clone()).await
    }

    /// Puts a value; gives the version that it got.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` or `Conflict` when the condition does not hold, `RateLimited` when the store is full, `Invalid` for a
    /// value that the store cannot hold, and what the backend fails with.
    pub async fn put(&self, key: &Key, put: Put) -> Result<String, Failure> {
        self.backend.put(key.clone(), put, self.room.clone()).await
    }

    /// Removes an item. False when no live one was there.
    ///
    /// # Errors
    ///
    /// What the backend fails with.
    pub async fn delete(&self, key: &Key) -> Result<bool, Failure> {
        self.backend.delete(key.clone()).await
    }

    /// Lists live items in the order of their keys' bytes.
    ///
    /// # Errors
    ///
    /// What the backend fails with.
    pub async fn list(&self, query: Query) -> Result<Page, Failure> {
        self.backend.list(query, self.room.clone()).await
    }

    /// What is known of it.
    pub fn info(&self) -> Info {
        self.backend.info()
    }
}

pub(crate) fn already_there(key: &Key) -> Failure {
    Failure::new(Kind::AlreadyExists, format!("something is stored under `{key}` already"))
}

pub(crate) fn changed(key: &Key) -> Failure {
    let message = format!("what is stored under `{key}` is no longer the version that was expected");
    Failure::new(Kind::Conflict, message)
}
