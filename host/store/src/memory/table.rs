//! The contents of a store in memory: items by key, and those that will expire by when.
//!
//! What has expired is not there for anybody, whether or not its memory was given back already. It is given back by the sweeper,
//! a little by each put, and by a put that finds the store full. Every operation looks at a bounded number of items.

use super::Limits;
use crate::store::{PAGE_BYTES, already_there, changed};
use crate::{Condition, Item, Key, Page, Put, Query};
use perilune_value::{Failure, Kind, Packed};
use std::collections::BTreeMap;
use std::ops::Bound;
use tokio::time::Instant;

/// What an item takes besides key and value: nodes of two maps, two counted pointers, deadline and version.
const BOOKKEEPING: usize = 200;

/// Expired items that a put removes: more than it adds, so that they cannot pile up.
const PER_PUT: usize = 4;

/// Expired items that a list passes before it ends its page, about a millisecond's work.
const PER_PAGE: usize = 10_000;

pub(super) struct Table {
    limits: Limits,
    items: BTreeMap<Key, Slot>,
    /// Keys of items that will expire, by when; versions keep those of the same moment apart.
    expiring: BTreeMap<(Instant, u64), Key>,
    bytes: usize,
    versions: u64,
    /// What versions begin with.
    since: u128,
}

struct Slot {
    value: Packed,
    version: u64,
    expires: Option<Instant>,
}

impl Slot {
    fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

fn size(key: &Key, value: &Packed) -> usize {
    BOOKKEEPING + key.as_str().len() + value.as_bytes().len()
}

impl Table {
    pub(super) fn new(limits: Limits, since: u128) -> Self {
        Table { limits, items: BTreeMap::new(), expiring: BTreeMap::new(), bytes: 0, versions: 0, since }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<Item> {
        let slot = self.items.get(key).filter(|slot| slot.is_live(now))?;
        Some(self.item(key, slot))
    }

    fn item(&self, key: &Key, slot: &Slot) -> Item {
        Item { key: key.clone(), value: slot.value.clone(), version: self.version(slot.version) }
    }

    fn version(&self, number: u64) -> String {
        format!("{:x}-{number:x}", self.since)
    }

    pub(super) fn put(&mut self, key: Key, put: Put, now: Instant) -> Result<String, Failure> {
        let Put { value, ttl, condition } = put;
        if self.items.get(&key).is_some_and(|slot| !slot.is_live(now)) {
            self.remove(&key);
        }
        match (condition, self.items.get(&key)) {
            (Condition::Absent, Some(_)) => return Err(already_there(&key)),
            (Condition::Version(expected), found)
                if found.is_none_or(|slot| self.version(slot.version) != expected) =>
            {
                return Err(changed(&key));
            }
            _ => {}
        }
        self.make_room(&key, &value, now)?;
        self.remove(&key);
        self.versions += 1;
        let version = self.versions;
        // A time beyond what the clock can tell never comes.
        let expires = ttl.and_then(|ttl| now.checked_add(ttl));
        if let Some(expires) = expires {
            self.expiring.insert((expires, version), key.clone());
        }
        self.bytes += size(&key, &value);
        self.items.insert(key, Slot { value, version, expires });
        self.sweep(PER_PUT, now);
        Ok(self.version(version))
    }

    /// Removes what has expired until an item fits.
    fn make_room(&mut self, key: &Key, value: &Packed, now: Instant) -> Result<(), Failure> {
        let replaced = self.items.get(key).map(|slot| size(key, &slot.value));
        loop {
            let items = self.items.len() + usize::from(replaced.is_none());
            let bytes = self.bytes - replaced.unwrap_or(0) + size(key, value);
            let full = match () {
                () if items > self.limits.items => full("max_size", format!("{} items", self.limits.items)),
                () if bytes > self.limits.bytes => full("max_bytes", format!("{} bytes", self.limits.bytes)),
                () => return Ok(()),
            };
            if self.sweep(1, now) == 0 {
                return Err(full);
            }
        }
    }

    pub(super) fn delete(&mut self, key: &Key, now: Instant) -> bool {
        self.remove(key).is_some_and(|slot| slot.is_live(now))
    }

    pub(super) fn list(&self, query: &Query, now: Instant) -> Page {
        let Query { prefix, after, limit } = query;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.as_str()),
            _ => Bound::Included(prefix.as_str()),
        };
        let mut page = Page::default();
        let (mut bytes, mut expired) = (0, 0);
        for (key, slot) in self.items.range::<str, _>((from, Bound::Unbounded)) {
            if !key.as_str().starts_with(prefix.as_str()) {
                break;
            }
            let is_live = slot.is_live(now);
            let is_full = page.items.len() == *limit || bytes >= PAGE_BYTES;
            if (is_live && is_full) || expired == PER_PAGE {
                page.has_more = true;
                break;
            }
            if is_live {
                bytes += size(key, &slot.value);
                page.items.push(self.item(key, slot));
            } else {
                expired += 1;
            }
            page.cursor = Some(key.as_str().to_owned());
        }
        page
    }

    /// Removes up to so many expired items, those that expired first; returns how many it were.
    pub(super) fn sweep(&mut self, most: usize, now: Instant) -> usize {
        for removed in 0..most {
            match self.expiring.first_key_value() {
                Some(((expires, _), key)) if *expires <= now => {
                    let key = key.clone();
                    self.remove(&key);
                }
                _ => return removed,
            }
        }
        most
    }

    fn remove(&mut self, key: &Key) -> Option<Slot> {
        let slot = self.items.remove(key)?;
        self.bytes -= size(key, &slot.value);
        if let Some(expires) = slot.expires {
            self.expiring.remove(&(expires, slot.version));
        }
        Some(slot)
    }
}

fn full(field: &str, most: String) -> Failure {
    let message = format!("the store is full: `{field}` allows {most}; delete some, or let them expire");
    Failure::new(Kind::RateLimited, message).with_detail("limit", field)
}
