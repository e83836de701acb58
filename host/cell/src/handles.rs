//! Handles: what a cell has open on the host, such as a database, a transaction, a file, a stream.
//!
//! A handle is a number that only its own cell can use. What it stands for is closed by being dropped: when the cell says so,
//! and at the latest when the call ends.

use perilune_value::{Failure, Kind};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// Names something open within one cell. Never used twice.
pub type Handle = u64;

/// A script that opens things in a loop must not use up the host's file descriptors and connections.
const MOST: usize = 1_000;

/// What one cell has open.
#[derive(Default)]
pub struct Handles {
    last: Handle,
    /// Those up to here were opened while the entry loaded, and live as long as its cell.
    loaded: Handle,
    open: HashMap<Handle, Arc<dyn Any + Send + Sync>>,
}

impl Handles {
    /// A handle for something open.
    ///
    /// # Errors
    ///
    /// `RateLimited` when too much is open.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) -> Result<Handle, Failure> {
        if self.open.len() >= MOST {
            let message = format!(
                "more than {MOST} things are open at once (files, streams, databases, statements): close some"
            );
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "handles"));
        }
        self.last += 1;
        self.open.insert(self.last, value);
        Ok(self.last)
    }

    /// The handle of something that is open already, for what is handed out again and again.
    pub fn find<T: Send + Sync + 'static>(&self, value: &Arc<T>) -> Option<Handle> {
        let value = Arc::as_ptr(value).cast::<()>();
        let is_it =
            |open: &Arc<dyn Any + Send + Sync>| open.is::<T>() && Arc::as_ptr(open).cast::<()>() == value;
        self.open.iter().find(|(_, open)| is_it(open)).map(|(handle, _)| *handle)
    }

    /// What a handle stands for.
    ///
    /// # Errors
    ///
    /// `Invalid` when it was closed, with its call or before, or is of another type: `what` names the thing, such as
    /// `transaction`.
    pub fn get<T: Send + Sync + 'static>(&self, handle: Handle, what: &str) -> Result<Arc<T>, Failure> {
        let open = self.open.get(&handle).cloned().and_then(|value| value.downcast().ok());
        open.ok_or_else(|| Failure::invalid(format!("this {what} is closed")))
    }

    /// Closes a handle. False when it was closed before.
    pub fn remove(&mut self, handle: Handle) -> bool {
        self.open.remove(&handle).is_some()
    }

    /// How many things are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The last handle that was given out, and the last of loading.
    pub(crate) fn given_out(&self) -> (Handle, Handle) {
        (self.last, self.loaded)
    }

    /// Nothing open, and handles that follow those: what the guest still knows of earlier ones must name nothing else.
    pub(crate) fn following((last, loaded): (Handle, Handle)) -> Self {
        Handles { last, loaded, ..Handles::default() }
    }

    /// What is open now outlives the call that begins.
    pub(crate) fn begin_call(&mut self) {
        self.loaded = self.last;
    }

    /// Closes what the call opened.
    pub(crate) fn end_call(&mut self) {
        if !self.open.is_empty() {
            let loaded = self.loaded;
            self.open.retain(|handle, _| *handle <= loaded);
        }
    }
}
