//! Where values are.

mod file;
mod fixed;
mod memory;
mod router;
mod system;

pub(crate) use file::File;
pub(crate) use fixed::Fixed;
pub(crate) use memory::Memory;
pub(crate) use router::Router;
pub(crate) use system::System;

use perilune_resource::Stamp;
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How a storage keeps values. Names are checked before.
pub(crate) trait Backend: Send + Sync {
    /// The value under a name.
    fn get(&self, name: &str) -> Result<Option<String>, Failure>;

    /// Sets a value, where that is possible.
    fn set(&self, name: &str, value: &str) -> Option<Result<(), Failure>> {
        let _ = (name, value);
        None
    }

    /// Storages behind this one.
    fn members(&self) -> &[Arc<Storage>] {
        &[]
    }
}

/// An `env.storage.*` entry.
pub struct Storage {
    id: String,
    backend: Box<dyn Backend>,
    /// Of names that somebody was made with: as many as there are variables.
    stamps: Mutex<HashMap<String, Stamp>>,
}

impl Storage {
    pub(crate) fn new(id: impl ToString, backend: impl Backend + 'static) -> Self {
        Storage { id: id.to_string(), backend: Box::new(backend), stamps: Mutex::default() }
    }

    /// The value under a name. May block.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for a name that the host does not allow, and why a file cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        self.backend.get(name)
    }

    /// Sets a value; true when something was made with the one before, which is outdated now. May block.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the storage cannot be written, `Invalid` for a name or value that it cannot hold, `RateLimited`
    /// when it is full, and why a file cannot be written.
    pub fn set(&self, name: &str, value: &str) -> Result<bool, Failure> {
        if let [first, ..] = self.backend.members() {
            return first.set(name, value);
        }
        let before = self.backend.get(name);
        let set = self.backend.set(name, value).unwrap_or_else(|| {
            let message = format!("{} is read-only: {name} cannot be set", self.id);
            Err(Failure::new(Kind::PermissionDenied, message))
        });
        set?;
        let is_new = !before.is_ok_and(|before| before.as_deref() == Some(value));
        Ok(is_new && self.lock().get(name).inspect(|stamp| stamp.changed()).is_some())
    }

    /// What counts the changes of a name, wherever its value may come from.
    pub(crate) fn stamps(&self, name: &str) -> Vec<Stamp> {
        match self.backend.members() {
            [] => vec![self.lock().entry(name.to_owned()).or_default().clone()],
            members => members.iter().flat_map(|member| member.stamps(name)).collect(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Stamp>> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
