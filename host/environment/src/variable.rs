//! Variables: names for values in storages.

use crate::Storage;
use perilune_resource::Stamp;
use perilune_value::{Failure, Kind};
use std::sync::Arc;

/// What Linux lets one string of an environment have.
const MOST_BYTES: usize = 128 * 1024;

/// An `env.variable` entry.
pub struct Variable {
    pub(crate) id: String,
    /// What its value is kept under: its public name, or the name of an entry without one.
    pub(crate) key: String,
    pub(crate) storage: Arc<Storage>,
    pub(crate) default: Option<String>,
    pub(crate) readonly: bool,
}

impl Variable {
    /// Its value, or its default. May block.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the host does not let entries read it and there is no default; why the storage cannot be read.
    pub fn get(&self) -> Result<Option<String>, Failure> {
        match (self.storage.get(&self.key), &self.default) {
            (Ok(Some(value)), _) => Ok(Some(value)),
            (Ok(None), default) => Ok(default.clone()),
            // What may not be read counts as not set where there is a default.
            (Err(failure), Some(default)) if failure.kind == Kind::PermissionDenied => {
                Ok(Some(default.clone()))
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Sets its value; true when something was opened with the one before, which is outdated now. May block.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when it or its storage is read-only, `Invalid` for a value that no environment holds, `RateLimited` when
    /// the storage is full, and why it cannot be written.
    pub fn set(&self, value: &str) -> Result<bool, Failure> {
        if self.readonly {
            let message = format!("{} is `readonly`: it cannot be set", self.id);
            return Err(Failure::new(Kind::PermissionDenied, message));
        }
        if value.contains('\0') || value.len() > MOST_BYTES {
            let message = format!("the value of a variable has no NUL bytes and at most {MOST_BYTES} others");
            return Err(Failure::invalid(message));
        }
        self.storage.set(&self.key, value)
    }

    pub(crate) fn stamps(&self) -> Vec<Stamp> {
        self.storage.stamps(&self.key)
    }
}
