//! Live things of a few entries.

use futures_util::future::BoxFuture;
use perilune_registry::{Baseline, Entry, Kinds, Registry, Report, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Shared};
use perilune_store::{KINDS, Key, Query, Room, Store};
use perilune_value::{Failure, Value};
use std::sync::{Arc, Mutex};

/// No functions are called here.
struct Nobody;

impl Invoke for Nobody {
    fn invoke(&self, call: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async move { Err(Failure::not_found(call.target)) })
    }
}

/// What is wrong with entries, or what they become.
pub(crate) fn try_resources(entries: impl IntoIterator<Item = Entry>) -> Result<Arc<Resources>, Report> {
    let all = || KINDS.iter().chain(perilune_sql::KINDS).copied();
    let kinds = all().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
    let mut baseline = Baseline::new();
    entries.into_iter().for_each(|entry| {
        baseline.add(entry);
    });
    let host = Host {
        registry: Arc::new(Registry::new(baseline, Rules::new(kinds))?),
        functions: Arc::new(Nobody),
        folder: None,
        // Where the test servers are.
        allowed: Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() },
        shared: Shared::default(),
        variables: |_, name| Ok((name == "TABLE").then(|| "kv; DROP TABLE kv".to_owned())),
    };
    Ok(Resources::new(host, all()))
}

pub(crate) fn resources(entries: impl IntoIterator<Item = Entry>) -> Arc<Resources> {
    try_resources(entries).unwrap_or_else(|report| panic!("{}", report.render(false)))
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name.as_bytes()).expect("a key")
}

pub(crate) async fn names(store: &Store) -> Vec<String> {
    let page = store.list(Query::new(b"", None, None).expect("a query")).await.expect("it is listed");
    page.items.iter().map(|item| item.key.to_string()).collect()
}

/// Room for so many bytes.
pub(crate) struct Bytes(pub(crate) usize, pub(crate) Mutex<usize>);

impl Room for Bytes {
    fn take(&self, bytes: usize) -> bool {
        let mut taken = self.1.lock().expect("no test panics here");
        let fits = *taken + bytes <= self.0;
        *taken += if fits { bytes } else { 0 };
        fits
    }

    fn give_back(&self) {
        *self.1.lock().expect("no test panics here") = 0;
    }
}

/// The store for a reader with so much room.
pub(crate) fn within(store: &Store, bytes: usize) -> Store {
    store.within(Arc::new(Bytes(bytes, Mutex::default())))
}
