//! What live cells find around them.

use perilune_cell::{Coverage, Host, Identity};
use perilune_modules::{CallContext, Heard, logger};
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
        let line = logger::message(line);
        tracing::info!(target: "perilune::print", entry = &*cell.entry, pid = %cell.pid, location, "{line}");
    }
}

/// Live cells: the machine's clock, real randomness.
pub(crate) struct Surroundings {
    pub(crate) output: Arc<dyn Output>,
    /// What is told which lines run, if anybody wants to know.
    pub(crate) coverage: Option<Arc<Coverage>>,
}

impl Host for Surroundings {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        self.output.print(cell, line, location);
    }

    fn print_in(&self, context: &(dyn Any + Send + Sync), cell: &Identity, line: &[u8], location: &str) {
        match context.downcast_ref::<CallContext>().and_then(|context| context.chain.listener()) {
            Some(listener) => listener.hear(&Heard {
                entry: &cell.entry,
                location,
                level: None,
                text: &logger::message(line),
            }),
            None => self.print(cell, line, location),
        }
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_deref()
    }
}
