//! How an entry becomes a live thing.

use crate::basis::Basis;
use crate::supervision::Unit;
use crate::{Allowed, Host, Lifecycle, Resources, Service, Shared, Stamp};
use perilune_registry::{Entry, EntryId, KindSpec};
use perilune_value::{Failure, Value, from_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::any::Any;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A kind of entry, and how one is opened.
#[derive(Clone, Copy)]
pub struct ResourceKind {
    /// Name, fields and checks.
    pub spec: KindSpec,
    /// Makes the live thing. It must neither block nor act: connections are made when they are first needed, and what runs by
    /// itself begins in [`Service::start`].
    pub open: fn(&Opening<'_>) -> Result<Opened, Failure>,
}

/// What opening an entry gives.
#[derive(Clone)]
pub struct Opened {
    /// The live thing; whoever asks for it names its type.
    pub value: Arc<dyn Any + Send + Sync>,
    /// Set for what runs by itself.
    pub service: Option<Arc<dyn Service>>,
}

impl Opened {
    /// A thing that waits to be used.
    pub fn resource<T: Send + Sync + 'static>(value: Arc<T>) -> Self {
        Opened { value, service: None }
    }

    /// A thing that runs by itself.
    pub fn service<T: Service + 'static>(value: Arc<T>) -> Self {
        Opened { value: value.clone(), service: Some(value) }
    }
}

/// An entry that is being opened.
pub struct Opening<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) data: Value,
    pub(crate) resources: &'a Arc<Resources>,
    /// Entries that are being opened because one needs the other, this one last.
    pub(crate) way: Vec<EntryId>,
    /// What it is made from so far.
    pub(crate) basis: RefCell<Basis>,
}

impl Opening<'_> {
    /// The entry as it was written.
    pub fn entry(&self) -> &Entry {
        self.entry
    }

    /// Its id.
    pub fn id(&self) -> &EntryId {
        self.entry.id()
    }

    /// Its data with placeholders resolved.
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// The data as a Rust type.
    ///
    /// # Errors
    ///
    /// `Invalid` with the field; the checks of the registry leave little to find.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        from_value(self.data.clone()).map_err(|error| {
            Failure::invalid(format!("{}: {error}", self.id())).with_detail("entry", self.id().to_string())
        })
    }

    /// The id that a reference means: `name` stands for an entry of the same namespace.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is no id.
    pub fn resolve(&self, reference: &str) -> Result<EntryId, Failure> {
        EntryId::relative(reference, self.id().namespace()).map_err(|error| {
            Failure::invalid(format!("{}: `{reference}` is no entry id: {error}", self.id()))
        })
    }

    /// The live thing of another entry; this one is opened anew when the other changes.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such entry, `Invalid` when it is something else or needs this one, and why it cannot be
    /// opened.
    pub fn resource<T: Send + Sync + 'static>(&self, reference: &str) -> Result<Arc<T>, Failure> {
        let (id, opened) = self.follow(reference)?;
        crate::resources::cast(&id, opened.value)
    }

    /// The service of another entry; this one is opened anew when the other changes.
    pub(crate) fn unit(&self, reference: &str) -> Result<Unit, Failure> {
        let (id, opened) = self.follow(reference)?;
        let service = opened
            .service
            .ok_or_else(|| Failure::invalid(format!("{id} is no service: it does not run by itself")))?;
        let entry = self.host().registry.snapshot().get(&id).cloned();
        let lifecycle = entry.map(|entry| Lifecycle::of(&entry)).transpose()?.unwrap_or_default();
        Ok(Unit { id, service, lifecycle, statuses: self.shared().get() })
    }

    /// Another entry, open; this one is opened anew when the other is.
    pub(crate) fn follow(&self, reference: &str) -> Result<(EntryId, Opened), Failure> {
        let id = self.resolve(reference)?;
        let (opened, basis) = self.resources.open(&id, &self.way)?;
        self.basis.borrow_mut().all(&basis);
        Ok((id, opened))
    }

    /// Says that this entry is made from another one as well, so that it is opened anew when that one changes.
    pub fn depends_on(&self, entry: &Arc<Entry>) {
        self.basis.borrow_mut().entry(entry);
    }

    /// Says that this entry is made from a value that may change, so that it is opened anew when it does. To be called before
    /// the value is read.
    pub fn depends_on_value(&self, stamp: &Stamp) {
        self.basis.borrow_mut().value(stamp);
    }

    /// The live things of the host, for a service that looks others up while it runs.
    pub fn resources(&self) -> &Arc<Resources> {
        self.resources
    }

    /// The folder that relative paths begin at: the application's.
    pub fn folder(&self) -> Option<&Path> {
        self.host().folder.as_deref()
    }

    /// What the host lets entries reach.
    pub fn allowed(&self) -> &Allowed {
        &self.host().allowed
    }

    /// What exists once in the host.
    pub fn shared(&self) -> &Shared {
        &self.host().shared
    }

    /// The host.
    pub fn host(&self) -> &Arc<Host> {
        self.resources.host()
    }
}

/// Reads a duration such as `1m30s`, for `#[serde(deserialize_with)]`.
///
/// # Errors
///
/// When it is none.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    perilune_registry::parse_duration(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is no duration such as 30s, 500ms or 1m30s"))
    })
}

/// As [`duration`], for a field that may be absent.
///
/// # Errors
///
/// When it is none.
pub fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// Reads a size such as `64MiB`, for `#[serde(deserialize_with)]`.
///
/// # Errors
///
/// When it is none.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let text = String::deserialize(deserializer)?;
    perilune_registry::parse_bytes(&text)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no size such as 64MiB")))
}
