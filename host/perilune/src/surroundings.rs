//! What live cells find around them.

use crate::pids::Pids;
use perilune_cell::{Event, Host, Identity, Message};
use perilune_modules::CallContext;
use perilune_value::{Failure, Kind, Value, args_from_msgpack};
use std::any::Any;
use std::sync::Arc;

/// Where printed lines go.
pub trait Output: Send + Sync + 'static {
    /// A line without its line end: any bytes. `location` is `entry:line`.
    fn print(&self, cell: &Identity, line: &[u8], location: &str);
}

impl<F: Fn(&Identity, &[u8], &str) + Send + Sync + 'static> Output for F {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        self(cell, line, location);
    }
}

/// Printed lines as log records, where nobody chose another output.
pub(crate) struct Log;

impl Output for Log {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        let line = perilune_modules::logger::message(line);
        tracing::info!(target: "perilune::print", entry = &*cell.entry, pid = %cell.pid, location, "{line}");
    }
}

/// Live cells: the machine's clock, real randomness, messages to other running cells.
pub(crate) struct Surroundings {
    pub(crate) output: Arc<dyn Output>,
    pub(crate) pids: Arc<Pids>,
}

impl Host for Surroundings {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        self.output.print(cell, line, location);
    }

    fn check(
        &self,
        cell: &Identity,
        context: &(dyn Any + Send + Sync),
        action: &str,
        resource: &str,
    ) -> Result<(), Failure> {
        let about = Value::from_iter([("pid", Value::from(cell.pid.to_string()))]);
        match context.downcast_ref::<CallContext>() {
            Some(context) => context.check_with(action, resource, &about),
            // Sources are parsed outside of any call, and run nothing.
            None => Err(Failure::new(Kind::PermissionDenied, format!("{action} outside of a call"))),
        }
    }

    fn send(&self, cell: &Identity, to: &str, topic: &str, payloads: Vec<u8>) -> Result<(), Failure> {
        // The receiver must not be bothered with bytes that are no values.
        args_from_msgpack(&payloads).map_err(|error| Failure::invalid(error.to_string()))?;
        let message = Message { topic: topic.to_owned(), sender: cell.pid.to_string(), payloads };
        self.pids.deliver(to, Event::Message(message))
    }
}
